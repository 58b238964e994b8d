"""What helps a teller in a talk, as the hub keeps it: captions for as long as the case lasts, ticks with the case.

Captions are for the teller who holds the case. They are in no log and no record, and deleted in the transaction in
which the case is over; what a teller wants to keep of them is written into the account by hand.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from contracts.call_help import CaseHeard
from contracts.video import OVER, CaseState
from hub.store import Store, upsert
from hub.video.help_tables import call_heard, call_ticks
from hub.video.pool import NotNow
from hub.video.tables import cases

MAY_BE_HEARD: Final = frozenset({CaseState.CONNECTING, CaseState.TALKING, CaseState.RECONNECTING})
TICKED: Final = MAY_BE_HEARD | {CaseState.WRAPPING_UP}
READ: Final = TICKED | {CaseState.OFFERED}  # passed on: the next teller reads what was said before accepting
MAX_TICKS: Final = 80

_CASE: Final = sa.select(cases.c.branch, cases.c.device, cases.c.state).where(
    cases.c.video_case == sa.bindparam("k_case")
)


def keep_heard(db: sa.Connection, branch: str, device: str, said: CaseHeard, now: datetime) -> None:
    """Keep one caption, once. Raises `NotNow`: not this terminal's case, or nobody talks in it."""
    row = db.execute(_CASE, {"k_case": said.case}).first()
    if row is None:
        raise NotNow("unknown")
    if (row.branch, row.device) != (branch, device):
        raise NotNow("foreign")
    if CaseState(row.state) not in MAY_BE_HEARD:
        raise NotNow("transition")
    whole = msgspec.to_builtins(said)
    body = {name: whole[name] for name in ("text", "language", "whose", "sure", "feeling", "risk", "suggested")}
    upsert(db, call_heard, [{"video_case": said.case, "number": said.number, "at": now, "body": body}])


def heard_of(store: Store, case: str, teller: str, after: int = 0) -> list[dict[str, Any]]:
    """Captions after number `after`, in order, for the teller who holds the case; for others none."""
    mine = sa.and_(cases.c.video_case == case, cases.c.teller == teller, cases.c.state.in_(READ))
    wanted = (
        sa.select(call_heard.c.number, call_heard.c.at, call_heard.c.body)
        .join(cases, cases.c.video_case == call_heard.c.video_case)
        .where(mine, call_heard.c.number > after)
        .order_by(call_heard.c.number)
    )
    return [{"number": row["number"], "at": row["at"], **row["body"]} for row in store.rows(wanted)]


def ticks_of(store: Store, case: str) -> frozenset[str]:
    """The questions that were ticked in a case, by whichever teller."""
    return frozenset(
        row["question"] for row in store.rows(sa.select(call_ticks).where(call_ticks.c.video_case == case))
    )


def tick(db: sa.Connection, case: str, question: str, person: str, now: datetime, *, asked: bool) -> None:
    """A required question was asked, or was ticked by mistake. Only its teller, while the case lasts.

    Raises `NotNow`.
    """
    row = db.execute(sa.select(cases.c.teller, cases.c.state).where(cases.c.video_case == case)).first()
    if row is None:
        raise NotNow("unknown")
    if row.teller != person:
        raise NotNow("foreign")
    if CaseState(row.state) not in TICKED:
        raise NotNow("transition")
    mine = call_ticks.c.video_case == case
    if not asked:
        db.execute(sa.delete(call_ticks).where(mine, call_ticks.c.question == question))
        return
    if int(db.execute(sa.select(sa.func.count()).where(mine)).scalar_one()) >= MAX_TICKS:
        raise NotNow("cannot")
    upsert(db, call_ticks, [{"video_case": case, "question": question, "person": person, "at": now}], update=[])


def forget(db: sa.Connection) -> int:
    """Captions of cases that are over, should any be left, and ticks of cases that are gone; how many rows."""
    living = sa.select(cases.c.video_case).where(cases.c.state.not_in(OVER))
    known = sa.select(cases.c.video_case)
    aged = (
        sa.delete(call_heard).where(call_heard.c.video_case.not_in(living)),
        sa.delete(call_ticks).where(call_ticks.c.video_case.not_in(known)),
    )
    return sum(db.execute(statement).rowcount for statement in aged)
