"""The neck and the badge: what every set of clothes has in common."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import skia

from avatar.ink import Pen, both_sides, linear, mixed, oval, rgba, smooth
from avatar.personas import Persona

FONT_FAMILY: Final = "Noto Sans CJK SC"  # freetype's first face of the collection is the Japanese one: name it


def draw_neck(pen: Pen, persona: Persona, thick: float = 1.0) -> None:
    """Draw neck and collarbones, down to where clothes begin. `thick` is its width, times the usual one."""
    light, skin, shade, line = persona.look.skin
    warm = mixed(shade, "#B8503C", 0.20)
    chin = persona.face.chin
    right = [(0, 100), (64, 110), (63, 170), (60, 214), (64, 246), (70, 266), (78, 282), (84, 300), (70, 420), (0, 470)]
    neck = smooth(both_sides([(x * thick, y) for x, y in right]), True)
    pen.fill(
        neck, linear(-70, 0, 80, 0, (0, skin, 1), (0.35, mixed(light, skin, 0.4), 1), (0.7, skin, 1), (1, shade, 1))
    )
    throw = smooth(  # the head's shadow falls to the right
        [(-72, 130), (-58, 176), (-34, chin + 20), (4, chin + 38), (40, chin + 30), (66, chin), (80, 120), (0, 90)],
        True,
    )
    pen.fill(throw, mixed(warm, line, 0.35), 0.62, 7, clip=neck)
    pen.fill(oval(62 * thick, 200, 20, 90), warm, 0.40, 12, clip=neck)
    for side, alpha in ((-1, 0.20), (1, 0.28)):  # the muscle from ear to collarbone, then the bone
        cord = [(side * 52, 180), (side * 44, 230), (side * 26, 280), (side * 12, 304)]
        pen.line(smooth(cord), warm, 7, alpha, 4, clip=neck)
        bone = [(side * 14, 306), (side * 36, 298), (side * 60, 294), (side * 84, 300)]
        pen.line(smooth(bone), warm, 5, 0.40, 3, clip=neck)
        pen.line(smooth([(x, y - 5) for x, y in bone]), light, 4, 0.55, 3, clip=neck)
    pen.fill(oval(0, 312, 10, 12), warm, 0.34, 6, clip=neck)


def draw_badge(canvas: skia.Canvas, persona: Persona, x: float = 92, y: float = 468) -> None:
    """Draw the badge that says who she is, and that she is not a person."""
    pen = Pen(canvas)
    plate = skia.RRect.MakeRectXY(skia.Rect.MakeXYWH(x, y, 120, 50), 8, 8)
    shape = skia.Path()
    shape.addRRect(plate)
    shadow = skia.Path(shape)
    shadow.offset(2, 5)
    pen.fill(shadow, "#02201F", 0.38, 5)
    pen.fill(shape, linear(0, y, 0, y + 50, (0, "#FFFFFF", 1), (1, "#F1EDE2", 1)))
    canvas.drawRect(
        skia.Rect.MakeXYWH(x, y + 9, 6, 32), skia.Paint(AntiAlias=True, Color=rgba(persona.uniform.accent[1]))
    )
    ink = skia.Paint(AntiAlias=True, Color=rgba("#12272B"))
    canvas.drawString(persona.look.badge, x + 16, y + 27, _font(24, True), ink)
    soft = skia.Paint(AntiAlias=True, Color=rgba("#44595C"))
    canvas.drawString(persona.look.badge_line, x + 16, y + 43, _font(13, False), soft)


@lru_cache(maxsize=4)
def _font(size: int, bold: bool) -> skia.Font:
    """The font of the badge; where it is missing, whatever the system has: a badge in odd letters can be read."""
    style = skia.FontStyle.Bold() if bold else skia.FontStyle.Normal()
    face = skia.FontMgr().matchFamilyStyle(FONT_FAMILY, style) or skia.FontMgr().matchFamilyStyleCharacter(
        "", style, ["zh"], ord("迎")
    )
    return skia.Font(face or skia.Typeface(), size)
