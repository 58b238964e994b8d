"""Lobbies to learn in: image-source rooms with somebody near, others far, a loudspeaker in the ceiling.

Seeded; the rooms of training and test never share a seed. Reverberation 0.3 to 0.8 s, the terminal's
microphone before a wall, the visitor 0.5 to 1.5 m from it, others 2 to 5 m.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyroomacoustics
from scipy.signal import fftconvolve

Floats = npt.NDArray[np.float64]
Pcm = npt.NDArray[np.int16]

RATE_HZ: Final = 16_000
NEAR, FAR, CEILING = 3, 5, 2  # places of each kind in one room
IMAGE_ORDER: Final = 22
FULL_SCALE: Final = 32768.0
SPEECH_DBFS: Final = -30.0  # of somebody 1 m away in a dry room, before the microphone's gain


@dataclass(frozen=True, slots=True, kw_only=True)
class Lobby:
    """Impulse responses to the microphone, by place; scaled so that 1 m in the open has gain 1."""

    near: tuple[Floats, ...]
    far: tuple[Floats, ...]
    ceiling: tuple[Floats, ...]


def make_lobby(rng: np.random.Generator) -> Lobby:
    """One room with its places. About a second."""
    size_m = np.array([rng.uniform(7, 15), rng.uniform(6.5, 12), rng.uniform(2.7, 4.2)])
    absorption, order = pyroomacoustics.inverse_sabine(rng.uniform(0.3, 0.8), size_m)
    room = pyroomacoustics.ShoeBox(
        size_m,
        fs=RATE_HZ,
        materials=pyroomacoustics.Material(absorption),
        max_order=min(order, IMAGE_ORDER),
        air_absorption=True,
    )
    mic = np.array([size_m[0] * rng.uniform(0.3, 0.7), rng.uniform(0.3, 0.8), rng.uniform(1.1, 1.5)])
    room.add_microphone(mic)
    for i in range(NEAR + FAR):
        distance_m = rng.uniform(0.5, 1.5) if i < NEAR else rng.uniform(2.0, 5.0)
        room.add_source(_place(rng, mic, distance_m, size_m, spread=0.5 if i < NEAR else 1.3))
    for _ in range(CEILING):
        spot = rng.uniform(0.15, 0.85, 2) * size_m[:2]
        room.add_source([*spot, size_m[2] - 0.1])
    room.compute_rir()
    rirs = [np.asarray(rir, np.float64) for rir in room.rir[0]]
    return Lobby(near=tuple(rirs[:NEAR]), far=tuple(rirs[NEAR : NEAR + FAR]), ceiling=tuple(rirs[NEAR + FAR :]))


def _place(rng: np.random.Generator, mic: Floats, distance_m: float, size_m: Floats, spread: float) -> Floats:
    """A mouth `distance_m` away, up to `spread` radians to the side, inside the room."""
    for _ in range(50):
        angle = rng.uniform(-spread, spread)
        spot = mic + distance_m * np.array([np.sin(angle), np.cos(angle), 0.0])
        spot[2] = rng.uniform(1.2, 1.7)
        if np.all(spot > 0.2) and np.all(spot < size_m - 0.2):
            return np.asarray(spot, np.float64)
    return np.asarray(np.clip(spot, 0.25, size_m - 0.25), np.float64)


def heard(pcm: Pcm, rir: Floats, gain_db: float) -> Floats:
    """`pcm` (n,) said at the place of `rir`, as float in ±1 at the microphone; a little longer than `pcm`."""
    dry = pcm.astype(np.float64) / FULL_SCALE
    active = dry[np.abs(dry) > 0.01]
    loudness = float(np.sqrt(np.mean(active**2))) if len(active) else 1.0
    scale = 10 ** ((SPEECH_DBFS + gain_db) / 20) / loudness
    wet = fftconvolve(dry * scale, rir)
    return np.asarray(wet[: len(pcm) + RATE_HZ // 4], np.float64)


def loudspeaker(pcm: Pcm) -> Pcm:
    """As a small ceiling loudspeaker gives it: 250 Hz to 5 kHz."""
    spectrum = np.fft.rfft(pcm.astype(np.float64))
    hz = np.fft.rfftfreq(len(pcm), 1 / RATE_HZ)
    shape = 1 / np.sqrt(1 + (250 / np.maximum(hz, 1)) ** 6) / np.sqrt(1 + (hz / 5000) ** 8)
    return np.clip(np.fft.irfft(spectrum * shape, len(pcm)), -32768, 32767).astype(np.int16)


def babble(voices: list[Pcm], lobby: Lobby, samples: int, rng: np.random.Generator) -> Floats:
    """Many voices at once from the far places, (samples,) float of root mean square 1."""
    bed = np.zeros(samples)
    for rir in (*lobby.far, *lobby.far):
        line = np.concatenate([voices[i] for i in rng.permutation(len(voices))[:12]])
        wet = heard(line, rir, rng.normal(0, 3))
        at = int(rng.integers(0, max(1, len(wet))))
        bed += np.resize(np.roll(wet, at), samples)
    return bed / max(float(np.sqrt(np.mean(bed**2))), 1e-9)


def to_pcm(sound: Floats) -> Pcm:
    """Float in ±1 as int16, clipped as a microphone clips."""
    return np.clip(np.rint(sound * FULL_SCALE), -32768, 32767).astype(np.int16)
