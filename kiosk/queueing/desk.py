"""Issuing a queue ticket: the visitor's number is taken and owed to the hub in one step, on disk.

The terminal never asks anybody for a number, so it issues them with the network gone, and a power cut at
any moment neither gives a number twice nor forgets one that was given. Blocking; call it off the event
loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from contracts import messages as m
from contracts import topics
from contracts.tickets import MAX_RUNNING, NumberParts, format_number, parse_number
from kiosk.sync.outbox import Outbox

KEEP_DAYS: Final = 40  # running numbers and own tickets of days before are forgotten

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS running (day TEXT, letter TEXT, last INTEGER NOT NULL, PRIMARY KEY (day, letter));
CREATE TABLE IF NOT EXISTS own_tickets (
    day TEXT, number TEXT, service TEXT NOT NULL, seq INTEGER NOT NULL, given_back INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (day, number)
);
"""


@dataclass(frozen=True, slots=True)
class ServiceView:
    """A service as the desk needs it: the id of the site's list, and the letter on its tickets."""

    id: str
    letter: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A number that is the visitor's: on disk here, and owed to the hub as `seq`."""

    number: str
    service: str
    day: str  # business day, e.g. '2026-11-21'
    issued_at: datetime  # the branch's local time, with its zone
    seq: int


class UnknownService(KeyError):
    """No service of this site has that id: the configuration and the flow disagree."""


class NumbersExhausted(RuntimeError):
    """This service has given all its numbers today: send the visitor to the staff."""


class TicketDesk:
    """Takes numbers for this kiosk. `kiosk_digit` makes them different from every other kiosk's."""

    def __init__(self, outbox: Outbox, services: Sequence[ServiceView], *, kiosk_digit: int) -> None:
        self._outbox = outbox
        self._letters = {service.id: service.letter for service in services}
        self._digit = kiosk_digit
        for letter in self._letters.values():  # a wrong letter or digit is said now, not at the first visitor
            format_number(NumberParts(letter, kiosk_digit, 1))
        with outbox.transaction() as db:
            for statement in _SCHEMA.split(";"):
                db.execute(statement)

    def issue(self, service: str, *, visit: str, language: m.Language, at: datetime) -> Ticket:
        """Take the next number of `service` on the business day of `at` (local time, with its zone).

        Raises `UnknownService`, `NumbersExhausted`, or `OutboxFull` when the disk cannot keep it.
        """
        if at.tzinfo is None:
            raise ValueError("at must carry its time zone")
        if service not in self._letters:
            raise UnknownService(service)
        letter, day = self._letters[service], at.date().isoformat()
        with self._outbox.transaction() as db:
            row = db.execute("SELECT last FROM running WHERE day = ? AND letter = ?", (day, letter)).fetchone()
            running = (row[0] if row else 0) + 1
            if running > MAX_RUNNING:
                raise NumbersExhausted(service)
            number = format_number(NumberParts(letter, self._digit, running))
            if row is None:
                self._forget_before(at.date())
            db.execute("INSERT OR REPLACE INTO running VALUES (?, ?, ?)", (day, letter, running))
            seq = self._outbox.append(
                topics.TICKETS_OP,
                m.TicketIssued(number=number, day=day, service=service, visit=visit, language=language),
            )
            db.execute(
                "INSERT INTO own_tickets (day, number, service, seq) VALUES (?, ?, ?, ?)", (day, number, service, seq)
            )
        return Ticket(number=number, service=service, day=day, issued_at=at, seq=seq)

    def give_back(self, number: str, *, day: str) -> bool:
        """The visitor does not want the number any more. False: it is not one of this kiosk's, or already back."""
        with self._outbox.transaction() as db:
            changed = db.execute(
                "UPDATE own_tickets SET given_back = 1 WHERE day = ? AND number = ? AND given_back = 0", (day, number)
            ).rowcount
            if not changed:
                return False
            self._outbox.append(topics.TICKETS_OP, m.TicketGivenBack(number=number, day=day))
            return True

    def catch_up(self, state: m.TicketsState) -> bool:
        """Never fall behind what the hub knows was given under this kiosk's digit (a new disk begins at 1).

        Returns whether anything had to move.
        """
        moved = False
        with self._outbox.transaction() as db:
            for series, highest in state.issued.items():
                if len(series) != 2 or series[1] != str(self._digit) or not 1 <= highest <= MAX_RUNNING:
                    continue
                letter = series[0]
                row = db.execute(
                    "SELECT last FROM running WHERE day = ? AND letter = ?", (state.day, letter)
                ).fetchone()
                if highest > (row[0] if row else 0):
                    db.execute("INSERT OR REPLACE INTO running VALUES (?, ?, ?)", (state.day, letter, highest))
                    moved = True
        return moved

    def owed(self, *, day: str) -> tuple[tuple[str, str], ...]:
        """(number, service) of this kiosk's tickets of `day` that the hub has not acknowledged, oldest first."""
        with self._outbox.transaction() as db:
            mark = self._outbox.tallies().acknowledged
            rows = db.execute(
                "SELECT number, service FROM own_tickets WHERE day = ? AND seq > ? AND given_back = 0 ORDER BY seq",
                (day, mark),
            ).fetchall()
        return tuple((number, service) for number, service in rows)

    def is_own(self, number: str) -> bool:
        """Whether a number, as printed, carries this kiosk's digit."""
        try:
            return parse_number(number).kiosk == self._digit
        except ValueError:
            return False

    def _forget_before(self, today: date) -> None:
        oldest = (today - timedelta(days=KEEP_DAYS)).isoformat()
        with self._outbox.transaction() as db:
            db.execute("DELETE FROM running WHERE day < ?", (oldest,))
            db.execute("DELETE FROM own_tickets WHERE day < ?", (oldest,))
