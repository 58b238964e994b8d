"""Puts the figure on a pygame surface, thirty times a second, out of sprites that skia drew before.

The head is put together upright, then tilted and scaled with the rest by an affine warp; a layer whose
placement has not changed is not warped again. All pixels are premultiplied BGRA.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
import pygame

from avatar.hands import COUNT_KINDS, REACHES, kind_of
from avatar.personas import Persona
from avatar.pose import GesturePose, MouthPose, Pose, grinning
from avatar.rig import NECK_Y, hand_angle, slide_of
from avatar.sprites import BROW_STEPS, FRACTIONS, HEAD_BOUNDS, JAW_STEPS, FigureSprites, Sprite, rough_mouth

TILT_STEP_DEGREES: Final = 0.1
SHIFT_STEP_PX: Final = 0.25
LEAN_STEP_DEGREES: Final = 0.02
BREATH_RISE: Final = 3.4  # bust units at the neck
BREATH_FOOT_Y: Final = 720.0  # from where the chest stretches
LEAN_DEGREES: Final = 0.55  # about (0, LEAN_Y) with the weight on one leg
LEAN_Y: Final = 1100.0
HEAD_BREATH: Final = 0.8  # of the chest's rise
HAND_DROP: Final = 18.0  # how deep the wrist lies in the cuff
WARP_SPARE: Final = 8  # an eighth more than needed: a head that tilts needs a little more
HIDDEN_DROP: Final = 330.0  # bust units below its place that a gesture's arm comes from
FIGURE_BOUNDS: Final = (-328.0, -282.0, 328.0, 640.0)  # bust space, with all that leaning and breathing add
ARM_REACH: Final = 680.0  # how far to the side a gesture's arm may come
Matrix = npt.NDArray[np.float64]  # (3, 3), maps bust space to pixels


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

    @property
    def persona(self) -> Persona:
        return self.sprites.persona

    def prepare(self) -> None:
        """Draw what every pose needs, so that the first frames come in time. Takes a few hundred milliseconds."""
        for level in range(JAW_STEPS + 1):
            self.sprites.skull(level / JAW_STEPS)
        for piece in (
            self.sprites.front,
            self.sprites.back,
            self.sprites.ears,
            self.sprites.features,
            self.sprites.nose,
        ):
            piece()
        self.sprites.torso(True)

    def warm(self) -> Iterator[None]:
        """Draw, a piece at a time, what gestures will need."""
        self.sprites.torso(False)
        yield
        for gesture, reach in REACHES.items():
            self.sprites.sleeve(gesture)
            yield
            self.sprites.hand(reach.kind)
            yield
        for kind in COUNT_KINDS:
            self.sprites.hand(kind)
            yield

    def key(self, pose: Pose, place: Placement) -> tuple[object, ...]:
        """Return what tells drawn figures apart: with an equal key nothing needs drawing again."""
        tilt, rise, lean = _posture(pose, place)
        arm = pose.gesture
        swing = (arm.name, _stepped(arm.shown, 0.01), *_arm_angles(arm), arm.side, arm.count)
        return (place, tilt, rise, lean, swing, self._head_key_of(pose))

    def draw(self, target: pygame.Surface, pose: Pose, place: Placement) -> None:
        """Draw the figure within the target's present clip and the placement's."""
        before = target.get_clip()
        target.set_clip(before.clip(pygame.Rect(place.clip)))
        tilt, rise, lean = _posture(pose, place)
        ground = _turned(_matrix(place), lean, (0.0, LEAN_Y), 0.0)
        body = ground @ _breathing(rise / place.scale)
        head = _turned(ground, tilt, (0.0, NECK_Y), rise * HEAD_BREATH)
        badge = place.badge and not (pose.gesture.name == "heart" and pose.gesture.shown > 0)
        placed = (place.x, place.y, place.scale, rise, lean)
        self._draw_back(target, pose, head, (*placed, tilt))
        self._blit(target, "torso", self.sprites.torso(badge), body, (*placed, badge))
        self._build_head(pose)
        sprite = Sprite(self._head_pixels, self._head, HEAD_BOUNDS[0], HEAD_BOUNDS[1])
        self._blit(target, "head", sprite, head, (*placed, tilt, self._head_key))
        if pose.gesture.name in REACHES and pose.gesture.shown > 0:
            self._draw_arm(target, pose.gesture, ground, placed)
        target.set_clip(before)

    def _draw_back(self, target: pygame.Surface, pose: Pose, head: Matrix, key: tuple[float, ...]) -> None:
        across, down = (_quarters(one * self._scale) for one in slide_of("back", pose.mood.turn, pose.nod))
        slid = head.copy()
        slid[:, 2] += slid[:, :2] @ np.array([across, down]) / FRACTIONS / self._scale
        self._blit(target, "back", self.sprites.back(), slid, (*key, across, down))

    def _draw_arm(
        self, target: pygame.Surface, gesture: GesturePose, ground: Matrix, placed: tuple[float, ...]
    ) -> None:
        """The hand first: its wrist goes into the cuff. The arm comes in from below, turning about its elbow."""
        reach = REACHES[gesture.name]
        swing, wrist, aim = _arm_angles(gesture)
        shown = _stepped(gesture.shown, 0.01)
        hidden = 1 - shown
        mirrored = ground @ np.array([[gesture.side, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
        arm = _turned(mirrored, swing + 28 * hidden, reach.elbow, 0.0)
        arm[1, 2] += HIDDEN_DROP * hidden * placed[2]
        angle = aim if gesture.name == "point" else hand_angle(reach, gesture)
        bend = math.radians(angle + wrist + 22 * hidden)
        cos, sin, size = math.cos(bend), math.sin(bend), reach.hand_scale
        hand = arm @ np.array(
            [[cos * size, -sin * size, reach.wrist[0]], [sin * size, cos * size, reach.wrist[1]], [0.0, 0.0, 1.0]]
        )
        hand[:, 2] -= hand[:, :2] @ np.array([0.0, HAND_DROP - 6 * abs(sin)])
        kind = kind_of(gesture.name, gesture.count)
        key = (*placed, gesture.name, gesture.side, swing, shown)
        self._blit(target, "hand", self.sprites.hand(kind), hand, (*key, kind, wrist, aim))
        self._blit(target, "sleeve", self.sprites.sleeve(gesture.name), arm, key)

    def _head_key_of(self, pose: Pose) -> tuple[object, ...]:
        mood = pose.mood
        return (
            rough_mouth(grinning(pose.mouth, mood.grin)),
            round(mood.smile * 10),
            round(mood.squint * 8),
            round(pose.lid * 8),
            round(pose.gaze_x * 14),
            round(pose.gaze_y * 8),
            round(mood.brow * BROW_STEPS),
            round(mood.worry * BROW_STEPS),
            round(mood.frown * BROW_STEPS),
            *(_quarters(one * self._scale) for one in slide_of("nose", mood.turn, pose.nod)),  # slides furthest
        )

    def _build_head(self, pose: Pose) -> None:
        """Put the upright head together, unless it already looks like that."""
        key = self._head_key_of(pose)
        if key == self._head_key:
            return
        self._head_key = key
        sprites, mood = self.sprites, pose.mood
        mouth: MouthPose = grinning(pose.mouth, mood.grin)
        self._head_pixels.fill(0)
        self._paste(sprites.ears(), "ears", pose)
        self._paste(sprites.skull(mouth.open), "skull", pose)
        self._paste(sprites.features(), "features", pose)
        self._paste(sprites.mouth(mouth, mood.smile), "mouth", pose)
        self._paste(sprites.nose(), "nose", pose)
        for side in (-1, 1):
            self._paste(sprites.eye(pose, side), "eye", pose)
            self._paste(sprites.brow(mood, side), "brow", pose)
        if sprites.persona.look.glasses:
            self._paste(sprites.glasses(), "glasses", pose)
        self._paste(sprites.front(), "front", pose)

    def _paste(self, sprite: Sprite, part: str, pose: Pose) -> None:
        across, down = (_quarters(one * self._scale) for one in slide_of(part, pose.mood.turn, pose.nod))
        moved = self.sprites.moved(sprite, across % FRACTIONS, down % FRACTIONS)
        left = round((sprite.left - HEAD_BOUNDS[0]) * self._scale) + across // FRACTIONS
        top = round((sprite.top - HEAD_BOUNDS[1]) * self._scale) + down // FRACTIONS
        self._head.blit(moved.surface, (left, top), special_flags=pygame.BLEND_PREMULTIPLIED)

    def _blit(self, target: pygame.Surface, name: str, sprite: Sprite, matrix: Matrix, key: tuple[object, ...]) -> None:
        kept = self._warped.get(name)
        if kept is None or kept.key != key:
            kept = self._warped[name] = _warp(sprite, self._scale, matrix[:2], key, kept)
        target.blit(kept.surface, (kept.left, kept.top), special_flags=pygame.BLEND_PREMULTIPLIED)


def figure_bounds(place: Placement, gesture: GesturePose) -> pygame.Rect:
    """Return the pixels that the figure may touch, with or without a gesture's arm, within its clip."""
    left, top, right, bottom = FIGURE_BOUNDS
    if gesture.name != "rest":
        left, right = (left, ARM_REACH) if gesture.side > 0 else (-ARM_REACH, right)
    s = place.scale
    rect = pygame.Rect(
        math.floor(place.x + left * s),
        math.floor(place.y + top * s),
        math.ceil((right - left) * s) + 2,
        math.ceil((bottom - top) * s) + 2,
    )
    return rect.clip(pygame.Rect(place.clip))


