"""From the hub's rows to what foresight works with: the visits of the last weeks, the floor now. Reads, never writes.

Times become seconds of the branch's own day, which begins at midnight of its business day in the branch's zone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from contracts.queueing import HEAD_START, Lane, Priority, head_start
from contracts.tickets import IN_LINE, TicketEvent, TicketState
from hub.foresight.floor_now import FloorNow, Person, Post
from hub.foresight.posts import CounterPost
from hub.foresight.profile import Visit, with_pauses
from hub.foresight.roster import Roster
from hub.store import Store, ticket_changes, tickets

HISTORY: Final = timedelta(days=40)
MOST_ROWS: Final = 200_000  # of one branch's history; newer ones first
ACTIVE: Final = timedelta(hours=2)  # a counter nobody opened is there when it called within
SLOW: Final = frozenset({Priority.ELDER, Priority.DISABLED})  # take longer at a counter, as a rule
_ENDS: Final = frozenset({TicketEvent.FINISHED, TicketEvent.MISSED, TicketEvent.TRANSFERRED, TicketEvent.PARKED})
AT_COUNTER: Final = frozenset({TicketState.CALLED, TicketState.RECALLED, TicketState.SERVING})


def midnight(day: str, zone_min: int) -> datetime:
    """The beginning of a business day. Raises ValueError for what is no date."""
    begins = date.fromisoformat(day)
    return datetime(begins.year, begins.month, begins.day, tzinfo=UTC) - timedelta(minutes=zone_min)


def visits_of(store: Store, branch: str, since: str, zone_min: int) -> list[Visit]:
    """Each ticket's way since business day `since`, oldest day first; of visits at counters only."""
    same = sa.and_(
        tickets.c.branch == ticket_changes.c.branch,
        tickets.c.day == ticket_changes.c.day,
        tickets.c.number == ticket_changes.c.number,
    )
    wanted = (
        sa.select(
            tickets.c.line_day, tickets.c.day, tickets.c.number, tickets.c.service, tickets.c.priority,
            tickets.c.issued_at, ticket_changes.c.event, ticket_changes.c.counter, ticket_changes.c.at,
            tickets.c.lane,
        )
        .join(ticket_changes, same)
        .where(tickets.c.branch == branch, tickets.c.line_day >= since)
        .order_by(ticket_changes.c.id.desc())
        .limit(MOST_ROWS)
    )  # fmt: skip
    by_ticket: dict[tuple[str, str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in store.rows(wanted):
        by_ticket[row["line_day"], row["day"], row["number"]].append(row)
    by_day: dict[str, list[Visit]] = defaultdict(list)
    for (line_day, _, _), rows in sorted(by_ticket.items()):
        rows.reverse()
        if rows[0]["lane"] == Lane.COUNTER:
            by_day[line_day] += _ways(rows, midnight(line_day, zone_min))
    found: list[Visit] = []
    for day in sorted(by_day):
        skills: dict[str, set[str]] = defaultdict(set)
        for one in by_day[day]:
            if one.counter:
                skills[one.counter].add(one.service)
        found += with_pauses(by_day[day], skills)
    return found


def _ways(rows: Sequence[Mapping[str, Any]], begins: datetime) -> list[Visit]:
    """One ticket's visits. What it waited for before it was moved on is not recorded: only a last visit is taken of
    a service that changed."""
    first = rows[0]
    came = _s(first["issued_at"], begins)
    priority = Priority(first["priority"])
    called = left = -1.0
    counter = ""
    found = []
    for row in rows:
        event, at = TicketEvent(row["event"]), _s(row["at"], begins)
        if event is TicketEvent.CALLED:
            called, counter = at, row["counter"]
        elif event is TicketEvent.GIVEN_BACK and called < 0:
            left = at
        elif event in _ENDS and called >= 0:
            if event is TicketEvent.FINISHED or event is TicketEvent.MISSED:
                found.append(_visit(first, priority, came, called, at, -1.0, counter, event is TicketEvent.MISSED))
            called, came = -1.0, at
    if not found:
        found.append(_visit(first, priority, came, called, -1.0, left, counter, False))
    return found


def _visit(
    row: Mapping[str, Any], priority: Priority, came: float, called: float, ended: float, left: float, counter: str,
    missed: bool,
) -> Visit:  # fmt: skip
    return Visit(
        day=row["line_day"], service=row["service"], priority=priority.value, elder=priority in SLOW,
        head_start_s=HEAD_START[priority].total_seconds(), came_s=came, called_s=called, ended_s=ended, left_s=left,
        missed=missed, counter=counter,
    )  # fmt: skip


def floor_of(
    store: Store, branch: str, day: str, now: datetime, *, zone_min: int, services: Sequence[str],
    posts: Sequence[CounterPost], roster: Roster | None, lane: Lane = Lane.COUNTER,
) -> FloorNow:  # fmt: skip
    """The line and the counters of one lane now."""
    begins = midnight(day, zone_min)
    here = sa.and_(tickets.c.branch == branch, tickets.c.line_day == day, tickets.c.lane == lane)
    rows = store.rows(
        sa.select(tickets).where(here, sa.or_(tickets.c.in_line, tickets.c.state.in_(sorted(AT_COUNTER))))
    )
    waiting = tuple(
        Person(
            number=row["number"], service=row["service"], came_s=_s(row["came"], begins),
            head_start_s=head_start(Priority(row["priority"]), row["came"], row["due"], now).total_seconds(),
            elder=Priority(row["priority"]) in SLOW,
        )
        for row in rows
        if row["state"] in IN_LINE
    )  # fmt: skip
    busy = {row["counter"]: row for row in rows if row["state"] in AT_COUNTER}
    called = _called_at(store, branch, [row["number"] for row in busy.values()], begins)
    last = _last_ends(store, branch, day, now)
    known = {post.counter: post for post in posts}
    counters = sorted({*known, *busy, *(counter for counter, _ in last if counter)}) if lane is Lane.COUNTER else []
    shown = [
        _post(counter, known.get(counter), busy.get(counter), called, last, begins, roster, _s(now, begins))
        for counter in counters
    ]
    asked = tuple(dict.fromkeys([*services, *(one.service for one in waiting)]))
    return FloorNow(
        now_s=_s(now, begins), services=asked, waiting=waiting, posts=tuple(one for one in shown if one is not None)
    )


def _post(
    counter: str, known: CounterPost | None, busy: Mapping[str, Any] | None, called: Mapping[str, datetime],
    last: Mapping[tuple[str, str], datetime], begins: datetime, roster: Roster | None, now_s: float,
) -> Post | None:  # fmt: skip
    """One counter, or None where nobody is there."""
    lately = {service for at, service in last if at == counter}
    services = known.calls if known is not None else tuple(sorted(lately))
    ended = max((when for (at, _), when in last.items() if at == counter), default=None)
    breaks = _still_to_come(roster.breaks_of(counter) if roster is not None else (), known, begins, now_s)
    if busy is not None:
        since = called.get(busy["number"], busy["changed_at"])
        return Post(
            counter=counter, services=services or (busy["service"],), doing="busy", since_s=_s(since, begins),
            service=busy["service"], elder=Priority(busy["priority"]) in SLOW, breaks=breaks,
        )  # fmt: skip
    if known is not None and known.doing == "closed":
        return None
    if known is not None and known.doing == "pause":
        back = None if known.back_at is None else _s(known.back_at, begins)
        return Post(counter=counter, services=services, doing="away", since_s=_s(known.since, begins), back_s=back)
    since = max((at for at in (ended, known.since if known else None) if at is not None), default=begins)
    return Post(counter=counter, services=services, doing="idle", since_s=_s(since, begins), breaks=breaks)


def _still_to_come(
    planned: Sequence[tuple[float, float]], known: CounterPost | None, begins: datetime, now_s: float
) -> tuple[tuple[float, float], ...]:
    """Planned breaks that were not taken yet: whose time is not over, and after whose beginning the counter has not
    said that it is open again."""
    since = -1.0 if known is None else _s(known.since, begins)
    return tuple((at, length) for at, length in planned if now_s < at + length and since <= at)


def _called_at(store: Store, branch: str, numbers: Sequence[str], begins: datetime) -> dict[str, datetime]:
    """When each of these was called last, of calls of this day."""
    if not numbers:
        return {}
    wanted = (
        sa.select(ticket_changes.c.number, sa.func.max(ticket_changes.c.at).label("at"))
        .where(ticket_changes.c.branch == branch, ticket_changes.c.number.in_(numbers))
        .where(ticket_changes.c.event == TicketEvent.CALLED, ticket_changes.c.at >= begins)
        .group_by(ticket_changes.c.number)
    )
    return {row["number"]: row["at"] for row in store.rows(wanted)}


def _last_ends(store: Store, branch: str, day: str, now: datetime) -> dict[tuple[str, str], datetime]:
    """When each counter last did something, by service, in the last two hours."""
    same = sa.and_(
        tickets.c.branch == ticket_changes.c.branch,
        tickets.c.day == ticket_changes.c.day,
        tickets.c.number == ticket_changes.c.number,
    )
    wanted = (
        sa.select(ticket_changes.c.counter, tickets.c.service, sa.func.max(ticket_changes.c.at).label("at"))
        .join(ticket_changes, same)
        .where(tickets.c.branch == branch, tickets.c.line_day == day, tickets.c.lane == Lane.COUNTER)
        .where(ticket_changes.c.at > now - ACTIVE, ticket_changes.c.at <= now, ticket_changes.c.counter != "")
        .group_by(ticket_changes.c.counter, tickets.c.service)
    )
    return {(row["counter"], row["service"]): row["at"] for row in store.rows(wanted)}


def first_calls(store: Store, branch: str, since: datetime) -> dict[tuple[str, str], datetime]:
    """(day, number) → when it was called first, of calls since a time."""
    wanted = (
        sa.select(ticket_changes.c.day, ticket_changes.c.number, sa.func.min(ticket_changes.c.at).label("at"))
        .where(ticket_changes.c.branch == branch, ticket_changes.c.event == TicketEvent.CALLED)
        .where(ticket_changes.c.at > since)
        .group_by(ticket_changes.c.day, ticket_changes.c.number)
    )
    return {(row["day"], row["number"]): row["at"] for row in store.rows(wanted)}


def _s(at: datetime, begins: datetime) -> float:
    return (at - begins).total_seconds()
