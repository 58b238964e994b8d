"""What clothes are made of: folds, sleeves, cuffs."""

from __future__ import annotations

import math
from collections.abc import Sequence

import skia

from avatar.ink import Pen, Point, linear, mixed, smooth


def draw_fold(pen: Pen, points: Sequence[Point], shade: str, width: float, alpha: float, clip: skia.Path) -> None:
    """Draw a soft fold: dark in its valley, a little light on the ridge above it."""
    pen.line(smooth(points), shade, width, alpha, width * 0.45, clip=clip)
    ridge = [(x - width * 0.25, y - width * 0.75) for x, y in points]
    pen.line(smooth(ridge), "#FFFFFF", width * 0.55, alpha * 0.20, width * 0.35, clip=clip)


def _axes(elbow: Point, wrist: Point) -> tuple[Point, Point, float]:
    """Return the unit vectors along the arm and across it, and its length."""
    dx, dy = wrist[0] - elbow[0], wrist[1] - elbow[1]
    length = math.hypot(dx, dy)
    return (dx / length, dy / length), (-dy / length, dx / length), length


def sleeve_of(elbow: Point, wrist: Point, at_elbow: float, at_wrist: float) -> skia.Path:
    """Return a sleeve that ends open at the wrist. The two numbers are half its width."""
    along, across, length = _axes(elbow, wrist)

    def at(t: float, half: float) -> Point:
        return (
            elbow[0] + along[0] * length * t + across[0] * half,
            elbow[1] + along[1] * length * t + across[1] * half,
        )

    middle = (at_elbow + at_wrist) / 2
    outline = [
        at(1.0, at_wrist), at(0.97, at_wrist + 1), at(0.5, middle + 4), at(0.1, at_elbow), at(-0.24, at_elbow * 0.9),
        at(-0.36, 0), at(-0.24, -at_elbow * 0.9), at(0.1, -at_elbow), at(0.5, -middle - 1), at(0.97, -at_wrist - 1),
        at(1.0, -at_wrist), at(1.03, -at_wrist * 0.5), at(1.04, 0), at(1.03, at_wrist * 0.5),
    ]  # fmt: skip
    return smooth(outline, True)


def draw_cuff(pen: Pen, shirt: tuple[str, str, str], elbow: Point, wrist: Point, half: float, out: float) -> None:
    """Draw the shirt's cuff, which shows `out` units beyond the sleeve."""
    along, across, _ = _axes(elbow, wrist)

    def at(far: float, side: float) -> Point:
        return wrist[0] + along[0] * far + across[0] * side, wrist[1] + along[1] * far + across[1] * side

    edge = smooth(
        [
            at(out, -half),
            at(out + 5, -half * 0.4),
            at(out + 5, half * 0.4),
            at(out, half),
            at(-10, half + 2),
            at(-10, -half - 2),
        ],
        True,
    )
    sign = 1 if across[0] >= 0 else -1
    start, end = at(0, -sign * half), at(0, sign * half)
    pen.fill(edge, linear(*start, *end, (0, shirt[1], 1), (0.35, shirt[0], 1), (1, shirt[2], 1)))
    rim = smooth([at(out - 4, -half), at(out + 1, -half * 0.4), at(out + 1, half * 0.4), at(out - 4, half)])
    pen.line(rim, mixed(shirt[2], "#7C8F88", 0.4), 1.3, 0.7, 0.2, clip=edge)
