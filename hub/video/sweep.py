"""What is due because nobody did anything: offers, connections, lost terminals and desks. Any worker may look.

Each is a deadline or a last time heard in the database, so that a worker that dies takes no duty with it. It is first
looked without a lock whether anything is due at all.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from config.routing import Routing
from contracts.video import OVER, VISITOR_THERE, CaseEvent, CaseState, TellerEvent, TellerState
from contracts.video_messages import LEFT_MESSAGE_KEPT_S
from hub.store import Store
from hub.video import helping, proposals
from hub.video.acts import free_again, lose, release, resting, unhand, written_off
from hub.video.asking import dropped, leave
from hub.video.pool import NotNow, Pool, Row, duty, free_of, in_line, waiting_of
from hub.video.rule import could
from hub.video.tables import call_backs, case_changes, cases, decisions, left_messages, tellers

log = logging.getLogger(__name__)

PRESENT: Final = (TellerState.READY, TellerState.OFFERED, TellerState.BUSY, TellerState.AFTER_WORK, TellerState.BREAK)
AT_ONCE: Final = 200  # of each kind, in one transaction; the next look takes the rest
CALL_BACKS_KEPT: Final = timedelta(days=14)
DECISIONS_KEPT: Final = timedelta(days=60)

_OVERDUE: Final = (
    sa.select(cases)
    .where(cases.c.state.not_in(OVER), cases.c.deadline <= sa.bindparam("now"))
    .order_by(cases.c.deadline, cases.c.video_case)
    .limit(AT_ONCE)
)
_TERMINALS: Final = (  # one that talks is paused when it is quiet; one that waits is given up when it is gone
    sa.select(cases)
    .where(
        sa.or_(
            sa.and_(cases.c.state == CaseState.TALKING, cases.c.seen < sa.bindparam("quiet")),
            sa.and_(
                cases.c.state.in_(VISITOR_THERE - {CaseState.TALKING, CaseState.RECONNECTING}),
                cases.c.seen < sa.bindparam("gone"),
            ),
        )
    )
    .order_by(cases.c.video_case)
    .limit(AT_ONCE)
)
_DESKS: Final = (  # a desk that was lost in a talk is waited for until the case's deadline
    sa.select(tellers)
    .where(
        tellers.c.state.in_(PRESENT),
        tellers.c.seen < sa.bindparam("desk"),
        tellers.c.person.not_in(sa.select(cases.c.teller).where(cases.c.state == CaseState.RECONNECTING)),
    )
    .order_by(tellers.c.person)
    .limit(AT_ONCE)
)


def sweep(store: Store, rules: Routing, now: datetime) -> set[str]:
    """Do what is due and match who can be matched; the cases whose terminals want to be told."""
    with store.read() as db:
        if not _anything(db, rules, now):
            return set()

    def work(db: sa.Connection) -> set[str]:
        pool = Pool(db, rules, now)
        sweep_in(pool)
        return pool.touched

    return store.apply(work)


def sweep_in(pool: Pool) -> None:
    """The same in a transaction that is there."""
    _each(pool, _lost_tellers(pool), lambda row: lose(pool, row, "lost"))
    _each(pool, _lost_terminals(pool), lambda row: _terminal_lost(pool, row))
    _each(pool, _overdue(pool), lambda row: _decide(pool, row))
    pool.match()


def _each(pool: Pool, due: list[Row], work: Callable[[Row], None]) -> None:
    """One after the other: what cannot be decided, which would be a mistake of ours, holds up nobody else."""
    for row in due:
        try:
            with pool.db.begin_nested():
                work(row)
        except NotNow as err:
            pool.undone()
            log.error("not decided: %s (%s)", row.get("video_case") or row.get("person"), err.reason)


def forget(db: sa.Connection, now: datetime, oldest: datetime) -> int:
    """Delete what is kept no longer; how many rows."""
    aged = (
        sa.delete(left_messages).where(left_messages.c.at < now - timedelta(seconds=LEFT_MESSAGE_KEPT_S)),
        sa.delete(call_backs).where(call_backs.c.at < now - CALL_BACKS_KEPT),
        sa.delete(decisions).where(decisions.c.at < now - DECISIONS_KEPT),
        sa.delete(case_changes).where(case_changes.c.at < now - DECISIONS_KEPT),
        sa.delete(cases).where(cases.c.state.in_(OVER), cases.c.over_at < oldest),
    )
    forgotten = sum(db.execute(statement).rowcount for statement in aged)
    return forgotten + helping.forget(db) + proposals.forget(db, now)


def _anything(db: sa.Connection, rules: Routing, now: datetime) -> bool:
    marks = _marks(rules, now)
    if any(db.execute(query, marks).first() for query in (_OVERDUE, _TERMINALS, _DESKS)):
        return True
    free = [free_of(row) for row in duty(db, rules, now) if row["state"] == TellerState.READY]
    line = [waiting_of(row, rules) for row in in_line(db, rules, now)] if free else []
    return any(could(teller, case, now) for teller in free for case in line)


def _lost_tellers(pool: Pool) -> list[Row]:
    heard = pool.now - timedelta(seconds=pool.rules.limits.teller_heard_s)
    return [dict(row) for row in pool.db.execute(_DESKS, {"desk": heard}).mappings()]


def _lost_terminals(pool: Pool) -> list[Row]:
    return [dict(row) for row in pool.db.execute(_TERMINALS, _marks(pool.rules, pool.now)).mappings()]


def _overdue(pool: Pool) -> list[Row]:
    return [dict(row) for row in pool.db.execute(_OVERDUE, {"now": pool.now}).mappings()]


def _marks(rules: Routing, now: datetime) -> dict[str, datetime]:
    """Who was not heard since these moments is quiet, or lost."""
    limits = rules.limits
    return {
        "now": now,
        "quiet": now - timedelta(seconds=limits.terminal_heard_s),
        "gone": now - timedelta(seconds=limits.terminal_lost_s),
        "desk": now - timedelta(seconds=limits.teller_heard_s),
    }


def _terminal_lost(pool: Pool, row: Row) -> None:
    row = pool.case(row["video_case"])  # a lost desk may have moved it just now
    if row["state"] == CaseState.TALKING:
        dropped(pool, row, "terminal")
    elif CaseState(row["state"]) in VISITOR_THERE:
        leave(pool, row, "lost")


def _decide(pool: Pool, row: Row) -> None:
    """A deadline is over."""
    row = pool.case(row["video_case"])
    if row["deadline"] is None or row["deadline"] > pool.now:
        return
    match CaseState(row["state"]):
        case CaseState.OFFERED:
            pool.move_case(row, CaseEvent.OFFER_LAPSED, reason="no_answer", teller="")
            pool.move_teller(pool.teller(row["teller"]), TellerEvent.LAPSED)
        case CaseState.CONNECTING:
            _back_in_line(pool, row, "not_connected")
        case CaseState.TALKING:
            release(pool, row, CaseEvent.HUNG_UP, reason="too_long")
        case CaseState.RECONNECTING:
            _paused_too_long(pool, row)
        case CaseState.WRAPPING_UP:
            written_off(pool, row)


def _back_in_line(pool: Pool, row: Row, why: str) -> None:
    """At the old place, for somebody else first: what did not work with one may work with another."""
    refused = resting(pool, row, row["teller"])
    pool.move_case(row, CaseEvent.NOT_CONNECTED, reason=why, teller="", refused=refused)
    unhand(pool, row)


def _paused_too_long(pool: Pool, row: Row) -> None:
    """Whoever is still there goes on: the visitor waits for another teller, the teller writes the account."""
    limits = pool.rules.limits
    teller = pool.teller(row["teller"])
    desk_there = teller["seen"] >= pool.now - timedelta(seconds=limits.teller_heard_s)
    terminal_there = row["seen"] >= pool.now - timedelta(seconds=limits.terminal_heard_s)
    if terminal_there:
        refused = resting(pool, row, row["teller"])
        pool.move_case(row, CaseEvent.NOT_CONNECTED, reason="not_resumed", teller="", refused=refused)
        if desk_there:
            free_again(pool, teller["person"])
        else:
            pool.move_teller(teller, TellerEvent.LOST)
        return
    release(pool, row, CaseEvent.LEFT, reason="lost")
    if not desk_there:
        lose(pool, pool.teller(teller["person"]), "lost")
