"""The skull and what does not move by itself: ears, face, cheeks, nose, glasses, headset."""

from __future__ import annotations

from typing import Final

import skia

from avatar.ink import Pen, linear, oval, radial, round_rect, symmetric
from avatar.personas import Persona

JAW_DROP: Final = 9.0  # bust units that the chin falls with a wide open mouth


def face_outline(persona: Persona, jaw: float) -> skia.Path:
    """Return the outline of the face with the chin `jaw` (0..1) of the way down."""
    broad, drop = 10 * persona.broad, JAW_DROP * jaw
    return symmetric(
        f"M 0 -204 C 92 -204 143 -140 144 -50 C 146 10 {140 + broad} {70 + broad} {124 + broad} {114 + broad} "
        f"C {109 + broad} {152 + drop * 0.6 + broad} {58 + broad} {205 + drop} 0 {206 + drop} Z"
    )


def draw_skull(pen: Pen, persona: Persona, jaw: float) -> None:
    """Draw ears and the face without features."""
    light, skin, shade, line = persona.skin
    for side in (-1, 1):
        pen.canvas.save()
        pen.canvas.scale(side, 1)
        ear = "M 136 -10 C 156 -26 170 -8 165 20 C 162 46 152 66 136 62 Z"
        pen.fill(ear, linear(136, 0, 168, 0, (0, skin, 1), (1, shade, 1)))
        pen.line("M 146 0 C 156 -6 158 12 154 26 C 152 36 148 42 146 46", line, 2.6, 0.45, 0.6)
        if persona.style == "bun":
            pearl = radial(150, 67, 9, (0, "#FFFFFF", 1), (0.6, "#F3EBDD", 1), (1, "#C9B99E", 1))
            pen.fill(oval(152, 70, 7.5, 7.5), pearl)
        pen.canvas.restore()
    face = face_outline(persona, jaw)
    pen.fill(face, radial(-20, -20, 290, (0, light, 1), (0.5, light, 1), (0.78, skin, 1), (1, shade, 1)))
    pen.fill(oval(158, 40, 44, 170), shade, 0.40, 22, clip=face)
    pen.fill(oval(-160, 60, 38, 150), shade, 0.22, 20, clip=face)
    pen.fill(oval(0, 222 + JAW_DROP * jaw, 92, 30), shade, 0.42, 14, clip=face)
    pen.fill(oval(-6, -118, 70, 34), "#FFF8F0", 0.40, 20)


def draw_features(pen: Pen, persona: Persona) -> None:
    """Draw cheeks and nose: they slide with the turn of the head."""
    shade, line = persona.skin[2], persona.skin[3]
    for side in (-1, 1):
        pen.fill(oval(side * 88, 82, 26, 15), "#EE8576", 0.40 if persona.style == "bun" else 0.16, 15)
        pen.fill(oval(side * 84, 56, 22, 6), "#FFF6EE", 0.40, 10)
    pen.fill("M 6 -6 C 10 30 16 56 20 74 C 24 90 8 96 0 96 C 6 80 2 30 6 -6 Z", shade, 0.34, 5)
    pen.line("M -12 90 C -6 95 6 95 12 90", line, 3, 0.50, 0.8)
    pen.line("M -18 82 C -21 88 -18 92 -13 92 M 18 82 C 21 88 18 92 13 92", line, 2.4, 0.42, 0.7)
    pen.fill(oval(-2, 76, 8, 7), "#FFFFFF", 0.50, 4)
    pen.line("M -3 4 C -4 26 -4 44 -4 56", "#FFFFFF", 6, 0.28, 4)
    if persona.age:
        wrinkles = "M -60 -112 C -20 -120 30 -120 66 -110 M -48 -92 C -16 -98 20 -98 52 -90"
        pen.line(wrinkles, line, 2.4, 0.26, 1)


def draw_glasses(pen: Pen) -> None:
    for side in (-1, 1):
        lens = round_rect(side * 62 - 46, -20, 92, 70, 30)
        pen.fill(lens, "#DDEBF0", 0.16)
        pen.line(lens, "#2B2F36", 5)
    pen.line("M -16 8 C -8 0 8 0 16 8 M -108 4 L -142 -4 M 108 4 L 142 -4", "#2B2F36", 5)


def draw_headset(pen: Pen) -> None:
    band = "M -158 10 C -178 -130 -110 -250 0 -252 C 110 -250 178 -130 158 10"
    pen.line(band, "#2B333B", 13)
    pen.line(band, "#56616B", 4, 0.8)
    for side in (-1, 1):
        cup = round_rect(side * 158 - 19, -16, 38, 84, 18)
        pen.fill(cup, linear(side * 140, 0, side * 176, 0, (0, "#46515A", 1), (1, "#262D34", 1)))
    pen.line("M -160 64 C -158 122 -120 152 -62 156", "#2B333B", 7)
    pen.fill(oval(-58, 156, 15, 9), "#262D34")
