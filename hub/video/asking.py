"""What terminals say: a teller is asked for, the visitor is still there, left, comes back later, left a message."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from contracts import messages as m
from contracts import video_messages as v
from contracts.queueing import Priority
from contracts.video import OVER, VISITOR_THERE, CaseEvent, CaseState, EndReason
from hub.store import tickets, upsert
from hub.video.acts import release, unhand
from hub.video.pool import NotNow, Pool, Row
from hub.video.rule import head_start
from hub.video.tables import call_backs, cases, left_messages

SETTLES: Final[frozenset[EndReason]] = frozenset({"ticket", "self_service", "message", "staff"})
MAX_LEFT_MESSAGES: Final = 200  # of one terminal, of those that are kept
MAX_CALL_BACKS: Final = 200  # open ones of one terminal

_KNOWN: Final = sa.select(cases.c.video_case).where(cases.c.video_case == sa.bindparam("k_case"))
_WAIT: Final = sa.select(sa.func.count()).where(cases.c.state == CaseState.WAITING)
_JOIN: Final = sa.insert(cases)
_SEEN: Final = (
    sa.update(cases)
    .where(cases.c.video_case == sa.bindparam("k_case"))
    .values(seen=sa.bindparam("at"), media=sa.bindparam("now_media"))
)


def apply_op(pool: Pool, branch: str, device: str, op: v.CaseOp) -> None:
    """One operation of a terminal, whose turn it is. Raises `NotNow`."""
    match op.body:
        case v.TellerAsked() as asked:
            ask(pool, branch, device, op, asked)
        case v.CaseLeft() as left:
            leave(pool, _own(pool, branch, device, left.case), left.why)
        case v.CallBackAsked() as later:
            call_back(pool, branch, device, op, later)
        case v.MessageLeft() as said:
            keep_message(pool, branch, device, op, said)


def ask(pool: Pool, branch: str, device: str, op: v.CaseOp, asked: v.TellerAsked) -> None:
    """A visitor joins the line, or is told at once that it is full. A terminal has one open case."""
    if pool.db.execute(_KNOWN, {"k_case": asked.case}).first():
        return
    for old in pool.open_cases(branch, device):
        if old["state"] != CaseState.WRAPPING_UP:  # the teller still writes: that is no visitor's
            leave(pool, old, "replaced")
    came = _came(pool, branch, asked)
    priority = _priority(pool, branch, asked.ticket)
    start = head_start(pool.rules, priority=priority, level=asked.level, risk=asked.risk, waited_s=asked.waited_s)
    full = int(pool.db.execute(_WAIT).scalar_one()) >= pool.rules.limits.waiting_most
    need = asked.need
    row = {
        "video_case": asked.case, "version": 1, "branch": branch, "device": device, "log": op.log,
        "packet": asked.packet, "visit": asked.visit, "alias": asked.alias,
        "state": CaseState.ENDED if full else CaseState.WAITING, "reason": "full" if full else "",
        "outcome": "full" if full else "", "service": need.service, "language": need.language,
        "dialect": need.dialect, "sign": need.sign, "calm": need.calm,
        "licence": need.licence or need.service in pool.rules.licence_for, "level": asked.level, "risk": asked.risk,
        "priority": priority, "came": came, "place_at": came - start, "passed": 0, "refused": {}, "teller": "",
        "note": "", "seen": pool.now, "media": "none", "since": pool.now, "over_at": pool.now if full else None,
        "talk_s": 0, "wrap_code": "", "summary": "",
    }  # fmt: skip
    pool.db.execute(_JOIN, row)
    pool.touched.add(asked.case)
    pool.bump()
    pool.match()


def here(pool: Pool, branch: str, device: str, said: v.CaseHere) -> None:
    """The visitor is still there. A call that was lost and is up again goes on; one that comes up begins."""
    try:
        row = _own(pool, branch, device, said.case)
    except NotNow:
        return
    pool.touched.add(said.case)
    if CaseState(row["state"]) not in VISITOR_THERE:
        return
    quiet = pool.now - row["seen"] > timedelta(seconds=pool.rules.limits.terminal_heard_s)
    # not under the version: nobody decides by it at the same moment
    pool.db.execute(_SEEN, {"k_case": said.case, "at": pool.now, "now_media": said.media})
    row = {**row, "seen": pool.now, "media": said.media}
    if said.media == "up" and row["state"] == CaseState.CONNECTING:
        connected(pool, row)
    elif said.media == "lost" and row["state"] == CaseState.TALKING:
        dropped(pool, row, "media")
    elif said.media != "lost" and row["state"] == CaseState.RECONNECTING and row["reason"] in ("media", "terminal"):
        resumed(pool, row)
    elif quiet and row["state"] == CaseState.WAITING:
        pool.match()  # it may be offered again


def connected(pool: Pool, row: Row, person: str = "") -> Row:
    """Picture and sound are there: the talk begins."""
    until = pool.after(pool.rules.limits.talk_most_s)
    return pool.move_case(row, CaseEvent.CONNECTED, person=person, talk_at=row["talk_at"] or pool.now, deadline=until)


def dropped(pool: Pool, row: Row, why: str) -> Row:
    """One side was lost: it may come back for a while."""
    return pool.move_case(row, CaseEvent.DROPPED, reason=why, deadline=pool.after(pool.rules.limits.reconnect_s))


def resumed(pool: Pool, row: Row) -> Row:
    """Both sides are there again."""
    return pool.move_case(row, CaseEvent.RESUMED, deadline=pool.after(pool.rules.limits.talk_most_s))


def leave(pool: Pool, row: Row, why: EndReason, person: str = "") -> None:
    """The visitor is gone, or chose another way: whoever held the case is free, or writes the account."""
    state = CaseState(row["state"])
    if state in OVER or state is CaseState.WRAPPING_UP:
        return  # told late: it is over anyway
    if state in (CaseState.TALKING, CaseState.RECONNECTING):
        release(pool, row, CaseEvent.LEFT, reason=why)
        return
    pool.move_case(row, CaseEvent.SETTLED if why in SETTLES else CaseEvent.LEFT, person=person, reason=why, teller="")
    unhand(pool, row)
    pool.match()


def call_back(pool: Pool, branch: str, device: str, op: v.CaseOp, asked: v.CallBackAsked) -> None:
    """A later time is promised. The times were offered by the hub, or made by a terminal that could not ask it."""
    mine = sa.and_(call_backs.c.branch == branch, call_backs.c.device == device, call_backs.c.taken_by == "")
    soon = call_backs.c.at > pool.now
    if int(pool.db.execute(sa.select(sa.func.count()).where(mine, soon)).scalar_one()) >= MAX_CALL_BACKS:
        raise NotNow("cannot")
    row = {
        "branch": branch, "device": device, "log": op.log, "seq": op.seq, "code": asked.code, "visit": asked.visit,
        "packet": asked.packet, "at": asked.at, "asked_at": pool.now,
        "need": {"service": asked.need.service, "language": asked.need.language}, "taken_by": "",
    }  # fmt: skip
    upsert(pool.db, call_backs, [row])
    pool.bump()
    if asked.case is None:
        return
    held = _own(pool, branch, device, asked.case)
    if CaseState(held["state"]) in (CaseState.WAITING, CaseState.OFFERED, CaseState.CONNECTING):
        pool.move_case(held, CaseEvent.CALL_BACK_ASKED, reason="call_back", teller="")
        unhand(pool, held)
        pool.match()


def keep_message(pool: Pool, branch: str, device: str, op: v.CaseOp, said: v.MessageLeft) -> None:
    """A visitor's words for a teller. Their age is the hub's to count."""
    here_ = sa.and_(left_messages.c.branch == branch, left_messages.c.device == device)
    if int(pool.db.execute(sa.select(sa.func.count()).where(here_)).scalar_one()) >= MAX_LEFT_MESSAGES:
        raise NotNow("cannot")
    row = {
        "branch": branch, "device": device, "log": op.log, "seq": op.seq, "visit": said.visit, "packet": said.packet,
        "service": said.need.service, "text": said.text, "at": pool.now, "read_by": "",
    }  # fmt: skip
    upsert(pool.db, left_messages, [row])
    pool.bump()
    if said.case is not None:
        leave(pool, _own(pool, branch, device, said.case), "message")


def rate(db: sa.Connection, branch: str, visit: str, score: int) -> None:
    """The visitor's opinion after a talk: the next time it weighs who serves this customer."""
    talked = sa.and_(cases.c.branch == branch, cases.c.visit == visit, cases.c.talk_at.is_not(None))
    db.execute(sa.update(cases).where(talked).values(score=score))


