"""Eyes and brows, each in a space of its own: (0, 0) is the middle of the eye, the outer corner lies to the right."""

from __future__ import annotations

import math
import random
from typing import Final

import skia

from avatar.ink import Pen, Point, between, bezier, linear, lock, mixed, oval, path, radial
from avatar.personas import Persona

EYE_X: Final = 61.0  # bust space: the middle of an eye from the axis
EYE_Y: Final = 14.0
IRIS: Final = 19.5
REACH: Final = (9.5, 5.0)  # how far the iris travels
_BROW_HAIRS: Final = 26


def draw_eye(
    pen: Pen, persona: Persona, *, side: int, lid: float, gaze: tuple[float, float], smile: float, squint: float = 0.0
) -> None:
    """Draw one eye. `side` is -1 for the mirrored one; `gaze` is -1..1 each, in the viewer's directions.

    `lid` closes it (0..1), `squint` (-0.3 wide .. 1 narrow) is how it is held when open.
    """
    face = persona.face
    pen.canvas.save()
    pen.canvas.scale(*face.eye)
    lid = min(1.0, max(0.0, lid))
    glad = max(0.0, smile - 0.35)
    low = 15.5 - 6.5 * glad - 3.5 * max(0.0, squint)
    raised = 22.5 - 4.0 * max(0.0, gaze[1]) + 2.0 * max(0.0, -gaze[1]) - 8.0 * squint - 2.0 * glad
    top = -raised + (low - 1.5 + raised) * lid  # the upper lid goes all the way, and takes its corners along
    shape = _Lids(top, low, -1.0 - face.slant, lid)
    if lid < 0.93:
        _draw_ball(pen, persona, shape, side, gaze)
    _draw_lids(pen, persona, shape, glad)
    pen.canvas.restore()


class _Lids:
    """Where the edges of the lids run: `top` and `low` in the middle, `outer` at the outer corner."""

    def __init__(self, top: float, low: float, outer: float, lid: float) -> None:
        self.top, self.low, self.outer, self.lid = top, low, outer + 4 * lid, lid

    def upper(self, lift: float = 0.0) -> str:
        """The curve of the upper lid from the inner corner to the outer one, after a move to (-37, 8 - lift)."""
        t, o = self.top - lift, self.outer - lift * 0.5
        inner = self.top * 0.52 + 3 * self.lid - lift
        return f"C -31 {inner:.2f} -15 {t:.2f} 3 {t:.2f} C 19 {t:.2f} 32 {t * 0.52 + o * 0.5:.2f} 38 {o:.2f} "

    def opening(self) -> skia.Path:
        low = max(self.low, self.top)
        return path(
            f"M -37 8 {self.upper()}C 33 {low * 0.62 + 2:.2f} 20 {low + 0.6:.2f} 4 {low:.2f} "
            f"C -12 {low - 0.4:.2f} -24 {low * 0.62 + 3.4:.2f} -37 8 Z"
        )


