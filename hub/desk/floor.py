"""The branch as its manager sees it: who waits how long, which counter does what, what is wrong, what would help."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from contracts.tickets import ENDED, IN_LINE, TicketState
from hub import queue
from hub.foresight.calibration import Score
from hub.foresight.live import Foresight, Known, in_minutes
from hub.labels import DEVICES, Labels, Pair
from hub.store import Store, devices, ticket_changes, tickets
from hub.views import SILENT_AFTER

LONG_WAIT_MIN: Final = 30
GOAL_MIN: Final = 20  # what the advice aims at for whoever comes now
ACTIVE: Final = timedelta(hours=2)  # a counter that did nothing for so long is taken for closed
MANY_OWED: Final = 200
LITTLE_DISK_BYTES: Final = 1 << 30
AT_COUNTER: Final = frozenset({TicketState.CALLED, TicketState.RECALLED, TicketState.SERVING})


@dataclass(frozen=True, slots=True)
class Waiting:
    """One ticket that waits, is parked or was missed."""

    number: str
    day: str
    service: str
    state: TicketState
    priority: str
    lane: str
    ahead: int
    waited_min: int
    counter: str = ""


@dataclass(frozen=True, slots=True)
class AtCounter:
    """What a counter does. `number` is empty where it waits for somebody."""

    counter: str
    number: str = ""
    day: str = ""
    service: str = ""
    state: TicketState | None = None
    since_min: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """One service: how many wait, how long the first has, how long a newcomer would, counters that serve it."""

    service: str
    waiting: int
    longest_min: int
    last_called: str
    expected: tuple[int, int] | None
    counters: int


@dataclass(slots=True)
class Floor:
    """The branch now."""

    day: str
    lines: list[Line] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)
    aside: list[Waiting] = field(default_factory=list)  # parked, or not there when called
    counters: list[AtCounter] = field(default_factory=list)
    alarms: list[Pair] = field(default_factory=list)
    advice: list[Pair] = field(default_factory=list)
    score: Score | None = None  # of what visitors were promised


def look(
    store: Store, branch: str, labels: Labels, now: datetime | None = None, foresight: Foresight | None = None
) -> Floor:
    """Everything that the desk's pages show of a branch, at one moment."""
    now = now or datetime.now(UTC)
    state = queue.state_of(store, branch, now)
    here = sa.and_(tickets.c.branch == branch, tickets.c.line_day == state.day, tickets.c.state.not_in(ENDED))
    rows = {row["number"]: row for row in store.rows(sa.select(tickets).where(here))}
    floor = Floor(day=state.day)
    for shown in state.tickets:
        row = rows.get(shown.number)
        if row is None:
            continue
        one = Waiting(
            shown.number, row["day"], shown.service, shown.state, shown.priority.value, shown.lane.value,
            shown.ahead, _minutes(now, row["came"]), row["counter"],
        )  # fmt: skip
        if shown.state in IN_LINE:
            floor.waiting.append(one)
        elif shown.state in (TicketState.PARKED, TicketState.NO_SHOW):
            floor.aside.append(one)
        else:
            floor.counters.append(
                AtCounter(row["counter"], shown.number, row["day"], shown.service, shown.state,
                          _minutes(now, row["changed_at"]))
            )  # fmt: skip
    serving = _lately(store, branch, state.day, now)
    busy = {one.counter for one in floor.counters}
    every = {counter for found in serving.values() for counter in found}
    floor.counters += [AtCounter(counter) for counter in every - busy if counter]
    floor.counters.sort(key=lambda one: (len(one.counter), one.counter, one.number))
    known = None if foresight is None else foresight.fresh(branch)
    floor.lines = [_line(service, state, floor, serving, known) for service in _services(state, labels)]
    floor.score = None if known is None else known.score
    if known is not None:
        floor.alarms += [_stuck(counter) for counter in known.raw.stuck]
        floor.alarms += [_delayed(service, labels) for service in sorted(known.delayed)]
    floor.alarms += [*_long_waits(floor, labels), *_terminals(store, branch, now)]
    floor.advice = [advice for line in floor.lines if (advice := _advice(line, labels)) is not None]
    return floor


def _services(state: Any, labels: Labels) -> list[str]:
    """Every service of the site is shown, also before its first ticket."""
    counted = [line.service for line in state.services]
    return [*labels.services, *(service for service in counted if service not in labels.services)]


