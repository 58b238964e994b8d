"""Has somebody who paused after these words finished? Pure, from the text, its meaning and the open question."""

from __future__ import annotations

import re
from typing import Final, Protocol

from contracts.screen import Language
from kiosk.audio.pauses import Standing
from kiosk.dialogue.meaning import Meaning, Words

_ZH_SYLLABLE: Final = re.compile(r"[\u4e00-\u9fff0-9]|[a-z]+")
_EN_SYLLABLE: Final = re.compile(r"[aeiouy]+|[0-9]")


class Endings(Protocol):
    """Tells sentences from beginnings of sentences. From `sure` on it is over, up to `open` it is not; measured."""

    sure: float
    open: float

    def finished(self, text: str, language: Language) -> float:
        """Probability that a speaker who paused here has finished."""


def standing(words: Words, meaning: Meaning, endings: Endings | None, *, answers_question: bool) -> Standing:
    """How the words so far stand. `answers_question`: they are one of the answers that she is waiting for.

    What is not understood yet is not finished yet either: the words that explain it may come.
    """
    if not words.clear or not words.text.strip():
        return "unknown"
    if answers_question:
        return "finished"
    if endings is None:
        return "unknown"
    chance = endings.finished(words.text, words.language)
    if chance <= endings.open:
        return "unfinished"
    return "finished" if chance >= endings.sure and meaning.decision == "act" else "unknown"


def syllables(text: str, language: Language) -> int:
    """How many syllables were said: characters in Mandarin, groups of vowels in English; figures count as one each."""
    return len((_ZH_SYLLABLE if language == "zh" else _EN_SYLLABLE).findall(text.lower()))
