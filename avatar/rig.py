"""The whole figure from its parts, in bust space.

(0, 0) is between the eyes, a face is about 280 wide, the chin lies at y = 197 or a little lower, shoulders reach
x = ±290, and the bust may be cropped anywhere below y = 560. The renderer draws the same parts into sprites;
`draw_figure` draws them at once, for portraits and reference sheets.

A head that turns is parts that slide, the nearer to the viewer the further: `DEPTHS`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import skia

from avatar.eyes import EYE_X, EYE_Y, draw_brow, draw_eye
from avatar.hands import REACHES, Reach, draw_hand, kind_of
from avatar.head import draw_ears, draw_features, draw_glasses, draw_nose, draw_skull, face_outline
from avatar.ink import Pen
from avatar.mouth import draw_mouth
from avatar.neck import draw_badge
from avatar.personas import Persona
from avatar.pose import GesturePose, Pose, grinning

NECK_Y: Final = 190.0  # the head tilts about (0, NECK_Y)
TURN_SHIFT: Final = 17.0  # bust units that the features slide at turn = 1
NOD_SHIFT: Final = 6.0
DEPTHS: Final[dict[str, float]] = {
    "back": -0.55, "ears": -0.40, "skull": 0.0, "features": 0.75, "eye": 0.88, "brow": 0.92, "mouth": 1.0,
    "nose": 1.40, "glasses": 1.05, "front": 0.42,
}  # fmt: skip
"""Share of `TURN_SHIFT` and `NOD_SHIFT` by which each part slides."""


def slide_of(part: str, turn: float, nod: float) -> tuple[float, float]:
    """Return how far a part slides, in bust units."""
    return turn * TURN_SHIFT * DEPTHS[part], nod * NOD_SHIFT * DEPTHS[part]


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
    _slid(pen, "back", pose)
    persona.hairdo.draw_back(pen, persona)
    canvas.restore()
    canvas.restore()
    draw_torso(pen, persona, bottom, with_badge=pose.gesture.name != "heart")
    canvas.save()
    _tilt(canvas, pose.mood.tilt)
    _draw_head(pen, persona, pose)
    canvas.restore()
    if pose.gesture.name in REACHES:
        draw_arm(pen, persona, pose.gesture)
    canvas.restore()


def _tilt(canvas: skia.Canvas, degrees: float) -> None:
    canvas.translate(0, NECK_Y)
    canvas.rotate(degrees)
    canvas.translate(0, -NECK_Y)


def _slid(pen: Pen, part: str, pose: Pose) -> None:
    pen.canvas.save()
    pen.canvas.translate(*slide_of(part, pose.mood.turn, pose.nod))


def draw_torso(pen: Pen, persona: Persona, bottom: float, with_badge: bool = True) -> None:
    """Draw neck, clothes and, if there is room for it, the badge."""
    persona.clothes.draw(pen, persona, bottom)
    if with_badge:
        draw_badge(pen.canvas, persona)


def draw_front_of_head(pen: Pen, persona: Persona) -> None:
    """Draw what lies over the features. Its shadow falls on the face with a closed jaw."""
    persona.hairdo.draw_front(pen, persona, face_outline(persona, 0))


def _draw_head(pen: Pen, persona: Persona, pose: Pose) -> None:
    mouth = grinning(pose.mouth, pose.mood.grin)
    steps: tuple[tuple[str, Callable[[], None]], ...] = (
        ("ears", lambda: draw_ears(pen, persona)),
        ("skull", lambda: draw_skull(pen, persona, mouth.open)),
        ("features", lambda: draw_features(pen, persona)),
        ("mouth", lambda: draw_mouth(pen, persona, mouth, pose.mood.smile)),
        ("nose", lambda: draw_nose(pen, persona)),
        ("eye", lambda: draw_placed_eye(pen, persona, pose, -1)),
        ("eye", lambda: draw_placed_eye(pen, persona, pose, 1)),
        ("brow", lambda: draw_placed_brow(pen, persona, pose, -1)),
        ("brow", lambda: draw_placed_brow(pen, persona, pose, 1)),
        ("front", lambda: draw_front_of_head(pen, persona)),
    )
    for part, draw in steps:
        if part == "front" and persona.look.glasses:
            _slid(pen, "glasses", pose)
            draw_glasses(pen)
            pen.canvas.restore()
        _slid(pen, part, pose)
        draw()
        pen.canvas.restore()


def draw_placed_eye(pen: Pen, persona: Persona, pose: Pose, side: int) -> None:
    """Draw the eye of one side (-1 left, 1 right of the picture) where it belongs."""
    pen.canvas.save()
    pen.canvas.translate(side * EYE_X, EYE_Y)
    pen.canvas.scale(side, 1)
    mood = pose.mood
    draw_eye(
        pen, persona, side=side, lid=pose.lid, gaze=(pose.gaze_x, pose.gaze_y), smile=mood.smile, squint=mood.squint
    )
    pen.canvas.restore()


def draw_placed_brow(pen: Pen, persona: Persona, pose: Pose, side: int) -> None:
    pen.canvas.save()
    pen.canvas.translate(side * EYE_X, EYE_Y)
    pen.canvas.scale(side, 1)
    draw_brow(pen, persona, brow=pose.mood.brow, worry=pose.mood.worry, frown=pose.mood.frown)
    pen.canvas.restore()


def draw_arm(pen: Pen, persona: Persona, gesture: GesturePose) -> None:
    """Draw the forearm of a gesture that is fully shown, and its hand."""
    reach = REACHES[gesture.name]
    canvas = pen.canvas
    canvas.save()
    canvas.scale(gesture.side, 1)
    place_hand(canvas, reach, hand_angle(reach, gesture))
    draw_hand(pen, persona, kind_of(gesture.name, gesture.count))
    canvas.restore()
    persona.clothes.draw_sleeve(pen, persona, reach.elbow, reach.wrist)
    canvas.restore()


def hand_angle(reach: Reach, gesture: GesturePose) -> float:
    """Return the hand's angle in degrees from upright: where a pointing hand points, else what the gesture says."""
    return gesture.aim if gesture.name == "point" else reach.hand_angle


def place_hand(canvas: skia.Canvas, reach: Reach, angle: float) -> None:
    """Save the canvas and move to the hand's own space; the wrist lies a little within the cuff."""
    canvas.save()
    canvas.translate(*reach.wrist)
    canvas.rotate(angle)
    canvas.scale(reach.hand_scale, reach.hand_scale)
    lean = math.radians(angle)
    canvas.translate(0, -18 + 6 * abs(math.sin(lean)))
