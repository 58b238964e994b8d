"""What a lobby's camera sees of a document that is held up: a hand's tremor, angle, light, glare, blur, noise, wear.

Everything here is simulated. `Shot` holds what does not change while one person holds one document; each frame of it
moves a little. `Tilt` is what a hand does that was asked to tilt it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from bench.papers.light import Lamps, lamps
from bench.papers.surface import Surface, brightest, lit

Picture = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
FRAME_W: Final = 1280
FRAME_H: Final = 720
MARGIN_PX: Final = 18
TREMOR_PX: Final = 3.0  # from frame to frame
FOCAL_PX: Final = 1020.0  # of a lens that sees 64 degrees across
LAMPS_TRIED: Final = 12
MIRRORED_MOST: Final = 0.25  # of white, by a smooth surface
SHADOW_PX: Final = 48
MOVED: Final = 1.25  # times as much blur while it is tilted


@dataclass(slots=True)
class Shot:
    """How one document is held, and what the light does. Made by `hold`."""

    rng: np.random.Generator
    corners: Floats  # (4, 2) where the document's corners are
    lobby: Floats = field(repr=False)
    behind: Picture = field(repr=False)  # the lobby in the room's light, as it is without the document
    flare: Floats = field(repr=False)  # (h, w) added light
    slope: Floats = field(repr=False)  # (1, w, 3) light across the room, with its colour
    blur_px: float
    noise: float
    quality: int
    at: npt.NDArray[np.float64] = field(repr=False)  # (4, 3) the corners before the camera
    room: Lamps = field(repr=False)


@dataclass(frozen=True, slots=True)
class Tilt:
    """A hand that tilts what it holds, there and back. Angles in radians, the period in frames."""

    most: float
    aside: float  # the axis: 0 is level, so that the upper edge comes and goes
    period: float
    begins: int

    def angle(self, number: int) -> float:
        """At frame `number` from the asking on."""
        return self.most * float(np.sin(2 * np.pi * max(0, number - self.begins) / self.period))


def tilting(rng: np.random.Generator) -> Tilt:
    """Most tilt it up and down as they are asked, some sideways, some hardly."""
    aside = rng.normal(0, 0.25) + (np.pi / 2 if rng.random() < 0.2 else 0)
    most = np.deg2rad(float(np.clip(rng.normal(17, 5), 6, 30))) * rng.choice([-1, 1])
    return Tilt(float(most), float(aside), float(rng.uniform(14, 26)), int(rng.integers(2, 7)))


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
    size = rng.uniform(0.05, 0.12) * FRAME_W, rng.uniform(0.03, 0.07) * FRAME_H
    flare = _flare(float(inside[0]), float(inside[1]), *size, strength)
    cast = 1 + rng.uniform(-0.07, 0.07)
    at = _in_space(corners, depth)
    room = lamps(rng)
    for _ in range(LAMPS_TRIED):  # who has been told 'it reflects' holds it so that no lamp is mirrored in it
        if brightest(room, at) < MIRRORED_MOST:
            break
        room = lamps(rng)
    shade = float(rng.uniform(0.0, 0.32))
    slope = np.linspace(1 - shade, 1 + shade * 0.3, FRAME_W, dtype=np.float32)[None, :, None]
    slope = slope * np.array((cast, 1.0, 2 - cast), np.float32)
    lobby = _lobby(rng).astype(np.float32)
    behind = np.clip((lobby + 0.35 * flare[:, :, None]) * slope, 0, 255)
    return Shot(
        rng=rng, corners=np.asarray(corners, np.float32), lobby=lobby, behind=np.asarray(behind, np.uint8),
        flare=flare, slope=slope,
        blur_px=float(rng.uniform(0.4, 0.8 if easy else 1.7)), noise=float(rng.uniform(1.5, 8.5)),
        quality=int(rng.integers(62, 95)), at=at, room=room,
    )  # fmt: skip


def _in_space(corners: npt.NDArray[np.float64], depth: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Corners (4, 2) of a picture as points (4, 3) before the camera; `depth` (4,) is 1 in the document's middle."""
    flat = (corners - (FRAME_W / 2, FRAME_H / 2)) / FOCAL_PX
    return np.asarray(np.concatenate([flat, np.ones((4, 1))], axis=1) * depth[:, None], np.float64)


def _turned(at: npt.NDArray[np.float64], angle: float, aside: float) -> npt.NDArray[np.float64]:
    """Turned by `angle` about an axis in the document's plane."""
    across, down = at[1] - at[0], at[3] - at[0]
    axis = np.cos(aside) * across / np.linalg.norm(across) + np.sin(aside) * down / np.linalg.norm(down)
    turn = cv2.Rodrigues(axis / np.linalg.norm(axis) * angle)[0]
    middle = at.mean(axis=0)
    return np.asarray((at - middle) @ turn.T + middle)


