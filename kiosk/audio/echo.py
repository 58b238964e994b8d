"""Her own voice taken out of the microphone: what the loudspeaker really played, by the devices' clocks, and who
listens to what is left.

Two cancellers hear the same far end. The one that leaves the least echo decides whether somebody speaks; the one
that leaves the words as they were said is what the recogniser hears.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from kiosk.audio.drift import DeviceClock
from kiosk.audio.level import DeafnessWatch
from kiosk.events import MIC_RATE_HZ, SPEECH_RATE_HZ, Pcm

KEPT_SAMPLES: Final = 30 * MIC_RATE_HZ  # the longest utterance and its surroundings, under 1 MB
GAP_NS: Final = 200_000_000  # a hole in what is played: the loudspeaker was away, or is another one
ECHO_TAIL_NS: Final = 700_000_000  # the longest echo of a lobby, and the loudspeaker's own delay
# The far end is given to the cancellers so much early: they follow an echo that comes late, and none that comes
# before its cause, which a loudspeaker's wrong idea of its own delay would make. Where that much is not handed to
# the loudspeaker ahead of time, it is less.
LEAD_NS: Final = 18_000_000
LAG_NS: Final = 40_000_000  # and no later than so much
AWAY_SAMPLES: Final = MIC_RATE_HZ // 10  # so much missing is no delay: nothing is played at all
PHASES: Final = 64  # of a sample, between which the far end is read
SIDE: Final = 8  # samples on each side of such a place
FADE_SAMPLES: Final = MIC_RATE_HZ // 100


@dataclass(frozen=True, slots=True)
class Cleaned:
    """One stretch of microphone sound with her own voice taken out, for two listeners; all (n,) int16 at 16 kHz."""

    detect: Pcm  # the least echo: voice activity and barge-in decide on it
    words: Pcm  # the least distortion: the recogniser hears it
    far: Pcm  # what she was saying, as the cancellers were given it; zeros while she is silent


class EchoCanceller(Protocol):
    """Takes the receptionist's own voice out of the microphone. Without one, hearing pauses while she speaks."""

    full_duplex: bool

    @property
    def deaf(self) -> bool:
        """Whether the microphone gives only zeros while she is loud: it is muted, or another program has it."""

    def clean(self, pcm: Pcm, at_ns: int) -> Cleaned:
        """(n,) int16, n a multiple of 160; `at_ns`: monotonic, when its last sample was captured."""

    def tallies(self) -> dict[str, int]:
        """What went wrong so far, by name."""


class To16k:
    """24 kHz → 16 kHz without gaps between blocks: zero-stuff by 2, low-pass, keep every third sample.

    Blocks of a multiple of 3 samples. The filter is a windowed sinc of 97 taps, 7.2 kHz at 48 kHz.
    """

    TAPS: Final = 97
    LATE_NS: Final = 1_000_000

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
    """The last half minute of played sound. Written from the device's thread, read from the ears."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept = np.zeros(KEPT_SAMPLES, np.int16)
        self._written = 0  # samples at 16 kHz since the clock began, holes included
        self._clock = DeviceClock(MIC_RATE_HZ)
        self._to_16k = To16k()
        self.tally_gaps = 0

    def played(self, pcm: Pcm, end_ns: int) -> None:
        """(n,) int16 at 24 kHz whose last sample was audible at `end_ns`; n a multiple of 3."""
        block = self._to_16k.convert(pcm)
        end_ns -= To16k.LATE_NS
        with self._lock:
            if self._written:
                self._mind_gap(end_ns - self._clock.time_of(self._written + len(block)))
            self._write(block)
            self._clock.seen(self._written, end_ns)

    def _mind_gap(self, gap_ns: int) -> None:
        if abs(gap_ns) < GAP_NS:
            return
        self.tally_gaps += 1
        missing = round(gap_ns * MIC_RATE_HZ / 1e9)
        if 0 < missing < KEPT_SAMPLES:
            self._write(np.zeros(missing, np.int16))
            return
        self._kept[:] = 0  # another time: nothing that is kept belongs to it
        self._written = 0
        self._clock = DeviceClock(MIC_RATE_HZ)

    def _write(self, block: Pcm) -> None:
        self._kept[(self._written + np.arange(len(block))) % KEPT_SAMPLES] = block
        self._written += len(block)

    def window(self, end_ns: int, samples: int) -> Pcm:
        """What was audible in the `samples` (16 kHz) before `end_ns`; silence where nothing was played or kept."""
        with self._lock:
            return self._cut(round(self._clock.sample_at(end_ns)) - samples, samples)

    def place(self, at_ns: int) -> float:
        """Where in the played sound `at_ns` is: samples at 16 kHz, with their fraction."""
        with self._lock:
            return self._clock.sample_at(at_ns)

    def missing(self, at_ns: int) -> int:
        """Samples up to `at_ns` that were not handed over yet, of those that reading there needs."""
        with self._lock:
            return max(0, int(np.ceil(self._clock.sample_at(at_ns))) + SIDE - self._written)

    def between(self, start: float, end: float, samples: int) -> Pcm:
        """(samples,) int16 at even distances from place `start` to place `end`."""
        places = start + np.arange(samples) * ((end - start) / samples)
        whole = np.floor(places).astype(np.int64)
        phase = np.rint((places - whole) * PHASES).astype(np.int64)  # PHASES itself: the next sample
        first = int(whole[0]) - SIDE + 1
        with self._lock:
            near = self._cut(first, int(whole[-1]) + SIDE + 1 - first)
        if not near.any():
            return np.zeros(samples, np.int16)
        taken = near[(whole - first - SIDE + 1)[:, None] + np.arange(2 * SIDE)].astype(np.float32)
        read = np.rint((taken * _BETWEEN[phase]).sum(axis=1))
        return np.asarray(np.clip(read, -32768, 32767), np.int16)

    def _cut(self, first: int, samples: int) -> Pcm:
        out = np.zeros(samples, np.int16)
        lo = max(first, self._written - KEPT_SAMPLES, 0)
        hi = min(first + samples, self._written)
        if lo < hi:
            out[lo - first : hi - first] = self._kept[np.arange(lo, hi) % KEPT_SAMPLES]
        return out

    @property
    def ppm(self) -> float:
        """How much faster than its name the loudspeaker's clock runs."""
        with self._lock:
            return self._clock.ppm


