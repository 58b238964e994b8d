"""A simulated branch whose hub looks ahead: real wire, real store, waits, forecasts and dispatch on a virtual clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

from bench.branches.arrivals import Day
from bench.branches.looks import roster
from bench.branches.parameters import BranchWorld, Parameters
from bench.branches.wire import WireHouse
from bench.branches.world import Ended, World
from config.routing import Routing
from contracts.queueing import Lane
from hub.foresight.dispatch import Dispatcher
from hub.foresight.dispatch_rule import Rules
from hub.foresight.forecasting import Forecaster
from hub.foresight.live import Foresight, in_minutes
from hub.foresight.posts import posts_of
from hub.foresight.roster import Roster

WATCH_S: Final = 60.0
HELPS: Final = "personal"  # what every clerk of the simulated branches may be asked to call
OFFERED: Final = {"self_service": "self", "video": "video", "later": "later"}


class Foreseen:
    """One branch. `run` lives days; `looks` says whether its hub looks ahead on them."""

    def __init__(
        self, parameters: Parameters, branch: BranchWorld, house: WireHouse, routing: Routing, seed: int
    ) -> None:
        self.house, self.routing = house, routing
        self.world = World(parameters, branch, house, seed=seed)
        self.foresight = Foresight(house.store, zone_min=routing.zone_min, now=house.wall, seed=seed)
        self.forecaster = Forecaster(house.store, routing.zone_min)
        self.dispatcher = Dispatcher(house.store, self.foresight, self.forecaster, routing)
        self.dispatcher.machines = frozenset({HELPS})
        self._quarter = -1

    @property
    def branch(self) -> str:
        return self.house.branch

    def now(self) -> datetime:
        return self.house.wall()

    def plan(self, day: Day) -> None:
        """The roster of a day, with what everybody may be asked to."""
        self.world.day = day
        seats = tuple(replace(seat, can=(HELPS,)) for seat in roster(self.world).seats)
        self.house.begin(day.date)
        self.house.plan(Roster(seats))

    def allow(self, rules: Rules) -> None:
        self.dispatcher.allow(self.branch, rules, "simulated", self.now())

    def run(self, day: Day, *, looks: bool, until_s: float | None = None) -> list[Ended]:
        """A day, or its beginning."""
        self.plan(day)
        self.world.watch, self.world.watch_every_s = (self._watch if looks else None), WATCH_S
        self.world.on_issue = self._issued if looks else None
        self.house.promise = self._promise if looks else None
        if until_s is None:
            return self.world.run(day)
        self.world.begin(day)
        self.world.run_until(until_s)
        self.house.now_s = until_s
        return self.world.ended

    def _issued(self, _world: World, _number: str) -> None:
        self.foresight.look(self.branch)

    def _promise(self, service: str) -> tuple[int, int] | None:
        """What the terminal prints: the newcomer's wait as the hub told it last; nothing where nobody waits."""
        known = self.foresight.at_hand(self.branch)
        if known is None or known.floor is None or not any(one.service == service for one in known.floor.waiting):
            return None
        return in_minutes(known.shown.newcomers.get(service))

    def _watch(self, world: World) -> None:
        self.house.now_s = world.now_s
        now, branch = self.now(), self.branch
        quarter = int(world.now_s // 900)
        if quarter != self._quarter:
            self._quarter = quarter
            self.forecaster.keep(branch, now)
            self.forecaster.settle(branch, now)
        if any(seen.waiting for seen in self.house.tickets.values()) or self.dispatcher.offers(branch):
            self.foresight.look(branch)
        self.dispatcher.step(branch, now)
        extra = {post.counter: post.extra for post in posts_of(self.house.store, branch, now)}
        for counter, clerk in world.clerks.items():
            if clerk.lane is Lane.COUNTER and clerk.extra != extra.get(counter, ()):
                world.change_mix(counter, extra.get(counter, ()))
        world.offers.on_arrival = {
            service: frozenset(OFFERED[kind] for kind in kinds)
            for service, kinds in self.dispatcher.offers(branch).items()
        }


def folder_for(root: Path, name: str) -> Path:
    """A folder of a branch's terminals, made."""
    made = root / name
    made.mkdir(parents=True, exist_ok=True)
    return made
