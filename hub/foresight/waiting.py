"""How long each ticket in line and each newcomer will wait, as a distribution: the next hours are played through often.

One play takes the line as it is, the counters as they are, and draws from `Rates` how long each visit takes, who
does not come when called, who leaves, and who with a head start comes yet. The rule of calling is that of
`contracts.queueing`. All plays run side by side in arrays. Who comes later without a head start is left out: by that
rule nobody of them is called before those who are here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from contracts.queueing import MAX_PASSED
from hub.foresight.floor_now import FloorNow, Person

Floats = npt.NDArray[np.float64]
PLAYS: Final = 80
MOST_PLAYED: Final = 120  # of the line; whoever stands further back waits in proportion
SOME_PLAYS: Final = 24  # where the line is long: its sum is steadier
LONG_LINE: Final = 60
NEVER_S: Final = 1e9
MOST_S: Final = 4 * 3_600.0  # no promise reaches further
LEAST_SHARE: Final = 0.5  # of plays in which a turn must come before anything is said
SLOTS: Final = 3  # moments at which somebody with a head start may come, by service and head start
REACT_S: Final = 5.0  # a clerk who is free calls within


class Rates(Protocol):
    """What a branch's history (or an oracle) knows. All draws in seconds; `plays` long or (plays, count)."""

    def visit_s(self, service: str, elder: bool, shape: tuple[int, ...], draw: np.random.Generator) -> Floats:
        """From a call to being ready for the next, for somebody who comes."""
        ...

    def missed_s(self, shape: tuple[int, ...], draw: np.random.Generator) -> Floats:
        """The same for somebody who does not come."""
        ...

    def rest_s(self, service: str, elder: bool, spent_s: float, plays: int, draw: np.random.Generator) -> Floats | None:
        """What is left of a visit that has taken `spent_s`; None where that is beyond all experience."""
        ...

    def pause_left_s(self, spent_s: float, plays: int, draw: np.random.Generator) -> Floats | None:
        """Until a counter calls that has called nobody for `spent_s` though somebody waits; None: nobody is there."""
        ...

    def speed(self, counter: str) -> float:
        """How long this counter takes, as a share of the usual."""
        ...

    def miss_chance(self, waited_s: Floats) -> Floats:
        """That somebody does not come when called after so long."""
        ...

    def leaves_s(self, waited_s: float, plays: int, draw: np.random.Generator) -> Floats:
        """How long after coming somebody gives the number back who has waited `waited_s`."""
        ...

    def head_starts(self, service: str, now_s: float) -> Mapping[tuple[float, bool], float]:
        """Those with a head start who come: (head start in s, elder) → a second."""
        ...


@dataclass(frozen=True, slots=True)
class Wait:
    """A wait in seconds: half of all wait no longer than `p50_s`, nine of ten no longer than `p90_s`."""

    p50_s: float
    p90_s: float


@dataclass(frozen=True, slots=True)
class Waits:
    """From now on: of each number in line, and of whoever came now. None: cannot say yet."""

    tickets: dict[str, Wait | None] = field(default_factory=dict)
    newcomers: dict[str, Wait | None] = field(default_factory=dict)
    stuck: tuple[str, ...] = ()  # counters whose visit has lasted beyond experience, or that call nobody


def waits(floor: FloorNow, rates: Rates, draw: np.random.Generator, plays: int = PLAYS) -> Waits:
    """The distribution of each wait, played `plays` times. Pure but for `draw`."""
    line = sorted(floor.waiting, key=lambda one: (one.came_s - one.head_start_s, one.number))
    played, rest = line[:MOST_PLAYED], line[MOST_PLAYED:]
    if len(played) > LONG_LINE:
        plays = min(plays, SOME_PLAYS)
    game = _Game(floor, played, rates, draw, plays)
    game.play()
    tickets = {one.number: _wait(game.begins[:, at], floor) for at, one in enumerate(game.people) if one.number}
    newcomers = {service: _wait(game.newcomer[:, at], floor) for at, service in enumerate(floor.services)}
    _further_back(rest, floor, tickets, newcomers)
    return Waits(tickets, newcomers, game.stuck)


