"""How wrong recognised words are: character error with numbers and traditional forms brought to one form.

A recogniser may write 20000 for 两万, or 3725 for 三七二五: neither is an error. Every run of digits is read as a
quantity and digit by digit, and the reading that fits better counts. Spaces and punctuation do not count.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from opencc import OpenCC

_ZH: Final = "零一二三四五六七八九"
_EN: Final = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TEENS: Final = (
    "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS: Final = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?")
_SAME: Final = str.maketrans("两〇幺", "二零一")
_CONTRACTED: Final = (("n't", " not"), ("'d", " would"), ("'m", " am"), ("'re", " are"), ("'ll", " will"))
LONGEST_QUANTITY: Final = 8  # digits: beyond, nobody reads a number as one quantity


@dataclass(frozen=True, slots=True)
class Errors:
    """Character errors of `characters` that were said."""

    wrong: int
    characters: int

    def __add__(self, other: Errors) -> Errors:
        return Errors(self.wrong + other.wrong, self.characters + other.characters)

    @property
    def rate(self) -> float:
        return self.wrong / self.characters if self.characters else 0.0


@cache
def _simplify() -> OpenCC:
    return OpenCC("t2s")


def quantity_zh(number: int, inside: bool = False) -> str:
    """A whole number below 10^12 as Mandarin says it: 10200 → 一万零二百. `inside` another, 10 is 一十."""
    if number < 10:
        return _ZH[number]
    for size, unit in ((10**8, "亿"), (10**4, "万"), (1000, "千"), (100, "百"), (10, "十")):
        if number >= size:
            head, rest = divmod(number, size)
            gap = "零" if 0 < rest < size // 10 else ""
            first = "" if size == 10 and head == 1 and not inside else quantity_zh(head)
            return first + unit + (gap + quantity_zh(rest, inside=True) if rest else "")
    raise ValueError(number)


def quantity_en(number: int) -> str:
    """A whole number as English says it, without 'and'."""
    if number < 10:
        return _EN[number]
    if number < 20:
        return _TEENS[number - 10]
    if number < 100:
        return f"{_TENS[number // 10]} {_EN[number % 10] if number % 10 else ''}".strip()
    for size, unit in ((10**6, "million"), (1000, "thousand"), (100, "hundred")):
        if number >= size:
            head, rest = divmod(number, size)
            return f"{quantity_en(head)} {unit} {quantity_en(rest) if rest else ''}".strip()
    raise ValueError(number)


def _read(figures: str, chinese: bool, by_digit: bool) -> str:
    whole, _, fraction = figures.partition(".")
    digits = [_ZH[int(c)] if chinese else _EN[int(c)] for c in fraction]
    if by_digit or len(whole) > LONGEST_QUANTITY or (whole.startswith("0") and len(whole) > 1):
        said = [_ZH[int(c)] if chinese else _EN[int(c)] for c in whole]
    else:
        said = [quantity_zh(int(whole)) if chinese else quantity_en(int(whole))]
    point = ["点" if chinese else "point"] if digits else []
    return ("" if chinese else " ").join([*said, *point, *digits])


def readings(text: str, chinese: bool) -> set[str]:
    """`text` reduced to what counts, once with figures as quantities and once digit by digit.

    `chinese`: figures are read in Mandarin (they stand in a Mandarin sentence).
    """
    text = _simplify().convert(unicodedata.normalize("NFKC", text)).lower()
    text = re.sub(r"(?<=\d),(?=\d{3})", "", text.replace("’", "'"))
    if chinese:
        text = re.sub(r"(\d+(?:\.\d+)?)%", r"百分之\1", text)
    else:
        text = text.replace("%", " percent").replace("won't", "will not").replace("can't", "cannot")
        for short, long in _CONTRACTED:
            text = text.replace(short, long)
    found = set()
    for by_digit in (False, True):
        read = _NUMBER.sub(lambda figures, d=by_digit: f" {_read(figures[0], chinese, d)} ", text)  # type: ignore[misc]
        found.add("".join(c for c in read.translate(_SAME) if c.isalnum()))
    return found


def distance(said: str, heard: str) -> int:
    """Fewest substitutions, deletions and insertions of characters (Levenshtein 1966)."""
    row = np.arange(len(heard) + 1)
    target = np.frombuffer(heard.encode("utf-32-le"), np.uint32)
    for number, character in enumerate(said, start=1):
        changed = np.minimum(row[1:] + 1, row[:-1] + (target != ord(character)))
        steps = np.concatenate(([number], changed)) - np.arange(len(heard) + 1)
        row = np.minimum.accumulate(steps) + np.arange(len(heard) + 1)  # insertions, left to right
    return int(row[-1])


def errors(said: str, heard: str) -> Errors:
    """The errors of `heard` against what was `said`, in the readings that fit best."""
    chinese = any("\u4e00" <= c <= "\u9fff" for c in said)
    said_forms, heard_forms = readings(said, chinese), readings(heard, chinese)
    return min((Errors(distance(a, b), len(a)) for a in said_forms for b in heard_forms), key=lambda found: found.rate)


def total(pairs: Iterable[tuple[str, str]]) -> Errors:
    """Errors of many (said, heard) pairs together: long sentences weigh more."""
    return sum((errors(said, heard) for said, heard in pairs), Errors(0, 0))


def percentile(values: Sequence[float], share: float) -> float | None:
    """Nearest-rank percentile, None of nothing: an absent figure is not a good one."""
    ordered = sorted(values)
    return round(ordered[max(0, int(np.ceil(share * len(ordered))) - 1)], 1) if ordered else None


def part(count: int, whole: int) -> float | None:
    """`count` of `whole` as a share, None of nothing."""
    return round(count / whole, 4) if whole else None
