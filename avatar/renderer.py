"""Puts the figure on a pygame surface, thirty times a second, out of sprites that skia drew before.

The head is put together upright, then tilted and scaled with the rest by an affine warp; a layer whose
placement has not changed is not warped again. All pixels are premultiplied BGRA.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
import pygame

from avatar.hands import REACHES
from avatar.personas import Persona
from avatar.pose import GesturePose, Pose
from avatar.rig import NECK_Y, NOD_SHIFT, TURN_SHIFT
from avatar.sprites import HEAD_BOUNDS, JAW_STEPS, FigureSprites, Sprite, rough_mouth

TILT_STEP_DEGREES: Final = 0.1
SHIFT_STEP_PX: Final = 0.25
BREATH_RISE: Final = 3.2  # bust units
HEAD_BREATH: Final = 0.8  # of the chest's rise
WARP_SPARE: Final = 8  # an eighth more than needed: a head that tilts needs a little more
HIDDEN_DROP: Final = 330.0  # bust units below its place that a gesture's arm comes from
Matrix = npt.NDArray[np.float64]  # (2, 3), maps bust space to pixels


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the figure stands: the pixel of the point between her eyes, pixels a bust unit, and what cuts her off."""

    x: float
    y: float
    scale: float
    clip: tuple[int, int, int, int]  # left, top, width, height in pixels
    badge: bool = True  # leave it off where the clip would cut it


@dataclass(frozen=True, slots=True)
class _Warped:
    key: tuple[object, ...]
    surface: pygame.Surface
    left: int
    top: int
    buffer: npt.NDArray[np.uint8]  # (n,), under the surface


class FigureRenderer:
    """Draws one persona. `scale` is the largest placement scale that will be asked for: sprites are made at it."""

    def __init__(self, persona: Persona, scale: float) -> None:
        self.sprites = FigureSprites(persona, scale)
        self._scale = scale
        width = round((HEAD_BOUNDS[2] - HEAD_BOUNDS[0]) * scale)
        height = round((HEAD_BOUNDS[3] - HEAD_BOUNDS[1]) * scale)
        self._head_pixels = np.zeros((height, width, 4), np.uint8)
        self._head = pygame.image.frombuffer(self._head_pixels.data, (width, height), "BGRA")
        self._head_key: tuple[object, ...] = ()
        self._warped: dict[str, _Warped] = {}

    def prepare(self) -> None:
        """Draw what every pose needs, so that the first frames come in time. Takes a few hundred milliseconds."""
        for level in range(JAW_STEPS + 1):
            self.sprites.skull(level / JAW_STEPS)
        self.sprites.front()
        self.sprites.back()
        self.sprites.features()
        self.sprites.torso(True)
        for gesture in REACHES:
            self.sprites.arm(gesture)

    def key(self, pose: Pose, place: Placement) -> tuple[object, ...]:
        """Return what tells drawn figures apart: with an equal key nothing needs drawing again."""
        tilt, shift = _stepped(pose.mood.tilt, TILT_STEP_DEGREES), _stepped(_rise(pose) * place.scale, SHIFT_STEP_PX)
        arm = pose.gesture
        swing = (arm.name, _stepped(arm.shown, 0.01), _stepped(arm.swing, 0.1))
        return (place, tilt, shift, swing, self._head_key_of(pose))

    def draw(self, target: pygame.Surface, pose: Pose, place: Placement) -> None:
        """Draw the figure within the target's present clip and the placement's."""
        before = target.get_clip()
        target.set_clip(before.clip(pygame.Rect(place.clip)))
        rise = _stepped(_rise(pose) * place.scale, SHIFT_STEP_PX)
        tilt = _stepped(pose.mood.tilt, TILT_STEP_DEGREES)
        body = _matrix(place, rise)
        head = _turned(body, tilt, (0.0, NECK_Y), rise * (HEAD_BREATH - 1))
        badge = place.badge and not (pose.gesture.name == "heart" and pose.gesture.shown > 0)
        placed = (place.x, place.y, place.scale, rise)
        self._blit(target, "back", self.sprites.back(), head, (*placed, tilt))
        self._blit(target, "torso", self.sprites.torso(badge), body, (*placed, badge))
        self._build_head(pose)
        sprite = Sprite(self._head_pixels, self._head, HEAD_BOUNDS[0], HEAD_BOUNDS[1])
        self._blit(target, "head", sprite, head, (*placed, tilt, self._head_key))
        if pose.gesture.name in REACHES and pose.gesture.shown > 0:
            self._draw_arm(target, pose.gesture, body, placed)
        target.set_clip(before)

    def _draw_arm(self, target: pygame.Surface, gesture: GesturePose, body: Matrix, placed: tuple[float, ...]) -> None:
        reach = REACHES[gesture.name]
        swing, shown = _stepped(gesture.swing, 0.1), _stepped(gesture.shown, 0.01)
        hidden = 1 - shown
        turned = _turned(body, swing + 28 * hidden, reach.elbow, 0.0)
        turned[1, 2] += HIDDEN_DROP * hidden * placed[2]
        self._blit(target, "arm", self.sprites.arm(gesture.name), turned, (*placed, gesture.name, swing, shown))

    def _head_key_of(self, pose: Pose) -> tuple[object, ...]:
        mood = pose.mood
        return (
            rough_mouth(pose.mouth),
            round(mood.smile * 10),
            round(pose.lid * 8),
            round(pose.gaze_x * 14),
            round(pose.gaze_y * 8),
            round(mood.brow * 12),
            round(mood.worry * 12),
            round(mood.turn * TURN_SHIFT * self._scale),
            round(pose.nod * NOD_SHIFT * self._scale),
        )

    def _build_head(self, pose: Pose) -> None:
        """Put the upright head together, unless it already looks like that."""
        key = self._head_key_of(pose)
        if key == self._head_key:
            return
        self._head_key = key
        sprites, mood = self.sprites, pose.mood
        np.copyto(self._head_pixels, sprites.skull(pose.mouth.open).pixels)
        slide = (round(mood.turn * TURN_SHIFT * self._scale), round(pose.nod * NOD_SHIFT * self._scale))
        self._paste(sprites.features(), slide)
        for side in (-1, 1):
            self._paste(sprites.eye(pose, side), slide)
            self._paste(sprites.brow(mood, side), slide)
        self._paste(sprites.mouth(pose.mouth, mood.smile), slide)
        if sprites.persona.glasses:
            self._paste(sprites.glasses(), slide)
        self._paste(sprites.front(), (0, 0))

    def _paste(self, sprite: Sprite, slide: tuple[int, int]) -> None:
        left = round((sprite.left - HEAD_BOUNDS[0]) * self._scale) + slide[0]
        top = round((sprite.top - HEAD_BOUNDS[1]) * self._scale) + slide[1]
        self._head.blit(sprite.surface, (left, top), special_flags=pygame.BLEND_PREMULTIPLIED)

    def _blit(self, target: pygame.Surface, name: str, sprite: Sprite, matrix: Matrix, key: tuple[object, ...]) -> None:
        kept = self._warped.get(name)
        if kept is None or kept.key != key:
            kept = self._warped[name] = _warp(sprite, self._scale, matrix, key, kept)
        target.blit(kept.surface, (kept.left, kept.top), special_flags=pygame.BLEND_PREMULTIPLIED)