def _wait(begins: Floats, floor: FloorNow) -> Wait | None:
    """Quantiles over the plays; None where a turn often does not come, or not within reason."""
    came = begins[begins < NEVER_S]
    if len(came) < LEAST_SHARE * len(begins):
        return None  # a turn that cannot come is not promised; who leaves before it is not asked about
    p50, p90 = np.quantile(came - floor.now_s, (0.5, 0.9))
    if p90 > MOST_S:
        return None
    return Wait(max(0.0, float(p50)), max(0.0, float(p90)))


def _further_back(
    rest: list[Person], floor: FloorNow, tickets: dict[str, Wait | None], newcomers: dict[str, Wait | None]
) -> None:
    """Whoever stands behind those who were played: each service goes on at the pace of those before."""
    for service in {one.service for one in rest}:
        before = [tickets[one.number] for one in floor.waiting if one.service == service and one.number in tickets]
        known = [wait for wait in before if wait is not None]
        behind = [one for one in rest if one.service == service]
        pace = max((wait.p50_s for wait in known), default=0.0) / max(len(known), 1)
        for at, one in enumerate(behind, 1):
            tickets[one.number] = _paced(pace, len(known) + at) if known else None
        newcomers[service] = _paced(pace, len(known) + len(behind) + 1) if known else None


def _paced(pace_s: float, turns: int) -> Wait | None:
    usual = pace_s * turns
    return Wait(usual, usual * 1.3) if usual * 1.3 < MOST_S else None


