"""An opinion becomes a row, once, at the visit that it is of; a low one becomes a task. In the caller's transaction.

The order of a terminal's log is kept by whoever calls: that a visit was asked comes before what it answered. An answer
of a visit that nobody heard of is kept apart (`known` is false) and counts in no figure; words of one are refused.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from contracts import messages as m
from contracts import opinions as o
from contracts import topics
from hub.opinions.tables import (
    came_before,
    candidates,
    comments,
    lessons,
    opinion_tasks,
    unheard,
    visit_opinions,
)
from hub.store import devices, events, identity, upsert

LOW: Final = 2  # a score of this or less opens a task
DUE: Final = timedelta(hours=24)
MAX_UNHEARD: Final = 5_000  # of one branch; an editor who never looks keeps no more
OFF_MOST: Final = timedelta(days=30)  # what a terminal's clock says is believed so far back and not at all ahead


class NoVisit(ValueError):
    """Not kept: `reason` is stable, 'no_visit' or 'full'."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def keep_word(db: sa.Connection, address: topics.Address, told: o.OpinionTold, now: datetime) -> None:
    """Raises `NoVisit`."""
    match told.body:
        case o.OpinionAsked() as asked:
            _asked(db, address, asked, true_time(db, address, told.at, now), now)
        case o.Recommended() as given:
            _answered(db, address, given.visit, recommend=given.score)
        case o.CommentGiven() as said:
            _known(db, address, said.visit)
            row = {"text": said.text, "language": said.language, "feeling": said.feeling, "subject": said.subject,
                   "masked": said.masked, "at": true_time(db, address, told.at, now)}  # fmt: skip
            upsert(db, comments, [_key(address, said.visit) | row])
        case o.NotUnderstood() as one:
            _keep_unheard(db, address.branch, one, now)


def keep_score(
    db: sa.Connection, address: topics.Address, event: m.Event, coming: Iterable[Mapping[str, Any]], now: datetime
) -> bool:
    """Whether this is the visit's first score; later ones change nothing. `coming`: moments not yet written."""
    given = event.body
    assert isinstance(given, m.OpinionGiven)
    here = _of(visit_opinions, address, given.visit)
    row = db.execute(sa.select(visit_opinions.c.score, visit_opinions.c.known).where(here)).first()
    if row is not None and row.score is not None:
        return False
    if row is None:
        known = _began(db, address, given.visit, coming)
        upsert(db, visit_opinions, [_key(address, given.visit) | {
            "at": true_time(db, address, event.at, now), "known": known, "sampled": False, "score": given.score,
        }])  # fmt: skip
    else:
        known = row.known
        db.execute(sa.update(visit_opinions).where(here).values(score=given.score))
    if known and given.score <= LOW:
        task = {"score": given.score, "opened_at": now, "due_at": now + DUE, "closed_by": "", "outcome": ""}
        db.execute(sa.insert(opinion_tasks).values(**_key(address, given.visit), **task))
    return True


def true_time(db: sa.Connection, address: topics.Address, at: datetime, now: datetime) -> datetime:
    """A terminal's time by the hub's clock: set right by the difference that the terminal last told, never ahead."""
    here = sa.and_(devices.c.branch == address.branch, devices.c.device == address.device)
    told = db.execute(sa.select(devices.c.telemetry).where(here)).scalar() or {}
    offset = (told.get("clock") or {}).get("offset_ms", 0)
    if isinstance(offset, int) and abs(offset) <= OFF_MOST.total_seconds() * 1000:
        at = at + timedelta(milliseconds=offset)
    return min(max(at, now - OFF_MOST), now)


def forget(db: sa.Connection, now: datetime, words_before: datetime, rows_before: datetime) -> int:
    """Delete words older than `words_before` and figures older than `rows_before`; how many rows."""
    aged = (
        (comments, comments.c.at, words_before), (unheard, unheard.c.at, words_before),
        (visit_opinions, visit_opinions.c.at, rows_before), (opinion_tasks, opinion_tasks.c.opened_at, rows_before),
        (came_before, came_before.c.last, rows_before), (candidates, candidates.c.at, rows_before),
    )  # fmt: skip
    gone = sum(db.execute(sa.delete(table).where(at < oldest)).rowcount for table, at, oldest in aged)
    undecided = sa.and_(lessons.c.state != "accepted", lessons.c.at < words_before)  # an accepted one is the pack's
    return gone + db.execute(sa.delete(lessons).where(undecided)).rowcount


def _asked(db: sa.Connection, address: topics.Address, asked: o.OpinionAsked, at: datetime, now: datetime) -> None:
    values = {
        "at": at, "known": True, "service": asked.service, "wish": asked.wish, "language": asked.language,
        "mode": asked.mode, "came_before": _came_before(db, asked.alias, now), "sampled": asked.sampled,
    }  # fmt: skip
    upsert(db, visit_opinions, [_key(address, asked.visit) | values])


def _came_before(db: sa.Connection, alias: str, now: datetime) -> bool | None:
    if not alias:
        return None
    store = db.execute(sa.select(identity.c.store)).scalar() or ""
    who = hashlib.sha256(f"{store}\n{alias}".encode()).hexdigest()
    here = sa.select(came_before.c.last).where(came_before.c.who == who)
    seen: datetime | None = db.execute(here).scalar()
    upsert(db, came_before, [{"who": who, "last": now}], update=("last",))
    return seen is not None


def _answered(db: sa.Connection, address: topics.Address, visit: str, *, recommend: int) -> None:
    here = _of(visit_opinions, address, visit)
    if db.execute(sa.update(visit_opinions).where(here, visit_opinions.c.recommend.is_(None)).values(
        recommend=recommend
    )).rowcount == 0:  # fmt: skip
        _known(db, address, visit)  # told twice: the first counts


def _known(db: sa.Connection, address: topics.Address, visit: str) -> None:
    if db.execute(sa.select(visit_opinions.c.visit).where(_of(visit_opinions, address, visit))).first() is None:
        raise NoVisit("no_visit")


def _began(db: sa.Connection, address: topics.Address, visit: str, coming: Iterable[Mapping[str, Any]]) -> bool:
    """Whether the hub heard of this visit; a terminal of an older release does not say that it asked."""
    of_visit = (events.c.branch == address.branch, events.c.device == address.device, events.c.visit == visit)
    found = sa.select(events.c.id).where(*of_visit, events.c.kind == "visit_started").limit(1)
    here = (address.branch, address.device, visit, "visit_started")
    waits = any((row["branch"], row["device"], row["visit"], row["kind"]) == here for row in coming)
    return waits or db.execute(found).first() is not None


def _keep_unheard(db: sa.Connection, branch: str, one: o.NotUnderstood, now: datetime) -> None:
    open_ones = sa.and_(unheard.c.branch == branch, unheard.c.lesson.is_(None))
    if int(db.execute(sa.select(sa.func.count()).where(open_ones)).scalar_one()) >= MAX_UNHEARD:
        raise NoVisit("full")
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    values = {"text": one.text, "language": one.language, "guess": one.guess, "why": one.why}
    db.execute(sa.insert(unheard).values(branch=branch, at=day, **values))


def _key(address: topics.Address, visit: str) -> dict[str, Any]:
    return {"branch": address.branch, "device": address.device, "visit": visit}


def _of(table: sa.Table, address: topics.Address, visit: str) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.branch == address.branch, table.c.device == address.device, table.c.visit == visit)
