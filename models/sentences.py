"""What a sentence means, as a direction: Mandarin and English that mean the same point the same way.

Universal Sentence Encoder, multilingual, version 3 (Yang et al. 2019). It knows nothing of banks; what is near what
is for others to judge (`models/intent.py`, `kiosk/content/retrieval.py`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import sentencepiece

from models.intent_features import simplified
from models.sessions import SessionError, open_session

WIDTH: Final = 512
TRAITS: Final = 1280
PIECES_LIMIT: Final = 160  # nobody says more at a go; a longer text costs time and says little more

Floats = npt.NDArray[np.float32]


class SentenceModel:
    """Turns sentences into directions. One thread calls it at a time."""

    def __init__(self, folder: Path, threads: int = 1) -> None:
        """Raises `SessionError` naming the file that cannot be read."""
        self._session = open_session(folder / "sentences.onnx", threads)
        try:
            self._cutter = sentencepiece.SentencePieceProcessor(model_file=str(folder / "pieces.model"))
        except (OSError, RuntimeError) as err:
            raise SessionError(f"{folder / 'pieces.model'}: {err}") from err

    def embed(self, text: str) -> Floats:
        """(512,) float32 of length one; zeros for a text without a word in it."""
        return self.read(text)[0]

    def read(self, text: str) -> tuple[Floats, Floats]:
        """The direction (512,) of `text`, and the traits (1280,) that it was read from: for who learns from examples.

        Both are zeros for a text without a word in it.
        """
        pieces = self._cutter.encode(simplified(text.lower()), add_bos=True, add_eos=True)[:PIECES_LIMIT]
        if len(pieces) <= 2:
            return np.zeros(WIDTH, np.float32), np.zeros(TRAITS, np.float32)
        meaning, traits = self._session.run(None, {"pieces": np.array(pieces, np.int64)})
        return np.asarray(meaning, np.float32), np.asarray(traits, np.float32)
