"""Does the face answer to the light of the screen? A further signal where the display can light it. Pure.

The screen shows colours in a random order; a face before it takes a little of each, a film that plays in a telephone
hardly does. What is compared is the order, not the amount: rooms and skins differ. Never a yes by itself.
"""

from __future__ import annotations

import random
from typing import Final

import numpy as np
import numpy.typing as npt

from kiosk.identity.quality import Picture
from models.mesh import Mesh

COLOURS: Final = ((255, 40, 40), (40, 255, 40), (60, 60, 255), (235, 235, 235), (20, 20, 20))  # red, green, blue
SHOWN: Final = 5
LEAST_CHANGE: Final = 0.4  # of 255: below it the room outshines the screen and nothing is said
_SKIN: Final = (151, 9, 50, 280, 205, 425, 199)
Rgb = tuple[int, int, int]


def order(rng: random.Random) -> tuple[Rgb, ...]:
    """Colours to show, none twice running."""
    shown = [rng.choice(COLOURS)]
    while len(shown) < SHOWN:
        shown.append(rng.choice([colour for colour in COLOURS if colour != shown[-1]]))
    return tuple(shown)


def skin_light(bgr: Picture, mesh: Mesh) -> npt.NDArray[np.float64]:
    """(3,) red, green, blue of the skin."""
    found = [
        bgr[int(y), int(x)] for x, y in mesh.points[list(_SKIN), :2] if 0 <= y < bgr.shape[0] and 0 <= x < bgr.shape[1]
    ]
    return np.asarray(np.mean(found, axis=0)[::-1] if found else np.zeros(3), np.float64)


def answers(shown: tuple[Rgb, ...], seen: npt.NDArray[np.float64]) -> float | None:
    """Correlation of what the screen showed with what the skin did, (n, 3); None: too little light to say."""
    sent = np.asarray(shown, np.float64)
    if len(sent) != len(seen) or len(sent) < 3:
        return None
    sent, got = sent - sent.mean(axis=0), seen - seen.mean(axis=0)
    if float(np.abs(got).max()) < LEAST_CHANGE or not sent.any():
        return None
    return float((sent * got).sum() / np.sqrt((sent**2).sum() * (got**2).sum()))
