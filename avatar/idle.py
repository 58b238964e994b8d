"""Signs of life that nobody asks for: breath, blinks, small movements of the eyes. Seeded, so that tests repeat."""

from __future__ import annotations

import math
import random
from typing import Final

BREATH_S: Final = 4.0
BLINK_GAP_S: Final = (2.0, 6.0)
DOUBLE_BLINK_SHARE: Final = 0.12
# Closing is quicker than opening: about 80 and 150 ms (Guitton, Simard & Codere 1991).
CLOSING_S: Final = 0.08
SHUT_S: Final = 0.03
OPENING_S: Final = 0.15
SACCADE_GAP_S: Final = (0.7, 2.6)
SACCADE_SIZE: Final = 0.10  # of the full gaze
SACCADE_S: Final = 0.05


def breath_at(now_s: float) -> float:
    """Return how far the chest is raised, 0..1."""
    return 0.5 - 0.5 * math.cos(2 * math.pi * now_s / BREATH_S)


class Blinks:
    """Lids over time. Ask with times that do not run backwards."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._start_s: float | None = None

    def lid_at(self, now_s: float) -> float:
        """Return 0 (open) .. 1 (closed)."""
        if self._start_s is None:
            self._start_s = now_s + self._gap_s()
        if now_s > self._start_s + CLOSING_S + SHUT_S + OPENING_S:
            again = self._random.random() < DOUBLE_BLINK_SHARE
            self._start_s = now_s + (0.12 if again else self._gap_s())
        since = now_s - self._start_s
        if since <= 0:
            return 0.0
        if since < CLOSING_S:
            return since / CLOSING_S
        return 1.0 - min(1.0, max(0.0, since - CLOSING_S - SHUT_S) / OPENING_S)

    def _gap_s(self) -> float:
        shortest, longest = BLINK_GAP_S
        # Gaps are skewed to the short side, as in people at rest.
        return min(longest, max(shortest, self._random.gammavariate(5.0, 0.72)))


class Saccades:
    """Little jumps of the eyes around what they look at."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._from = self._to = (0.0, 0.0)
        self._jump_s = 0.0
        self._next_s: float | None = None

    def offset_at(self, now_s: float) -> tuple[float, float]:
        """Return what to add to the gaze, each within ±`SACCADE_SIZE`."""
        if self._next_s is None or now_s >= self._next_s:
            self._from = self._to
            back = self._random.random() < 0.5  # every other one returns to the visitor's eyes
            self._to = (0.0, 0.0) if back else (self._size(), self._size() * 0.6)
            self._jump_s = now_s
            self._next_s = now_s + self._random.uniform(*SACCADE_GAP_S)
        share = min(1.0, (now_s - self._jump_s) / SACCADE_S)
        (x0, y0), (x1, y1) = self._from, self._to
        return x0 + (x1 - x0) * share, y0 + (y1 - y0) * share

    def _size(self) -> float:
        return self._random.uniform(-SACCADE_SIZE, SACCADE_SIZE)
