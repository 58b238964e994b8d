"""Did the lips of the one in front move while something was said? Gaps between lips in, a share out.

Pure; keeps half a minute of numbers and no picture. What was not seen well says nothing: no face, a face
turned away, too few looks.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from dataclasses import dataclass
from itertools import islice
from typing import Final

import numpy as np

MS: Final = 1_000_000
KEPT_MS: Final = 30_000
MOST_LOOKS: Final = 600  # of KEPT_MS, at twenty a second
NEIGHBOURS_MS: Final = 400  # to each side: syllables open and close the mouth within this
OPENED: Final = 0.022  # change of the gap over the face's height, between neighbours
YAW_DEG: Final = 30.0  # further turned, the mouth is not judged
PITCH_DEG: Final = 25.0
LEAST_LOOKS: Final = 3  # in one utterance
LEAST_SEEN: Final = 0.5  # of the looks in it


@dataclass(frozen=True, slots=True)
class Look:
    """One picture: the gap over the face's height; None where the mouth was not to be seen well."""

    at_ns: int
    lip_gap: float | None


class LipWatch:
    """The last half minute of looks, oldest first."""

    def __init__(self) -> None:
        self._looks: deque[Look] = deque(maxlen=MOST_LOOKS)

    def forget(self) -> None:
        self._looks.clear()

    def saw(self, at_ns: int, lip_gap: float | None, yaw_deg: float = 0.0, pitch_deg: float = 0.0) -> None:
        """Take one look, later than those before. `lip_gap` None: no face."""
        if lip_gap is not None and (abs(yaw_deg) > YAW_DEG or abs(pitch_deg) > PITCH_DEG):
            lip_gap = None
        self._looks.append(Look(at_ns, lip_gap))
        while self._looks[0].at_ns < at_ns - KEPT_MS * MS:
            self._looks.popleft()

    def share(self, start_ns: int, end_ns: int) -> float | None:
        """Share of the time from `start_ns` to `end_ns` in which the lips moved; None where that was not seen."""
        around = NEIGHBOURS_MS * MS
        times = [look.at_ns for look in self._looks]
        first, last = bisect_left(times, start_ns - around), bisect_left(times, end_ns + around + 1)
        looks = list(islice(self._looks, first, last))
        within = [look for look in looks if start_ns <= look.at_ns <= end_ns]
        seen = [look for look in within if look.lip_gap is not None]
        if len(seen) < LEAST_LOOKS or len(seen) < LEAST_SEEN * len(within):
            return None
        return float(np.mean([self._moving(look.at_ns, looks) for look in seen]))

    @staticmethod
    def _moving(at_ns: int, looks: list[Look]) -> bool:
        gaps = [
            look.lip_gap for look in looks if look.lip_gap is not None and abs(look.at_ns - at_ns) <= NEIGHBOURS_MS * MS
        ]
        return max(gaps) - min(gaps) >= OPENED
