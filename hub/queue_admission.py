"""A terminal's new ticket joins the line: once, in its terminal's order, on the hub's clock.

A terminal may have been cut off for days and its clock may be wrong by a day: the paper keeps its number and its
date, the place in line follows the hub's clock as far as the terminal knew it.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from contracts import messages as m
from contracts.queueing import HEAD_START, Lane, Priority, keeps
from contracts.tickets import TicketEvent, TicketState, parse_number, step
from hub.queue_changes import Joined, NotPossible, believable, change, hold, settle, ticket_key
from hub.store import digits, tickets

UNKNOWN_CLOCK: Final = timedelta(hours=12)  # how far back a clock is believed that was never compared with ours
OLDEST: Final = timedelta(days=30)  # nothing that arrives now happened before
MAX_PER_MINUTE: Final = 600  # tickets of one terminal, by their own times: a printer manages thirty
MAX_OPEN_PER_DEVICE: Final = 2_000
DIGIT_KEPT: Final = timedelta(days=2)  # a digit that its terminal has not used for so long may become another's
CARRIED_DAYS: Final = 7  # how long a ticket that closing cut off still counts

# Made once: building a statement costs more than running it.
_KNOWN: Final = sa.and_(
    tickets.c.branch == sa.bindparam("branch"),
    tickets.c.day == sa.bindparam("day"),
    tickets.c.number == sa.bindparam("number"),
)
_OWNER: Final = sa.and_(digits.c.branch == sa.bindparam("branch"), digits.c.digit == sa.bindparam("digit"))
_ASKED: Final = sa.select(
    sa.select(tickets.c.device).where(_KNOWN).scalar_subquery().label("known_device"),
    sa.select(tickets.c.log).where(_KNOWN).scalar_subquery().label("known_log"),
    sa.select(tickets.c.seq).where(_KNOWN).scalar_subquery().label("known_seq"),
    sa.select(digits.c.device).where(_OWNER).scalar_subquery().label("owner"),
    sa.select(digits.c.day).where(_OWNER).scalar_subquery().label("owned_day"),
    sa.select(sa.func.max(tickets.c.line_day))
    .where(tickets.c.branch == sa.bindparam("branch"))
    .scalar_subquery()
    .label("latest"),
    sa.select(sa.func.count())
    .select_from(tickets)
    .where(
        tickets.c.branch == sa.bindparam("branch"),
        tickets.c.device == sa.bindparam("device"),
        tickets.c.stamped_at > sa.bindparam("since"),
        tickets.c.stamped_at <= sa.bindparam("at"),
    )
    .scalar_subquery()
    .label("lately"),
)
"""All that a ticket is judged by before its business day is known: asked in one go, each question costs a journey."""
_OF_DEVICE: Final = sa.and_(
    tickets.c.branch == sa.bindparam("branch"),
    tickets.c.line_day == sa.bindparam("day"),
    tickets.c.device == sa.bindparam("device"),
)
_ON_ITS_DAY: Final = sa.select(
    sa.select(sa.func.max(tickets.c.issued_at))
    .where(_OF_DEVICE, tickets.c.log == sa.bindparam("log"), tickets.c.seq < sa.bindparam("seq"))
    .scalar_subquery()
    .label("before"),
    sa.select(sa.func.count())
    .select_from(tickets)
    .where(_OF_DEVICE, tickets.c.in_line)
    .scalar_subquery()
    .label("open"),
)
_ARRIVED: Final = sa.select(tickets.c.number).where(
    tickets.c.branch == sa.bindparam("branch"),
    tickets.c.line_day == sa.bindparam("day"),
    tickets.c.appointment == sa.bindparam("ref"),
    tickets.c.state != TicketState.GIVEN_BACK,
)
"""Of terminals that cannot hear each other two may give a ticket for one appointment: its head start counts once."""
_INSERT: Final = sa.insert(tickets)


def admit(
    db: sa.Connection,
    branch: str,
    device: str,
    op: m.TicketOp,
    issued: m.TicketIssued,
    *,
    now: datetime | None = None,
    joined: Joined | None = None,
) -> None:
    """A kiosk's new ticket joins the line; one that a live state told already is there. Raises `NotPossible`.

    `joined`: the caller's transaction holds the branch already, and writes what the ticket adds to it itself.
    """
    if joined is None:
        hold(db, branch)
        joined = Joined()
        _admit(db, branch, device, op, issued, now or datetime.now(UTC), joined)
        joined.write(db)
    else:
        _admit(db, branch, device, op, issued, now or datetime.now(UTC), joined)


def _admit(
    db: sa.Connection,
    branch: str,
    device: str,
    op: m.TicketOp,
    issued: m.TicketIssued,
    now: datetime,
    joined: Joined,
) -> None:
    try:
        date.fromisoformat(issued.day)
    except ValueError as err:  # the pattern lets a 45th of October pass
        raise NotPossible("unknown") from err
    digit = parse_number(issued.number).kiosk
    mine = {"branch": branch, "device": device}
    at = {"since": op.at - timedelta(minutes=1), "at": op.at}
    asked = db.execute(_ASKED, {**mine, **at, "day": issued.day, "number": issued.number, "digit": digit}).one()
    if asked.known_device is not None:
        if (asked.known_device, asked.known_log, asked.known_seq) == (device, op.log, op.seq):
            return
        raise NotPossible("collision")
    _own_digit(db, branch, device, digit, issued.day, asked)
    latest: str | None = asked.latest
    estimate = on_our_clock(op.at, issued.clock, now)
    line_day = _line_day(issued, estimate, believable(latest, now.date()))
    its_day = db.execute(_ON_ITS_DAY, {**mine, "day": line_day, "log": op.log, "seq": op.seq}).one()
    came = estimate if its_day.before is None else max(estimate, its_day.before)  # in its terminal's order
    if asked.lately >= MAX_PER_MINUTE or its_day.open >= MAX_OPEN_PER_DEVICE:
        raise NotPossible("flood")  # by the terminal's own times: three days' tickets in one second are none
    if latest is not None and latest < line_day:
        joined.write(db)
        settle(db, branch, before=line_day, now=now)  # the first ticket of a day settles the days before it
    priority = _priority(db, branch, issued, line_day)
    first = (
        issued.appointment is None
        or not db.execute(_ARRIVED, {**mine, "ref": issued.appointment, "day": line_day}).first()
    )
    due = issued.due if first and keeps(came, issued.due) else None
    state = step(TicketState.ISSUED, TicketEvent.ACCEPTED)
    assert state is not None
    moved_ms = round((came - estimate) / timedelta(milliseconds=1))
    row = {
        "branch": branch,
        "day": issued.day,
        "number": issued.number,
        "service": issued.service,
        "state": state,
        "device": device,
        "log": op.log,
        "seq": op.seq,
        "visit": issued.visit,
        "language": issued.language,
        "counter": "",
        "issued_at": came,
        "changed_at": now,
        "line_day": line_day,
        "lane": Lane.COUNTER,
        "priority": priority,
        "came": came,
        "stamped_at": op.at,
        "place_at": came - HEAD_START[priority],
        "due": due,
        "appointment": issued.appointment,
        "in_line": True,
        "rejoins": 0,
        "within_ms": None if issued.clock is None else issued.clock.within_ms + moved_ms,
        "through": 0,
        "promised_min": None if issued.promised_min is None else issued.promised_min[0],
        "promised_most_min": None if issued.promised_min is None else max(issued.promised_min),
    }
    db.execute(_INSERT, row)
    joined.note(branch, issued.day, issued.number, state, now)
    if line_day < believable(
        max(latest or line_day, line_day), now.date()
    ):  # it arrived after its day was over: the visitor has long gone
        joined.write(db)
        change(db, branch, issued.day, issued.number, TicketEvent.DAY_ENDED, now=now)


def on_our_clock(at: datetime, clock: m.ClockReading | None, now: datetime) -> datetime:
    """A terminal's time on the hub's clock: never in the future; half a day back at most when it is not known."""
    if clock is None:
        return min(max(at, now - UNKNOWN_CLOCK), now).astimezone(UTC)
    try:
        true = at + timedelta(milliseconds=clock.offset_ms)
    except OverflowError:  # an offset that no clock can have
        return now
    return min(max(true, now - OLDEST), now).astimezone(UTC)


def _line_day(issued: m.TicketIssued, came: datetime, today: str) -> str:
    """The business day on which the ticket truly is: a terminal's calendar may be a day off."""
    if issued.zone_min is not None:
        return (came + timedelta(minutes=issued.zone_min)).date().isoformat()
    possible = date.fromisoformat(issued.day) <= (came + timedelta(hours=14)).date()
    return issued.day if possible else today


