"""Is this still the visitor who was greeted? Templates of this visit, in memory, compared with nobody else's.

Pure. It never says who somebody is: it tells one visit's face from another, keeps MOST templates of 128 numbers, and
has none when the visit is over. Whoever cannot be told is unsure, and an unsure face does not go on with a visit.
"""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
import numpy.typing as npt

MOST: Final = 3  # from the visit's beginning; later looks teach nothing, so no face creeps into another's place
# Cosines of SFace. One person within one visit, in one light, stays above 0.7 from the front; of 4,500 pairs of
# different people none came to 0.42 (docs/seeing.md says of whom).
SAME: Final = 0.50
OTHER: Final = 0.42  # of everything kept; between the two: unsure
Vector = npt.NDArray[np.float32]
Judged = Literal["same", "other", "unsure"]


class Likeness:
    """The face of one visit."""

    def __init__(self) -> None:
        self._kept: list[Vector] = []

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def full(self) -> bool:
        return len(self._kept) >= MOST

    def learn(self, vector: Vector) -> None:
        """(128,) of length one, of the visitor; no more than MOST."""
        if not self.full:
            self._kept.append(vector.copy())

    def judge(self, vector: Vector) -> Judged:
        """Compare with everything kept, and learn nothing."""
        if not self._kept:
            return "unsure"
        best = max(float(kept @ vector) for kept in self._kept)
        if best >= SAME:
            return "same"
        return "other" if best < OTHER else "unsure"

    def forget(self) -> None:
        """Overwritten, then let go."""
        for kept in self._kept:
            self._wipe(kept)
        self._kept.clear()

    @staticmethod
    def _wipe(vector: Vector) -> None:
        vector.fill(0)
