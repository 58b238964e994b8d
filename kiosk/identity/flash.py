"""Does the face answer to the light of the screen? A further signal where the display is known to light a face. Pure.

The screen shows soft colours in a random order; skin reflects a little of each. A film on a telephone does not: its
light is its own. What glass mirrors of the screen lies like a veil over bright and dark alike, while light on a face
goes by its albedo: brows, lashes and nostrils stay dark. Ratios of colours are compared, not amounts, so that a camera
that follows the light does not matter. No gentle light outshines the sun: where no answer is seen, nothing is decided,
and the visitor goes another way. Paper answers like skin (other checks are there for paper), and so would a screen
that was told the colours by a camera of its own.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from kiosk.identity.quality import Picture
from models.mesh import Mesh

Rgb = tuple[int, int, int]
Floats = npt.NDArray[np.float64]
COLOURS: Final[tuple[Rgb, ...]] = ((255, 176, 72), (88, 255, 176), (120, 150, 255), (255, 120, 190))
"""Amber, mint, sky, rose: none is a saturated red (WCAG 2.2, 2.3.1), all are bright."""
SHOWN: Final = 3
SHOWN_MS: Final = 450  # each: 2.2 changes a second, a light that comes and goes at most 1.2 times
SETTLE_MS: Final = 180  # of these: until the glass and the camera's exposure are there
GAMMA: Final = 2.2  # pixels to light, about (IEC 61966-2-1)
DARKER: Final = 1.5  # skin over the darkest of the face: with less between them a veil cannot be told
SKIN: Final = (0.4, 0.9)  # of the face's pixels by their brightness
LEAST_PX: Final = 400  # of a face
DARKEST: Final = 0.06  # of them: brows, lashes, nostrils


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How skin followed the screen. `alike`: correlation with what was shown; `much`: what a full colour adds to the
    skin's light, as a share; `veil`: 0 where the darkest places follow by their own albedo, 1 where they gain as much
    as skin; None: they are as bright as it."""

    alike: float
    much: float
    veil: float | None


def order(rng: random.Random) -> tuple[int, ...]:
    """Numbers of the colours to show, none twice."""
    return tuple(rng.sample(range(len(COLOURS)), SHOWN))


def light_of(bgr: Picture, mesh: Mesh) -> Floats:
    """(2, 3) light of a face's skin and of its darkest places: red, green, blue, 0 to 1, linear."""
    outline = cv2.convexHull(mesh.points[:468, :2].astype(np.float32))[:, 0]
    left, top = np.maximum(0, np.floor(outline.min(axis=0))).astype(int)
    right, bottom = np.ceil(outline.max(axis=0)).astype(int)
    crop = bgr[top:bottom, left:right]
    inside = np.zeros(crop.shape[:2], np.uint8)
    if not inside.size:
        return np.zeros((2, 3))
    cv2.fillConvexPoly(inside, (outline - (left, top)).astype(np.int32), 1)
    pixels = crop[inside > 0]
    if len(pixels) < LEAST_PX:
        return np.zeros((2, 3))
    ranks = np.argsort(pixels.sum(axis=1, dtype=np.int32), kind="stable")
    low, high = (int(share * len(pixels)) for share in SKIN)
    rows = (ranks[low:high], ranks[: int(DARKEST * len(pixels))])
    return np.array([((pixels[row][:, ::-1] / 255) ** GAMMA).mean(axis=0) for row in rows])


def answer(shown: Sequence[int], seen: Floats) -> Answer | None:
    """What the face did, `seen` (n, 2, 3) by `light_of` for each of `shown`; None: too dark or too few to say."""
    if len(shown) < 2 or seen.shape != (len(shown), 2, 3) or float(seen.min()) <= 1e-5:
        return None
    logs = np.log(seen)
    sent = (np.array([COLOURS[i] for i in shown]) / 255) ** GAMMA
    sent -= sent.mean(axis=0)
    skin = _ratios(logs[:, 0])
    ratios = _ratios(sent)
    energy, power = float((skin**2).sum()), float((ratios**2).sum())
    if energy < 1e-12:
        return Answer(alike=0.0, much=0.0, veil=None)
    both = float((ratios * skin).sum())
    slopes = (ratios * skin).sum(axis=0) / np.maximum(1e-9, (ratios**2).sum(axis=0))  # of each colour: lobbies have one
    darker = np.exp((logs[:, 0] - logs[:, 1]).mean(axis=0))
    gains = logs[:, 1] - logs[:, 0]
    gains -= gains.mean(axis=0)
    behind_glass = slopes * (darker - 1) * sent  # what they would be
    told = float((behind_glass**2).sum())
    veil = float((gains * behind_glass).sum()) / told if darker.mean() >= DARKER and told > 1e-9 else None
    return Answer(alike=both / float(np.sqrt(power * energy)), much=both / power, veil=veil)


def _ratios(rows: Floats) -> Floats:
    """(n, 3) without what all colours have in common and without what stays."""
    rows = rows - rows.mean(axis=0)
    return np.asarray(rows - rows.mean(axis=1, keepdims=True))
