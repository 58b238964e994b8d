"""Speech at one loudness, without the silence around it: so that no sentence is louder than the next."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

RATE_HZ: Final = 24_000
LEVEL_DBFS: Final = -20.0  # root mean square over the voiced blocks
KNEE: Final = 0.7  # of full scale; peaks above are bent, never clipped
KEPT_MS: Final = 60  # of silence on each side
_BLOCK_SAMPLES: Final = RATE_HZ // 100
_SILENT_DB: Final = 40.0  # below the loudest block
_QUIETEST: Final = 1e-4  # of full scale: a sound with nothing above this is silence
_LARGEST_GAIN: Final = 10.0


def speech_bounds(sound: Floats) -> tuple[int, int]:
    """First and last sample to keep of `sound` (n,): all within _SILENT_DB of its loudest 10 ms, and KEPT_MS around."""
    loud = _block_rms(sound)
    if not len(loud) or loud.max() < _QUIETEST:
        return 0, len(sound)
    voiced = np.flatnonzero(loud > loud.max() * 10 ** (-_SILENT_DB / 20))
    kept = KEPT_MS * RATE_HZ // 1000
    first = max(0, int(voiced[0]) * _BLOCK_SAMPLES - kept)
    last = min(len(sound), (int(voiced[-1]) + 1) * _BLOCK_SAMPLES + kept)
    return first, last


def level(sound: Floats) -> npt.NDArray[np.int16]:
    """`sound` (n,) float in ±1 at LEVEL_DBFS as int16, its peaks bent softly above KNEE."""
    loud = _block_rms(sound)
    if not len(loud) or loud.max() < _QUIETEST:
        return np.zeros(len(sound), np.int16)
    voiced = loud[loud > loud.max() * 10 ** (-_SILENT_DB / 20)]
    gain = min(_LARGEST_GAIN, 10 ** (LEVEL_DBFS / 20) / float(np.sqrt(np.mean(voiced**2))))
    raised = sound * np.float32(gain)
    over = np.abs(raised) > KNEE
    room = 1.0 - KNEE
    raised[over] = np.sign(raised[over]) * (KNEE + room * np.tanh((np.abs(raised[over]) - KNEE) / room))
    return np.asarray(np.rint(raised * 32767), np.int16)


def _block_rms(sound: Floats) -> Floats:
    blocks = len(sound) // _BLOCK_SAMPLES
    cut = sound[: blocks * _BLOCK_SAMPLES].reshape(blocks, _BLOCK_SAMPLES)
    return np.asarray(np.sqrt(np.mean(np.square(cut), axis=1)), np.float32)
