"""Opinions counted: how many of those asked answered, how content they were, whether they recommend; by any group.

A figure of fewer than `LEAST` answers is None: it cannot be said yet. Plain dictionaries, ready for JSON.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from hub.opinions.intervals import Estimate, nps, share
from hub.opinions.tables import comments, opinion_tasks, visit_opinions
from hub.store import Store

CONTENT: Final = 4  # a score of this or more
LOW: Final = 2
MAX_ROWS: Final = 200_000  # of one look: about a year of a busy branch
MAX_GROUPS: Final = 40
Group = Callable[[dict[str, Any]], str]
_BEFORE: Final = {True: "returning", False: "first", None: "unknown"}
GROUPS: Final[dict[str, Group]] = {
    "branch": lambda row: str(row["branch"]),
    "service": lambda row: str(row["service"] or "none"),
    "segment": lambda row: "elder" if row["mode"] == "elder" else str(row["language"] or "unknown"),
    "visit": lambda row: _BEFORE[row["came_before"]],
}


def opinions_of(
    store: Store, branches: Sequence[str], since: datetime, until: datetime, *, terminals: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Rows of visits that were asked in that time, the latest first; at most `MAX_ROWS`."""
    wanted = (
        sa.select(visit_opinions)
        .where(visit_opinions.c.branch.in_(list(branches)), visit_opinions.c.at >= since, visit_opinions.c.at < until)
        .order_by(visit_opinions.c.at.desc())
    )
    if terminals:
        wanted = wanted.where(visit_opinions.c.device.in_(list(terminals)))
    return store.rows(wanted.limit(MAX_ROWS))


def measured(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The figures of these rows; those of visits that nobody heard of are counted apart and in nothing else."""
    heard = [row for row in rows if row["known"]]
    scores = [int(row["score"]) for row in heard if row["score"] is not None]
    sampled = [row for row in heard if row["sampled"]]
    told = [int(row["recommend"]) for row in sampled if row["recommend"] is not None]
    return {
        "asked": len(heard),
        "answered": len(scores),
        "response": said(share(len(scores), len(heard))),
        "content": said(share(sum(score >= CONTENT for score in scores), len(scores))),
        "low": said(share(sum(score <= LOW for score in scores), len(scores))),
        "mean": round(sum(scores) / len(scores), 2) if scores else None,
        "by_score": {score: scores.count(score) for score in range(1, 6)},
        "sampled": len(sampled),
        "recommended": len(told),
        "nps": said(nps(told)),
        "of_no_visit": len(rows) - len(heard),
    }


def grouped(rows: Sequence[dict[str, Any]], by: str) -> list[dict[str, Any]]:
    """The figures by group (`GROUPS`), the largest group first."""
    heaps: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        heaps[GROUPS[by](row)].append(row)
    largest = sorted(heaps.items(), key=lambda heap: (-len(heap[1]), heap[0]))[:MAX_GROUPS]
    return [{"group": name} | measured(heap) for name, heap in largest]


def opinions_view(store: Store, branches: Sequence[str], since: datetime, until: datetime) -> dict[str, Any]:
    """Everything of the opinions' page that is figures."""
    rows = opinions_of(store, branches, since, until)
    return {
        "since": since.isoformat(),
        "until": until.isoformat(),
        "all": measured(rows),
        "by": {by: grouped(rows, by) for by in GROUPS},
        "cut": len(rows) >= MAX_ROWS,
    }


def said(estimate: Estimate | None) -> dict[str, Any] | None:
    """Rounded for showing; None stays None."""
    return None if estimate is None else {name: round(value, 4) for name, value in asdict(estimate).items()}


def last_comments(store: Store, branch: str, since: datetime, until: datetime, limit: int) -> list[dict[str, Any]]:
    """Comments of a time with the score of their visit, the latest first."""
    at = sa.and_(comments.c.branch == branch, comments.c.at >= since, comments.c.at < until)
    same = sa.and_(*(comments.c[name] == visit_opinions.c[name] for name in ("branch", "device", "visit")))
    wanted = (
        sa.select(comments, visit_opinions.c.score, visit_opinions.c.service)
        .select_from(comments.join(visit_opinions, same))
        .where(at, visit_opinions.c.known)
        .order_by(comments.c.at.desc(), comments.c.visit)
    )
    return store.rows(wanted.limit(limit))


def handling(store: Store, branch: str, since: datetime, until: datetime) -> dict[str, Any]:
    """How tasks are dealt with: open, overdue, closed in time, and how long closing took."""
    mine = sa.and_(
        opinion_tasks.c.branch == branch, opinion_tasks.c.opened_at >= since, opinion_tasks.c.opened_at < until
    )
    rows = store.rows(sa.select(opinion_tasks).where(mine).limit(MAX_ROWS))
    closed = [row for row in rows if row["closed_at"] is not None]
    took_s = sorted((row["closed_at"] - row["opened_at"]).total_seconds() for row in closed)
    in_time = sum(row["closed_at"] <= row["due_at"] for row in closed)
    late = sum(row["closed_at"] is None and row["due_at"] < until for row in rows)
    return {
        "opened": len(rows),
        "open": len(rows) - len(closed),
        "overdue": late,
        "closed": len(closed),
        "closed_in_time": said(share(in_time, len(closed))),
        "median_s": took_s[len(took_s) // 2] if took_s else None,
    }
