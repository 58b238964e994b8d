"""The visitor's hand on the pad: lines as they come, bounded, and whether they are a signature at all."""

from __future__ import annotations

import itertools
from typing import Final

from contracts import together as t
from contracts.screen import PAD_UNITS

LEAST_POINTS: Final = 8
LEAST_LENGTH: Final = 160.0  # units of the pad: a dot or a tick is no signature
LONGEST_MS: Final = 10 * 60_000


class Hand:
    """What was drawn so far. `tally_cut`: points that were too many."""

    def __init__(self) -> None:
        self.strokes: t.Strokes = ()
        self.tally_cut = 0

    def draws(self, points: tuple[tuple[int, int, int], ...]) -> bool:
        """One more line. Whether it changed anything."""
        room = t.MAX_POINTS - sum(map(len, self.strokes))
        width, height = PAD_UNITS
        kept = tuple(
            (min(max(x, 0), width), min(max(y, 0), height), min(max(at, 0), LONGEST_MS)) for x, y, at in points[:room]
        )
        self.tally_cut += len(points) - len(kept)
        if not kept or len(self.strokes) >= t.MAX_STROKES:
            return False
        self.strokes = (*self.strokes, kept)
        return True

    def clear(self) -> None:
        self.strokes = ()

    @property
    def is_signature(self) -> bool:
        """Whether enough was drawn to be somebody's name."""
        return sum(map(len, self.strokes)) >= LEAST_POINTS and self.length >= LEAST_LENGTH

    @property
    def length(self) -> float:
        """Of all lines together, in units of the pad."""
        total = 0.0
        for line in self.strokes:
            for (x, y, _), (next_x, next_y, _) in itertools.pairwise(line):
                total += ((next_x - x) ** 2 + (next_y - y) ** 2) ** 0.5
        return total

    def written(self) -> str:
        """The lines as the text that is sealed."""
        return t.canonical(self.strokes)
