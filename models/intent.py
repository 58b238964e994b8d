"""What does the visitor want? One of the ids of `config/intents.tsv`, with an honest probability.

Serves the moment between 'she heard' and 'she answers'. It knows no answers and keeps no memory:
a sentence in, a ranking and one of three decisions out. The weights are this project's own
(`python -m models.train.intent`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Protocol

import numpy as np
import numpy.typing as npt

from models.intent_features import extract, spoken_language
from models.sentences import SentenceModel
from models.sessions import SessionError, open_session
from models.store import Store

WEIGHTS: Final = Path(__file__).parent / "weights"
TOP: Final = 5
MAX_ALTERNATIVES: Final = 5
LANGUAGES: Final = ("zh", "en")
OUT_OF_SCOPE: Final = "other"
TEXT_LIMIT: Final = 400  # characters: as much as one says in half a minute

Decision = Literal["act", "ask", "unsure"]


class Encoder(Protocol):
    """What a sentence means: `models/sentences.py`."""

    def read(self, text: str) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]: ...


class IntentModelError(RuntimeError):
    """The model's files are missing or do not belong together; the text names them."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """An intent and its calibrated probability in [0, 1]."""

    intent: str
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Understanding:
    """What the words mean: the five likeliest intents and what may be done about them.

    `act`: do the first. `ask`: offer the first two. `unsure`: ask openly or hand over to a person.
    """

    ranked: tuple[Ranked, ...]
    decision: Decision


class IntentModel:
    """The trained classifier; loads in well under a second and is safe to call from one thread."""

    def __init__(self, encoder: Encoder, folder: Path = WEIGHTS) -> None:
        """`encoder`: the sentence encoder that the model was trained with.

        Raises `IntentModelError` if a file is missing or the graph has other labels than its card.
        """
        graph, card_path = folder / "intent.onnx", folder / "intent.json"
        for path in (graph, card_path):
            if not path.is_file():
                raise IntentModelError(f"{path} is missing: run `python -m models.train.intent`")
        try:
            card = json.loads(card_path.read_text(encoding="utf-8"))
            self.labels: tuple[str, ...] = tuple(card["labels"])
            self._temperature = float(card["temperature"])
            self._thresholds: dict[str, tuple[float, float]] = {
                language: (float(card["thresholds"][language]["act"]), float(card["thresholds"][language]["ask"]))
                for language in LANGUAGES
            }
        except (ValueError, KeyError, TypeError) as err:
            raise IntentModelError(f"{card_path} is damaged ({err!r}): run `python -m models.train.intent`") from err
        try:
            self._session = open_session(graph, shapes="some")  # a fraction of a millisecond: one thread
        except SessionError as err:
            raise IntentModelError(f"{graph} is damaged: run `python -m models.train.intent`") from err
        self._encoder = encoder
        if not self._session.get_outputs() or self._session.get_outputs()[0].shape != [len(self.labels)]:
            raise IntentModelError(f"{graph} and {card_path} do not belong together")

    @classmethod
    def open(cls, store: Store | None = None, folder: Path = WEIGHTS) -> IntentModel:
        """With a sentence encoder of its own. Raises `IntentModelError`, `StoreError`."""
        return cls(SentenceModel((store or Store()).open("sentences")), folder)

    def probabilities(self, text: str) -> npt.NDArray[np.float32] | None:
        """`(labels,)` summing to 1, or None for a text without a word in it."""
        features, shares = extract(text)
        if features.size == 0:
            return None
        meaning = np.concatenate(self._encoder.read(text[:TEXT_LIMIT]))
        (logits,) = self._session.run(None, {"features": features, "shares": shares, "meaning": meaning})
        scaled = np.exp((logits - logits.max()) / self._temperature)
        return np.asarray(scaled / scaled.sum(), dtype=np.float32)

    def classify(
        self, text: str, alternatives: Sequence[tuple[str, float]] = (), language: str | None = None
    ) -> Understanding:
        """Rank intents for what was heard.

        `alternatives` are the recogniser's other readings with weights in (0, 1] relative to
        `text`, which has 1; the first five count. `language` chooses the thresholds; None lets the
        script of the text choose. Any text is accepted; one without words is `unsure` and unranked.
        """
        total = np.zeros(len(self.labels), dtype=np.float64)
        weight = 0.0
        for reading, share in [(text, 1.0), *alternatives[:MAX_ALTERNATIVES]]:
            found = self.probabilities(reading) if 0.0 < share <= 1.0 else None
            if found is not None:
                total += share * found
                weight += share
        if weight == 0.0:
            return Understanding(ranked=(), decision="unsure")
        total /= weight
        order = np.argsort(-total, kind="stable")[:TOP]
        ranked = tuple(Ranked(self.labels[i], float(total[i])) for i in order)
        known = language if language in self._thresholds else spoken_language(text)
        return Understanding(ranked=ranked, decision=self._decide(ranked, *self._thresholds[known]))

    @staticmethod
    def _decide(ranked: tuple[Ranked, ...], act: float, ask: float) -> Decision:
        first, second = ranked[0], ranked[1]
        if first.probability >= act:
            return "act"
        # 'Did you mean this, or something else entirely?' is no question to put to a visitor.
        offered = OUT_OF_SCOPE not in (first.intent, second.intent)
        return "ask" if offered and first.probability + second.probability >= ask else "unsure"
