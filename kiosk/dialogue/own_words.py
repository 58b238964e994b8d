"""Are these her own words? What was recognised against what she was saying at that moment.

Mandarin is compared by its syllables, because a recogniser that hears her through an echo writes other characters of
the same sound; English by words that may differ in a letter or two. Only what was audible while the words were heard
counts: a visitor who answers 'a ticket' after 'Would you like a ticket?' repeats her and is not her.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from pypinyin import lazy_pinyin

# Places within a clause are known by proportion only: so much earlier or later she may have said a word.
SLACK_NS: Final = 1_000_000_000
ECHO_NS: Final = 400_000_000  # the loudspeaker's and the room's delay after her last word
_UNIT: Final = re.compile(r"[\u3400-\u9fff]|[a-z]+(?:'[a-z]+)?|\d")
_DIGITS_ZH: Final = ("ling", "yi", "er", "san", "si", "wu", "liu", "qi", "ba", "jiu")
_DIGITS_EN: Final = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
# What a recogniser, and many a speaker, does not keep apart.
_SAME_SOUND: Final = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("ng", "n"), ("l", "n"), ("h", "f"))


@dataclass(frozen=True, slots=True)
class SpokenSpan:
    """One clause of hers and when it was audible, monotonic; cut off where she was stopped."""

    text: str = field(repr=False)
    start_ns: int
    end_ns: int


def own_words(heard: str, spoken: Sequence[SpokenSpan], start_ns: int, end_ns: int) -> float:
    """Share 0..1 of `heard`, said between `start_ns` and `end_ns`, that she was saying at that time."""
    audible = _audible_share(spoken, start_ns, end_ns)
    units = sounds(heard)
    if not units or audible <= 0.0:
        return 0.0
    said: list[str] = []
    for span in sorted(spoken, key=lambda span: span.start_ns):
        parts = sounds(span.text)
        step_ns = (span.end_ns - span.start_ns) / max(1, len(parts))
        said += [
            part
            for number, part in enumerate(parts)
            if start_ns - SLACK_NS <= span.start_ns + (number + 0.5) * step_ns <= end_ns + SLACK_NS
        ]
    return min(audible, 1.0 - _fewest_changes(units, said) / len(units))


def sounds(text: str) -> list[str]:
    """The comparable units of a text, in order: syllables without tone, words, digits as they are read."""
    chinese = any("\u3400" <= character <= "\u9fff" for character in text)
    found = []
    for unit in _UNIT.findall(text.lower()):
        if unit.isdigit():
            found.append((_DIGITS_ZH if chinese else _DIGITS_EN)[int(unit)])
        else:
            found.append(lazy_pinyin(unit)[0] if "\u3400" <= unit[0] <= "\u9fff" else unit)
    return found


def _audible_share(spoken: Sequence[SpokenSpan], start_ns: int, end_ns: int) -> float:
    """Share of the time of the words in which she was audible, pauses between her clauses of up to 400 ms included."""
    covered, at = 0, start_ns
    for span in sorted(spoken, key=lambda span: span.start_ns):
        first, last = max(at, span.start_ns), min(end_ns, span.end_ns + ECHO_NS)
        if last > first:
            covered += last - first
            at = last
    return covered / max(1, end_ns - start_ns)


def _fewest_changes(heard: list[str], said: list[str]) -> float:
    """The smallest edit distance of `heard` to any stretch of `said` (Sellers 1980)."""
    row = np.zeros(len(said) + 1)
    for number, unit in enumerate(heard, start=1):
        below = np.empty_like(row)
        below[0] = number
        for place, other in enumerate(said, start=1):
            below[place] = min(row[place] + 1, below[place - 1] + 1, row[place - 1] + difference(unit, other))
        row = below
    return float(row.min())


def difference(a: str, b: str) -> float:
    """0 for the same sound, a half for one that is easily taken for the other, 1 for another."""
    if a == b:
        return 0.0
    if _merged(a) == _merged(b):
        return 0.25
    longer = max(len(a), len(b))
    if longer < 4 or abs(len(a) - len(b)) > 2:
        return 1.0
    return 0.5 if _letters_changed(a, b) <= (1 if longer < 8 else 2) else 1.0


def _merged(sound: str) -> str:
    for from_, to in _SAME_SOUND:
        sound = sound.replace(from_, to)
    return sound


def _letters_changed(a: str, b: str) -> int:
    row = list(range(len(b) + 1))
    for number, letter in enumerate(a, start=1):
        before, row[0] = row[0], number
        for place, other in enumerate(b, start=1):
            before, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, before + (letter != other))
    return row[-1]
