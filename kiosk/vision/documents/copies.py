"""Is it the document itself, or a copy of it? Colour, fine patterns, borders and the portrait's edge. Pure.

Serves the moment after reading: a suspicion is said, with its reason, and a colleague looks. It refuses to prove that a
document is genuine: a good colour copy that is cut out well passes here; `marks`, which sees it tilted, stops that.
Thresholds were chosen on split 'tune' (`bench/papers`); their figures stand in docs/documents.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from kiosk.vision.documents.checks import Reason
from kiosk.vision.documents.corners import Corners, Picture, flattened
from kiosk.vision.documents.layout import Kind

COLOUR_LEAST: Final = 9.0  # Lab units that the most coloured hundredth lies from the document's own cast
PATTERN_MOST: Final = 3.4  # natural logarithm of a peak's power above its surroundings
BEZEL_DARK: Final = 46.0  # mean grey of the ring around a picture on a screen
BEZEL_EVEN: Final = 13.0
EDGE_MOST: Final = 0.8  # of a side of the portrait's rectangle that lies on one straight border
AROUND: Final = 1.08  # of the document's size, so that what is behind its corners is seen
CORNER_CONTRAST: Final = 24.0
PATCH_PX: Final = 160
SPOTS: Final = ((0.25, 0.2), (0.5, 0.3), (0.8, 0.15), (0.3, 0.7), (0.6, 0.62), (0.82, 0.75), (0.5, 0.85))
PORTRAIT: Final = (0.628, 0.135, 0.932, 0.688)  # of a resident ID card: left, top, right, bottom


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What one frame shows of the document's making."""

    colour: float
    pattern: float
    bezel: bool
    paper: bool
    square: bool  # its corners are: cards' and pages' are round
    portrait_edge: float  # 0..1; 0 where the kind has no portrait that fades into it


def traits(picture: Picture, corners: Corners, kind: Kind, *, turned: bool = False) -> Traits:
    """Measure one frame. About 40 ms on one core."""
    flat = flattened(picture, corners, 640)
    if turned:
        flat = np.asarray(cv2.rotate(flat, cv2.ROTATE_180), np.uint8)
    bezel, paper = _rings(flat)
    return Traits(
        colour=_colour(flat), pattern=_pattern(picture, corners), bezel=bezel, paper=paper,
        square=_square_corners(picture, corners), portrait_edge=_portrait_edge(flat) if kind == "id_front" else 0.0,
    )  # fmt: skip


def suspicions(seen: list[Traits]) -> list[Reason]:
    """What several frames together say: by the middle of their measures, so that one flash of light accuses nobody."""
    if not seen:
        return []
    found = []
    colour = float(np.median([one.colour for one in seen]))
    if colour < COLOUR_LEAST:
        found.append(Reason("black_and_white", round(1 - colour / COLOUR_LEAST, 2)))
    pattern = float(np.median([one.pattern for one in seen]))
    bezel = sum(one.bezel for one in seen) * 2 > len(seen)
    if bezel or pattern > PATTERN_MOST:
        found.append(Reason("screen" if bezel else "print", round(min(1.0, pattern / (2 * PATTERN_MOST)), 2)))
    elif sum(one.paper for one in seen) * 2 > len(seen):
        found.append(Reason("print", 0.5))
    elif sum(one.square for one in seen) * 2 > len(seen):
        found.append(Reason("corners"))
    edge = float(np.median([one.portrait_edge for one in seen]))
    if edge > EDGE_MOST:
        found.append(Reason("portrait", round(edge, 2)))
    return found


def _colour(flat: Picture) -> float:
    """How far the most coloured hundredth lies from the middle colour; the light's own colour is everywhere."""
    small = cv2.resize(flat[20:-20, 20:-20], (160, 100), interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_BGR2LAB)
    bright = lab[:, :, 0] < 95  # burnt out areas have no colour left
    away = lab[:, :, 1:] - np.median(lab[:, :, 1:][bright], axis=0) if bright.any() else lab[:, :, 1:] * 0
    return float(np.percentile(np.linalg.norm(away, axis=2), 99))


def _pattern(picture: Picture, corners: Corners) -> float:
    """The strongest regular fine pattern: stripes of a screen, dots of a print, and what they beat with.

    Spectra of patches at the picture's own pixels, without rows and columns of multiples of 1/8 (JPEG's blocks).
    """
    height, width = picture.shape[:2]
    window = np.outer(np.hanning(PATCH_PX), np.hanning(PATCH_PX)).astype(np.float32)
    wanted = _wanted()
    peaks: list[list[float]] = []
    for along, down in SPOTS:
        upper = corners[0] * (1 - along) + corners[1] * along
        lower = corners[3] * (1 - along) + corners[2] * along
        x, y = (upper * (1 - down) + lower * down - PATCH_PX / 2).round().astype(int)
        x, y = int(np.clip(x, 0, max(0, width - PATCH_PX))), int(np.clip(y, 0, max(0, height - PATCH_PX)))
        patch = picture[y : y + PATCH_PX, x : x + PATCH_PX].astype(np.float32)
        if patch.shape[:2] != window.shape:
            return 0.0  # smaller than a patch: nothing so fine is in it
        peaks.append([_peak(plane, window, wanted) for plane in (patch[:, :, 1], patch[:, :, 2] - patch[:, :, 0])])
    return float(np.median(np.array(peaks), axis=0).max())


