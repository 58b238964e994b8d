"""This terminal's own tickets and how they stand, so that its staff can go on calling when the hub is away.

While the hub is there, its word is copied (`observe`). While it is not, staff call, recall and finish here; each
step goes to the outbox with what changed, in one transaction, and the hub merges it later. Only tickets of this
terminal are called here: another terminal's staff, cut off as well, can never call the same number.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast

import msgspec

from contracts import messages as m
from contracts import topics
from contracts.queueing import Lane, Priority, Waiter, choose, keeps, order, rejoined
from contracts.tickets import ENDED, IN_LINE, STAFF_EVENTS, TicketEvent, TicketState, step
from kiosk.sync.hub_clock import from_ms, to_ms
from kiosk.sync.outbox import Outbox

MAX_LIVE: Final = 120  # tickets in one live state; each is about 450 bytes of the row's 64 KiB

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS own_line (
    day TEXT, number TEXT, service TEXT NOT NULL, lane TEXT NOT NULL, state TEXT NOT NULL, counter TEXT NOT NULL,
    priority TEXT NOT NULL, came_ms INTEGER NOT NULL, due_ms INTEGER, rejoins INTEGER NOT NULL,
    seq INTEGER NOT NULL, through INTEGER NOT NULL, at TEXT NOT NULL, issued BLOB NOT NULL,
    at_hub INTEGER NOT NULL, -- the hub has shown it once
    PRIMARY KEY (day, number)
);
CREATE TABLE IF NOT EXISTS own_link (one INTEGER PRIMARY KEY CHECK (one = 1), reachable INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS own_passed (
    day TEXT, service TEXT, lane TEXT, passed INTEGER NOT NULL, PRIMARY KEY (day, service, lane)
)
"""


class NotHere(KeyError):
    """No ticket of this terminal has that number on that day."""


class NotNow(ValueError):
    """A ticket in that state cannot do this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnTicket:
    """One ticket of this terminal, for the staff's page."""

    number: str
    day: str
    service: str
    lane: Lane
    state: TicketState
    counter: str
    priority: Priority
    came: datetime  # on the hub's clock


