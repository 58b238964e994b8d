"""Is this only a sign that somebody listens? 'Mm-hm', 'oh, I see' said over her, against words that want something.

A linear reading of the sentence encoder (`models/sentences.py`), so that it holds for wordings that no list has. The
weights are this project's own (`python -m models.train.listening`).
"""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

WEIGHTS: Final = Path(__file__).parent / "weights" / "listening.npz"

Floats = npt.NDArray[np.float32]


class ListeningError(RuntimeError):
    """The weights are missing or damaged; the text names the file and the command that makes it."""


class Encoder(Protocol):
    """What a sentence means: `models/sentences.py`."""

    def read(self, text: str) -> tuple[Floats, Floats]: ...


class Listening:
    """Judges short texts. One thread calls it at a time."""

    def __init__(self, encoder: Encoder, path: Path = WEIGHTS) -> None:
        """Raises `ListeningError`."""
        self._encoder = encoder
        try:
            with np.load(path) as stored:
                self._weights = np.asarray(stored["weights"], np.float32)
                self._bias = float(stored["bias"])
        except (OSError, KeyError, ValueError, zipfile.BadZipFile) as err:
            raise ListeningError(f"{path} is missing or damaged: run `python -m models.train.listening`") from err

    def probability(self, text: str) -> float:
        """That `text`, said over her, only shows that somebody listens; 0 for a text without words."""
        meaning, traits = self._encoder.read(text)
        if not meaning.any():
            return 0.0
        return 1.0 / (1.0 + math.exp(-float(np.concatenate((meaning, traits)) @ self._weights + self._bias)))
