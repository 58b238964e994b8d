"""A broker for one machine: Mosquitto with a private configuration, or the embedded one where it is missing.

Loopback only. One JSON line when it answers; its child ends with it, also when this process is killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Final, Literal

log = logging.getLogger(__name__)

HOST: Final = "127.0.0.1"
ATTEMPTS: Final = 5
START_S: Final = 5.0
STOP_S: Final = 2.0
POLL_S: Final = 0.02
MAX_MESSAGE_BYTES: Final = 256 * 1024
Engine = Literal["auto", "mosquitto", "embedded"]
_PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h

CONFIGURATION: Final = """\
listener {port} {host}
allow_anonymous true
persistence true
persistence_location {folder}/
persistence_file mosquitto.db
autosave_interval 5
persistent_client_expiration 1d
max_packet_size {limit}
max_queued_messages 2000
max_inflight_messages 256
set_tcp_nodelay true
log_dest stderr
log_type error
log_type warning
"""


class BrokerError(OSError):
    """No broker could be started; `str()` says why and what to do."""


def find_mosquitto() -> str | None:
    """Debian puts it where ordinary users' PATH does not look."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


def run_broker(folder: Path, port: int, engine: Engine = "auto") -> int:
    """Run a broker until SIGTERM or SIGINT; the exit status. Port 0: a free one. Raises `BrokerError`."""
    folder.mkdir(parents=True, exist_ok=True)
    program = None if engine == "embedded" else find_mosquitto()
    if program is None:
        if engine == "mosquitto":
            raise BrokerError("mosquitto is not installed: apt-get install mosquitto")
        return _run_embedded(port)
    return _run_mosquitto(program, folder.resolve(), port)


def run_secured(folder: Path, trust: Path, database: str, ports: tuple[int, int, int]) -> int:
    """Run Mosquitto behind certificates (ports of terminals, workers, joining; 0: free ones) until it is told to stop.

    `trust`: the authority's folder; rights and revocations follow `database`. Raises `BrokerError`.
    """
    from hub.fleet.authority import Authority
    from hub.fleet.secured import TrustWatch, configuration
    from hub.store import Store

    program = find_mosquitto()
    if program is None:
        raise BrokerError("mosquitto is not installed: apt-get install mosquitto")
    folder.mkdir(parents=True, exist_ok=True)
    folder, trust = folder.resolve(), trust.resolve()
    authority = Authority(trust)
    for name, hosts in (("broker", (HOST, "localhost")), ("hub", ())):
        if not (trust / f"{name}.pem").exists():
            authority.service(name, hosts)
    store = Store(database)
    watch = TrustWatch(store, authority, folder)
    watch.write()
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    for _ in range(ATTEMPTS):
        chosen = (ports[0] or free_port(), ports[1] or free_port(), ports[2] or free_port())
        child = _run_child(program, folder, configuration(folder, trust, HOST, chosen, MAX_MESSAGE_BYTES))
        if all(_answers(child, port) for port in chosen):
            break
        child.kill()
        child.wait()
        if all(ports):
            raise BrokerError(f"mosquitto does not start on the ports {ports}: are they taken?")
    else:
        raise BrokerError(f"mosquitto did not start in {ATTEMPTS} attempts; run {program} by hand to see why")
    told = {"ready": True, "host": HOST, "port": chosen[0], "hub_port": chosen[1], "join_port": chosen[2]}
    print(json.dumps({**told, "broker": "mosquitto", "pid": child.pid}), flush=True)
    watch.watch(child.pid, chosen[1], HOST)
    while not stopping.wait(POLL_S * 10) and child.poll() is None:
        pass
    watch.stop()
    child.terminate()
    status = child.wait()
    store.close()
    return 0 if stopping.is_set() else status or 1


