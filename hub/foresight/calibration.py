"""Are the promises kept? Nine of ten called within the second figure, half within the first: counted, and made so.

What was promised is held against what came; the ratio's quantiles, by how long the promise was, stretch or shrink the
next ones (split conformal prediction: Vovk et al. 2005; Romano et al. 2019 for quantiles). Few promises change little.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from hub.foresight.waiting import Floats, Wait

SHORT_S: Final = 60.0  # added to both sides of a ratio: seconds of a short wait are not what matters
EDGES_S: Final = (300.0, 900.0, 1_800.0)  # of the first figure: what is stretched together
WEIGHT: Final = 60  # promises that count for 'as it is'
BOUNDS: Final = (0.5, 2.0)


@dataclass(frozen=True, slots=True)
class Kept:
    """One promise and what came, in seconds."""

    p50_s: float
    p90_s: float
    waited_s: float


@dataclass(frozen=True, slots=True)
class Score:
    """How promises fared. `coverage`: shares called within each figure; `error_s`: mean absolute, of the first."""

    count: int
    half_coverage: float
    coverage: float
    error_s: float


def score(kept: Sequence[Kept]) -> Score | None:
    """None without a single promise."""
    if not kept:
        return None
    half = sum(one.waited_s <= one.p50_s for one in kept) / len(kept)
    ninety = sum(one.waited_s <= one.p90_s for one in kept) / len(kept)
    error = sum(abs(one.waited_s - one.p50_s) for one in kept) / len(kept)
    return Score(len(kept), half, ninety, error)


@dataclass(frozen=True, slots=True)
class Calibration:
    """Factors for both figures, (buckets,), by the first one's length."""

    half: Floats
    ninety: Floats

    def of(self, wait: Wait) -> Wait:
        """The promise as it should have been made."""
        at = int(np.searchsorted(EDGES_S, wait.p50_s, "right"))
        p50 = max(0.0, (wait.p50_s + SHORT_S) * float(self.half[at]) - SHORT_S)
        p90 = max(p50, (wait.p90_s + SHORT_S) * float(self.ninety[at]) - SHORT_S)
        return Wait(p50, p90)


NEUTRAL: Final = Calibration(np.ones(len(EDGES_S) + 1), np.ones(len(EDGES_S) + 1))


def calibrate(kept: Sequence[Kept]) -> Calibration:
    """Factors from raw promises (before any factor) and what came."""
    if not kept:
        return NEUTRAL
    p50 = np.array([one.p50_s for one in kept])
    half = (np.array([one.waited_s for one in kept]) + SHORT_S) / (p50 + SHORT_S)
    ninety = (np.array([one.waited_s for one in kept]) + SHORT_S) / (np.array([one.p90_s for one in kept]) + SHORT_S)
    bucket = np.searchsorted(EDGES_S, p50, "right")
    factors: list[Floats] = []
    for ratios, level in ((half, 0.5), (ninety, 0.9)):
        whole = _drawn_to_one(ratios, level, 1.0)
        factors.append(np.array([_drawn_to_one(ratios[bucket == at], level, whole) for at in range(len(EDGES_S) + 1)]))
    return Calibration(*factors)


def _drawn_to_one(ratios: Floats, level: float, towards: float) -> float:
    if len(ratios) == 0:
        return towards
    found = float(np.quantile(ratios, level))
    mixed = (len(ratios) * found + WEIGHT * towards) / (len(ratios) + WEIGHT)
    return min(max(mixed, BOUNDS[0]), BOUNDS[1])
