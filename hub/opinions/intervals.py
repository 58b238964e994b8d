"""How sure a count is: 95 % intervals for shares, for a difference of two shares, and for the NPS. Pure.

A share: Wilson's score interval (JASA 22, 1927), which stays within 0..1 and holds for few answers. A difference:
Newcombe's hybrid of two Wilson intervals (Statistics in Medicine 17, 1998, method 10). The NPS is promoters less
detractors of one sample, that is a difference of dependent proportions: Wald's interval with half an answer added to
each of four cells (Agresti and Min, Statistics in Medicine 24, 2005). Fewer than `LEAST` answers: nothing is said.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

Z: Final = 1.959964  # of a standard normal, 95 % between -Z and Z
LEAST: Final = 10  # answers, from which a figure is one
PROMOTER: Final = 9
DETRACTOR: Final = 6


@dataclass(frozen=True, slots=True)
class Estimate:
    """`value` of `n` answers; `low`..`high` hold the truth in 19 of 20 cases. Shares 0..1; the NPS -100..100."""

    value: float
    low: float
    high: float
    n: int


def wilson(hits: int, n: int) -> Estimate | None:
    """The share of `hits` in `n`; None for no answers. Raises ValueError where hits are not among them."""
    if not 0 <= hits <= n:
        raise ValueError(f"{hits} of {n}")
    if n == 0:
        return None
    share, square = hits / n, Z * Z
    middle = (share + square / (2 * n)) / (1 + square / n)
    half = Z / (1 + square / n) * math.sqrt(share * (1 - share) / n + square / (4 * n * n))
    low = 0.0 if hits == 0 else middle - half
    return Estimate(share, max(0.0, low), 1.0 if hits == n else min(1.0, middle + half), n)


def share(hits: int, n: int) -> Estimate | None:
    """The same, and None (it cannot be said yet) below `LEAST` answers."""
    return wilson(hits, n) if n >= LEAST else None


def difference(now: Estimate, before: Estimate) -> Estimate:
    """`now` less `before`, of two independent samples of shares."""
    value = now.value - before.value
    low = value - math.hypot(now.value - now.low, before.high - before.value)
    high = value + math.hypot(now.high - now.value, before.value - before.low)
    return Estimate(value, low, high, min(now.n, before.n))


def nps(scores: Sequence[int]) -> Estimate | None:
    """Of answers 0 to 10; None below `LEAST` of them."""
    promoters = sum(score >= PROMOTER for score in scores)
    detractors = sum(score <= DETRACTOR for score in scores)
    return nps_of(promoters, detractors, len(scores))


def nps_of(promoters: int, detractors: int, n: int) -> Estimate | None:
    """The same from counts."""
    if n < LEAST:
        return None
    total, up, down = n + 2, promoters + 0.5, detractors + 0.5
    middle = (up - down) / total
    half = Z * math.sqrt(max(0.0, (up + down) / total - middle * middle) / total)
    value = 100 * (promoters - detractors) / n
    return Estimate(value, max(-100.0, 100 * (middle - half)), min(100.0, 100 * (middle + half)), n)
