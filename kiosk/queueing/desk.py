"""Issuing a queue ticket: the visitor's number is taken and owed to the hub in one step, on disk.

The terminal never asks anybody for a number, so it issues them with the network gone, and a power cut at
any moment neither gives a number twice nor forgets one that was given. Blocking; call it off the event
loop.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from contracts import messages as m
from contracts import topics
from contracts.queueing import Priority
from contracts.tickets import MAX_RUNNING, NumberParts, format_number, parse_number
from kiosk.queueing.appointments import AppointmentTable, Booked
from kiosk.queueing.own_line import OwnLine
from kiosk.sync.live import LiveTickets
from kiosk.sync.outbox import Outbox

MINUTE: Final = timedelta(minutes=1)
KEEP_DAYS: Final = 40  # running numbers and own tickets of days before are forgotten

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS running (day TEXT, letter TEXT, last INTEGER NOT NULL, PRIMARY KEY (day, letter));
CREATE TABLE IF NOT EXISTS latest (
    letter TEXT PRIMARY KEY, day TEXT NOT NULL, last INTEGER NOT NULL, sure INTEGER NOT NULL
);
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
    priority: Priority = Priority.NONE


class UnknownService(KeyError):
    """No service of this site has that id: the configuration and the flow disagree."""


class NumbersExhausted(RuntimeError):
    """This service has given all its numbers today: send the visitor to the staff."""


class AppointmentUsed(RuntimeError):
    """This appointment has given its ticket already, or is no longer on the list."""


class TooFast(RuntimeError):
    """More tickets in a minute than people can come: somebody plays, or something is broken."""


class TicketDesk:
    """Takes numbers for this kiosk. `kiosk_digit` makes them different from every other kiosk's.

    `per_minute` bounds how many it gives (None: as many as are asked for).
    """

    def __init__(
        self,
        outbox: Outbox,
        services: Sequence[ServiceView],
        *,
        kiosk_digit: int,
        device: str = "",
        per_minute: int | None = None,
    ) -> None:
        self._outbox = outbox
        self._per_minute = per_minute
        self._lately: deque[datetime] = deque(maxlen=per_minute or 1)
        self.line = OwnLine(outbox, device=device)
        self.appointments = AppointmentTable(outbox)
        self._letters = {service.id: service.letter for service in services}
        self._digit = kiosk_digit
        for letter in self._letters.values():  # a wrong letter or digit is said now, not at the first visitor
            format_number(NumberParts(letter, kiosk_digit, 1))
        with outbox.transaction() as db:
            for statement in _SCHEMA.split(";"):
                db.execute(statement)

    def issue(
        self,
        service: str,
        *,
        visit: str,
        language: m.Language,
        at: datetime,
        priority: Priority = Priority.NONE,
        due: datetime | None = None,
        instead_of: m.DayNumber | None = None,
        booked: Booked | None = None,
        promised: tuple[int, int] | None = None,
    ) -> Ticket:
        """Take the next number of `service` on the business day of `at` (local time, with its zone).

        `due`: the time of the visitor's appointment; `booked`: that appointment from this terminal's list, which
        gives one ticket; `instead_of`: their ticket that closing cut off;
        `promised`: the minutes that its paper says. Where the hub's clock is known, the day is
        the one on that clock. Raises `UnknownService`, `NumbersExhausted`, `TooFast`, `AppointmentUsed`, or
        `OutboxFull` when the disk cannot keep it.
        """
        if at.tzinfo is None:
            raise ValueError("at must carry its time zone")
        if service not in self._letters:
            raise UnknownService(service)
        self._slow_down(at)
        with self._outbox.transaction() as db:
            clock = self._outbox.hub_clock.reading()
            came = at + timedelta(milliseconds=clock.offset_ms if clock else 0)
            number, day = self._next_number(service, came.date()), came.date().isoformat()
            if booked is not None:
                due = booked.due
                if not self.appointments.use(booked.ref, number):
                    raise AppointmentUsed(booked.ref)
            issued = m.TicketIssued(
                number=number, day=day, service=service, visit=visit, language=language, priority=priority, due=due,
                appointment=booked.ref if booked else None, instead_of=instead_of, clock=clock, zone_min=_zone_min(at),
                promised_min=promised,
            )  # fmt: skip
            seq = self._outbox.append(topics.TICKETS_OP, issued)
            db.execute(
                "INSERT INTO own_tickets (day, number, service, seq) VALUES (?, ?, ?, ?)", (day, number, service, seq)
            )
            self.line.add(issued, seq=seq, at=at, came=came)
        return Ticket(number=number, service=service, day=day, issued_at=came, seq=seq, priority=priority)

    def _next_number(self, service: str, date_: date) -> str:
        """One more than the last of this day; the first of a day is 1 where it is sure that a new day has begun.

        While the clock may be wrong by a day, numbers run on over midnight: two people in one line never have the
        same number on papers of two dates.
        """
        letter, day = self._letters[service], date_.isoformat()
        sure = self._outbox.hub_clock.sure
        with self._outbox.transaction() as db:
            self._outbox.hub_clock.anchor(db)
            of_day = db.execute("SELECT last FROM running WHERE day = ? AND letter = ?", (day, letter)).fetchone()
            before = db.execute("SELECT day, last, sure FROM latest WHERE letter = ?", (letter,)).fetchone()
            newest, last, was_sure = before or (day, 0, True)
            begins = sure and was_sure and day > newest
            running = max(of_day[0] if of_day else 0, 0 if begins else last) + 1
            if running > MAX_RUNNING and of_day is None:
                running = 1  # months without a hub: the day is new as far as anybody knows
            if running > MAX_RUNNING:
                raise NumbersExhausted(service)
            if of_day is None:
                self._forget_before(date_)
            db.execute("INSERT OR REPLACE INTO running VALUES (?, ?, ?)", (day, letter, running))
            db.execute("INSERT OR REPLACE INTO latest VALUES (?, ?, ?, ?)", (letter, max(day, newest), running, sure))
        return format_number(NumberParts(letter, self._digit, running))

    def _slow_down(self, at: datetime) -> None:
        if self._per_minute is None:
            return
        if len(self._lately) == self._per_minute and abs(at - self._lately[0]) < MINUTE:
            raise TooFast(f"{self._per_minute} tickets in a minute")
        self._lately.append(at)

    def give_back(self, number: str, *, day: str) -> bool:
        """The visitor does not want the number any more. False: it is not one of this kiosk's, or already back."""
        with self._outbox.transaction() as db:
            changed = db.execute(
                "UPDATE own_tickets SET given_back = 1 WHERE day = ? AND number = ? AND given_back = 0", (day, number)
            ).rowcount
            if not changed:
                return False
            seq = self._outbox.append(topics.TICKETS_OP, m.TicketGivenBack(number=number, day=day))
            self.line.given_back(day, number, seq)
            return True

    def prioritise(self, number: str, *, day: str, priority: Priority) -> bool:
        """The visitor of one of this kiosk's tickets has a reason to go first. False: it is not in line here."""
        with self._outbox.transaction():
            if not self.line.waits(day, number):
                return False
            body = m.TicketPrioritised(number=number, day=day, priority=priority)
            self.line.prioritised(day, number, priority, self._outbox.append(topics.TICKETS_OP, body))
        return True

    def last_number(self, day: str) -> int:
        """The highest running number of any service on `day`; 0: none yet."""
        with self._outbox.transaction() as db:
            found = db.execute("SELECT max(last) FROM running WHERE day = ?", (day,)).fetchone()[0]
        return int(found or 0)

    def business_day(self, at: datetime) -> str:
        """The day of `at` (local time, with its zone) by the hub's clock where it is known."""
        clock = self._outbox.hub_clock.reading()
        return (at + timedelta(milliseconds=clock.offset_ms if clock else 0)).date().isoformat()

    def live(self, at: datetime) -> LiveTickets:
        """What the hub may not know yet of the day of `at`."""
        day = self.business_day(at)
        tickets, owed = self.line.live(day)
        return LiveTickets(day, tickets, owed)

    def catch_up(self, state: m.TicketsState) -> bool:
        """Never fall behind what the hub knows was given under this kiosk's digit (a new disk begins at 1).

        Returns whether anything had to move.
        """
        moved = False
        with self._outbox.transaction() as db:
            self.line.observe(state)
            self.appointments.used_elsewhere(state.arrived)
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
            for table in ("own_tickets", "own_line", "own_passed"):
                db.execute(f"DELETE FROM {table} WHERE day < ?", (oldest,))  # noqa: S608  # names of ours


def _zone_min(at: datetime) -> int:
    """Minutes that the branch's local time is ahead of UTC."""
    ahead = at.utcoffset()
    return round(ahead.total_seconds() / 60) if ahead is not None else 0
