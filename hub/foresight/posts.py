"""What each counter is doing: opened with its services, paused until a time, closed; told by its desk, and by calling.

A counter whose clerk says nothing is still known by what it calls. What dispatch adds to a counter's services stands
beside what its clerk chose.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from hub.foresight.tables import posts
from hub.store import Store, upsert

MOST_SERVICES: Final = 26
LONGEST_PAUSE: Final = timedelta(hours=3)
FORGOTTEN: Final = timedelta(hours=14)  # a counter that said nothing for so long belongs to another day


@dataclass(frozen=True, slots=True)
class CounterPost:
    """One counter as the hub has it."""

    counter: str
    services: tuple[str, ...]
    extra: tuple[str, ...]
    doing: str
    since: datetime
    back_at: datetime | None

    @property
    def calls(self) -> tuple[str, ...]:
        """What it calls: its clerk's choice, and what the floor needed."""
        return (*self.services, *(one for one in self.extra if one not in self.services))


def note_call(db: sa.Connection, branch: str, counter: str, services: Sequence[str], now: datetime) -> tuple[str, ...]:
    """A counter calls: it is open with these services. What it calls when nobody of these waits: what was added."""
    chosen = tuple(dict.fromkeys(services))[:MOST_SERVICES]
    if not counter:
        return ()
    row = db.execute(sa.select(posts).where(posts.c.branch == branch, posts.c.counter == counter)).first()
    extra = tuple(row.extra) if row is not None and row.since > now - FORGOTTEN else ()
    if row is None or tuple(row.services) != chosen or row.doing != "open" or row.since < now - FORGOTTEN:
        _put(db, branch, counter, chosen, extra, "open", now, None)
    return tuple(one for one in extra if one not in chosen)


def set_post(
    db: sa.Connection, branch: str, counter: str, services: Sequence[str], doing: str, now: datetime,
    back_at: datetime | None = None,
) -> None:  # fmt: skip
    """The clerk opens, pauses or closes the counter. Raises ValueError for what is none of these, or no time."""
    if doing not in ("open", "pause", "closed"):
        raise ValueError(f"a counter is open, paused or closed, not {doing[:12]!r}")
    if back_at is not None and not now <= back_at <= now + LONGEST_PAUSE:
        raise ValueError("a pause ends within three hours")
    row = db.execute(sa.select(posts.c.extra).where(posts.c.branch == branch, posts.c.counter == counter)).first()
    extra = tuple(row.extra) if row is not None and doing != "closed" else ()
    chosen = tuple(dict.fromkeys(services))[:MOST_SERVICES]
    _put(db, branch, counter, chosen, extra, doing, now, back_at if doing == "pause" else None)


def add_services(db: sa.Connection, branch: str, counter: str, extra: Sequence[str]) -> bool:
    """What a counter calls besides; False where there is no such counter."""
    here = sa.and_(posts.c.branch == branch, posts.c.counter == counter)
    return db.execute(sa.update(posts).where(here).values(extra=list(extra)[:MOST_SERVICES])).rowcount == 1


def posts_of(store: Store, branch: str, now: datetime) -> list[CounterPost]:
    """The counters that said something today."""
    found = store.rows(sa.select(posts).where(posts.c.branch == branch, posts.c.since > now - FORGOTTEN))
    return [_post(row) for row in sorted(found, key=lambda row: (len(row["counter"]), row["counter"]))]


def _post(row: dict[str, Any]) -> CounterPost:
    return CounterPost(
        row["counter"], tuple(row["services"]), tuple(row["extra"]), row["doing"], row["since"], row["back_at"]
    )


def _put(
    db: sa.Connection, branch: str, counter: str, services: Sequence[str], extra: Sequence[str], doing: str,
    now: datetime, back_at: datetime | None,
) -> None:  # fmt: skip
    row = {
        "branch": branch, "counter": counter, "services": list(services), "extra": list(extra), "doing": doing,
        "since": now, "back_at": back_at,
    }  # fmt: skip
    upsert(db, posts, [row], update=["services", "extra", "doing", "since", "back_at"])
