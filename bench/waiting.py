"""Waits and forecasts against simulated days that nothing was fitted to.

    python -m bench waiting --json - [--history 30] [--days 24]

The simulator's parameters (`bench/branches/parameters.toml`) were committed before anything was fitted. Each branch
lives `history` days from which profile and calibration are made, then `days` days on which nothing is learnt. On each
of those, every ticket that has to wait is promised two figures when it is issued, the hub's and those of an oracle
that knows the simulator's rates; what came is held against both.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import numpy as np

from bench import forecasting
from bench.branches.arrivals import days
from bench.branches.foreseen import Foreseen
from bench.branches.house import RuleHouse
from bench.branches.looks import floor_now, visits
from bench.branches.oracle import Oracle
from bench.branches.parameters import load
from bench.branches.wire import WireHouse
from bench.branches.world import World
from config.routing import load_routing
from hub.foresight.calibration import NEUTRAL, Calibration, Kept, calibrate, score
from hub.foresight.profile import Prior, Profile, Visit, make_profile
from hub.foresight.waiting import Wait, Waits, waits
from hub.store import Store

SEED: Final = 20261130
FIRST: Final = date(2026, 3, 2)
CALIBRATING: Final = 10  # of the days of history: promises are made on them and kept to compare
HAS_TO_WAIT_S: Final = 60.0
STORED: Final = "gulou"  # the branch that is measured over a real store
STORED_UNTIL_S: Final = 11 * 3_600.0
ORACLE_PLAYS: Final = 240
PROCESSES: Final = 2


@dataclass(slots=True)
class Promised:
    """One ticket's promises, raw and as shown, and the oracle's."""

    service: str
    raw: Wait
    shown: Wait
    oracle: Wait | None
    waited_s: float = -1.0


@dataclass(slots=True)
class Book:
    """Promises made on one day, by number; how long making them took."""

    made: dict[str, Promised] = field(default_factory=dict)
    silent: int = 0  # 'cannot say yet'
    free: int = 0  # nobody to wait for
    update_ms: list[float] = field(default_factory=list)


def promise_day(world: World, day: Any, profile: Profile, calibration: Calibration, seed: int, *, oracle: bool) -> Book:
    """A day on which each new ticket is promised something."""
    book, draw = Book(), np.random.default_rng([seed, day.date.toordinal()])
    knowing: list[Oracle] = []

    def on_issue(branch: World, number: str) -> None:
        floor = floor_now(branch)
        began = time.process_time()
        found: Waits = waits(floor, profile, draw)
        book.update_ms.append(1000 * (time.process_time() - began))
        wait = found.tickets.get(number)
        if wait is None:
            book.silent += 1
            return
        if wait.p50_s < HAS_TO_WAIT_S:
            book.free += 1
            return
        best = None
        if oracle:
            if not knowing:
                knowing.append(Oracle(branch, seed))
            best = waits(floor, knowing[0], draw, ORACLE_PLAYS).tickets.get(number)
        service = branch.house.tickets[number].service
        book.made[number] = Promised(service, wait, calibration.of(wait), best)

    world.on_issue = on_issue
    world.run(day)
    world.on_issue = None
    for number, seen in world.house.tickets.items():
        called = seen.before[0][1] if seen.before else seen.called_s
        if number in book.made and called >= 0:
            book.made[number].waited_s = called - seen.came_s
    return book


def live(branch: str, history: int, tested: int, seed: int) -> dict[str, Any]:
    """One branch: history, then the days that are judged; what was promised and what came."""
    parameters = load()
    world = World(parameters, parameters.branches[branch], RuleHouse(), seed=seed)
    coming: Iterator[Any] = days(parameters, parameters.branches[branch], FIRST, seed)
    past: list[Visit] = []
    kept: list[Kept] = []
    for day in itertools.islice(coming, history - CALIBRATING):
        world.run(day)
        past += visits(world)
    profile = make_profile(past)
    assert profile is not None
    for day in itertools.islice(coming, CALIBRATING):
        book = promise_day(world, day, profile, NEUTRAL, seed, oracle=False)
        kept += [Kept(one.raw.p50_s, one.raw.p90_s, one.waited_s) for one in book.made.values() if one.waited_s >= 0]
        past += visits(world)
    calibration = calibrate(kept)
    profile = make_profile(past)
    assert profile is not None
    books = [
        promise_day(world, day, profile, calibration, seed, oracle=True) for day in itertools.islice(coming, tested)
    ]
    return {
        "branch": branch,
        "promises": [one for book in books for one in book.made.values() if one.waited_s >= 0],
        "silent": sum(book.silent for book in books),
        "free": sum(book.free for book in books),
        "not_called": sum(one.waited_s < 0 for book in books for one in book.made.values()),
        "update_ms": [each for book in books for each in book.update_ms],
    }


def over_the_store(seed: int) -> dict[str, Any]:
    """A morning of the largest branch through the real wire and hub: what one update of its waits costs there, reading
    the line and the counters included; processor time in milliseconds."""
    parameters = load()
    branch = parameters.branches[STORED]
    shared = Path("/dev/shm")  # noqa: S108  # a folder of our own is made in it
    took: list[float] = []
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None) as name:
        store = Store(f"sqlite:///{name}/hub.db")
        house = WireHouse(store, Path(name), STORED, branch.kiosks)
        lived = Foreseen(parameters, branch, house, load_routing(), seed)
        lived.foresight.priors |= {"personal": Prior(4, 8), "corporate": Prior(9, 18), "wealth": Prior(12, 25)}
        day = next(days(parameters, branch, FIRST, seed))
        lived.plan(day)
        world = lived.world

        def on_issue(_world: World, _number: str) -> None:
            took.append(lived.foresight.look(STORED).took_ms)

        world.on_issue = on_issue
        world.begin(day)
        world.run_until(STORED_UNTIL_S)
        house.close()
        store.close()
    return {
        "p50": round(float(np.percentile(took, 50)), 2), "p95": round(float(np.percentile(took, 95)), 2),
        "max": round(max(took), 2), "n": len(took),
    }  # fmt: skip


def _minutes(seconds: float) -> float:
    return max(1.0, float(round(seconds / 60)))


def judge(found: Sequence[Promised]) -> dict[str, float]:
    """Coverage of the second figure, mean absolute error of the first against the oracle's; whole minutes as shown."""
    exact = score([Kept(one.shown.p50_s, one.shown.p90_s, one.waited_s) for one in found])
    assert exact is not None
    waited = np.array([one.waited_s for one in found]) / 60
    p50 = np.array([_minutes(one.shown.p50_s) for one in found])
    p90 = np.array([max(_minutes(one.shown.p50_s), _minutes(one.shown.p90_s)) for one in found])
    both = np.array([one.oracle is not None for one in found])
    oracle = np.array([one.oracle.p50_s / 60 if one.oracle else 0.0 for one in found])
    best_90 = np.array([one.oracle.p90_s / 60 if one.oracle else 0.0 for one in found])
    exact_p50 = np.array([one.shown.p50_s for one in found]) / 60
    return {
        "promises": len(found),
        "p90_coverage": round(float((waited <= p90 + 0.5).mean()), 4),
        "p90_coverage_in_seconds": round(exact.coverage, 4),
        "p50_coverage_in_seconds": round(exact.half_coverage, 4),
        "p50_mae_min": round(float(np.abs(waited - p50).mean()), 3),
        "p50_mae_oracle_min": round(float(np.abs(waited - oracle)[both].mean()), 3),
        "p50_mae_vs_oracle": round(
            float(np.abs(waited - exact_p50)[both].mean() / np.abs(waited - oracle)[both].mean()), 4
        ),
        "p90_coverage_of_oracle": round(float((waited <= best_90)[both].mean()), 4),
        "median_wait_min": round(float(np.median(waited)), 2),
    }


