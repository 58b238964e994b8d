"""Hub, broker and terminals killed again and again in traffic, then 72 hours without network: nothing lost or doubled.

    python -m bench sync --json - [--kills 200] [--reconnections 5] [--bus mosquitto]

Every process is real and dies by SIGKILL. What a terminal's process said was on its disk is what must be at the hub.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import random
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from bench.sync_live import HOURS, reconnect
from bench.sync_servers import ROOT, Server, broker, hub

SEED: Final = 20261121
KIOSKS: Final = 3
SHARES: Final = {"hub": 0.2, "broker": 0.2}  # of the kills; the terminals have the rest
LIVES_S: Final = {"hub": (0.3, 2.0), "broker": (0.3, 2.0), "kiosk": (0.2, 1.5)}  # from ready to killed
DRAIN_S: Final = 240.0
OTHER_BUSES: Final = {"nats": "bench.sync_nats"}
"""Name of a bus → the module whose `main(argv)` runs this bench on it."""


class Said:
    """What the terminals said was on disk."""

    def __init__(self) -> None:
        self.tickets: list[tuple[str, str]] = []
        self.opinions: set[tuple[str, int]] = set()
        self.finished: set[tuple[str, str]] = set()

    def take(self, lines: Sequence[str]) -> None:
        """Lines of one process; its last one may be cut off by the kill, and is not counted then."""
        for line in lines:
            match line.split():
                case ["ticket", day, number] if line.endswith("\n"):
                    self.tickets.append((day, number))
                case ["opinion", log, seq] if line.endswith("\n"):
                    self.opinions.add((log, int(seq)))
                case ["finished", day, number] if line.endswith("\n"):
                    self.finished.add((day, number))


def _kiosk(folder: Path, port: int, digit: int, seconds: float) -> subprocess.Popen[str]:
    command = ["bench.sync_kiosk", str(folder / f"k{digit}.db"), str(port), str(digit), str(seconds)]
    return subprocess.Popen(
        [sys.executable, "-m", *command], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def _kill_server(server: Server, times: int, name: str, chance: random.Random, kills: Counter[str]) -> None:
    for _ in range(times):
        time.sleep(chance.uniform(*LIVES_S[name]))
        server.kill()
        kills[name] += 1
        server.start()


def _kill_kiosk(
    folder: Path, port: int, digit: int, times: int, chance: random.Random, kills: Counter[str], said: Said
) -> None:
    for _ in range(times):
        process = _kiosk(folder, port, digit, 0)
        assert process.stdout is not None and process.stderr is not None
        first = process.stdout.readline()
        time.sleep(chance.uniform(*LIVES_S["kiosk"]))
        process.kill()
        kills["kiosk"] += 1
        said.take([first, *process.stdout.readlines()])
        process.wait()
        process.stdout.close()
        process.stderr.close()


def _drain(folder: Path, port: int, said: Said) -> list[str]:
    """Each terminal a last time: it works for a second, and ends when the hub has everything; what was left over."""
    left = []
    processes = [_kiosk(folder, port, digit, 1.0) for digit in range(KIOSKS)]
    for process in processes:
        try:
            out, err = process.communicate(timeout=DRAIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            err += "did not end"
        said.take(out.splitlines(keepends=True))
        if process.returncode:
            left.append(err.strip().splitlines()[-1] if err.strip() else "died")
    return left


def kill_all(folder: Path, kills_wanted: int, seed: int) -> dict[str, Any]:
    """Traffic and kills, then peace, then what the hub's database holds."""
    began = time.monotonic()
    message_broker = broker(folder / "broker")
    port = message_broker.ready["port"]
    database = folder / "hub.db"
    server = hub(port, database)
    said, kills = Said(), Counter[str]()
    wanted = {name: round(kills_wanted * share) for name, share in SHARES.items()}
    each = -(-(kills_wanted - sum(wanted.values())) // KIOSKS)
    work: list[tuple[Callable[..., None], tuple[Any, ...]]] = [
        (_kill_server, (server, wanted["hub"], "hub", random.Random(seed), kills)),
        (_kill_server, (message_broker, wanted["broker"], "broker", random.Random(seed + 1), kills)),
        *(
            (_kill_kiosk, (folder, port, digit, each, random.Random(seed + 2 + digit), kills, said))
            for digit in range(KIOSKS)
        ),
    ]
    threads = [threading.Thread(target=what, args=arguments) for what, arguments in work]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        left = _drain(folder, port, said)
    finally:
        server.stop()
        message_broker.kill()
    return {
        "kills": sum(kills.values()),
        "killed": dict(kills),
        "traffic_s": round(time.monotonic() - began, 1),
        **_compare(database, said, left),
    }


def _compare(database: Path, said: Said, left: list[str]) -> dict[str, Any]:
    db = sqlite3.connect(database)
    tickets = [(day, number) for day, number in db.execute("SELECT day, number FROM tickets")]
    states = {(day, number): state for day, number, state in db.execute("SELECT day, number, state FROM tickets")}
    accepted = Counter(
        (day, number) for day, number in db.execute("SELECT day, number FROM ticket_changes WHERE event = 'accepted'")
    )
    events = Counter((log, seq) for log, seq in db.execute("SELECT log, seq FROM events"))
    opinions = db.execute("SELECT count(*) FROM opinions").fetchone()[0]
    given = db.execute("SELECT count(*) FROM events WHERE kind = 'opinion_given'").fetchone()[0]
    finished = Counter(
        (day, number) for day, number in db.execute("SELECT day, number FROM ticket_changes WHERE event = 'finished'")
    )
    refused = dict(db.execute("SELECT reason, count(*) FROM refused GROUP BY reason"))
    db.close()
    lost = {
        "tickets": len(set(said.tickets) - set(tickets)),
        "opinions": len(said.opinions - set(events)),
        "finished": sum(states.get(ticket) != "done" for ticket in said.finished),
        "refused": sum(refused.values()),
        "terminals_that_never_got_rid_of_everything": len(left),
    }
    twice = {
        "tickets": sum(count - 1 for count in accepted.values()) + len(tickets) - len(set(tickets)),
        "events": sum(count - 1 for count in events.values()),
        "opinions": opinions - given,
        "finished": sum(count - 1 for count in finished.values()),
    }
    return {
        "tickets": len(tickets),
        "events": len(events),
        "finished_at_terminals": len(said.finished),
        "duplicate_numbers": len(said.tickets) - len(set(said.tickets)),
        "lost": sum(lost.values()),
        "lost_what": lost,
        "refused_why": refused,
        "applied_twice": sum(twice.values()),
        "applied_twice_what": twice,
        "left_over": left,
    }


def after_three_days(folder: Path, reconnections: int) -> dict[str, Any]:
    """Terminals come back one after the other, each with three days to tell."""
    message_broker = broker(folder / "broker")
    database = folder / "hub.db"
    server = hub(message_broker.ready["port"], database)
    try:
        came = [
            asyncio.run(reconnect(folder, message_broker.ready["port"], database, digit))
            for digit in range(reconnections)
        ]
    finally:
        server.stop()
        message_broker.kill()
    return {
        "hours": HOURS,
        "reconnections": came,
        "lost": sum(one["lost"] for one in came),
        "applied_twice": sum(one["applied_twice"] for one in came),
        "live_state_after_reconnect_ms": max(one["live_ms"] if one["live_ms"] >= 0 else float("inf") for one in came),
    }


def main(argv: Sequence[str]) -> dict[str, Any]:
    """Both parts together. `lost` and `applied_twice` are of both; the live state's time is the slowest of all."""
    arguments = argparse.ArgumentParser(prog="bench sync", description=__doc__)
    arguments.add_argument("--kills", type=int, default=200)
    arguments.add_argument("--reconnections", type=int, default=5)
    arguments.add_argument("--bus", choices=("mosquitto", *OTHER_BUSES), default="mosquitto")
    arguments.add_argument("--seed", type=int, default=SEED)
    given, rest = arguments.parse_known_args(argv)
    if given.bus != "mosquitto":
        found: dict[str, Any] = importlib.import_module(OTHER_BUSES[given.bus]).main(rest)
        return found
    if rest:
        raise ValueError(f"unknown: {' '.join(rest)}")
    with tempfile.TemporaryDirectory() as folder:
        killed = kill_all(Path(folder), given.kills, given.seed)
    with tempfile.TemporaryDirectory() as folder:
        alone = after_three_days(Path(folder), given.reconnections)
    return {
        "bus": given.bus,
        "lost": killed["lost"] + alone["lost"],
        "applied_twice": killed["applied_twice"] + alone["applied_twice"],
        "live_state_after_reconnect_ms": alone["live_state_after_reconnect_ms"],
        "kills": killed,
        "cut_off": alone,
        "condition": f"Mosquitto, hub on SQLite, {KIOSKS} terminals as processes; SIGKILL; 72 hours by the terminals'"
        f" clocks; seed {given.seed}",
    }
