"""Where in the picture is the card? Its four corners, and how well it is held there. Pure: pictures in, values out.

Serves the hand that holds a document up; refuses to say what the document is. Borders are sought in grey and in
colour, because a pale card before a pale coat shows in one of them only. About 15 ms for 1280 x 720 on one core.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]
Lines = npt.NDArray[np.float32]
Corners = npt.NDArray[np.float32]  # (4, 2) x, y in pixels: top left, top right, bottom right, bottom left

LOOK_W_PX: Final = 480  # of the picture in which it is sought
LEAST_SHARE: Final = 0.02  # of the picture's area
RATIOS: Final = (1.15, 2.1)  # width / height as seen: an ID-1 card is 1.586, a passport's page 1.42
HOUGH_VOTES: Final = 36
TURN_MOST: Final = 0.6  # radians that a side may be turned from level or upright
LINES_EACH: Final = 12
SIDE_SUPPORT: Final = 0.55  # of the worst side
NEAR_PX: Final = 3.5
SIDE_PART: Final = (0.12, 0.88)  # of a side: outside it corners are round
SMALL_W: Final = 240  # of the flattened picture that glare, light and sharpness are measured in
BURNT: Final = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """How a document is held. Shares are of the picture's width or of the document's area."""

    corners: Corners = field(repr=False)
    width_share: float
    edge_px: float  # from the picture's edge to the nearest corner; below 0 it is cut
    slant: float  # longest by shortest of opposite sides
    glare: float  # share of burnt out area
    light: float  # mean grey, 0 to 255
    sharp: float  # mean gradient by contrast


def find(bgr: Picture) -> Corners | None:
    """The corners of the card-like shape in a picture (h, w, 3) that borders support best; None: none."""
    height, width = bgr.shape[:2]
    scale = LOOK_W_PX / width
    small = cv2.resize(bgr, (LOOK_W_PX, max(1, round(height * scale))), interpolation=cv2.INTER_AREA)
    edges = _edges(np.asarray(small, np.uint8))
    level, upright = _lines(edges)
    four = _best(level, upright, edges)
    return None if four is None else np.asarray(_exact(four, edges) / np.float32(scale), np.float32)


def _edges(small: Picture) -> Picture:
    """Borders in grey and in colour, 255 where there is one."""
    calm = cv2.bilateralFilter(small, 7, 45, 5)
    grey = cv2.cvtColor(calm, cv2.COLOR_BGR2GRAY)
    lab = cv2.cvtColor(calm, cv2.COLOR_BGR2LAB)
    found = cv2.Canny(grey, 20, 60)
    for channel in (lab[:, :, 1], lab[:, :, 2]):
        found = cv2.bitwise_or(found, cv2.Canny(channel, 12, 36))
    return np.asarray(found, np.uint8)


def _lines(edges: Picture) -> tuple[Lines, Lines]:
    """The strongest straight borders: (n, 2) distance from the origin and angle of their normal, level and upright."""
    found = cv2.HoughLines(edges, 1.5, np.pi / 120, HOUGH_VOTES)
    level: list[tuple[float, float]] = []
    upright: list[tuple[float, float]] = []
    for distance, angle in (found[:, 0] if found is not None else ())[:300]:
        from_level = abs(angle - np.pi / 2)
        if from_level < TURN_MOST:
            row, kept = (float(distance), float(angle)), level
        elif from_level > np.pi / 2 - TURN_MOST:
            flip = angle > np.pi / 2  # one way of writing a line that is nearly upright
            row, kept = (float(-distance if flip else distance), float(angle - np.pi if flip else angle)), upright
        else:
            continue
        near = any(abs(row[0] - other[0]) < 7 and abs(row[1] - other[1]) < 0.1 for other in kept)
        if not near and len(kept) < LINES_EACH:
            kept.append(row)
    return np.array(level, np.float32).reshape(-1, 2), np.array(upright, np.float32).reshape(-1, 2)


def _best(level: Lines, upright: Lines, edges: Picture) -> Corners | None:
    """Of all two level and two upright lines, the four corners whose sides lie best on borders."""
    if len(level) < 2 or len(upright) < 2:
        return None
    met = _meetings(level, upright)  # (levels, uprights, 2)
    tops, bottoms = np.triu_indices(len(level), 1)
    lefts, rights = np.triu_indices(len(upright), 1)
    a, b = (grid.ravel() for grid in np.meshgrid(np.arange(len(tops)), np.arange(len(lefts)), indexing="ij"))
    top, bottom, left, right = tops[a], bottoms[a], lefts[b], rights[b]
    fours = np.stack([met[top, left], met[top, right], met[bottom, right], met[bottom, left]], axis=1)
    fours = fours[_plausible(fours, edges.shape)]
    if not len(fours):
        return None
    support = _support(fours, edges)
    area = np.abs(_areas(fours)) / (edges.shape[0] * edges.shape[1])
    least = support.min(axis=1)
    score = least + support.mean(axis=1) + 0.9 * np.sqrt(np.clip(area, 0, 1))
    place = int(score.argmax())
    return ordered(fours[place]) if least[place] > SIDE_SUPPORT else None


def _meetings(level: Lines, upright: Lines) -> npt.NDArray[np.float32]:
    """Where each level line meets each upright one."""
    (d, a), (e, b) = level.T[:, :, None], upright.T[:, None, :]
    cross = np.cos(a) * np.sin(b) - np.sin(a) * np.cos(b)
    cross = np.where(np.abs(cross) < 0.2, np.float32(np.nan), cross)
    x = (d * np.sin(b) - e * np.sin(a)) / cross
    y = (e * np.cos(a) - d * np.cos(b)) / cross
    return np.asarray(np.stack([x, y], axis=2), np.float32)


def _areas(fours: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Signed areas of (n, 4, 2) corners."""
    x, y = fours[:, :, 0], fours[:, :, 1]
    return np.asarray(0.5 * (x * np.roll(y, -1, 1) - np.roll(x, -1, 1) * y).sum(axis=1), np.float32)


