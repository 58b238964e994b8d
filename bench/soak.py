"""Memory while people talk to the terminal without a break.

    python -m bench soak [--minutes N | --full] --json -

The whole running kiosk at real pace: recorded visitors come one after the other and talk in both languages, interrupt,
mumble, take tickets. Every few seconds the private memory of core and screen is read; the slope is the least-squares
line through what came after warm-up. `--full` is an hour after warm-up; the default, some minutes of it, has a wide
error, which is stated.

The slope is that of the private pages that only the process itself could give back (Private_Dirty of smaps_rollup).
Unchanged pages of libraries and models (Private_Clean) are reported beside it: the kernel takes them away when it needs
them, and they come and go with other processes, because a page that a second process maps counts as shared. A bench
that opened the same models beside a soak made them fall by 68 MB in a second, and rise again at its end.

A visit takes some megabytes for a while and gives them back, more or less of them by what is said. The line through the
lowest readings, one of each VISIT_S, is told beside the other: what stays when a visit is over.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import math
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from config.scenario import load_scenario
from config.schema import load_site
from kiosk.runtime.supervisor import Supervisor
from kiosk.scenario.demo import DemoOptions, run_demo

SCENARIO: Final = Path(__file__).parent / "data" / "soak.yaml"
PROCESSES: Final = ("core", "screen")
EVERY_S: Final = 5.0
TOLD_EVERY_S: Final = 60.0
VISIT_S: Final = 150.0  # a visit and the pause after it take two minutes and a little
WARM_UP_MIN: Final = 5.0
DEFAULT_MIN: Final = 12.0
FULL_MIN: Final = 65.0
MB: Final = 1_000_000

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Memory:
    """The private pages of a process: written by it, and unchanged since they were read from a file."""

    own_mb: float
    unchanged_mb: float
    threads: int


def main(argv: Sequence[str]) -> dict[str, Any]:
    arguments = argparse.ArgumentParser(prog="python -m bench soak", description=__doc__)
    arguments.add_argument("--minutes", type=float, default=DEFAULT_MIN, help="in all, the warm-up among them")
    arguments.add_argument("--full", action="store_true", help="an hour after the warm-up")
    given = arguments.parse_args(argv)
    minutes = FULL_MIN if given.full else given.minutes
    if minutes <= WARM_UP_MIN + 1:
        raise ValueError(f"--minutes must be more than {WARM_UP_MIN + 1:g}: {WARM_UP_MIN:g} are warm-up")
    seen: dict[str, list[tuple[float, Memory]]] = {name: [] for name in PROCESSES}

    async def look(supervisor: Supervisor) -> None:
        for reading in itertools.count():
            for name in PROCESSES:
                memory = _memory(supervisor, name)
                if memory:
                    seen[name].append((time.monotonic(), memory))
            if reading % round(TOLD_EVERY_S / EVERY_S) == 0:
                now = ", ".join(f"{name} {_lately(rows)} MB" for name, rows in seen.items() if rows)
                print(f"{reading * EVERY_S / 60:.0f} min: {now or 'not started yet'}", file=sys.stderr)
            await asyncio.sleep(EVERY_S)

    with tempfile.TemporaryDirectory() as folder:
        options = DemoOptions(
            scenario=load_scenario(SCENARIO), site=load_site(), out=Path(folder), headless=True, film=False,
            again_for_s=minutes * 60,
        )  # fmt: skip
        account = asyncio.run(run_demo(options, lambda line: print(line, file=sys.stderr), look))
    found = {name: _told(rows) for name, rows in seen.items()}
    return {
        "slope_mb_per_h": round(sum(one["mb_per_h"] for one in found.values()), 2),
        "error_mb_per_h": round(math.hypot(*(one["error_mb_per_h"] for one in found.values())), 2),
        "at_rest_mb_per_h": round(sum(one["at_rest_mb_per_h"] for one in found.values()), 2),
        "minutes": minutes,
        "warm_up_minutes": WARM_UP_MIN,
        "visits": account["tallies"]["visits"],
        "visits_failed": account["tallies"]["visits_failed"],
        "failures": {name: times for name, times in account["tallies"].items() if name.startswith("failed_")},
        "failures_of_the_last": account["failures"],
        "restarts": account["restarts"],
        "processes": found,
        "condition": "whole kiosk at real pace, face at 30 frames a second off-screen, recorded synthetic visitors",
    }


def _lately(rows: Sequence[tuple[float, Memory]]) -> str:
    """The lowest and the highest reading since the one that was told before."""
    some = [memory.own_mb for _, memory in rows[-round(TOLD_EVERY_S / EVERY_S) :]]
    return f"{min(some):.1f} to {max(some):.1f}"


def _memory(supervisor: Supervisor, name: str) -> Memory | None:
    """The private pages of a running child. None: not started yet, or ended."""
    try:
        return read_memory(supervisor.pid(name))
    except (StopIteration, OSError):
        return None


def read_memory(pid: int) -> Memory:
    """The private pages of a process now. Raises OSError when there is no such process."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text("utf-8")
    pairs = (line.split()[:2] for line in text.splitlines() if line.startswith("Private_"))
    pages_mb = {kind: int(kib) * 1024 / MB for kind, kib in pairs}
    return Memory(
        pages_mb["Private_Dirty:"], pages_mb["Private_Clean:"], len(list(Path(f"/proc/{pid}/task").iterdir()))
    )


