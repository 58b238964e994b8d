"""The branch's queue: tickets come, are called, served, given back; each change has a revision.

What may happen to a ticket is decided by the table in `contracts/tickets.py` alone.
"""

from __future__ import annotations

import time
import uuid
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal

import sqlalchemy as sa

from contracts import messages as m
from contracts.tickets import ENDED, IN_LINE, TicketEvent, TicketState, parse_number, step
from hub.store import Store, branches, ticket_changes, tickets

MAX_LINES: Final = 600  # a line is about 110 bytes; the row of the contract allows 128 KiB
KEEP_OPEN_DAYS: Final = 2  # a kiosk's business day may begin before or after ours

Refusal = Literal["collision", "transition", "unknown"]


class NotPossible(ValueError):
    """The ticket does not exist or is not in a state where this can happen. `reason` is stable."""

    def __init__(self, reason: Refusal) -> None:
        super().__init__(reason)
        self.reason = reason


def admit(db: sa.Connection, branch: str, device: str, op: m.TicketOp, issued: m.TicketIssued) -> None:
    """A kiosk's new ticket joins the line. Raises `NotPossible`: the number is taken, or the day is none."""
    try:
        date.fromisoformat(issued.day)
    except ValueError as err:  # the pattern lets a 45th of October pass
        raise NotPossible("unknown") from err
    where = _ticket(branch, issued.day, issued.number)
    if db.execute(sa.select(tickets.c.number).where(where)).first() is not None:
        raise NotPossible("collision")
    state = step(TicketState.ISSUED, TicketEvent.ACCEPTED)
    assert state is not None
    now = datetime.now(UTC)
    db.execute(
        sa.insert(tickets).values(
            branch=branch,
            day=issued.day,
            number=issued.number,
            service=issued.service,
            state=state,
            device=device,
            log=op.log,
            seq=op.seq,
            visit=issued.visit,
            language=issued.language,
            counter="",
            issued_at=op.at,
            changed_at=now,
        )
    )
    _record(db, branch, issued.day, issued.number, TicketEvent.ACCEPTED, state, "", now)
    bump(db, branch)


def change(
    db: sa.Connection,
    branch: str,
    day: str,
    number: str,
    event: TicketEvent,
    *,
    counter: str | None = None,
    service: str | None = None,
) -> TicketState:
    """Apply `event` to a ticket and return its new state. Raises `NotPossible`.

    `counter` is kept when it is not given; `service` is where a transferred ticket waits next.
    """
    where = _ticket(branch, day, number)
    row = db.execute(sa.select(tickets.c.state, tickets.c.counter).where(where).with_for_update()).first()
    if row is None:
        raise NotPossible("unknown")
    state = step(TicketState(row.state), event)
    if state is None:
        raise NotPossible("transition")
    now = datetime.now(UTC)
    desk = row.counter if counter is None else counter
    values = {"state": state, "changed_at": now, "counter": "" if state in IN_LINE else desk}
    if service is not None and event is TicketEvent.TRANSFERRED:
        values["service"] = service
    db.execute(sa.update(tickets).where(where).values(values))
    _record(db, branch, day, number, event, state, desk, now)
    bump(db, branch)
    return state


def call_next(db: sa.Connection, branch: str, service: str, counter: str) -> str | None:
    """Call the first in line of `service` to `counter`; returns its number, or None when nobody waits."""
    day = current_day(db, branch)
    first = db.execute(
        sa.select(tickets.c.number)
        .where(
            tickets.c.branch == branch,
            tickets.c.day == day,
            tickets.c.service == service,
            tickets.c.state.in_(IN_LINE),
        )
        .order_by(tickets.c.issued_at, tickets.c.number)
        .limit(1)
    ).scalar()
    if first is not None:
        change(db, branch, day, first, TicketEvent.CALLED, counter=counter)
    return first


def bump(db: sa.Connection, branch: str) -> int:
    """The next revision of the branch's queue, in the transaction that changes it."""
    known = db.execute(sa.select(branches.c.revision).where(branches.c.branch == branch).with_for_update()).scalar()
    if known is None:
        db.execute(sa.insert(branches).values(branch=branch, revision=1))
        return 1
    db.execute(sa.update(branches).where(branches.c.branch == branch).values(revision=known + 1))
    return int(known) + 1


