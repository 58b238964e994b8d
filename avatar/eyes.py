"""Eyes and brows, each in a space of its own: (0, 0) is the middle of the eye, the outer corner lies to the right."""

from __future__ import annotations

from typing import Final

import skia

from avatar.ink import Pen, linear, oval, path, radial
from avatar.personas import Persona

EYE_X: Final = 62.0  # bust space: the middle of an eye from the axis
EYE_Y: Final = 12.0
EYE_SCALE: Final = (1.08, 1.10)


def draw_eye(pen: Pen, persona: Persona, *, side: int, lid: float, gaze: tuple[float, float], smile: float) -> None:
    """Draw one eye. `side` is -1 for the mirrored one; `gaze` is -1..1 each, in the viewer's directions."""
    lid = min(1.0, max(0.0, lid))
    soft = max(0.0, smile)
    opened = 1 - lid
    # The upper lid follows the eyeball down; smiling lifts the lower one.
    top = (20 - 3.5 * max(0.0, gaze[1]) + 1.5 * max(0.0, -gaze[1])) * opened - 6 * lid
    low = 14 - 3.5 * soft
    pen.fill(oval(2, -4, 46, 30), persona.skin[2], 0.16, 9)
    if lid < 0.9:
        _draw_ball(pen, _opening(top, low, opened, lid), side, gaze, top)
    _draw_lids(pen, persona, top, low, opened, lid, soft)


def _opening(top: float, low: float, opened: float, lid: float) -> skia.Path:
    return path(
        f"M -29 6 C -22 {-top * 0.62:.1f} -4 {-top:.1f} 8 {-top + 0.5:.1f} C 20 {-top + 2:.1f} "
        f"30 {-6 * opened + 6 * lid:.1f} 33 1 C 25 {low - 2:.1f} 8 {low + 2:.1f} -8 {low:.1f} "
        f"C -19 {low - 2:.1f} -26 9 -29 6 Z"
    )


def _draw_ball(pen: Pen, opening: skia.Path, side: int, gaze: tuple[float, float], top: float) -> None:
    pen.fill(opening, linear(0, -20, 0, 16, (0, "#D9D2D0", 1), (0.35, "#FBF8F6", 1), (1, "#F3ECE9", 1)))
    x, y = 1 + side * gaze[0] * 9, -2.5 + gaze[1] * 5
    iris = radial(x, y + 5, 18, (0, "#8A5A3A", 1), (0.55, "#573623", 1), (0.9, "#2E1A11", 1), (1, "#20110B", 1))
    pen.fill(oval(x, y, 16.5, 17), iris, clip=opening)
    pen.fill(oval(x, y, 7.6, 7.8), "#140A07", clip=opening)
    shadow = (
        f"M -32 4 C -22 {-top * 0.62:.1f} -4 {-top - 2:.1f} 8 {-top - 2:.1f} C 20 {-top:.1f} 30 -6 34 0 L 34 6 "
        f"C 24 {-top + 9:.1f} -14 {-top + 10:.1f} -30 10 Z"
    )
    pen.fill(shadow, "#3A1E14", 0.30, 3, clip=opening)
    pen.fill(oval(x - 5.5 * side, y - 6.5, 4.6, 4.8), "#FFFFFF", 0.96, clip=opening)
    pen.fill(oval(x + 6 * side, y + 7, 2.4, 2.2), "#FFFFFF", 0.55, clip=opening)
    pen.fill(oval(-27, 6, 4, 3.4), "#E7A795", 0.8, 1, clip=opening)


def _draw_lids(pen: Pen, persona: Persona, top: float, low: float, opened: float, lid: float, soft: float) -> None:
    shade, line = persona.skin[2], persona.skin[3]
    lash = "#5A463C" if persona.age else "#2A1712"
    thick, flick = (5.4, 41) if persona.style == "bun" else (3.2, 35)
    pen.fill(
        f"M -30 7 C -22 {-top * 0.62 - 2:.1f} -4 {-top - thick:.1f} 8 {-top - thick + 0.3:.1f} "
        f"C 21 {-top - thick + 3:.1f} 31 {-8 * opened + 6 * lid:.1f} {flick} {-7 * opened + 3 * lid:.1f} "
        f"C 36 {-2 * opened + 6 * lid:.1f} 34 0 33 2 C 28 {-5 * opened + 7 * lid:.1f} 20 {-top + 2.5:.1f} "
        f"8 {-top + 1:.1f} C -4 {-top + 0.6:.1f} -21 {-top * 0.62 + 2:.1f} -30 7 Z",
        lash,
    )
    fold = (
        f"M -24 {-top * 0.62 - 8 * opened:.1f} C -12 {-top - 9 * opened:.1f} 16 {-top - 10 * opened:.1f} "
        f"34 {-12 * opened:.1f}"
    )
    pen.line(fold, line, 2.2, 0.55)
    pen.line(f"M -14 {low + 0.6:.1f} C -2 {low + 3:.1f} 16 {low + 1:.1f} 27 {low - 6:.1f}", line, 1.8, 0.45)
    if soft > 0.3:
        pillow = f"M -20 {low + 8:.1f} C -4 {low + 13:.1f} 16 {low + 11:.1f} 28 {low + 4:.1f}"
        pen.line(pillow, shade, 3, 0.40 * soft, 1.5)
    if persona.age:
        pen.line(f"M -22 {low + 10:.1f} C -6 {low + 20:.1f} 14 {low + 20:.1f} 30 {low + 8:.1f}", line, 2, 0.45, 0.6)
        pen.line("M 40 -2 L 54 -8 M 42 4 L 57 4 M 40 9 L 53 15", line, 2, 0.35, 0.5)


def draw_brow(pen: Pen, persona: Persona, *, brow: float, worry: float) -> None:
    """Draw one brow over the eye at (0, 0). Worry lifts its inner end and lowers its outer one."""
    rise = -8 * brow - 5 * persona.broad
    inner, outer = -4.5 - 9 * worry, 6 * worry
    thick = 1 + 0.5 * persona.broad
    colour = "#7A746F" if persona.age else persona.hair[1]
    shape = (
        f"M -34 {-38 + rise + inner:.1f} C -18 {-44 + rise + inner * 0.6:.1f} 2 {-50 + rise:.1f} 16 {-49 + rise:.1f} "
        f"C 28 {-48 + rise + outer * 0.5:.1f} 38 {-42 + rise + outer:.1f} 45 {-34 + rise + outer:.1f} "
        f"C 35 {-40 + rise + outer * 0.8:.1f} 24 {-49 + 7 * thick + rise:.1f} 10 {-50 + 8 * thick + rise:.1f} "
        f"C -6 {-49.5 + 8.5 * thick + rise + inner * 0.5:.1f} -20 {-46 + 9 * thick + rise + inner * 0.8:.1f} "
        f"-32 {-41 + 9 * thick + rise + inner:.1f} "
        f"C -36 {-34 + rise + inner:.1f} -37 {-37 + rise + inner:.1f} -34 {-38 + rise + inner:.1f} Z"
    )
    ink = linear(-36, 0, 44, 0, (0, colour, 0.45), (0.25, colour, 0.82), (0.8, colour, 0.88), (1, colour, 0.55))
    pen.fill(shape, ink, 1, 0.7)
