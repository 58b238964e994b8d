"""Draws contact sheets, to be looked at after every change of a drawing.

python -m avatar mouths OUT.png [PERSONA]
python -m avatar figures OUT.png
"""

from __future__ import annotations

import sys
from typing import Final

import skia

from avatar.expression import MOODS
from avatar.neck import FONT_FAMILY
from avatar.personas import load_persona, persona_names
from avatar.pose import GestureName, GesturePose, Mood, Pose
from avatar.rig import draw_figure
from avatar.visemes import SHAPES

COLUMNS: Final = 8
MOUTH_CELL: Final = (180, 170)
FIGURE_CELL: Final = (236, 260)
BACKDROP: Final = 0xFFCFE2DA
GESTURES: Final[tuple[tuple[GestureName, int], ...]] = (
    ("wave", 1), ("present", 1), ("point", 1), ("stop", 1), ("count", 2), ("thumbs", 1), ("heart", 1),
)  # fmt: skip


def mouths(name: str, smile: float = 0.6) -> skia.Image:
    """Return the lower half of the face in each of the 16 shapes, in the order of the contract."""
    persona = load_persona(name)
    width, height = MOUTH_CELL
    rows = (len(SHAPES) + COLUMNS - 1) // COLUMNS
    surface = skia.Surface(COLUMNS * width, rows * height)
    surface.getCanvas().clear(BACKDROP)
    for i, (viseme, mouth) in enumerate(SHAPES.items()):
        with _Cell(surface, i % COLUMNS * width, i // COLUMNS * height, MOUTH_CELL, viseme) as canvas:
            draw_figure(canvas, width / 2, -12, 0.86, persona, Pose(mood=Mood(smile=smile), mouth=mouth))
    return surface.makeImageSnapshot()


def figures() -> skia.Image:
    """Return every persona in every mood and with every gesture."""
    width, height = FIGURE_CELL
    names = persona_names()
    surface = skia.Surface(len(MOODS) * width, 2 * len(names) * height)
    surface.getCanvas().clear(BACKDROP)
    for row, name in enumerate(names):
        persona = load_persona(name)
        for column, (expression, mood) in enumerate(MOODS.items()):
            pose = Pose(mood=mood, gaze_x=mood.look_x, gaze_y=mood.look_y)
            with _Cell(surface, column * width, 2 * row * height, FIGURE_CELL, expression) as canvas:
                draw_figure(canvas, width / 2, height * 0.44, 0.44, persona, pose)
        for column, (gesture, count) in enumerate(GESTURES):
            pose = Pose(gesture=GesturePose(name=gesture, shown=1.0, count=count, aim=110))
            with _Cell(surface, column * width, (2 * row + 1) * height, FIGURE_CELL, gesture) as canvas:
                draw_figure(canvas, width * 0.42, height * 0.40, 0.29, persona, pose)
    return surface.makeImageSnapshot()


class _Cell:
    """A clipped place on the sheet, with its name below."""

    def __init__(self, surface: skia.Surface, left: float, top: float, size: tuple[int, int], label: str) -> None:
        self._canvas, self._left, self._top, self._size, self._label = surface.getCanvas(), left, top, size, label

    def __enter__(self) -> skia.Canvas:
        self._canvas.save()
        self._canvas.translate(self._left, self._top)
        self._canvas.clipRect(skia.Rect.MakeXYWH(0, 0, self._size[0] - 2, self._size[1] - 2))
        return self._canvas

    def __exit__(self, *_: object) -> None:
        font = skia.Font(skia.Typeface(FONT_FAMILY, skia.FontStyle.Bold()), 17)
        plate = skia.Rect.MakeXYWH(0, self._size[1] - 30, 12 + font.measureText(self._label), 30)
        self._canvas.drawRect(plate, skia.Paint(Color=0xCCCFE2DA))
        self._canvas.drawString(self._label, 8, self._size[1] - 10, font, skia.Paint(Color=0xFF12272B, AntiAlias=True))
        self._canvas.restore()


def main(arguments: list[str]) -> int:
    """Write the sheet; 2 when called wrongly."""
    if len(arguments) < 2 or arguments[0] not in ("mouths", "figures"):
        print(__doc__, file=sys.stderr)
        return 2
    drawn = mouths(arguments[2] if len(arguments) > 2 else "xiaoying") if arguments[0] == "mouths" else figures()
    drawn.save(arguments[1], skia.kPNG)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
