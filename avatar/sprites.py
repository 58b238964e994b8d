"""Pieces of the figure, drawn once by skia and kept: which pieces there are, how finely they are told apart."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
import pygame
import skia

from avatar.hands import HAND_BOUNDS, REACHES, HandKind, draw_hand
from avatar.head import draw_ears, draw_features, draw_glasses, draw_nose, draw_skull
from avatar.ink import Pen
from avatar.mouth import MOUTH_BOX, draw_mouth
from avatar.personas import Persona
from avatar.pose import GestureName, Mood, MouthPose, Pose
from avatar.rig import draw_front_of_head, draw_placed_brow, draw_placed_eye, draw_torso

Bounds = tuple[float, float, float, float]  # left, top, right, bottom in bust space

HEAD_BOUNDS: Final[Bounds] = (-184.0, -262.0, 184.0, 234.0)
BACK_BOUNDS: Final[Bounds] = (-196.0, -250.0, 196.0, 204.0)
EAR_BOUNDS: Final[Bounds] = (-176.0, -34.0, 176.0, 86.0)
TORSO_BOUNDS: Final[Bounds] = (-312.0, 70.0, 312.0, 640.0)
FEATURE_BOUNDS: Final[Bounds] = (-160.0, -60.0, 160.0, 150.0)
NOSE_BOUNDS: Final[Bounds] = (-48.0, -46.0, 48.0, 122.0)
EYE_BOUNDS: Final[Bounds] = (8.0, -32.0, 122.0, 54.0)  # right eye; the left one is its mirror
BROW_BOUNDS: Final[Bounds] = (8.0, -66.0, 122.0, 4.0)
SLEEVE_BOUNDS: Final[Bounds] = (-10.0, 360.0, 480.0, 820.0)
JAW_STEPS: Final = 8
BROW_STEPS: Final = 16
FRACTIONS: Final = 4  # parts of a pixel by which a piece may be moved


@dataclass(frozen=True, slots=True, eq=False)
class Sprite:
    """A piece: premultiplied BGRA of shape (h, w, 4), the surface that shares it, and its place in the bust."""

    pixels: npt.NDArray[np.uint8]
    surface: pygame.Surface
    left: float  # bust space
    top: float
    number: int = field(default_factory=itertools.count(1).__next__)  # tells pieces apart


class SpriteCache:
    """Keeps the pieces used last, at most `limit_bytes` of them; `drawn` counts the misses."""

    def __init__(self, limit_bytes: int) -> None:
        self.drawn = 0
        self._limit_bytes = limit_bytes
        self._used_bytes = 0
        self._kept: OrderedDict[Hashable, Sprite] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Hashable, draw: Callable[[], Sprite]) -> Sprite:
        sprite = self._kept.get(key)
        if sprite is not None:
            self._kept.move_to_end(key)
            return sprite
        sprite = draw()
        self.drawn += 1
        self._kept[key] = sprite
        self._used_bytes += sprite.pixels.nbytes
        while self._used_bytes > self._limit_bytes and len(self._kept) > 1:
            _, oldest = self._kept.popitem(last=False)
            self._used_bytes -= oldest.pixels.nbytes
        return sprite


def paint_sprite(bounds: Bounds, scale: float, paint: Callable[[skia.Canvas], None]) -> Sprite:
    """Draw what `paint` draws in bust space within `bounds`, at `scale` pixels a unit."""
    left, top, right, bottom = bounds
    width, height = round((right - left) * scale), round((bottom - top) * scale)
    pixels = np.zeros((height, width, 4), np.uint8)
    info = skia.ImageInfo.Make(width, height, skia.kBGRA_8888_ColorType, skia.kPremul_AlphaType)
    target = skia.Surface.MakeRasterDirect(info, pixels)
    canvas = target.getCanvas()
    canvas.scale(scale, scale)
    canvas.translate(-left, -top)
    paint(canvas)
    target.flushAndSubmit()
    return Sprite(pixels, pygame.image.frombuffer(pixels.data, (width, height), "BGRA"), left, top)


def _steps(value: float, steps: int) -> float:
    return round(value * steps) / steps


class FigureSprites:
    """The pieces of one persona at one scale. Asking twice for nearly the same pose draws once."""

    def __init__(self, persona: Persona, scale: float, limit_bytes: int = 48 * 1024 * 1024) -> None:
        self.persona, self.scale = persona, scale
        self.cache = SpriteCache(limit_bytes)
        self._fixed: dict[Hashable, Sprite] = {}  # needed all the time, never dropped; bounded by their kinds

    def skull(self, jaw: float) -> Sprite:
        level = _steps(min(1.0, max(0.0, jaw)), JAW_STEPS)
        return self._keep(("skull", level), HEAD_BOUNDS, lambda canvas: draw_skull(Pen(canvas), self.persona, level))

    def front(self) -> Sprite:
        return self._keep("front", HEAD_BOUNDS, lambda canvas: draw_front_of_head(Pen(canvas), self.persona))

    def back(self) -> Sprite:
        draw = self.persona.hairdo.draw_back
        return self._keep("back", BACK_BOUNDS, lambda canvas: draw(Pen(canvas), self.persona))

    def ears(self) -> Sprite:
        return self._keep("ears", EAR_BOUNDS, lambda canvas: draw_ears(Pen(canvas), self.persona))

    def nose(self) -> Sprite:
        return self._keep("nose", NOSE_BOUNDS, lambda canvas: draw_nose(Pen(canvas), self.persona))

    def features(self) -> Sprite:
        return self._keep("features", FEATURE_BOUNDS, lambda canvas: draw_features(Pen(canvas), self.persona))

    def glasses(self) -> Sprite:
        return self._keep("glasses", FEATURE_BOUNDS, lambda canvas: draw_glasses(Pen(canvas)))

    def torso(self, with_badge: bool) -> Sprite:
        def paint(canvas: skia.Canvas) -> None:
            draw_torso(Pen(canvas), self.persona, 960, with_badge)

        return self._keep(("torso", with_badge), TORSO_BOUNDS, paint)

    def sleeve(self, gesture: GestureName) -> Sprite:
        reach, draw = REACHES[gesture], self.persona.clothes.draw_sleeve
        return self._keep(
            ("sleeve", gesture),
            SLEEVE_BOUNDS,
            lambda canvas: draw(Pen(canvas), self.persona, reach.elbow, reach.wrist),
        )

    def hand(self, kind: HandKind) -> Sprite:
        """Return a hand in its own space (`avatar.hands`), not in the bust's."""
        return self._keep(("hand", kind), HAND_BOUNDS, lambda canvas: draw_hand(Pen(canvas), self.persona, kind))

    def moved(self, sprite: Sprite, across: int, down: int) -> Sprite:
        """Return the piece moved by so many `FRACTIONS` of a pixel to the right and down, each 0..FRACTIONS - 1."""
        if not across and not down:
            return sprite
        return self.cache.get(("moved", sprite.number, across, down), lambda: _moved(sprite, across, down))

    def eye(self, pose: Pose, side: int) -> Sprite:
        rough = Pose(
            mood=Mood(smile=_steps(pose.mood.smile, 8), squint=_steps(pose.mood.squint, 8)),
            lid=_steps(pose.lid, 8),
            gaze_x=_steps(pose.gaze_x, 14),
            gaze_y=_steps(pose.gaze_y, 8),
        )
        key = ("eye", side, rough.mood.smile, rough.mood.squint, rough.lid, rough.gaze_x, rough.gaze_y)
        return self._cached(
            key,
            _on_side(EYE_BOUNDS, side),
            lambda canvas: draw_placed_eye(Pen(canvas), self.persona, rough, side),
        )

    def brow(self, mood: Mood, side: int) -> Sprite:
        steps = BROW_STEPS
        settled = Mood(brow=_steps(mood.brow, steps), worry=_steps(mood.worry, steps), frown=_steps(mood.frown, steps))
        rough = Pose(mood=settled)
        key = ("brow", side, settled.brow, settled.worry, settled.frown)
        return self._cached(
            key,
            _on_side(BROW_BOUNDS, side),
            lambda canvas: draw_placed_brow(Pen(canvas), self.persona, rough, side),
        )

    def mouth(self, mouth: MouthPose, smile: float) -> Sprite:
        rough = rough_mouth(mouth)
        smile = _steps(smile, 10)
        return self._cached(
            ("mouth", rough, smile),
            MOUTH_BOX,
            lambda canvas: draw_mouth(Pen(canvas), self.persona, rough, smile),
        )

    def _keep(self, key: Hashable, bounds: Bounds, paint: Callable[[skia.Canvas], None]) -> Sprite:
        sprite = self._fixed.get(key)
        if sprite is None:
            sprite = self._fixed[key] = paint_sprite(bounds, self.scale, paint)
        return sprite

    def _cached(self, key: Hashable, bounds: Bounds, paint: Callable[[skia.Canvas], None]) -> Sprite:
        return self.cache.get(key, lambda: paint_sprite(bounds, self.scale, paint))


