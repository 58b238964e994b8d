"""Does what is behind the visitor stand still? The terminal's camera is fixed: a lobby that shakes is in a hand.

A film that fills the view, on a telephone held before the camera, moves with the hand, surroundings and all. Tiles
along the sides of the picture are compared with those of the try's first frame; only what most of them agree on
counts, so that people who walk by do not. A screen on a stand does not shake, and says nothing here.
"""

from __future__ import annotations

from itertools import product
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from kiosk.identity.quality import Picture
from models.yunet import Face

SMALL_PX: Final = 240  # width of the picture in which tiles are compared
TILE_PX: Final = 44
BESIDE: Final = 0.35  # of the face's width: tiles nearer than that are of the visitor
PLAIN: Final = 4.0  # deviation of light in a tile below which it shows nothing
SURE: Final = 0.25  # response of the correlation, 0 to 1
AGREE_PX: Final = 0.35  # from the median
LEAST: Final = 3  # tiles that agree
Grey = npt.NDArray[np.float32]
Shift = tuple[float, float]
_WINDOW: Final = cv2.createHanningWindow((TILE_PX, TILE_PX), cv2.CV_32F)


class Surroundings:
    """Of one try: the tiles of its first frame, until `forget`."""

    def __init__(self) -> None:
        self._first: Grey | None = None

    def shift(self, bgr: Picture, face: Face) -> Shift | None:
        """How far everything behind has moved since the first frame, in hundredths of the picture's width, but for
        what the correlation adds to every frame alike; None: most of it is hidden, plain, or moves its own way."""
        scale = SMALL_PX / bgr.shape[1]
        small = cv2.resize(bgr, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        grey = np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.float32)
        if self._first is None or self._first.shape != grey.shape:
            self._first = grey
        moved = [found for x, y in _places(grey.shape, face, scale) if (found := _moved(self._first, grey, x, y))]
        if len(moved) < LEAST:
            return None
        middle = np.median(moved, axis=0)
        agree = np.abs(np.asarray(moved) - middle).max(axis=1) <= AGREE_PX
        if agree.sum() < max(LEAST, len(moved) / 2):
            return None
        dx, dy = np.asarray(moved)[agree].mean(axis=0) / SMALL_PX * 100
        return float(dx), float(dy)

    def forget(self) -> None:
        self._first = None


def _places(shape: tuple[int, ...], face: Face, scale: float) -> list[tuple[int, int]]:
    """Left upper corners of tiles along both sides and the top, away from the face and from what is below it."""
    height, width = shape[:2]
    xs = sorted({0, TILE_PX, width - 2 * TILE_PX, width - TILE_PX})
    ys = range(0, height - TILE_PX + 1, TILE_PX)
    left, right = (face.x - BESIDE * face.w) * scale, (face.x + (1 + BESIDE) * face.w) * scale
    chin = (face.y + face.h) * scale
    return [(x, y) for x, y in product(xs, ys) if (x + TILE_PX <= left or x >= right) and y + TILE_PX <= chin + TILE_PX]


def _moved(before: Grey, now: Grey, x: int, y: int) -> Shift | None:
    one, two = (grey[y : y + TILE_PX, x : x + TILE_PX] for grey in (before, now))
    if min(float(one.std()), float(two.std())) < PLAIN:
        return None
    (dx, dy), response = cv2.phaseCorrelate(one, two, _WINDOW)
    return (float(dx), float(dy)) if response >= SURE else None


def spread(shifts: list[Shift]) -> float:
    """Spread of the shifts of a try, in hundredths of the width: the middle half of them, so that one jolt of the
    terminal is none."""
    if not shifts:
        return 0.0
    low, high = np.percentile(np.asarray(shifts), (25, 75), axis=0)
    return float(np.linalg.norm(high - low))
