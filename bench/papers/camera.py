"""What a lobby's camera sees of a document that is held up: a hand's tremor, angle, light, glare, blur, noise, wear.

Everything here is simulated. `Shot` holds what does not change while one person holds one document; each frame of it
moves a little.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
FRAME_W: Final = 1280
FRAME_H: Final = 720
MARGIN_PX: Final = 18
TREMOR_PX: Final = 3.0  # from frame to frame


@dataclass(slots=True)
class Shot:
    """How one document is held, and what the light does. Made by `hold`."""

    rng: np.random.Generator
    corners: Floats  # (4, 2) where the document's corners are
    lobby: Picture = field(repr=False)
    glare: tuple[float, float, float, float, float]  # x, y, width, height, strength
    shade: float
    blur_px: float
    noise: float
    quality: int
    warmth: tuple[float, float, float]


def hold(rng: np.random.Generator, aspect: float, *, easy: bool = False) -> Shot:
    """Somebody holds a document of this width / height before the camera, near enough to be read."""
    share = rng.uniform(0.56, 0.78)
    width = share * FRAME_W
    height = width / aspect
    if height > 0.92 * FRAME_H:
        height = 0.92 * FRAME_H
        width = height * aspect
    cx = FRAME_W / 2 + rng.uniform(-0.5, 0.5) * (FRAME_W - width) * 0.6
    cy = FRAME_H / 2 + rng.uniform(-0.5, 0.5) * (FRAME_H - height) * 0.6
    turn = np.deg2rad(rng.uniform(-7, 7))
    half = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float32) * (width / 2, height / 2)
    spin = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    tilt = rng.uniform(-0.12, 0.12, 2)  # sides that are further away are shorter
    depth = 1 + (half / (width / 2)) @ tilt
    corners = (half / depth[:, None]) @ spin.T + (cx, cy)
    corners = _within(corners)
    strength = 0.0 if easy or rng.random() < 0.35 else rng.uniform(40, 130)
    inside = corners.mean(axis=0) + rng.uniform(-0.42, 0.42, 2) * (width, height)
    glare = (*inside, rng.uniform(0.05, 0.12) * FRAME_W, rng.uniform(0.03, 0.07) * FRAME_H, strength)
    cast = 1 + rng.uniform(-0.07, 0.07)
    return Shot(
        rng=rng, corners=np.asarray(corners, np.float32), lobby=_lobby(rng),
        glare=tuple(float(part) for part in glare),  # type: ignore[arg-type]
        shade=float(rng.uniform(0.0, 0.32)), blur_px=float(rng.uniform(0.4, 0.8 if easy else 1.7)),
        noise=float(rng.uniform(1.5, 8.5)), quality=int(rng.integers(62, 95)), warmth=(cast, 1.0, 2 - cast),
    )  # fmt: skip


def _within(corners: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Shrunk and moved until it is in the picture with a margin, as the frame on the screen asks for."""
    room = np.array([FRAME_W, FRAME_H]) - 2 * MARGIN_PX
    low, high = corners.min(axis=0), corners.max(axis=0)
    shrunk = (corners - (low + high) / 2) * min(1.0, float((room / (high - low)).min())) + (low + high) / 2
    low, high = shrunk.min(axis=0), shrunk.max(axis=0)
    moved = shrunk + np.maximum(0, MARGIN_PX - low) - np.maximum(0, high - (np.array([FRAME_W, FRAME_H]) - MARGIN_PX))
    return np.asarray(moved, np.float64)


