"""Who comes on a day of a simulated branch, with everything that chance decides about them drawn beforehand.

Two runs with one seed therefore meet the same people, whatever the branch does with them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np

from bench.branches.parameters import WEEKDAYS, BranchWorld, Parameters, ServiceWorld
from contracts.queueing import Priority

QUARTER_S: Final = 900
HOUR_S: Final = 3_600


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """One person. Seconds are of the day, from midnight; `normal` and the like are draws, made into times later."""

    who: int
    at_s: float
    service: str
    priority: Priority
    normal: float  # how long the business takes, as a standard normal
    hard: bool
    patience_s: float
    says_so: bool  # gives the number back when leaving
    walk: float  # 0–1
    moves_on: str  # service afterwards, or ''
    self_suited: bool
    video_suited: bool
    later_suited: bool
    accepts: float  # 0–1: an offer is taken below its share
    kiosk: float  # 0–1


@dataclass(frozen=True, slots=True)
class Day:
    """One day: what kind it is, its visitors by time of coming."""

    date: date
    kinds: tuple[str, ...]
    level: float
    opens_s: float
    closes_s: float
    visitors: tuple[Visitor, ...]


def shape(service: ServiceWorld, hour: float) -> float:
    """The rate at an hour, before it is scaled to the day's count."""
    return service.floor + sum(
        height * math.exp(-0.5 * ((hour - middle) / width) ** 2) for middle, width, height in service.peaks
    )


def quarter_rates(
    world: Parameters, branch: BranchWorld, day: date, kinds: tuple[str, ...], level: float, service: ServiceWorld
) -> np.ndarray:
    """(96,) expected arrivals in each quarter of an hour, bursts apart."""
    hours = world.hours(day)
    rates = np.zeros(96)
    if hours is None:
        return rates
    middles = (np.arange(96) + 0.5) / 4
    open_now = (middles > hours[0]) & (middles < hours[1])
    rates = np.array([shape(service, hour) for hour in middles]) * open_now
    ordinary = [(q + 0.5) / 4 for q in range(96) if 9.0 < (q + 0.5) / 4 < 17.0]
    rates *= service.per_day / sum(shape(service, hour) for hour in ordinary)
    year = 1 + world.day["yearly_swing"] * math.cos(2 * math.pi * (day.timetuple().tm_yday - 20) / 365)
    growth = 1 + world.day["growth_per_year"] * (day - date(2026, 1, 1)).days / 365
    rates *= branch.scale * world.weekday_factor[WEEKDAYS[day.weekday()]] * year * growth * level
    for name in kinds:
        kind = world.kinds[name]
        factor = kind.factor.get(service.name, 1.0)
        rates = np.where((middles >= kind.begins) & (middles < kind.ends), rates * factor, rates)
    return rates


def kinds_of(world: Parameters, day: date, chance: np.random.Generator) -> tuple[str, ...]:
    """What the day is; weather and campaigns are drawn."""
    found = [name for name, kind in world.kinds.items() if day.day in kind.days_of_month]
    if day + timedelta(days=1) in world.holidays:
        found.append("before_holiday")
    if day - timedelta(days=1) in world.holidays and day not in world.holidays:
        found.append("after_holiday")
    draw = chance.random(2)
    if draw[0] < world.kinds["campaign"].chance:
        found.append("campaign")
    if draw[1] < world.kinds["storm"].chance:
        found.append("storm")
    elif draw[1] < world.kinds["storm"].chance + world.kinds["rain"].chance:
        found.append("rain")
    return tuple(found)


def days(world: Parameters, branch: BranchWorld, first: date, seed: int) -> Iterator[Day]:
    """Open days one after the other, for ever; the level of one leans on the one before."""
    chance = np.random.default_rng([seed, *branch.name.encode()])
    memory, deviation = world.day["level_memory"], world.day["level_sd"]
    log_level, day = 0.0, first
    while True:
        log_level = memory * log_level + math.sqrt(1 - memory**2) * deviation * chance.standard_normal()
        kinds = kinds_of(world, day, chance)
        hours = world.hours(day)
        if hours is not None:
            level = math.exp(log_level)
            its_own = np.random.default_rng([seed, day.toordinal(), *branch.name.encode()])
            visitors = _visitors(world, branch, day, kinds, level, its_own)
            yield Day(day, kinds, level, hours[0] * HOUR_S, hours[1] * HOUR_S, visitors)
        day += timedelta(days=1)


def _visitors(
    world: Parameters, branch: BranchWorld, day: date, kinds: tuple[str, ...], level: float, chance: np.random.Generator
) -> tuple[Visitor, ...]:
    people, shape_of_bursts = world.people, world.day["burst_shape"]
    found: list[Visitor] = []
    for service in world.services.values():
        bursts = np.repeat(chance.gamma(shape_of_bursts, 1 / shape_of_bursts, 48), 2)
        rates = quarter_rates(world, branch, day, kinds, level, service) * bursts
        elders = next((share for name in kinds if (share := world.kinds[name].elder_share) is not None), None)
        elder_share = elders if elders is not None and service.name == "personal" else service.elder_share
        for quarter, count in enumerate(chance.poisson(rates)):
            for at in chance.random(count):
                draw = chance.random(10)
                priority = Priority.NONE
                if draw[0] < elder_share:
                    priority = Priority.ELDER
                elif draw[0] > 1 - service.other_priority_share:
                    others = (Priority.DISABLED, Priority.PREGNANT, Priority.VIP)
                    priority = others[int(draw[9] * len(others))]
                moves, share = "", 0.0
                for target, part in service.to.items():
                    share += part
                    moves = target if draw[1] < share and not moves else moves
                personal = service.name == "personal"
                found.append(
                    Visitor(
                        who=0,
                        at_s=(quarter + float(at)) * QUARTER_S,
                        service=service.name,
                        priority=priority,
                        normal=float(chance.standard_normal()),
                        hard=bool(draw[2] < service.hard_share),
                        patience_s=60 * people["patience_min"] * float(chance.weibull(people["patience_shape"])),
                        says_so=bool(draw[3] < people["says_so"]),
                        walk=float(draw[4]),
                        moves_on=moves,
                        self_suited=personal and bool(draw[5] < people["self_suited"]),
                        video_suited=service.name != "corporate" and bool(draw[6] < people["video_suited"]),
                        later_suited=bool(draw[7] < people["later_suited"]),
                        accepts=float(draw[8]),
                        kiosk=float(draw[9]),
                    )
                )
    found.sort(key=lambda one: one.at_s)
    return tuple(
        Visitor(**{name: getattr(one, name) for name in Visitor.__slots__ if name != "who"}, who=who)
        for who, one in enumerate(found)
    )
