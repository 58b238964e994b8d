"""The rest of a day, rehearsed: today's line and counters, the forecast's arrivals, history's visits, calling's rule.

'What if' is two rehearsals with the same luck: the plan as it is, and as it would be. One takes milliseconds, so a
manager's page can ask several. Lines, priorities, skills, lunches and people who leave are in it; breaks that nobody
planned are in it as pauses between visits.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from contracts.queueing import MAX_PASSED
from hub.foresight.arrivals import QUARTERS, Floats
from hub.foresight.erlang import counters_for
from hub.foresight.floor_now import FloorNow, Person
from hub.foresight.profile import Profile
from hub.foresight.roster import Seat

PLAYS: Final = 12
QUARTER_S: Final = 900.0
MOST_PEOPLE: Final = 4_000  # of one play: a flood is cut, and said
VIDEO: Final = "video"  # a seat of this kind takes those whom video suits


@dataclass(frozen=True, slots=True)
class Plan:
    """Who is where: the seats, and remote tellers with the share of visitors (by service) that goes to them."""

    seats: tuple[Seat, ...]
    tellers: int = 0
    video_share: Mapping[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class Outcome:
    """What a plan makes of a day. Minutes; `by_quarter`: (96,) mean line at each quarter's end."""

    people: int = 0
    p50_min: dict[str, float] = field(default_factory=dict)
    p90_min: dict[str, float] = field(default_factory=dict)
    all_p50_min: float = 0.0
    all_p90_min: float = 0.0
    left_share: float = 0.0
    unserved: float = 0.0  # who still waits when the counters close, mean
    idle_min: float = 0.0  # of counters, while somebody waited whom they do not serve; mean of a play
    by_quarter: Floats = field(default_factory=lambda: np.zeros(QUARTERS))
    cut: bool = False


@dataclass(slots=True)
class _Visitor:
    came: float
    place: float
    service: str
    elder: bool
    leaves: float
    took: float
    luck: float
    gone: bool = False


