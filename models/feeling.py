"""Which feeling speaks from a sentence that names none: a small regression over its meaning.

Trained by `python -m models.train.feeling`. It refuses to hear voices; that is `kiosk/feeling/`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from models.intent_features import normalise

WEIGHTS: Final = Path(__file__).parent / "weights"
FEELINGS: Final = ("joy", "trust", "fear", "surprise", "sadness", "disgust", "anger", "anticipation")
WIDTH: Final = 512

Floats = npt.NDArray[np.float32]


class FeelingModelError(ValueError):
    """The weights are missing or of another shape; the text names the file and the command that makes it."""


class Embedder(Protocol):
    def embed(self, text: str) -> Floats: ...


class FeelingModel:
    """A `kiosk.feeling.feeling.Reader`. One thread calls it at a time."""

    def __init__(self, encoder: Embedder, folder: Path = WEIGHTS) -> None:
        """Raises `FeelingModelError`."""
        path = folder / "feeling.npz"
        try:
            with np.load(path) as held:
                self._weights, self._bias = held["weights"].astype(np.float32), held["bias"].astype(np.float32)
        except (OSError, KeyError, ValueError) as err:
            raise FeelingModelError(f"{path}: {err}: run `python -m models.train.feeling`") from err
        if self._weights.shape != (len(FEELINGS) + 1, WIDTH) or self._bias.shape != (len(FEELINGS) + 1,):
            raise FeelingModelError(f"{path}: of another shape: run `python -m models.train.feeling`")
        self._encoder = encoder

    def read(self, text: str) -> dict[str, float]:
        """Probability of each feeling; what is missing to 1 is none."""
        meaning = self._encoder.embed(normalise(text))
        if not meaning.any():
            return dict.fromkeys(FEELINGS, 0.0)
        logits = self._weights @ meaning + self._bias
        shares = np.exp(logits - logits.max())
        shares /= shares.sum()
        return {name: float(share) for name, share in zip(FEELINGS, shares[1:], strict=True)}
