"""What happens to a ticket at the hub: one row, its record, and the branch's next revision.

Whoever changes a branch's queue holds the branch's row first, so that two callers never choose from the same line
at the same moment, and no two transactions wait for each other.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, Literal

import sqlalchemy as sa

from contracts.queueing import HEAD_START, Lane, Priority, keeps, rejoined
from contracts.tickets import ENDED, IN_LINE, TicketEvent, TicketState, step
from hub.store import branches, ticket_changes, tickets, upsert

Refusal = Literal["collision", "transition", "unknown", "flood", "rejoins", "foreign"]

# Statements of every call and every ticket are made once: building one costs more than running it.
_KEY: Final = sa.and_(
    tickets.c.branch == sa.bindparam("k_branch"),
    tickets.c.day == sa.bindparam("k_day"),
    tickets.c.number == sa.bindparam("k_number"),
)
_ROW: Final = sa.select(tickets).where(_KEY).with_for_update()
_UNLESS_QUICKER: Final = sa.update(tickets).where(_KEY, tickets.c.state == sa.bindparam("k_state"))
_RECORD: Final = sa.insert(ticket_changes)
_BUMP: Final = (
    sa.update(branches)
    .where(branches.c.branch == sa.bindparam("k_branch"))
    .values(revision=branches.c.revision + sa.bindparam("k_more"))
)
_LATEST_DAY: Final = sa.select(sa.func.max(tickets.c.line_day)).where(tickets.c.branch == sa.bindparam("k_branch"))


class NotPossible(ValueError):
    """The ticket does not exist or is not in a state where this can happen. `reason` is stable."""

    def __init__(self, reason: Refusal) -> None:
        super().__init__(reason)
        self.reason = reason


def hold(db: sa.Connection, branch: str) -> None:
    """Hold the branch's row to the end of the transaction (SQLite holds the whole file already)."""
    if db.dialect.name == "sqlite":
        return
    here = sa.select(branches.c.branch).where(branches.c.branch == branch).with_for_update()
    if db.execute(here).first() is None:
        upsert(db, branches, [{"branch": branch, "revision": 0}])
        db.execute(here)


def change(
    db: sa.Connection,
    branch: str,
    day: str,
    number: str,
    event: TicketEvent,
    *,
    counter: str | None = None,
    service: str | None = None,
    lane: Lane | None = None,
    now: datetime | None = None,
) -> TicketState:
    """Apply `event` to a ticket and return its new state. Raises `NotPossible`.

    `counter` is kept when it is not given; `service` and `lane` are where a transferred ticket waits next.
    """
    hold(db, branch)
    row = row_of(db, branch, day, number)
    state = step(TicketState(row.state), event)
    if state is None:
        raise NotPossible("transition")
    values: dict[str, Any] = {}
    now = now or datetime.now(UTC)
    if event is TicketEvent.REQUEUED and row.state == TicketState.NO_SHOW:
        values = back_in_line(row, now)
    return put(db, row, event, state, values, counter=counter, service=service, lane=lane, now=now)


def back_in_line(row: sa.Row[Any], now: datetime) -> dict[str, Any]:
    back = rejoined(row.came, Priority(row.priority), row.rejoins, now)
    if back is None:
        raise NotPossible("rejoins")
    return {
        "came": back.came,
        "priority": back.priority,
        "place_at": back.came - HEAD_START[back.priority],
        "due": row.due if back.rejoins == 1 and keeps(back.came, row.due) else None,
        "rejoins": back.rejoins,
    }


def row_of(db: sa.Connection, branch: str, day: str, number: str) -> sa.Row[Any]:
    """The ticket's row, held. Raises `NotPossible` when there is none."""
    row = db.execute(_ROW, {"k_branch": branch, "k_day": day, "k_number": number}).first()
    if row is None:
        raise NotPossible("unknown")
    return row


