"""What a terminal tells of its tickets after the fact: staff's work while it was cut off, and its live state.

The hub's record and the terminal's may disagree: a ticket was called at a desk and at the terminal. What was done
with a person who stood there wins over what only waited (`contracts.tickets.merge`); what cannot have happened any
more changes nothing and is recorded as refused. A terminal speaks for its own tickets only.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa

from contracts import messages as m
from contracts.queueing import HEAD_START, Priority
from contracts.tickets import ENDED, TicketEvent, TicketState, merge
from hub.queue_admission import admit, on_our_clock
from hub.queue_changes import NotPossible, back_in_line, bump, hold, put, row_of, ticket_key
from hub.store import logs, tickets

CLAIMED: Final = frozenset({Priority.ELDER, Priority.DISABLED, Priority.PREGNANT})
"""What a visitor may say of themselves."""
_TOLD: Final = {
    TicketState.WAITING: TicketEvent.REQUEUED,
    TicketState.CALLED: TicketEvent.CALLED,
    TicketState.RECALLED: TicketEvent.RECALLED,
    TicketState.SERVING: TicketEvent.SERVING_BEGAN,
    TicketState.PARKED: TicketEvent.PARKED,
    TicketState.TRANSFERRED: TicketEvent.TRANSFERRED,
    TicketState.NO_SHOW: TicketEvent.MISSED,
    TicketState.DONE: TicketEvent.FINISHED,
    TicketState.GIVEN_BACK: TicketEvent.GIVEN_BACK,
}
"""How a state that was told without its operations stands in the ticket's history."""


def merge_operation(
    db: sa.Connection,
    branch: str,
    device: str,
    op: m.TicketOp,
    body: m.TicketHandled | m.TicketGivenBack,
    *,
    now: datetime | None = None,
) -> bool:
    """Apply what was done at the terminal; False: a live state told it already. Raises `NotPossible`."""
    now = now or datetime.now(UTC)
    hold(db, branch)
    row = row_of(db, branch, body.day, body.number)
    if row.device != device:
        raise NotPossible("foreign")
    if row.log == op.log and op.seq <= row.through:
        return False
    handled = body if isinstance(body, m.TicketHandled) else None
    event = TicketEvent.GIVEN_BACK if handled is None else TicketEvent(handled.event)
    state = merge(TicketState(row.state), event)
    if state is None:
        raise NotPossible("transition")
    at = now if handled is None else on_our_clock(op.at, handled.clock, now)
    values: dict[str, Any] = {}
    if event is TicketEvent.REQUEUED and row.state == TicketState.NO_SHOW:
        values = back_in_line(row, at)
    put(
        db,
        row,
        event,
        state,
        values,
        counter=None if handled is None or not handled.counter else handled.counter,
        service=handled.service if handled else None,
        lane=handled.lane if handled else None,
        now=at,
    )
    return True


def prioritise(db: sa.Connection, branch: str, device: str, op: m.TicketOp, body: m.TicketPrioritised) -> bool:
    """Give a ticket its head start; False: a live state told it already. Raises `NotPossible`."""
    hold(db, branch)
    row = row_of(db, branch, body.day, body.number)
    if row.device != device:
        raise NotPossible("foreign")
    if row.log == op.log and op.seq <= row.through:
        return False
    if TicketState(row.state) in ENDED:
        raise NotPossible("transition")
    _set_priority(db, row, body.priority)
    bump(db, branch)
    return True


def _set_priority(db: sa.Connection, row: sa.Row[Any], priority: Priority) -> None:
    """A visitor's word gives what visitors may have; a second missed call has taken it away for good."""
    if row.rejoins > 1 or priority not in CLAIMED:
        return
    values = {"priority": priority, "place_at": row.came - HEAD_START[priority]}
    db.execute(sa.update(tickets).where(ticket_key(row.branch, row.day, row.number)).values(values))


def take_live(
    db: sa.Connection, branch: str, device: str, live: m.KioskQueue, *, now: datetime | None = None
) -> list[NotPossible]:
    """A terminal's tickets as they are now, ahead of its backlog; returns what was refused."""
    now = now or datetime.now(UTC)
    hold(db, branch)
    here = sa.and_(logs.c.branch == branch, logs.c.device == device, logs.c.log == live.log)
    applied = db.execute(sa.select(logs.c.applied).where(here)).scalar() or 0
    refusals = []
    for ticket in sorted(live.tickets, key=lambda each: each.seq):
        if ticket.through <= applied:
            continue  # every operation of it is here
        try:
            _take_one(db, branch, device, live, ticket, now)
        except NotPossible as err:
            refusals.append(err)  # its operation, when it comes, is refused and recorded
    return refusals


def _take_one(
    db: sa.Connection, branch: str, device: str, live: m.KioskQueue, ticket: m.LiveTicket, now: datetime
) -> None:
    op = m.TicketOp(
        id=live.id, at=ticket.at, mono_ns=live.mono_ns, log=live.log, seq=ticket.seq, follows=0, body=ticket.issued
    )
    admit(db, branch, device, op, ticket.issued, now=now)
    row = row_of(db, branch, ticket.issued.day, ticket.issued.number)
    state = TicketState(row.state)
    if ticket.through <= row.through or not _terminal_knows_better(row, ticket.state):
        return
    event = _TOLD.get(ticket.state)
    if ticket.state is not state and event is not None:
        values: dict[str, Any] = back_in_line(row, now) if ticket.rejoins > row.rejoins else {}
        values |= {"service": ticket.service or row.service, "lane": ticket.lane}
        put(db, row, event, ticket.state, values, counter=ticket.counter or None, now=now)
    if ticket.priority is not Priority(row.priority):
        _set_priority(db, row, ticket.priority)
    where = ticket_key(branch, row.day, row.number)
    db.execute(sa.update(tickets).where(where).values(through=ticket.through))


def _terminal_knows_better(row: sa.Row[Any], told: TicketState) -> bool:
    """Whether what is told may replace the hub's record before the operations arrive."""
    state = TicketState(row.state)
    if state in ENDED:
        return merge(state, _TOLD.get(told, TicketEvent.CALLED)) is not None
    at_a_desk = state in (TicketState.CALLED, TicketState.RECALLED, TicketState.SERVING) and row.through == 0
    return not at_a_desk or told in ENDED
