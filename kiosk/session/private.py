"""What of a visit is nobody else's business: masked until the visitor asks to see it, and gone after seconds. Pure."""

from __future__ import annotations

import re
from typing import Final

from config.flows import Phrases
from contracts.screen import ConfirmRow, ConfirmView, Language
from kiosk.dialogue.wording import Wording, pick
from kiosk.session.visit import Visit

REVEAL: Final = "reveal"
SHOWN_S: Final = 6.0
DOT: Final = "•"
PRIVATE_FLOWS: Final = frozenset(
    {"balance", "repay", "transfer", "redeem", "phone", "booking", "loss", "activate", "alerts", "unlock", "mobile"}
)
_NUMBER: Final = re.compile(r"\d(?:[\d,.\s]*\d){2,}")  # three digits or more, as amounts and numbers are written


def masked(text: str) -> str:
    """The same length with every digit of an amount or a number hidden: what is said so far still counts right."""
    return _NUMBER.sub(lambda match: re.sub(r"\d", DOT, match[0]), text)


def is_private(visit: Visit) -> bool:
    """Whether this conversation is about the visitor's own money or papers."""
    place = visit.place or (visit.last.place if visit.last else None)
    return place is not None and place.flow in PRIVATE_FLOWS


def has_numbers(visit: Visit) -> bool:
    """Whether there is anything on the page now that is masked."""
    texts = [visit.caption.text if visit.caption else "", visit.heard]
    return is_private(visit) and any(_NUMBER.search(text) for text in texts)


def confirm_view(phrases: Phrases, visit: Visit, language: Language) -> ConfirmView | None:
    """What was understood, row by row; None where nothing was that has a name."""
    place = visit.place
    if place is None:
        return None
    wording = Wording(phrases)
    rows = []
    for name, row in phrases.rows.items():
        value = place.slots.get(name, "")
        if not value:
            continue
        said = wording.value(value, language)
        if row.money and value.isdecimal():
            said = f"{int(value):,} 元" if language == "zh" else f"{int(value):,} yuan"
        if row.private and not visit.revealed:
            said = re.sub(r"\d", DOT, said)
        rows.append(ConfirmRow(pick(row.label, language), said, private=row.private))
    return ConfirmView(tuple(rows), open=visit.revealed) if rows else None
