"""A ticket's life as one table, and how its number is made and read.

A number is the service's letter, the kiosk's digit and the running number of that service on that
kiosk on that business day, at least two digits: A037 is service A, kiosk 0, the 37th. The digit
makes numbers of two kiosks different without asking anybody, so a kiosk alone can issue them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MAX_RUNNING: Final = 9999  # a kiosk issues a few hundred a day; four digits still fit on the paper


class TicketState(StrEnum):
    """What is going on with a ticket."""

    ISSUED = "issued"  # printed; the hub has not heard of it yet
    WAITING = "waiting"
    CALLED = "called"
    RECALLED = "recalled"  # called again because nobody came
    SERVING = "serving"
    PARKED = "parked"  # put aside: a paper is missing, somebody must be asked
    TRANSFERRED = "transferred"  # waits for another service, keeping its number
    NO_SHOW = "no_show"
    DONE = "done"
    GIVEN_BACK = "given_back"
    EXPIRED = "expired"  # the business day is over


class TicketEvent(StrEnum):
    """What happens to a ticket, past tense."""

    ACCEPTED = "accepted"  # the hub applied the kiosk's operation
    CALLED = "called"
    RECALLED = "recalled"
    SERVING_BEGAN = "serving_began"
    PARKED = "parked"
    REQUEUED = "requeued"
    TRANSFERRED = "transferred"
    MISSED = "missed"
    FINISHED = "finished"
    GIVEN_BACK = "given_back"
    DAY_ENDED = "day_ended"


S, E = TicketState, TicketEvent

TABLE: Final[dict[tuple[TicketState, TicketEvent], TicketState]] = {
    (S.ISSUED,      E.ACCEPTED):      S.WAITING,
    (S.ISSUED,      E.GIVEN_BACK):    S.GIVEN_BACK,
    (S.ISSUED,      E.DAY_ENDED):     S.EXPIRED,
    (S.WAITING,     E.CALLED):        S.CALLED,
    (S.WAITING,     E.PARKED):        S.PARKED,
    (S.WAITING,     E.TRANSFERRED):   S.TRANSFERRED,
    (S.WAITING,     E.GIVEN_BACK):    S.GIVEN_BACK,
    (S.WAITING,     E.DAY_ENDED):     S.EXPIRED,
    (S.CALLED,      E.RECALLED):      S.RECALLED,
    (S.CALLED,      E.SERVING_BEGAN): S.SERVING,
    (S.CALLED,      E.MISSED):        S.NO_SHOW,
    (S.CALLED,      E.REQUEUED):      S.WAITING,      # called by mistake
    (S.CALLED,      E.TRANSFERRED):   S.TRANSFERRED,
    (S.CALLED,      E.GIVEN_BACK):    S.GIVEN_BACK,
    (S.CALLED,      E.DAY_ENDED):     S.EXPIRED,
    (S.RECALLED,    E.RECALLED):      S.RECALLED,
    (S.RECALLED,    E.SERVING_BEGAN): S.SERVING,
    (S.RECALLED,    E.MISSED):        S.NO_SHOW,
    (S.RECALLED,    E.REQUEUED):      S.WAITING,
    (S.RECALLED,    E.TRANSFERRED):   S.TRANSFERRED,
    (S.RECALLED,    E.GIVEN_BACK):    S.GIVEN_BACK,
    (S.RECALLED,    E.DAY_ENDED):     S.EXPIRED,
    (S.SERVING,     E.FINISHED):      S.DONE,
    (S.SERVING,     E.PARKED):        S.PARKED,
    (S.SERVING,     E.TRANSFERRED):   S.TRANSFERRED,
    (S.SERVING,     E.DAY_ENDED):     S.EXPIRED,
    (S.PARKED,      E.CALLED):        S.CALLED,
    (S.PARKED,      E.REQUEUED):      S.WAITING,
    (S.PARKED,      E.GIVEN_BACK):    S.GIVEN_BACK,
    (S.PARKED,      E.DAY_ENDED):     S.EXPIRED,
    (S.PARKED,      E.TRANSFERRED):   S.TRANSFERRED,
    (S.TRANSFERRED, E.CALLED):        S.CALLED,
    (S.TRANSFERRED, E.PARKED):        S.PARKED,
    (S.TRANSFERRED, E.TRANSFERRED):   S.TRANSFERRED,
    (S.TRANSFERRED, E.GIVEN_BACK):    S.GIVEN_BACK,
    (S.TRANSFERRED, E.DAY_ENDED):     S.EXPIRED,
    (S.NO_SHOW,     E.RECALLED):      S.RECALLED,     # the visitor came after all
    (S.NO_SHOW,     E.REQUEUED):      S.WAITING,      # by the rule of `contracts.queueing.rejoined`
    (S.NO_SHOW,     E.GIVEN_BACK):    S.GIVEN_BACK,
    (S.NO_SHOW,     E.DAY_ENDED):     S.EXPIRED,
}  # fmt: skip

ENDED: Final = frozenset({S.DONE, S.GIVEN_BACK, S.EXPIRED})
IN_LINE: Final = frozenset({S.ISSUED, S.WAITING, S.TRANSFERRED})  # counted as 'waiting before you'
STAFF_EVENTS: Final = frozenset(E) - {E.ACCEPTED, E.DAY_ENDED, E.GIVEN_BACK}
"""What a member of staff does with a ticket; the others are the visitor's, the hub's and the clock's."""


