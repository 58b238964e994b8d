"""Numbers that are called are shown and said one after the other: the database holds the timetable.

Each announcement of a branch begins when the one before it has had its time, whatever the clerks do at once, whoever
of several web processes answers them, and also after a restart. The bus tells terminals, boards read the table.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from contracts import messages as m
from hub.queue_changes import hold
from hub.store import Store, announcements

SHOW: Final = timedelta(seconds=8)  # long enough to say it in two languages
SHORT_SHOW: Final = timedelta(seconds=5)  # where many wait to be announced; still enough for both, said briskly
MANY: Final = timedelta(seconds=30)
SHOWN_BEFORE: Final = 6  # that a board lists beside the one it shows
KEEP: Final = timedelta(days=2)


def schedule(db: sa.Connection, branch: str, day: str, number: str, counter: str, *, again: bool) -> m.NumberCalled:
    """Put a called number into the branch's timetable, in the transaction that calls it.

    A number that waits to be announced for the same counter already is not put in twice.
    """
    hold(db, branch)
    now = datetime.now(UTC)
    here = announcements.c.branch == branch
    same = sa.and_(here, announcements.c.number == number, announcements.c.day == day, announcements.c.show_at > now)
    row = db.execute(sa.select(announcements).where(same, announcements.c.counter == counter)).first()
    if row is not None:
        return _message(row._asdict())
    last = db.execute(sa.select(sa.func.max(announcements.c.show_until)).where(here)).scalar()
    begin = now if last is None or last < now else last
    values = {
        "branch": branch,
        "day": day,
        "number": number,
        "counter": counter,
        "again": again,
        "called_at": now,
        "show_at": begin,
        "show_until": begin + (SHOW if begin - now < MANY else SHORT_SHOW),
    }
    made = db.execute(sa.insert(announcements).values(**values).returning(announcements.c.id)).scalar_one()
    return _message({**values, "id": made})


def board(store: Store, branch: str, now: datetime | None = None) -> dict[str, Any]:
    """What the lobby's board shows now: the number whose time it is, those before it, and when to look again."""
    now = now or datetime.now(UTC)
    here = announcements.c.branch == branch
    due = store.rows(
        sa.select(announcements).where(here, announcements.c.show_at > now).order_by(announcements.c.show_at).limit(1)
    )
    recent = store.rows(
        sa.select(announcements)
        .where(here, announcements.c.show_at <= now, announcements.c.show_at > now - timedelta(hours=12))
        .order_by(announcements.c.show_at.desc())
        .limit(4 * SHOWN_BEFORE)
    )
    current = recent[0] if recent and recent[0]["show_until"] > now else None
    change = current["show_until"] if current else due[0]["show_at"] if due else None
    return {
        "now": current,
        "before": _latest_of_each(recent[1 if current else 0 :], current)[:SHOWN_BEFORE],
        "next_change_ms": None if change is None else max(int((change - now).total_seconds() * 1000), 0),
    }


def forget(db: sa.Connection) -> int:
    """Delete what nobody shows any more; how many rows."""
    old = datetime.now(UTC) - KEEP
    return db.execute(sa.delete(announcements).where(announcements.c.show_until < old)).rowcount


def _latest_of_each(rows: Sequence[dict[str, Any]], current: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Each number once, with the counter it was called to last."""
    seen = {current["number"]} if current else set()
    kept = []
    for row in rows:
        if row["number"] not in seen:
            seen.add(row["number"])
            kept.append(row)
    return kept


def _message(row: dict[str, Any]) -> m.NumberCalled:
    return m.NumberCalled(
        id=uuid.uuid4().hex,
        at=datetime.now(UTC),
        mono_ns=time.monotonic_ns(),
        branch=row["branch"],
        order=row["id"],
        day=row["day"],
        number=row["number"],
        counter=row["counter"],
        again=row["again"],
        show_at=row["show_at"],
        show_ms=int((row["show_until"] - row["show_at"]).total_seconds() * 1000),
    )
