"""Who is planned at which counter, for what, and when they eat. Kept as one small plan for a branch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from hub.foresight.tables import rosters
from hub.store import Store, upsert

MOST_COUNTERS: Final = 60
DAY_S: Final = 86_400.0
LONGEST_BREAK_S: Final = 10_800.0


class BadRoster(ValueError):
    """The plan cannot be meant; the message names what."""


@dataclass(frozen=True, slots=True)
class Seat:
    """One counter's plan for an open day: seconds of the day; `break_s` 0: no lunch."""

    counter: str
    services: tuple[str, ...]
    opens_s: float
    closes_s: float
    lunch_s: float = 0.0
    break_s: float = 0.0
    can: tuple[str, ...] = ()  # what its clerk may be asked to call besides, when the floor needs it


@dataclass(frozen=True, slots=True)
class Roster:
    """The plan of a branch."""

    seats: tuple[Seat, ...]

    def breaks_of(self, counter: str) -> tuple[tuple[float, float], ...]:
        """Planned breaks, (from, length)."""
        return tuple((one.lunch_s, one.break_s) for one in self.seats if one.counter == counter and one.break_s > 0)

    def at(self, second: float) -> tuple[Seat, ...]:
        """Who should be there at a second of the day."""
        return tuple(
            one
            for one in self.seats
            if one.opens_s <= second < one.closes_s and not one.lunch_s <= second < one.lunch_s + one.break_s
        )


def read_roster(plan: Mapping[str, Any]) -> Roster:
    """A roster from JSON. Raises `BadRoster` that names the counter and what is wrong with it."""
    seats = []
    rows = plan.get("seats")
    if not isinstance(rows, list) or len(rows) > MOST_COUNTERS:
        raise BadRoster(f"'seats' must be a list of at most {MOST_COUNTERS} counters")
    for row in rows:
        try:
            seat = Seat(
                str(row["counter"])[:20], tuple(str(one) for one in row["services"]), float(row["opens_s"]),
                float(row["closes_s"]), float(row.get("lunch_s", 0.0)), float(row.get("break_s", 0.0)),
                tuple(str(one) for one in row.get("can", ())),
            )  # fmt: skip
        except (KeyError, TypeError, ValueError) as err:
            raise BadRoster(f"a counter's plan lacks or misstates {err}") from err
        if not 0 <= seat.opens_s < seat.closes_s <= DAY_S:
            raise BadRoster(f"counter {seat.counter}: opens and closes must be in order, within one day")
        if not (0 <= seat.break_s <= LONGEST_BREAK_S and 0 <= seat.lunch_s <= DAY_S):
            raise BadRoster(f"counter {seat.counter}: a break lasts three hours at most")
        if not seat.services:
            raise BadRoster(f"counter {seat.counter} calls nothing")
        seats.append(seat)
    if len({one.counter for one in seats}) != len(seats):
        raise BadRoster("two plans for one counter")
    return Roster(tuple(seats))


def roster_of(store: Store, branch: str) -> Roster | None:
    """The branch's plan, or None."""
    found = store.rows(sa.select(rosters.c.plan).where(rosters.c.branch == branch))
    return read_roster(found[0]["plan"]) if found else None


def keep_roster(store: Store, branch: str, roster: Roster, person: str, now: datetime) -> None:
    """The branch's plan from now on."""
    row = {"branch": branch, "plan": {"seats": [asdict(one) for one in roster.seats]}, "person": person, "at": now}
    with store.write() as db:
        upsert(db, rosters, [row], update=["plan", "person", "at"])
