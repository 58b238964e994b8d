"""What the hub bears: `python -m bench hub --kiosks N --json -`.

Simulated kiosks speak to a real Mosquitto; real hub workers apply it into SQLite or a real PostgreSQL. Measured:
messages a second, the delay from a kiosk's publishing to the hub's acknowledgement (the row is in the database and
visible to whoever asks by then), memory and processor of each part, the highest rate that one and two workers reach,
and what a kiosk costs as their number doubles. Everything runs on this machine, the simulated kiosks included.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from bench.hub_servers import postgres
from hub.store import Store, events, tickets

ROOT: Final = Path(__file__).parents[1]
SECONDS: Final = 40.0
EVERY_S: Final = 5.0
BURST_S: Final = 10.0
BURST_RATE: Final = 1_500.0  # offered a second, more than is applied: what comes out is the most that is borne
HOST: Final = "127.0.0.1"
TICKS_HZ: Final = os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class Process:
    """One of ours, with what it has used."""

    name: str
    popen: subprocess.Popen[str]
    ready: dict[str, Any]

    @property
    def pid(self) -> int:
        return int(self.ready.get("pid", self.popen.pid))

    def cpu_s(self) -> float:
        """Processor time until now."""
        fields = Path(f"/proc/{self.pid}/stat").read_text("ascii").rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_HZ

    def rss_mb(self) -> float:
        """Memory now."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text("ascii").split()[1])
        return round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)