def _draw_ball(pen: Pen, persona: Persona, lids: _Lids, side: int, gaze: tuple[float, float]) -> None:
    opening = lids.opening()
    glow, base, rim = persona.look.iris
    pen.fill(opening, linear(0, -22, 0, 16, (0, "#CFC6C6", 1), (0.45, "#FBF8F5", 1), (1, "#EFE7E3", 1)))
    pen.fill(oval(-37, 8, 13, 9), "#E2998A", 0.42, 4, clip=opening)
    pen.fill(oval(38, 0, 11, 12), "#C8A59A", 0.45, 5, clip=opening)
    x, y = 1.5 + side * gaze[0] * REACH[0], -2.0 + gaze[1] * REACH[1]
    pen.fill(oval(x, y, IRIS + 1.2, IRIS + 1.2), rim, 0.35, 1.6, clip=opening)
    disc = oval(x, y, IRIS, IRIS)
    ink = radial(x, y + 6, IRIS * 1.35, (0, glow, 1), (0.42, mixed(glow, base, 0.55), 1), (0.75, base, 1), (1, rim, 1))
    pen.fill(disc, ink, clip=opening)
    both = skia.Op(disc, opening, skia.kIntersect_PathOp)
    fibres = skia.Path()
    for i in range(40):
        angle = 2 * math.pi * i / 40 + 0.1 * math.sin(i * 5.1)
        inner, outer = 9.5 + 1.5 * math.sin(i * 3.7), 15.5 + 2 * math.sin(i * 2.3)
        fibres.moveTo(x + inner * math.cos(angle), y + inner * math.sin(angle))
        fibres.lineTo(x + outer * math.cos(angle), y + outer * math.sin(angle))
    pen.line(fibres, glow, 0.8, 0.36, 0.4, clip=both)
    pen.line(oval(x, y, IRIS - 1.0, IRIS - 1.0), rim, 2.4, 0.85, 0.7, clip=opening)
    pen.fill(oval(x, y, 8.6, 8.8), mixed(rim, "#000000", 0.55), clip=opening)
    ends = f"{x - 14} {y + 5} C {x - 8} {y + 19} {x + 8} {y + 19} {x + 14} {y + 5}"
    crescent = path(f"M {ends} C {x + 7} {y + 13} {x - 7} {y + 13} {x - 14} {y + 5} Z")
    pen.fill(crescent, mixed(glow, "#FFE9C8", 0.45), 0.55, 1.6, clip=both)
    shadow = f"M -40 4 L -40 -34 L 42 -34 L 42 4 {_back(lids, 7.5)}Z"
    pen.fill(shadow, "#2A120C", 0.40, 3.2, clip=opening)
    pen.fill(oval(x - 6.8 * side, y - 7.2, 5.4, 5.8), "#FFFFFF", 0.98, clip=opening)
    pen.fill(oval(x + 7.4 * side, y + 6.6, 2.5, 2.3), "#FFFFFF", 0.70, 0.3, clip=opening)
    pen.fill(oval(-33.5, 7.5, 4.2, 3.0), "#E59C8C", 0.85, 0.9, clip=opening)


def _back(lids: _Lids, below: float) -> str:
    """The upper lid's edge, `below` it, from right to left."""
    t = lids.top + below
    return (
        f"L 38 {lids.outer + below:.2f} C 32 {t * 0.5:.2f} 18 {t:.2f} 3 {t:.2f} C -15 {t:.2f} -28 {t * 0.5:.2f} -38 12 "
    )


def _draw_lids(pen: Pen, persona: Persona, lids: _Lids, glad: float) -> None:
    light, _, shade, line = persona.look.skin
    face, lash = persona.face, mixed(persona.look.hair[2], "#1A0B07", 0.6)
    top, low, outer, lid = lids.top, lids.low, lids.outer, lids.lid
    opened = 1 - lid
    if lid > 0.05:  # the lid's own skin, seen as it comes down
        skin = linear(0, -20, 0, top, (0, shade, 0.0), (0.55, light, 0.5), (1, shade, 0.55))
        pen.fill(
            f"M -37 8 {lids.upper()}C 30 {-24:.1f} 16 -28 3 -28 C -16 -28 -30 -16 -37 8 Z",
            skin,
            min(1.0, lid * 1.6),
            1.5,
        )
    thick = 3.0 + 2.6 * face.lashes
    flick = 1.5 + 5.5 * face.lashes
    pen.fill(
        f"M -38 9 {lids.upper(thick * 0.9)}L {38 + flick:.2f} {outer - flick * 0.55 * opened + 2 * lid:.2f} "
        f"C {38 + flick * 0.4:.2f} {outer + 1.4:.2f} 39 {outer + 1.8:.2f} 37.5 {outer + 2.2:.2f} "
        f"C 31 {top * 0.5 + outer * 0.5 + 1.6:.2f} 19 {top + 1.4:.2f} 3 {top + 1.0:.2f} "
        f"C -15 {top + 1.0:.2f} -30 {top * 0.5 + 3 * lid + 1.4:.2f} -38 9 Z",
        lash,
    )
    if face.lashes > 0.5:
        edge = ((3.0, top), (19.0, top), (32.0, top * 0.52 + outer * 0.5), (38.0, outer))
        for at, length, lean in ((0.42, 5.0, 0.30), (0.60, 6.5, 0.50), (0.76, 7.5, 0.75), (0.90, 7.0, 0.95)):
            x, y = bezier(edge, at)
            y -= thick * 0.7 * (1 - at)
            turn = 1 - 1.7 * lid
            tip = (x + length * lean, y - length * (1.05 - lean * 0.6) * turn)
            pen.fill(
                lock(((x - 2, y), (x, y - turn), ((x + tip[0]) / 2 - 1, (y + tip[1]) / 2), tip), 2.4, fullest=0.2), lash
            )
    height = 5.5 + 4.0 * face.crease
    crease = (
        f"M -31 {top * 0.52 - height * opened * 0.4 + 2:.2f} C -20 {top - height * 0.85 * opened:.2f} "
        f"8 {top - height * 1.25 * opened:.2f} 36 {outer - height * 1.15 * opened:.2f}"
    )
    pen.line(crease, line, 1.9, (0.34 + 0.28 * face.crease) * (1 - 0.6 * lid), 0.5)
    half = f"C 33 {low * 0.62 + 2.6:.2f} 20 {low + 1.2:.2f} 4 {low + 0.8:.2f}"
    pen.line(f"M 38 {outer + 0.6:.2f} {half}", lash, 1.3, 0.34 * opened, 0.5)
    whole = f"{half} C -12 {low + 0.4:.2f} -24 {low * 0.62 + 4.2:.2f} -35 8.6"
    pen.line(f"M 38 {outer + 0.6:.2f} {whole}", line, 1.2, 0.30 * opened, 0.6)
    bag = f"M -22 {low + 8:.2f} C -6 {low + 13.5:.2f} 14 {low + 12:.2f} 30 {low + 3:.2f}"
    pen.line(bag, line, 3.0, 0.08 + 0.26 * glad, 2.2)
    pen.line(f"M -18 {low + 5:.2f} C -4 {low + 8:.2f} 14 {low + 7:.2f} 28 {low:.2f}", light, 3.2, 0.30, 2.0)


