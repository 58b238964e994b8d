"""Sounds of the body that are no words: coughs, throats being cleared, a sniff. Made, not recorded."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter

RATE_HZ = 16_000
Floats = npt.NDArray[np.float64]


def body_noise(rng: np.random.Generator) -> npt.NDArray[np.int16]:
    """One such sound, (n,) int16 at RATE_HZ, 0.15 to 0.7 s."""
    kind = int(rng.integers(3))
    if kind == 0:
        bursts = [_cough(rng) for _ in range(int(rng.integers(1, 3)))]
        sound = np.concatenate(
            [np.concatenate((burst, np.zeros(int(rng.uniform(0.03, 0.12) * RATE_HZ)))) for burst in bursts]
        )
    elif kind == 1:
        sound = _throat(rng)
    else:
        sound = _sniff(rng)
    return (sound / max(float(np.abs(sound).max()), 1e-9) * 12_000).astype(np.int16)


def _resonant(noise: Floats, rng: np.random.Generator) -> Floats:
    """Through three resonances of a vocal tract of some length."""
    scale = rng.uniform(0.85, 1.2)
    for hz, width_hz in ((600, 120), (1450, 180), (2600, 260)):
        radius = np.exp(-np.pi * width_hz / RATE_HZ)
        noise = lfilter([1], [1, -2 * radius * np.cos(2 * np.pi * hz * scale / RATE_HZ), radius**2], noise)
    return np.asarray(noise, np.float64)


def _cough(rng: np.random.Generator) -> Floats:
    """A burst, hissing decay, sometimes a voiced end."""
    length = int(rng.uniform(0.12, 0.32) * RATE_HZ)
    time_s = np.arange(length) / RATE_HZ
    shape = np.exp(-time_s / rng.uniform(0.03, 0.09)) * np.minimum(1, time_s / 0.004)
    sound = _resonant(rng.standard_normal(length) * shape, rng)
    if rng.random() < 0.5:
        pitch_hz = rng.uniform(110, 280)
        pulses = (np.sin(2 * np.pi * pitch_hz * time_s) > 0.97).astype(np.float64)
        voiced = _resonant(pulses * np.exp(-(((time_s - time_s[-1] * 0.6) / 0.06) ** 2)), rng)
        sound = sound / np.abs(sound).max() + 0.5 * voiced / max(float(np.abs(voiced).max()), 1e-9)
    return sound


def _throat(rng: np.random.Generator) -> Floats:
    """Rough, low, in one or two pushes."""
    length = int(rng.uniform(0.25, 0.7) * RATE_HZ)
    time_s = np.arange(length) / RATE_HZ
    rough = 0.5 + 0.5 * np.sin(2 * np.pi * rng.uniform(22, 45) * time_s + rng.normal(0, 1))
    push = np.abs(np.sin(np.pi * time_s / time_s[-1] * int(rng.integers(1, 3)))) ** 0.6
    return _resonant(rng.standard_normal(length) * rough * push, rng)


def _sniff(rng: np.random.Generator) -> Floats:
    length = int(rng.uniform(0.15, 0.4) * RATE_HZ)
    shape = np.hanning(length)
    return np.asarray(lfilter([1, -0.9], [1], rng.standard_normal(length)) * shape, np.float64)
