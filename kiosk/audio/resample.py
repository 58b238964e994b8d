"""One sample rate to another as the sound comes: for devices that do not run at ours.

Polyphase: a windowed sinc read at the places of the output's samples (Crochiere and Rabiner, Multirate Digital Signal
Processing, 1983). Its band ends at nine tenths of the lower rate's half; what would fold back is 60 dB down.
"""

from __future__ import annotations

from math import gcd
from typing import Final

import numpy as np
import numpy.typing as npt

from kiosk.events import Pcm

LOBES: Final = 16  # of the sinc, on each side, at the lower rate
KAISER: Final = 6.0
BAND: Final = 0.92
MAX_RATE_HZ: Final = 192_000


class Resampler:
    """A stream at `from_hz` as a stream at `to_hz`, in blocks of any length, joined without a seam."""

    def __init__(self, from_hz: int, to_hz: int) -> None:
        if not (0 < from_hz <= MAX_RATE_HZ and 0 < to_hz <= MAX_RATE_HZ):
            raise ValueError(f"rates between 1 and {MAX_RATE_HZ} Hz, got {from_hz} and {to_hz}")
        common = gcd(from_hz, to_hz)
        self._up, self._down = to_hz // common, from_hz // common
        wide = max(1.0, from_hz / to_hz)
        self._side = int(np.ceil(LOBES * wide))
        self._kernel = _kernel(self._up, self._side, BAND / wide)
        self._tail = np.zeros(2 * self._side, np.float32)
        self._next = 0  # place of the next output sample, in steps of 1/up of an input sample, after the tail's start

    def convert(self, pcm: Pcm) -> Pcm:
        """(n,) int16 → about n·to/from samples, `late_s` late."""
        signal = np.concatenate((self._tail, pcm.astype(np.float32)))
        reach = len(signal) - 2 * self._side  # input samples that have all their neighbours
        count = max(0, -(-(reach * self._up - self._next) // self._down))
        places = self._next + np.arange(count) * self._down
        whole, phase = places // self._up, places % self._up
        taken = signal[whole[:, None] + np.arange(2 * self._side)]
        out = np.rint(np.einsum("ij,ij->i", taken, self._kernel[phase]))
        self._next += count * self._down - reach * self._up
        self._tail = signal[reach:]
        return np.asarray(np.clip(out, -32768, 32767), np.int16)

    def late_s(self, from_hz: int) -> float:
        """How long after its cause the output comes, in a stream at `from_hz`."""
        return (self._side + 1) / from_hz


def _kernel(up: int, side: int, band: float) -> npt.NDArray[np.float32]:
    """(up, 2·side): what each neighbour counts for a place `phase`/up after the middle."""
    distance = np.arange(up)[:, None] / up + side - 1 - np.arange(2 * side)
    window = np.i0(KAISER * np.sqrt(np.maximum(0.0, 1 - (distance / side) ** 2))) / np.i0(KAISER)
    kernel = np.sinc(band * distance) * window
    return np.asarray(kernel / kernel.sum(axis=1, keepdims=True), np.float32)
