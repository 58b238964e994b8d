"""Motion without a jump: values that follow what they are told, with a speed that never jumps either."""

from __future__ import annotations

import math


class Springs:
    """Critically damped springs, solved exactly: the same way for any frame rate.

    98 % of a step is there after `settle_s`. Source: the damped harmonic oscillator at critical damping,
    x(t) = goal + (a + b·t)·exp(-w·t); (1 + 5.83)·exp(-5.83) is 2 %.
    """

    def __init__(self, settle_s: float, start: tuple[float, ...]) -> None:
        self._w = 5.83 / settle_s
        self.values = start
        self._speeds = (0.0,) * len(start)

    def follow(self, goals: tuple[float, ...], elapsed_s: float) -> tuple[float, ...]:
        """Go on towards `goals` for `elapsed_s` seconds and return where that is."""
        decay, w = math.exp(-self._w * elapsed_s), self._w
        values, speeds = [], []
        for value, speed, goal in zip(self.values, self._speeds, goals, strict=True):
            off = value - goal
            b = speed + w * off
            values.append(goal + (off + b * elapsed_s) * decay)
            speeds.append((speed - w * b * elapsed_s) * decay)
        self.values, self._speeds = tuple(values), tuple(speeds)
        return self.values
