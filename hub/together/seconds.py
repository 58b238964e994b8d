"""A second person's word on a risky step: asked by the teller, given or refused by another, good for what was seen.

An approval is of a form as it stood. Whoever changes a value afterwards needs another one.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import sqlalchemy as sa

from contracts import together as t
from hub.store import Store
from hub.together.stands import form_of
from hub.together.tables import seconds
from hub.video.pool import NotNow, Row

MAX_OPEN: Final = 8  # of one case; more are refused
MAX_SHOWN: Final = 40


def ask(db: sa.Connection, case: Row, step: str, person: str, now: datetime) -> None:
    """Ask for it. Asked again for the same form, nothing is added. Raises `NotNow`."""
    form = form_of(db, case["video_case"])
    digest = t.draft_digest(form)
    mine = sa.and_(seconds.c.video_case == case["video_case"], seconds.c.outcome == "waiting")
    open_ones = db.execute(sa.select(seconds.c.step, seconds.c.digest).where(mine)).all()
    if any(row.step == step and row.digest == digest for row in open_ones):
        return
    if len(open_ones) >= MAX_OPEN:
        raise NotNow("cannot")
    db.execute(sa.update(seconds).where(mine, seconds.c.step == step).values(outcome="refused", decided_at=now))
    db.execute(
        sa.insert(seconds).values(
            video_case=case["video_case"], branch=case["branch"], session=form.session, form=form.form, step=step,
            digest=digest, asked_by=person, asked_at=now, outcome="waiting", decided_by="", decided_at=None,
        )
    )  # fmt: skip


def decide(db: sa.Connection, asked: Row, teller: str, person: str, *, approved: bool, now: datetime) -> None:
    """Raises `NotNow`: 'oneself' for whoever asked or holds the case, 'raced' where the form is another one by now."""
    if person in (asked["asked_by"], teller) or not person:
        raise NotNow("oneself")
    if approved and t.draft_digest(form_of(db, asked["video_case"])) != asked["digest"]:
        raise NotNow("raced")
    mine = sa.and_(seconds.c.id == asked["id"], seconds.c.outcome == "waiting")
    outcome = "approved" if approved else "refused"
    done = db.execute(sa.update(seconds).where(mine).values(outcome=outcome, decided_by=person, decided_at=now))
    if not done.rowcount:
        raise NotNow("raced")


def given(db: sa.Connection, case: str, step: str) -> str:
    """The digest that was approved for this step as the form stands now; empty: nobody approved it."""
    form = form_of(db, case)
    digest = t.draft_digest(form)
    found = sa.select(seconds.c.id).where(
        seconds.c.video_case == case, seconds.c.session == form.session, seconds.c.step == step,
        seconds.c.digest == digest, seconds.c.outcome == "approved",
    )  # fmt: skip
    return digest if db.execute(found.limit(1)).first() else ""


def latest(store: Store, case: str, session: str) -> Row | None:
    """The last time that a second person was asked about this form."""
    mine = sa.and_(seconds.c.video_case == case, seconds.c.session == session)
    found = store.rows(sa.select(seconds).where(mine).order_by(seconds.c.id.desc()).limit(1))
    return found[0] if found else None


def waiting(store: Store, branches: frozenset[str]) -> list[Row]:
    """Who waits for a second person, the oldest first; of these branches ('*': of all)."""
    mine = sa.true() if "*" in branches else seconds.c.branch.in_(sorted(branches))
    wanted = sa.select(seconds).where(mine, seconds.c.outcome == "waiting").order_by(seconds.c.asked_at)
    return store.rows(wanted.limit(MAX_SHOWN))
