"""What does the visitor want? One of the ids of `config/intents.tsv`, with an honest probability.

Serves the moment between 'she heard' and 'she answers'. It knows no answers and keeps no memory:
a sentence in, a ranking and one of three decisions out. The weights are this project's own
(`python -m models.train.intent`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # read at import; it would write a device id otherwise
import onnxruntime as ort
from onnxruntime.capi.onnxruntime_pybind11_state import (
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
    NotImplemented,
)

from models.intent_features import extract, spoken_language

WEIGHTS: Final = Path(__file__).parent / "weights"
TOP: Final = 5
MAX_ALTERNATIVES: Final = 5
LANGUAGES: Final = ("zh", "en")
OUT_OF_SCOPE: Final = "other"

Decision = Literal["act", "ask", "unsure"]


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

    def __init__(self, folder: Path = WEIGHTS) -> None:
        """Raise `IntentModelError` if a file is missing or the graph has other labels than its card."""
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
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1  # a fraction of a millisecond of work: a second thread only costs
        options.inter_op_num_threads = 1
        try:
            self._session = ort.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
        except (Fail, InvalidGraph, InvalidProtobuf, InvalidArgument, NotImplemented) as err:
            raise IntentModelError(f"{graph} is damaged: run `python -m models.train.intent`") from err
        if not self._session.get_outputs() or self._session.get_outputs()[0].shape != [len(self.labels)]:
            raise IntentModelError(f"{graph} and {card_path} do not belong together")

    def probabilities(self, text: str) -> npt.NDArray[np.float32] | None:
        """`(labels,)` summing to 1, or None for a text without a word in it."""
        features, shares = extract(text)
        if features.size == 0:
            return None
        (logits,) = self._session.run(None, {"features": features, "shares": shares})
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
