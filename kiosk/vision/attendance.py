"""Whether somebody stood in front while something was said. Pure; holds no picture and no face."""

from __future__ import annotations

from collections import deque
from typing import Final

KEPT_NS: Final = 60_000_000_000  # longer than the longest utterance and what was kept from before it
STALE_NS: Final = 2_000_000_000  # a camera that says nothing for so long says nothing about now


class Attendance:
    """Looks of the camera, a few a second, of the last minute."""

    def __init__(self) -> None:
        self._looks: deque[tuple[int, bool, int]] = deque()

    def note(self, at_ns: int, *, here: bool, near: int) -> None:
        """One look: is somebody being served or standing there, and how many faces are near?"""
        self._looks.append((at_ns, here, near))
        while self._looks[0][0] < at_ns - KEPT_NS:
            self._looks.popleft()

    def share(self, start_ns: int, end_ns: int) -> float | None:
        """Of that time, somebody stood in front. None: the camera did not look then."""
        inside = [here for at, here, _ in self._looks if start_ns <= at <= end_ns]
        if not inside:  # shorter than the time between two looks: the last one before counts
            before = [(at, here) for at, here, _ in self._looks if at <= end_ns]
            if not before or end_ns - before[-1][0] > STALE_NS:
                return None
            inside = [before[-1][1]]
        return sum(inside) / len(inside)

    def near(self, start_ns: int, end_ns: int) -> int:
        """The most faces that were near at once in that time."""
        return max((near for at, _, near in self._looks if start_ns <= at <= end_ns), default=0)

    def forget(self) -> None:
        self._looks.clear()
