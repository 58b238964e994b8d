"""Cries for help: staff at once, without a conversation. Pure.

A cry is short and about now. Who asks for help with a form, reports a stolen card or calls a fee robbery is not in
danger; who is in danger and says so in many words is still heard.
"""

from __future__ import annotations

from typing import Final, Literal, get_args

from contracts.screen import Language
from kiosk.risk.words import load_book

Danger = Literal["robbery", "collapse", "fire", "violence", "help"]
DANGERS: Final[tuple[Danger, ...]] = get_args(Danger)

CALMING: Final[dict[Danger, tuple[str, str]]] = {
    "robbery": ("请往后退，保安马上到。", "Please step back. Security is coming now."),
    "collapse": (
        "别动他，同事马上过来，正在叫急救。",
        "Please don't move them. A colleague is coming and calls an ambulance.",
    ),
    "fire": ("请马上从大门离开，不要回头拿东西。", "Please leave by the main door now. Leave your things."),
    "violence": ("请到我这边来，保安马上到。", "Please come to this side. Security is coming now."),
    "help": ("我马上叫人过来，请别走开。", "I am calling somebody right now. Please stay here."),
}
"""What is said meanwhile: Mandarin, English."""


def danger_in(text: str, language: Language) -> Danger | None:
    """The danger that tidied `text` cries about, or None."""
    book = load_book(language)
    if book.calm.search(text):
        return None
    return next((danger for danger in DANGERS if book.dangers[danger].search(text)), None)
