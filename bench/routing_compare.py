"""The same visitors and tellers under two rules: the hub's, and the longest idle teller for whoever came first.

A day after the other, without a store and without refusals: who waits how long is the rule's doing alone. How long a
talk takes belongs to the visitor, not to the teller, so that no rule is given a gain that was put in by hand. Both
rules see the same conditions (service, language, sign language, licence, level); they differ in who is chosen.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np

from bench.routing_world import TEAM
from config.routing import Routing
from contracts.queueing import Priority
from contracts.video_messages import Need, Risk
from hub.video.rule import Decision, Free, Waiting, could, head_start, match

DAY_S: Final = 9 * 3600
BEGAN: Final = datetime(2026, 11, 23, 0, 30, tzinfo=UTC)
DAYS: Final = 20
TELLERS: Final = 12
UTILISATION: Final = 0.8  # of the tellers' time, over the whole day; the hours differ
SHARES: Final[dict[str, float]] = {"personal": 0.7, "corporate": 0.18, "wealth": 0.12}
HOURS: Final = (0.8, 1.2, 1.4, 1.1, 0.7, 0.9, 1.2, 1.0, 0.7)  # of the mean rate
AFTER_S: Final = 45.0  # the account after a talk

Pick = Callable[[Sequence[Waiting], Sequence[Free], Sequence[Free], datetime], list[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class Visitor:
    """One arrival. `talk_s` is drawn once, before any rule chooses."""

    at_s: float
    talk_s: float
    case: Waiting


def team() -> list[Free]:
    """Twelve tellers: as in the world, the plain ones more often."""
    made = []
    for number in range(TELLERS):
        can = TEAM[(0, 1, 2, 3, 4, 5, 0, 1, 2, 0, 2, 5)[number]]
        made.append(
            Free(
                teller=f"teller-{number:02d}", branches=frozenset({"*"}), services=frozenset(can["services"]),
                languages=frozenset(can["languages"]), dialects=frozenset(can.get("dialects", ())),
                sign=can.get("sign", False), calm=can.get("calm", False), licence=can.get("licence", False),
                level=can["level"],
            )
        )  # fmt: skip
    return made


def arrivals(rules: Routing, seed: int) -> list[Visitor]:
    """One day's visitors, in order."""
    chance = random.Random(seed)
    mean_s = sum(share * rules.talk_min(service)[0] * 60 * 1.25 for service, share in SHARES.items()) + AFTER_S
    rate = TELLERS * UTILISATION / mean_s
    found: list[Visitor] = []
    at_s = 0.0
    while True:
        hour = min(int(at_s // 3600), len(HOURS) - 1)
        at_s += chance.expovariate(rate * HOURS[hour])
        if at_s >= DAY_S:
            return found
        service = chance.choices(list(SHARES), list(SHARES.values()))[0]
        usual, seldom = rules.talk_min(service)
        talk_s = 60 * chance.lognormvariate(np.log(usual), np.log(seldom / usual) / 1.2816)
        need = Need(
            service=service, language="en" if chance.random() < 0.1 else "zh",
            sign=service == "personal" and chance.random() < 0.03, calm=chance.random() < 0.1,
            dialect="yue" if chance.random() < 0.05 else "", licence=service in rules.licence_for,
        )  # fmt: skip
        risk: Risk = chance.choices(("low", "medium", "high"), (0.9, 0.07, 0.03))[0]
        start = head_start(
            rules, priority=chance.choices((Priority.NONE, Priority.ELDER, Priority.DISABLED), (0.8, 0.15, 0.05))[0],
            level=chance.choices(("asked", "trouble", "urgent"), (0.8, 0.13, 0.07))[0], risk=risk,
        )  # fmt: skip
        came = BEGAN + timedelta(seconds=at_s)
        known = {f"teller-{chance.randrange(TELLERS):02d}": chance.uniform(-0.5, 1)} if chance.random() < 0.4 else {}
        waiting = Waiting(
            case=f"case-{len(found):05d}", branch="b", need=need, came=came, place=came - start,
            least_level=rules.least_level(risk), talk_min=usual, before=known,
        )  # fmt: skip
        found.append(Visitor(at_s, talk_s, waiting))


def by_rule(rules: Routing, passed: dict[str, int]) -> Pick:
    """The hub's rule, with its tally of who was passed over."""

    def pick(
        line: Sequence[Waiting], free: Sequence[Free], everybody: Sequence[Free], now: datetime
    ) -> list[tuple[str, str]]:
        counted = [replace(one, passed=passed.get(one.case, 0)) for one in line]
        made: list[Decision] = match(counted, free, rules, now, everybody)
        for decision in made:
            for over in decision.over:
                passed[over] = passed.get(over, 0) + 1
        return [(decision.case, decision.teller) for decision in made]

    return pick


def longest_idle_first(
    line: Sequence[Waiting], free: Sequence[Free], everybody: Sequence[Free], now: datetime
) -> list[tuple[str, str]]:
    """Whoever came first, to whoever of those able has been free for longest; who is free takes whoever came first of
    those they can serve."""
    still, made = sorted(free, key=lambda one: (one.idle_since or now, one.teller)), []
    for case in sorted(line, key=lambda one: one.order):
        able = next((teller for teller in still if could(teller, case, now)), None)
        if able is not None:
            still.remove(able)
            made.append((case.case, able.teller))
    return made


def day(visitors: Sequence[Visitor], tellers: Sequence[Free], pick: Pick) -> dict[str, float]:
    """One day under one rule: each visitor's wait, seconds."""
    by_case = {one.case.case: one for one in visitors}
    free = {one.teller: replace(one, idle_since=BEGAN) for one in tellers}
    everybody = {one.teller: one for one in free.values()}
    line: dict[str, Waiting] = {}
    order = itertools.count()
    events: list[tuple[float, int, str, str]] = [(one.at_s, next(order), "came", one.case.case) for one in visitors]
    heapq.heapify(events)
    waits: dict[str, float] = {}
    while events:
        at_s, _, kind, who = heapq.heappop(events)
        now = BEGAN + timedelta(seconds=at_s)
        if kind == "came":
            line[who] = by_case[who].case
        else:
            free[who] = replace(everybody[who], idle_since=now)
        if not line or not free:
            continue
        for case, teller in pick(list(line.values()), list(free.values()), list(everybody.values()), now):
            waits[case] = at_s - by_case[case].at_s
            del line[case], free[teller]
            heapq.heappush(events, (at_s + by_case[case].talk_s + AFTER_S, next(order), "free", teller))
    return waits


def compare(rules: Routing, seed: int, days: int = DAYS) -> dict[str, Any]:
    """Both rules over the same days. Waits in seconds."""
    tellers = team()
    ours: list[float] = []
    theirs: list[float] = []
    rare_ours: list[float] = []
    rare_theirs: list[float] = []
    head: dict[str, list[float]] = {"ours": [], "theirs": []}
    most_passed = 0
    for number in range(days):
        visitors = arrivals(rules, seed + number)
        passed: dict[str, int] = {}
        mine, other = day(visitors, tellers, by_rule(rules, passed)), day(visitors, tellers, longest_idle_first)
        assert len(mine) == len(other) == len(visitors)
        most_passed = max(most_passed, *passed.values()) if passed else most_passed
        rare = {one.case.case for one in visitors if one.case.need.language == "en" or one.case.need.sign}
        ahead = {one.case.case for one in visitors if one.case.came - one.case.place >= timedelta(minutes=10)}
        ours += mine.values()
        theirs += other.values()
        rare_ours += [wait for case, wait in mine.items() if case in rare]
        rare_theirs += [wait for case, wait in other.items() if case in rare]
        head["ours"] += [wait for case, wait in mine.items() if case in ahead]
        head["theirs"] += [wait for case, wait in other.items() if case in ahead]
    return {
        "median_wait_s": round(float(np.median(ours)), 1),
        "median_wait_longest_idle_s": round(float(np.median(theirs)), 1),
        "mean_wait_s": round(float(np.mean(ours)), 1),
        "mean_wait_longest_idle_s": round(float(np.mean(theirs)), 1),
        "p95_wait_s": round(float(np.percentile(ours, 95)), 1),
        "p95_wait_longest_idle_s": round(float(np.percentile(theirs, 95)), 1),
        "rare_skill_mean_wait_s": round(float(np.mean(rare_ours)), 1),
        "rare_skill_mean_wait_longest_idle_s": round(float(np.mean(rare_theirs)), 1),
        "head_start_mean_wait_s": round(float(np.mean(head["ours"])), 1),
        "head_start_mean_wait_longest_idle_s": round(float(np.mean(head["theirs"])), 1),
        "compared_visitors": len(ours),
        "compared_days": days,
        "compared_most_passed": most_passed,
    }