def current_day(db: sa.Connection, branch: str) -> str:
    """The branch's business day: the latest its tickets carry, and never one that cannot have begun anywhere."""
    newest_possible = (datetime.now(UTC).date() + timedelta(days=1)).isoformat()
    latest = db.execute(
        sa.select(sa.func.max(tickets.c.day)).where(tickets.c.branch == branch, tickets.c.day <= newest_possible)
    ).scalar()
    today = datetime.now(UTC).date()
    if latest is None or date.fromisoformat(latest) < today - timedelta(days=1):
        return today.isoformat()
    return str(latest)


def expire(store: Store) -> set[str]:
    """End the open tickets of days that are over; returns the branches whose queue changed."""
    oldest = (datetime.now(UTC).date() - timedelta(days=KEEP_OPEN_DAYS)).isoformat()
    still_open = sa.and_(tickets.c.day < oldest, tickets.c.state.not_in(ENDED))
    changed: set[str] = set()
    with store.write() as db:
        for row in db.execute(sa.select(tickets.c.branch, tickets.c.day, tickets.c.number).where(still_open)).all():
            change(db, row.branch, row.day, row.number, TicketEvent.DAY_ENDED)
            changed.add(row.branch)
    return changed


def state_of(store: Store, branch: str) -> m.TicketsState:
    """The branch's queue as it goes on the wire."""
    with store.read() as db:
        # the revision is read first: a change in between makes this state newer than it says, never older
        revision = db.execute(sa.select(branches.c.revision).where(branches.c.branch == branch)).scalar() or 0
        day = current_day(db, branch)
        rows = db.execute(
            sa.select(tickets.c.number, tickets.c.service, tickets.c.state, tickets.c.counter)
            .where(tickets.c.branch == branch, tickets.c.day == day)
            .order_by(tickets.c.issued_at, tickets.c.number)
        ).all()
        called = db.execute(
            sa.select(ticket_changes.c.number, tickets.c.service)
            .join(
                tickets,
                sa.and_(
                    tickets.c.branch == ticket_changes.c.branch,
                    tickets.c.day == ticket_changes.c.day,
                    tickets.c.number == ticket_changes.c.number,
                ),
            )
            .where(
                ticket_changes.c.branch == branch,
                ticket_changes.c.day == day,
                ticket_changes.c.event.in_([TicketEvent.CALLED, TicketEvent.RECALLED]),
            )
            .order_by(ticket_changes.c.id)
        ).all()
    waiting: dict[str, int] = {}
    issued: dict[str, int] = defaultdict(int)
    lines: list[m.TicketLine] = []
    for row in rows:
        parts = parse_number(row.number)
        series = f"{parts.letter}{parts.kiosk}"
        issued[series] = max(issued[series], parts.running)
        ahead = waiting.setdefault(row.service, 0)
        state = TicketState(row.state)
        if state not in ENDED:
            in_line = state in IN_LINE
            lines.append(
                m.TicketLine(
                    number=row.number,
                    service=row.service,
                    state=state,
                    ahead=ahead if in_line else 0,
                    counter=row.counter,
                )
            )
            waiting[row.service] += in_line
    last_called = {row.service: row.number for row in called}
    return m.TicketsState(
        id=uuid.uuid4().hex,
        at=datetime.now(UTC),
        mono_ns=time.monotonic_ns(),
        branch=branch,
        store=store.id,
        revision=int(revision),
        day=day,
        services=tuple(
            m.ServiceQueue(service=service, waiting=count, last_called=last_called.get(service, ""))
            for service, count in sorted(waiting.items())
        ),
        tickets=tuple(lines[:MAX_LINES]),
        open_tickets=len(lines),
        issued=dict(issued),
    )


def _ticket(branch: str, day: str, number: str) -> sa.ColumnElement[bool]:
    return sa.and_(tickets.c.branch == branch, tickets.c.day == day, tickets.c.number == number)


def _record(
    db: sa.Connection,
    branch: str,
    day: str,
    number: str,
    event: TicketEvent,
    state: TicketState,
    counter: str,
    at: datetime,
) -> None:
    db.execute(
        sa.insert(ticket_changes).values(
            branch=branch, day=day, number=number, event=event, state=state, counter=counter, at=at
        )
    )