def _within(corners: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Shrunk and moved until it is in the picture with a margin, as the frame on the screen asks for."""
    room = np.array([FRAME_W, FRAME_H]) - 2 * MARGIN_PX
    low, high = corners.min(axis=0), corners.max(axis=0)
    shrunk = (corners - (low + high) / 2) * min(1.0, float((room / (high - low)).min())) + (low + high) / 2
    low, high = shrunk.min(axis=0), shrunk.max(axis=0)
    moved = shrunk + np.maximum(0, MARGIN_PX - low) - np.maximum(0, high - (np.array([FRAME_W, FRAME_H]) - MARGIN_PX))
    return np.asarray(moved, np.float64)


def frame(
    shot: Shot, flat: Picture, surface: Surface, *, square: bool = False, angle: float = 0.0, aside: float = 0.0
) -> Picture:
    """One frame (720, 1280, 3) of the document `flat`, a moment later than the one before, tilted by `angle` radians.
    `square`: its corners are not round, as a card's are."""
    rng = shot.rng
    at = _turned(shot.at, angle + float(rng.normal(0, 0.006)), aside)
    flat = lit(flat, surface, at, shot.room)
    corners = (at[:, :2] / at[:, 2:] * FOCAL_PX + (FRAME_W / 2, FRAME_H / 2)).astype(np.float32)
    corners += rng.normal(0, TREMOR_PX, (4, 2)).astype(np.float32) * 0.35
    corners += rng.normal(0, TREMOR_PX, 2).astype(np.float32)
    height, width = flat.shape[:2]
    there = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(there, corners)
    scale = float(np.linalg.norm(corners[1] - corners[0])) / width
    softened = cv2.GaussianBlur(flat, (0, 0), max(0.3, 0.42 / max(scale, 0.2))) if scale < 1 else flat
    picture = shot.behind.copy()
    low = np.clip(corners.min(axis=0) - SHADOW_PX, 0, (FRAME_W, FRAME_H)).astype(int)
    high = np.clip(corners.max(axis=0) + SHADOW_PX, 0, (FRAME_W, FRAME_H)).astype(int)
    there_px = slice(low[1], high[1]), slice(low[0], high[0])  # nothing changes outside of it
    moved = np.array([[1, 0, -low[0]], [0, 1, -low[1]], [0, 0, 1]], np.float64) @ matrix
    size = int(high[0] - low[0]), int(high[1] - low[1])
    seen = cv2.warpPerspective(softened, moved, size, flags=cv2.INTER_LINEAR)
    rounded = np.ones((height, width), np.float32) if square else _rounded(width, height)
    inside = np.asarray(cv2.warpPerspective(rounded, moved, size), np.float32)
    around = shot.lobby[there_px] * (1 - 0.25 * _shadow(inside))[:, :, None]
    around += (seen - around) * inside[:, :, None]
    around += (shot.flare[there_px] * (0.35 + 0.65 * inside))[:, :, None]
    around *= shot.slope[:, there_px[1]]
    picture[there_px] = np.clip(around, 0, 255)
    blur = shot.blur_px * rng.uniform(0.85, 1.15) * (MOVED if angle else 1.0)
    blurred = np.asarray(cv2.GaussianBlur(picture, (0, 0), blur), np.uint8)
    return _through_sensor(blurred, shot.noise, shot.quality, rng)


def _shadow(inside: Floats) -> Floats:
    """What the document keeps from what is behind it, soft: worked out at an eighth of the size."""
    height, width = inside.shape
    small = cv2.resize(inside, (max(1, width // 8), max(1, height // 8)), interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(np.roll(small, (1, 1), (0, 1)), (0, 0), 14 / 8)
    return np.asarray(cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def _through_sensor(picture: Picture, noise: float, quality: int, rng: np.random.Generator) -> Picture:
    """One colour at each pixel (Bayer), its noise, the two others guessed from their neighbours, and JPEG."""
    raw = picture[:, :, 1].astype(np.float32)
    raw[0::2, 0::2] = picture[0::2, 0::2, 0]
    raw[1::2, 1::2] = picture[1::2, 1::2, 2]
    cv2.setRNGSeed(int(rng.integers(1 << 30)))  # its noise takes a tenth of numpy's time
    grain = np.zeros(raw.shape, np.float32)
    cv2.randn(grain, np.zeros(1), np.full(1, noise))
    mosaic = np.clip(raw + grain, 0, 255).astype(np.uint8)
    whole = cv2.cvtColor(mosaic, cv2.COLOR_BayerBGGR2BGR_EA)
    coded = cv2.imencode(".jpg", whole, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
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


def _flare(x: float, y: float, w: float, h: float, strength: float) -> Floats:
    """A soft reflection: the lens's, or of something wide."""
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
