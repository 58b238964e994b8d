"""This terminal's clock against the hub's: measured at every contact, kept over restarts, with its uncertainty.

The hub stamps each acknowledgement. It was stamped after we sent the message and before its answer came, so the
hub's clock is known to half of that time (Cristian's algorithm, Distributed Computing 3, 1989). Within one start
of the machine the monotonic clock carries it on, whatever is done to the wall clock; `anchor`, called every half
minute and with every ticket, notes what the wall clock says meanwhile. After a restart of the machine the wall
clock carries it on: only a clock that was set while the machine was off can deceive us, and one that went
backwards does not.
"""

from __future__ import annotations

import math
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from contracts import messages as m

DRIFT: Final = 100e-6  # of a quartz, generously (typical crystals: 20 to 50 parts in a million)
BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS hub_clock (
    one INTEGER PRIMARY KEY CHECK (one = 1), boot TEXT NOT NULL, mono_ns INTEGER NOT NULL,
    hub_ms INTEGER NOT NULL, within_ms INTEGER NOT NULL,
    wall_ms INTEGER NOT NULL, offset_ms INTEGER NOT NULL, anchored_ms INTEGER NOT NULL, sure INTEGER NOT NULL
)
"""


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _boot() -> str:
    try:
        return BOOT_ID.read_text("ascii").strip()
    except OSError:  # not Linux: every start of this program counts as one of the machine
        return f"start-{time.time_ns()}"


@dataclass(frozen=True, slots=True)
class Timekeeper:
    """The clocks of this machine. `boot` changes when the monotonic clock begins anew."""

    wall: Callable[[], datetime] = _utc_now
    mono_ns: Callable[[], int] = time.monotonic_ns
    boot: str = field(default_factory=_boot)


@dataclass(frozen=True, slots=True)
class _Contact:
    """What was measured, and below it what the wall clock said last: good to `anchored_ms` at `wall_ms`."""

    boot: str
    mono_ns: int
    hub_ms: int
    within_ms: int
    wall_ms: int
    offset_ms: int
    anchored_ms: int
    sure: bool  # measured in this start of the machine, not carried over from one before


def to_ms(at: datetime) -> int:
    """Milliseconds since 1970."""
    return round(at.timestamp() * 1000)


def from_ms(ms: int) -> datetime:
    """The UTC time of milliseconds since 1970."""
    return datetime.fromtimestamp(ms / 1000, UTC)


class HubClock:
    """Over the outbox's file: call inside its transactions, or let `observe` make one."""

    def __init__(self, db: sqlite3.Connection, keeper: Timekeeper) -> None:
        db.execute(_SCHEMA)
        self._keeper = keeper
        row = db.execute(
            "SELECT boot, mono_ns, hub_ms, within_ms, wall_ms, offset_ms, anchored_ms, sure FROM hub_clock"
        ).fetchone()
        self._contact = self._carried_over(_Contact(*row)) if row else None

    def _carried_over(self, known: _Contact) -> _Contact | None:
        """What was known before the machine was started again, by the wall clock; None: it went backwards."""
        if known.boot == self._keeper.boot:
            return known
        now_ns, wall_ms = self._keeper.mono_ns(), to_ms(self._keeper.wall())
        age_ms = wall_ms - known.wall_ms
        if age_ms < 0:
            return None
        within_ms = known.anchored_ms + math.ceil(age_ms * DRIFT)
        hub_ms = wall_ms + known.offset_ms
        return _Contact(self._keeper.boot, now_ns, hub_ms, within_ms, wall_ms, known.offset_ms, within_ms, sure=False)

    def observe(self, db: sqlite3.Connection, *, sent_ns: int, hub_at: datetime) -> bool:
        """An answer stamped `hub_at` to what was sent at `sent_ns` (monotonic). Returns whether it was kept.

        A measurement replaces the last one when it is at least as sure as that one is by now.
        """
        now_ns = self._keeper.mono_ns()
        half_ns = (now_ns - sent_ns) // 2
        if half_ns < 0:
            return False
        within_ms = half_ns // 1_000_000 + 1
        known = self._contact
        if known is not None and known.sure and self._grown(known, now_ns) < within_ms:
            return False
        hub_ms = to_ms(hub_at) + half_ns // 1_000_000
        wall_ms = to_ms(self._keeper.wall())
        self._keep(
            db, _Contact(self._keeper.boot, now_ns, hub_ms, within_ms, wall_ms, hub_ms - wall_ms, within_ms, True)
        )
        return True

    def _keep(self, db: sqlite3.Connection, contact: _Contact) -> None:
        values = (contact.boot, contact.mono_ns, contact.hub_ms, contact.within_ms)
        anchor = (contact.wall_ms, contact.offset_ms, contact.anchored_ms, contact.sure)
        db.execute("INSERT OR REPLACE INTO hub_clock VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?)", (*values, *anchor))
        self._contact = contact

    @property
    def sure(self) -> bool:
        """Whether the hub was heard since the machine started: no wall clock is trusted then."""
        return self._contact is not None and self._contact.sure

    def anchor(self, db: sqlite3.Connection) -> None:
        """Note what the wall clock says, so that it can carry on after a restart of the machine."""
        known, reading = self._contact, self.reading()
        if known is not None and reading is not None:
            wall_ms, offset_ms = to_ms(self._keeper.wall()), reading.offset_ms
            self._keep(db, replace(known, wall_ms=wall_ms, offset_ms=offset_ms, anchored_ms=reading.within_ms))

    def reading(self) -> m.ClockReading | None:
        """What to add to this terminal's wall clock now; None: no hub was ever heard, or the clock was set back."""
        known = self._contact
        if known is None:
            return None
        now_ns = self._keeper.mono_ns()
        hub_ms = known.hub_ms + (now_ns - known.mono_ns) // 1_000_000
        offset_ms = hub_ms - to_ms(self._keeper.wall())
        return m.ClockReading(offset_ms=offset_ms, within_ms=self._grown(known, now_ns))

    def now(self) -> datetime:
        """The time on the hub's clock, as well as it is known; the wall clock's while no hub was ever heard."""
        reading = self.reading()
        return self._keeper.wall() + timedelta(milliseconds=reading.offset_ms if reading else 0)

    @staticmethod
    def _grown(known: _Contact, now_ns: int) -> int:
        return known.within_ms + math.ceil((now_ns - known.mono_ns) / 1e6 * DRIFT)
