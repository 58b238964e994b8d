"""What a sentence or the keypad answers of the things a flow needs to know. Pure.

`readings` are those of `models/slots.py`: `amount`, `digits` (any run of them), `tail` (digits that
were named as the end of a number), `ticket_no`, `date`, `time`, `period`, `currency`, `switch`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from config.flows import NAME_KIND, Slot

_SAME: Final = {"date": "date", "time": "time", "currency": "currency", "period": "period", "switch": "switch",
                "ticket": "ticket_no", "service": "service", "payee": "payee", "priority": "priority"}  # fmt: skip
TYPED_MOST: Final = 19  # digits of the longest card number
PIN_DIGITS: Final = 6
SCALE_MOST: Final = 10
NAME_READINGS: Final = 2  # beside the first
NAME_LEAST: Final = 4  # keys: a short name of one syllable each
NAME_MOST: Final = 24  # keys: the longest of four syllables
_ENGLISH: Final = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_SCALE: Final = {
    **{sign: str(n) for n, sign in enumerate("零一二三四五六七八九十")}, "两": "2",
    **{word: str(n) for n, word in enumerate(_ENGLISH)},
}  # fmt: skip
_SCALE_WORD: Final = re.compile(
    r"\d+|(?<!第)[零一二两三四五六七八九十](?![点些下样])|\b(?:zero|one|two|three|four|five|six|seven|eight|nine|ten)\b",
    re.IGNORECASE,
)


def typed_most(slot: Slot) -> int:
    """How many digits the keypad takes."""
    if slot.secret:
        return PIN_DIGITS
    if slot.kind == NAME_KIND:
        return NAME_MOST
    return max(slot.digits, default=len(str(slot.most)) if slot.kind == "amount" else TYPED_MOST)


def fits(slot: Slot, value: str) -> bool:
    """Whether a value is one that the flow can use."""
    match slot.kind:
        case "amount":
            return value.isdecimal() and slot.least <= int(value) <= slot.most and int(value) > 0
        case "pin":
            return value.isdecimal() and len(value) == PIN_DIGITS
        case "phone":
            return value.isdecimal() and len(value) == 11 and value.startswith("1")
        case "digits" | "code":
            return value.isdecimal() and (not slot.digits or len(value) in slot.digits)
        case "scale":
            return value.isdecimal() and int(value) <= SCALE_MOST
        case "name" if value.isdecimal():
            return NAME_LEAST <= len(value) <= NAME_MOST
    return bool(value)


def read_whole(kind: str, text: str, readings: Sequence[str] = ()) -> dict[str, str]:
    """What a question takes from the whole sentence: the words themselves, a name in any of its readings, or one
    number from 0 to 10 in them."""
    if kind == "words":
        return {"words": text}
    if kind == NAME_KIND:
        return {"name": "\n".join((text, *readings[:NAME_READINGS]))} if any(c.isalpha() for c in text) else {}
    if kind != "scale":
        return {}
    found = [_SCALE.get(one.lower(), one) for one in _SCALE_WORD.findall(text)]
    numbers = {int(one) for one in found if int(one) <= SCALE_MOST}
    return {"scale": str(numbers.pop())} if len(found) == 1 and numbers else {}


def given(slots: Mapping[str, Slot], asked: str | None, readings: Mapping[str, str]) -> dict[str, str]:
    """The slots that a sentence fills: the one that was asked for first, others only where they were named."""
    found: dict[str, str] = {}
    spec = slots.get(asked or "")
    if asked and spec and not spec.secret and (value := _asked(spec, readings)):
        found[asked] = value
    for name, slot in slots.items():
        if name in found or slot.secret:
            continue
        value = _named(slot, readings)
        if value and value not in found.values() and fits(slot, value):
            found[name] = value
    return found


def _asked(slot: Slot, readings: Mapping[str, str]) -> str | None:
    """The answer to a question; a bare number will do."""
    match slot.kind:
        case "amount":
            tried = [readings.get("amount"), None if "tail" in readings else readings.get("digits")]
        case "digits" | "phone" | "code":
            tried = [readings.get("tail"), readings.get("digits")]
        case "words" | "scale" | "name":
            tried = [readings.get(slot.kind)]
        case _:
            tried = [_named(slot, readings)]
    return next((value for value in tried if value and fits(slot, value)), None)


def _named(slot: Slot, readings: Mapping[str, str]) -> str | None:
    """What a sentence says of this slot without having been asked."""
    match slot.kind:
        case "amount":
            return readings.get("amount")
        case "digits":
            return readings.get("tail")
        case "phone" | "code":
            return readings.get("digits")
        case "words" | "scale" | "name":
            return None  # only where it is asked for
        case _:
            return readings.get(_SAME.get(slot.kind, ""))
