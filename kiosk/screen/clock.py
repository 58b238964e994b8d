"""The time of day in words. The wall clock is for people only; everything that moves uses the monotonic one."""

from __future__ import annotations

import time
from typing import Final

from kiosk.screen.parts import ClockText

_WEEKDAYS_ZH: Final = "一二三四五六日"
_WEEKDAYS_EN: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS_EN: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def clock_text(now: time.struct_time) -> ClockText:
    """Return local time and date as the head line prints them."""
    weekday, month = now.tm_wday, now.tm_mon
    return ClockText(
        time=f"{now.tm_hour:02d}:{now.tm_min:02d}",
        date_zh=f"{month}月{now.tm_mday}日 星期{_WEEKDAYS_ZH[weekday]}",
        date_en=f"{_WEEKDAYS_EN[weekday]} {now.tm_mday} {_MONTHS_EN[month - 1]}",
    )