def _peak(
    plane: npt.NDArray[np.float32], window: npt.NDArray[np.float32], wanted: npt.NDArray[np.bool_]
) -> float:  # fmt: skip
    """How far the strongest frequency of a patch stands above those around it; print and edges are clipped."""
    fine = plane - cv2.GaussianBlur(plane, (0, 0), 4)
    most = 3 * float(np.median(np.abs(fine))) + 1
    power = np.abs(np.fft.fftshift(np.fft.fft2(np.clip(fine, -most, most) * window))) ** 2
    level = np.log(cv2.GaussianBlur(power.astype(np.float32), (0, 0), 1.0) + 1)
    return float((level - cv2.blur(level, (25, 25)))[wanted].max())


def _wanted() -> npt.NDArray[np.bool_]:
    """Frequencies at which patterns are sought: fine ones, off the axes' multiples of 1/8 and off text's own axes."""
    steps = np.fft.fftshift(np.fft.fftfreq(PATCH_PX))
    across, down = np.meshgrid(steps, steps)
    radius = np.hypot(across, down)
    block = (np.abs(across * 8 - np.rint(across * 8)) < 0.12) & (np.abs(down) < 0.03)
    block |= (np.abs(down * 8 - np.rint(down * 8)) < 0.12) & (np.abs(across) < 0.03)
    return np.asarray((radius > 0.1) & (radius < 0.47) & ~block)


def _rings(flat: Picture) -> tuple[bool, bool]:
    """Whether the outermost ring is a screen's dark bezel, and whether it is a margin of white paper."""
    grey = cv2.cvtColor(flat, cv2.COLOR_BGR2GRAY).astype(np.float32)
    height, width = grey.shape
    near, far = 6, 13  # pixels from the edge, of 640
    strips = (
        grey[near:far, 60:-60], grey[height - far : height - near, 60:-60],
        grey[60:-60, near:far].T, grey[60:-60, width - far : width - near].T,
    )  # fmt: skip
    inner = float(np.median(grey[60:-60, 60:-60]))
    levels = [float(np.median(strip)) for strip in strips]
    spreads = [float(np.percentile(strip, 90) - np.percentile(strip, 10)) for strip in strips]
    dark = sum(level < BEZEL_DARK and spread < 2 * BEZEL_EVEN for level, spread in zip(levels, spreads, strict=True))
    white = sum(level > inner + 45 and level > 120 for level in levels)
    return dark >= 3 and inner > BEZEL_DARK + 8, white >= 3


def _square_corners(picture: Picture, corners: Corners) -> bool:
    """Whether the document reaches into its corners, as cut paper and windows on screens do; a corner under a finger or
    before a background of the document's own colour says nothing."""
    middle = corners.mean(axis=0)
    around = np.asarray((corners - middle) * AROUND + middle, np.float32)
    wide = flattened(picture, around, 640).astype(np.float32)
    height, width = wide.shape[:2]
    calm = cv2.blur(wide, (3, 3))
    square = told = 0
    for across in (0, 1):
        for down in (0, 1):
            apex = np.array([width, height]) / 2 * (1 + np.array([2 * across - 1, 2 * down - 1]) / AROUND)
            inwards = np.array([1 - 2 * across, 1 - 2 * down])
            at, inside, outside = (apex + inwards * step for step in (3.0, 18.0, -6.0))
            there, card, behind = (calm[int(p[1].clip(0, height - 1)), int(p[0].clip(0, width - 1))]
                                   for p in (at, inside, outside))  # fmt: skip
            contrast = float(np.linalg.norm(card - behind))
            if contrast > CORNER_CONTRAST:
                told += 1
                square += float(np.linalg.norm(there - card)) < 0.45 * contrast
    return told >= 2 and square >= 0.7 * told


def _portrait_edge(flat: Picture) -> float:
    """How much of a rectangle around the portrait lies on straight borders: a glued photo has them, a printed none."""
    height, width = flat.shape[:2]
    grey = cv2.GaussianBlur(cv2.cvtColor(flat, cv2.COLOR_BGR2GRAY), (0, 0), 1.0).astype(np.float32)
    left, top, right, bottom = PORTRAIT
    shares = []
    for middle, upright in ((left, True), (right, True), (top, False), (bottom, False)):
        along = (top, bottom) if upright else (left, right)
        size, length = (width, height) if upright else (height, width)
        start, end = int(along[0] * length) + 14, int(along[1] * length) - 14
        low, high = int((middle - 0.035) * size), int((middle + 0.035) * size)
        band = grey[start:end, low:high] if upright else grey[low:high, start:end].T
        step = band[:, 3:] - band[:, :-3]  # (along, across): a straight border is one column of one sign
        ups, downs = (step > 5).mean(axis=0), (step < -5).mean(axis=0)
        shares.append(float(max(ups.max(), downs.max())))
    return sorted(shares)[-2]  # one side may be the coat, cut off straight
