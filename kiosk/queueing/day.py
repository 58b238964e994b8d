"""The business day at a terminal: a self-test before the doors open, and settling what was not served after closing.

Each happens once a day, also over restarts: what was done is noted on disk. Blocking; call it off the event loop.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from config.schema import Hours, Weekday
from contracts import messages as m
from contracts import topics
from contracts.tickets import MAX_RUNNING
from kiosk.queueing.desk import TicketDesk
from kiosk.sync.outbox import Outbox

WEEKDAYS: Final[tuple[Weekday, ...]] = (
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
)  # fmt: skip
TEST_BEFORE: Final = timedelta(minutes=30)  # time to send for somebody
GRACE: Final = timedelta(minutes=60)  # who is inside at closing is served as long as staff are there
LEAST_DISK_BYTES: Final = 200 * 1024 * 1024
MOST_OWED: Final = 10_000  # messages: three busy days
CLOCK_WITHIN_MS: Final = 60_000

_SCHEMA: Final = "CREATE TABLE IF NOT EXISTS day_marks (day TEXT, what TEXT, PRIMARY KEY (day, what))"


class BusinessDay:
    """Looks at the time now and then (`look`) and does what is due."""

    def __init__(self, outbox: Outbox, desk: TicketDesk, hours: Mapping[Weekday, Hours], folder: Path) -> None:
        self._outbox, self._desk, self._hours, self._folder = outbox, desk, dict(hours), folder
        with outbox.transaction() as db:
            db.execute(_SCHEMA)

    def adopt(self, hours: Mapping[Weekday, Hours]) -> None:
        """Other opening hours at the next look. May be called from another thread."""
        self._hours = dict(hours)

    def look(self, at: datetime, *, missing: tuple[m.DeviceKind, ...]) -> tuple[m.DayMoment, ...]:
        """At `at` (local time, with its zone): test and settle what is due; what was done, as it is owed to the hub.

        Raises `OutboxFull`: nothing was done then, and it is due again.
        """
        clock = self._outbox.hub_clock.reading()
        true = at + timedelta(milliseconds=clock.offset_ms if clock else 0)
        hours = self._hours.get(WEEKDAYS[true.weekday()])
        if hours is None:
            return ()
        day = true.date().isoformat()
        opens = datetime.combine(true.date(), hours.opens, true.tzinfo)
        closes = datetime.combine(true.date(), hours.closes, true.tzinfo)
        done: list[m.DayMoment] = []
        if opens - TEST_BEFORE <= true < closes and self._first_time(day, "tested"):
            done.append(self._note(day, "tested", m.SelfTested(day=day, failed=self.failures(day, missing))))
        if true >= closes + GRACE and self._first_time(day, "closed"):
            done.append(self._note(day, "closed", m.DayClosed(day=day)))
        return tuple(done)

    def failures(self, day: str, missing: tuple[m.DeviceKind, ...]) -> tuple[str, ...]:
        """What would make tickets fail today, by stable codes; empty: ready."""
        clock, owed = self._outbox.hub_clock.reading(), self._outbox.tallies().pending
        with self._outbox.transaction() as db:
            whole = db.execute("PRAGMA quick_check(1)").fetchone() == ("ok",)
        found = {
            "outbox_damaged": not whole,
            "disk_nearly_full": shutil.disk_usage(self._folder).free < LEAST_DISK_BYTES,
            "much_owed": owed > MOST_OWED,
            "clock_unknown": clock is None,
            "clock_unsure": clock is not None and clock.within_ms > CLOCK_WITHIN_MS,
            "numbers_running_out": self._desk.last_number(day) > MAX_RUNNING * 9 // 10,
        }
        return (*(code for code, wrong in found.items() if wrong), *(f"no_{kind}" for kind in missing))

    def _first_time(self, day: str, what: str) -> bool:
        with self._outbox.transaction() as db:
            return db.execute("SELECT 1 FROM day_marks WHERE day = ? AND what = ?", (day, what)).fetchone() is None

    def _note(self, day: str, what: str, moment: m.DayMoment) -> m.DayMoment:
        with self._outbox.transaction() as db:
            if isinstance(moment, m.DayClosed):
                self._desk.line.settle(day)
                self._outbox.append(topics.TICKETS_OP, moment)
            else:
                self._outbox.append(topics.EVENTS, moment)
            _mark(db, day, what)
        return moment


def _mark(db: sqlite3.Connection, day: str, what: str) -> None:
    oldest = (datetime.fromisoformat(day) - timedelta(days=40)).date().isoformat()
    db.execute("DELETE FROM day_marks WHERE day < ?", (oldest,))
    db.execute("INSERT OR IGNORE INTO day_marks VALUES (?, ?)", (day, what))
