"""Has somebody who paused after these words finished? Pure, from the text, its meaning and the open question."""

from __future__ import annotations

from typing import Protocol

from contracts.screen import Language
from kiosk.audio.pauses import Standing
from kiosk.dialogue.meaning import Words


class Endings(Protocol):
    """Tells sentences from beginnings of sentences. `sure` and `open` are its own measured thresholds."""

    sure: float
    open: float

    def finished(self, text: str, language: Language) -> float:
        """Probability that a speaker who paused here has finished."""


def standing(words: Words, endings: Endings | None, *, answers_question: bool) -> Standing:
    """How the words so far stand. `answers_question`: they are one of the answers that she is waiting for."""
    if not words.clear or not words.text.strip():
        return "unknown"
    if answers_question:
        return "finished"
    if endings is None:
        return "unknown"
    chance = endings.finished(words.text, words.language)
    return "finished" if chance >= endings.sure else "unfinished" if chance <= endings.open else "unknown"
