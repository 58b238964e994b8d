"""Somebody who knows the simulator's own rates: what can be known about a wait before chance has spoken.

The same play as the estimate's, drawn from the parameters themselves and from today's: the day's kind and level, each
clerk's speed, patience. What will be drawn for a visitor it does not know either.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from bench.branches.arrivals import quarter_rates
from bench.branches.world import World
from contracts.queueing import HEAD_START, Priority
from hub.foresight.waiting import NEVER_S, Floats

SAMPLE: Final = 6_000


def _uniform(draw: np.random.Generator, bounds: Any) -> Floats:
    low, high = bounds
    return draw.uniform(float(low), float(high), SAMPLE)


class Oracle:
    """`Rates` by the parameters, for one day of one branch."""

    def __init__(self, world: World, seed: int) -> None:
        self._world, self._draw = world, np.random.default_rng([seed, 99])
        people = world.world.people
        draw = self._draw
        self._patience = 60 * people["patience_min"] * draw.weibull(people["patience_shape"], SAMPLE)
        self._says = draw.random(SAMPLE) < people["says_so"]
        self._wrap = _uniform(draw, people["wrap_up_s"])
        self._break = 60 * _uniform(draw, people["short_break_min"])
        self._work: dict[tuple[str, bool], Floats] = {}
        self._rates: dict[str, Floats] = {}

    def _own(self, service: str, elder: bool) -> Floats:
        """Call to end at a clerk of speed 1 at opening, sorted, seconds."""
        found = self._work.get((service, elder))
        if found is None:
            kind, people, draw = self._world.world.services[service], self._world.world.people, self._draw
            work = 60 * kind.minutes_median * np.exp(kind.spread * draw.standard_normal(SAMPLE))
            work *= np.where(draw.random(SAMPLE) < kind.hard_share, kind.hard_factor, 1.0)
            work *= kind.elder_slower if elder else 1.0
            walk = _uniform(draw, people["elder_walk_s" if elder else "walk_s"])
            found = self._work[service, elder] = np.sort(np.maximum(work, 30.0) + walk)
        return found

    def _slower(self) -> float:
        day = self._world.day
        into = (self._world.now_s - day.opens_s) / (day.closes_s - day.opens_s)
        return float(1 + self._world.world.people["afternoon_slower"] * into)

    def _pause(self, shape: tuple[int, ...], draw: np.random.Generator) -> Floats:
        day = self._world.day
        share = float(self._world.world.people["short_breaks"]) * 360 / (day.closes_s - day.opens_s)
        pause = self._wrap[draw.integers(0, SAMPLE, shape)]
        return np.where(draw.random(shape) < share, pause + self._break[draw.integers(0, SAMPLE, shape)], pause)

    def visit_s(self, service: str, elder: bool, shape: tuple[int, ...], draw: np.random.Generator) -> Floats:
        own = self._own(service, elder)
        return own[draw.integers(0, SAMPLE, shape)] * self._slower() + self._pause(shape, draw)

    def missed_s(self, shape: tuple[int, ...], draw: np.random.Generator) -> Floats:
        return np.full(shape, float(self._world.world.people["missed_after_s"]))

    def rest_s(self, service: str, elder: bool, spent_s: float, plays: int, draw: np.random.Generator) -> Floats | None:
        own = self._own(service, elder) * self._slower()
        beyond = own[np.searchsorted(own, spent_s, "right") :]
        if len(beyond) < 5:
            return draw.exponential(0.35 * spent_s, plays)
        return np.asarray(beyond[draw.integers(0, len(beyond), plays)] - spent_s + self._pause((plays,), draw))

    def pause_left_s(self, spent_s: float, plays: int, draw: np.random.Generator) -> Floats | None:
        every = np.concatenate([self._wrap, self._wrap[: SAMPLE // 20] + self._break[: SAMPLE // 20]])
        beyond = every[every > spent_s]
        return (
            draw.exponential(30.0, plays) if len(beyond) < 3 else beyond[draw.integers(0, len(beyond), plays)] - spent_s
        )

    def speed(self, counter: str) -> float:
        return self._world.clerks[counter].speed

    def miss_chance(self, waited_s: Floats) -> Floats:
        people = self._world.world.people
        left = 1 - np.exp(-((np.maximum(waited_s, 0) / (60 * people["patience_min"])) ** people["patience_shape"]))
        return np.asarray((1 - people["says_so"]) * left / (1 - people["says_so"] * left))

    def leaves_s(self, waited_s: float, plays: int, draw: np.random.Generator) -> Floats:
        still = ~(self._says & (self._patience < waited_s))
        when = np.where(self._says, self._patience, NEVER_S)[still]
        return np.asarray(when[draw.integers(0, len(when), plays)])

    def head_starts(self, service: str, now_s: float) -> Mapping[tuple[float, bool], float]:
        world, day = self._world.world, self._world.day
        if service not in self._rates:
            kind = world.services[service]
            self._rates[service] = quarter_rates(world, self._world.branch, day.date, day.kinds, day.level, kind) / 900
        kind = world.services[service]
        rate = float(self._rates[service][min(int(now_s // 900), 95)])
        shares = (world.kinds[name].elder_share for name in day.kinds)
        elders = next((share for share in shares if share is not None), None)
        elder = elders if elders is not None and service == "personal" else kind.elder_share
        starts = {(HEAD_START[Priority.ELDER].total_seconds(), True): rate * elder}
        for priority in (Priority.DISABLED, Priority.PREGNANT, Priority.VIP):
            key = (HEAD_START[priority].total_seconds(), False)
            starts[key] = starts.get(key, 0.0) + rate * kind.other_priority_share / 3
        return starts
