"""How it stands between a teller and a visitor: what the terminal told last, and what goes to the terminal.

The terminal is believed about its own screen and about nothing else; a message of another device, or about a case that
no teller holds, is refused and counted by whoever calls.
"""

from __future__ import annotations

import time
import uuid
from datetime import datetime, timedelta
from typing import Final

import msgspec
import sqlalchemy as sa

from contracts import together as t
from contracts import topics
from contracts.video import TALKS, CaseState
from hub.bus import Outgoing
from hub.store import Store, upsert
from hub.together.tables import signed_documents, together
from hub.video.pool import NotNow, Row
from hub.video.tables import cases

LONGEST: Final = timedelta(hours=3)  # a talk ends after two


def take_up(db: sa.Connection, address: topics.Address, message: t.TogetherStands, now: datetime) -> str:
    """One snapshot of a terminal. Returns why it was refused: 'case', 'device', 'over', 'old'; or ''."""
    row = db.execute(sa.select(cases).where(cases.c.video_case == message.case)).one_or_none()
    if row is None:
        return "case"
    if (row.branch, row.device) != (address.branch, address.device):
        return "device"
    if CaseState(row.state) not in TALKS:
        return "over"
    known = db.execute(sa.select(together.c.revision).where(together.c.video_case == message.case)).scalar()
    if known is not None and message.revision <= known:
        return "old"
    stands = {
        "video_case": message.case, "branch": address.branch, "device": address.device, "said": 0,
        "revision": message.revision, "stands": msgspec.to_builtins(message), "at": now,
    }  # fmt: skip
    upsert(db, together, [stands], update=("revision", "stands", "at"))
    return ""


def look(store: Store, case: str) -> t.TogetherStands | None:
    """What the terminal told last of this case."""
    found = store.rows(sa.select(together.c.stands).where(together.c.video_case == case))
    return msgspec.convert(found[0]["stands"], t.TogetherStands) if found and found[0]["stands"] else None


def form_of(db: sa.Connection, case: str) -> t.FormStands:
    """The form as it stands now. Raises `NotNow`: there is none."""
    found = db.execute(sa.select(together.c.stands).where(together.c.video_case == case)).scalar()
    told = msgspec.convert(found, t.TogetherStands) if found else None
    if told is None or told.form is None:
        raise NotNow("unknown")
    return told.form


def ask(db: sa.Connection, case: Row, body: t.FromDesk, now: datetime) -> tuple[Outgoing, int]:
    """The message for the terminal of a case, and its number. The caller sends it when the transaction is done."""
    fresh = {"video_case": case["video_case"], "branch": case["branch"], "device": case["device"], "said": 0,
             "revision": -1, "stands": None, "at": now}  # fmt: skip
    upsert(db, together, [fresh])
    mine = together.c.video_case == case["video_case"]
    db.execute(sa.update(together).where(mine).values(said=together.c.said + 1))
    said = int(db.execute(sa.select(together.c.said).where(mine)).scalar_one())
    message = t.TogetherAsked(
        id=uuid.uuid4().hex, at=now, mono_ns=time.monotonic_ns(), case=case["video_case"], said=said,
        expires=now + timedelta(seconds=t.EXPIRES_S), body=body,
    )  # fmt: skip
    kind = topics.TOGETHER_ASKED
    return Outgoing(kind.at(case["branch"], case["device"]), kind.encode(message), kind.qos, kind.retain), said


def forget(db: sa.Connection, now: datetime, signed_before: datetime) -> None:
    """What was typed goes with the talk (`hub/video/pool.py`), at the latest now; signed documents with the records."""
    on = sa.select(cases.c.video_case).where(cases.c.state.in_(TALKS))
    gone = sa.or_(together.c.video_case.not_in(on), together.c.at < now - LONGEST)
    db.execute(sa.delete(together).where(gone))
    db.execute(sa.delete(signed_documents).where(signed_documents.c.at < signed_before))
