"""The branch at one moment, as an estimate sees it: who waits, what each counter does. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Doing = Literal["idle", "busy", "away"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody in line. Seconds are of the branch's day; `head_start_s` as `contracts.queueing.head_start` has it now.

    `elder`: takes longer at a counter, as history has it.
    """

    number: str
    service: str
    came_s: float
    head_start_s: float = 0.0
    elder: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One counter. `since_s`: since when it does what it does; `back_s`: when somebody who is away is back, if known.

    `breaks`: planned ones that are still to come today, (from, length) in seconds.
    """

    counter: str
    services: tuple[str, ...]
    doing: Doing
    since_s: float
    service: str = ""  # of whom it serves
    elder: bool = False
    back_s: float | None = None
    breaks: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorNow:
    """One lane of a branch. `services`: those for which a newcomer's wait is asked."""

    now_s: float
    services: tuple[str, ...]
    waiting: tuple[Person, ...]
    posts: tuple[Post, ...]
