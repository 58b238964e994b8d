"""The skull and what does not move by itself: ears, face, cheeks, nose, glasses. Light comes from the upper left."""

from __future__ import annotations

from typing import Final

import skia

from avatar.ink import Pen, Point, both_sides, linear, mixed, oval, radial, round_rect, smooth
from avatar.personas import Persona

JAW_DROP: Final = 10.0  # bust units that the chin falls with a wide open mouth
_HEIGHTS: Final = (-58.0, 8.0, 56.0, 96.0, 136.0, 170.0, 190.0)  # of `FaceLook.outline`, for a chin at 197


def face_outline(persona: Persona, jaw: float) -> skia.Path:
    """Return the outline of the face with the chin `jaw` (0..1) of the way down."""
    chin, drop = persona.face.chin, JAW_DROP * jaw
    longer = (chin - 197) / 197
    right: list[Point] = [(0, -204), (70, -194), (118, -144)]
    for half, y in zip(persona.face.outline, _HEIGHTS, strict=True):
        low = max(0.0, y / 197)
        right.append((half, y * (1 + longer * low) + drop * low * low))
    right.append((0, chin + drop))
    return smooth(both_sides(right), closed=True)


def draw_ears(pen: Pen, persona: Persona) -> None:
    """Draw both ears; the face lies over their inner edge."""
    light, skin, shade, line = persona.look.skin
    for side in (-1, 1):
        pen.canvas.save()
        pen.canvas.scale(side, 1)
        ear = smooth(
            [(128, -8), (142, -22), (158, -20), (165, -2), (162, 24), (154, 46), (146, 62), (136, 62), (128, 44)], True
        )
        lit = linear(128, 0, 166, 10, (0, mixed(skin, "#D8705C", 0.16), 1), (0.6, skin, 1), (1, shade, 1))
        pen.fill(ear, lit)
        pen.fill(
            "M 140 -6 C 152 -12 157 0 154 16 C 151 32 146 40 141 46 C 146 26 148 10 140 -6 Z", line, 0.30, 2.5, ear
        )
        pen.line("M 136 -8 C 148 -20 160 -10 158 8 C 157 24 152 36 147 44", light, 3, 0.55, 1.2, clip=ear)
        pen.line("M 141 10 C 149 8 150 22 144 30", line, 2.6, 0.40, 1.0, clip=ear)
        if persona.look.earrings:
            pearl = radial(145, 61, 10, (0, "#FFFFFF", 1), (0.45, "#F8F0E4", 1), (1, "#BFA98A", 1))
            pen.fill(oval(147.5, 68.5, 8, 8), "#5A3020", 0.25, 3)
            pen.fill(oval(147, 66, 7.6, 7.6), pearl)
            pen.fill(oval(144.5, 63, 2.1, 1.8), "#FFFFFF", 0.95)
        pen.canvas.restore()


def draw_skull(pen: Pen, persona: Persona, jaw: float) -> None:
    """Draw the face without ears and features: planes of light, no outline."""
    light, skin, shade, _ = persona.look.skin
    face, chin = face_outline(persona, jaw), persona.face.chin + JAW_DROP * jaw
    warm = mixed(shade, "#D8644E", 0.18)
    pen.fill(
        face, radial(-34, -10, 300, (0, light, 1), (0.42, mixed(light, skin, 0.35), 1), (0.8, skin, 1), (1, shade, 1))
    )
    pen.fill(oval(168, 40, 58, 190), warm, 0.52, 24, clip=face)  # the far side turns away from the light
    pen.fill(oval(-170, 70, 42, 150), warm, 0.30, 20, clip=face)
    hollow = smooth([(150, 70), (112, 96), (84, 150), (60, 196), (130, 200)], True)
    pen.fill(hollow, warm, 0.26, 16, clip=face)  # below the cheekbone
    pen.fill(oval(0, chin + 14, 120, 26), warm, 0.55, 15, clip=face)  # the jaw's underside
    pen.line(smooth([(-60, chin - 16), (-30, chin - 5), (0, chin - 2.5), (30, chin - 5)]), light, 4, 0.38, 3, clip=face)
    pen.fill(oval(-4, chin - 28, 26, 15), light, 0.60, 9, clip=face)  # ball of the chin
    pen.fill(oval(0, chin - 46, 30, 6), shade, 0.26, 6, clip=face)
    pen.fill(oval(-22, -96, 84, 42), mixed(light, "#FFFFFF", 0.5), 0.42, 24, clip=face)
    for side, alpha in ((-1, 0.16), (1, 0.30)):  # temples
        pen.fill(oval(side * 132, -48, 26, 46), shade, alpha, 16, clip=face)