def _posture(pose: Pose, place: Placement) -> tuple[float, float, float]:
    """Return tilt in degrees, the chest's rise in pixels and the lean in degrees, each in its steps."""
    return (
        _stepped(pose.mood.tilt, TILT_STEP_DEGREES),
        _stepped(-BREATH_RISE * pose.breath * place.scale, SHIFT_STEP_PX),
        _stepped(pose.lean * LEAN_DEGREES, LEAN_STEP_DEGREES),
    )


def _arm_angles(gesture: GesturePose) -> tuple[float, float, float]:
    return _stepped(gesture.swing, 0.1), _stepped(gesture.wrist, 0.2), _stepped(gesture.aim, 0.5)


def _stepped(value: float, step: float) -> float:
    return round(value / step) * step


def _quarters(pixels: float) -> int:
    return round(pixels * FRACTIONS)


def _matrix(place: Placement) -> Matrix:
    return np.array([[place.scale, 0.0, place.x], [0.0, place.scale, place.y], [0.0, 0.0, 1.0]])


def _breathing(rise: float) -> Matrix:
    """Return the chest's stretch: `rise` bust units (negative: up) at the neck, nothing at BREATH_FOOT_Y."""
    taller = 1 - rise / (BREATH_FOOT_Y - NECK_Y)
    wider = 1 + (taller - 1) * 0.4
    return np.array([[wider, 0.0, 0.0], [0.0, taller, BREATH_FOOT_Y * (1 - taller)], [0.0, 0.0, 1.0]])


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
