"""Cuts an answer into clauses that can be spoken one after the other: the first plays while the next is made."""

from __future__ import annotations

import re
from typing import Final

# sentence ends keep their mark; a full stop between digits is a decimal point
_END: Final = re.compile(r"(?<=[。！？!?；;])\s*|(?<=[^\d\s.]\.)\s+|(?<=\d\.)\s+(?=[A-Z])")
_COMMA: Final = re.compile(r"(?<=[，,：:])\s*(?!\d)")
LONG: Final = {"zh": 20, "en": 60}


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


def _packed(parts: list[str], limit: int) -> list[str]:
    """Join neighbouring parts as long as they stay within `limit` characters."""
    packed: list[str] = []
    for part in filter(None, parts):
        if packed and len(packed[-1]) + len(part) <= limit:
            packed[-1] += part
        else:
            packed.append(part)
    return packed
