"""What tellers propose for the packs of answers: questions that had no approved answer, as the teller wrote them.

A proposal is a note to whoever edits a pack and nothing more: no terminal ever says it. An approved answer comes
about as all do, in a pack that is built, checked, approved by a second person and published.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import sqlalchemy as sa

from hub.store import Store
from hub.video.help_tables import proposals

MAX_QUESTION: Final = 300
MAX_ANSWER: Final = 600
MAX_OPEN: Final = 200  # of one branch; an editor who does not look is told, and no more are taken
SHOWN: Final = 60
KEPT: Final = timedelta(days=90)
State = Literal["taken", "refused"]


class NotProposed(ValueError):
    """Why a proposal was not taken; `reason` is stable."""

    def __init__(self, reason: Literal["empty", "too_long", "full", "unknown"]) -> None:
        super().__init__(reason)
        self.reason = reason


def propose(
    db: sa.Connection, branch: str, service: str, question: str, answer: str, person: str, now: datetime
) -> None:
    """Raises `NotProposed`. `answer` may be empty: the editor finds one."""
    question, answer = " ".join(question.split()), " ".join(answer.split())
    if not question:
        raise NotProposed("empty")
    if len(question) > MAX_QUESTION or len(answer) > MAX_ANSWER:
        raise NotProposed("too_long")
    open_ones = sa.and_(proposals.c.branch == branch, proposals.c.state == "open")
    if int(db.execute(sa.select(sa.func.count()).where(open_ones)).scalar_one()) >= MAX_OPEN:
        raise NotProposed("full")
    db.execute(
        sa.insert(proposals).values(
            branch=branch, service=service, question=question, answer=answer, person=person, at=now, state="open",
            decided_by="",
        )
    )  # fmt: skip


def open_proposals(store: Store, branches: Sequence[str]) -> list[dict[str, Any]]:
    """Those of these branches that nobody has decided on, the oldest first."""
    mine = sa.and_(proposals.c.branch.in_(list(branches)), proposals.c.state == "open")
    return store.rows(sa.select(proposals).where(mine).order_by(proposals.c.id).limit(SHOWN))


def decide(db: sa.Connection, branch: str, proposal: int, state: State, person: str, now: datetime) -> None:
    """Taken into a pack, or not. Raises `NotProposed`: decided already, or not of this branch."""
    this = sa.and_(proposals.c.id == proposal, proposals.c.branch == branch, proposals.c.state == "open")
    told = sa.update(proposals).where(this).values(state=state, decided_by=person, decided_at=now)
    if db.execute(told).rowcount != 1:
        raise NotProposed("unknown")


def forget(db: sa.Connection, now: datetime) -> int:
    """Delete what is too old; how many rows."""
    return db.execute(sa.delete(proposals).where(proposals.c.at < now - KEPT)).rowcount
