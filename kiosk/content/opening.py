"""Opening hours as they are spoken: which day is meant, whether it is open, and when it opens next. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Final, get_args

from config.schema import Hours, Weekday

DAYS: Final[tuple[Weekday, ...]] = get_args(Weekday)
DAYS_ZH: Final = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")
HOURS_FACTS: Final = frozenset(["day", "opens", "closes", "weekend", "next_day", "next_opens"])
_DIGITS_ZH: Final = ("零", "一", "两", "三", "四", "五", "六", "七", "八", "九", "十", "十一", "十二")
_WORDS_EN: Final = (
    "twelve", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
)  # fmt: skip
_AHEAD: Final = {"today": 0, "tomorrow": 1, "day_after": 2}

Spoken = tuple[str, str]
"""The same words in Mandarin and in English."""


def spoken_time(moment: time) -> Spoken:
    """'上午九点半', 'half past nine in the morning'. Minutes are said when there are any."""
    part_zh, part_en = next(
        row
        for until, row in (
            (5, ("凌晨", "in the morning")),
            (12, ("上午", "in the morning")),
            (13, ("中午", "in the afternoon")),
            (18, ("下午", "in the afternoon")),
            (24, ("晚上", "in the evening")),
        )
        if moment.hour < until
    )
    hour_zh = _DIGITS_ZH[(moment.hour - 1) % 12 + 1]
    hour_en = _WORDS_EN[moment.hour % 12]
    if moment.minute == 0:
        return f"{part_zh}{hour_zh}点", f"{hour_en} {part_en}"
    if moment.minute == 30:
        return f"{part_zh}{hour_zh}点半", f"half past {hour_en} {part_en}"
    return f"{part_zh}{hour_zh}点{moment.minute}分", f"{hour_en} {moment.minute:02d} {part_en}"


def hours_facts(hours: Mapping[Weekday, Hours], asked: str, now: datetime) -> tuple[dict[str, str], dict[str, Spoken]]:
    """What holds (`day_open`, `ever_open`, and `now` if today is open), and what is said about the day asked for.

    `asked` is a `date` slot: a weekday's name, today, tomorrow, day_after; anything else is today.
    """
    number = next((n for n, name in enumerate(DAYS) if name == asked), None)
    ahead = _AHEAD.get(asked, 0) if number is None else (number - now.weekday()) % 7
    day = hours.get(DAYS[(now.weekday() + ahead) % 7])
    state = {"day_open": "yes" if day else "no", "ever_open": "yes" if hours else "no"}
    # Who asked for Sunday is told about Sunday, not about 'the day after tomorrow'.
    named = _weekday_name(ahead, now) if number is not None and ahead else _day_name(ahead, now)
    said: dict[str, Spoken] = {"day": named, "weekend": _weekend(hours)}
    if day:
        said |= {"opens": spoken_time(day.opens), "closes": spoken_time(day.closes)}
        if ahead == 0:
            clock = now.time()
            state["now"] = "before" if clock < day.opens else "open" if clock < day.closes else "after"
    for later in range(ahead + 1, ahead + 8):
        following = hours.get(DAYS[(now.weekday() + later) % 7])
        if following:
            said |= {"next_day": _day_name(later, now), "next_opens": spoken_time(following.opens)}
            break
    # What cannot be known (a closed day has no opening time) is not said by any answer that fits that day.
    for name in HOURS_FACTS - said.keys():
        said[name] = ("", "")
    return state, said


def _day_name(ahead: int, now: datetime) -> Spoken:
    if ahead < 3:
        return (("今天", "today"), ("明天", "tomorrow"), ("后天", "the day after tomorrow"))[ahead]
    return _weekday_name(ahead, now)


def _weekday_name(ahead: int, now: datetime) -> Spoken:
    number = (now + timedelta(days=ahead)).weekday()
    return DAYS_ZH[number], f"on {DAYS[number].capitalize()}"


def _weekend(hours: Mapping[Weekday, Hours]) -> Spoken:
    """Both days in a sentence each."""
    zh, en = "", ""
    for number in (5, 6):
        day = hours.get(DAYS[number])
        name_zh, name_en = DAYS_ZH[number], DAYS[number].capitalize()
        if day is None:
            zh += f"{name_zh}休息。"
            en += f"{name_en} we are closed. "
            continue
        opens, closes = spoken_time(day.opens), spoken_time(day.closes)
        zh += f"{name_zh}{opens[0]}开门。{closes[0]}关门。"
        en += f"{name_en} we open at {opens[1]} and close at {closes[1]}. "
    return zh, en.strip()
