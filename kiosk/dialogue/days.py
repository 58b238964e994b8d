"""Days as visitors name them, as dates. Pure; what is no day stays as it is."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Final

WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTH_DAY: Final = re.compile(r"(\d{2})-(\d{2})")
_DAY: Final = re.compile(r"day-(\d{2})")
_NEXT: Final = "next_"


def dated(named: str, today: date) -> str:
    """'12-03', 'day-03' and 'next_tuesday' as ISO dates, the next such day from today on; anything else unchanged.

    A day that no month has ('02-30') is '': nobody can come then.
    """
    if found := _MONTH_DAY.fullmatch(named):
        return _on(today, int(found[1]), int(found[2]))
    if found := _DAY.fullmatch(named):
        month = today.month if int(found[1]) >= today.day else today.month % 12 + 1
        return _on(today, month, int(found[1]))
    if named.startswith(_NEXT) and named.removeprefix(_NEXT) in WEEKDAYS:
        monday = today + timedelta(days=7 - today.weekday())
        return (monday + timedelta(days=WEEKDAYS.index(named.removeprefix(_NEXT)))).isoformat()
    if named == "in_3_days":
        return (today + timedelta(days=3)).isoformat()
    return named


def _on(today: date, month: int, day: int) -> str:
    for year in (today.year, today.year + 1):
        try:
            found = date(year, month, day)
        except ValueError:
            continue
        if found >= today:
            return found.isoformat()
    return ""