def frame(shot: Shot, flat: Picture, *, square: bool = False) -> Picture:
    """One frame (720, 1280, 3) of the document `flat`, a moment later than the one before. `square`: its corners are
    not round, as a card's are."""
    rng = shot.rng
    corners = shot.corners + rng.normal(0, TREMOR_PX, (4, 2)).astype(np.float32) * 0.35
    corners = (corners + rng.normal(0, TREMOR_PX, 2)).astype(np.float32)
    height, width = flat.shape[:2]
    there = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(there, corners)
    scale = float(np.linalg.norm(corners[1] - corners[0])) / width
    softened = cv2.GaussianBlur(flat, (0, 0), max(0.3, 0.42 / max(scale, 0.2))) if scale < 1 else flat
    seen = cv2.warpPerspective(softened, matrix, (FRAME_W, FRAME_H), flags=cv2.INTER_LINEAR).astype(np.float32)
    rounded = np.ones((height, width), np.float32) if square else _rounded(width, height)
    inside = cv2.warpPerspective(rounded, matrix, (FRAME_W, FRAME_H))[:, :, None]
    shadow = cv2.GaussianBlur(np.roll(inside[:, :, 0], (10, 6), (0, 1)), (0, 0), 14)[:, :, None]
    behind = shot.lobby.astype(np.float32) * (1 - 0.25 * shadow)
    picture = behind * (1 - inside) + seen * inside
    picture += _glare(shot)[:, :, None] * (0.35 + 0.65 * inside)
    slope = np.linspace(1 - shot.shade, 1 + shot.shade * 0.3, FRAME_W, dtype=np.float32)
    picture *= slope[None, :, None] * np.array(shot.warmth, np.float32)
    picture = cv2.GaussianBlur(picture, (0, 0), shot.blur_px * rng.uniform(0.85, 1.15))
    cv2.setRNGSeed(int(rng.integers(1 << 30)))  # its noise takes a tenth of numpy's time
    grain = np.zeros((FRAME_H, FRAME_W, 3), np.float32)
    cv2.randn(grain, np.zeros(3), np.full(3, shot.noise))
    grain = grain * 0.5 + grain[:, :, :1] * 0.8  # mostly the same in all colours
    picture = np.clip(picture + grain, 0, 255)
    coded = cv2.imencode(".jpg", picture.astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, shot.quality])[1]
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)


def worn(rng: np.random.Generator, flat: Picture) -> Picture:
    """Scratches, fading and dirt of years in a pocket."""
    out = flat.astype(np.float32)
    height, width = flat.shape[:2]
    marks = np.zeros((height, width), np.float32)
    for _ in range(int(rng.integers(0, 9))):
        start, end = rng.uniform(0, 1, 2) * (width, height), rng.uniform(0, 1, 2) * (width, height)
        end = start + (end - start) * rng.uniform(0.05, 0.4)
        cv2.line(marks, tuple(int(v) for v in start), tuple(int(v) for v in end), float(rng.uniform(0.15, 0.5)), 1)
    fade = float(rng.uniform(0, 0.16))
    out = out * (1 - fade) + 232 * fade
    out += cv2.GaussianBlur(marks, (0, 0), 0.8)[:, :, None] * 90
    stain = cv2.resize(rng.normal(0, 1, (6, 9)).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    out *= (1 - 0.035 * np.clip(stain, 0, 3))[:, :, None]
    return np.asarray(np.clip(out, 0, 255), np.uint8)


def _glare(shot: Shot) -> Floats:
    x, y, w, h, strength = shot.glare
    columns = np.arange(FRAME_W, dtype=np.float32)[None]
    rows = np.arange(FRAME_H, dtype=np.float32)[:, None]
    return np.asarray(strength * np.exp(-(((columns - x) / w) ** 2) - ((rows - y) / h) ** 2), np.float32)


def _rounded(width: int, height: int) -> Floats:
    """A mask with a card's rounded corners (3.2 mm of 85.6)."""
    radius = int(width * 0.037)
    mask = np.zeros((height, width), np.float32)
    cv2.rectangle(mask, (radius, 0), (width - radius, height), 1.0, -1)
    cv2.rectangle(mask, (0, radius), (width, height - radius), 1.0, -1)
    for x in (radius, width - radius):
        for y in (radius, height - radius):
            cv2.circle(mask, (x, y), radius, 1.0, -1)
    return mask


def _lobby(rng: np.random.Generator) -> Picture:
    """What is behind the hand: soft shapes of a hall or a coat, and the hand's own colour at one edge."""
    coarse = rng.uniform(40, 190, (5, 8, 1)) + rng.uniform(-22, 22, (5, 8, 3))
    soft = cv2.resize(coarse.astype(np.float32), (FRAME_W, FRAME_H), interpolation=cv2.INTER_CUBIC)
    soft = soft * 0.6 + 35
    for _ in range(int(rng.integers(2, 6))):
        x, y = int(rng.integers(0, FRAME_W)), int(rng.integers(0, FRAME_H))
        size = int(rng.integers(80, 320)), int(rng.integers(60, 400))
        colour = rng.uniform(30, 200, 3)
        cv2.rectangle(soft, (x, y), (x + size[0], y + size[1]), colour.tolist(), -1)
    soft = cv2.GaussianBlur(soft, (0, 0), float(rng.uniform(3, 12)))
    return np.asarray(np.clip(soft, 0, 255), np.uint8)
