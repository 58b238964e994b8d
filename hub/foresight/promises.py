"""What visitors were told when they took their number, kept beside what came: the ground of every later promise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from hub.foresight.calibration import Kept
from hub.foresight.floor_now import FloorNow
from hub.foresight.records import first_calls
from hub.foresight.tables import promises
from hub.foresight.waiting import Waits
from hub.store import Store, tickets, upsert

YOUNG_S: Final = 120.0  # a ticket that is older was promised something by another process, or nothing
LONGEST: Final = timedelta(hours=6)  # from the promise to the call
LOOKS_BACK: Final = timedelta(days=14)
MOST_KEPT: Final = 1_500  # promises that a calibration looks at
HAS_TO_WAIT_S: Final = 60.0  # who is called at once was promised nothing that could be kept or broken


@dataclass(frozen=True, slots=True)
class Promise:
    """One promise that was followed by a call: as it was worked out, and as it was told."""

    service: str
    at: datetime
    raw: Kept
    told: Kept


def make(store: Store, branch: str, day: str, floor: FloorNow, raw: Waits, shown: Waits, now: datetime) -> None:
    """Keep what new tickets were foreseen; a ticket has one promise, its first."""
    young = {one.number: one for one in floor.waiting if floor.now_s - one.came_s <= YOUNG_S}
    rows = []
    for number, one in young.items():
        first, told = raw.tickets.get(number), shown.tickets.get(number)
        if first is None or told is None or first.p50_s < HAS_TO_WAIT_S:
            continue
        spent = floor.now_s - one.came_s  # it was taken a moment ago: its wait counts from then
        rows.append(
            {"branch": branch, "day": day, "number": number, "service": one.service,
             "at": now - timedelta(seconds=spent), "raw_p50_s": first.p50_s + spent, "raw_p90_s": first.p90_s + spent,
             "p50_s": told.p50_s + spent, "p90_s": told.p90_s + spent, "waited_s": None}
        )  # fmt: skip
    if rows:
        with store.write() as db:
            upsert(db, promises, rows)


def settle(store: Store, branch: str, now: datetime) -> int:
    """Write what came to promises of the last hours; how many."""
    open_ones = store.rows(
        sa.select(promises.c.day, promises.c.number, promises.c.at).where(
            promises.c.branch == branch, promises.c.waited_s.is_(None), promises.c.at > now - LONGEST
        )
    )
    if not open_ones:
        return 0
    called = first_calls(store, branch, now - LONGEST)
    done = 0
    with store.write() as db:
        for row in open_ones:
            at = called.get((row["day"], row["number"]))
            if at is not None and at >= row["at"]:
                here = sa.and_(
                    promises.c.branch == branch, promises.c.day == row["day"], promises.c.number == row["number"]
                )
                waited = (at - row["at"]).total_seconds()
                db.execute(sa.update(promises).where(here).values(waited_s=waited))
                done += 1
    return done


def kept(store: Store, branch: str, now: datetime) -> list[Promise]:
    """Promises of the last two weeks that were followed by a call, newest first."""
    settle(store, branch, now)
    same = sa.and_(
        tickets.c.branch == promises.c.branch, tickets.c.line_day == promises.c.day,
        tickets.c.number == promises.c.number,
    )  # fmt: skip
    wanted = (
        sa.select(promises, tickets.c.promised_min, tickets.c.promised_most_min)
        .join(tickets, same, isouter=True)
        .where(promises.c.branch == branch, promises.c.waited_s.is_not(None), promises.c.at > now - LOOKS_BACK)
        .order_by(promises.c.at.desc())
        .limit(MOST_KEPT)
    )
    found = []
    for row in store.rows(wanted):
        p50, p90 = row["p50_s"], row["p90_s"]
        if row["promised_min"] is not None:  # what stood on the paper is what was promised; half a minute is rounding
            p50, p90 = 60.0 * row["promised_min"] + 30.0, 60.0 * row["promised_most_min"] + 30.0
        waited = row["waited_s"]
        raw = Kept(row["raw_p50_s"], row["raw_p90_s"], waited)
        found.append(Promise(row["service"], row["at"], raw, Kept(p50, p90, waited)))
    return found


def told(store: Store, branch: str, day: str, numbers: Sequence[str]) -> dict[str, float]:
    """The longest wait in seconds that each of these numbers was told."""
    if not numbers:
        return {}
    wanted = sa.select(promises.c.number, promises.c.p90_s).where(
        promises.c.branch == branch, promises.c.day == day, promises.c.number.in_(numbers)
    )
    return {row["number"]: row["p90_s"] for row in store.rows(wanted)}


def forget(db: sa.Connection, before: datetime) -> int:
    """Delete what is older; how many rows."""
    return db.execute(sa.delete(promises).where(promises.c.at < before)).rowcount
