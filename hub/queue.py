"""The branch's queue: who is called next, what it looks like from outside, when a day is over.

What may happen to a ticket is decided by `contracts/tickets.py`, who is next by `contracts/queueing.py`.
"""

from __future__ import annotations

import time
import uuid
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from contracts import messages as m
from contracts.appointments import MOST as MOST_APPOINTMENTS
from contracts.queueing import Lane, Priority, Waiter, choose, place
from contracts.tickets import ENDED, IN_LINE, TicketEvent, TicketState, parse_number
from hub.queue_admission import admit as admit  # the names that the rest of the hub knows
from hub.queue_changes import NotPossible as NotPossible
from hub.queue_changes import believable, settle
from hub.queue_changes import bump as bump
from hub.queue_changes import change as change
from hub.queue_changes import current_day as current_day
from hub.queue_changes import hold as hold
from hub.store import Store, branches, lines, ticket_changes, tickets, upsert

MAX_LINES: Final = 600  # a line is about 150 bytes; the row of the contract allows 128 KiB
KEEP_OPEN_DAYS: Final = 2  # a kiosk's business day may begin before or after ours


def call_next(
    db: sa.Connection,
    branch: str,
    service: str | Sequence[str],
    counter: str,
    *,
    lane: Lane = Lane.COUNTER,
    now: datetime | None = None,
) -> str | None:
    """Call who is next of one or several services to `counter`; returns the number, or None when nobody waits."""
    now = now or datetime.now(UTC)
    hold(db, branch)
    day = current_day(db, branch, now)
    services = (service,) if isinstance(service, str) else tuple(dict.fromkeys(service))
    best: tuple[Any, ...] | None = None
    for each in services:
        line = {"branch": branch, "day": day, "service": each, "lane": lane}
        days = {waiter_of(row): row.day for row in db.execute(_CANDIDATES, {**line, "now": now})}
        chosen = choose(days, db.execute(_PASSED, line).scalar() or 0, now) if days else None
        if chosen is not None:
            mine = (place(chosen[0], now), each, *chosen, days[chosen[0]])
            best = mine if best is None else min(best, mine, key=lambda found: found[0])
    if best is None:
        return None
    _, its_service, waiter, passed, its_day = best
    change(db, branch, its_day, waiter.number, TicketEvent.CALLED, counter=counter, now=now)
    row = {"branch": branch, "day": day, "service": its_service, "lane": lane, "passed": passed}
    upsert(db, lines, [row], update=["passed"])
    return str(waiter.number)


_LINE: Final = sa.and_(
    tickets.c.branch == sa.bindparam("branch"),
    tickets.c.line_day == sa.bindparam("day"),
    tickets.c.service == sa.bindparam("service"),
    tickets.c.lane == sa.bindparam("lane"),
    tickets.c.in_line,
)
_TIES: Final = (tickets.c.device, tickets.c.seq)
_SEEN: Final = (
    tickets.c.day, tickets.c.number, tickets.c.came, tickets.c.device, tickets.c.seq, tickets.c.priority, tickets.c.due,
)  # fmt: skip
_FIRST: Final = (
    sa.select(*_SEEN).where(_LINE).order_by(tickets.c.came, *_TIES).limit(1),
    sa.select(*_SEEN).where(_LINE).order_by(tickets.c.place_at, *_TIES).limit(1),
    sa.select(*_SEEN).where(_LINE, tickets.c.due <= sa.bindparam("now")).order_by(tickets.c.came, *_TIES).limit(1),
)
"""Of one line those who alone can be next: first come, lowest place, earliest with an appointment that is due."""
_CANDIDATES: Final = sa.union_all(*(sa.select(query.subquery()) for query in _FIRST))
_PASSED: Final = sa.select(lines.c.passed).where(
    lines.c.branch == sa.bindparam("branch"),
    lines.c.day == sa.bindparam("day"),
    lines.c.service == sa.bindparam("service"),
    lines.c.lane == sa.bindparam("lane"),
)


def waiter_of(row: Any) -> Waiter:
    """The ticket, a row with `_SEEN`, as the rules of calling see it."""
    return Waiter(
        number=row.number,
        came=row.came,
        device=row.device,
        seq=row.seq,
        priority=Priority(row.priority),
        due=row.due,
    )


def close_day(
    db: sa.Connection, branch: str, *, day: str | None = None, now: datetime | None = None
) -> list[tuple[str, str]]:
    """Closing time: whoever still waits is told (day, number) and settled; who is at a counter is finished there."""
    hold(db, branch)
    current = current_day(db, branch, now)
    if day is not None and day != current:
        return []  # told late: the days since have settled it, or will
    day = current
    waiting = sa.and_(
        tickets.c.branch == branch,
        tickets.c.line_day == day,
        tickets.c.state.not_in(ENDED | {TicketState.CALLED, TicketState.RECALLED, TicketState.SERVING}),
    )
    rows = db.execute(sa.select(tickets.c.day, tickets.c.number).where(waiting)).all()
    for row in rows:
        change(db, branch, row.day, row.number, TicketEvent.DAY_ENDED, now=now)
    return [(row.day, row.number) for row in rows]


