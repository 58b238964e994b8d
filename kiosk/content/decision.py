"""Whether the best entry really answers: a calibrated yes or no, learned from questions with and without an answer.

A wrong answer in a bank costs more than none, so the threshold is set where development questions without an answer
are turned away; the figures stand with the weights.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from contracts.screen import Language
from kiosk.content.retrieval import WAYS, Ranking
from kiosk.content.words import elsewhere, wants_advice

WEIGHTS: Final = Path(__file__).parent / "weights.json"
OUT_OF_SCOPE: Final = "other"
FEATURES: Final = (
    "score", "margin", "near", "across", "centre", "words", "sounds", "kind", "intent", "about",
    "odd", "numbers", "other", "certain", "elsewhere", "advice", "near_and_words", "nearest", "lead",
    "first_near", "first_centre", "first_words", "length",
)  # fmt: skip
MARGIN_MOST: Final = 6.0
LENGTH_MOST: Final = 40
_NEAR, _ACROSS, _CENTRE, _WORDS = (WAYS.index(way) for way in ("near", "across", "centre", "words"))


class WeightsError(ValueError):
    """The learned weights are missing or damaged; the text names the file."""


@dataclass(frozen=True, slots=True)
class Weights:
    """`ways` add up to an entry's score; the rest decides. Written by `python -m bench.knowledge_fit`."""

    ways: Mapping[str, float]
    bias: Mapping[Language, float]
    decide: npt.NDArray[np.float64]  # (FEATURES,)
    middle: npt.NDArray[np.float64]  # (FEATURES,) subtracted
    spread: npt.NDArray[np.float64]  # (FEATURES,) divided by
    threshold: Mapping[Language, float]  # probability from which the entry is said

    @classmethod
    def load(cls, path: Path = WEIGHTS) -> Weights:
        """Raises `WeightsError`."""
        try:
            card = json.loads(path.read_text("utf-8"))
            table = card["decide"]
            if tuple(table) != FEATURES or tuple(card["ways"]) != WAYS:
                raise WeightsError(f"{path}: made for other features: run `python -m bench.knowledge_fit`")
            rows = np.array([table[name] for name in FEATURES], np.float64)
            return cls(
                ways={way: float(card["ways"][way]) for way in WAYS},
                bias={language: float(card["bias"][language]) for language in ("zh", "en")},
                decide=rows[:, 0],
                middle=rows[:, 1],
                spread=rows[:, 2],
                threshold={language: float(card["threshold"][language]) for language in ("zh", "en")},
            )
        except (OSError, ValueError, KeyError, TypeError, IndexError) as err:
            if isinstance(err, WeightsError):
                raise
            raise WeightsError(f"{path}: damaged ({err!r}): run `python -m bench.knowledge_fit`") from err

    def probability(self, features: npt.NDArray[np.float64], language: Language) -> float:
        """That the best entry answers the question."""
        total = float(((features - self.middle) / self.spread) @ self.decide) + self.bias[language]
        return 1.0 / (1.0 + math.exp(-max(-40.0, min(40.0, total))))


def features(ranking: Ranking, ranked_intents: Sequence[tuple[str, float]]) -> npt.NDArray[np.float64]:
    """`(FEATURES,)`: how good the best entry is, how far ahead, and how strange the question."""
    first, second = ranking.order[0], ranking.order[1] if len(ranking.order) > 1 else ranking.order[0]
    scores = ranking.scores - ranking.scores.max()
    certain = 1.0 / float(np.exp(scores).sum())
    ways = ranking.ways
    near = ways[:, _NEAR]
    best_other = float(np.partition(np.delete(near, first), -1)[-1]) if len(near) > 1 else -1.0
    return np.array(
        [
            ranking.scores[first],
            min(MARGIN_MOST, float(ranking.scores[first] - ranking.scores[second])),
            *ranking.ways[first],
            ranking.odd,
            float(ranking.numbers),
            dict(ranked_intents).get(OUT_OF_SCOPE, 0.0),
            certain,
            float(elsewhere(ranking.text)),
            float(wants_advice(ranking.text)),
            near[first] * ways[first, _WORDS],
            max(near[first], ways[first, _ACROSS]),
            near[first] - best_other,
            float(near.argmax() == first),
            float(ways[:, _CENTRE].argmax() == first),
            float(ways[:, _WORDS].argmax() == first),
            min(len(ranking.text), LENGTH_MOST),
        ],
        np.float64,
    )