class _Game:
    """All plays of one floor at once. Shapes: (plays, people), (plays, counters), (plays, services)."""

    def __init__(
        self, floor: FloorNow, line: list[Person], rates: Rates, draw: np.random.Generator, plays: int
    ) -> None:
        self.floor, self.rates, self.draw, self.plays = floor, rates, draw, plays
        names = list(floor.services)
        names += sorted({one.service for one in line} - set(names))
        self.of = {service: at for at, service in enumerate(names)}
        everybody = [*((one, 1.0) for one in line), *self._yet_to_come()]
        everybody.sort(key=lambda one: one[0].came_s)
        self.people = [one for one, _ in everybody]
        self.here = draw.random((plays, len(everybody))) < np.array([chance for _, chance in everybody])
        self.service = np.array([self.of[one.service] for one in self.people], dtype=np.intp)
        self.came = np.array([one.came_s for one in self.people])
        self.place = np.array([one.came_s - one.head_start_s for one in self.people])
        count = len(self.people)
        self.begins = np.full((plays, count), NEVER_S)
        self.newcomer = np.full((plays, len(names)), NEVER_S)
        self._draw_people(count)
        self._open_counters()

    def _yet_to_come(self) -> list[tuple[Person, float]]:
        """Those with a head start who may come before a newcomer is called, and the chance of each."""
        found = []
        now = self.floor.now_s
        for service in self.of:
            for (head_start, elder), rate in self.rates.head_starts(service, now).items():
                chance = 1 - math.exp(-rate * head_start / SLOTS)
                for slot in range(SLOTS):
                    came = now + (slot + 0.5) / SLOTS * head_start
                    one = Person(number="", service=service, came_s=came, head_start_s=head_start, elder=elder)
                    found.append((one, chance))
        return found

    def _draw_people(self, count: int) -> None:
        rates, draw, plays, now = self.rates, self.draw, self.plays, self.floor.now_s
        self.visit = np.empty((plays, count))
        self.leaves = np.full((plays, count), NEVER_S)
        groups: dict[tuple[str, bool], list[int]] = {}
        for at, one in enumerate(self.people):
            groups.setdefault((one.service, one.elder), []).append(at)
            self.leaves[:, at] = one.came_s + rates.leaves_s(max(now - one.came_s, 0.0), plays, draw)
        for (service, elder), where in groups.items():
            self.visit[:, where] = rates.visit_s(service, elder, (plays, len(where)), draw)
        self.missed = rates.missed_s((plays, count), draw)
        self.luck = draw.random((plays, count))

    def _open_counters(self) -> None:
        floor, plays, draw = self.floor, self.plays, self.draw
        columns, skills, speeds, breaks, stuck = [], [], [], [], []
        wanted = {one.service for one in floor.waiting}
        for post in floor.posts:
            spent = max(floor.now_s - post.since_s, 0.0)
            ready: Floats | None
            if post.doing == "busy":
                left = self.rates.rest_s(post.service, post.elder, spent / self.rates.speed(post.counter), plays, draw)
                ready = None if left is None else floor.now_s + left * self.rates.speed(post.counter)
            elif post.doing == "away":
                ready = None if post.back_s is None else np.full(plays, max(post.back_s, floor.now_s))
            elif wanted & set(post.services):
                left = self.rates.pause_left_s(spent, plays, draw)
                ready = None if left is None else floor.now_s + left
            else:
                ready = np.full(plays, floor.now_s + REACT_S)
            if ready is None:
                if post.doing != "away":
                    stuck.append(post.counter)
                continue
            columns.append(ready)
            skills.append([service in post.services for service in self.of])
            speeds.append(self.rates.speed(post.counter))
            breaks.append(sorted(post.breaks)[:1])
        self.stuck = tuple(stuck)
        self.free = np.stack(columns, axis=1) if columns else np.full((plays, 0), NEVER_S)
        self.skill = np.array(skills, dtype=bool).reshape(len(skills), len(self.of))
        self.speeds = np.array(speeds)
        self.break_at = np.array([one[0][0] if one else NEVER_S for one in breaks])
        self.break_s = np.array([one[0][1] if one else 0.0 for one in breaks])

    def play(self) -> None:
        """Each step lets the counter that is ready first, in every play, do one thing."""
        counters = self.free.shape[1]
        if counters == 0:
            return
        rows = np.arange(self.plays)
        waiting = self.here.copy()
        breaks = np.broadcast_to(self.break_at, (self.plays, counters)).copy()
        passed = np.zeros((self.plays, len(self.of)), dtype=np.intp)
        suits = self.skill[:, self.service] if len(self.people) else np.zeros((counters, 0), dtype=bool)
        for _ in range(len(self.people) + 2 * counters):
            which = self.free.argmin(axis=1)
            at = self.free[rows, which]
            going = at < NEVER_S
            if not going.any():
                return
            lunch = going & (breaks[rows, which] <= at)
            if lunch.any():
                some = rows[lunch]
                self.free[some, which[lunch]] = at[lunch] + self.break_s[which[lunch]]
                breaks[some, which[lunch]] = NEVER_S
            going &= ~lunch
            here = waiting & suits[which] & (self.came <= at[:, None]) & (self.leaves > at[:, None])
            any_here = here.any(axis=1) if len(self.people) else np.zeros(self.plays, dtype=bool)
            idle = rows[going & ~any_here]
            if len(idle):
                reached = np.where(self.skill[which[idle]], at[idle, None], NEVER_S)
                self.newcomer[idle] = np.minimum(self.newcomer[idle], reached)
                self.free[idle, which[idle]] = NEVER_S
            busy = rows[going & any_here]
            if len(busy):
                self._call(busy, which[busy], at[busy], here[busy], waiting, passed)

    def _call(
        self, rows: npt.NDArray[np.intp], which: npt.NDArray[np.intp], at: Floats, here: npt.NDArray[np.bool_],
        waiting: npt.NDArray[np.bool_], passed: npt.NDArray[np.intp],
    ) -> None:  # fmt: skip
        chosen = np.where(here, self.place, NEVER_S).argmin(axis=1)
        line = self.service[chosen]
        first = (here & (self.service == line[:, None])).argmax(axis=1)  # people stand in the order of coming
        chosen = np.where(passed[rows, line] >= MAX_PASSED, first, chosen)
        passed[rows, line] = np.where(chosen == first, 0, passed[rows, line] + 1)
        waiting[rows, chosen] = False
        self.begins[rows, chosen] = at
        misses = self.luck[rows, chosen] < self.rates.miss_chance(at - self.came[chosen])
        took = np.where(misses, self.missed[rows, chosen], self.visit[rows, chosen] * self.speeds[which])
        self.free[rows, which] = at + took