def start(name: str, *arguments: str) -> Process:
    """Start `python -m …` and wait for its line of JSON."""
    popen = subprocess.Popen(
        [sys.executable, "-m", *arguments], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert popen.stdout is not None
    line = popen.stdout.readline()
    if not line:
        raise OSError(f"{name} did not start: it ended with {popen.wait()}")
    return Process(name, popen, json.loads(line))


def stop(process: Process) -> None:
    """Ask it to end."""
    process.popen.terminate()
    try:
        process.popen.wait(10)
    except subprocess.TimeoutExpired:
        process.popen.kill()
        process.popen.wait()
    if process.popen.stdout is not None:
        process.popen.stdout.close()


@contextlib.contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    """An empty database's URL."""
    if kind == "sqlite":
        yield f"sqlite:///{folder}/hub.db"
        return
    with postgres() as server:
        yield server.database("bench")


def stage(
    kind: str, *, kiosks: int, workers: int, seconds: float, every_s: float, together: bool = False
) -> dict[str, Any]:
    """One run on fresh servers: what went in, what came out, what it cost."""
    with tempfile.TemporaryDirectory(prefix="yingbin-bench-") as name, database(kind, Path(name)) as url:
        broker = start("broker", "hub", "broker", "--dir", f"{name}/broker", "--engine", "mosquitto")
        port = int(broker.ready["port"])
        running = [broker]
        try:
            Store(url).close()
            share = () if workers > 1 else ("--no-share",)
            command = ("hub", "worker", "--broker", f"{HOST}:{port}", "--database", url, *share)
            running += [start(f"worker {number + 1}", *command) for number in range(workers)]
            return _measure(running, port, url, kiosks, seconds, every_s, together=together)
        finally:
            for process in reversed(running):
                stop(process)


def _measure(
    running: Sequence[Process], port: int, url: str, kiosks: int, seconds: float, every_s: float, *, together: bool
) -> dict[str, Any]:
    used_s = {process.name: process.cpu_s() for process in running}
    began_s = time.monotonic()
    crowd = subprocess.Popen(
        [sys.executable, "-m", "bench.hub_kiosks", "--port", str(port), "--kiosks", str(kiosks), "--first", "0",
         "--seconds", str(seconds), "--every-s", str(every_s), *(["--together"] if together else [])],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    told, _ = crowd.communicate(timeout=seconds + 240)
    took_s = time.monotonic() - began_s
    if crowd.returncode:
        raise OSError(f"the simulated kiosks ended with {crowd.returncode}")
    said = json.loads(told)
    store = Store(url)
    with store.read() as db:
        count = [sa.select(sa.func.count()).select_from(one) for one in (events, tickets)]
        stored = [int(db.execute(query).scalar() or 0) for query in count]
        once = sa.select(events.c.branch, events.c.device, events.c.log, events.c.seq).distinct().subquery()
        distinct = int(db.execute(sa.select(sa.func.count()).select_from(once)).scalar() or 0)
    store.close()
    delays = said.pop("delays_ms")
    return {
        "kiosks": kiosks,
        "offered_per_s": round(kiosks / every_s, 1),
        "per_s": round(len(delays) / took_s, 1),
        "sent": said["sent"],
        "resent": said["resent"],
        "lost": said["sent"] - sum(stored),
        "applied_twice": stored[0] - distinct,
        "never_acknowledged": said["never_acknowledged"],
        "delay_p50_ms": percentile(delays, 50),
        "delay_p99_ms": percentile(delays, 99),
        "sending_late_s": round(said["late_sending_s"], 2),
        "cpu_share": {process.name: round((process.cpu_s() - used_s[process.name]) / took_s, 3) for process in running},
        "rss_mb": {process.name: process.rss_mb() for process in running},
    }


def percentile(values: Sequence[float], share: int) -> float | None:
    """A percentile in the values' unit; None where there are too few."""
    if len(values) < 2:
        return None
    return round(statistics.quantiles(values, n=100, method="inclusive")[share - 1], 1)


def scaling(kind: str, kiosks: int, seconds: float) -> dict[str, Any]:
    """The most that one worker and two apply, offered more than that."""
    found = {}
    for workers in (1, 2):
        run = stage(kind, kiosks=kiosks, workers=workers, seconds=seconds, every_s=kiosks / BURST_RATE)
        found[f"workers_{workers}"] = run
    return found


def doubling(kind: str, kiosks: int, seconds: float) -> list[dict[str, Any]]:
    """What a kiosk costs at a quarter, a half and all of them."""
    rows = []
    for count in (max(kiosks // 4, 1), max(kiosks // 2, 1), kiosks):
        run = stage(kind, kiosks=count, workers=1, seconds=seconds, every_s=EVERY_S)
        cost = sum(run["cpu_share"].values())
        rows.append(
            {
                "kiosks": count,
                "cpu_share": round(cost, 3),
                "cpu_ms_per_kiosk_s": round(1000 * cost / count, 3),
                "rss_mb": round(sum(run["rss_mb"].values()), 1),
                "delay_p99_ms": run["delay_p99_ms"],
                "lost": run["lost"],
            }
        )
    return rows


def main(argv: Sequence[str]) -> dict[str, Any]:
    """All figures. `--quick` leaves out the doubling and the highest rates."""
    parser = argparse.ArgumentParser(prog="python -m bench hub", description=__doc__)
    parser.add_argument("--kiosks", type=int, default=2_000)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--quick", action="store_true", help="the load of N kiosks only")
    told = parser.parse_args(argv)
    if not 1 <= told.kiosks <= 20_000:
        raise ValueError("--kiosks is 1 to 20000: more do not fit into one process that simulates them")
    result: dict[str, Any] = {
        "condition": f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at start; kiosks simulated on the same "
        "machine over 8 connections; Mosquitto; one message per kiosk in 5 s, one of eight a ticket, at any time; "
        "`together`: every kiosk of the fleet takes its ticket in the same five seconds of forty",
        "kiosks": told.kiosks,
    }
    for kind in ("sqlite", "postgresql"):
        part: dict[str, Any] = {
            "load": stage(kind, kiosks=told.kiosks, workers=1, seconds=told.seconds, every_s=EVERY_S)
        }
        if not told.quick:
            part["together"] = stage(
                kind, kiosks=told.kiosks, workers=1, seconds=told.seconds, every_s=EVERY_S, together=True
            )
            part["most"] = scaling(kind, min(told.kiosks, 2_000), BURST_S)
            part["doubling"] = doubling(kind, told.kiosks, told.seconds / 2)
        result[kind] = part
    kinds = (result[kind] for kind in ("sqlite", "postgresql"))
    loads = [part[name] for part in kinds for name in ("load", "together") if name in part]
    result["lost"] = sum(load["lost"] for load in loads)
    result["applied_twice"] = sum(load["applied_twice"] for load in loads)
    result["delay_p99_ms"] = max(load["delay_p99_ms"] or 0.0 for load in loads)
    return result