def expire(store: Store, now: datetime | None = None) -> set[str]:
    """End the open tickets of days that are over; returns the branches whose queue changed."""
    today = (now or datetime.now(UTC)).date()
    oldest = (today - timedelta(days=KEEP_OPEN_DAYS)).isoformat()
    still_open = sa.and_(tickets.c.line_day < oldest, tickets.c.state.not_in(ENDED))
    with store.write() as db:
        changed = set(db.execute(sa.select(tickets.c.branch).where(still_open).distinct()).scalars())
        for branch in sorted(changed):
            settle(db, branch, before=oldest, now=now)
    return changed


_SAME: Final = sa.and_(
    tickets.c.branch == ticket_changes.c.branch,
    tickets.c.day == ticket_changes.c.day,
    tickets.c.number == ticket_changes.c.number,
)
_LATEST_CALLS: Final = (
    sa.select(sa.func.max(ticket_changes.c.id))
    .join(tickets, _SAME)
    .where(
        tickets.c.branch == sa.bindparam("branch"),
        tickets.c.line_day == sa.bindparam("day"),
        ticket_changes.c.event.in_([TicketEvent.CALLED, TicketEvent.RECALLED]),
    )
    .group_by(tickets.c.service)
)
_REVISION_AND_DAY: Final = sa.select(
    sa.select(branches.c.revision)
    .where(branches.c.branch == sa.bindparam("branch"))
    .scalar_subquery()
    .label("revision"),
    sa.select(sa.func.max(tickets.c.line_day))
    .where(tickets.c.branch == sa.bindparam("branch"))
    .scalar_subquery()
    .label("latest"),
)
_PAPER: Final = (
    *_SEEN, tickets.c.service, tickets.c.state, tickets.c.counter, tickets.c.lane, tickets.c.appointment,
)  # fmt: skip
_OF_DAY: Final = sa.union_all(
    sa.select(*_PAPER, sa.literal(False).label("was_called")).where(
        tickets.c.branch == sa.bindparam("branch"), tickets.c.line_day == sa.bindparam("day")
    ),
    sa.select(*_PAPER, sa.literal(True)).join(ticket_changes, _SAME).where(ticket_changes.c.id.in_(_LATEST_CALLS)),
)
"""Every ticket of the day, and once more each service's that was called last: each question costs a journey."""


def state_of(store: Store, branch: str, now: datetime | None = None) -> m.TicketsState:
    """The branch's queue as it goes on the wire."""
    now = now or datetime.now(UTC)
    with store.read() as db:
        # the revision is read first: a change in between makes this state newer than it says, never older
        asked = db.execute(_REVISION_AND_DAY, {"branch": branch}).one()
        day = believable(asked.latest, now.date())
        found = db.execute(_OF_DAY, {"branch": branch, "day": day}).all()
    papers = [paper for paper in found if not paper.was_called]
    last_called = {paper.service: paper.number for paper in found if paper.was_called}
    rows = [paper for paper in papers if paper.state not in ENDED]
    waiting: dict[str, int] = {paper.service: 0 for paper in papers}
    before: dict[tuple[str, str], int] = defaultdict(int)
    shown: list[m.TicketLine] = []
    for row in sorted(rows, key=lambda row: place(waiter_of(row), now)):
        state, line = TicketState(row.state), (row.service, row.lane)
        in_line = state in IN_LINE
        shown.append(
            m.TicketLine(
                number=row.number,
                service=row.service,
                state=state,
                ahead=before[line] if in_line else 0,
                counter=row.counter,
                lane=Lane(row.lane),
                priority=Priority(row.priority),
            )
        )
        before[line] += in_line
        waiting[row.service] += in_line
    return m.TicketsState(
        id=uuid.uuid4().hex,
        at=datetime.now(UTC),
        mono_ns=time.monotonic_ns(),
        branch=branch,
        store=store.id,
        revision=int(asked.revision or 0),
        day=day,
        services=tuple(
            m.ServiceQueue(service=service, waiting=count, last_called=last_called.get(service, ""))
            for service, count in sorted(waiting.items())
        ),
        tickets=tuple(shown[:MAX_LINES]),
        open_tickets=len(shown),
        issued=_issued(papers, day),
        arrived=_arrived(papers),
    )


def _arrived(papers: Sequence[Any]) -> dict[str, str]:
    """The ticket that each appointment has given; of two, the one that came first. At most `MOST` are told."""
    given = [paper for paper in papers if paper.appointment and paper.state != TicketState.GIVEN_BACK]
    given.sort(key=lambda paper: (paper.came, paper.number), reverse=True)
    return {paper.appointment: paper.number for paper in given[-MOST_APPOINTMENTS:]}


def _issued(papers: Sequence[Any], day: str) -> dict[str, int]:
    """The highest running number of each series of the day that the papers (rows with `day`, `number`) say."""
    highest: dict[str, int] = {}
    for paper in papers:
        if paper.day == day:
            parts = parse_number(paper.number)
            series = f"{parts.letter}{parts.kiosk}"
            highest[series] = max(highest.get(series, 0), parts.running)
    return highest