def main(argv: Sequence[str]) -> dict[str, Any]:
    """Promises and forecasts. Keys as docs/foresight.md explains them."""
    arguments = argparse.ArgumentParser(prog="bench waiting", description=__doc__)
    arguments.add_argument("--history", type=int, default=30)
    arguments.add_argument("--days", type=int, default=24)
    arguments.add_argument("--seed", type=int, default=SEED)
    given = arguments.parse_args(argv)
    began = time.monotonic()
    branches = list(load().branches)
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        count = len(branches)
        lived = list(pool.map(live, branches, [given.history] * count, [given.days] * count, [given.seed] * count))
    everything = [one for branch in lived for one in branch["promises"]]
    took = np.array([each for branch in lived for each in branch["update_ms"]])
    result: dict[str, Any] = judge(everything)
    result |= {
        "update_ms": round(float(took.max()), 2),
        "update_ms_spread": {
            "p50": round(float(np.percentile(took, 50)), 2), "p95": round(float(np.percentile(took, 95)), 2),
            "max": round(float(took.max()), 2), "n": len(took),
        },
        "update_ms_over_the_store": over_the_store(given.seed),
        "cannot_say": sum(branch["silent"] for branch in lived),
        "no_wait": sum(branch["free"] for branch in lived),
        "left_before_the_call": sum(branch["not_called"] for branch in lived),
        "by_branch": {branch["branch"]: judge(branch["promises"]) for branch in lived},
        "by_service": {
            service: judge([one for one in everything if one.service == service]) for service in load().services
        },
        **forecasting.main(given.seed),
        "condition": (
            f"{count} simulated branches, by the queue's own rules in virtual time; {given.history} days of history,"
            f" the last {CALIBRATING} of them to calibrate, then {given.days} days on which nothing is learnt; seed"
            f" {given.seed}; tickets that had to wait {HAS_TO_WAIT_S:.0f} s or more; the oracle draws from the"
            f" simulator's parameters, {ORACLE_PLAYS} plays; update_ms is processor time of the slowest update"
        ),
        "took_s": round(time.monotonic() - began, 1),
    }  # fmt: skip
    return result
