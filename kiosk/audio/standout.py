"""Does this sound stand out of what is always there? In a lobby babble is voice too, and never ends.

The room's floor is the softest moment of the last seconds (minimum statistics, Martin 2001); a voice counts from some
decibels above it on, and until it sinks back to it. In a quiet room everything stands out. Pure.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from kiosk.audio.level import dbfs
from kiosk.events import Pcm

SMOOTH_BLOCKS: Final = 3  # 96 ms: a syllable
FLOOR_BLOCKS: Final = 6  # 192 ms: longer than the gaps within words
WINDOW_BLOCKS: Final = 190  # 6 s
KNOWN_BLOCKS: Final = 32  # one second, before which everything stands out
BEGINS_DB: Final = 7.0  # above the floor: babble's own swells reach 5 to 6
GOES_ON_DB: Final = 4.5
RESIDUE_BLOCKS: Final = 125  # 4 s of her
RESIDUE_KNOWN: Final = 24
RESIDUE_RANK: Final = 0.9  # of these levels
OVER_RESIDUE_DB: Final = 6.0
TAIL_BLOCKS: Final = 10  # 0.3 s after her last sample: her echo is no floor


class StandOut:
    """Levels of blocks of 32 ms; no sound is kept."""

    def __init__(self) -> None:
        self._recent: deque[float] = deque(maxlen=FLOOR_BLOCKS)
        self._minima: deque[float] = deque(maxlen=WINDOW_BLOCKS)
        self._since_far = TAIL_BLOCKS

    def hear(self, pcm: Pcm, *, far_active: bool) -> None:
        """One block (512,) int16, in order."""
        self._recent.append(10 ** (dbfs(pcm) / 10))
        self._since_far = 0 if far_active else min(self._since_far + 1, TAIL_BLOCKS)
        if self._since_far >= TAIL_BLOCKS and len(self._recent) == FLOOR_BLOCKS:
            self._minima.append(sum(self._recent) / FLOOR_BLOCKS)

    def passes(self, *, speaking: bool) -> bool:
        """Whether the last blocks are loud enough to be a voice's beginning, or, when `speaking`, its going on."""
        if len(self._minima) < KNOWN_BLOCKS:
            return True
        last = list(self._recent)[-SMOOTH_BLOCKS:]
        over = (sum(last) / len(last)) / max(1e-12, min(self._minima))
        return over >= 10 ** ((GOES_ON_DB if speaking else BEGINS_DB) / 10)


class Residue:
    """What the gentle canceller leaves of her, and whether something is much louder than that."""

    def __init__(self) -> None:
        self._levels: deque[float] = deque(maxlen=RESIDUE_BLOCKS)
        self._recent: deque[float] = deque(maxlen=2)
        self._heard = 0

    @property
    def settled(self) -> bool:
        """Whether the cancellers have had some seconds of her since the start."""
        return self._heard >= RESIDUE_BLOCKS

    def hear(self, words: Pcm, *, visitor: bool) -> bool:
        """One block (512,) int16 while she is talking. `visitor`: somebody seems to speak, so it is no residue."""
        self._heard = min(self._heard + 1, RESIDUE_BLOCKS)
        level_db = dbfs(words)
        self._recent.append(level_db)
        if not visitor:
            self._levels.append(level_db)
        if len(self._levels) < RESIDUE_KNOWN:
            return False
        usual_db = sorted(self._levels)[int(len(self._levels) * RESIDUE_RANK)]
        return min(self._recent) > usual_db + OVER_RESIDUE_DB