def draw_brow(pen: Pen, persona: Persona, *, brow: float, worry: float, frown: float = 0.0) -> None:
    """Draw one brow over the eye at (0, 0), hair by hair. Worry lifts its inner end, a frown lowers and draws it in."""
    thick, arch = persona.face.brow
    rise = -9 * brow
    inner_y, outer_y, inner_x = -10 * worry + 8.5 * frown, 5 * worry - 2 * frown, -5 * frown
    upper: tuple[Point, ...] = (
        (-37 + inner_x, -41 + rise + inner_y),
        (-14, -47 - 2 * arch + rise + inner_y * 0.55),
        (18, -53 - 3 * arch + rise + outer_y * 0.3),
        (47, -36 + rise + outer_y),
    )
    deep = 8.5 * thick
    lower: tuple[Point, ...] = (
        (-36 + inner_x, -41 + deep + rise + inner_y),
        (-14, -47 - 2 * arch + deep + rise + inner_y * 0.55),
        (16, -53 - 3 * arch + deep * 0.95 + rise + outer_y * 0.3),
        (46, -35 + rise + outer_y),
    )
    colour = mixed(persona.look.hair[1], persona.look.hair[2], 0.3)
    (ax, ay), (bx, by) = upper[0], lower[0]
    there, back = _points(upper[1:]), _points((lower[2], lower[1], (bx + 1, by - 1)))
    body = path(f"M {ax + 2} {ay + 2} C {there} L {_points(lower[3:])} C {back} Z")
    pen.fill(
        body,
        linear(-38, 0, 47, 0, (0, colour, 0.22), (0.3, colour, 0.62), (0.75, colour, 0.74), (1, colour, 0.5)),
        1,
        1.3,
    )
    chance = random.Random(7)
    for i in range(_BROW_HAIRS):
        t = i / _BROW_HAIRS
        low = between(lower, upper, 0.10 + 0.2 * chance.random())
        high = between(lower, upper, 0.80 + 0.25 * chance.random())
        start, end = t * 0.86, min(1.0, t * 0.86 + 0.17 + 0.05 * chance.random())
        guide = (
            bezier(low, start),
            bezier(low, (start * 2 + end) / 3),
            bezier(high, (start + end * 2) / 3),
            bezier(high, end),
        )
        pen.fill(lock(guide, 2.3 * (0.8 + 0.3 * thick), fullest=0.3), colour, 0.55)


def _points(points: tuple[Point, ...]) -> str:
    return " ".join(f"{x:.2f} {y:.2f}" for x, y in points)
