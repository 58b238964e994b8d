"""Low scores that somebody has to look into: open until a moment, closed once, with what came of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, Literal, get_args

import sqlalchemy as sa

from hub.opinions.tables import comments, opinion_tasks, visit_opinions
from hub.store import Store

SHOWN: Final = 60
CLOSED_SHOWN: Final = 6
Outcome = Literal["spoke", "mended", "explained", "passed_on", "nothing"]
"""Spoke with the visitor; mended what was wrong; explained to staff or visitor; passed on; nothing to be done."""
OUTCOMES: Final[tuple[Outcome, ...]] = get_args(Outcome)


class NotOpen(ValueError):
    """The task was closed already, or is none of this branch."""


def tasks_of(store: Store, branch: str, now: datetime) -> list[dict[str, Any]]:
    """Open ones by deadline, then the last closed ones; with the comment, where one was given."""
    key = ("branch", "device", "visit")
    words = sa.and_(*(comments.c[name] == opinion_tasks.c[name] for name in key))
    visits = sa.and_(*(visit_opinions.c[name] == opinion_tasks.c[name] for name in key))
    wanted = (
        sa.select(opinion_tasks, comments.c.text, comments.c.subject, comments.c.feeling, visit_opinions.c.service)
        .select_from(opinion_tasks.outerjoin(comments, words).outerjoin(visit_opinions, visits))
        .where(opinion_tasks.c.branch == branch)
    )
    still = wanted.where(opinion_tasks.c.closed_at.is_(None)).order_by(opinion_tasks.c.due_at, opinion_tasks.c.id)
    over = wanted.where(opinion_tasks.c.closed_at.is_not(None)).order_by(opinion_tasks.c.closed_at.desc())
    rows = store.rows(still.limit(SHOWN)) + store.rows(over.limit(CLOSED_SHOWN))
    return [row | {"overdue": row["closed_at"] is None and row["due_at"] < now} for row in rows]


def close(db: sa.Connection, branch: str, task: int, outcome: Outcome, person: str, now: datetime) -> None:
    """Raises `NotOpen`; ValueError for an outcome that is none."""
    if outcome not in OUTCOMES:
        raise ValueError(f"{outcome[:40]!r} is no outcome: {', '.join(OUTCOMES)}")
    this = sa.and_(opinion_tasks.c.id == task, opinion_tasks.c.branch == branch, opinion_tasks.c.closed_at.is_(None))
    told = sa.update(opinion_tasks).where(this).values(closed_at=now, closed_by=person[:80], outcome=outcome)
    if db.execute(told).rowcount != 1:
        raise NotOpen(f"task {task}")
