"""Sound to the picture that Whisper reads: 80 mel bands in decibel-like steps, 100 columns a second."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

RATE_HZ: Final = 16_000
HOP_SAMPLES: Final = 160
COLUMNS_PER_S: Final = RATE_HZ // HOP_SAMPLES
_WINDOW_SAMPLES: Final = 400
_BANDS: Final = 80
_FULL_SCALE: Final = np.float32(32768)


def _bank() -> npt.NDArray[np.float32]:
    """(80, 201) triangles, evenly spaced on Slaney's mel scale, each of equal area.

    Slaney, "Auditory Toolbox" (1998): linear below 1 kHz (200/3 Hz a mel), then 27 mels for each factor 6.4.
    """
    linear_hz, break_hz, log_step = 200.0 / 3, 1000.0, np.log(6.4) / 27.0
    break_mel = break_hz / linear_hz
    top_mel = break_mel + np.log(RATE_HZ / 2 / break_hz) / log_step
    mels = np.linspace(0, top_mel, _BANDS + 2)
    edges_hz = np.where(mels >= break_mel, break_hz * np.exp(log_step * (mels - break_mel)), linear_hz * mels)
    bins_hz = np.fft.rfftfreq(_WINDOW_SAMPLES, 1 / RATE_HZ)
    widths = np.diff(edges_hz)
    ramps = edges_hz[:, None] - bins_hz[None]
    triangles = np.maximum(0, np.minimum(-ramps[:-2] / widths[:-1, None], ramps[2:] / widths[1:, None]))
    return np.asarray(triangles * (2.0 / (edges_hz[2:] - edges_hz[:-2]))[:, None], np.float32)


_BANK: Final = _bank()
_HANN: Final = np.hanning(_WINDOW_SAMPLES + 1)[:-1].astype(np.float32)


def log_mel(pcm: npt.NDArray[np.int16], columns: int) -> npt.NDArray[np.float32]:
    """(1, 80, columns) float32 of `pcm` (n,) at RATE_HZ, cut or filled with silence to that length.

    Scaling as in Whisper (Radford et al. 2022, and its published code): the top 80 dB, then (x + 4) / 4.
    """
    length = columns * HOP_SAMPLES
    sound = np.zeros(length, np.float32)
    heard = pcm[:length]
    sound[: len(heard)] = heard.astype(np.float32) / _FULL_SCALE
    sound = np.pad(sound, _WINDOW_SAMPLES // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(sound, _WINDOW_SAMPLES)[::HOP_SAMPLES][:columns]
    power = np.abs(np.fft.rfft(frames * _HANN, axis=1)).astype(np.float32) ** 2
    bands = np.log10(np.maximum(_BANK @ power.T, 1e-10))
    bands = np.maximum(bands, bands.max() - 8.0)
    return np.asarray((bands + 4.0) / 4.0, np.float32)[None]
