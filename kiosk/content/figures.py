"""A figure as it is said: a value and a unit become words of either language, in one place.

Figures stand in a pack once, typed; sentences only name them. How a figure is written here is how the voice reads it
aloud right (`tests/content/test_figures.py` proves it through the normaliser).
"""

from __future__ import annotations

from datetime import time
from decimal import Decimal, InvalidOperation
from typing import Final, Literal, get_args

from pydantic import Field, StrictFloat, StrictInt, StrictStr, model_validator

from config.schema import Section
from kiosk.content.opening import Spoken, spoken_time

Unit = Literal[
    "yuan", "yuan_each", "yuan_per_month", "yuan_per_year", "percent", "days", "working_days", "hours", "minutes",
    "months", "years", "age", "times", "grams", "usd", "metres", "count", "phone", "clock", "name",
]  # fmt: skip
UNITS: Final[tuple[Unit, ...]] = get_args(Unit)
LARGEST: Final = 10**12
_DIGITS_ZH: Final = dict(zip("0123456789", "零幺二三四五六七八九", strict=True))
_DIGITS_EN: Final = dict(
    zip("0123456789", ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"), strict=True)
)
_COUNTED: Final[dict[Unit, tuple[str, str, str]]] = {
    "percent": ("%", "%", "%"),
    "days": ("天", " day", " days"),
    "working_days": ("个工作日", " working day", " working days"),
    "hours": ("小时", " hour", " hours"),
    "minutes": ("分钟", " minute", " minutes"),
    "months": ("个月", " month", " months"),
    "years": ("年", " year", " years"),
    "age": ("岁", "", ""),
    "grams": ("克", " gram", " grams"),
    "usd": ("美元", " US dollar", " US dollars"),
    "metres": ("米", " metre", " metres"),
    "count": ("", "", ""),
}
"""Unit → what follows the number: Mandarin, English for one, English for several."""
_MONEY: Final[dict[Unit, tuple[str, str]]] = {
    "yuan": ("", ""),
    "yuan_each": ("每笔", " each"),
    "yuan_per_month": ("每月", " a month"),
    "yuan_per_year": ("每年", " a year"),
}
"""Unit → what stands before the amount in Mandarin, what follows it in English."""


class Figure(Section):
    """One figure: a value in a unit, or (`name`) a name in both languages."""

    unit: Unit
    value: StrictInt | StrictFloat | StrictStr | None = Field(
        default=None, description="digits for a phone, HH:MM for a clock"
    )
    zh: str | None = Field(default=None, min_length=1, max_length=80)
    en: str | None = Field(default=None, min_length=1, max_length=120)

    @model_validator(mode="after")
    def _whole(self) -> Figure:
        if self.unit == "name":
            if not (self.zh and self.en) or self.value is not None:
                raise ValueError("a name wants zh and en, and no value")
            return self
        if self.zh is not None or self.en is not None:
            raise ValueError("only a name is written out in zh and en; a figure has a value")
        if self.unit == "phone":
            if not isinstance(self.value, str) or not 3 <= sum(map(str.isdigit, self.value)) <= 15:
                raise ValueError('a phone wants its digits in quotes, as "95000"')
        elif self.unit == "clock":
            self.clock()
        elif not 0 <= self.number() <= LARGEST:
            raise ValueError(f"the value must lie between 0 and {LARGEST}")
        return self

    def number(self) -> Decimal:
        """The value of a figure that counts something. Raises `ValueError`."""
        try:
            number = Decimal(str(self.value)) if isinstance(self.value, int | float) else None
            if number is None or not number.is_finite():
                raise InvalidOperation
            return number.normalize()
        except InvalidOperation:
            raise ValueError("the value must be a number") from None

    def clock(self) -> time:
        """The value of a clock time. Raises `ValueError`."""
        try:
            return time.fromisoformat(str(self.value))
        except ValueError:
            raise ValueError('a clock time is written "HH:MM"') from None

    def said(self) -> Spoken:
        """In Mandarin and in English."""
        if self.unit == "name":
            return self.zh or "", self.en or ""
        if self.unit == "phone":
            return _phone(str(self.value))
        if self.unit == "clock":
            return spoken_time(self.clock())
        number = self.number()
        if self.unit in _MONEY:
            return _money(number, *_MONEY[self.unit])
        if self.unit == "times":
            few = {Decimal(1): "once", Decimal(2): "twice"}
            return f"{'两' if number == 2 else _zh(number)}次", few.get(number, f"{_en(number)} times")
        zh, one, many = _COUNTED[self.unit]
        # Two of a thing is liang, which the voice does not know in every sentence.
        counted = "两" if number == 2 and self.unit not in ("percent", "count", "age") else _zh(number)
        return counted + zh, _en(number) + (one if number == 1 else many)


def _zh(number: Decimal) -> str:
    """5万 for 50000, 1.2万 for 12000: large round numbers as they are said."""
    for size, name in ((10**8, "亿"), (10**4, "万")):
        if number >= size and (number * 100 / size) % 1 == 0:
            return f"{_plain(number / size)}{name}"
    return _plain(number)


def _en(number: Decimal) -> str:
    whole, point, rest = _plain(number).partition(".")
    return f"{int(whole):,}{point}{rest}"


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"


def _money(number: Decimal, before: str, after: str) -> Spoken:
    if number == 0:
        return f"{before}零元", "nothing"
    return f"{before}{_zh(number)}元", f"{_en(number)} yuan{after}"


def _phone(digits: str) -> Spoken:
    """Digit by digit. In Mandarin 1 is said yao, so that it is not taken for 7."""
    known = [sign for sign in digits if sign.isdigit()]
    return "".join(_DIGITS_ZH[sign] for sign in known), " ".join(_DIGITS_EN[sign] for sign in known)