def rough_mouth(mouth: MouthPose) -> MouthPose:
    """Return the mouth rounded to steps that the eye does not tell apart at arm's length."""
    return replace(
        mouth,
        open=_steps(mouth.open, 24),
        width=_steps(mouth.width, 8),
        round=_steps(mouth.round, 10),
        upper_teeth=_steps(mouth.upper_teeth, 6),
        lower_teeth=_steps(mouth.lower_teeth, 5),
        tongue=_steps(mouth.tongue, 5),
        tip=_steps(mouth.tip, 4),
        press=_steps(mouth.press, 6),
        bite=_steps(mouth.bite, 4),
    )


def _moved(sprite: Sprite, across: int, down: int) -> Sprite:
    """Return a copy a pixel larger, resampled; its place stays the whole pixel's."""
    height, width = sprite.pixels.shape[:2]
    matrix = np.array([[1.0, 0.0, across / FRACTIONS], [0.0, 1.0, down / FRACTIONS]])
    pixels = np.empty((height + 1, width + 1, 4), np.uint8)
    cv2.warpAffine(sprite.pixels, matrix, (width + 1, height + 1), dst=pixels, flags=cv2.INTER_LINEAR)
    surface = pygame.image.frombuffer(pixels.data, (width + 1, height + 1), "BGRA")
    return Sprite(pixels, surface, sprite.left, sprite.top)


def _on_side(bounds: Bounds, side: int) -> Bounds:
    left, top, right, bottom = bounds
    return bounds if side > 0 else (-right, top, -left, bottom)