def _own_digit(db: sa.Connection, branch: str, device: str, digit: int, day: str, asked: Any) -> None:
    """A digit belongs to one terminal of the branch: a second one that uses it would give numbers twice."""
    if asked.owner is None:
        db.execute(sa.insert(digits).values(branch=branch, digit=digit, device=device, day=day))
    elif asked.owner != device and date.fromisoformat(day) - date.fromisoformat(asked.owned_day) < DIGIT_KEPT:
        raise NotPossible("collision")
    elif asked.owner != device or day > asked.owned_day:
        here = sa.and_(digits.c.branch == branch, digits.c.digit == digit)
        db.execute(sa.update(digits).where(here).values(device=device, day=day))


def _priority(db: sa.Connection, branch: str, issued: m.TicketIssued, line_day: str) -> Priority:
    """As issued; a ticket carried over counts once, and only when closing did cut it off."""
    if issued.priority is not Priority.CARRIED:
        return issued.priority
    old = issued.instead_of
    if old is None:
        return Priority.NONE
    oldest = (date.fromisoformat(line_day) - timedelta(days=CARRIED_DAYS)).isoformat()
    taken = db.execute(
        sa.update(tickets)
        .where(
            ticket_key(branch, old.day, old.number),
            tickets.c.state == TicketState.EXPIRED,
            tickets.c.line_day >= oldest,
            tickets.c.line_day < line_day,
            tickets.c.carried_to.is_(None),
        )
        .values(carried_to=f"{issued.day} {issued.number}")
    ).rowcount
    return Priority.CARRIED if taken else Priority.NONE
