"""Do scores still fall as they did when the threshold was chosen? Counts by score, without pictures or people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from math import log
from pathlib import Path
from typing import Final

BINS: Final = 40  # of the cosine, from -1 to 1
LEAST: Final = 200  # scores before anything is said
MOVED: Final = 0.2  # population stability index above which scores have drifted (Siddiqi, 2006: "significant" at 0.25)


class ScoreHistogram:
    """Counts of scores; kept in a small file, so that a restart does not forget them."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self.counts = [0] * BINS
        if path is not None and path.exists():
            self.counts = _read(path)

    def add(self, score: float) -> None:
        self.counts[min(BINS - 1, max(0, int((score + 1) / 2 * BINS)))] += 1
        if self._path is not None:
            part = self._path.with_suffix(".part")
            part.write_text(json.dumps(self.counts), "utf-8")
            part.replace(self._path)

    def drift(self, expected: Sequence[float]) -> float | None:
        """Population stability index against expected shares; None: too few scores to say."""
        total = sum(self.counts)
        if total < LEAST:
            return None
        smooth = 1e-3
        return sum((n / total - share) * log((n / total + smooth) / (share + smooth))
                   for n, share in zip(self.counts, expected, strict=True))  # fmt: skip


def _read(path: Path) -> list[int]:
    """A file that is none of ours counts from zero."""
    try:
        read = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return [0] * BINS
    good = isinstance(read, list) and len(read) == BINS and all(isinstance(n, int) and n >= 0 for n in read)
    return read if good else [0] * BINS
