"""`python -m hub.corebank` runs the simulated core bank until it is told to stop."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import socket
import sys
from collections.abc import Iterator
from datetime import date

import uvicorn

from hub.corebank.bank import Bank
from hub.corebank.server import Simulation, Weather, build_app

GRACE_S = 1


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(port: int, simulation: Simulation) -> None:
    """Serve on loopback; one JSON line says where, once it listens."""
    listening = socket.create_server(("127.0.0.1", port))
    config = uvicorn.Config(
        build_app(simulation), log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=GRACE_S
    )
    server = _Server(config)

    def stop() -> None:
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    print(json.dumps({"ready": True, "http": address, "simulated": True}), flush=True)
    try:
        await server.serve(sockets=[listening])
    finally:
        listening.close()


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m hub.corebank", description="A simulated core bank. Not a bank.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--seed", type=int, default=1, help="of customers, delays and failures")
    parser.add_argument("--today", type=date.fromisoformat, default=None, help="its business day; default: today")
    parser.add_argument("--latency-ms", type=int, default=60)
    parser.add_argument("--jitter-ms", type=int, default=40)
    parser.add_argument("--fail-share", type=float, default=0.0)
    parser.add_argument("--lose-share", type=float, default=0.0)
    told = parser.parse_args(argv)
    try:
        weather = Weather(
            latency_ms=told.latency_ms,
            jitter_ms=told.jitter_ms,
            fail_share=told.fail_share,
            lose_share=told.lose_share,
        )
    except ValueError as err:
        parser.error(str(err))
    today = told.today or date.today()
    try:
        asyncio.run(serve(told.port, Simulation(lambda: Bank(told.seed, today), weather, told.seed)))
    except OSError as err:
        print(f"cannot listen on port {told.port}: {err.strerror}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
