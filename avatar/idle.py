"""Signs of life that nobody asks for: breath, weight, blinks, eyes. Seeded, so that tests repeat."""

from __future__ import annotations

import math
import random
from typing import Final, Literal

BREATH_S: Final = 4.0
INHALED: Final = 0.42  # share of a breath: in is quicker than out
# Closing is quicker than opening: about 80 and 150 ms (Guitton, Simard & Codere 1991).
CLOSING_S: Final = 0.08
SHUT_S: Final = 0.03
OPENING_S: Final = 0.15
DOUBLE_BLINK_SHARE: Final = 0.08
Busy = Literal["resting", "talking", "attending"]
# Blinks a minute: 17 at rest, 26 in conversation, fewer while looking on (Bentivoglio et al., Movement Disorders 12,
# 1997). Gaps between blinks are skewed to the short side; a logarithmic normal describes them well enough.
BLINKS_A_MINUTE: Final[dict[Busy, float]] = {"resting": 17.0, "talking": 26.0, "attending": 12.0}
GAP_SPREAD: Final = 0.42  # of the logarithm
GAP_S: Final = (0.8, 9.0)
SACCADE_GAP_S: Final = (0.25, 2.2)
SACCADE_SIZE: Final = 0.12  # of the full gaze, at most
SACCADE_S: Final = 0.045
FACE_POINTS: Final = ((-0.055, -0.02), (0.055, -0.02), (0.0, 0.07))  # of the visitor: an eye, the other, the mouth
SHIFT_GAP_S: Final = (7.0, 16.0)  # between one shift of weight and the next
SHIFT_S: Final = 2.2


def breath_at(now_s: float) -> float:
    """Return how far the chest is raised, 0..1: in quickly, out slowly."""
    phase = now_s / BREATH_S % 1.0
    share = phase / INHALED / 2 if phase < INHALED else 0.5 + (phase - INHALED) / (1 - INHALED) / 2
    return 0.5 - 0.5 * math.cos(2 * math.pi * share)


class Blinks:
    """Lids over time. Ask with times that do not run backwards."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._start_s: float | None = None

    def lid_at(self, now_s: float, busy: Busy = "resting") -> float:
        """Return 0 (open) .. 1 (closed)."""
        if self._start_s is None:
            self._start_s = now_s + self._gap_s(busy)
        if now_s > self._start_s + CLOSING_S + SHUT_S + OPENING_S:
            again = self._random.random() < DOUBLE_BLINK_SHARE
            self._start_s = now_s + (0.12 if again else self._gap_s(busy))
        since = now_s - self._start_s
        if since <= 0:
            return 0.0
        if since < CLOSING_S:
            return _eased(since / CLOSING_S)
        return 1.0 - _eased(max(0.0, since - CLOSING_S - SHUT_S) / OPENING_S)

    def with_gaze(self, now_s: float) -> None:
        """A large shift of the gaze often brings a blink along (Evinger et al., 1994)."""
        if self._start_s is not None and self._start_s > now_s + 0.3 and self._random.random() < 0.6:
            self._start_s = now_s

    def _gap_s(self, busy: Busy) -> float:
        mean = 60.0 / BLINKS_A_MINUTE[busy] - (CLOSING_S + SHUT_S + OPENING_S)
        gap = self._random.lognormvariate(math.log(mean) - GAP_SPREAD**2 / 2, GAP_SPREAD)
        return min(GAP_S[1], max(GAP_S[0], gap))


class Saccades:
    """Little jumps of the eyes: from one point of the visitor's face to the next, and still smaller ones there."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._from = self._to = self._point = (0.0, 0.0)
        self._jump_s = 0.0
        self._next_s: float | None = None

    def offset_at(self, now_s: float) -> tuple[float, float]:
        """Return what to add to the gaze, each within ±`SACCADE_SIZE`."""
        if self._next_s is None or now_s >= self._next_s:
            self._from = self._to
            if self._random.random() < 0.4:
                self._point = self._random.choice(FACE_POINTS)
            self._to = (self._point[0] + self._little(), self._point[1] + self._little())
            self._jump_s = now_s
            self._next_s = now_s + self._random.uniform(*SACCADE_GAP_S)
        share = min(1.0, (now_s - self._jump_s) / SACCADE_S)
        (x0, y0), (x1, y1) = self._from, self._to
        return x0 + (x1 - x0) * share, y0 + (y1 - y0) * share

    def _little(self) -> float:
        return min(0.05, max(-0.05, self._random.gauss(0.0, 0.025)))


class Weight:
    """Which leg she stands on, -1..1: it changes now and then, slowly."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._from = self._to = 0.0
        self._shift_s = -math.inf
        self._next_s: float | None = None

    def lean_at(self, now_s: float) -> float:
        if self._next_s is None:
            self._next_s = now_s + self._random.uniform(*SHIFT_GAP_S) / 2
        if now_s >= self._next_s:
            self._from, self._shift_s = self._to, now_s
            other = -1.0 if self._to > 0 else 1.0
            self._to = other * self._random.uniform(0.35, 1.0)
            self._next_s = now_s + SHIFT_S + self._random.uniform(*SHIFT_GAP_S)
        share = _eased((now_s - self._shift_s) / SHIFT_S)
        return self._from + (self._to - self._from) * share + 0.06 * math.sin(now_s * 0.83)


class Drift:
    """Smooth chance: a value within -1..1 that wanders, with waves that never come the same way again."""

    def __init__(self, seed: int) -> None:
        chance = random.Random(seed)
        self._waves = [(chance.uniform(0.5, 1.6), chance.uniform(0, 6.3), 1.0) for _ in range(2)]
        self._waves.append((chance.uniform(3.0, 4.4), chance.uniform(0, 6.3), 0.45))

    def at(self, now_s: float) -> float:
        return sum(size * math.sin(pace * now_s + phase) for pace, phase, size in self._waves) / 2.45


def _eased(share: float) -> float:
    share = min(1.0, max(0.0, share))
    return share * share * (3 - 2 * share)