def step(state: TicketState, event: TicketEvent) -> TicketState | None:
    """The state after `event`, or None when that cannot happen to a ticket in `state`."""
    return TABLE.get((state, event))


# What staff did at a terminal that was cut off is a fact by the time the hub hears of it. These pairs are
# possible only then: the person was served, or left, whatever the hub believed meanwhile.
LATE: Final[dict[tuple[TicketState, TicketEvent], TicketState]] = {
    (S.ISSUED,      E.FINISHED):      S.DONE,
    (S.WAITING,     E.FINISHED):      S.DONE,
    (S.CALLED,      E.FINISHED):      S.DONE,
    (S.RECALLED,    E.FINISHED):      S.DONE,
    (S.PARKED,      E.FINISHED):      S.DONE,
    (S.TRANSFERRED, E.FINISHED):      S.DONE,
    (S.NO_SHOW,     E.FINISHED):      S.DONE,
    (S.EXPIRED,     E.FINISHED):      S.DONE,         # the hub ended the day before it heard
    (S.EXPIRED,     E.GIVEN_BACK):    S.GIVEN_BACK,
}  # fmt: skip


def merge(state: TicketState, event: TicketEvent) -> TicketState | None:
    """The state after an `event` that a cut-off terminal tells late; None: the hub's own record stands."""
    return TABLE.get((state, event)) or LATE.get((state, event))


@dataclass(frozen=True, slots=True)
class NumberParts:
    """A ticket number taken apart: service letter A–Z, kiosk digit 0–9, running number from 1."""

    letter: str
    kiosk: int
    running: int


_NUMBER: Final = re.compile(r"([A-Z])([0-9])(0[1-9]|[1-9][0-9]{1,3})", re.ASCII)


def format_number(parts: NumberParts) -> str:
    """'A037' for letter A, kiosk 0, running 37. Raises ValueError outside the ranges of `NumberParts`."""
    if not (len(parts.letter) == 1 and "A" <= parts.letter <= "Z"):
        raise ValueError(f"service letter {parts.letter!r} is not one of A–Z")
    if not 0 <= parts.kiosk <= 9:
        raise ValueError(f"kiosk digit {parts.kiosk} is not 0–9")
    if not 1 <= parts.running <= MAX_RUNNING:
        raise ValueError(f"running number {parts.running} is not 1–{MAX_RUNNING}")
    return f"{parts.letter}{parts.kiosk}{parts.running:02d}"


def parse_number(text: str) -> NumberParts:
    """The parts of a number as printed. Raises ValueError for anything `format_number` cannot write."""
    found = _NUMBER.fullmatch(text)
    if found is None:
        raise ValueError(f"{text[:12]!r} is not a ticket number")
    letter, kiosk, running = found.groups()
    return NumberParts(letter=letter, kiosk=int(kiosk), running=int(running))
