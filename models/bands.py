"""Mel bands: how much of each pitch there is in a stretch of sound, for the networks that listen so."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

_LINEAR_HZ: Final = 200.0 / 3  # of a mel, up to _BREAK_HZ
_BREAK_HZ: Final = 1000.0
_LOG_STEP: Final = np.log(6.4) / 27.0


def slaney_bank(bands: int, fft_samples: int, rate_hz: int) -> Floats:
    """(bands, fft_samples // 2 + 1) triangles, evenly spaced on Slaney's mel scale, each of equal area.

    Slaney, "Auditory Toolbox" (1998): linear below 1 kHz, then 27 mels for each factor 6.4.
    """
    break_mel = _BREAK_HZ / _LINEAR_HZ
    top_mel = break_mel + np.log(rate_hz / 2 / _BREAK_HZ) / _LOG_STEP
    mels = np.linspace(0, top_mel, bands + 2)
    edges_hz = np.where(mels >= break_mel, _BREAK_HZ * np.exp(_LOG_STEP * (mels - break_mel)), _LINEAR_HZ * mels)
    bins_hz = np.fft.rfftfreq(fft_samples, 1 / rate_hz)
    widths = np.diff(edges_hz)
    ramps = edges_hz[:, None] - bins_hz[None]
    triangles = np.maximum(0, np.minimum(-ramps[:-2] / widths[:-1, None], ramps[2:] / widths[1:, None]))
    return np.asarray(triangles * (2.0 / (edges_hz[2:] - edges_hz[:-2]))[:, None], np.float32)


def frames_of(sound: Floats, window_samples: int, hop_samples: int) -> Floats:
    """(columns, window_samples) overlapping stretches of `sound` (n,); no column reaches beyond its end."""
    if len(sound) < window_samples:
        return np.zeros((0, window_samples), np.float32)
    return np.lib.stride_tricks.sliding_window_view(sound, window_samples)[::hop_samples]