class OwnLine:
    """Over the outbox's file. Blocking; call it off the event loop."""

    def __init__(self, outbox: Outbox, *, device: str = "") -> None:
        self._outbox = outbox
        self._device = device
        with outbox.transaction() as db:
            for statement in _SCHEMA.split(";"):
                db.execute(statement)

    def hub_is(self, reachable: bool) -> None:
        """Note whether the hub can be reached; also for who works on this file beside the terminal."""
        with self._outbox.transaction() as db:
            db.execute("INSERT OR REPLACE INTO own_link VALUES (1, ?)", (reachable,))

    def hub_reachable(self) -> bool:
        """Whether the hub could be reached when that changed last."""
        with self._outbox.transaction() as db:
            found = db.execute("SELECT reachable FROM own_link").fetchone()
        return bool(found and found[0])

    def hub_now(self) -> datetime:
        """The time on the hub's clock, as far as it is known."""
        return self._outbox.hub_clock.now()

    def owed(self) -> int:
        """How many messages of this terminal the hub has not acknowledged, of every kind."""
        return self._outbox.tallies().pending

    def add(self, issued: m.TicketIssued, *, seq: int, at: datetime, came: datetime) -> None:
        """A ticket was issued as number `seq` of the outbox, at `at` of the wall clock, `came` of the hub's."""
        due_ms = to_ms(issued.due) if issued.due is not None and keeps(came, issued.due) else None
        with self._outbox.transaction() as db:
            last = db.execute("SELECT max(came_ms) FROM own_line WHERE day = ?", (issued.day,)).fetchone()[0]
            came_ms = max(to_ms(came), last or 0)  # in the order of issue, whatever the clock did
            db.execute(
                "INSERT INTO own_line VALUES (?, ?, ?, ?, ?, '', ?, ?, ?, 0, ?, ?, ?, ?, 0)",
                (issued.day, issued.number, issued.service, Lane.COUNTER, TicketState.WAITING, issued.priority,
                 came_ms, due_ms, seq, seq, at.isoformat(), msgspec.json.encode(issued)),
            )  # fmt: skip

    def waiting(self, day: str) -> list[OwnTicket]:
        """Tickets of `day` that are not ended: those in line in the order of calling, then the others."""
        now = self._outbox.hub_clock.now()
        with self._outbox.transaction() as db:
            rows = [row for row in _rows(db, day) if row["state"] not in ENDED]
        ranks = {one.number: rank for rank, one in enumerate(order([self._waiter(row) for row in rows], now))}
        rows.sort(key=lambda row: (row["state"] not in IN_LINE, ranks[row["number"]]))
        return [_own(row) for row in rows]

    def call_next(self, services: Sequence[str], counter: str, *, day: str, lane: Lane = Lane.COUNTER) -> str | None:
        """Call who is next of these services here; the number, or None when nobody of this terminal waits."""
        now = self._outbox.hub_clock.now()
        with self._outbox.transaction() as db:
            best = None
            for service in dict.fromkeys(services):
                line = [
                    self._waiter(row)
                    for row in _rows(db, day)
                    if row["service"] == service and row["lane"] == lane and row["state"] in IN_LINE
                ]
                found = db.execute(
                    "SELECT passed FROM own_passed WHERE day = ? AND service = ? AND lane = ?", (day, service, lane)
                ).fetchone()
                chosen = choose(line, found[0] if found else 0, now)
                if chosen is not None and (best is None or chosen[0].came < best[0].came):
                    best = (chosen[0], service, chosen[1])
            if best is None:
                return None
            waiter, service, passed = best
            self.handle(day, waiter.number, TicketEvent.CALLED, counter=counter)
            db.execute("INSERT OR REPLACE INTO own_passed VALUES (?, ?, ?, ?)", (day, service, lane, passed))
        return waiter.number

    def handle(
        self,
        day: str,
        number: str,
        event: TicketEvent,
        *,
        counter: str = "",
        service: str | None = None,
        lane: Lane | None = None,
    ) -> TicketState:
        """Staff do something with a ticket; it is owed to the hub. Raises `NotHere`, `NotNow`, `OutboxFull`."""
        if event not in STAFF_EVENTS:
            raise NotNow(f"{event} is not for staff to decide")
        with self._outbox.transaction() as db:
            row = next((each for each in _rows(db, day) if each["number"] == number), None)
            if row is None:
                raise NotHere(number)
            state = step(TicketState(row["state"]), event)
            if state is None:
                raise NotNow(f"{event} cannot happen to a ticket that is {row['state']}")
            back = self._back(row) if (row["state"], event) == (TicketState.NO_SHOW, TicketEvent.REQUEUED) else {}
            body = m.TicketHandled(
                number=number,
                day=day,
                event=cast(m.StaffEvent, event.value),
                counter=counter,
                service=service,
                lane=lane,
                clock=self._outbox.hub_clock.reading(),
            )
            through = self._outbox.append(topics.TICKETS_OP, body)
            desk = "" if state in IN_LINE else counter or row["counter"]
            moved = event is TicketEvent.TRANSFERRED
            _set(
                db, row, through=through, state=state, counter=desk,
                service=service if moved and service else row["service"],
                lane=lane if moved and lane else row["lane"], **back,
            )  # fmt: skip
        return state

    def given_back(self, day: str, number: str, through: int) -> None:
        """The visitor gave it back, as number `through` of the outbox."""
        with self._outbox.transaction() as db:
            for row in _rows(db, day):
                if row["number"] == number:
                    _set(db, row, through=through, state=TicketState.GIVEN_BACK)

    def waits(self, day: str, number: str) -> bool:
        """Whether this is one of this terminal's tickets, in line as far as is known here."""
        with self._outbox.transaction() as db:
            return any(row["number"] == number and row["state"] in IN_LINE for row in _rows(db, day))

    def prioritised(self, day: str, number: str, priority: Priority, through: int) -> None:
        """It goes first, as number `through` of the outbox says."""
        with self._outbox.transaction() as db:
            for row in _rows(db, day):
                if row["number"] == number:
                    _set(db, row, through=through, priority=priority)

    def observe(self, state: m.TicketsState) -> None:
        """The hub's word on tickets about which nothing is owed.

        A hub that dies between acknowledging and telling leaves a state that is older than what it has: nobody whom
        staff served here may stand in line again by it, and what was ended here has ended at the hub for good.
        """
        shown = {line.number: line for line in state.tickets}
        whole = state.open_tickets == len(state.tickets)
        acknowledged_at = self._outbox.acknowledged_at
        older = acknowledged_at is not None and state.at < acknowledged_at
        with self._outbox.transaction() as db:
            mark = self._outbox.tallies().acknowledged
            for row in _rows(db, state.day):
                line = shown.get(row["number"])
                done_here = row["through"] > row["seq"]
                if row["through"] > mark or (done_here and (older or row["state"] in ENDED)):
                    continue
                if line is not None:
                    _set(
                        db, row, state=line.state, counter=line.counter, service=line.service, lane=line.lane, at_hub=1
                    )
                elif whole and row["at_hub"] and row["state"] not in ENDED:
                    _set(db, row, state=TicketState.DONE)

    def settle(self, day: str) -> tuple[str, ...]:
        """Closing: end what still waits; the numbers, so that it can be told. The hub settles its own record."""
        told: list[str] = []
        with self._outbox.transaction() as db:
            for row in _rows(db, day):
                after = step(TicketState(row["state"]), TicketEvent.DAY_ENDED)
                if after is not None and row["state"] not in (TicketState.CALLED, TicketState.SERVING):
                    told.append(row["number"])
                    _set(db, row, state=after)
        return tuple(told)

    def live(self, day: str) -> tuple[tuple[m.LiveTicket, ...], int]:
        """The latest tickets of `day` about which something is owed, and how many there are."""
        with self._outbox.transaction() as db:
            mark = self._outbox.tallies().acknowledged
            owed = [row for row in _rows(db, day) if row["through"] > mark]
        return tuple(_live(row) for row in owed[-MAX_LIVE:]), len(owed)

    def _waiter(self, row: dict[str, Any]) -> Waiter:
        return Waiter(
            number=row["number"],
            came=from_ms(row["came_ms"]),
            device=self._device,
            seq=row["seq"],
            priority=Priority(row["priority"]),
            due=None if row["due_ms"] is None else from_ms(row["due_ms"]),
        )

    def _back(self, row: dict[str, Any]) -> dict[str, Any]:
        now = self._outbox.hub_clock.now()
        back = rejoined(from_ms(row["came_ms"]), Priority(row["priority"]), row["rejoins"], now)
        if back is None:
            raise NotNow("missed too often: a new ticket is needed")
        return {"came_ms": to_ms(back.came), "priority": back.priority, "rejoins": back.rejoins}


