"""Is somebody speaking in these 32 ms? silero's network, one frame after the other.

It knows speech from noise, not one speaker from another: babble counts as speech.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from models.sessions import open_session

RATE_HZ: Final = 16_000
FRAME_SAMPLES: Final = 512
_CONTEXT_SAMPLES: Final = 64  # of the frame before, which the network wants in front
_FULL_SCALE: Final = np.float32(32768)


class SileroVad:
    """One stream's voice activity. Holds the network's memory: not for two streams at once."""

    def __init__(self, path_folder: Path) -> None:
        self._session = open_session(path_folder / "silero.onnx", threads=1, shapes="one")
        self._rate = np.array(RATE_HZ, np.int64)
        self.reset()

    def reset(self) -> None:
        """Forget everything heard: a new visitor."""
        self._state = np.zeros((2, 1, 128), np.float32)
        self._context = np.zeros((1, _CONTEXT_SAMPLES), np.float32)

    def probability(self, samples: npt.NDArray[np.int16]) -> float:
        """Chance in [0, 1] that the next FRAME_SAMPLES samples at RATE_HZ hold speech.

        `samples` (512,) int16, following those of the call before. Raises ValueError for another shape.
        """
        if samples.shape != (FRAME_SAMPLES,) or samples.dtype != np.int16:
            raise ValueError(f"a frame is {FRAME_SAMPLES} samples of int16, not {samples.shape} of {samples.dtype}")
        frame = samples[None].astype(np.float32) / _FULL_SCALE
        heard = np.concatenate([self._context, frame], axis=1)
        feeds = {"input": heard, "state": self._state, "sr": self._rate}
        chance, self._state = self._session.run(None, feeds)
        self._context = heard[:, -_CONTEXT_SAMPLES:]
        return float(chance[0, 0])
