"""The whole figure from its parts, in bust space.

(0, 0) is between the eyes, a face is about 290 wide, the chin lies at y = 206, shoulders reach x = ±286, and the
bust may be cropped anywhere below y = 560. The renderer draws the same parts into sprites; `draw_figure` draws
them at once, for portraits and reference sheets.
"""

from __future__ import annotations

from typing import Final

import skia

from avatar.eyes import EYE_SCALE, EYE_X, EYE_Y, draw_brow, draw_eye
from avatar.hair import SKULL, draw_hair_back, draw_hair_front
from avatar.hands import REACHES, draw_arm
from avatar.head import draw_features, draw_glasses, draw_headset, draw_skull, face_outline
from avatar.ink import Pen
from avatar.mouth import draw_mouth
from avatar.personas import Persona
from avatar.pose import Pose
from avatar.torso import draw_torso

NECK_Y: Final = 190.0  # the head tilts about (0, NECK_Y)
TURN_SHIFT: Final = 16.0  # bust units that the features slide at turn = 1
NOD_SHIFT: Final = 5.0


def draw_figure(
    canvas: skia.Canvas, x: float, y: float, scale: float, persona: Persona, pose: Pose, bottom: float = 960
) -> None:
    """Draw the persona so that the point between the eyes falls on (x, y)."""
    pen = Pen(canvas)
    canvas.save()
    canvas.translate(x, y)
    canvas.scale(scale, scale)
    canvas.save()
    _tilt(canvas, pose.mood.tilt)
    draw_back_of_head(pen, persona)
    canvas.restore()
    draw_torso(pen, persona, bottom, with_badge=pose.gesture.name != "heart")
    canvas.save()
    _tilt(canvas, pose.mood.tilt)
    _draw_head(pen, persona, pose)
    canvas.restore()
    if pose.gesture.name in REACHES:
        draw_arm(pen, persona, REACHES[pose.gesture.name])
    canvas.restore()


def _tilt(canvas: skia.Canvas, degrees: float) -> None:
    canvas.translate(0, NECK_Y)
    canvas.rotate(degrees)
    canvas.translate(0, -NECK_Y)


def draw_back_of_head(pen: Pen, persona: Persona) -> None:
    pen.canvas.save()
    pen.canvas.scale(1, SKULL)
    draw_hair_back(pen, persona)
    pen.canvas.restore()


def draw_front_of_head(pen: Pen, persona: Persona) -> None:
    """Draw what lies over the features: hair, headset. Its shadow falls on the face with a closed jaw."""
    pen.canvas.save()
    pen.canvas.scale(1, SKULL)
    draw_hair_front(pen, persona, face_outline(persona, 0))
    pen.canvas.restore()
    if persona.headset:
        draw_headset(pen)


def _draw_head(pen: Pen, persona: Persona, pose: Pose) -> None:
    draw_skull(pen, persona, pose.mouth.open)
    pen.canvas.save()
    pen.canvas.translate(pose.mood.turn * TURN_SHIFT, pose.nod * NOD_SHIFT)
    draw_features(pen, persona)
    for side in (-1, 1):
        draw_placed_eye(pen, persona, pose, side)
        draw_placed_brow(pen, persona, pose, side)
    draw_mouth(pen, persona, pose.mouth, pose.mood.smile)
    if persona.glasses:
        draw_glasses(pen)
    pen.canvas.restore()
    draw_front_of_head(pen, persona)


def draw_placed_eye(pen: Pen, persona: Persona, pose: Pose, side: int) -> None:
    """Draw the eye of one side (-1 left, 1 right of the picture) where it belongs."""
    pen.canvas.save()
    pen.canvas.translate(side * EYE_X, EYE_Y)
    pen.canvas.scale(side * EYE_SCALE[0], EYE_SCALE[1])
    draw_eye(pen, persona, side=side, lid=pose.lid, gaze=(pose.gaze_x, pose.gaze_y), smile=pose.mood.smile)
    pen.canvas.restore()


def draw_placed_brow(pen: Pen, persona: Persona, pose: Pose, side: int) -> None:
    pen.canvas.save()
    pen.canvas.translate(side * EYE_X, EYE_Y)
    pen.canvas.scale(side, 1)
    draw_brow(pen, persona, brow=pose.mood.brow, worry=pose.mood.worry)
    pen.canvas.restore()
