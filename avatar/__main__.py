"""Draws the contact sheet of the mouth shapes: `python -m avatar OUT.png`. For looking at, whenever a mouth changes."""

from __future__ import annotations

import sys
from typing import Final

import skia

from avatar.personas import XIAOYING
from avatar.pose import Mood, Pose
from avatar.rig import draw_figure
from avatar.torso import FONT_FAMILY
from avatar.visemes import SHAPES

COLUMNS: Final = 8
CELL: Final = (180, 170)


def contact_sheet(smile: float = 0.6) -> skia.Image:
    """Return the lower half of the face in each of the 16 shapes, in the order of the contract."""
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
        draw_figure(canvas, left + width / 2, top + 6, 0.72, XIAOYING, Pose(mood=Mood(smile=smile), mouth=mouth))
        canvas.drawString(viseme, left + 8, top + height - 10, label, skia.Paint(Color=0xFF12272B, AntiAlias=True))
        canvas.restore()
    return surface.makeImageSnapshot()


if __name__ == "__main__":
    contact_sheet().save(sys.argv[1], skia.kPNG)
