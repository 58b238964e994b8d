"""Who is called next: pure rules, the same at the hub and on a terminal that is cut off from it.

Everybody has a place in time: when they came. Some have a head start of at most `MAX_HEAD_START`, which puts
their place that much earlier. The lowest place is called. Two bounds follow, proved in docs/queue.md and tested:

* nobody who came more than `MAX_HEAD_START` after you is called before you;
* among `MAX_PASSED + 1` calls of a line in a row at least one goes to whoever came first, so with r people
  waiting who came before you, you are called at the latest as number `calls_until(r)`, whoever else comes.

A line is one service at one place (`Lane`). What parks, is transferred or moves keeps when it came.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final


class Priority(StrEnum):
    """Why somebody goes before others. Chosen by the visitor or staff; nothing says who the visitor is."""

    NONE = "none"
    ELDER = "elder"
    DISABLED = "disabled"
    PREGNANT = "pregnant"
    VIP = "vip"
    CARRIED = "carried"  # was not served by yesterday's closing


class Lane(StrEnum):
    """Where a ticket waits; it is valid at all of them and may move."""

    COUNTER = "counter"
    KIOSK = "kiosk"
    VIDEO = "video"


MAX_HEAD_START: Final = timedelta(minutes=20)
HEAD_START: Final[dict[Priority, timedelta]] = {
    Priority.NONE: timedelta(0),
    Priority.ELDER: timedelta(minutes=15),
    Priority.DISABLED: MAX_HEAD_START,
    Priority.PREGNANT: MAX_HEAD_START,
    Priority.VIP: timedelta(minutes=10),
    Priority.CARRIED: MAX_HEAD_START,
}
MAX_PASSED: Final = 2  # calls in a row that may pass over whoever came first

EARLY: Final = timedelta(minutes=30)  # who comes earlier than this for an appointment waits as everybody does
LATE: Final = timedelta(minutes=15)  # who comes later than this has lost the appointment's head start

REJOIN_CREDIT: Final = timedelta(minutes=10)
MAX_REJOINS: Final = 2  # then a new ticket is needed


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiter:
    """One ticket in line. `came` and `due` (an appointment, or None) are aware times of one clock: the hub's.

    `device` and `seq` break ties: `seq` runs by terminal, so that the order of one terminal is exact.
    """

    number: str
    came: datetime
    device: str
    seq: int
    priority: Priority = Priority.NONE
    due: datetime | None = None


Rank = tuple[datetime, str, int]


def arrival(waiter: Waiter) -> Rank:
    """The order of coming: lower came first."""
    return waiter.came, waiter.device, waiter.seq


def head_start(priority: Priority, came: datetime, due: datetime | None, now: datetime) -> timedelta:
    """How much earlier than `came` the place is. An appointment counts from its time on, if kept within its window."""
    return max(HEAD_START[priority], MAX_HEAD_START if keeps(came, due) and due and now >= due else timedelta(0))


def keeps(came: datetime, due: datetime | None) -> bool:
    """Whether somebody who came at `came` keeps the appointment of `due`: from `EARLY` before to `LATE` after it."""
    return due is not None and due - EARLY <= came <= due + LATE


def place(waiter: Waiter, now: datetime) -> Rank:
    """The order of calling at `now`: lower is called first."""
    start = head_start(waiter.priority, waiter.came, waiter.due, now)
    return waiter.came - start, waiter.device, waiter.seq


def choose(line: Iterable[Waiter], passed: int, now: datetime) -> tuple[Waiter, int] | None:
    """Who of `line` is called, and `passed` after that call; None for an empty line.

    `passed` counts the calls in a row, up to now, that passed over whoever had come first. `line` may be cut to
    whoever came first and whoever has the lowest place: nobody else can be chosen.
    """
    waiting = list(line)
    if not waiting:
        return None
    first = min(waiting, key=arrival)
    ahead = first if passed >= MAX_PASSED else min(waiting, key=lambda waiter: place(waiter, now))
    return ahead, 0 if ahead == first else passed + 1


def calls_until(before: int) -> int:
    """At the latest this call of the line is yours (1: the next), with `before` people in it who came earlier."""
    return (MAX_PASSED + 1) * (before + 1)


def order(line: Iterable[Waiter], now: datetime) -> list[Waiter]:
    """The line as it will be called, from the next on, when nobody comes and `now` stands still."""
    return sorted(line, key=lambda waiter: place(waiter, now))


@dataclass(frozen=True, slots=True)
class Rejoin:
    """A place in line after a missed call."""

    came: datetime
    priority: Priority
    rejoins: int


def rejoined(came: datetime, priority: Priority, rejoins: int, now: datetime) -> Rejoin | None:
    """The place of somebody who missed their call and is back at `now`; None: take a new ticket.

    The first time they wait as if they had come `REJOIN_CREDIT` ago, with their head start: not first again,
    and not at the end. The second time as if they came now, without it.
    """
    if rejoins >= MAX_REJOINS:
        return None
    if rejoins == 0:
        return Rejoin(max(came, now - REJOIN_CREDIT), priority, 1)
    return Rejoin(max(came, now), Priority.NONE, rejoins + 1)
