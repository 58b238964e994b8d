"""Forecasts of a branch, from its own tickets: made, corrected by people, kept, and scored.

A person's correction stands beside the model's figure and never replaces it: both are held against what came.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import numpy as np
import sqlalchemy as sa

from config.calendar import load_calendar
from hub.foresight.arrivals import QUARTERS, Arrivals, Floats, Forecast, fit, naive, open_hours
from hub.foresight.records import midnight
from hub.foresight.tables import corrections, forecasts, known_events
from hub.store import Store, tickets, upsert

HISTORY: Final = timedelta(days=200)
MOST_ROWS: Final = 400_000
QUARTER: Final = timedelta(minutes=15)
AHEAD_MIN: Final = (15, 60, 240, 1_440, 7 * 1_440, 30 * 1_440)
"""How far ahead forecasts are kept and scored, in minutes: from a quarter of an hour, rolling, to thirty days."""
KEPT: Final = timedelta(days=90)
SCORED: Final = timedelta(days=28)
KINDS: Final = (
    "holiday", "before_holiday", "after_holiday", "pay", "pension", "campaign", "rain", "storm", "other",
)  # fmt: skip
FACTORS: Final = (0.2, 5.0)
REMARKABLE: Final = 0.25  # a half day that came so much more or less is looked at
LEAST_REMARKABLE: Final = 8.0


@dataclass(frozen=True, slots=True)
class DayAhead:
    """One service's day: arrivals by quarter, (96,). `factor`: a person's correction, None where nobody made one."""

    service: str
    expected: Floats
    factor: float | None
    person: str

    @property
    def used(self) -> Floats:
        """What plans are made with: the corrected figure where there is one."""
        return self.expected if self.factor is None else self.expected * self.factor


@dataclass(frozen=True, slots=True)
class HorizonScore:
    """Mean absolute errors, in people a quarter of an hour. `corrected`: over the same quarters with a correction."""

    ahead_min: int
    count: int
    model: float
    naive: float
    corrected: float | None
    model_where_corrected: float | None


@dataclass(frozen=True, slots=True)
class Miss:
    """Where a forecast of a day ahead was wrong: a half of a day, and what was known of the day."""

    day: str
    service: str
    afternoon: bool
    expected: float
    came: float
    kinds: tuple[str, ...]


class Forecaster:
    """Forecasts by branch; fitted once a day, in memory. Any thread may ask."""

    def __init__(self, store: Store, zone_min: int) -> None:
        self._store, self._zone_min = store, zone_min
        self._fitted: dict[str, tuple[date, dict[str, Forecast], dict[str, dict[date, Floats]]]] = {}
        self._guard = threading.Lock()

    def today(self, now: datetime) -> date:
        """The date at the branches."""
        return (now + timedelta(minutes=self._zone_min)).date()

    def day(self, branch: str, day: date, now: datetime) -> list[DayAhead]:
        """Each service's arrivals of `day`; of today with what came so far. Empty: cannot be said yet."""
        models, _ = self._models(branch, now)
        kinds = self.kinds(branch, day)
        corrected = self._corrections(branch, day)
        today = self.today(now)
        so_far = self._counts(branch, today.isoformat(), today.isoformat()) if day == today else {}
        quarter = self._quarter(now)
        found = []
        for service, model in sorted(models.items()):
            if day == today:
                known = so_far.get(service, {}).get(day, np.zeros(QUARTERS))
                expected = model.today(day, kinds, known, quarter)
            else:
                expected = model.expected(day, kinds)
            factor, person = corrected.get(service, (None, ""))
            found.append(DayAhead(service, expected, factor, person))
        return found

    def came(self, branch: str, day: date) -> dict[str, Floats]:
        """Who has come on a day so far, by service, (96,) by quarter."""
        text = day.isoformat()
        return {service: days[day] for service, days in self._counts(branch, text, text).items() if day in days}

    def forget_fit(self, branch: str) -> None:
        """Something about the branch's days is new: fit again when asked next."""
        with self._guard:
            self._fitted.pop(branch, None)

    def kinds(self, branch: str, day: date) -> frozenset[str]:
        """What is known of a day: the calendar's, and what people or a weather service entered."""
        rows = self._store.rows(
            sa.select(known_events.c.kind).where(known_events.c.branch == branch, known_events.c.day == day.isoformat())
        )
        return load_calendar().kinds(day) | {row["kind"] for row in rows}

    def know(self, branch: str, day: date, kind: str, person: str) -> None:
        """Enter what a day will be. Raises ValueError for a kind that is none."""
        if kind not in KINDS:
            raise ValueError(f"{kind[:20]!r} is not one of {', '.join(KINDS)}")
        with self._store.write() as db:
            row = {"branch": branch, "day": day.isoformat(), "kind": kind, "person": person}
            upsert(db, known_events, [row], update=["person"])

    def correct(self, branch: str, day: date, service: str, factor: float, person: str, now: datetime) -> None:
        """A person knows better: arrivals times `factor`. Raises ValueError outside 0.2 to 5."""
        if not FACTORS[0] <= factor <= FACTORS[1]:
            raise ValueError(f"a correction is a factor from {FACTORS[0]} to {FACTORS[1]}")
        row = {
            "branch": branch, "day": day.isoformat(), "service": service, "factor": factor, "person": person, "at": now,
        }  # fmt: skip
        with self._store.write() as db:
            upsert(db, corrections, [row], update=["factor", "person", "at"])

    # --- kept and scored ------------------------------------------------------------------------

    def keep(self, branch: str, now: datetime) -> int:
        """Keep what is expected of the quarters that lie each of `AHEAD_MIN` ahead; how many figures."""
        _, counts = self._models(branch, now)
        begins = now.replace(minute=now.minute - now.minute % 15, second=0, microsecond=0)
        rows = []
        days: dict[date, list[DayAhead]] = {}
        for ahead in AHEAD_MIN:
            at = begins + timedelta(minutes=ahead)
            local = at + timedelta(minutes=self._zone_min)
            if local.date() not in days:
                days[local.date()] = self.day(branch, local.date(), now)
            quarter = local.hour * 4 + local.minute // 15
            for one in days[local.date()]:
                before = naive(counts.get(one.service, {}), local.date())
                if one.expected[quarter] < 0.01 and before[quarter] == 0:
                    continue  # closed
                rows.append(
                    {"branch": branch, "service": one.service, "quarter": at, "ahead_min": ahead, "made_at": now,
                     "expected": float(one.expected[quarter]), "naive": float(before[quarter]),
                     "corrected": None if one.factor is None else float(one.used[quarter]), "person": one.person,
                     "came": None}
                )  # fmt: skip
        with self._store.write() as db:
            upsert(db, forecasts, rows)
        return len(rows)

    def settle(self, branch: str, now: datetime) -> int:
        """Write what came to quarters that are over; how many."""
        over = now - QUARTER
        due = self._store.rows(
            sa.select(forecasts.c.service, forecasts.c.quarter)
            .where(forecasts.c.branch == branch, forecasts.c.came.is_(None), forecasts.c.quarter <= over)
            .distinct()
        )
        if not due:
            return 0
        local = [row["quarter"] + timedelta(minutes=self._zone_min) for row in due]
        counts = self._counts(branch, min(local).date().isoformat(), max(local).date().isoformat())
        with self._store.write() as db:
            for row, at in zip(due, local, strict=True):
                day = counts.get(row["service"], {}).get(at.date())
                came = 0 if day is None else int(day[at.hour * 4 + at.minute // 15])
                here = sa.and_(
                    forecasts.c.branch == branch, forecasts.c.service == row["service"],
                    forecasts.c.quarter == row["quarter"],
                )  # fmt: skip
                db.execute(sa.update(forecasts).where(here).values(came=came))
        return len(due)

    def scores(self, branch: str, now: datetime) -> list[HorizonScore]:
        """Errors by how far ahead, over four weeks; horizons without a settled quarter are left out."""
        rows = self._store.rows(
            sa.select(forecasts).where(
                forecasts.c.branch == branch, forecasts.c.came.is_not(None), forecasts.c.quarter > now - SCORED
            )
        )
        by_ahead: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for row in rows:
            by_ahead[row["ahead_min"]].append(row)
        return [_score(ahead, mine) for ahead, mine in sorted(by_ahead.items())]

    def misses(self, branch: str, now: datetime, days: int = 14) -> list[Miss]:
        """Half days of the last weeks that came quite otherwise than a day ahead was expected, the worst first."""
        since = now - timedelta(days=days)
        rows = self._store.rows(
            sa.select(forecasts).where(
                forecasts.c.branch == branch, forecasts.c.ahead_min == 1_440, forecasts.c.came.is_not(None),
                forecasts.c.quarter > since,
            )
        )  # fmt: skip
        sums: dict[tuple[date, str, bool], list[float]] = defaultdict(lambda: [0.0, 0.0])
        for row in rows:
            local = row["quarter"] + timedelta(minutes=self._zone_min)
            one = sums[local.date(), row["service"], local.hour >= 12]
            one[0] += row["expected"]
            one[1] += row["came"]
        found = [
            Miss(day.isoformat(), service, afternoon, expected, came, tuple(sorted(self.kinds(branch, day))))
            for (day, service, afternoon), (expected, came) in sums.items()
            if abs(came - expected) >= max(REMARKABLE * max(expected, came), LEAST_REMARKABLE)
        ]
        return sorted(found, key=lambda one: -abs(one.came - one.expected))

    # --- parts ----------------------------------------------------------------------------------

    def _models(self, branch: str, now: datetime) -> tuple[dict[str, Forecast], dict[str, dict[date, Floats]]]:
        today = self.today(now)
        with self._guard:
            known = self._fitted.get(branch)
        if known is not None and known[0] == today:
            return known[1], known[2]
        yesterday = today - timedelta(days=1)
        counts = self._counts(branch, (today - HISTORY).isoformat(), yesterday.isoformat())
        models = {}
        whole: dict[date, Floats] = defaultdict(lambda: np.zeros(QUARTERS))
        for days in counts.values():
            for day, came in days.items():
                whole[day] += came
        open_share = open_hours([Arrivals(day, came) for day, came in whole.items()])
        for service, days in counts.items():
            history = [Arrivals(day, days[day], self.kinds(branch, day)) for day in sorted(days)]
            model = fit(history, open_share)
            if model is not None:
                models[service] = model
        with self._guard:
            self._fitted[branch] = (today, models, counts)
        return models, counts

    def _counts(self, branch: str, since: str, until: str) -> dict[str, dict[date, Floats]]:
        """Tickets taken, by service, day and quarter of the branch's own day."""
        rows = self._store.rows(
            sa.select(tickets.c.service, tickets.c.line_day, tickets.c.issued_at)
            .where(tickets.c.branch == branch, tickets.c.line_day >= since, tickets.c.line_day <= until)
            .order_by(tickets.c.line_day.desc())
            .limit(MOST_ROWS)
        )
        found: dict[str, dict[date, Floats]] = defaultdict(dict)
        begins = {day: midnight(day, self._zone_min) for day in {row["line_day"] for row in rows}}
        for row in rows:
            day = date.fromisoformat(row["line_day"])
            counts = found[row["service"]].setdefault(day, np.zeros(QUARTERS))
            quarter = int((row["issued_at"] - begins[row["line_day"]]) / QUARTER)
            counts[min(max(quarter, 0), QUARTERS - 1)] += 1
        return found

    def _corrections(self, branch: str, day: date) -> dict[str, tuple[float | None, str]]:
        rows = self._store.rows(
            sa.select(corrections).where(corrections.c.branch == branch, corrections.c.day == day.isoformat())
        )
        return {row["service"]: (row["factor"], row["person"]) for row in rows}

    def _quarter(self, now: datetime) -> int:
        local = now.astimezone(UTC) + timedelta(minutes=self._zone_min)
        return local.hour * 4 + local.minute // 15


def _score(ahead: int, rows: Sequence[dict[str, Any]]) -> HorizonScore:
    def error(name: str, some: Sequence[dict[str, Any]]) -> float:
        return float(sum(abs(row[name] - row["came"]) for row in some)) / len(some)

    both = [row for row in rows if row["corrected"] is not None]
    return HorizonScore(
        ahead, len(rows), error("expected", rows), error("naive", rows),
        error("corrected", both) if both else None, error("expected", both) if both else None,
    )  # fmt: skip


def forget(db: sa.Connection, now: datetime) -> int:
    """Delete forecasts that nobody compares any more; how many rows."""
    return db.execute(sa.delete(forecasts).where(forecasts.c.quarter < now - KEPT)).rowcount
