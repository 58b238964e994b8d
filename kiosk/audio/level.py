"""How loud the lobby is while nobody speaks to us: for her volume, and for telling a near voice from a far one.

And whether the microphone is deaf: exact zeros while she speaks loudly are no silence of a room.
"""

from __future__ import annotations

from collections import deque
from typing import Final

import numpy as np

from kiosk.events import MIC_RATE_HZ, Pcm

SILENCE_DBFS: Final = -96.0  # of int16: nothing is softer
KEPT_S: Final = 60  # one figure a second
LOW_SHARE: Final = 0.2  # of a second's frames: what is under the words
MIDDLE_SHARE: Final = 0.5
WAIT_SAMPLES: Final = MIC_RATE_HZ // 2  # after her last one: her echo fades
UNKNOWN_DBFS: Final = -50.0  # a quiet office, until something was heard
FAR_LOUD_RMS: Final = 600.0  # -35 dBFS at the loudspeaker
DEAF_S: Final = 2.0  # of loud speech of hers, of which the microphone heard nothing at all
ZERO: Final = 1  # the largest sample of 'nothing': dither


def dbfs(pcm: Pcm) -> float:
    """Root mean square of (n,) int16 in decibels below a full-scale square wave."""
    if not len(pcm):
        return SILENCE_DBFS
    rms = float(np.sqrt(np.mean(np.square(pcm, dtype=np.float64)))) / 32768
    return max(SILENCE_DBFS, 20 * float(np.log10(max(rms, 1e-9))))


class NoiseFloor:
    """The background of the last minute: minimum statistics (Martin 2001) by seconds.

    Frames while she plays, or of which the voice activity model says voice, are left out; in each second of other
    frames the soft fifth counts, and of the last minute the median. So neither a sentence nor a door moves it, and a
    hall that fills up does within half a minute.
    """

    def __init__(self) -> None:
        self._second: list[float] = []
        self._seconds: deque[float] = deque(maxlen=KEPT_S)
        self._samples = 0
        self._since_far = WAIT_SAMPLES

    def hear(self, pcm: Pcm, *, far_active: bool, voice: bool) -> None:
        """One block of the microphone, (n,) int16 at 16 kHz, 10 to 100 ms."""
        self._since_far = 0 if far_active else min(self._since_far + len(pcm), WAIT_SAMPLES)
        if voice or self._since_far < WAIT_SAMPLES:
            return
        self._second.append(dbfs(pcm))
        self._samples += len(pcm)
        if self._samples >= MIC_RATE_HZ:
            self._seconds.append(sorted(self._second)[int(len(self._second) * LOW_SHARE)])
            self._samples = 0
            self._second.clear()

    @property
    def known(self) -> bool:
        return bool(self._seconds)

    @property
    def dbfs(self) -> float:
        """The background's level; UNKNOWN_DBFS before the first second of it."""
        if not self._seconds:
            return UNKNOWN_DBFS
        return sorted(self._seconds)[int((len(self._seconds) - 1) * MIDDLE_SHARE)]

    def forget(self) -> None:
        """Another microphone: its level says nothing of this one's."""
        self._samples = 0
        self._second.clear()
        self._seconds.clear()


class DeafnessWatch:
    """Whether the microphone gives nothing but zeros while she is loud."""

    def __init__(self) -> None:
        self._loud_samples = 0
        self.deaf = False
        self.tally_deaf = 0

    def step(self, mic: Pcm, far: Pcm) -> None:
        """(n,) int16 at 16 kHz each, of the same time."""
        if len(mic) and int(np.abs(mic.astype(np.int32)).max()) > ZERO:
            self._loud_samples = 0
            self.deaf = False
        elif not self.deaf and np.sqrt(np.mean(np.square(far, dtype=np.float64))) >= FAR_LOUD_RMS:
            self._loud_samples += len(mic)
            self.deaf = self._loud_samples >= DEAF_S * MIC_RATE_HZ
            self.tally_deaf += self.deaf
