"""Cuts an answer into clauses that can be spoken one after the other: the first plays while the next is made."""

from __future__ import annotations

import re
from typing import Final

# sentence ends keep their mark; a full stop between digits is a decimal point
_END: Final = re.compile(r"(?<=[。！？!?；;])\s*|(?<=[^\d\s.]\.)\s+|(?<=\d\.)\s+(?=[A-Z])")
_COMMA: Final = re.compile(r"(?<=[，,：:])\s*(?!\d)")
LONG: Final = {"zh": 20, "en": 60}
# Where a number phrase begins: an amount with its sign, a ticket, digits. What stands before it is often always the
# same, and a receptionist too draws breath there.
_NUMBER: Final = re.compile(r"(?<![\dA-Za-z.,:¥$-])(?=[¥$]? ?[A-Z]{0,2}\d)")
SHORTEST: Final = {"zh": 3, "en": 8}  # characters that make an opening: half a second of sound
GROWS: Final = 2.0  # a part may have so many times the characters of the one that plays while it is made


def clauses(text: str, language: str) -> list[str]:
    """Sentences of `text`; long ones are cut once more at their commas. Joined they are `text` but for spaces."""
    found: list[str] = []
    for sentence in _END.split(text.strip()):
        if not sentence:
            continue
        if len(sentence) <= LONG[language]:
            found.append(sentence)
        else:
            found += _packed(_COMMA.split(sentence), LONG[language])
    return found


def opening(clause: str, language: str) -> list[str]:
    """`clause` in parts of which the first is short, for a clause that is not there yet.

    Cut after commas and before a number in the first phrase; each part can be made while the one before it plays.
    One part where there is no natural cut. Joined they are `clause` but for spaces.
    """
    shortest = SHORTEST[language]
    number = _NUMBER.search(clause)
    commas = [m.start() for m in _COMMA.finditer(clause)]
    # only before the first figure, and only in its own phrase: 'A037, with | 3 ahead' nobody says
    carries = number is not None and not any(comma < number.start() for comma in commas)
    cuts = sorted({*commas, *([number.start()] if number and carries else [])})
    parts: list[str] = []
    at = 0
    for place, cut in enumerate(cuts):
        if _sounding(clause[at:cut]) < shortest - bool(parts) or not _sounding(clause[cut:]):
            continue
        following = cuts[place + 1] if place + 1 < len(cuts) else len(clause)
        if parts and _sounding(clause[at:following]) <= GROWS * _sounding(parts[-1]):
            continue  # the part may reach to the next cut: the fewer breaths the better
        parts.append(clause[at:cut].strip())
        at = cut
    return [*parts, clause[at:].strip()]


def _sounding(text: str) -> int:
    return sum(character.isalnum() for character in text)


def _packed(parts: list[str], limit: int) -> list[str]:
    """Join neighbouring parts as long as they stay within `limit` characters."""
    packed: list[str] = []
    for part in filter(None, parts):
        if packed and len(packed[-1]) + len(part) <= limit:
            packed[-1] += part
        else:
            packed.append(part)
    return packed
