"""Words in, meaning out: intents with calibrated probabilities, and slots."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

from contracts.screen import Language
from kiosk.dialogue.by_sound import as_numbers, mended
from kiosk.dialogue.meaning import Meaning, Words
from kiosk.dialogue.several import CLEARLY, NO_WISHES, wishes_apart
from kiosk.runtime.worker import ModelThread

READINGS: Final = 4  # of the recogniser's guesses that count beside the first
SHORT: Final = 40  # characters of what may be a bare answer
READINGS_OF_A_NOD: Final = 4
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


Listens = Callable[[str], float]
SlotReader = Callable[[str, Language], Mapping[str, str]]


class ModelUnderstanding:
    """An `Understanding` over the trained classifier and the slot readers."""

    def __init__(
        self, model: IntentClassifier, thread: ModelThread, slots: SlotReader, listens: Listens | None = None
    ) -> None:
        """`listens` tells signs of listening from wishes; without it only the list of them does."""
        self._listens = listens
        self._model = model
        self._thread = thread
        self._slots = slots

    async def understand(self, words: Words) -> Meaning:
        return await self._thread.call(self._understand, words)

    def _understand(self, words: Words) -> Meaning:
        text = words.text[:TEXT_LIMIT]
        if not words.clear:  # nothing is done about it; over her, it may still be but a nod
            return Meaning([], "unsure", listening=self._listening(words, text))
        found = self._classified(words, text)
        decision = found.decision
        slots = self._slots(mended(text), words.language)
        if wishes := self._several(text, words.language):
            return Meaning([(wishes[0], 1.0)], "act", slots, text, then=tuple(wishes[1:]))
        return Meaning(
            ranked=[(row.intent, row.probability) for row in found.ranked],
            decision="act" if decision == "act" else "ask" if decision == "ask" else "unsure",
            slots=slots,
            text=text,
            listening=self._listening(words, text),
            others=self._other_slots(words, text),
            readings=tuple(other[:SHORT] for other, _ in words.alternatives[:READINGS]),
        )

    def _classified(self, words: Words, text: str) -> Classified:
        """By all readings; where the first was spelled with this bank's words and is clear by itself, by that alone:
        the others are what those words were put for."""
        if words.hot:
            alone = self._model.classify(text, (), words.language)
            if alone.decision == "act":
                return alone
        return self._model.classify(text, weighted(words.alternatives), words.language)

    def _other_slots(self, words: Words, text: str) -> tuple[Mapping[str, str], ...]:
        """What other readings of a short answer name, the likeliest first; then what it names by its sound."""
        if len(text) > SHORT:
            return ()
        readings = [text, *(other for other, _ in words.alternatives[:READINGS] if len(other) <= SHORT)]
        found = [self._slots(mended(reading), words.language) for reading in readings[1:]]
        found += [
            self._slots(by_sound, words.language)
            for reading in readings
            if (by_sound := as_numbers(reading)) != reading
        ]
        return tuple(slots for slots in found if slots)

    def _listening(self, words: Words, text: str) -> float:
        """By the reading that is most like listening: a nod said over her is often misheard in its first sound."""
        if self._listens is None:
            return 0.0
        readings = [text, *(other[:TEXT_LIMIT] for other, _ in words.alternatives[:READINGS_OF_A_NOD])]
        return max(map(self._listens, readings))

    def _several(self, text: str, language: Language) -> list[str]:
        """The wishes of a sentence that names more than one, each clearly; else none."""
        parts = wishes_apart(text)
        if len(parts) < 2:
            return []
        wishes: list[str] = []
        for part in parts:
            found = self._model.classify(part, (), language)
            if found.ranked and found.ranked[0].probability >= CLEARLY and found.ranked[0].intent not in NO_WISHES:
                wishes.append(found.ranked[0].intent)
        apart = list(dict.fromkeys(wishes))
        return apart if len(apart) > 1 else []


def weighted(alternatives: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
    """Other readings with weights in (0, 1): mean log probabilities a word apart become shares, best first."""
    return [
        (text[:TEXT_LIMIT], min(1.0, max(0.01, math.exp(min(0.0, log_probability)))))
        for text, log_probability in alternatives[:READINGS]
        if text
    ]
