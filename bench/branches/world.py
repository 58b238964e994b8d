"""A day of a simulated branch: visitors come, clerks call, serve, eat and are absent, machines fail.

Virtual time, one list of what happens next. What the branch's queue does is the house's (`bench.branches.house`);
what the simulated people do is here, and nobody else knows it.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final

import numpy as np

from bench.branches.arrivals import HOUR_S, Day, Visitor
from bench.branches.house import House
from bench.branches.parameters import BranchWorld, Parameters
from contracts.queueing import Lane, Priority
from contracts.tickets import TicketEvent as E

NEVER_S: Final = 1e9
AFTER_CLOSING_S: Final = 3 * HOUR_S  # longer than any line takes; what is left then was never served


@dataclass(slots=True)
class Clerk:
    """Somebody at a counter (or on video), today."""

    counter: str
    services: tuple[str, ...]
    speed: float
    starts_s: float
    lunch_s: float
    lunch_len_s: float
    breaks: list[tuple[float, float]]
    absent: bool
    planned_len_s: float = 0.0  # of lunch
    lane: Lane = Lane.COUNTER
    extra: tuple[str, ...] = ()
    doing: str = "away"  # away | idle | busy | lunch | break | home
    serves: str = ""  # the number
    since_s: float = 0.0
    back_s: float = 0.0
    serial: int = 0
    ended_s: float = -1.0  # its last visit
    idle_s: float = 0.0
    busy_s: float = 0.0

    @property
    def calls(self) -> tuple[str, ...]:
        return (*self.services, *(one for one in self.extra if one not in self.services))


@dataclass(slots=True)
class Ended:
    """How one visitor fared. `wait_s`: from coming to the call that was answered, or to leaving."""

    visitor: Visitor
    way: str  # counter | video | self | later | left | unserved
    wait_s: float
    number: str = ""
    came_s: float = 0.0


@dataclass(slots=True)
class Offers:
    """What the branch offers instead of its counters, by service; whoever dispatches sets it."""

    on_arrival: dict[str, frozenset[str]] = field(default_factory=dict)
    later_s: float = 0.0  # the time that is proposed instead of now


@dataclass(slots=True)
class _Here:
    visitor: Visitor
    came_s: float
    number: str = ""
    gone: bool = False
    called: bool = False
    asked: bool = False
    video: bool = False


class World:
    """One branch, day after day. `step` runs a day; hooks look at it from outside."""

    def __init__(self, world: Parameters, branch: BranchWorld, house: House, *, seed: int) -> None:
        self.world, self.branch, self.house, self.seed = world, branch, house, seed
        chance = np.random.default_rng([seed, 7, *branch.name.encode()])
        self._speeds = {
            counter.name: math.exp(float(world.people["clerk_sd"] * chance.standard_normal()))
            for counter in branch.counters
        }
        self.on_issue: Callable[[World, str], None] | None = None
        self.watch: Callable[[World], None] | None = None
        self.watch_every_s = 60.0
        self.lunches: dict[str, float] = {}  # a lunch that was moved: counter → hour
        self.more_counters: tuple[tuple[str, tuple[str, ...]], ...] = ()  # opened beside the planned ones

    # --- a day ----------------------------------------------------------------------------------

    def run(self, day: Day) -> list[Ended]:
        """Everything that happens on a day; how each visitor fared, in the order of coming."""
        self.begin(day)
        while self._next:
            self._step()
        return self.finish()

    def begin(self, day: Day) -> None:
        """The morning."""
        self.day, self.now_s, self.offers = day, 0.0, Offers()
        self.house.begin(day.date)
        self._draw = np.random.default_rng([self.seed, day.date.toordinal(), 3, *self.branch.name.encode()])
        self._next: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._order = 0
        self._here: dict[str, _Here] = {}
        self.ended: list[Ended] = []
        self._machines = [0.0] * int(self.world.people["self_service_machines"])
        self.clerks = self._clerks(day)
        self._kiosks_away, self._cuts = self._machines_fail(day)
        for clerk in self.clerks.values():
            if not clerk.absent:
                self._at(max(clerk.starts_s, day.opens_s - 60), self._free, clerk.counter, 0)
        for visitor in day.visitors:
            self._at(visitor.at_s, self._arrive, visitor)
        if self.watch is not None:
            self._at(day.opens_s, self._watch)

    def run_until(self, at_s: float) -> None:
        """Everything that happens before `at_s`."""
        while self._next and self._next[0][0] <= at_s:
            self._step()
        self.now_s = max(self.now_s, at_s)

    def finish(self) -> list[Ended]:
        """The evening: who still waits was never served."""
        for here in self._here.values():
            if not here.called and not here.gone:
                self._end(here, "unserved", self.now_s - here.came_s)
        self.ended.sort(key=lambda one: one.came_s)
        return self.ended

    # --- what may happen ------------------------------------------------------------------------

    def _arrive(self, visitor: Visitor) -> None:
        offered = self.offers.on_arrival.get(visitor.service, frozenset())
        here = _Here(visitor, self.now_s)
        way = self._takes(visitor, offered, 1.0)
        if way == "self":
            self._use_machine(here)
            return
        if way == "later":
            self._come_later(here)
            return
        kiosk = self._kiosk(visitor)
        cut = self._cut_until(kiosk) > 0
        here.number = self.house.issue(visitor, kiosk, self.now_s, cut=cut)
        self._here[here.number] = here
        if way == "video" and not cut:
            here.video = here.asked = self.house.event(
                here.number, E.TRANSFERRED, self.now_s, service=visitor.service, lane=Lane.VIDEO
            )
        self._at(self.now_s + visitor.patience_s, self._leave, here)
        self._wake()
        if self.on_issue is not None and not cut:
            self.on_issue(self, here.number)

    def offer(self, number: str, kinds: frozenset[str]) -> str:
        """Ask somebody who waits, on their phone, once; what they took, or ''."""
        here = self._here.get(number)
        if here is None or here.asked or here.gone or here.called:
            return ""
        here.asked = True
        way = self._takes(here.visitor, kinds, self.world.people["accepts_on_phone"])
        if way == "video":
            here.video = self.house.event(
                number, E.TRANSFERRED, self.now_s, service=here.visitor.service, lane=Lane.VIDEO
            )
            self._wake()
        elif way and self.house.event(number, E.GIVEN_BACK, self.now_s):
            here.gone = True
            if way == "self":
                self._use_machine(here)
            else:
                self._come_later(here)
        return way

    def _takes(self, visitor: Visitor, offered: frozenset[str], share: float) -> str:
        people = self.world.people
        for kind, suited in (("self", visitor.self_suited), ("video", visitor.video_suited),
                             ("later", visitor.later_suited)):  # fmt: skip
            if kind in offered and suited and visitor.accepts < people[f"accepts_{kind}"] * share:
                return kind
        return ""

    def _use_machine(self, here: _Here) -> None:
        median, spread = self.world.people["self_min"]
        free = min(range(len(self._machines)), key=self._machines.__getitem__)
        begins = max(self._machines[free], self.now_s)
        self._machines[free] = begins + 60 * median * math.exp(spread * here.visitor.normal)
        self._end(here, "self", begins - here.came_s)

    def _come_later(self, here: _Here) -> None:
        again = self.offers.later_s
        if self.now_s + 1_800 < again < self.day.closes_s - 900:
            visitor = replace(here.visitor, at_s=again, later_suited=False)
            self._at(again + 1_200 * (visitor.walk - 0.5), self._arrive, visitor)
        else:
            self._end(here, "later", 0.0)  # another day

    def _leave(self, here: _Here) -> None:
        if here.called or here.gone:
            return
        here.gone = True
        if here.visitor.says_so:
            self.house.event(here.number, E.GIVEN_BACK, self.now_s)
        self._end(here, "left", self.now_s - here.came_s)

    def _free(self, counter: str, serial: int) -> None:
        """A clerk has time: for lunch, for whoever is next, or to go home."""
        clerk = self.clerks[counter]
        if serial != clerk.serial:
            return  # woken twice
        self._account(clerk)
        clerk.since_s = self.now_s
        if clerk.doing in ("away", "lunch") and clerk.lane is Lane.COUNTER:
            self.house.stand(counter, clerk.services, "open", self.now_s)
        lunch_due = clerk.lunch_s <= self.now_s
        if lunch_due or (clerk.breaks and clerk.breaks[0][0] <= self.now_s):
            length = clerk.lunch_len_s if lunch_due else clerk.breaks.pop(0)[1]
            if lunch_due:
                clerk.lunch_s = NEVER_S
            self._set(clerk, "lunch" if lunch_due else "break")
            clerk.back_s = self.now_s + length
            if lunch_due:
                self.house.stand(counter, clerk.services, "pause", self.now_s, self.now_s + clerk.planned_len_s)
            self._at(clerk.back_s, self._free, counter, clerk.serial)
            return
        number = self.house.call_next(clerk.services, counter, self.now_s, clerk.lane)
        if number is None and clerk.extra:  # what was asked besides, when nobody of its own waits
            number = self.house.call_next(clerk.extra, counter, self.now_s, clerk.lane)
        if number is None:
            over = self.now_s >= self.day.closes_s
            self._set(clerk, "home" if over else "idle")
            if over and clerk.lane is Lane.COUNTER:
                self.house.stand(counter, clerk.services, "closed", self.now_s)
            if not over:
                pause = [clerk.lunch_s, *(at for at, _ in clerk.breaks[:1]), self.day.closes_s]
                self._at(max(min(pause), self.now_s), self._free, counter, clerk.serial)
            return
        self._set(clerk, "busy")
        clerk.serves = number
        here, people = self._here[number], self.world.people
        here.called = not here.gone
        if here.gone:
            self._at(self.now_s + people["recall_after_s"], self._recall, clerk.counter)
            self._at(self.now_s + people["missed_after_s"], self._missed, clerk.counter)
            return
        low, high = people["elder_walk_s" if here.visitor.priority is Priority.ELDER else "walk_s"]
        walk = 5.0 if clerk.lane is Lane.VIDEO else low + (high - low) * here.visitor.walk
        self._end(here, "video" if clerk.lane is Lane.VIDEO else "counter", self.now_s - here.came_s)
        self._at(self.now_s + walk, self._serve, clerk.counter)

    def _recall(self, counter: str) -> None:
        self.house.event(self.clerks[counter].serves, E.RECALLED, self.now_s, counter=counter)

    def _missed(self, counter: str) -> None:
        clerk = self.clerks[counter]
        self.house.event(clerk.serves, E.MISSED, self.now_s, counter=counter)
        clerk.serves, clerk.ended_s = "", self.now_s
        self._free(counter, clerk.serial)

    def _serve(self, counter: str) -> None:
        clerk = self.clerks[counter]
        self.house.event(clerk.serves, E.SERVING_BEGAN, self.now_s, counter=counter)
        seen, visitor = self.house.tickets[clerk.serves], self._here[clerk.serves].visitor
        self._at(self.now_s + self.duration_s(clerk, seen.service, visitor), self._done, counter)

    def duration_s(self, clerk: Clerk, service: str, visitor: Visitor) -> float:
        """How long this clerk needs for this visitor's business now."""
        kind, people = self.world.services[service], self.world.people
        slower = 1 + people["afternoon_slower"] * (self.now_s - self.day.opens_s) / (
            self.day.closes_s - self.day.opens_s
        )
        seconds = 60 * kind.minutes_median * math.exp(kind.spread * visitor.normal) * clerk.speed * slower
        seconds *= kind.hard_factor if visitor.hard else 1.0
        seconds *= kind.elder_slower if visitor.priority is Priority.ELDER else 1.0
        return float(max(30.0, seconds * (people["video_factor"] if clerk.lane is Lane.VIDEO else 1.0)))

    def _done(self, counter: str) -> None:
        clerk, people = self.clerks[counter], self.world.people
        number = clerk.serves
        here = self._here[number]
        target = here.visitor.moves_on
        if target and target != self.house.tickets[number].service:
            self.house.event(number, E.TRANSFERRED, self.now_s, counter=counter, service=target, lane=Lane.COUNTER)
            moved = replace(here.visitor, moves_on="", normal=-here.visitor.normal, hard=False)
            again = _Here(moved, self.now_s, number)
            self._here[number] = again
            self._at(self.now_s + moved.patience_s, self._leave, again)
            self._wake()
        else:
            self.house.event(number, E.FINISHED, self.now_s, counter=counter)
        clerk.serves, clerk.ended_s = "", self.now_s
        low, high = people["wrap_up_s"]
        self._at(self.now_s + low + (high - low) * float(self._draw.random()), self._free, counter, clerk.serial)

    def _watch(self) -> None:
        assert self.watch is not None
        self.watch(self)
        if self.now_s < self.day.closes_s:
            self._at(self.now_s + self.watch_every_s, self._watch)

    def change_mix(self, counter: str, extra: tuple[str, ...]) -> None:
        """A counter calls other services as well (or no longer)."""
        self.clerks[counter].extra = extra
        self._wake()

    # --- parts ----------------------------------------------------------------------------------

    def _wake(self) -> None:
        """Free clerks see that somebody came."""
        low, high = self.world.people["react_s"]
        for clerk in self.clerks.values():
            if clerk.doing == "idle":
                clerk.serial += 1
                wait = low + (high - low) * float(self._draw.random())
                self._at(self.now_s + wait, self._free, clerk.counter, clerk.serial)

    def _set(self, clerk: Clerk, doing: str) -> None:
        clerk.doing, clerk.since_s = doing, self.now_s
        clerk.serial += 1

    def _account(self, clerk: Clerk) -> None:
        spent = self.now_s - clerk.since_s
        if clerk.doing == "idle":
            clerk.idle_s += spent
        elif clerk.doing == "busy":
            clerk.busy_s += spent

    def _end(self, here: _Here, way: str, wait_s: float) -> None:
        self.ended.append(Ended(here.visitor, way, max(wait_s, 0.0), here.number, here.came_s))

    def _at(self, at_s: float, what: Callable[..., None], *arguments: Any) -> None:
        self._order += 1
        heapq.heappush(self._next, (at_s, self._order, what, arguments))

    def _step(self) -> None:
        at_s, _, what, arguments = heapq.heappop(self._next)
        if at_s > self.day.closes_s + AFTER_CLOSING_S:
            self._next.clear()
            return
        self.now_s = max(self.now_s, at_s)
        what(*arguments)

    def _clerks(self, day: Day) -> dict[str, Clerk]:
        people, draw = self.world.people, self._draw
        found = {}
        planned = [(one.name, one.services, one.lunch) for one in self.branch.counters]
        planned += [(name, services, (23.0, 0.0)) for name, services in self.more_counters]
        for name, services, lunch in planned:
            speed = self._speeds.get(name, 1.0) * math.exp(float(people["clerk_day_sd"] * draw.standard_normal()))
            count = int(draw.poisson(people["short_breaks"]))
            low, high = people["short_break_min"]
            breaks = sorted(
                (float(draw.uniform(day.opens_s + HOUR_S, day.closes_s - HOUR_S)), 60 * float(draw.uniform(low, high)))
                for _ in range(count)
            )
            late_low, late_high = people["late_min"]
            found[name] = Clerk(
                name, services, speed, day.opens_s + 60 * float(draw.uniform(late_low, late_high)),
                HOUR_S * self.lunches.get(name, lunch[0]), HOUR_S * lunch[1] * float(draw.uniform(0.9, 1.1)), breaks,
                bool(draw.random() < people["absent"]), HOUR_S * lunch[1],
            )  # fmt: skip
        for which in range(int(people["video_tellers"])):
            name = f"V{which + 1}"
            found[name] = Clerk(
                name, tuple(self.world.services), 1.0, day.opens_s, NEVER_S, 0.0, [], False, lane=Lane.VIDEO
            )
        return found

    def _machines_fail(self, day: Day) -> tuple[dict[int, tuple[float, float]], dict[int, tuple[float, float]]]:
        """When each terminal is broken, and when it is cut off from the hub."""
        machines, draw = self.world.machines, self._draw
        away: dict[int, tuple[float, float]] = {}
        cuts: dict[int, tuple[float, float]] = {}
        for kiosk in range(self.branch.kiosks):
            for chance, length, found in (
                ("kiosk_fails", "kiosk_fails_min", away), ("network_cut", "network_cut_min", cuts),
            ):  # fmt: skip
                begins = float(draw.uniform(day.opens_s, day.closes_s))
                lasts = 60 * float(draw.uniform(*machines[length]))
                if draw.random() < machines[chance]:
                    found[kiosk] = (begins, begins + lasts)
        for kiosk, (_, end) in cuts.items():
            self._at(end, self._reconnect, kiosk)
        return away, cuts

    def _reconnect(self, kiosk: int) -> None:
        self._cuts.pop(kiosk)
        self.house.reconnect(kiosk, self.now_s)
        self._wake()

    def _kiosk(self, visitor: Visitor) -> int:
        working = [
            kiosk
            for kiosk in range(self.branch.kiosks)
            if not self._kiosks_away.get(kiosk, (0, 0))[0] <= self.now_s < self._kiosks_away.get(kiosk, (0, 0))[1]
        ] or [0]  # with all of them broken the hall's own staff give numbers at the first
        return working[int(visitor.kiosk * len(working))]

    def _cut_until(self, kiosk: int) -> float:
        begins, ends = self._cuts.get(kiosk, (NEVER_S, 0.0))
        return ends if begins <= self.now_s < ends else 0.0


def date_of(text: str) -> date:
    """'2026-03-02'. Raises ValueError."""
    return date.fromisoformat(text)
