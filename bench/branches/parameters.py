"""What the simulated branches are made of (`parameters.toml`), typed. Nothing of the hub or the terminal reads it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Final

WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
PARAMETERS: Final = Path(__file__).with_name("parameters.toml")


@dataclass(frozen=True, slots=True)
class Kind:
    """What a day may be beside its weekday: a factor by service, in some hours."""

    name: str
    factor: dict[str, float]
    begins: float
    ends: float
    days_of_month: tuple[int, ...]
    chance: float
    elder_share: float | None


@dataclass(frozen=True, slots=True)
class ServiceWorld:
    """Who comes for a service, and how long it takes."""

    name: str
    per_day: float
    peaks: tuple[tuple[float, float, float], ...]
    floor: float
    minutes_median: float
    spread: float
    hard_share: float
    hard_factor: float
    elder_share: float
    elder_slower: float
    other_priority_share: float
    to: dict[str, float]


@dataclass(frozen=True, slots=True)
class CounterWorld:
    """One counter: what its clerk can do, and when lunch is planned (hour, length in hours)."""

    name: str
    services: tuple[str, ...]
    lunch: tuple[float, float]


@dataclass(frozen=True, slots=True)
class BranchWorld:
    """One branch."""

    name: str
    scale: float
    kiosks: int
    counters: tuple[CounterWorld, ...]


@dataclass(frozen=True, slots=True)
class Parameters:
    """All of it."""

    opens: dict[str, float]
    closes: dict[str, float]
    weekday_factor: dict[str, float]
    day: dict[str, float]
    kinds: dict[str, Kind]
    holidays: frozenset[date]
    services: dict[str, ServiceWorld]
    people: dict[str, Any]
    machines: dict[str, Any]
    branches: dict[str, BranchWorld]

    def hours(self, day: date) -> tuple[float, float] | None:
        """When the branch opens and closes, in hours; None on a closed day."""
        name = WEEKDAYS[day.weekday()]
        if day in self.holidays or name not in self.opens:
            return None
        return self.opens[name], self.closes[name]


@cache
def load() -> Parameters:
    """The parameters as committed."""
    raw = tomllib.loads(PARAMETERS.read_text("utf-8"))
    day = raw["day"]
    kinds = {
        name: Kind(
            name, kind["factor"], kind.get("from", 0.0), kind.get("to", 24.0), tuple(kind.get("day_of_month", ())),
            kind.get("chance", 0.0), kind.get("elder_share"),
        )
        for name, kind in raw["kinds"].items()
    }  # fmt: skip
    services = {
        name: ServiceWorld(name=name, **{**one, "peaks": tuple(tuple(peak) for peak in one["peaks"])})
        for name, one in raw["services"].items()
    }
    branches = {
        name: BranchWorld(
            name, one["scale"], one["kiosks"],
            tuple(CounterWorld(c["name"], tuple(c["services"]), tuple(c["lunch"])) for c in one["counters"]),
        )
        for name, one in raw["branches"].items()
    }  # fmt: skip
    return Parameters(
        opens=day["opens"],
        closes=day["closes"],
        weekday_factor=day["weekday_factor"],
        day={name: value for name, value in day.items() if isinstance(value, float)},
        kinds=kinds,
        holidays=frozenset(date.fromisoformat(text) for text in raw["holidays"]["closed"]),
        services=services,
        people=raw["people"],
        machines=raw["machines"],
        branches=branches,
    )