def free_port() -> int:
    """A port that nobody listens on now; somebody may by the time it is used, so callers try again."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _say_ready(port: int, name: str, pid: int) -> None:
    print(json.dumps({"ready": True, "host": HOST, "port": port, "broker": name, "pid": pid}), flush=True)


# --- Mosquitto ----------------------------------------------------------------------------------


def _run_mosquitto(program: str, folder: Path, port: int) -> int:
    stopping = False
    child: subprocess.Popen[bytes] | None = None

    def stop(_number: int, _frame: object) -> None:
        nonlocal stopping
        stopping = True
        if child is not None:
            child.terminate()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    for attempt in range(ATTEMPTS):
        chosen = port or free_port()
        child = _start_mosquitto(program, folder, chosen)
        if stopping:
            child.terminate()
        if _answers(child, chosen):
            _say_ready(chosen, "mosquitto", child.pid)
            break
        child.kill()
        child.wait()
        if stopping:
            return 0
        if port:
            raise BrokerError(f"mosquitto does not start on port {port}: is it taken? Choose another, or 0")
        log.warning("attempt %d: port %d was taken meanwhile", attempt + 1, chosen)
    else:
        raise BrokerError(f"mosquitto did not start in {ATTEMPTS} attempts; run {program} by hand to see why")
    status = child.wait()
    return 0 if stopping else status or 1


def _start_mosquitto(program: str, folder: Path, port: int) -> subprocess.Popen[bytes]:
    return _run_child(
        program, folder, CONFIGURATION.format(port=port, host=HOST, folder=folder, limit=MAX_MESSAGE_BYTES)
    )


def _run_child(program: str, folder: Path, configuration: str) -> subprocess.Popen[bytes]:
    if os.geteuid() == 0:
        configuration += "user root\n"  # else it changes to a user who may not write in `folder`
    path = folder / "mosquitto.conf"
    path.write_text(configuration, "utf-8")
    # a new session keeps the terminal's Ctrl-C from it: we pass the end on ourselves, once
    return subprocess.Popen(
        [program, "-c", str(path)], stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=_die_with_parent
    )


def _die_with_parent() -> None:
    """Between fork and exec: the kernel ends the child when this process is killed (man 2 prctl)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _answers(child: subprocess.Popen[bytes], port: int) -> bool:
    """Whether the child accepts connections before it ends or `START_S` is over."""
    deadline_s = time.monotonic() + START_S
    while time.monotonic() < deadline_s and child.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=POLL_S * 10):
            time.sleep(POLL_S)  # a child that lost the race for the port ends within this
            return child.poll() is None
        time.sleep(POLL_S)
    return False


# --- embedded -----------------------------------------------------------------------------------


def _run_embedded(port: int) -> int:
    """amqtt in this process: MQTT 3.1.1, kept in memory; enough for a demonstration."""
    for name in ("amqtt", "transitions"):  # it logs the tracebacks of errors that it also raises
        logging.getLogger(name).setLevel(logging.CRITICAL)
    asyncio.run(_serve_embedded(port))
    return 0


async def _serve_embedded(port: int) -> None:
    from amqtt.broker import Broker  # only where Mosquitto is missing: it costs half a second to import

    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    broker: Any = None
    for _ in range(ATTEMPTS):
        chosen = port or free_port()
        configuration = {
            "listeners": {"default": {"type": "tcp", "bind": f"{HOST}:{chosen}", "max_connections": 100}},
            "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
        }
        broker = Broker(configuration)
        try:
            await broker.start()
        except Exception as err:  # the supervisor of a foreign broker: its own errors share no base class
            log.warning("the embedded broker did not start: %s", type(err).__name__)
            if port:
                raise BrokerError(f"the embedded broker does not start on port {port}: is it taken?") from err
            continue
        _say_ready(chosen, "amqtt", os.getpid())
        await stopped.wait()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_S):
                await broker.shutdown()
        return
    raise BrokerError("the embedded broker did not start; install mosquitto: apt-get install mosquitto")