def _stuck(counter: str) -> Pair:
    return (
        f"{counter} 号窗口很久没有动静，等候时间先不算它",
        f"Counter {counter} has not moved for long; waits are worked out without it",
    )


def _delayed(service: str, labels: Labels) -> Pair:
    chinese, english = labels.service(service)
    return f"{chinese}比告诉客户的慢", f"{english or service} is slower than visitors were told"


def _line(service: str, state: Any, floor: Floor, serving: dict[str, set[str]], known: Known | None) -> Line:
    mine = [one for one in floor.waiting if one.service == service]
    last = next((line.last_called for line in state.services if line.service == service), "")
    counters = len(serving.get(service, ()))
    expected = None if known is None else in_minutes(known.shown.newcomers.get(service))
    return Line(service, len(mine), max((one.waited_min for one in mine), default=0), last, expected, counters)


def _lately(store: Store, branch: str, day: str, now: datetime) -> dict[str, set[str]]:
    """Which counters served each service in the last two hours."""
    same = sa.and_(
        tickets.c.branch == ticket_changes.c.branch,
        tickets.c.day == ticket_changes.c.day,
        tickets.c.number == ticket_changes.c.number,
    )
    wanted = (
        sa.select(tickets.c.service, ticket_changes.c.counter)
        .join(ticket_changes, same)
        .where(tickets.c.branch == branch, tickets.c.line_day == day, ticket_changes.c.at > now - ACTIVE)
        .where(ticket_changes.c.counter != "")
        .distinct()
    )
    found: dict[str, set[str]] = defaultdict(set)
    for row in store.rows(wanted):
        found[row["service"]].add(row["counter"])
    return found


def _long_waits(floor: Floor, labels: Labels) -> list[Pair]:
    found = []
    for line in floor.lines:
        late = [one for one in floor.waiting if one.service == line.service and one.waited_min >= LONG_WAIT_MIN]
        if late:
            chinese, english = labels.service(line.service)
            found.append(
                (
                    f"{chinese}：{len(late)} 人等了 {LONG_WAIT_MIN} 分钟以上，最久 {line.longest_min} 分钟",
                    f"{english or line.service}: {len(late)} over {LONG_WAIT_MIN} min, longest {line.longest_min}",
                )
            )
    return found


def _terminals(store: Store, branch: str, now: datetime) -> list[Pair]:
    found: list[Pair] = []
    for row in store.rows(sa.select(devices).where(devices.c.branch == branch).order_by(devices.c.device)):
        name, telemetry = row["device"], row["telemetry"] or {}
        if not row["online"]:
            found.append((f"{name} 离线，取号照常，联网后补报", f"{name} is offline; it works on and reports later"))
        elif row["telemetry"] is not None and now - row["seen"] > SILENT_AFTER:
            found.append((f"{name} 没有消息", f"{name} is silent"))
        for kind in telemetry.get("missing", []):
            chinese, english = DEVICES.get(kind, (kind, kind))
            found.append((f"{name} 缺{chinese}", f"{name}: {english} missing"))
        if telemetry.get("pending", 0) > MANY_OWED:
            found.append((f"{name} 还有 {telemetry['pending']} 条待送", f"{name} owes {telemetry['pending']} messages"))
        if 0 < telemetry.get("free_disk_bytes", LITTLE_DISK_BYTES) < LITTLE_DISK_BYTES:
            found.append((f"{name} 磁盘快满了", f"{name}: little disk left"))
    return found


def _advice(line: Line, labels: Labels) -> Pair | None:
    """How many more counters would bring whoever comes now to a counter within the goal, by the site's own minutes."""
    if line.expected is None or line.expected[0] <= GOAL_MIN or line.service not in labels.minutes:
        return None
    usual = labels.minutes[line.service][0]
    working = line.counters or labels.counters.get(line.service, 1)
    more = math.ceil((line.waiting + 0.5) * usual / GOAL_MIN) - working
    if more <= 0:
        return None
    chinese, english = labels.service(line.service)
    return (
        f"{chinese}再开 {more} 个窗口，新来的人约 {GOAL_MIN} 分钟内轮到（按每人 {usual} 分钟算）",
        f"{english or line.service}: {more} more counter(s) bring a newcomer to {GOAL_MIN} min (at {usual} min each)",
    )


def _minutes(now: datetime, since: datetime) -> int:
    return max(int((now - since).total_seconds() // 60), 0)
