"""Hair, drawn a little tall and pressed to the skull by `SKULL`."""

from __future__ import annotations

from typing import Final

import skia

from avatar.ink import Pen, linear, oval, path, symmetric, union
from avatar.personas import Persona

SKULL: Final = 0.93  # vertical scale of everything in this module

_FRONT: Final = {
    "short": (
        "M -150 -10 C -168 -130 -130 -236 -8 -240 C 118 -244 170 -150 150 -8 C 146 -22 142 -44 136 -64 "
        "C 130 -96 112 -124 92 -138 C 40 -128 -20 -140 -58 -164 C -74 -142 -112 -126 -128 -92 "
        "C -138 -66 -144 -40 -150 -10 Z"
    ),
    "grey": (
        "M -150 -6 C -166 -120 -136 -214 -20 -222 C 108 -230 166 -140 150 -6 C 146 -24 142 -46 136 -66 "
        "C 124 -112 92 -150 40 -158 C 0 -166 -60 -168 -90 -142 C -116 -124 -132 -96 -138 -66 "
        "C -142 -44 -146 -26 -150 -6 Z"
    ),
}


def draw_hair_back(pen: Pen, persona: Persona) -> None:
    """Draw what lies behind neck and shoulders."""
    sheen, base, deep = persona.hair
    if persona.style != "bun":
        pen.fill(symmetric("M 0 -226 C 110 -226 162 -150 156 -40 C 154 0 150 30 142 60 L 0 60 Z"), base)
        return
    pen.fill(oval(112, 138, 58, 54), linear(80, 90, 160, 190, (0, base, 1), (1, deep, 1)))
    coil = "M 86 110 C 110 94 144 104 158 134 M 96 132 C 116 118 138 124 150 150 M 112 96 C 136 98 156 116 164 140"
    pen.line(coil, sheen, 3, 0.45, 0.6)
    back = symmetric("M 0 -236 C 120 -236 168 -140 160 -20 C 158 30 152 76 128 110 C 112 130 60 132 0 132 Z")
    pen.fill(back, linear(0, -200, 0, 132, (0, base, 1), (1, deep, 1)))


def draw_hair_front(pen: Pen, persona: Persona, face: skia.Path) -> None:
    """Draw what lies over the forehead; `face` is the outline that its shadow falls on."""
    if persona.style == "bun":
        _draw_combed(pen, persona, face)
        return
    sheen, base, deep = persona.hair
    shape = path(_FRONT[persona.style])
    pen.fill(shape, "#4A2416", 0.30, 7, clip=face)
    pen.fill(shape, linear(-40, -240, 60, -20, (0, sheen, 1), (0.4, base, 1), (1, deep, 1)))
    for i in range(8):
        u = i / 7
        strand = (
            f"M {-70 + 30 * u:.0f} {-176 - 40 * u:.0f} C {-10 + 40 * u:.0f} {-178 - 34 * u:.0f} "
            f"{70 + 34 * u:.0f} {-170 - 30 * u:.0f} {112 + 34 * u:.0f} {-110 - 40 * u:.0f}"
        )
        pen.line(strand, sheen, 2.4, 0.38, 0.6, clip=shape)


def _draw_combed(pen: Pen, persona: Persona, face: skia.Path) -> None:
    """Parted and combed back to the bun."""
    sheen, base, deep = persona.hair
    right = path(
        "M -56 -186 C -28 -142 52 -128 104 -86 C 128 -64 139 -30 143 8 C 146 30 145 50 141 72 "
        "C 152 56 160 30 163 -6 C 170 -110 142 -240 0 -246 C -34 -246 -58 -226 -56 -186 Z"
    )
    left = path(
        "M -52 -188 C -64 -150 -104 -122 -122 -80 C -134 -52 -140 -22 -143 8 C -146 30 -145 50 -141 70 "
        "C -152 54 -160 30 -163 -6 C -170 -110 -142 -240 0 -246 C -30 -240 -50 -222 -52 -188 Z"
    )
    for side in (left, right):
        pen.fill(side, "#4A2416", 0.34, 8, clip=face)
    both = union(left, right)
    pen.fill(both, linear(-60, -246, 60, 60, (0, sheen, 1), (0.28, base, 1), (1, deep, 1)))
    pen.canvas.save()
    pen.canvas.clipPath(both, skia.ClipOp.kIntersect, True)
    _draw_strands(pen, sheen)
    pen.fill("M 20 -214 C 84 -206 132 -164 148 -104 C 120 -146 84 -176 20 -188 Z", "#A57C62", 0.42, 9)
    pen.fill("M -70 -212 C -112 -196 -138 -156 -148 -112 C -124 -152 -100 -176 -70 -194 Z", "#A57C62", 0.32, 8)
    pen.canvas.restore()
    pen.line("M -54 -190 C -52 -212 -40 -232 -18 -243", deep, 3, 0.6)
    for mirrored in (-1, 1):  # a loose strand in front of each ear
        pen.canvas.save()
        pen.canvas.scale(mirrored, 1)
        pen.fill("M 142 -10 C 152 50 152 92 132 142 C 140 100 141 50 136 -16 Z", base)
        pen.canvas.restore()


def _draw_strands(pen: Pen, sheen: str) -> None:
    """Strands follow the comb, from the parting to the bun."""
    for i in range(9):
        u = i / 8
        to_right = (
            f"M {-52 + 8 * u:.0f} {-190 - 34 * u:.0f} C {26 + 44 * u:.0f} {-150 - 70 * u:.0f} "
            f"{112 + 22 * u:.0f} {-130 - 60 * u:.0f} {140 + 18 * u:.0f} {-10 - 40 * u:.0f}"
        )
        to_left = (
            f"M {-53 - 2 * u:.0f} {-192 - 30 * u:.0f} C {-66 - 28 * u:.0f} {-176 - 40 * u:.0f} "
            f"{-122 - 14 * u:.0f} {-130 - 50 * u:.0f} {-139 - 16 * u:.0f} {-14 - 40 * u:.0f}"
        )
        for strand in (to_right, to_left):
            pen.line(strand, sheen, 2.2, 0.34 - 0.16 * u, 0.5)
