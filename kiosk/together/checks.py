"""Whether what stands in a field can stand: pure, the same for what a visitor types and what a teller writes."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

from config.forms import FormField
from contracts.together import VALUE_CHARS, Trouble
from models.amounts import read_amount

CARD_DIGITS: Final = (16, 19)  # of China's debit cards, shortest and longest
PHONE: Final = re.compile(r"1[3-9]\d{9}|0\d{9,11}")
ID_NUMBER: Final = re.compile(r"\d{17}[\dX]")
ID_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
"""GB 11643-1999, after ISO 7064 MOD 11-2."""
ID_CHECK: Final = "10X98765432"
MOST_TYPED: Final[dict[str, int]] = {"amount": 9, "card": 19, "id_number": 18, "phone": 12, "pin": 6, "digits": 20}
"""Characters that the visitor's keys may put into a field of each kind."""


def plain(field: FormField, text: str) -> str:
    """The value as it is kept: spaces out of numbers, amounts in words ('两万') as digits."""
    text = " ".join(text.split())[:VALUE_CHARS]
    match field.kind:
        case "amount":
            bare = text.replace(",", "").replace("，", "").replace(" ", "")
            if bare.isascii() and bare.isdecimal():
                return str(int(bare))
            amount = read_amount(text)
            return text if amount is None else str(amount)
        case "card" | "phone" | "digits" | "pin":
            return re.sub(r"[\s-]", "", text)
        case "id_number":
            return re.sub(r"\s", "", text).upper()
    return text


def trouble_of(field: FormField, value: str, twin: str = "") -> Trouble:
    """Why `value` cannot stand; empty: it can. `twin`: what stands in the field that it must equal."""
    if not value:
        return "" if field.optional else "empty"
    if field.same_as is not None and value != twin:
        return "differs"
    match field.kind:
        case "choice":
            return "" if value in {option.id for option in field.options} else "choice"
        case "amount":
            return _amount(field, value)
        case "card":
            return _card(value)
        case "id_number":
            return _id_number(value)
        case "phone":
            return "" if PHONE.fullmatch(value) else "length" if value.isdecimal() else "digits"
        case "digits" | "pin":
            if not (value.isascii() and value.isdecimal()):
                return "digits"
            return "" if not field.digits or len(value) in field.digits else "length"
    return ""


def luhn(digits: str) -> bool:
    """Whether the last digit of a card's number fits (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 + place % 2)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def _amount(field: FormField, value: str) -> Trouble:
    if not (value.isascii() and value.isdecimal()):
        return "number"
    if int(value) < field.least:
        return "small"
    return "large" if int(value) > field.most else ""


def _card(value: str) -> Trouble:
    if not (value.isascii() and value.isdecimal()):
        return "digits"
    if not CARD_DIGITS[0] <= len(value) <= CARD_DIGITS[1]:
        return "length"
    return "" if luhn(value) else "check"


def _id_number(value: str) -> Trouble:
    if not ID_NUMBER.fullmatch(value) or not value.isascii():
        return "length" if len(value) != 18 else "digits"
    try:
        date(int(value[6:10]), int(value[10:12]), int(value[12:14]))
    except ValueError:
        return "date"
    summed = sum(int(digit) * weight for digit, weight in zip(value[:17], ID_WEIGHTS, strict=True))
    return "" if ID_CHECK[summed % 11] == value[17] else "check"
