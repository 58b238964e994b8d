"""Vector shapes and inks for the figure: path text, mirrored outlines, tapered limbs, fills and strokes.

Units are those of the bust space (see `rig`); colours are '#RRGGBB' with an alpha of 0..1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final

import skia

_NEEDS: Final = {"M": 2, "L": 2, "Q": 4, "C": 6, "Z": 0}
Joint = tuple[float, float, float]  # x, y, radius
Stop = tuple[float, str, float]  # offset 0..1, '#hex', alpha


def rgba(colour: str, alpha: float = 1.0) -> int:
    digits = colour.lstrip("#")
    red, green, blue = (int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4))
    return int(skia.Color4f(red, green, blue, alpha).toColor())


def path(text: str) -> skia.Path:
    """Return the path of absolute M L C Q Z commands; numbers are separated by blanks or commas."""
    shape = skia.Path()
    call = {"M": shape.moveTo, "L": shape.lineTo, "Q": shape.quadTo, "C": shape.cubicTo}
    words, i, command = text.replace(",", " ").split(), 0, ""
    while i < len(words):
        if words[i] in _NEEDS:
            command, i = words[i], i + 1
            if command == "Z":
                shape.close()
                continue
        need = _NEEDS[command]
        call[command](*map(float, words[i : i + need]))
        i += need
    return shape


def mirror(shape: skia.Path) -> skia.Path:
    twin = skia.Path(shape)
    twin.transform(skia.Matrix.Scale(-1, 1))
    return twin


def symmetric(text: str) -> skia.Path:
    """Close a right-half outline, running from the top of the axis to its bottom, with its mirror image."""
    right = path(text)
    return skia.Op(right, mirror(right), skia.kUnion_PathOp) or right


def oval(x: float, y: float, radius_x: float, radius_y: float) -> skia.Path:
    shape = skia.Path()
    shape.addOval(skia.Rect.MakeLTRB(x - radius_x, y - radius_y, x + radius_x, y + radius_y))
    return shape


def round_rect(x: float, y: float, width: float, height: float, radius: float) -> skia.Path:
    shape = skia.Path()
    shape.addRRect(skia.RRect.MakeRectXY(skia.Rect.MakeXYWH(x, y, width, height), radius, radius))
    return shape


def union(*shapes: skia.Path) -> skia.Path:
    joined = skia.Path()
    for shape in shapes:
        joined = skia.Op(joined, shape, skia.kUnion_PathOp)
    return joined


@lru_cache(maxsize=128)
def limb(*joints: Joint) -> skia.Path:
    """Return tapered capsules through the joints: fingers, forearms, sleeves."""
    return union(*(_capsule(a, b) for a, b in pairwise(joints)))


def _capsule(start: Joint, end: Joint) -> skia.Path:
    (x0, y0, r0), (x1, y1, r1) = start, end
    ends = union(oval(x0, y0, r0, r0), oval(x1, y1, r1, r1))
    distance, angle = math.hypot(x1 - x0, y1 - y0), math.atan2(y1 - y0, x1 - x0)
    if distance <= abs(r0 - r1):
        return ends
    lean = math.acos((r0 - r1) / distance)
    corners = [(x0, y0, r0, 1), (x1, y1, r1, 1), (x1, y1, r1, -1), (x0, y0, r0, -1)]
    sides = skia.Path()
    sides.addPoly(
        [skia.Point(x + r * math.cos(angle + s * lean), y + r * math.sin(angle + s * lean)) for x, y, r, s in corners],
        True,
    )
    return union(ends, sides)


Point = tuple[float, float]


def smooth(points: Sequence[Point], closed: bool = False) -> skia.Path:
    """Return a curve through all points (Catmull-Rom, tension 0.5): outlines of what grows."""
    shape, n = skia.Path(), len(points)
    shape.moveTo(*points[0])
    for i in range(n if closed else n - 1):
        before, start, end, after = (_at(points, i + k, closed) for k in (-1, 0, 1, 2))
        shape.cubicTo(
            start[0] + (end[0] - before[0]) / 6,
            start[1] + (end[1] - before[1]) / 6,
            end[0] - (after[0] - start[0]) / 6,
            end[1] - (after[1] - start[1]) / 6,
            *end,
        )
    if closed:
        shape.close()
    return shape


def _at(points: Sequence[Point], i: int, closed: bool) -> Point:
    return points[i % len(points)] if closed else points[min(len(points) - 1, max(0, i))]


def both_sides(points: Sequence[Point]) -> list[Point]:
    """Return a closed outline from its right half, which runs from the top of the axis (x = 0) to its bottom."""
    return [*points, *((-x, y) for x, y in reversed(points) if x > 0)]


def mixed(a: str, b: str, share: float) -> str:
    """Return the colour `share` (0..1) of the way from `a` to `b`."""
    pairs = zip((a[1:3], a[3:5], a[5:7]), (b[1:3], b[3:5], b[5:7]), strict=True)
    return "#" + "".join(f"{round(int(x, 16) + (int(y, 16) - int(x, 16)) * share):02X}" for x, y in pairs)


def bezier(guide: Sequence[Point], t: float) -> Point:
    """Return the point at `t` (0..1) of the cubic with these four points."""
    u = 1 - t
    weights = (u * u * u, 3 * u * u * t, 3 * u * t * t, t * t * t)
    x = sum(w * p[0] for w, p in zip(weights, guide, strict=True))
    return x, sum(w * p[1] for w, p in zip(weights, guide, strict=True))


def between(a: Sequence[Point], b: Sequence[Point], share: float) -> tuple[Point, ...]:
    """Return the guide `share` of the way from `a` to `b`."""
    pairs = zip(a, b, strict=True)
    return tuple((p[0] + (q[0] - p[0]) * share, p[1] + (q[1] - p[1]) * share) for p, q in pairs)


def lock(
    guide: Sequence[Point], width: float, span: tuple[float, float] = (0.0, 1.0), fullest: float = 0.45
) -> skia.Path:
    """Return a tuft along a cubic guide between two shares of it: pointed at both ends, `width` at `fullest`."""
    steps = 9
    spine = [bezier(guide, span[0] + (span[1] - span[0]) * i / steps) for i in range(steps + 1)]
    left: list[Point] = []
    right: list[Point] = []
    for i, (x, y) in enumerate(spine):
        (x0, y0), (x1, y1) = spine[max(0, i - 1)], spine[min(steps, i + 1)]
        length = math.hypot(x1 - x0, y1 - y0) or 1.0
        t = i / steps
        swell = t / fullest if t < fullest else (1 - t) / (1 - fullest)
        half = width / 2 * math.sin(math.pi / 2 * swell)
        nx, ny = (y1 - y0) / length * half, -(x1 - x0) / length * half
        left.append((x + nx, y + ny))
        right.append((x - nx, y - ny))
    return smooth([*left, *reversed(right[1:-1])], closed=True)


def linear(x0: float, y0: float, x1: float, y1: float, *stops: Stop) -> skia.Shader:
    ends = [skia.Point(x0, y0), skia.Point(x1, y1)]
    return skia.GradientShader.MakeLinear(ends, [rgba(c, a) for _, c, a in stops], [o for o, _, _ in stops])


def radial(x: float, y: float, radius: float, *stops: Stop) -> skia.Shader:
    colours = [rgba(c, a) for _, c, a in stops]
    return skia.GradientShader.MakeRadial(skia.Point(x, y), radius, colours, [o for o, _, _ in stops])


class Pen:
    """Fills or strokes a path with a colour or a shader, optionally blurred and clipped."""

    def __init__(self, canvas: skia.Canvas) -> None:
        self.canvas = canvas

    def fill(self, shape: Any, ink: Any, alpha: float = 1.0, blur: float = 0, clip: skia.Path | None = None) -> None:
        self._draw(shape, self._paint(ink, alpha, blur), clip)

    def line(
        self,
        shape: Any,
        ink: Any,
        width: float,
        alpha: float = 1.0,
        blur: float = 0,
        clip: skia.Path | None = None,
    ) -> None:
        paint = self._paint(ink, alpha, blur)
        paint.setStyle(skia.Paint.kStroke_Style)
        paint.setStrokeWidth(width)
        paint.setStrokeCap(skia.Paint.kRound_Cap)
        paint.setStrokeJoin(skia.Paint.kRound_Join)
        self._draw(shape, paint, clip)

    @staticmethod
    def _paint(ink: Any, alpha: float, blur: float) -> skia.Paint:
        paint = skia.Paint(AntiAlias=True)
        if isinstance(ink, str):
            paint.setColor(rgba(ink, alpha))
        else:
            paint.setShader(ink)
            paint.setAlphaf(alpha)
        if blur:
            paint.setMaskFilter(skia.MaskFilter.MakeBlur(skia.kNormal_BlurStyle, blur))
        return paint

    def _draw(self, shape: Any, paint: skia.Paint, clip: skia.Path | None) -> None:
        shape = path(shape) if isinstance(shape, str) else shape
        if clip is None:
            self.canvas.drawPath(shape, paint)
            return
        self.canvas.save()
        self.canvas.clipPath(clip, skia.ClipOp.kIntersect, True)
        self.canvas.drawPath(shape, paint)
        self.canvas.restore()