def _between_samples() -> npt.NDArray[np.float32]:
    """(PHASES + 1, 2·SIDE): what each neighbour counts for a place between two samples; a windowed sinc."""
    place = np.arange(PHASES + 1)[:, None] / PHASES
    distance = place + SIDE - 1 - np.arange(2 * SIDE)
    kernel = np.sinc(distance) * np.cos(np.pi * distance / (2 * SIDE + 2)) ** 2
    return np.asarray(kernel / kernel.sum(axis=1, keepdims=True), np.float32)


_BETWEEN: Final = _between_samples()


class Reader:
    """Reads the far end along with the microphone, each stretch joined to the one before.

    Where the two clocks differ, a stretch is read a little faster or slower; nothing is repeated or left out.
    """

    def __init__(self, far: FarEnd) -> None:
        self._far = far
        self._end: float | None = None
        self._lead_ns = LEAD_NS
        self.tally_jumps = 0
        self.tally_short = 0

    def next(self, end_ns: int, samples: int) -> Pcm:
        """(samples,) int16 at 16 kHz that were audible until a little after `end_ns`."""
        missing = self._far.missing(end_ns + self._lead_ns)
        if missing >= AWAY_SAMPLES:
            self._lead_ns = LEAD_NS
        elif missing:
            self.tally_short += 1
            self._lead_ns = max(-LAG_NS, self._lead_ns - missing * 1_000_000_000 // MIC_RATE_HZ)
        end = self._far.place(end_ns + self._lead_ns)
        start = self._end
        if start is None or abs(end - start - samples) > max(2.0, samples * 0.02):
            self.tally_jumps += start is not None
            start = end - samples
        self._end = end
        return self._far.between(start, end, samples)


class Taker(Protocol):
    """One canceller."""

    def take_out(self, mic: Pcm, far: Pcm) -> Pcm:
        """`mic` without what `far` put into it; all (n,) int16 at 16 kHz, n a multiple of 320."""


class TwoCancellers:
    """One canceller's output decides, the other's is recognised.

    Without a second one, the first one's serves both while there is echo and for ECHO_TAIL_NS after; at other
    times the recogniser hears the sound as it came, because that canceller's output costs words. One fades into
    the other.
    """

    full_duplex = True

    def __init__(self, far: FarEnd, detect: Taker, words: Taker | None) -> None:
        self._far = Reader(far)
        self._detect, self._words = detect, words
        self._played_ns = -ECHO_TAIL_NS
        self._raw = True
        self._watch = DeafnessWatch()

    def clean(self, pcm: Pcm, at_ns: int) -> Cleaned:
        far = self._far.next(at_ns, len(pcm))
        self._watch.step(pcm, far)
        if far.any():
            self._played_ns = at_ns
        detect = self._detect.take_out(pcm, far)
        if self._words is not None:
            return Cleaned(detect, self._words.take_out(pcm, far), far)
        raw, was_raw = at_ns - self._played_ns >= ECHO_TAIL_NS, self._raw
        self._raw = raw
        old, new = (pcm if was_raw else detect), (pcm if raw else detect)
        return Cleaned(detect, new if raw == was_raw else faded(old, new), far)

    @property
    def words_are_intact(self) -> bool:
        """Whether the recogniser has a canceller of its own."""
        return self._words is not None

    @property
    def deaf(self) -> bool:
        return self._watch.deaf

    def tallies(self) -> dict[str, int]:
        return {
            "far_end_jumps": self._far.tally_jumps,
            "far_end_short": self._far.tally_short,
            "microphone_deaf": self._watch.tally_deaf,
        }


def faded(old: Pcm, new: Pcm) -> Pcm:
    """`new` (n,), beginning as `old` (n,) and reaching itself after 10 ms, so that nothing clicks."""
    share = np.minimum(np.arange(len(new), dtype=np.float32) / FADE_SAMPLES, 1.0)
    return np.asarray(np.rint(old * (1 - share) + new * share), np.int16)


class HalfDuplex:
    """No canceller on this machine: hearing pauses while she speaks, and touch interrupts her instead."""

    full_duplex = False
    deaf = False  # nobody tells this one what she says

    def clean(self, pcm: Pcm, at_ns: int) -> Cleaned:
        return Cleaned(pcm, pcm, np.zeros_like(pcm))

    def tallies(self) -> dict[str, int]:
        return {}


PLAYED_BLOCK_SAMPLES: Final = SPEECH_RATE_HZ // 50  # 480: 20 ms, a multiple of 3
