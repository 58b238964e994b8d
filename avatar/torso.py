"""Shoulders, neck, clothes and the badge that says what she is."""

from __future__ import annotations

from typing import Final

import skia

from avatar.ink import Pen, linear, oval, path, rgba, symmetric
from avatar.personas import Persona

FONT_FAMILY: Final = "Noto Sans CJK SC"  # freetype's first face of the collection is the Japanese one: name it


def draw_torso(pen: Pen, persona: Persona, bottom: float, with_badge: bool = True) -> None:
    """Draw from the neck down to `bottom` (bust units)."""
    canvas = pen.canvas
    canvas.save()
    canvas.translate(0, -24)
    canvas.scale(0.87 + 0.14 * persona.broad, 1)  # the width of the shoulders
    _draw_neck(pen, persona)
    {"scarf": _draw_blouse, "tie": _draw_shirt_and_tie, "zip": _draw_jumper}[persona.collar](pen, persona)
    _draw_coat(pen, persona, bottom)
    if persona.collar == "scarf":
        _draw_scarf(pen)
    canvas.restore()
    if persona.badge and with_badge:
        _draw_badge(canvas, persona)


def _draw_neck(pen: Pen, persona: Persona) -> None:
    light, skin, shade, line = persona.skin
    neck = symmetric("M 0 100 L 60 120 C 58 190 56 230 66 262 C 80 288 120 304 160 318 L 0 470 Z")
    pen.fill(neck, linear(0, 150, 0, 360, (0, shade, 1), (0.35, skin, 1), (1, light, 1)))
    pen.fill("M -64 150 C -56 214 -30 246 6 250 C 40 246 60 214 64 150 Z", line, 0.42, 9, clip=neck)
    bones = "M -44 330 C -28 326 -14 330 -6 342 M 44 330 C 28 326 14 330 6 342"
    pen.line(bones, line, 3, 0.35, 1.5, clip=neck)


def _draw_blouse(pen: Pen, persona: Persona) -> None:
    front = "M -74 272 C -62 318 -34 372 0 438 C 34 372 62 318 74 272 L 130 320 L 60 640 L -60 640 L -130 320 Z"
    pen.fill(front, linear(0, 300, 0, 620, (0, persona.shirt, 1), (1, "#DDE5E0", 1)))


def _draw_shirt_and_tie(pen: Pen, persona: Persona) -> None:
    front = "M -78 268 L -34 318 L 0 300 L 34 318 L 78 268 L 120 330 L 50 640 L -50 640 L -120 330 Z"
    pen.fill(front, linear(0, 300, 0, 620, (0, "#FFFFFF", 1), (1, "#DCE4EC", 1)))
    collar = (
        "M -70 258 L -86 300 L -42 352 L 0 304 L 42 352 L 86 300 L 70 258 "
        "C 50 288 20 300 0 302 C -20 300 -50 288 -70 258 Z"
    )
    pen.fill(collar, "#FFFFFF")
    pen.line("M -42 352 L 0 304 L 42 352", "#A9B6C6", 2.5, 0.8)
    tie = "M -20 306 L 20 306 L 13 340 L 30 560 L 0 600 L -30 560 L -13 340 Z"
    pen.fill(tie, linear(-30, 0, 30, 0, (0, "#0A4B49", 1), (0.5, "#13716D", 1), (1, "#083A39", 1)))
    pen.line("M -14 340 L 14 340", "#052A29", 2.5, 0.6)


def _draw_jumper(pen: Pen, persona: Persona) -> None:
    pen.fill("M -76 262 C -40 320 40 320 76 262 L 100 330 L 40 660 L -40 660 L -100 330 Z", persona.shirt)
    pen.line("M 0 330 L 0 640", "#C2B9A8", 3)


def _draw_coat(pen: Pen, persona: Persona, bottom: float) -> None:
    lit, base, shade = persona.coat
    body = symmetric(
        "M 0 250 L 66 276 C 112 306 196 318 238 346 C 278 374 290 436 298 520 "
        f"C 308 640 312 780 314 {bottom} L 0 {bottom} Z"
    )
    opening = path("M -66 240 C -60 330 -30 440 0 590 C 30 440 60 330 66 240 Z")
    coat = skia.Op(body, opening, skia.kDifference_PathOp)
    pen.fill(coat, linear(0, 300, 0, 800, (0, lit, 1), (0.55, base, 1), (1, shade, 1)))
    for side in (-1, 1):
        pen.canvas.save()
        pen.canvas.scale(side, 1)
        _draw_coat_side(pen, persona, coat, bottom)
        pen.canvas.restore()
    pen.line(f"M 0 640 L 0 {bottom}", shade, 3, 0.9)
    pen.fill(oval(12, 690, 9, 9), persona.accent if persona.collar == "scarf" else shade)


