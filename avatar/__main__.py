"""Draws the contact sheet of the mouth shapes: `python -m avatar OUT.png [PERSONA]`. Look after every change."""

from __future__ import annotations

import sys
from typing import Final

import skia

from avatar.neck import FONT_FAMILY
from avatar.personas import load_persona
from avatar.pose import Mood, Pose
from avatar.rig import draw_figure
from avatar.visemes import SHAPES

COLUMNS: Final = 8
CELL: Final = (180, 170)


def contact_sheet(name: str = "xiaoying", smile: float = 0.6) -> skia.Image:
    """Return the lower half of the face in each of the 16 shapes, in the order of the contract."""
    persona = load_persona(name)
    width, height = CELL
    rows = (len(SHAPES) + COLUMNS - 1) // COLUMNS
    surface = skia.Surface(COLUMNS * width, rows * height)
    canvas = surface.getCanvas()
    canvas.clear(0xFFCFE2DA)
    label = skia.Font(skia.Typeface(FONT_FAMILY, skia.FontStyle.Bold()), 17)
    for i, (viseme, mouth) in enumerate(SHAPES.items()):
        left, top = i % COLUMNS * width, i // COLUMNS * height
        canvas.save()
        canvas.clipRect(skia.Rect.MakeXYWH(left, top, width - 2, height - 2))
        draw_figure(canvas, left + width / 2, top - 12, 0.86, persona, Pose(mood=Mood(smile=smile), mouth=mouth))
        canvas.drawString(viseme, left + 8, top + height - 10, label, skia.Paint(Color=0xFF12272B, AntiAlias=True))
        canvas.restore()
    return surface.makeImageSnapshot()


if __name__ == "__main__":
    contact_sheet(sys.argv[2] if len(sys.argv) > 2 else "xiaoying").save(sys.argv[1], skia.kPNG)