def _told(rows: Sequence[tuple[float, Memory]]) -> dict[str, Any]:
    """The slope of a process's own pages; its unchanged pages and its threads at the warm-up's end and at the last."""
    found = slope([(at, memory.own_mb) for at, memory in rows])
    ends = rows[-found["readings"]][1], rows[-1][1]
    return {
        **found,
        "unchanged_mb": [round(one.unchanged_mb, 1) for one in ends],
        "threads": [one.threads for one in ends],
    }


def slope(rows: Sequence[tuple[float, float]], warm_up_min: float = WARM_UP_MIN) -> dict[str, Any]:
    """The line through (seconds, megabytes) after the warm-up, in MB an hour, with twice its standard error.

    The error takes neighbouring readings as one: a visit's rise and fall would otherwise count as independent.
    """
    if not rows:
        raise ValueError("the memory of a process could not be read")
    kept = [(at, mb) for at, mb in rows if at - rows[0][0] >= warm_up_min * 60]
    if len(kept) < 8:
        raise ValueError("too few readings after the warm-up; let it run longer")
    hours, mb = (np.array(column) for column in zip(*kept, strict=True))
    hours = (hours - hours[0]) / 3600
    a, b = np.polyfit(hours, mb, 1)
    residual = mb - (a * hours + b)
    lag_one = float(np.corrcoef(residual[:-1], residual[1:])[0, 1]) if residual.std() > 0 else 0.0
    independent = max(3.0, len(kept) * (1 - lag_one) / (1 + lag_one))
    error = 2 * residual.std() / (hours.std() * math.sqrt(independent)) if hours.std() else 0.0
    return {
        "mb_per_h": round(float(a), 3),
        "error_mb_per_h": round(float(error), 3),
        "last_half_mb_per_h": round(float(np.polyfit(hours[len(mb) // 2 :], mb[len(mb) // 2 :], 1)[0]), 3),
        "at_rest_mb_per_h": round(_at_rest(hours, mb), 3),
        "start_mb": round(float(mb[0]), 1),
        "end_mb": round(float(mb[-1]), 1),
        "every_five_minutes_mb": [round(float(one), 1) for one in mb[:: int(300 / EVERY_S)]],
        "readings": len(kept),
    }


def _at_rest(hours: Floats, mb: Floats) -> float:
    """The line through the lowest readings, one of each VISIT_S, in MB an hour."""
    visit = (hours * 3600 // VISIT_S).astype(int)
    lowest = [np.flatnonzero(visit == one)[mb[visit == one].argmin()] for one in np.unique(visit)]
    return float(np.polyfit(hours[lowest], mb[lowest], 1)[0]) if len(lowest) > 1 else 0.0
