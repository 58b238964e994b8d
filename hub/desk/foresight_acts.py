"""What a manager does with foresight: asks 'what if', corrects a forecast, says what a day will be, sets dispatch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Final

import numpy as np

from hub.accounts import record
from hub.accounts.rights import Person, Right, require
from hub.desk.acts import Acts
from hub.foresight.arrivals import Floats
from hub.foresight.dispatch_rule import Rules
from hub.foresight.floor_now import FloorNow
from hub.foresight.rehearse import Outcome, Plan, need_by_quarter, rehearse, services_of
from hub.foresight.roster import Roster, Seat, keep_roster, roster_of
from hub.labels import Labels, Pair
from hub.service import Hub

GOAL_S: Final = 600.0  # within which nine of ten should be called, for the counters that are needed
PATIENCE_S: Final = 5_400.0  # mean, where a branch's own record of who leaves is too thin to say
VIDEO_SHARE: Final = 0.2  # of visitors whom a teller on video takes, as a plan assumes: stated on the page
LUNCH_STEP_S: Final = 2_700.0
MOST_PLANS: Final = 8
CLOSES_AFTER_S: Final = 8 * 3_600.0


@dataclass(frozen=True, slots=True)
class Staffing:
    """What a day needs and what a plan makes of the rest of it."""

    need: dict[str, list[int]]
    planned: dict[str, list[int]]
    plans: list[tuple[Pair, Outcome]]


class ForesightActs:
    """Over the hub; every change is recorded with who made it. Raises `Refused`, `SignedOut`, ValueError."""

    def __init__(self, hub: Hub, acts: Acts) -> None:
        self._hub, self._acts = hub, acts

    def allow(self, person: Person, branch: str, rules: Rules) -> None:
        """What dispatch may do in the branch from now on."""
        person = self._may(person, branch)
        self._hub.dispatcher.allow(branch, rules, person.name, datetime.now(UTC))
        state = "on" if rules.watches else "off"
        self._note(person, branch, "dispatch_set", f"{state} {rules.most_wait_min} {' '.join(sorted(rules.acts))}")

    def correct(self, person: Person, branch: str, day: date, service: str, factor: float) -> None:
        """The forecast of a service's day times a factor."""
        person = self._may(person, branch)
        self._hub.forecaster.correct(branch, day, service, factor, person.name, datetime.now(UTC))
        self._note(person, branch, "forecast_corrected", f"{day} {service} {factor:.2f}")

    def know(self, person: Person, branch: str, day: date, kind: str) -> None:
        """What a day will be."""
        person = self._may(person, branch)
        self._hub.forecaster.know(branch, day, kind, person.name)
        self._note(person, branch, "day_known", f"{day} {kind}")

    def keep_plan(self, person: Person, branch: str, roster: Roster) -> None:
        """The branch's roster."""
        person = self._may(person, branch)
        keep_roster(self._hub.store, branch, roster, person.name, datetime.now(UTC))
        self._note(person, branch, "roster_set", f"{len(roster.seats)} seats")

    def staffing(self, branch: str, now: datetime, labels: Labels) -> Staffing | None:
        """Needs of today and the plan against a few others; None: cannot be said yet."""
        known = self._hub.foresight.fresh(branch)
        ahead = self._hub.forecaster.day(branch, self._hub.forecaster.today(now), now)
        if known.profile is None or known.floor is None or not ahead:
            return None
        expected = {one.service: one.used for one in ahead}
        roster = roster_of(self._hub.store, branch) or _as_it_is(known.floor, expected)
        need = need_by_quarter(expected, known.profile, GOAL_S, PATIENCE_S)
        names: list[tuple[Pair, Plan]] = [(("照现在的排班", "As it is planned"), Plan(roster.seats))]
        names += variants(roster, known.floor, need, labels)
        ends_s = max((seat.closes_s for seat in roster.seats), default=known.floor.now_s)
        plans = [
            (name, rehearse(plan, known.profile, expected, known.floor, ends_s)) for name, plan in names[:MOST_PLANS]
        ]
        return Staffing(need, _planned(roster, tuple(need)), plans)

    def _may(self, person: Person, branch: str) -> Person:
        person = self._acts.still(person)
        require(person, Right.SUPERVISE, branch)
        return person

    def _note(self, person: Person, branch: str, act: str, subject: str) -> None:
        with self._hub.store.write() as db:
            record.note(db, person.name, act, branch=branch, subject=subject[:120])


def variants(roster: Roster, floor: FloorNow, need: Mapping[str, list[int]], labels: Labels) -> list[tuple[Pair, Plan]]:
    """What a manager can do at once: open a counter, take a teller on video, move a lunch, let a counter help."""
    found: list[tuple[Pair, Plan]] = []
    closes = max((seat.closes_s for seat in roster.seats), default=floor.now_s)
    lines = {service: sum(one.service == service for one in floor.waiting) for service in need}
    busiest = max(need, key=lambda one: (lines[one], sum(need[one])), default=None)
    if busiest is None:
        return []
    chinese, english = labels.service(busiest)
    english = english or busiest
    more = Seat("+1", (busiest,), floor.now_s, closes)
    found.append(((f"再开一个窗口（{chinese}）", f"Open a counter for {english}"), Plan((*roster.seats, more))))
    share = dict.fromkeys(services_of(roster.seats), VIDEO_SHARE)
    found.append(
        ((f"加一位视频柜员（接{VIDEO_SHARE:.0%}）", f"A teller on video (takes {VIDEO_SHARE:.0%})"),
         Plan(roster.seats, 1, share))
    )  # fmt: skip
    later = [
        seat for seat in roster.seats if seat.break_s > 0 and seat.lunch_s > floor.now_s and busiest in seat.services
    ]
    for seat in later[:2]:
        moved = replace(seat, lunch_s=min(seat.lunch_s + LUNCH_STEP_S, closes - seat.break_s))
        seats = tuple(moved if one is seat else one for one in roster.seats)
        at = f"{int(moved.lunch_s // 3600)}:{int(moved.lunch_s % 3600 // 60):02d}"
        name = (f"{seat.counter} 号窗口 {at} 再吃饭", f"Counter {seat.counter} eats at {at}")
        found.append((name, Plan(seats)))
    for seat in [seat for seat in roster.seats if busiest in seat.can and busiest not in seat.services][:2]:
        helping = replace(seat, services=(*seat.services, busiest))
        seats = tuple(helping if one is seat else one for one in roster.seats)
        name = (f"{seat.counter} 号窗口也叫{chinese}", f"Counter {seat.counter} also calls {english}")
        found.append((name, Plan(seats)))
    return found


def _as_it_is(floor: FloorNow, expected: Mapping[str, Floats]) -> Roster:
    """Without a roster: the counters that are there now, as long as anybody is expected."""
    until = max((int(np.flatnonzero(rates > 0.05).max(initial=0)) for rates in expected.values()), default=0)
    closes = max((until + 1) * 900.0, floor.now_s + 900.0)
    closes = min(closes, floor.now_s + CLOSES_AFTER_S, 86_400.0)
    return Roster(tuple(Seat(post.counter, post.services, 0.0, closes) for post in floor.posts if post.services))


def _planned(roster: Roster, services: tuple[str, ...]) -> dict[str, list[int]]:
    """Counters that may call each service, by quarter."""
    there = [roster.at((quarter + 0.5) * 900.0) for quarter in range(96)]
    return {service: [sum(service in seat.services for seat in seats) for seats in there] for service in services}
