"""English numbers in words, as an American bank clerk says them: no 'and', ordinals for days, years in two halves."""

from __future__ import annotations

from typing import Final

DIGITS: Final = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TEENS: Final = (
    "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS: Final = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SCALES: Final = ((10**9, "billion"), (10**6, "million"), (10**3, "thousand"))
_ORDINALS: Final = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
    "twelve": "twelfth",
}  # fmt: skip
LARGEST: Final = 10**12 - 1


def cardinal(number: int) -> str:
    """0 to LARGEST in words. Raises ValueError beyond."""
    if not 0 <= number <= LARGEST:
        raise ValueError(f"{number} is not within 0 to {LARGEST}")
    if number < 1000:
        return _below_thousand(number)
    said = []
    for scale, name in _SCALES:
        if number >= scale:
            said.append(f"{_below_thousand(number // scale)} {name}")
            number %= scale
    return " ".join([*said, _below_thousand(number)] if number else said)


def _below_thousand(number: int) -> str:
    if number >= 100:
        rest = f" {_below_thousand(number % 100)}" if number % 100 else ""
        return f"{DIGITS[number // 100]} hundred{rest}"
    if number >= 20:
        return _TENS[number // 10] + (f" {DIGITS[number % 10]}" if number % 10 else "")
    return _TEENS[number - 10] if number >= 10 else DIGITS[number]


def ordinal(number: int) -> str:
    """'twenty first'. Raises ValueError as `cardinal`."""
    *before, last = cardinal(number).split(" ")
    ending = _ORDINALS.get(last) or (f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th")
    return " ".join([*before, ending])


def year(number: int) -> str:
    """1000 to 9999 as a year: 'twenty twenty six', 'two thousand five'."""
    century, rest = divmod(number, 100)
    if century % 10 == 0 and rest < 10:
        return cardinal(number)
    return f"{cardinal(century)} {cardinal(rest) if rest >= 10 else f'oh {DIGITS[rest]}' if rest else 'hundred'}"