class _Play:
    """One day once. Seconds of the day."""

    def __init__(self, plan: Plan, profile: Profile, begins: float, draw: np.random.Generator) -> None:
        self.plan, self.profile, self.draw = plan, profile, draw
        self.begins = begins
        self.lines: dict[str, list[tuple[float, int, _Visitor]]] = {}
        self.orders: dict[str, list[tuple[float, int, _Visitor]]] = {}
        self.passed: dict[str, int] = {}
        self.count: dict[str, int] = {}
        self.events: list[tuple[float, int, int, object]] = []
        self.serial = itertools.count()
        self.idle: dict[int, float] = {}
        self.seats: list[Seat] = list(plan.seats)
        every = tuple(dict.fromkeys(service for seat in plan.seats for service in seat.services))
        closes = max((seat.closes_s for seat in plan.seats), default=begins)
        for at in range(plan.tellers):
            self.seats.append(Seat(f"V{at}", tuple(f"{VIDEO}:{one}" for one in every), begins, closes))
        self.lunched = [seat.break_s <= 0 or begins >= seat.lunch_s + seat.break_s for seat in self.seats]
        self.turns = [0] * len(self.seats)  # a seat that has turned to something else is not woken by an older word
        self.waits: dict[str, list[float]] = {}
        self.left = 0
        self.idle_s = 0.0
        self.length = np.zeros(QUARTERS)

    def push(self, at: float, kind: int, what: object) -> None:
        heapq.heappush(self.events, (at, next(self.serial), kind, what))

    def wake(self, at: float, which: int) -> None:
        """The seat has time at `at`, unless it turns to something before."""
        self.push(at, 1, (which, self.turns[which]))

    def join(self, one: _Visitor) -> None:
        serial = next(self.serial)
        heapq.heappush(self.lines.setdefault(one.service, []), (one.place, serial, one))
        heapq.heappush(self.orders.setdefault(one.service, []), (one.came, serial, one))
        self.count[one.service] = self.count.get(one.service, 0) + 1

    def run(self) -> None:
        while self.events:
            at, _, kind, what = heapq.heappop(self.events)
            if kind == 0:
                assert isinstance(what, _Visitor)
                self.join(what)
                ready = [seat for seat in self.idle if what.service in self.seats[seat].services]
                if ready:
                    seat = min(ready, key=lambda one: len(self.seats[one].services))
                    self.idle.pop(seat)
                    self.free(seat, at)
            elif kind == 1:
                assert isinstance(what, tuple)
                which, turn = what
                if turn == self.turns[which]:
                    self.idle.pop(which, None)
                    self.free(which, at)
            elif kind == 2:
                quarter = int(at // QUARTER_S)
                if quarter < QUARTERS:
                    self.length[quarter] = sum(self.count.values())

    def free(self, which: int, at: float) -> None:
        seat = self.seats[which]
        self.turns[which] += 1
        if at < seat.opens_s:
            self.wake(seat.opens_s, which)
            return
        if not self.lunched[which] and at >= seat.lunch_s:
            self.lunched[which] = True
            self.wake(max(at, seat.lunch_s) + seat.break_s, which)
            return
        one = self.next_for(seat, at)
        if one is None:
            if at < seat.closes_s:
                self.idle[which] = at
                if not self.lunched[which] and at < seat.lunch_s < seat.closes_s:
                    self.wake(seat.lunch_s, which)
            return
        waited = at - one.came
        if one.luck < float(self.profile.miss_chance(np.array(waited))):
            self.left += 1
            self.wake(at + float(self.profile.missed[0]), which)
            return
        self.waits.setdefault(one.service.removeprefix(f"{VIDEO}:"), []).append(waited)
        self.wake(at + one.took * self.profile.speed(seat.counter), which)

    def next_for(self, seat: Seat, at: float) -> _Visitor | None:
        best: tuple[float, str] | None = None
        for service in seat.services:
            line = self.lines.get(service)
            while line and (line[0][2].gone or line[0][2].leaves <= at):
                self.drop(service, heapq.heappop(line)[2], left=True)
            if line and (best is None or line[0][0] < best[0]):
                best = line[0][0], service
        if best is None:
            return None
        service = best[1]
        order = self.orders[service]
        while order and (order[0][2].gone or order[0][2].leaves <= at):
            self.drop(service, heapq.heappop(order)[2], left=True)
        first = order[0][2]
        one = self.lines[service][0][2]
        if self.passed.get(service, 0) >= MAX_PASSED:
            one = first
        self.passed[service] = 0 if one is first else self.passed.get(service, 0) + 1
        self.drop(service, one, left=False)
        return one

    def drop(self, service: str, one: _Visitor, *, left: bool) -> None:
        if not one.gone:
            one.gone = True
            self.count[service] -= 1
            self.left += left


def rehearse(
    plan: Plan, profile: Profile, expected: Mapping[str, Floats], floor: FloorNow, ends_s: float, *,
    plays: int = PLAYS, seed: int = 1,
) -> Outcome:  # fmt: skip
    """The day from `floor.now_s` until `ends_s` (who came by then is served after it), `plays` times.

    `expected`: arrivals by service and quarter. A service of which nothing is known is left out.
    """
    result = Outcome()
    pooled: dict[str, list[float]] = {}
    people = left = unserved = 0
    for play in range(plays):
        draw = np.random.default_rng([seed, play])
        one = _Play(plan, profile, floor.now_s, draw)
        coming = _coming(plan, profile, expected, floor, ends_s, draw)
        result.cut |= len(coming) > MOST_PEOPLE
        for visitor in coming[:MOST_PEOPLE]:
            one.push(visitor.came, 0, visitor) if visitor.came > floor.now_s else one.join(visitor)
        busy = {post.counter: post for post in floor.posts if post.doing == "busy"}
        for which, seat in enumerate(one.seats):
            post = busy.get(seat.counter)
            rest = None
            if post is not None and profile.knows(post.service):
                rest = profile.rest_s(post.service, post.elder, floor.now_s - post.since_s, 1, draw)
            one.wake(max(seat.opens_s, floor.now_s + (0.0 if rest is None else float(rest[0]))), which)
        for quarter in range(int(floor.now_s // QUARTER_S), int(ends_s // QUARTER_S) + 1):
            one.push((quarter + 1) * QUARTER_S - 1e-3, 2, quarter)
        one.run()
        people += min(len(coming), MOST_PEOPLE)
        left += one.left
        unserved += sum(one.count.values())
        result.by_quarter += one.length / plays
        for service, waited in one.waits.items():
            pooled.setdefault(service, []).extend(waited)
    for service, waited in pooled.items():
        result.p50_min[service], result.p90_min[service] = (
            round(float(value) / 60, 1) for value in np.quantile(waited, (0.5, 0.9))
        )
    every = [wait for waited in pooled.values() for wait in waited]
    if every:
        result.all_p50_min, result.all_p90_min = (round(float(q) / 60, 1) for q in np.quantile(every, (0.5, 0.9)))
    result.people = round(people / plays)
    result.left_share = left / max(people, 1)
    result.unserved = unserved / plays
    return result


def _coming(
    plan: Plan, profile: Profile, expected: Mapping[str, Floats], floor: FloorNow, ends_s: float,
    draw: np.random.Generator,
) -> list[_Visitor]:  # fmt: skip
    """Everybody of one play, in the order of coming: the line as it is, then the forecast's."""
    services = sorted(service for service in expected if profile.knows(service))
    people = [person for person in floor.waiting if profile.knows(person.service)]
    leaves = [
        person.came_s + float(profile.leaves_s(max(floor.now_s - person.came_s, 0.0), 1, draw)[0]) for person in people
    ]
    now = int(floor.now_s // QUARTER_S)
    for service in services:
        rates = np.array(expected[service], dtype=float)
        rates[:now] = 0.0
        if now < QUARTERS:
            rates[now] *= 1 - (floor.now_s - now * QUARTER_S) / QUARTER_S
        rates[int(min(ends_s, 86_399) // QUARTER_S) + 1 :] = 0.0
        kinds = profile.coming.get(service, {})
        counts = draw.poisson(rates)
        stays = iter(profile.leaves_s(0.0, int(counts.sum()), draw).tolist())
        for quarter in np.flatnonzero(counts).tolist():
            for at, luck in draw.random((int(counts[quarter]), 2)).tolist():
                came = max((quarter + at) * QUARTER_S, floor.now_s + 1e-3)
                head_start, elder = _kind(kinds, quarter, float(rates[quarter]), luck)
                people.append(Person(number="", service=service, came_s=came, head_start_s=head_start, elder=elder))
                leaves.append(came + next(stays))
    return _visitors(plan, profile, people, leaves, draw)


def _kind(kinds: Mapping[tuple[float, bool], Floats], quarter: int, rate: float, luck: float) -> tuple[float, bool]:
    """Whether somebody has a head start, by the shares that history has at that time."""
    share = 0.0
    for kind, rates in kinds.items():
        share += float(rates[quarter]) * QUARTER_S / max(rate, 1e-9)
        if luck < min(share, 0.9):
            return kind
    return 0.0, False


def _visitors(
    plan: Plan, profile: Profile, people: Sequence[Person], leaves: Sequence[float], draw: np.random.Generator
) -> list[_Visitor]:
    """With all that chance decides of them, drawn at once, in the order of coming."""
    luck = draw.random((len(people), 2)).tolist()
    took: dict[tuple[str, bool], Iterator[float]] = {}
    for kind in dict.fromkeys((one.service, one.elder) for one in people):
        count = sum((one.service, one.elder) == kind for one in people)
        took[kind] = iter(profile.visit_s(kind[0], kind[1], (count,), draw).tolist())
    found = []
    for person, until, (misses, video) in zip(people, leaves, luck, strict=True):
        to_video = plan.tellers > 0 and video < plan.video_share.get(person.service, 0.0)
        found.append(
            _Visitor(
                came=person.came_s, place=person.came_s - person.head_start_s,
                service=f"{VIDEO}:{person.service}" if to_video else person.service,
                elder=person.elder, leaves=until, took=next(took[person.service, person.elder]), luck=misses,
            )
        )  # fmt: skip
    found.sort(key=lambda one: one.came)
    return found


def need_by_quarter(
    expected: Mapping[str, Floats], profile: Profile, goal_s: float, patience_s: float
) -> dict[str, list[int]]:
    """Counters for each service and quarter of an hour, by Erlang A: who comes in it is mostly called within the goal.

    Services of which nothing is known are left out.
    """
    found: dict[str, list[int]] = {}
    for service, rates in expected.items():
        if not profile.knows(service):
            continue
        own = profile.visits[(service, False)]
        visit_s = float(own.mean() + profile.pauses.mean())
        found[service] = [
            counters_for(float(rate) / QUARTER_S, visit_s, patience_s, goal_s).counters if rate > 0.05 else 0
            for rate in rates
        ]
    return found


def services_of(seats: Sequence[Seat]) -> tuple[str, ...]:
    """Every service that somebody is planned for."""
    return tuple(dict.fromkeys(service for seat in seats for service in seat.services))