def _plausible(fours: npt.NDArray[np.float32], shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """Whether corners lie in the picture or just outside, convex, large enough, and in a card's proportions."""
    with np.errstate(invalid="ignore"):
        reach = np.array([shape[1], shape[0]], np.float32)
        inside = (
            np.isfinite(fours).all(axis=(1, 2)) & (fours > -6).all(axis=(1, 2)) & (fours < reach + 6).all(axis=(1, 2))
        )
        lengths = np.linalg.norm(np.roll(fours, -1, 1) - fours, axis=2)
        across, down = lengths[:, ::2].mean(axis=1), lengths[:, 1::2].mean(axis=1)
        ratio = np.maximum(across, down) / np.maximum(1e-3, np.minimum(across, down))
        slant = (lengths.max(axis=1) / np.maximum(1e-3, lengths.min(axis=1))) < 2.8
        opposite = np.maximum(lengths[:, 0] / lengths[:, 2], lengths[:, 2] / lengths[:, 0]) < 1.6
        opposite &= np.maximum(lengths[:, 1] / lengths[:, 3], lengths[:, 3] / lengths[:, 1]) < 1.6
        large = np.abs(_areas(fours)) > LEAST_SHARE * shape[0] * shape[1]
        return np.asarray(inside & (ratio > RATIOS[0]) & (ratio < RATIOS[1]) & slant & opposite & large)


def _support(fours: npt.NDArray[np.float32], edges: Picture) -> npt.NDArray[np.float32]:
    """(n, 4) share of each side's straight part that lies on a border."""
    wide = cv2.dilate(edges, np.ones((5, 5), np.uint8)) > 0
    steps = np.linspace(*SIDE_PART, 32, dtype=np.float32)[None, None, :, None]
    points = fours[:, :, None] * (1 - steps) + np.roll(fours, -1, axis=1)[:, :, None] * steps
    x = np.clip(np.rint(points[..., 0]), 0, edges.shape[1] - 1).astype(int)
    y = np.clip(np.rint(points[..., 1]), 0, edges.shape[0] - 1).astype(int)
    return np.asarray(wide[y, x].mean(axis=2), np.float32)


def _exact(four: Corners, edges: Picture) -> Corners:
    """Corners where lines meet that are fitted anew to the border beside the straight part of each side."""
    rows, columns = np.nonzero(edges)
    border = np.stack([columns, rows], axis=1).astype(np.float32)
    lines = []
    for place in range(4):
        start, end = four[place], four[(place + 1) % 4]
        length = float(np.linalg.norm(end - start))
        along = (end - start) / max(length, 1e-3)
        forward = (border - start) @ along / max(length, 1e-3)
        aside = np.abs((border - start) @ np.array([-along[1], along[0]], np.float32))
        near = border[(forward > SIDE_PART[0]) & (forward < SIDE_PART[1]) & (aside < NEAR_PX)]
        if len(near) < 12:
            return four
        lines.append(cv2.fitLine(near, cv2.DIST_HUBER, 0, 0.01, 0.01).ravel())
    met = []
    for place in range(4):
        ax, ay, px, py = lines[place - 1]
        bx, by, qx, qy = lines[place]
        cross = float(ax * by - ay * bx)
        if abs(cross) < 0.2:
            return four
        step = ((qx - px) * by - (qy - py) * bx) / cross
        met.append((px + ax * step, py + ay * step))
    return np.asarray(met, np.float32)


def ordered(four: Corners) -> Corners:
    """Clockwise from the top left of the longer way round: a card held upright is turned on its side."""
    centre = four.mean(axis=0)
    angles = np.arctan2(four[:, 1] - centre[1], four[:, 0] - centre[0])
    four = four[np.argsort(angles)]  # from the left over the top: clockwise in pictures
    first = int(np.argmin(four.sum(axis=1)))
    four = np.roll(four, -first, axis=0)
    width, height = sides(four)
    return four if width >= height else np.roll(four, -1, axis=0)


def sides(four: Corners) -> tuple[float, float]:
    """Mean width and height."""
    across = np.linalg.norm(four[1] - four[0]) + np.linalg.norm(four[2] - four[3])
    down = np.linalg.norm(four[3] - four[0]) + np.linalg.norm(four[2] - four[1])
    return float(across / 2), float(down / 2)


def flattened(bgr: Picture, corners: Corners, width_px: int) -> Picture:
    """The document as seen from straight above, `width_px` wide."""
    width, height = sides(corners)
    ratio = float(np.clip(width / max(height, 1.0), 1.3, 1.68))
    height_px = round(width_px / ratio)
    there = np.array([[0, 0], [width_px, 0], [width_px, height_px], [0, height_px]], np.float32)
    matrix = cv2.getPerspectiveTransform(corners.astype(np.float32), there)
    flat = cv2.warpPerspective(bgr, matrix, (width_px, height_px), flags=cv2.INTER_CUBIC)
    return np.asarray(flat, np.uint8)


def measured(bgr: Picture, corners: Corners) -> Held:
    """How it is held there."""
    height, width = bgr.shape[:2]
    small = flattened(bgr, corners, SMALL_W)
    grey = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
    burnt = cv2.morphologyEx((small.min(axis=2) >= BURNT).astype(np.uint8), cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    patch = grey.astype(np.float32)
    slope = np.abs(cv2.Sobel(patch, cv2.CV_32F, 1, 0)) + np.abs(cv2.Sobel(patch, cv2.CV_32F, 0, 1))
    contrast = float(np.percentile(patch, 98) - np.percentile(patch, 2)) + 8.0
    lengths = np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1)
    pairs = ((lengths[0], lengths[2]), (lengths[1], lengths[3]))
    edge = min(corners[:, 0].min(), corners[:, 1].min(), width - corners[:, 0].max(), height - corners[:, 1].max())
    return Held(
        corners=corners, width_share=float(max(lengths[0], lengths[2])) / width, edge_px=float(edge),
        slant=float(max(max(pair) / max(1e-3, min(pair)) for pair in pairs)), glare=float(burnt.mean()),
        light=float(patch.mean()), sharp=float(np.percentile(slope, 97)) / contrast,
    )  # fmt: skip
