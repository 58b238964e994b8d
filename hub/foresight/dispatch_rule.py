"""What is done when a line is about to become too long: pure, the same for advising and for acting.

A threshold is the wait that nine of ten newcomers should stay within. From a share of it on a counter whose own line
is empty is asked to help; nearer to it those whom it suits are offered a machine, a teller on video, another time.
What was begun ends when the wait has fallen well below, so that nothing flutters. A counter calls what it was asked
to only when nobody of its own waits: its own visitors lose at most the visit that it has begun.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from hub.foresight.floor_now import FloorNow
from hub.foresight.waiting import Waits

HELPS_FROM: Final = 0.2  # of the threshold: a counter that is free anyway helps
OFFERS_FROM: Final = 1.0
ENDS_BELOW: Final = 0.5  # of where an act began
LEAST_LASTS_S: Final = 60.0  # an act that has just begun is not ended
LEAST_WAITING: Final = 2


class Kind(StrEnum):
    """What may be done."""

    MIX = "mix"  # a counter calls another service as well
    SELF_SERVICE = "self_service"
    VIDEO = "video"
    LATER = "later"


OFFERS: Final = (Kind.SELF_SERVICE, Kind.VIDEO, Kind.LATER)


@dataclass(frozen=True, slots=True)
class Rules:
    """What a branch allows. `acts`: kinds that are done without asking; the others are advised."""

    watches: bool = True
    acts: frozenset[Kind] = frozenset()
    most_wait_min: int = 20


@dataclass(frozen=True, slots=True)
class Running:
    """An act that goes on."""

    kind: Kind
    service: str
    counter: str
    since_s: float
    began_at_s: float  # the wait at which it began


@dataclass(frozen=True, slots=True)
class Choice:
    """Begin or end something, and the figures that speak for it."""

    begin: bool
    kind: Kind
    service: str
    counter: str = ""
    why: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Means:
    """What there is beside the counters. `can`: services by counter; `offers`: kinds by service."""

    can: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    machines: frozenset[str] = frozenset()  # services of which a machine does some
    video: frozenset[str] = frozenset()  # services that a free teller on video does
    later: frozenset[str] = frozenset()  # services that are quiet later today


def decide(floor: FloorNow, waits: Waits, means: Means, rules: Rules, running: Iterable[Running]) -> list[Choice]:
    """What should begin and end now. Nothing is said of a service whose wait cannot be said."""
    going = list(running)
    if not rules.watches:
        return [_end(one, {}) for one in going]
    limit_s = 60.0 * rules.most_wait_min
    found: list[Choice] = []
    for service in floor.services:
        wait = waits.newcomers.get(service)
        line = sum(one.service == service for one in floor.waiting)
        mine = [one for one in going if one.service == service]
        if wait is None:
            found += [_end(one, {"waiting": line}) for one in mine if line == 0]
            continue
        why = {"p50_min": wait.p50_s / 60, "p90_min": wait.p90_s / 60, "waiting": line, "limit_min": limit_s / 60}
        for one in mine:
            starts = limit_s * (HELPS_FROM if one.kind is Kind.MIX else OFFERS_FROM)
            if wait.p90_s < ENDS_BELOW * starts and floor.now_s - one.since_s > LEAST_LASTS_S:
                found.append(_end(one, why))
        begun = {(one.kind, one.counter) for one in mine}
        if line and wait.p90_s > HELPS_FROM * limit_s:
            found += [
                Choice(True, Kind.MIX, service, counter, why)
                for counter in _could_help(floor, means, service)
                if (Kind.MIX, counter) not in begun
            ]
        if line >= LEAST_WAITING and wait.p90_s > OFFERS_FROM * limit_s:
            there = {Kind.SELF_SERVICE: means.machines, Kind.VIDEO: means.video, Kind.LATER: means.later}
            found += [
                Choice(True, kind, service, "", why)
                for kind in OFFERS
                if service in there[kind] and (kind, "") not in begun
            ]
    return found


def _could_help(floor: FloorNow, means: Means, service: str) -> list[str]:
    """Counters that may call the service, do not yet, and of whose own nobody waits."""
    waiting = {one.service for one in floor.waiting}
    return [
        post.counter
        for post in floor.posts
        if post.doing != "away"
        and service not in post.services
        and service in means.can.get(post.counter, ())
        and not waiting & set(post.services)
    ]


def _end(one: Running, why: Mapping[str, float]) -> Choice:
    return Choice(False, one.kind, one.service, one.counter, why)
