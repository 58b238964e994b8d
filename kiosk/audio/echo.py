"""The far end: what the loudspeaker really played, by the device's clock, for the echo canceller."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from kiosk.events import MIC_RATE_HZ, SPEECH_RATE_HZ, Pcm

KEPT_NS: Final = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Cleaned:
    """One stretch of microphone sound with her own voice taken out, for two listeners; both (n,) int16 at 16 kHz."""

    detect: Pcm  # the least echo: voice activity and barge-in decide on it
    words: Pcm  # the least distortion: the recogniser hears it


class EchoCanceller(Protocol):
    """Takes the receptionist's own voice out of the microphone. Without one, hearing pauses while she speaks."""

    full_duplex: bool

    def clean(self, pcm: Pcm, at_ns: int) -> Cleaned:
        """(n,) int16, n a multiple of 160; `at_ns`: monotonic, when its last sample was captured."""


class To16k:
    """24 kHz → 16 kHz without gaps between blocks: zero-stuff by 2, low-pass, keep every third sample.

    Blocks of a multiple of 3 samples. The filter is a windowed sinc of 97 taps, 7.2 kHz at 48 kHz.
    """

    TAPS: Final = 97

    def __init__(self) -> None:
        n = np.arange(self.TAPS) - self.TAPS // 2
        cutoff = 7_200 / 48_000
        kernel = 2 * cutoff * np.sinc(2 * cutoff * n) * np.hamming(self.TAPS)
        self._kernel: npt.NDArray[np.float32] = (2 * kernel / kernel.sum()).astype(np.float32)
        self._tail = np.zeros(self.TAPS - 1, np.float32)

    def convert(self, pcm: Pcm) -> Pcm:
        """(3k,) int16 at 24 kHz → (2k,) int16 at 16 kHz, 1 ms late."""
        if len(pcm) % 3:
            raise ValueError(f"blocks of a multiple of 3 samples, got {len(pcm)}")
        stuffed = np.zeros(2 * len(pcm), np.float32)
        stuffed[::2] = pcm
        signal = np.concatenate((self._tail, stuffed))
        self._tail = signal[len(signal) - (self.TAPS - 1) :]
        out = np.convolve(signal, self._kernel, mode="valid")[::3]
        return np.clip(out, -32768, 32767).astype(np.int16)


class FarEnd:
    """A short memory of played sound. Written from the device's thread, read from the ears."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._blocks: deque[tuple[int, Pcm]] = deque()
        self._to_16k = To16k()

    def played(self, pcm: Pcm, end_ns: int) -> None:
        """(n,) int16 at 24 kHz whose last sample was audible at `end_ns`; n a multiple of 3."""
        block = self._to_16k.convert(pcm)
        with self._lock:
            self._blocks.append((end_ns, block))
            while self._blocks and self._blocks[0][0] < end_ns - KEPT_NS:
                self._blocks.popleft()

    def window(self, end_ns: int, samples: int) -> Pcm:
        """What was audible in the `samples` (16 kHz) before `end_ns`; silence where nothing was played."""
        out = np.zeros(samples, np.int16)
        with self._lock:
            blocks = list(self._blocks)
        for block_end_ns, block in blocks:
            # index of the block's first sample in the window
            first = samples - round((end_ns - block_end_ns) * MIC_RATE_HZ / 1e9) - len(block)
            lo, hi = max(0, first), min(samples, first + len(block))
            if lo < hi:
                out[lo:hi] = block[lo - first : hi - first]
        return out


class HalfDuplex:
    """No canceller on this machine: hearing pauses while she speaks, and touch interrupts her instead."""

    full_duplex = False

    def clean(self, pcm: Pcm, at_ns: int) -> Cleaned:
        return Cleaned(pcm, pcm)


PLAYED_BLOCK_SAMPLES: Final = SPEECH_RATE_HZ // 50  # 480: 20 ms, a multiple of 3
