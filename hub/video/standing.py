"""Where a visitor stands, as the terminal is told: place and estimate, or that nobody can be promised, and what else
may be done. The estimate is the queue's own sum (`contracts/waiting.py`) over those on duty who could serve the case.
"""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final, get_args

import sqlalchemy as sa

from config.routing import Routing
from config.schema import Hours, Weekday
from contracts import video_messages as v
from contracts.video import CaseState, Choice, Outcome, TellerState
from contracts.waiting import wait_range
from hub.store import Store
from hub.video.pool import Row, duty, free_of, in_line, waiting_of
from hub.video.rule import Free, Waiting, could
from hub.video.tables import POOL, call_backs, cases, pools

INSTEAD: Final[tuple[Choice, ...]] = ("ticket", "call_back", "message", "self_service")
WEEKDAYS: Final = get_args(Weekday)
MAX_SLOTS: Final = 2_000  # looked at for a call-back
MAX_WAIT_MIN: Final = 1_440


def standings(
    store: Store, rules: Routing, wanted: Iterable[str], now: datetime
) -> list[tuple[str, str, v.CaseStanding]]:
    """(branch, device, what it is told) of these cases; of cases that are not known, nothing."""
    names = sorted(wanted)
    if not names:
        return []
    with store.read() as db:
        # the revision is read first: a change in between makes what is told newer than it says, never older
        revision = int(db.execute(sa.select(pools.c.revision).where(pools.c.pool == POOL)).scalar() or 0)
        found = [dict(row) for row in db.execute(sa.select(cases).where(cases.c.video_case.in_(names))).mappings()]
        if not found:
            return []
        line = [waiting_of(row, rules) for row in in_line(db, rules, now)]
        on_duty = duty(db, rules, now)
        times = call_back_times(db, rules, now) if any(_may_wait(row) for row in found) else ()
    return [(row["branch"], row["device"], _told(store.id, revision, row, line, on_duty, times, rules, now))
            for row in found]  # fmt: skip


def estimate(
    case: Waiting, line: Iterable[Waiting], on_duty: Iterable[Free], rules: Routing, now: datetime
) -> tuple[int, tuple[int, int]] | None:
    """How many are before this case for tellers who could serve it, and minutes: usual, seldom longer. None: nobody
    on duty could."""
    able = [teller for teller in on_duty if could(teller, case, now)]
    if not able:
        return None
    mine = (case.place, case.case)
    before = [other for other in line if (other.place, other.case) < mine and other.case != case.case]
    ahead = sum(any(could(teller, other, now) for teller in able) for other in before)
    low, high = wait_range(ahead, rules.talk_min(case.need.service), len(able))
    return ahead, (min(low, MAX_WAIT_MIN), min(high, MAX_WAIT_MIN))


def is_open(rules: Routing, now: datetime) -> bool:
    """Whether tellers work at this time; without hours they always do."""
    if not rules.hours:
        return True
    local = now.astimezone(UTC) + timedelta(minutes=rules.zone_min)
    hours: Hours | None = rules.hours.get(WEEKDAYS[local.weekday()])
    return hours is not None and hours.opens <= local.time() < hours.closes


def call_back_times(db: sa.Connection, rules: Routing, now: datetime) -> tuple[datetime, ...]:
    """The next times that may still be promised."""
    given = rules.call_backs
    step = timedelta(minutes=given.every_min)
    promised = sa.select(call_backs.c.at).where(call_backs.c.at > now, call_backs.c.taken_by == "")
    taken = Counter(row.at for row in db.execute(promised.limit(MAX_SLOTS)))
    first = datetime.fromtimestamp(
        (int(now.timestamp()) // (given.every_min * 60) + 1) * given.every_min * 60, now.tzinfo
    )
    found: list[datetime] = []
    for number in range(MAX_SLOTS):
        at = first + number * step
        if at - now > timedelta(days=given.days) or len(found) == given.shown:
            break
        if is_open(rules, at) and taken[at] < given.per_time:
            found.append(at)
    return tuple(found)


def _may_wait(row: Row) -> bool:
    return bool(row["state"] == CaseState.WAITING or row["outcome"] == "full")


def _told(
    store: str,
    revision: int,
    row: Row,
    line: Iterable[Waiting],
    on_duty: Iterable[Row],
    times: tuple[datetime, ...],
    rules: Routing,
    now: datetime,
) -> v.CaseStanding:
    state = CaseState(row["state"])
    outcome, ahead, minutes, choices = _outlook(row, line, on_duty, rules, now)
    return v.CaseStanding(
        id=uuid.uuid4().hex, at=now, mono_ns=time.monotonic_ns(), branch=row["branch"], case=row["video_case"],
        store=store, revision=revision, state=state, outcome=outcome, reason=row["reason"], ahead=ahead,
        wait_min=minutes, choices=choices, call_back_at=times if "call_back" in choices and times else (),
    )  # fmt: skip


def _outlook(
    row: Row, line: Iterable[Waiting], on_duty: Iterable[Row], rules: Routing, now: datetime
) -> tuple[Outcome, int | None, tuple[int, int] | None, tuple[Choice, ...]]:
    if row["outcome"] == "full":
        return "full", None, None, INSTEAD
    if row["state"] != CaseState.WAITING:
        return "place", None, None, ()
    free = [free_of(one) for one in on_duty if one["state"] != TellerState.OFFLINE]
    found = estimate(waiting_of(row, rules), line, free, rules, now)
    if found is not None:
        ahead, minutes = found
        long = minutes[0] >= rules.limits.too_long_min
        return "place", ahead, minutes, ("wait", *INSTEAD) if long else ("wait",)
    if not is_open(rules, now):
        return "closed", None, None, INSTEAD
    return "nobody", None, None, ("wait", *INSTEAD)
