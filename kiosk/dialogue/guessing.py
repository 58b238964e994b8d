"""Guesses before anybody has asked: three likely wishes, from the hour, the branch, the ticket, and what is asked here.

Pure. What was asked is learnt by `kiosk/session/habits.py`; this only weighs it against what is usual.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from config.guesses import Guess
from config.schema import Site, Weekday
from contracts.screen import Language, Target
from kiosk.dialogue.wording import WISH, pick

SHOWN: Final = 3
WEEKDAYS: Final[tuple[Weekday, ...]] = (
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
)  # fmt: skip


class Learnt(Protocol):
    """What visitors asked here, at this time of day: counts that fade; none that could tell of one visitor."""

    def counts(self, now: datetime, *, ticket: bool) -> Mapping[str, float]: ...


@dataclass(frozen=True, slots=True)
class Guessing:
    """The table of what may be guessed, and what was learnt."""

    rows: Sequence[Guess]
    learnt: Learnt | None = None
    expects: Callable[[], bool] = lambda: False
    """Whether somebody with an appointment may come about now."""

    def likely(self, site: Site, now: datetime, *, ticket: bool, done: Collection[str] = ()) -> tuple[Guess, ...]:
        """The three likeliest, likeliest first. `done`: wishes that are dealt with."""
        is_open, appointments = open_now(site, now), self.expects()
        counts = self.learnt.counts(now, ticket=ticket) if self.learnt else {}
        fit = [
            row
            for row in self.rows
            if row.ticket in (None, ticket) and row.open in (None, is_open) and row.wish not in done
            if appointments or not row.appointment
        ]

        def weight(row: Guess) -> float:
            peaks = sum(peak.weight for peak in row.peaks if peak.since <= now.hour < peak.until)
            return row.weight + peaks + counts.get(row.wish, 0.0)

        return tuple(sorted(fit, key=lambda row: -weight(row))[:SHOWN])


def open_now(site: Site, now: datetime) -> bool:
    hours = site.branch.hours.get(WEEKDAYS[now.weekday()])
    return bool(hours and hours.opens <= now.time() < hours.closes)


def guess_target(row: Guess, language: Language) -> Target:
    label = pick(row.label, language)
    detail = pick(row.detail, language)
    return Target(id=WISH + row.wish, label=label, spoken_label=label, kind="chip", detail=detail, icon=row.icon)
