"""Does something with straight edges hold the face: a print, a telephone, a tablet? Pixels in, one figure out.

Pure. A door frame behind a visitor is straight too: the figure speaks against liveness only where it is high on both
sides at once, and says nothing otherwise.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from models.yunet import Face

SMALL_PX: Final = 240  # width of the picture in which edges are looked for
NEAR, FAR = 0.08, 1.6  # of the face's width: how far beside it
ROWS: Final = 40  # of the face's height that are looked at
STRONG: Final = 24.0  # a step of light that counts fully
SLANTS: Final = tuple(np.linspace(-0.24, 0.24, 7))  # pixels sideways for one down: things are held crookedly

Picture = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


def bezel(bgr: Picture, face: Face) -> float:
    """Strength of the straight edge along the face's whole height on the weaker of its two sides, 0 to about 1."""
    scale = SMALL_PX / bgr.shape[1]
    small = cv2.resize(bgr, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    grey = np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.float32)
    steps = np.asarray(cv2.Sobel(cv2.GaussianBlur(grey, (0, 0), 0.8), cv2.CV_32F, 1, 0, ksize=3) / 8, np.float32)
    x, y, w, h = (side * scale for side in (face.x, face.y, face.w, face.h))
    top, bottom = int(max(0, y - 0.15 * h)), int(min(grey.shape[0], y + 1.25 * h))
    left = _straight(steps[top:bottom, int(max(0, x - FAR * w)) : int(max(0, x - NEAR * w))])
    right = _straight(steps[top:bottom, int(x + (1 + NEAR) * w) : int(min(grey.shape[1], x + (1 + FAR) * w))])
    return min(left, right)


def _straight(steps: Floats) -> float:
    """The strongest line from top to bottom: light changes the same way along all of it."""
    rows, columns = steps.shape
    if rows < 12 or columns < 6:
        return 0.0
    clipped = np.clip(steps[:: max(1, rows // ROWS)], -STRONG, STRONG)
    rows = len(clipped)
    weak = int(0.15 * rows)  # so many of the rows may be interrupted: by fingers, by what lies behind
    best = 0.0
    down = np.arange(rows)[:, None] - rows / 2
    for slant in SLANTS:
        across = (np.arange(columns)[None] + np.round(slant * down * (steps.shape[0] / rows)).astype(int)) % columns
        ordered = np.partition(np.take_along_axis(clipped, across, axis=1), (weak, rows - 1 - weak), axis=0)
        best = max(best, float(ordered[weak].max()), float((-ordered[rows - 1 - weak]).max()))
    return best / STRONG