def draw_features(pen: Pen, persona: Persona) -> None:
    """Draw sockets and cheeks: they slide with the turn of the head."""
    light, _, shade, _ = persona.look.skin
    warm = mixed(shade, "#C8604C", 0.22)
    for side in (-1, 1):
        socket = smooth(
            [(side * x, y) for x, y in ((20, -20), (34, -32), (66, -34), (100, -18), (104, 4), (60, -12))], True
        )
        pen.fill(socket, warm, 0.26, 9)
        pen.fill(oval(side * 22, 4, 9, 22), shade, 0.24, 7)  # beside the bridge of the nose
        pen.fill(oval(side * 88, 80, 31, 18), "#F0705F", persona.face.blush, 15)
        pen.fill(oval(side * 80 - 8, 58, 25, 9), mixed(light, "#FFFFFF", 0.55), 0.50, 9)
        pen.fill(oval(side * 62, 44, 34, 7), warm, 0.14, 6)


def draw_nose(pen: Pen, persona: Persona) -> None:
    """Draw the nose: it slides furthest, being nearest."""
    light, skin, shade, line = persona.look.skin
    warm = mixed(shade, "#C85A44", 0.25)
    w = persona.face.nose
    pen.canvas.save()
    pen.canvas.translate(0, 88)
    pen.canvas.scale(w, 1)
    pen.canvas.translate(0, -88)
    side = "M 9 -30 C 8 6 10 36 15 58 C 20 66 25 74 24 84 C 21 92 10 96 1 96 C 9 84 9 66 7 46 C 5 22 4 -6 9 -30 Z"
    pen.fill(side, warm, 0.34, 5)
    pen.fill("M -7 -24 C -8 8 -8 40 -6 62 C -3 62 1 60 2 54 C 3 30 2 0 1 -26 Z", mixed(light, "#FFFFFF", 0.6), 0.55, 4)
    pen.fill(oval(0, 101, 24, 6), warm, 0.36, 5)  # what it throws on the lip
    ball = smooth([(-13, 72), (0, 64), (13, 72), (14, 86), (0, 95), (-14, 86)], True)
    pen.fill(ball, mixed(skin, warm, 0.25), 0.50, 5)
    wing = ((17, 70), (23, 76), (24.5, 84), (21, 91), (15, 91.5))
    for mirrored in (-1, 1):
        points = [(mirrored * x, y) for x, y in wing]
        pen.fill(
            smooth([*points, (mirrored * 13, 80)], True), mixed(skin, warm, 0.35 if mirrored > 0 else 0.12), 0.75, 2
        )
        pen.line(smooth(points[1:]), line, 2.2, 0.26, 1.1)
        nostril = smooth(
            [(mirrored * x, y) for x, y in ((5, 92.5), (9, 89.5), (14, 90), (15.5, 92.5), (10, 94.2))], True
        )
        pen.fill(nostril, mixed(line, "#3A140C", 0.45), 0.62, 0.7)
    pen.line(smooth([(-6, 94.5), (0, 97), (6, 94.5)]), line, 1.8, 0.40, 0.8)
    pen.fill(oval(-3.5, 77, 6.5, 6), "#FFFFFF", 0.62, 3)
    pen.fill(oval(-3.5, 76, 2.6, 2.2), "#FFFFFF", 0.65, 1)
    pen.canvas.restore()
    for x, alpha in ((-4.5, 0.20), (4.5, 0.26)):  # the groove above the lip
        pen.line(f"M {x} 102 L {x * 1.15} 113", shade, 2.6, alpha, 1.6)


def draw_glasses(pen: Pen) -> None:
    for side in (-1, 1):
        lens = round_rect(side * 62 - 47, -24, 94, 76, 34)
        pen.fill(lens, "#DDEBF0", 0.12)
        pen.line(lens, "#2B2F36", 4.4)
        shine = f"M {side * 62 - 30} -10 L {side * 62 - 14} -16 L {side * 62 - 34} 30 L {side * 62 - 40} 24 Z"
        pen.fill(shine, "#FFFFFF", 0.18, 2)
    pen.line("M -15 6 C -8 -2 8 -2 15 6 M -109 2 L -143 -6 M 109 2 L 143 -6", "#2B2F36", 4.4)
