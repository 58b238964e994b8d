"""Words in, meaning out: intents with calibrated probabilities, and slots."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

from contracts.screen import Language
from kiosk.dialogue.meaning import Meaning, Words
from kiosk.runtime.worker import ModelThread

READINGS: Final = 4  # of the recogniser's guesses that count beside the first
TEXT_LIMIT: Final = 400  # nobody says more in one utterance of 28 s


class Ranked(Protocol):
    @property
    def intent(self) -> str: ...
    @property
    def probability(self) -> float: ...


class Classified(Protocol):
    @property
    def ranked(self) -> Sequence[Ranked]: ...
    @property
    def decision(self) -> str: ...


class IntentClassifier(Protocol):
    def classify(
        self, text: str, alternatives: Sequence[tuple[str, float]] = (), language: str | None = None
    ) -> Classified: ...


SlotReader = Callable[[str, Language], Mapping[str, str]]


class ModelUnderstanding:
    """An `Understanding` over the trained classifier and the slot readers."""

    def __init__(self, model: IntentClassifier, thread: ModelThread, slots: SlotReader) -> None:
        self._model = model
        self._thread = thread
        self._slots = slots

    async def understand(self, words: Words) -> Meaning:
        return await self._thread.call(self._understand, words)

    def _understand(self, words: Words) -> Meaning:
        if not words.clear:
            return Meaning([], "unsure")
        text = words.text[:TEXT_LIMIT]
        found = self._model.classify(text, weighted(words.alternatives), words.language)
        decision = found.decision
        return Meaning(
            ranked=[(row.intent, row.probability) for row in found.ranked],
            decision="act" if decision == "act" else "ask" if decision == "ask" else "unsure",
            slots=self._slots(text, words.language),
        )


def weighted(alternatives: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
    """Other readings with weights in (0, 1): mean log probabilities a word apart become shares, best first."""
    return [
        (text[:TEXT_LIMIT], min(1.0, max(0.01, math.exp(min(0.0, log_probability)))))
        for text, log_probability in alternatives[:READINGS]
        if text
    ]