_COLUMNS: Final = (
    "day", "number", "service", "lane", "state", "counter", "priority", "came_ms", "due_ms", "rejoins", "seq",
    "through", "at", "issued", "at_hub",
)  # fmt: skip


def _rows(db: sqlite3.Connection, day: str) -> list[dict[str, Any]]:
    found = db.execute("SELECT * FROM own_line WHERE day = ? ORDER BY seq", (day,)).fetchall()
    return [dict(zip(_COLUMNS, row, strict=True)) for row in found]


def _set(db: sqlite3.Connection, row: dict[str, Any], **values: object) -> None:
    named = ", ".join(f"{name} = ?" for name in values)  # our own column names
    db.execute(
        f"UPDATE own_line SET {named} WHERE day = ? AND number = ?",  # noqa: S608
        (*values.values(), row["day"], row["number"]),
    )


def _own(row: dict[str, Any]) -> OwnTicket:
    return OwnTicket(
        number=row["number"],
        day=row["day"],
        service=row["service"],
        lane=Lane(row["lane"]),
        state=TicketState(row["state"]),
        counter=row["counter"],
        priority=Priority(row["priority"]),
        came=from_ms(row["came_ms"]),
    )


def _live(row: dict[str, Any]) -> m.LiveTicket:
    issued = msgspec.json.decode(row["issued"], type=m.TicketIssued)
    return m.LiveTicket(
        seq=row["seq"],
        through=row["through"],
        at=datetime.fromisoformat(row["at"]),
        state=TicketState(row["state"]),
        issued=issued,
        counter=row["counter"],
        service=row["service"] if row["service"] != issued.service else None,
        lane=Lane(row["lane"]),
        rejoins=row["rejoins"],
        priority=Priority(row["priority"]),
    )
