"""Is it a head that turns, or a flat thing that is tilted? Points in, figures out. Pure.

A picture that is tilted maps onto itself by a homography (Hartley and Zisserman, "Multiple View Geometry", 2.3); of a
head the nose leaves the plane of eyes and mouth. `relief` is how far it does, for the angle seen.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
FACE: Final = 468  # points of the face; the others are of the irises, which move by themselves
# Points of one plane of a head, more or less: corners of eyes and mouth, cheekbones, forehead, chin.
_PLANE: Final = (33, 133, 362, 263, 61, 291, 127, 356, 234, 454, 10, 152, 54, 284, 172, 397, 93, 323)
_NOSE: Final = (1, 4, 5, 45, 275)


def planar_rest(base: Floats, now: Floats) -> float:
    """What the best homography from `base` to `now` (478, 3) leaves, root mean square over the face's width."""
    source, target = base[:FACE, :2], now[:FACE, :2]
    matrix, _ = cv2.findHomography(source, target, 0)
    if matrix is None:
        return 0.0
    mapped = cv2.perspectiveTransform(source[None], matrix)[0]
    return float(np.sqrt(((mapped - target) ** 2).sum(axis=1).mean())) / max(1.0, float(np.ptp(source[:, 0])))


def nose_leaves(base: Floats, now: Floats) -> float:
    """How far the tip of the nose leaves the plane of the rest, sideways, over the face's width; signed."""
    matrix, _ = cv2.findHomography(base[list(_PLANE), :2], now[list(_PLANE), :2], 0)
    if matrix is None:
        return 0.0
    nose = base[list(_NOSE), :2]
    mapped = cv2.perspectiveTransform(nose[None], matrix)[0]
    return float((now[list(_NOSE), 0] - mapped[:, 0]).mean()) / max(1.0, float(np.ptp(base[:FACE, 0])))


def relief(base: Floats, now: Floats, turned_deg: float) -> float:
    """Depth of the nose before that plane as this turn shows it, over the face's width. A head: 0.2 to 0.4; flat: 0."""
    sine = float(np.sin(np.radians(turned_deg)))
    return nose_leaves(base, now) / sine if abs(sine) > 0.1 else 0.0


def openness(points: Floats) -> float:
    """How far the eyes are open: height over width, the mean of both."""
    flat = points[:, :2]

    def one(outer: int, inner: int, above: tuple[int, int], below: tuple[int, int]) -> float:
        height = np.linalg.norm(flat[list(above)] - flat[list(below)], axis=1).mean()
        return float(height / max(1e-6, np.linalg.norm(flat[outer] - flat[inner])))

    return (one(33, 133, (160, 158), (144, 153)) + one(263, 362, (387, 385), (373, 380))) / 2
