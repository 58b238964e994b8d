"""One picture of a figure for whoever makes a gallery or a contact sheet: a persona, a mood, a mouth.

It opens no window and needs no pygame. Names are those of the contract: `Expression`, `Viseme`; a
persona is a file of `avatar/looks` (`avatar.personas.persona_names`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import skia

from avatar.expression import MOODS
from avatar.personas import load_persona
from avatar.pose import GestureName, GesturePose, Pose
from avatar.rig import draw_figure
from avatar.visemes import SHAPES

BACKDROP: Final = 0xFFCFE2DA
BUST: Final = (-300.0, -276.0, 300.0, 560.0)  # left, top, right, bottom in bust space: what a picture shows


def sheet(
    persona: str, expression: str, viseme: str, size: tuple[int, int], gesture: GestureName = "rest", count: int = 1
) -> skia.Image:
    """Return the bust of `persona` with `expression` and `viseme`, filling `size` (width, height in pixels).

    The colour type is skia's N32, opaque. Raises KeyError that names an unknown expression or viseme, and
    `avatar.personas.PersonaError` for the persona.
    """
    mood, mouth, looks = MOODS[expression], SHAPES[viseme], load_persona(persona)  # type: ignore[index]
    left, top, right, bottom = BUST
    scale = min(size[0] / (right - left), size[1] / (bottom - top))
    x = size[0] / 2 - scale * (left + right) / 2
    y = size[1] / 2 - scale * (top + bottom) / 2
    surface = skia.Surface(*size)
    canvas = surface.getCanvas()
    canvas.clear(BACKDROP)
    pose = Pose(mood=mood, mouth=mouth, gaze_x=mood.look_x, gaze_y=mood.look_y)
    if gesture != "rest":
        pose = replace(pose, gesture=GesturePose(name=gesture, shown=1.0, count=count))
    draw_figure(canvas, x, y, scale, looks, pose, bottom=max(960.0, (size[1] - y) / scale))
    return surface.makeImageSnapshot()
