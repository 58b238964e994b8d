"""A waistcoat over shirt and tie; the shirt's sleeves are the arms'."""

from __future__ import annotations

from typing import Final

import skia

from avatar.clothes.cloth import draw_cuff, draw_fold, sleeve_of
from avatar.ink import Pen, Point, both_sides, linear, mixed, oval, path, smooth
from avatar.neck import draw_neck
from avatar.personas import Persona

_BODY: Final[tuple[Point, ...]] = (
    (0, 262), (70, 258), (104, 286), (156, 304), (214, 320), (258, 350), (282, 402), (288, 480), (289, 560), (289, 640),
)  # fmt: skip


def draw(pen: Pen, persona: Persona, bottom: float) -> None:
    draw_neck(pen, persona, thick=1.16)
    shirt = smooth(both_sides([*_BODY, (289, bottom), (0, bottom)]), True)
    _draw_shirt(pen, persona, shirt, bottom)
    _draw_tie(pen, persona, bottom)
    _draw_waistcoat(pen, persona, shirt, bottom)
    _draw_collar(pen, persona)


def _draw_shirt(pen: Pen, persona: Persona, shirt: skia.Path, bottom: float) -> None:
    lit, base, shade = persona.uniform.shirt
    dark = mixed(shade, "#5E7A76", 0.55)
    hole = path("M -74 240 C -60 282 -30 304 0 318 C 30 304 60 282 74 240 Z")
    shirt = skia.Op(shirt, hole, skia.kDifference_PathOp)
    pen.fill(shirt, linear(-260, 300, 280, 560, (0, lit, 1), (0.45, base, 1), (1, mixed(shade, dark, 0.25), 1)))
    for side in (-1, 1):

        def at(*points: Point, side: int = side) -> list[Point]:
            return [(side * x, y) for x, y in points]

        gap = smooth(at((216, 430), (206, 500), (206, 600), (212, bottom), (236, bottom), (230, 600), (226, 500)), True)
        pen.fill(gap, dark, 0.75 if side > 0 else 0.55, 7, clip=shirt)
        outer = smooth(at((262, 372), (280, 460), (284, 600), (284, bottom), (306, bottom), (300, 420)), True)
        pen.fill(outer, dark, 0.55 if side > 0 else 0.32, 11, clip=shirt)
        pen.line(smooth(at((212, 320), (226, 352), (230, 400), (226, 446))), dark, 1.6, 0.34, 0.7, clip=shirt)
        for fold in (
            at((222, 448), (244, 470), (276, 468)),
            at((220, 474), (240, 506), (268, 520)),
            at((226, 520), (246, 546), (280, 548)),
            at((228, 610), (252, 594), (286, 606)),
        ):
            draw_fold(pen, fold, dark, 8, 0.32, shirt)


def _draw_tie(pen: Pen, persona: Persona, bottom: float) -> None:
    pale, gold, deep = persona.uniform.accent
    blade = path(
        f"M -15 334 L 15 334 C 20 380 30 440 36 520 L 38 {bottom} L -38 {bottom} L -36 520 C -30 440 -20 380 -15 334 Z"
    )
    pen.fill(blade, "#203533", 0.30, 7)
    pen.fill(blade, linear(-38, 0, 38, 0, (0, gold, 1), (0.35, pale, 1), (0.6, gold, 1), (1, deep, 1)))
    coat = persona.uniform.coat
    for i in range(12):
        y = 330 + 34 * i
        pen.line(f"M -50 {y + 40} L 50 {y - 16}", coat[1], 7, 0.82, 0.3, clip=blade)
        pen.line(f"M -50 {y + 50} L 50 {y - 6}", coat[1], 1.6, 0.6, 0.2, clip=blade)
    pen.fill("M -15 334 L 15 334 L 18 360 L -18 360 Z", "#2A1804", 0.45, 6, clip=blade)
    pen.line("M 4 344 C 8 400 8 470 2 600", "#FFFFFF", 6, 0.16, 4, clip=blade)
    knot = smooth([(-23, 304), (0, 300), (23, 304), (19, 324), (15, 340), (0, 344), (-15, 340), (-19, 324)], True)
    pen.fill(knot, linear(-24, 300, 24, 342, (0, pale, 1), (0.45, gold, 1), (1, deep, 1)))
    pen.line("M -30 334 L 26 304", coat[1], 7, 0.82, 0.3, clip=knot)
    pen.line(smooth([(-19, 324), (-15, 341), (0, 345), (15, 341), (19, 324)]), mixed(deep, "#2A1804", 0.5), 2, 0.6, 0.8)


