"""What is held before the camera instead of a face: prints, bent prints, telephones, a paper mask with open eyes.

A sheet of given curvature is turned in three dimensions before a drawn lobby; what is on it is a picture, or a frame
of a puppet that plays in a telephone. Paper reflects a little less than skin and a screen loses contrast; no screen's
own pattern (moiré) is imitated, so that nothing is found here that was put in to be found.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from bench.portraits.puppet import FACE_PX, HEIGHT_PX, WIDTH_PX, Picture, shader_of, textured

SHEET_PX: Final = (248, 320)  # of the picture: width and height of what is printed
COLUMNS: Final = 17  # of the bent sheet
AWAY: Final = 4.0 * FACE_PX
BEZEL_PX: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """How a sheet is held. `bend`: radius over its width; 0: flat."""

    tilt_deg: float = 0.0
    nod_deg: float = 0.0
    crooked_deg: float = 0.0
    x_px: float = 0.0
    y_px: float = 0.0
    bend: float = 0.0


def lobby(rng: np.random.Generator) -> Picture:
    """A drawn lobby: wall, floor, a door or a pillar, posters; different for each attack."""
    wall = rng.integers(120, 220, 3)
    picture = np.full((HEIGHT_PX, WIDTH_PX, 3), wall, np.uint8)
    picture[int(HEIGHT_PX * 0.78) :] = (wall * 0.6).astype(np.uint8)
    for _ in range(int(rng.integers(3, 7))):
        x, y = int(rng.integers(0, WIDTH_PX)), int(rng.integers(0, HEIGHT_PX * 3 // 4))
        w, h = int(rng.integers(14, 110)), int(rng.integers(30, 260))
        colour = tuple(int(v) for v in rng.integers(50, 240, 3))
        cv2.rectangle(picture, (x, y), (x + w, y + h), colour, -1)
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 2.2), np.uint8)


def printed(still: Picture, *, border_px: int = 0) -> Picture:
    """What is on the paper: the middle of a frame, with a white border where there is one."""
    width, height = SHEET_PX
    left, top = (WIDTH_PX - width) // 2, (HEIGHT_PX - height) // 2
    cut = still[top : top + height, left : left + width].astype(np.float32)
    paper = np.clip(cut * 0.88 + 14, 0, 255).astype(np.uint8)
    if border_px:
        paper = cv2.copyMakeBorder(paper, border_px, border_px, border_px, border_px, cv2.BORDER_CONSTANT,
                                   value=(232, 236, 236))  # fmt: skip
    return np.asarray(paper, np.uint8)


def telephone(still: Picture) -> Picture:
    """A frame that plays in a telephone: less contrast, a black edge."""
    width, height = SHEET_PX
    left, top = (WIDTH_PX - width) // 2, (HEIGHT_PX - height) // 2
    shown = np.clip(still[top : top + height, left : left + width].astype(np.float32) * 0.85 + 30, 0, 255)
    return np.asarray(
        cv2.copyMakeBorder(shown.astype(np.uint8), 3 * BEZEL_PX, 3 * BEZEL_PX, BEZEL_PX, BEZEL_PX, cv2.BORDER_CONSTANT,
                           value=(14, 12, 12)), np.uint8
    )  # fmt: skip


def screened(still: Picture, rng: np.random.Generator) -> Picture:
    """A frame that fills a screen held so near that no edge is seen."""
    shown = np.clip(still.astype(np.float32) * 0.85 + 30 + rng.normal(0, 2, still.shape), 0, 255).astype(np.uint8)
    return np.asarray(cv2.GaussianBlur(shown, (0, 0), 0.7), np.uint8)


def hold(sheet: Picture, how: Held, behind: Picture) -> Picture:
    """The sheet before the lobby, seen in perspective."""
    height, width = sheet.shape[:2]
    columns = np.linspace(-0.5, 0.5, COLUMNS)
    if how.bend:
        radius = how.bend * width
        angle = columns * width / radius
        x, z = radius * np.sin(angle), radius * (1 - np.cos(angle))
    else:
        x, z = columns * width, np.zeros(COLUMNS)
    grid = np.array([(x[c], v * height, z[c]) for v in (-0.5, 0.0, 0.5) for c in range(COLUMNS)])
    texture = np.array(
        [((columns[c] + 0.5) * width, (v + 0.5) * height) for v in (-0.5, 0.0, 0.5) for c in range(COLUMNS)]
    )
    yaw, pitch, roll = np.radians((how.tilt_deg, how.nod_deg, how.crooked_deg))
    turn_y = np.array([[np.cos(yaw), 0, -np.sin(yaw)], [0, 1, 0], [np.sin(yaw), 0, np.cos(yaw)]])
    turn_x = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    turn_z = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    turned = grid @ (turn_z @ turn_x @ turn_y).T
    near = AWAY / (AWAY + turned[:, 2])
    flat = turned[:, :2] * near[:, None] + (WIDTH_PX / 2 + how.x_px, HEIGHT_PX / 2 + how.y_px)
    cells = [
        corner
        for r in range(2)
        for c in range(COLUMNS - 1)
        for corner in (
            (r * COLUMNS + c, r * COLUMNS + c + 1, (r + 1) * COLUMNS + c),
            (r * COLUMNS + c + 1, (r + 1) * COLUMNS + c + 1, (r + 1) * COLUMNS + c),
        )
    ]
    triangles = np.asarray(cells, np.int64)
    order = triangles[np.argsort(-turned[triangles, 2].mean(axis=1), kind="stable")]
    return textured(flat, texture, order, shader_of(sheet), behind)
