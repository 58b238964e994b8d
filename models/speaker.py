"""Is this the same voice? A d-vector network: an utterance becomes 256 numbers, two utterances one cosine.

It compares; it does not know who anybody is. A vector is personal data: it is held for one visit and
never written. Generalised end-to-end d-vectors (Wan et al. 2018): 40 log-mel bands, windows of 80
columns every 40, each window's vector of length one, their mean.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from models.bands import frames_of, slaney_bank
from models.sessions import open_session

Floats = npt.NDArray[np.float32]

RATE_HZ: Final = 16_000
WIDTH: Final = 256
LONGEST_S: Final = 6.0  # more of an utterance changes the vector little and costs time
_WINDOW_SAMPLES: Final = 400
_FFT_SAMPLES: Final = 512
_HOP_SAMPLES: Final = 160
_BANDS: Final = 40
_COLUMNS: Final = 80  # of one run of the network: 0.8 s
_STRIDE_COLUMNS: Final = 40
_FULL_SCALE: Final = np.float32(32768)
_LEVEL: Final = 0.05  # root mean square brought to this: -26 dBFS, so that loudness is not taken for a voice
_QUIET_DB: Final = 30.0  # below the loudest column: no voice in it
# numpy's is symmetric; the network was trained on the periodic one, in the middle of the transform
_HAMMING: Final = np.hamming(_WINDOW_SAMPLES + 1)[:-1].astype(np.float32)


class SpeakerModel:
    """Turns utterances into vectors of a voice. One thread calls it at a time."""

    def __init__(self, folder: Path, threads: int = 1) -> None:
        self._session = open_session(folder / "speaker.onnx", threads)
        self._bank = slaney_bank(_BANDS, _FFT_SAMPLES, RATE_HZ)

    def embed(self, pcm: npt.NDArray[np.int16]) -> Floats:
        """(256,) float32 of length one for `pcm` (n,) at RATE_HZ; zeros where there is no voice in it.

        Silence at the ends is left out; at most the last LONGEST_S of the rest is listened to. Below
        0.8 s the vector says little: see `kiosk/audio/addressee.py`.
        """
        columns = self._columns(pcm)
        if not len(columns):
            return np.zeros(WIDTH, np.float32)
        if len(columns) < _COLUMNS:  # a short word is repeated rather than followed by a void
            columns = np.resize(columns, (_COLUMNS, _BANDS))
        starts = range(0, len(columns) - _COLUMNS + 1, _STRIDE_COLUMNS)
        windows = np.stack([columns[start : start + _COLUMNS] for start in starts])
        (vectors,) = self._session.run(None, {"mel_window": windows})
        vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
        mean = vectors.mean(axis=0)
        return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-9), np.float32)

    def _columns(self, pcm: npt.NDArray[np.int16]) -> Floats:
        """(n, 40) log10 power in mel bands, from the first to the last column with voice."""
        sound = pcm.astype(np.float32) / _FULL_SCALE
        frames = frames_of(sound, _WINDOW_SAMPLES, _HOP_SAMPLES)
        if not len(frames):
            return np.zeros((0, _BANDS), np.float32)
        loud = (frames**2).mean(axis=1)
        voiced = np.flatnonzero(loud > loud.max() * 10 ** (-_QUIET_DB / 10))
        if loud.max() <= 0 or not len(voiced):
            return np.zeros((0, _BANDS), np.float32)
        frames = frames[voiced[0] : voiced[-1] + 1][-int(LONGEST_S * RATE_HZ / _HOP_SAMPLES) :]
        gain = _LEVEL / float(np.sqrt(loud[voiced].mean()))
        power = np.abs(np.fft.rfft(frames * (_HAMMING * gain), _FFT_SAMPLES, axis=1)) ** 2
        return np.asarray(np.log10(power @ self._bank.T + 1e-10), np.float32)


def likeness(a: Floats, b: Floats) -> float:
    """Cosine of two vectors, in [-1, 1]."""
    return float(a @ b)