def _draw_waistcoat(pen: Pen, persona: Persona, shirt: skia.Path, bottom: float) -> None:
    lit, base, shade = persona.uniform.coat
    dark = mixed(shade, "#000000", 0.25)
    half = [
        (76, 262), (112, 288), (158, 305), (186, 314), (186, 360), (190, 420), (206, 476), (208, 560), (206, 640),
        (208, bottom), (0, bottom), (0, 560),
    ]  # fmt: skip
    right = smooth([*half[:10]])
    right.lineTo(0, bottom)
    right.lineTo(0, 556)
    right.cubicTo(26, 480, 62, 380, 76, 262)
    right.close()
    left = skia.Path(right)
    left.transform(skia.Matrix.Scale(-1, 1))
    for piece, side in ((left, -1), (right, 1)):
        shadow = skia.Path(piece)
        shadow.offset(4, 6)
        pen.fill(shadow, "#23403D", 0.40, 8, clip=shirt)
        tones = (
            ((0, mixed(lit, "#FFFFFF", 0.08), 1), (0.6, lit, 1), (1, base, 1))
            if side < 0
            else ((0, lit, 1), (0.45, base, 1), (1, shade, 1))
        )
        pen.fill(piece, linear(side * 20 - 100, 280, side * 20 + 100, 600, *tones))
        pen.fill(
            smooth(
                [(side * x, y) for x, y in ((190, 420), (206, 480), (210, bottom), (176, bottom), (180, 500))], True
            ),
            dark,
            0.5,
            9,
            clip=piece,
        )
        draw_fold(pen, [(side * x, y) for x, y in ((204, 500), (160, 520), (100, 512))], dark, 8, 0.32, piece)
        draw_fold(pen, [(side * x, y) for x, y in ((206, 590), (150, 604), (60, 596))], dark, 8, 0.38, piece)
        pen.line(
            smooth([(side * 76, 266), (side * 60, 382), (side * 25, 482), (0, 556)]),
            mixed(lit, "#FFFFFF", 0.3),
            1.8,
            0.6,
            0.4,
            clip=piece,
        )
        pen.line(
            smooth([(side * 86, 274), (side * 70, 388), (side * 34, 490), (side * 10, 560)]),
            dark,
            1.1,
            0.55,
            0.2,
            clip=piece,
        )
        pen.line(
            smooth([(side * 184, 316), (side * 182, 360), (side * 186, 420), (side * 203, 478)]),
            dark,
            1.1,
            0.5,
            0.2,
            clip=piece,
        )
    pen.line(f"M 0 556 L 2 {bottom}", dark, 2.6, 0.9)
    for y in (592, 640):
        pen.fill(oval(13, y + 2, 8, 8), "#01100F", 0.4, 3)
        pen.fill(oval(12, y, 7, 7), linear(6, y - 6, 18, y + 6, (0, mixed(lit, "#FFFFFF", 0.4), 1), (1, shade, 1)))
    pen.line(smooth([(-150, 476), (-120, 470), (-88, 470)]), dark, 3.4, 0.7, 0.6)
    pen.line(smooth([(-150, 480), (-120, 474), (-88, 474)]), lit, 1.6, 0.6, 0.4)


def _draw_collar(pen: Pen, persona: Persona) -> None:
    lit, base, shade = persona.uniform.shirt
    dark = mixed(shade, "#5E7A76", 0.6)
    for side in (-1, 1):
        wing = path(
            "M 78 226 C 84 244 92 262 104 282 C 90 310 74 336 60 356 C 40 340 18 322 2 304 C 34 292 62 264 78 226 Z"
        )
        wing.transform(skia.Matrix.Scale(side, 1))
        shadow = skia.Path(wing)
        shadow.offset(3, 8)
        pen.fill(shadow, "#1C3532", 0.34, 6)
        pen.fill(wing, linear(-90, 240, 90, 350, (0, lit, 1), (0.55, mixed(lit, base, 0.6), 1), (1, shade, 1)))
        rim = smooth([(side * 104, 282), (side * 60, 356), (side * 2, 304)])
        pen.line(rim, dark, 1.2, 0.0)
        pen.line(f"M {side * 97} 284 L {side * 59} 347 L {side * 10} 307", dark, 1.1, 0.55, 0.2, clip=wing)
        pen.line(
            smooth([(side * 78, 228), (side * 60, 268), (side * 32, 294), (side * 2, 305)]),
            dark,
            3.2,
            0.40,
            1.8,
            clip=wing,
        )


def draw_sleeve(pen: Pen, persona: Persona, elbow: Point, wrist: Point) -> None:
    lit, base, shade = persona.uniform.shirt
    dark = mixed(shade, "#5E7A76", 0.55)
    sleeve = sleeve_of(elbow, wrist, 60, 42)
    draw_cuff(pen, (lit, base, mixed(shade, dark, 0.3)), elbow, wrist, 37, out=24)
    shadow = skia.Path(sleeve)
    shadow.offset(5, 6)
    pen.fill(shadow, "#0B2422", 0.26, 10)
    dx, dy = wrist[0] - elbow[0], wrist[1] - elbow[1]
    length = (dx * dx + dy * dy) ** 0.5
    along, across = (dx / length, dy / length), (-dy / length, dx / length)
    sign = 1 if across[0] >= 0 else -1
    x, y = (elbow[0] + wrist[0]) / 2, (elbow[1] + wrist[1]) / 2
    ends = (x - sign * across[0] * 54, y - sign * across[1] * 54, x + sign * across[0] * 54, y + sign * across[1] * 54)
    pen.fill(sleeve, linear(*ends, (0, base, 1), (0.32, lit, 1), (0.66, base, 1), (1, mixed(shade, dark, 0.5), 1)))
    for t, bow in ((0.16, 16), (0.32, -14), (0.5, 12), (0.68, -10), (0.86, 8)):
        cx, cy = elbow[0] + dx * t, elbow[1] + dy * t
        fold = [
            (cx - across[0] * 46, cy - across[1] * 46),
            (cx + along[0] * bow, cy + along[1] * bow),
            (cx + across[0] * 42 + along[0] * bow * 0.5, cy + across[1] * 42 + along[1] * bow * 0.5),
        ]
        draw_fold(pen, fold, dark, 6, 0.45, sleeve)
