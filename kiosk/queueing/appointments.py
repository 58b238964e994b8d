"""The terminal's own list of appointments, as the hub sent it last: looked up without a network.

On the outbox's file, so that taking the ticket and marking the appointment as used are one transaction. Blocking;
call it off the event loop, but for `expected` and `known`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from contracts import messages as m
from contracts.appointments import Means, hashed
from contracts.queueing import EARLY, LATE
from kiosk.sync.hub_clock import from_ms, to_ms
from kiosk.sync.outbox import Outbox

KEEP: Final = timedelta(days=1)  # after its time an appointment is forgotten

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS appointments (
    ref TEXT PRIMARY KEY, code TEXT NOT NULL, tail TEXT NOT NULL, service TEXT NOT NULL, due_ms INTEGER NOT NULL,
    number TEXT NOT NULL DEFAULT '' -- the ticket that was given for it
);
CREATE TABLE IF NOT EXISTS appointments_list (
    one INTEGER PRIMARY KEY CHECK (one = 1), revision INTEGER NOT NULL, salt TEXT NOT NULL
)
"""


@dataclass(frozen=True, slots=True)
class Booked:
    """One appointment, as it is known here. `number`: the ticket that this or another terminal gave for it, or ''."""

    ref: str
    service: str
    due: datetime  # UTC, on the hub's clock
    number: str = field(default="", repr=False)


class AppointmentTable:
    """One list, replaced whole by a newer one; what was used here stays marked."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        with outbox.transaction() as db:
            for statement in _SCHEMA.split(";"):
                db.execute(statement)
            self._remember(db)

    def _remember(self, db: sqlite3.Connection) -> None:
        self._open = tuple(from_ms(row[0]) for row in db.execute("SELECT due_ms FROM appointments WHERE number = ''"))
        self.known = db.execute("SELECT 1 FROM appointments_list").fetchone() is not None

    def expected(self, now: datetime) -> bool:
        """Whether somebody with an appointment may come about now. In memory."""
        return any(due - EARLY <= now <= due + LATE for due in self._open)

    def keep(self, told: m.Appointments) -> bool:
        """Take over a list. False: it is not newer than the one that is kept."""
        oldest_ms = to_ms(self._outbox.hub_clock.now() - KEEP)
        with self._outbox.transaction() as db:
            found = db.execute("SELECT revision FROM appointments_list").fetchone()
            if found is not None and told.revision <= found[0]:
                return False
            used = dict(db.execute("SELECT ref, number FROM appointments WHERE number != ''").fetchall())
            db.execute("DELETE FROM appointments")
            db.executemany(
                "INSERT OR REPLACE INTO appointments VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (row.ref, row.code, row.tail, row.service, to_ms(row.due), used.get(row.ref, ""))
                    for row in told.appointments
                    if to_ms(row.due) >= oldest_ms
                ],
            )
            db.execute("INSERT OR REPLACE INTO appointments_list VALUES (1, ?, ?)", (told.revision, told.salt))
            self._remember(db)
        return True

    def find(self, means: Means, digits: str) -> list[Booked]:
        """Appointments with that code, or with that end of the document's number; soonest first."""
        with self._outbox.transaction() as db:
            told = db.execute("SELECT salt FROM appointments_list").fetchone()
        if told is None:
            return []
        wanted = hashed(means, digits, told[0])
        column = "code" if means == "code" else "tail"
        with self._outbox.transaction() as db:
            rows = db.execute(
                f"SELECT ref, service, due_ms, number FROM appointments WHERE {column} = ? ORDER BY due_ms",  # noqa: S608
                (wanted,),  # the column is one of ours
            ).fetchall()
        return [Booked(ref, service, from_ms(due_ms), number) for ref, service, due_ms, number in rows]

    def used_elsewhere(self, arrived: Mapping[str, str]) -> None:
        """Mark what another terminal of the branch gave a ticket for, as the hub tells it: ref to number."""
        if not arrived:
            return
        with self._outbox.transaction() as db:
            changed = db.executemany(
                "UPDATE appointments SET number = ? WHERE ref = ? AND number = ''",
                [(number, ref) for ref, number in arrived.items()],
            ).rowcount
            if changed:
                self._remember(db)

    def use(self, ref: str, number: str) -> bool:
        """Mark it as used by a ticket; inside the transaction that gives it. False: it is gone, or was used."""
        with self._outbox.transaction() as db:
            changed = db.execute(
                "UPDATE appointments SET number = ? WHERE ref = ? AND number = ''", (number, ref)
            ).rowcount
            self._remember(db)
        return bool(changed)
