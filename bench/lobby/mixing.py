"""Sounds at a stated level, in a room, on top of each other.

Levels are decibels below full scale of the root mean square over voiced blocks, so that pauses do not make a voice
quieter than it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.signal import fftconvolve

from kiosk.events import MIC_RATE_HZ, Pcm

Signal = npt.NDArray[np.float32]  # (n,) at 16 kHz, full scale 1

VISITOR_DBFS: Final = -26.0  # of the direct sound at 1 m
FLOOR_DBFS: Final = -66.0  # of the microphone's own noise
BLOCK: Final = MIC_RATE_HZ // 50
VOICED_DB: Final = 30.0  # below the loudest block
BOUND_DB: Final = 35.0  # a voice begins and ends within this of its loudest block
BOUND_BLOCK: Final = MIC_RATE_HZ // 200


def signal_of(pcm: Pcm) -> Signal:
    return np.asarray(pcm, np.float32) / np.float32(32768)


def to_pcm(signal: npt.NDArray[np.floating[Any]]) -> Pcm:
    """(n,) float → int16; what is beyond full scale is clipped, as a microphone does."""
    return np.clip(np.rint(np.asarray(signal, np.float64) * 32767), -32768, 32767).astype(np.int16)


def _rms(signal: Signal, block: int) -> npt.NDArray[np.float64]:
    count = len(signal) // block
    energy = np.mean(np.square(signal[: count * block].reshape(count, block).astype(np.float64)), axis=1)
    return np.asarray(np.sqrt(energy), np.float64)


def voiced_dbfs(signal: Signal) -> float:
    """Level over the blocks within VOICED_DB of the loudest; -inf for silence."""
    rms = _rms(signal, BLOCK)
    if not len(rms) or rms.max() == 0.0:
        return float("-inf")
    voiced = rms[rms > rms.max() * 10 ** (-VOICED_DB / 20)]
    return float(10 * np.log10(np.mean(np.square(voiced))))


def at_level(signal: Signal, dbfs: float) -> Signal:
    """`signal` with its voiced blocks at `dbfs`. Silence stays silence."""
    now = voiced_dbfs(signal)
    return signal if np.isinf(now) else np.asarray(signal * np.float32(10 ** ((dbfs - now) / 20)), np.float32)


def voice_bounds(signal: Signal) -> tuple[int, int]:
    """First and last+1 voiced sample of dry speech, to 5 ms."""
    rms = _rms(signal, BOUND_BLOCK)
    voiced = np.flatnonzero(rms > rms.max() * 10 ** (-BOUND_DB / 20))
    return int(voiced[0]) * BOUND_BLOCK, (int(voiced[-1]) + 1) * BOUND_BLOCK


def in_room(signal: Signal, response: npt.NDArray[np.float32]) -> Signal:
    """`signal` as it arrives at the microphone: (n + len(response) - 1,)."""
    return np.asarray(fftconvolve(signal, response), np.float32)


def soft_clip(signal: Signal, drive: float) -> Signal:
    """A small loudspeaker driven hard: odd harmonics, the more the higher `drive`; 0 leaves the sound alone."""
    return np.asarray(np.tanh(signal * np.float32(drive)) / np.float32(drive), np.float32) if drive else signal


def telephone_band(signal: Signal) -> Signal:
    """300 to 4000 Hz, as a branch's ceiling loudspeakers sound; by the spectrum."""
    spectrum = np.fft.rfft(signal)
    hertz = np.fft.rfftfreq(len(signal), 1 / MIC_RATE_HZ)
    spectrum[(hertz < 300) | (hertz > 4000)] = 0
    return np.asarray(np.fft.irfft(spectrum, len(signal)), np.float32)


def add(canvas: Signal, sound: Signal, at: int) -> None:
    """Put `sound` on the canvas from sample `at`; what hangs over its end is lost."""
    fits = max(0, min(len(sound), len(canvas) - at))
    canvas[at : at + fits] += sound[:fits]


def noise_floor(samples: int, rng: np.random.Generator) -> Signal:
    """The microphone's own white noise."""
    return np.asarray(rng.standard_normal(samples) * 10 ** (FLOOR_DBFS / 20), np.float32)


def babble(voices: Sequence[Signal], responses: Sequence[npt.NDArray[np.float32]], samples: int, seed: int) -> Signal:
    """Many people talking at once: each response's place has one talker who never stops. Level as it comes."""
    rng = np.random.default_rng(seed)
    bed = np.zeros(samples, np.float32)
    for response in responses:
        said: list[Signal] = []
        length = 0
        while length < samples + 2 * MIC_RATE_HZ:
            sound = at_level(voices[int(rng.integers(len(voices)))], VISITOR_DBFS)
            said += [sound, np.zeros(int(rng.uniform(0.05, 0.4) * MIC_RATE_HZ), np.float32)]
            length += len(said[-2]) + len(said[-1])
        stream = np.concatenate(said)[int(rng.integers(MIC_RATE_HZ)) :]
        bed += in_room(stream[: samples + MIC_RATE_HZ], response)[MIC_RATE_HZ : MIC_RATE_HZ + samples]
    return bed


def at_snr(noise: Signal, voice: Signal, snr_db: float) -> Signal:
    """`noise` scaled so that the voice's voiced level is `snr_db` above its mean level."""
    noise_db = 10 * np.log10(max(1e-12, float(np.mean(np.square(noise.astype(np.float64))))))
    return np.asarray(noise * np.float32(10 ** ((voiced_dbfs(voice) - snr_db - noise_db) / 20)), np.float32)