def _draw_coat_side(pen: Pen, persona: Persona, coat: skia.Path, bottom: float) -> None:
    """The arm is set off from the body by a soft fold; then the lapel."""
    lit, base, shade = persona.coat
    arm = f"M 214 440 C 202 540 214 700 222 {bottom} L 330 {bottom} L 330 440 C 290 470 250 470 214 440 Z"
    pen.fill(arm, shade, 0.34, 12, clip=coat)
    pen.line(f"M 212 452 C 202 560 212 700 220 {bottom}", "#031F1E", 3, 0.32, clip=coat)
    pen.line("M 246 352 C 266 372 276 400 280 430", "#FFFFFF", 10, 0.10, 8, clip=coat)
    edge = "M 150 356 L 128 400 L 160 424 C 120 500 60 560 0 640"
    lapel = path(
        "M 64 262 C 96 292 128 318 150 356 L 128 400 L 160 424 C 120 500 60 560 0 640 L 0 590 C 28 470 56 370 64 262 Z"
    )
    pen.fill(lapel, "#02201F", 0.30, 8, clip=coat)
    pen.fill(lapel, linear(150, 300, 0, 620, (0, lit, 1), (1, base, 1)))
    pen.line(edge, shade, 2.5, 0.8)
    pen.line("M 64 262 C 60 340 34 450 4 580", "#FFFFFF", 2, 0.18)


def _draw_scarf(pen: Pen) -> None:
    gold, deep, pale, shadow = "#D9A441", "#A9761F", "#F0CB80", "#5A3A0A"
    band = path(
        "M -70 262 C -46 306 46 306 70 262 C 82 278 84 296 78 312 C 44 352 -44 352 -78 312 C -84 296 -82 278 -70 262 Z"
    )
    pen.fill(band, shadow, 0.22, 7)
    pen.fill(band, linear(0, 262, 0, 346, (0, deep, 1), (0.4, gold, 1), (0.7, pale, 1), (1, gold, 1)))
    pen.line("M -66 290 C -36 322 30 322 66 288 M -58 308 C -30 330 20 332 52 314", deep, 2, 0.45, clip=band)
    over = "M 22 330 C 52 352 78 396 84 446 C 66 442 52 446 40 456 C 38 412 26 372 8 344 Z"
    under = "M 14 336 C 20 380 14 430 -4 470 C -16 458 -28 454 -42 456 C -26 420 -12 380 -2 340 Z"
    for tail in (under, over):
        pen.fill(tail, shadow, 0.20, 6)
        pen.fill(tail, linear(0, 330, 30, 470, (0, gold, 1), (0.5, pale, 1), (1, deep, 1)))
    pen.line("M 34 356 C 52 384 60 412 62 440 M 8 352 C 6 392 -4 426 -20 450", deep, 2, 0.4)
    knot = "M -6 322 C 8 312 32 314 36 328 C 38 342 26 352 12 352 C -2 352 -14 336 -6 322 Z"
    pen.fill(knot, linear(0, 314, 0, 352, (0, pale, 1), (1, deep, 1)))


def _draw_badge(canvas: skia.Canvas, persona: Persona) -> None:
    plate = skia.RRect.MakeRectXY(skia.Rect.MakeXYWH(92, 470, 118, 48), 8, 8)
    canvas.drawRRect(plate, skia.Paint(AntiAlias=True, Color=rgba("#FFFDF8")))
    canvas.drawRect(skia.Rect.MakeXYWH(92, 478, 6, 32), skia.Paint(AntiAlias=True, Color=rgba(persona.accent)))
    bold = skia.Font(skia.Typeface(FONT_FAMILY, skia.FontStyle.Bold()), 24)
    canvas.drawString(persona.badge, 108, 496, bold, skia.Paint(AntiAlias=True, Color=rgba("#12272B")))
    plain = skia.Font(skia.Typeface(FONT_FAMILY, skia.FontStyle.Normal()), 13)
    canvas.drawString(persona.badge_line, 108, 512, plain, skia.Paint(AntiAlias=True, Color=rgba("#44595C")))
