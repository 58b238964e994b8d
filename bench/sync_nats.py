"""Growth, killed: three NATS nodes with three copies of the stream, two workers on one PostgreSQL, traffic all along.

    python -m bench sync --bus nats --json - [--node-kills 4] [--worker-kills 12]

Terminals are processes with their real outbox and link; they reach whichever node is there through a simulated load
balancer. At any moment at most one node and one worker are dead, by SIGKILL. What a terminal's process said was on
its disk is what must be in the database, once.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from bench.hub_servers import NatsNode, nats, postgres
from bench.sync import Said
from bench.sync_servers import ROOT, Server
from contracts.tickets import TicketEvent, TicketState
from hub.store import Store, early, events, opinions, refused, ticket_changes, tickets

SEED: Final = 20261129
KIOSKS: Final = 4
WORKERS: Final = 2
NODE_DOWN_S: Final = 3.0
NODE_UP_S: Final = 8.0  # to catch up before the next one goes: two of three must stand
WORKER_LIFE_S: Final = (1.0, 3.0)
DRAIN_S: Final = 300.0
HOST: Final = "127.0.0.1"


class Balancer:
    """A simulated load balancer: each connection goes to the next node that takes it."""

    def __init__(self, ports: Sequence[int]) -> None:
        self._ports, self._turn = list(ports), 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="balancer")
        self._server: asyncio.Server | None = None
        self.port = 0

    def start(self) -> None:
        """Listen on a free port."""
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(5)

    def stop(self) -> None:
        """End, with every connection."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._take, HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _end(self) -> None:
        if self._server is not None:
            self._server.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in self._ports:
            self._turn += 1
            with contextlib.suppress(OSError):
                onward = await asyncio.open_connection(HOST, self._ports[self._turn % len(self._ports)])
                await asyncio.gather(_pipe(reader, onward[1]), _pipe(onward[0], writer))
                return
        writer.close()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


def _kiosk(folder: Path, port: int, digit: int, seconds: float) -> subprocess.Popen[str]:
    command = ["bench.sync_kiosk", str(folder / f"k{digit}.db"), str(port), str(digit), str(seconds)]
    return subprocess.Popen([sys.executable, "-m", *command], cwd=ROOT, stdout=subprocess.PIPE, text=True)


def _kill_nodes(nodes: Sequence[NatsNode], times: int, kills: Counter[str]) -> None:
    for turn in range(times):
        nodes[turn % len(nodes)].kill()
        kills["node"] += 1
        time.sleep(NODE_DOWN_S)
        nodes[turn % len(nodes)].start()
        time.sleep(NODE_UP_S)


def _kill_workers(workers: Sequence[Server], times: int, chance: random.Random, kills: Counter[str]) -> None:
    for turn in range(times):
        time.sleep(chance.uniform(*WORKER_LIFE_S))
        workers[turn % len(workers)].kill()
        kills["worker"] += 1
        workers[turn % len(workers)].start()


def kill_all(folder: Path, node_kills: int, worker_kills: int, seed: int) -> dict[str, Any]:
    """Traffic and kills, then peace, then what the database holds."""
    kills, said = Counter[str](), Said()
    with postgres() as database, nats(3) as nodes:
        url = database.database("growth")
        Store(url).close()
        balancer = Balancer([node.mqtt_port for node in nodes])
        balancer.start()
        command = (
            "hub", "worker", "--database", url, "--nats", ",".join(node.url for node in nodes), "--replicas", "3",
            "--broker", ",".join(f"{HOST}:{node.mqtt_port}" for node in nodes),
        )  # fmt: skip
        workers = [Server(*command) for _ in range(WORKERS)]
        began_s = time.monotonic()
        try:
            for worker in workers:
                worker.start()
            lasting_s = node_kills * (NODE_DOWN_S + NODE_UP_S) + 5.0
            terminals = [_kiosk(folder, balancer.port, digit, lasting_s) for digit in range(KIOSKS)]
            work: list[tuple[Callable[..., None], tuple[Any, ...]]] = [
                (_kill_nodes, (nodes, node_kills, kills)),
                (_kill_workers, (workers, worker_kills, random.Random(seed), kills)),
            ]
            threads = [threading.Thread(target=what, args=arguments) for what, arguments in work]
            for thread in threads:
                thread.start()
            left = _wait_for(terminals, said)
            for thread in threads:
                thread.join()
        finally:
            for worker in workers:
                worker.stop()
            balancer.stop()
        found = _compare(url, said, left)
    return {"kills": dict(kills), "traffic_s": round(time.monotonic() - began_s, 1), **found}


def _wait_for(terminals: Sequence[subprocess.Popen[str]], said: Said) -> int:
    """Read what each said until it ends; how many never got rid of everything they owed."""
    left = 0
    for process in terminals:
        try:
            out, _ = process.communicate(timeout=DRAIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            out, _ = process.communicate()
        said.take(out.splitlines(keepends=True))
        left += bool(process.returncode)
    return left


def _compare(url: str, said: Said, left: int) -> dict[str, Any]:
    store = Store(url)
    rows = {(row["day"], row["number"]): row["state"] for row in store.rows(sa.select(tickets))}
    changes = [
        (row["event"], row["day"], row["number"]) for row in store.rows(sa.select(ticket_changes).order_by("id"))
    ]
    accepted = Counter((day, number) for event, day, number in changes if event == TicketEvent.ACCEPTED)
    finished = Counter((day, number) for event, day, number in changes if event == TicketEvent.FINISHED)
    moments = Counter((row["log"], row["seq"]) for row in store.rows(sa.select(events)))
    given = sum(row["kind"] == "opinion_given" for row in store.rows(sa.select(events.c.kind)))
    scores = len(store.rows(sa.select(opinions.c.id)))
    parked = len(store.rows(sa.select(early.c.seq)))
    refusals = Counter(row["reason"] for row in store.rows(sa.select(refused.c.reason)))
    store.close()
    lost = {
        "tickets": len(set(said.tickets) - set(rows)),
        "opinions": len(said.opinions - set(moments)),
        "finished": sum(rows.get(ticket) != TicketState.DONE for ticket in said.finished),
        "refused": sum(refusals.values()),
        "parked_for_ever": parked,
        "terminals_that_never_got_rid_of_everything": left,
    }
    twice = {
        "tickets": sum(count - 1 for count in accepted.values()),
        "events": sum(count - 1 for count in moments.values()),
        "opinions": scores - given,
        "finished": sum(count - 1 for count in finished.values()),
    }
    return {
        "tickets": len(rows),
        "events": len(moments),
        "duplicate_numbers": len(said.tickets) - len(set(said.tickets)),
        "lost": sum(lost.values()),
        "lost_what": lost,
        "applied_twice": sum(twice.values()),
        "applied_twice_what": twice,
    }


def main(argv: Sequence[str]) -> dict[str, Any]:
    """The figures; `lost` and `applied_twice` count everything."""
    arguments = argparse.ArgumentParser(prog="bench sync --bus nats", description=__doc__)
    arguments.add_argument("--node-kills", type=int, default=4)
    arguments.add_argument("--worker-kills", type=int, default=12)
    arguments.add_argument("--seed", type=int, default=SEED)
    given = arguments.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        found = kill_all(Path(folder), given.node_kills, given.worker_kills, given.seed)
    return {
        "bus": "nats",
        **found,
        "condition": f"three NATS nodes on loopback, three copies, {WORKERS} workers, PostgreSQL, {KIOSKS} terminals "
        f"as processes behind a simulated load balancer; SIGKILL; seed {given.seed}",
    }