def _own(pool: Pool, branch: str, device: str, case: str) -> Row:
    row = pool.case(case)
    if (row["branch"], row["device"]) != (branch, device):
        raise NotNow("foreign")
    return row


def _came(pool: Pool, branch: str, asked: v.TellerAsked) -> datetime:
    """Now; who brings back the code of a call-back in its time came when it was asked, at most H ago."""
    if asked.code is None:
        return pool.now
    given = pool.rules.call_backs
    near = call_backs.c.at.between(
        pool.now - timedelta(minutes=given.late_min), pool.now + timedelta(minutes=given.early_min)
    )
    open_ones = sa.and_(call_backs.c.code == asked.code, call_backs.c.taken_by == "", near)
    found = pool.db.execute(
        sa.select(call_backs).where(open_ones).order_by(call_backs.c.branch != branch, call_backs.c.at).limit(1)
    ).first()
    if found is None:
        return pool.now
    taken = sa.and_(
        call_backs.c.branch == found.branch, call_backs.c.device == found.device, call_backs.c.log == found.log,
        call_backs.c.seq == found.seq,
    )  # fmt: skip
    pool.db.execute(sa.update(call_backs).where(taken).values(taken_by=asked.case))
    earliest = pool.now - timedelta(minutes=pool.rules.limits.head_start_most_min)
    came: datetime = min(pool.now, max(found.asked_at, earliest))
    return came


def _priority(pool: Pool, branch: str, ticket: m.DayNumber | None) -> Priority:
    if ticket is None:
        return Priority.NONE
    own = sa.and_(tickets.c.branch == branch, tickets.c.day == ticket.day, tickets.c.number == ticket.number)
    return Priority(pool.db.execute(sa.select(tickets.c.priority).where(own)).scalar() or Priority.NONE)