def put(
    db: sa.Connection,
    row: sa.Row[Any],
    event: TicketEvent,
    state: TicketState,
    values: dict[str, Any],
    *,
    counter: str | None,
    now: datetime,
    service: str | None = None,
    lane: Lane | None = None,
) -> TicketState:
    """Write what was decided for the ticket of `row`, its record and the next revision."""
    desk = row.counter if counter is None else counter
    values = {
        **values,
        "state": state,
        "changed_at": now,
        "counter": "" if state in IN_LINE else desk,
        "in_line": state in IN_LINE,
    }
    if event is TicketEvent.TRANSFERRED:
        values |= {"service": service or row.service, "lane": lane or row.lane}
    key = {"k_branch": row.branch, "k_day": row.day, "k_number": row.number, "k_state": row.state}
    if db.execute(_UNLESS_QUICKER, {**values, **key}).rowcount != 1:
        raise NotPossible("transition")  # somebody else was quicker, on a database that does not hold rows
    record(db, row.branch, row.day, row.number, event, state, desk, now)
    bump(db, row.branch)
    return state


def bump(db: sa.Connection, branch: str, more: int = 1) -> None:
    """The next revision of the branch's queue, in the transaction that changes it."""
    if db.execute(_BUMP, {"k_branch": branch, "k_more": more}).rowcount == 0:
        db.execute(sa.insert(branches).values(branch=branch, revision=more))


def latest_day(db: sa.Connection, branch: str) -> str | None:
    """The latest business day that its tickets are truly of."""
    found: str | None = db.execute(_LATEST_DAY, {"k_branch": branch}).scalar()
    return found


def current_day(db: sa.Connection, branch: str, now: datetime | None = None) -> str:
    """The branch's business day: the latest that its tickets are truly of, or today when that is long ago."""
    return believable(latest_day(db, branch), (now or datetime.now(UTC)).date())


def believable(latest: str | None, today: date) -> str:
    if latest is None or date.fromisoformat(latest) < today - timedelta(days=1):
        return today.isoformat()
    return latest


def settle(db: sa.Connection, branch: str, *, before: str, now: datetime | None = None) -> list[tuple[str, str]]:
    """End what is open of business days before `before`; returns (day, number) of those who were never served.

    They are told on their ticket's page and by the terminal, and a ticket taken instead within a week has a
    head start (`Priority.CARRIED`).
    """
    hold(db, branch)
    still_open = sa.and_(tickets.c.branch == branch, tickets.c.line_day < before, tickets.c.state.not_in(ENDED))
    rows = db.execute(sa.select(tickets.c.day, tickets.c.number).where(still_open)).all()
    for row in rows:
        change(db, branch, row.day, row.number, TicketEvent.DAY_ENDED, now=now)
    return [(row.day, row.number) for row in rows]


def ticket_key(branch: str, day: str, number: str) -> sa.ColumnElement[bool]:
    return sa.and_(tickets.c.branch == branch, tickets.c.day == day, tickets.c.number == number)


@dataclass(slots=True)
class Joined:
    """History and revisions of tickets that joined in one transaction, written together: a journey to the database
    each would cost more than the tickets. Written before anything else is done with a ticket."""

    history: list[dict[str, Any]] = field(default_factory=list)
    moved: Counter[str] = field(default_factory=Counter)  # by branch: how many revisions further

    def note(self, branch: str, day: str, number: str, state: TicketState, at: datetime) -> None:
        self.history.append(_history(branch, day, number, TicketEvent.ACCEPTED, state, "", at))
        self.moved[branch] += 1

    def write(self, db: sa.Connection) -> None:
        if self.history:
            db.execute(_RECORD, self.history)
        for branch in sorted(self.moved):
            bump(db, branch, self.moved[branch])
        self.history.clear()
        self.moved.clear()


def record(
    db: sa.Connection,
    branch: str,
    day: str,
    number: str,
    event: TicketEvent,
    state: TicketState,
    counter: str,
    at: datetime,
) -> None:
    """One line of the ticket's history."""
    db.execute(_RECORD, _history(branch, day, number, event, state, counter, at))


def _history(
    branch: str, day: str, number: str, event: TicketEvent, state: TicketState, counter: str, at: datetime
) -> dict[str, Any]:
    return {
        "branch": branch, "day": day, "number": number, "event": event, "state": state, "counter": counter, "at": at,
    }  # fmt: skip
