"""Busy simulated days twice, with the same people: left alone, and with the dispatcher acting.

    python -m bench dispatch --json - [--days 17] [--learn 24]

Profiles are made of days before, of another part of the year. A day is busy when its weekday or what is known of it
says so (Monday, Friday, pay day, pension day, beside a holiday). What visitors do with an offer is the simulator's:
whom it suits and how many of them accept stands in `bench/branches/parameters.toml`.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from multiprocessing import get_context
from typing import Any, Final

import numpy as np

from bench.branches.arrivals import Day, days
from bench.branches.house import RuleHouse
from bench.branches.looks import floor_now, visits
from bench.branches.parameters import load
from bench.branches.world import Ended, World
from contracts.queueing import Lane, Priority
from hub.foresight.dispatch_rule import Kind, Means, Rules, Running, decide
from hub.foresight.profile import Profile, Visit, make_profile
from hub.foresight.waiting import waits

SEED: Final = 20261130
FIRST: Final = date(2026, 3, 2)
WATCH_S: Final = 15.0
PLAYS: Final = 40
MOST_WAIT_MIN: Final = 20
BUSY_KINDS: Final = frozenset({"pension", "pay", "before_holiday", "after_holiday"})
BUSY_WEEKDAYS: Final = frozenset({0, 4})
PROCESSES: Final = 2
WORSE_MEAN_MIN: Final = 1.0  # the bound: no group's mean wait grows by more,
WORSE_P90_MIN: Final = 3.0  # nor its 90th percentile
LEAST_GROUP: Final = 200  # visits; smaller groups are told and not judged
WAY: Final = {Kind.SELF_SERVICE: "self", Kind.VIDEO: "video", Kind.LATER: "later"}
QUIET_TRIES: Final = (60, 90, 120, 180, 240)  # minutes from now that are looked at for a quiet time


@dataclass(slots=True)
class Arm:
    """What a run of many days came to."""

    ended: list[Ended] = field(default_factory=list)
    idle_s: float = 0.0
    idle_while_waiting_s: float = 0.0
    open_s: float = 0.0
    acts: Counter[str] = field(default_factory=Counter)
    took: Counter[str] = field(default_factory=Counter)


class Dispatching:
    """The dispatcher's rule over a simulated branch: what it decides is done, and ended."""

    def __init__(self, profile: Profile, usual: dict[str, np.ndarray], arm: Arm, seed: int) -> None:
        self._profile, self._usual, self._arm = profile, usual, arm
        self._draw = np.random.default_rng(seed)
        self._rules = Rules(True, frozenset(Kind), MOST_WAIT_MIN)
        self._running: list[Running] = []

    def begin(self) -> None:
        self._running = []

    def look(self, world: World) -> None:
        """One look of the watch."""
        floor = floor_now(world)
        if not floor.waiting and not self._running:
            return
        can = {post.counter: tuple(world.world.services) for post in floor.posts}
        teller = [clerk for clerk in world.clerks.values() if clerk.lane is Lane.VIDEO and clerk.doing == "idle"]
        later = self._quiet(world)
        everything = frozenset(world.world.services)
        means = Means(
            dict.fromkeys(can, ("personal",)), frozenset({"personal"}),
            everything - {"corporate"} if teller else frozenset(), everything if later else frozenset(),
        )  # fmt: skip
        for choice in decide(floor, waits(floor, self._profile, self._draw, PLAYS), means, self._rules, self._running):
            same = [one for one in self._running if (one.kind, one.service, one.counter)
                    == (choice.kind, choice.service, choice.counter)]  # fmt: skip
            if choice.begin and not same:
                self._running.append(
                    Running(choice.kind, choice.service, choice.counter, world.now_s, choice.why["p90_min"] * 60)
                )
                self._arm.acts[choice.kind] += 1
            elif not choice.begin:
                self._running = [one for one in self._running if one not in same]
        self._put_to_work(world, later, bool(teller))

    def _put_to_work(self, world: World, later: float, teller: bool) -> None:
        mixes: dict[str, tuple[str, ...]] = defaultdict(tuple)
        offers: dict[str, set[str]] = defaultdict(set)
        for one in self._running:
            if one.kind is Kind.MIX:
                mixes[one.counter] += (one.service,)
            elif one.kind is not Kind.VIDEO or teller:
                offers[one.service].add(WAY[one.kind])
        for counter, clerk in world.clerks.items():
            if clerk.lane is Lane.COUNTER and clerk.extra != mixes[counter]:
                world.change_mix(counter, mixes[counter])
        world.offers.on_arrival = {service: frozenset(kinds) for service, kinds in offers.items()}
        world.offers.later_s = later
        if not teller:
            return
        # of those who wait, whoever would wait longest is asked on the phone: one free teller, one question
        line = [one for one in floor_now(world).waiting if "video" in offers.get(one.service, ())]
        for person in sorted(line, key=lambda one: -one.came_s):
            if world.offer(person.number, frozenset({"video"})):
                self._arm.took["video on the phone"] += 1
                break

    def _quiet(self, world: World) -> float:
        """A later time of today at which much fewer come than now; 0: none."""
        now = sum(float(rates[min(int(world.now_s // 900), 95)]) for rates in self._usual.values())
        best, quiet = 0.6 * now, 0.0
        for minutes in QUIET_TRIES:
            at = world.now_s + 60 * minutes
            if at > world.day.closes_s - 2_700:
                break
            coming = sum(float(rates[int(at // 900)]) for rates in self._usual.values())
            if coming < best:
                best, quiet = coming, at
        return quiet


def is_busy(day: Day) -> bool:
    """By what is known before it begins."""
    return bool(BUSY_KINDS & set(day.kinds)) or (day.date.weekday() in BUSY_WEEKDAYS and "storm" not in day.kinds)


def live(branch: str, learn: int, count: int, seed: int) -> tuple[Arm, Arm, int]:
    """One branch: days to learn from, then busy days twice."""
    parameters = load()
    kind = parameters.branches[branch]
    alone = World(parameters, kind, RuleHouse(), seed=seed)
    coming = days(parameters, kind, FIRST, seed)
    past: list[Visit] = []
    usual: dict[str, np.ndarray] = {service: np.zeros(96) for service in parameters.services}
    for day in itertools.islice(coming, learn):
        alone.run(day)
        past += visits(alone)
        for one in day.visitors:
            usual[one.service][int(one.at_s // 900)] += 1 / learn
    profile = make_profile(past)
    assert profile is not None
    helped = World(parameters, kind, RuleHouse(), seed=seed)
    arms = (Arm(), Arm())
    watch = Dispatching(profile, usual, arms[1], seed)
    busy = itertools.islice((day for day in coming if is_busy(day)), count)
    for day in busy:
        for world, arm in zip((alone, helped), arms, strict=True):
            if world is helped:
                watch.begin()

            def look(at: World, arm: Arm = arm, acts: bool = world is helped) -> None:
                if acts:
                    watch.look(at)
                _idle_now(at, arm)

            world.watch, world.watch_every_s = look, WATCH_S
            arm.ended += world.run(day)
            for clerk in world.clerks.values():
                if clerk.lane is Lane.COUNTER:
                    arm.idle_s += clerk.idle_s
                    arm.open_s += clerk.idle_s + clerk.busy_s
    return (*arms, count)


def _idle_now(world: World, arm: Arm) -> None:
    """Counters that are free while somebody waits at the counters."""
    if any(seen.waiting and seen.known_s >= 0 and seen.lane is Lane.COUNTER for seen in world.house.tickets.values()):
        free = sum(clerk.doing == "idle" and clerk.lane is Lane.COUNTER for clerk in world.clerks.values())
        arm.idle_while_waiting_s += WATCH_S * free


def figures(arms: Sequence[Arm]) -> dict[str, float]:
    """Of one arm over all branches."""
    ended = [one for arm in arms for one in arm.ended]
    waited = np.array([one.wait_s / 60 for one in ended if one.way in ("counter", "video", "self")])
    ways = Counter(one.way for one in ended)
    return {
        "visits": len(ended),
        "p90_wait_min": round(float(np.percentile(waited, 90)), 3),
        "p50_wait_min": round(float(np.percentile(waited, 50)), 3),
        "abandonment": round((ways["left"] + ways["unserved"]) / len(ended), 4),
        "another_day": round(ways["later"] / len(ended), 4),
        "idle_counter_share": round(sum(arm.idle_s for arm in arms) / sum(arm.open_s for arm in arms), 4),
        "idle_counter_h": round(sum(arm.idle_s for arm in arms) / 3_600, 2),
        "idle_while_somebody_waits_h": round(sum(arm.idle_while_waiting_s for arm in arms) / 3_600, 2),
        "ways": dict(sorted(ways.items())),  # type: ignore[dict-item]
    }


def groups(arms: Sequence[Arm]) -> dict[str, tuple[int, float, float]]:
    """Visits, mean and 90th percentile of the wait in minutes, by service and by whether somebody has a head start."""
    found: dict[str, list[float]] = defaultdict(list)
    for arm in arms:
        for one in arm.ended:
            if one.way in ("counter", "video", "self"):
                first = "none" if one.visitor.priority is Priority.NONE else "head start"
                found[f"{one.visitor.service}, {first}"].append(one.wait_s / 60)
    return {name: (len(w), float(np.mean(w)), float(np.percentile(w, 90))) for name, w in sorted(found.items())}


def main(argv: Sequence[str]) -> dict[str, Any]:
    """Both arms and what became better or worse. Keys as docs/foresight.md explains them."""
    arguments = argparse.ArgumentParser(prog="bench dispatch", description=__doc__)
    arguments.add_argument("--days", type=int, default=17, help="busy days of each branch")
    arguments.add_argument("--learn", type=int, default=24)
    arguments.add_argument("--seed", type=int, default=SEED)
    given = arguments.parse_args(argv)
    began = time.monotonic()
    names = list(load().branches)
    many = len(names)
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        lived = list(pool.map(live, names, [given.learn] * many, [given.days] * many, [given.seed] * many))
    alone, helped = figures([one[0] for one in lived]), figures([one[1] for one in lived])
    before, after = groups([one[0] for one in lived]), groups([one[1] for one in lived])
    change = {
        name: {
            "visits": before[name][0], "mean_min": round(after[name][1] - before[name][1], 3),
            "p90_min": round(after[name][2] - before[name][2], 3), "mean_was_min": round(before[name][1], 2),
        }
        for name in before
        if name in after
    }  # fmt: skip
    judged = [one for one in change.values() if one["visits"] >= LEAST_GROUP]
    worse_mean = max(one["mean_min"] for one in judged)
    worse_p90 = max(one["p90_min"] for one in judged)
    return {
        "days": given.days * many,
        "without": alone,
        "with": helped,
        "p90_wait_better": helped["p90_wait_min"] < alone["p90_wait_min"],
        "abandonment_better": helped["abandonment"] < alone["abandonment"],
        "idle_better": helped["idle_counter_h"] < alone["idle_counter_h"],
        "p90_wait_ratio": round(helped["p90_wait_min"] / alone["p90_wait_min"], 4),
        "abandonment_ratio": round(helped["abandonment"] / max(alone["abandonment"], 1e-9), 4),
        "idle_ratio": round(helped["idle_counter_h"] / alone["idle_counter_h"], 4),
        "groups": change,
        "worst_group_mean_min": worse_mean,
        "worst_group_p90_min": worse_p90,
        "bound_mean_min": WORSE_MEAN_MIN,
        "bound_p90_min": WORSE_P90_MIN,
        "within_bound": worse_mean <= WORSE_MEAN_MIN and worse_p90 <= WORSE_P90_MIN,
        "acts": dict(sum((one[1].acts for one in lived), Counter())),
        "took": dict(sum((one[1].took for one in lived), Counter())),
        "condition": (
            f"{many} simulated branches, {given.days} busy days each after {given.learn} days to learn from, seed"
            f" {given.seed}; same arrivals and luck in both arms; threshold {MOST_WAIT_MIN} min, looked at every"
            f" {WATCH_S:.0f} s; every counter may help with personal business; acceptance of offers as in the"
            " simulator's parameters; idle: clerks at an open counter with nobody to call"
        ),
        "took_s": round(time.monotonic() - began, 1),
    }