def figure_bounds(place: Placement, gesture: str) -> pygame.Rect:
    """Return the pixels that the figure may touch, with or without a gesture's arm, within its clip."""
    left, top, right, bottom = (-292.0, -270.0, 292.0, 640.0)
    if gesture != "rest":
        right = 660.0
    s = place.scale
    rect = pygame.Rect(
        math.floor(place.x + left * s),
        math.floor(place.y + top * s),
        math.ceil((right - left) * s) + 2,
        math.ceil((bottom - top) * s) + 2,
    )
    return rect.clip(pygame.Rect(place.clip))


def _rise(pose: Pose) -> float:
    return -BREATH_RISE * pose.breath


def _stepped(value: float, step: float) -> float:
    return round(value / step) * step


def _matrix(place: Placement, rise_px: float) -> Matrix:
    return np.array([[place.scale, 0.0, place.x], [0.0, place.scale, place.y + rise_px]])


def _turned(matrix: Matrix, degrees: float, pivot: tuple[float, float], shift_px: float) -> Matrix:
    """Return `matrix` after a turn about `pivot` in bust space and a vertical shift in pixels."""
    angle = math.radians(degrees)
    cos, sin = math.cos(angle), math.sin(angle)
    x, y = pivot
    turn = np.array([[cos, -sin, x - cos * x + sin * y], [sin, cos, y - sin * x - cos * y], [0.0, 0.0, 1.0]])
    turned: Matrix = matrix @ turn
    turned[1, 2] += shift_px
    return turned


def _warp(
    sprite: Sprite, sprite_scale: float, matrix: Matrix, key: tuple[object, ...], before: _Warped | None
) -> _Warped:
    """Resample the sprite where `matrix` puts it, over the pixels of `before`, which is not to be used any more."""
    height, width = sprite.pixels.shape[:2]
    to_bust = np.array([[1 / sprite_scale, 0.0, sprite.left], [0.0, 1 / sprite_scale, sprite.top], [0.0, 0.0, 1.0]])
    placed: Matrix = matrix @ to_bust
    corners = placed @ np.array([[0, width, 0, width], [0, 0, height, height], [1, 1, 1, 1]], np.float64)
    left, top = math.floor(corners[0].min()), math.floor(corners[1].min())
    size = (math.ceil(corners[0].max()) - left, math.ceil(corners[1].max()) - top)
    placed[:, 2] += placed[:, :2] @ np.array([0.5, 0.5]) - 0.5 - np.array([left, top])  # pixel centres
    needed = size[0] * size[1] * 4
    if before is not None and needed <= len(before.buffer):
        buffer = before.buffer
    else:  # a megabyte thirty times a second would be a thousand fresh pages each time
        buffer = np.empty(needed + needed // WARP_SPARE, np.uint8)
    pixels = buffer[:needed].reshape(size[1], size[0], 4)
    cv2.warpAffine(sprite.pixels, placed, size, dst=pixels, flags=cv2.INTER_LINEAR)
    return _Warped(key, pygame.image.frombuffer(pixels.data, size, "BGRA"), left, top, buffer)
