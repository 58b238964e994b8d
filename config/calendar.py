"""Days that are known beforehand: public holidays, pay days, pension days. What a site adds stands at the hub."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field

from config.load import load_toml
from config.schema import CONFIG_DIR, Section

CALENDAR_FILE: Final = CONFIG_DIR / "calendar.toml"
DayOfMonth = Annotated[int, Field(ge=1, le=31)]


class Calendar(Section):
    """What is known of each day, for everybody."""

    pay_days: tuple[DayOfMonth, ...] = Field(default=(), description="of the month: wages are paid")
    pension_days: tuple[DayOfMonth, ...] = Field(default=(), description="of the month: pensions are paid")
    holidays: tuple[date, ...] = Field(default=(), max_length=400, description="public holidays")

    def kinds(self, day: date) -> frozenset[str]:
        """What `day` is: holiday, before_holiday, after_holiday, pay, pension; nothing for an ordinary one."""
        off = set(self.holidays)
        found = set()
        if day in off:
            found.add("holiday")
        elif day + timedelta(days=1) in off:
            found.add("before_holiday")
        elif day - timedelta(days=1) in off:
            found.add("after_holiday")
        if day.day in self.pay_days:
            found.add("pay")
        if day.day in self.pension_days:
            found.add("pension")
        return frozenset(found)


@cache
def load_calendar(path: Path | None = None) -> Calendar:
    """`path`, else `config/calendar.toml`. Raises `ConfigError` with file, line and key."""
    return load_toml(path or CALENDAR_FILE, Calendar)
