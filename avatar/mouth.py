"""The mouth: one outline that opens, spreads, rounds, presses and bites, with teeth and tongue behind the lips.

Drawn in bust space around (0, 130). Every shape of speech is a `MouthPose`; nothing here knows phonemes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import skia

from avatar.ink import Pen, linear, mixed, oval, path, radial
from avatar.personas import Persona
from avatar.pose import MouthPose

MOUTH_BOX: Final = (-76.0, 90.0, 76.0, 212.0)  # left, top, right, bottom in bust space: what a mouth may touch
MOUTH_Y: Final = 131.0
_CLOSED: Final = 2.0  # bust units of opening below which the lips are drawn closed


@dataclass(frozen=True, slots=True)
class _Lips:
    """Measures of one mouth, in bust units."""

    half: float  # half the width between the corners
    corner_y: float
    top: float  # middle of the opening's upper edge
    bottom: float  # middle of its lower edge
    circle: float  # 0 almond .. 1 circle
    bowl: float  # the same for the lower edge, which hangs fuller the wider the mouth opens
    upper: float  # thickness of the upper lip
    lower: float


def draw_mouth(pen: Pen, persona: Persona, pose: MouthPose, smile: float) -> None:
    """Draw the mouth; `smile` lifts the corners and is weaker in rounded shapes."""
    wide = persona.face.mouth
    pen.canvas.save()
    pen.canvas.translate(0, (persona.face.chin - 197) * 0.35)
    pen.canvas.scale(wide, 1)
    lips = _measure(pose, smile, persona.face.lip)
    opened = lips.bottom - lips.top
    _draw_under(pen, persona, lips)
    if opened > _CLOSED:
        inner = _opening(lips)
        pen.fill(inner, linear(0, lips.top, 0, lips.bottom, (0, "#24060A", 1), (0.6, "#4A1418", 1), (1, "#6E2828", 1)))
        _draw_inside(pen, pose, lips, inner)
        pen.line(inner, "#1E0508", 3.2, 0.35, 1.6, clip=inner)
    _draw_lips(pen, persona, pose, lips)
    if opened <= _CLOSED:
        _draw_seam(pen, persona, lips)
    _draw_corners(pen, persona, pose, lips, smile)
    pen.canvas.restore()


def _measure(pose: MouthPose, smile: float, fullness: float) -> _Lips:
    gladness = smile * (1 - 0.7 * pose.round)
    half = 36 + 7.5 * max(0.0, gladness) + 7 * pose.width - 16 * pose.round - 3 * pose.open * (1 - pose.round)
    half += 1.5 * pose.press
    gap = max(0.0, 36 * pose.open - 10 * pose.press) * (1 - 0.15 * pose.round)
    top = MOUTH_Y - 1.5 + 1.5 * smile - 0.10 * gap - 1.5 * pose.bite
    bottom = top + gap
    still_closed = max(0.0, 1 - gap / 6)
    corner = MOUTH_Y - (7.5 + 5 * still_closed) * gladness + 0.12 * gap
    corner += (top + gap * 0.46 - corner) * pose.round
    upper = (8.8 + 1.4 * pose.round - 0.8 * max(0.0, pose.width)) * fullness - 3.8 * pose.press
    lower = (12.6 + 1.2 * pose.round - 1.6 * max(0.0, smile)) * fullness - 5.0 * pose.press - 4.0 * pose.bite
    bowl = pose.round + (1 - pose.round) * 0.5 * min(1.0, pose.open)
    return _Lips(half, corner, top, bottom, pose.round, bowl, max(2.6, upper), max(3.0, lower))


def _mix(a: float, b: float, share: float) -> float:
    return a + (b - a) * share


def _arc(half: float, corner_y: float, middle_y: float, circle: float) -> tuple[str, str]:
    """Return the curve from the left corner to the right one through (0, middle_y), and the way back."""
    far_x, near_x = _mix(0.60, 0.98, circle) * half, _mix(0.28, 0.56, circle) * half
    far_y = _mix(corner_y + (middle_y - corner_y) * 0.78, corner_y + (middle_y - corner_y) * 0.55, circle)
    forth = (
        f"C {-far_x:.2f} {far_y:.2f} {-near_x:.2f} {middle_y:.2f} 0 {middle_y:.2f} "
        f"C {near_x:.2f} {middle_y:.2f} {far_x:.2f} {far_y:.2f} {half:.2f} {corner_y:.2f} "
    )
    back = (
        f"C {far_x:.2f} {far_y:.2f} {near_x:.2f} {middle_y:.2f} 0 {middle_y:.2f} "
        f"C {-near_x:.2f} {middle_y:.2f} {-far_x:.2f} {far_y:.2f} {-half:.2f} {corner_y:.2f} "
    )
    return forth, back


def _opening(lips: _Lips) -> skia.Path:
    forth, _ = _arc(lips.half, lips.corner_y, lips.top, lips.circle)
    _, back = _arc(lips.half, lips.corner_y, lips.bottom, lips.bowl)
    return path(f"M {-lips.half:.2f} {lips.corner_y:.2f} {forth}{back}Z")


def _draw_inside(pen: Pen, pose: MouthPose, lips: _Lips, inner: skia.Path) -> None:
    """Tongue and teeth, cut off by the lips."""
    gap, half = lips.bottom - lips.top, lips.half
    if pose.tongue > 0.02:
        rise = gap * (0.16 + 0.62 * pose.tongue)
        middle = lips.bottom + 5
        tongue = oval(0, middle, half * _mix(0.68, 0.50, pose.tongue), rise + 5)
        ink = radial(-4, middle - rise * 0.75, half * 0.8, (0, "#E58E89", 1), (0.55, "#C4656A", 1), (1, "#8A3338", 1))
        pen.fill(tongue, ink, min(1.0, pose.tongue * 3), 0.9, clip=inner)
        both = skia.Op(tongue, inner, skia.kIntersect_PathOp)
        pen.line(f"M 0 {middle - rise - 1:.2f} C 1 {middle - rise * 0.5:.2f} 0 {middle - rise * 0.2:.2f} 0 {middle}",
                 "#8A3338", 2.2, 0.35 * pose.tongue, 1.2, clip=both)  # fmt: skip
        pen.fill(
            oval(-half * 0.16, middle - rise * 0.80, half * 0.15, 2.0), "#FFFFFF", 0.40 * pose.tongue, 1.2, clip=both
        )
    if pose.lower_teeth > 0.02:
        height = min(gap * 0.48, 8.5) * pose.lower_teeth
        edge = lips.bottom - height
        lower = f"M {-half} {lips.bottom + 6} L {half} {lips.bottom + 6} L {half * 0.72} {edge + 2} " + (
            f"C {half * 0.4} {edge} {-half * 0.4} {edge} {-half * 0.72} {edge + 2} Z"
        )
        pen.fill(lower, linear(0, edge, 0, lips.bottom, (0, "#EFE8E3", 1), (1, "#C9BDB8", 1)), clip=inner)
        _part_teeth(pen, half * 0.72, edge, lips.bottom, 7, 0.16 * pose.lower_teeth, inner)
    if pose.upper_teeth > 0.02:
        _draw_upper_teeth(pen, pose, lips, inner)
    if pose.tip > 0.02:  # the tip lies on the lower teeth and touches the upper ones
        height = gap * (0.30 + 0.32 * pose.tip)
        tip = oval(0, lips.bottom + 1, half * 0.44, height)
        ink = linear(0, lips.bottom - height, 0, lips.bottom, (0, "#F0A6A0", 1), (1, "#C96E6E", 1))
        pen.fill(tip, ink, min(1.0, pose.tip * 2), 0.8, clip=inner)
        pen.fill(oval(-4, lips.bottom - height * 0.7, half * 0.16, 1.8), "#FFFFFF", 0.45 * pose.tip, 1, clip=inner)


def _draw_upper_teeth(pen: Pen, pose: MouthPose, lips: _Lips, inner: skia.Path) -> None:
    gap, half = lips.bottom - lips.top, lips.half
    height = min(gap - 0.6, 8.2 + 0.16 * gap) if pose.lower_teeth < 0.3 else min(gap * 0.54, 10.0)
    height *= pose.upper_teeth
    edge = lips.top + height
    rim = lips.top + height * 0.50
    shape = (
        f"M {-half} {lips.top - 9} L {half} {lips.top - 9} L {half * 0.86} {rim} "
        f"C {half * 0.64} {edge - 0.4} {half * 0.34} {edge + 0.9} 0 {edge + 0.9} "
        f"C {-half * 0.34} {edge + 0.9} {-half * 0.64} {edge - 0.4} {-half * 0.86} {rim} Z"
    )
    pen.fill(shape, "#1E0508", 0.35, 2.2, clip=inner)
    enamel = linear(0, lips.top - 2, 0, edge, (0, "#CFC3BE", 1), (0.38, "#FBF7F3", 1), (1, "#F3ECE7", 1))
    pen.fill(shape, enamel, clip=inner)
    sides = linear(
        -half, 0, half, 0, (0, "#5A2A26", 0.75), (0.26, "#5A2A26", 0.0), (0.76, "#5A2A26", 0.0), (1, "#5A2A26", 0.8)
    )
    pen.fill(shape, sides, clip=inner)
    _part_teeth(pen, half * 0.80, lips.top, edge, 8, 0.15 * pose.upper_teeth, inner)


def _part_teeth(pen: Pen, half: float, top: float, bottom: float, count: int, alpha: float, clip: skia.Path) -> None:
    """Hint at single teeth, broad in the middle: too clear a line looks like a comb."""
    for i in range(1, count):
        u = 2 * i / count - 1
        x = half * u * (1.12 - 0.12 * abs(u))
        pen.line(f"M {x:.2f} {top} L {x * 0.98:.2f} {bottom - 1}", "#8F7A72", 0.9, alpha, 0.4, clip=clip)


def _draw_lips(pen: Pen, persona: Persona, pose: MouthPose, lips: _Lips) -> None:
    half, corner = lips.half, lips.corner_y
    up_ink, low_ink = persona.look.lips
    _, inner_top_back = _arc(half, corner, lips.top + 0.8, lips.circle)
    bow = 2.4 * (1 - 0.5 * lips.circle) * (1 - 0.6 * pose.press)  # depth of the cupid's bow
    peak, peak_x = lips.top - lips.upper, half * _mix(0.17, 0.22, lips.circle)
    dip = peak + bow
    outer = half + 1.5 + 3.0 * lips.circle
    shoulder_x = _mix(0.60, 0.92, lips.circle) * outer
    shoulder_y = _mix(lips.top - lips.upper * 0.42, corner - (corner - peak) * 0.62, lips.circle)
    upper = path(
        f"M {-outer:.2f} {corner:.2f} C {-shoulder_x:.2f} {shoulder_y:.2f} {-peak_x * 2.1:.2f} {peak:.2f} "
        f"{-peak_x:.2f} {peak:.2f} C {-peak_x * 0.45:.2f} {peak:.2f} {-peak_x * 0.2:.2f} {dip:.2f} 0 {dip:.2f} "
        f"C {peak_x * 0.2:.2f} {dip:.2f} {peak_x * 0.45:.2f} {peak:.2f} {peak_x:.2f} {peak:.2f} "
        f"C {peak_x * 2.1:.2f} {peak:.2f} {shoulder_x:.2f} {shoulder_y:.2f} {outer:.2f} {corner:.2f} "
        f"L {half:.2f} {corner:.2f} {inner_top_back}Z"
    )
    shaded = mixed(up_ink, "#4A1014", 0.34)
    pen.fill(
        upper,
        linear(0, peak, 0, lips.top + 2, (0, up_ink, 1), (0.5, mixed(up_ink, shaded, 0.4), 1), (1, shaded, 1)),
        1,
        0.35,
    )
    rim = f"M {-peak_x * 1.7:.2f} {peak + 1.6:.2f} Q {-peak_x:.2f} {peak - 0.4:.2f} {-peak_x * 0.3:.2f} {dip:.2f}"
    pen.line(rim, mixed(persona.look.skin[0], "#FFFFFF", 0.4), 1.6, 0.50 * (1 - pose.press), 0.8)
    floor = lips.bottom + lips.lower
    inner_low_forth, _ = _arc(half, corner + 0.5, lips.bottom - 0.4, lips.bowl)
    _, outer_low_back = _arc(outer, corner, floor, _mix(0.20, 1.0, lips.bowl))
    lower = path(f"M {-half:.2f} {corner + 0.5:.2f} {inner_low_forth}L {outer:.2f} {corner:.2f} {outer_low_back}Z")
    edge = mixed(low_ink, up_ink, 0.75)
    tones = ((0, mixed(edge, "#5A1418", 0.2), 1), (0.30, low_ink, 1), (0.7, low_ink, 1), (1, edge, 1))
    pen.fill(lower, linear(0, lips.bottom - 1, 0, floor, *tones), 1, 0.35)
    gloss = lips.bottom + lips.lower * 0.46
    pen.fill(
        oval(-half * 0.16, gloss, half * 0.34, lips.lower * 0.20), "#FFFFFF", 0.40 * (1 - pose.press), 2.0, clip=lower
    )
    pen.fill(
        oval(-half * 0.22, gloss - 0.6, half * 0.14, lips.lower * 0.09),
        "#FFFFFF",
        0.55 * (1 - pose.press),
        0.8,
        clip=lower,
    )


def _draw_seam(pen: Pen, persona: Persona, lips: _Lips) -> None:
    forth, _ = _arc(lips.half, lips.corner_y, lips.top + 0.8, lips.circle)
    dark = mixed(persona.look.lips[0], "#3A0C10", 0.62)
    pen.line(f"M {-lips.half:.2f} {lips.corner_y:.2f} {forth}", dark, 2.2, 0.85, 0.3)
    for side in (-1, 1):
        pen.fill(oval(side * (lips.half - 1), lips.corner_y, 3.4, 2.0), dark, 0.55, 1.2)


def _draw_under(pen: Pen, persona: Persona, lips: _Lips) -> None:
    """The lower lip's shadow, and the light upper edge of the chin below it."""
    shade = mixed(persona.look.skin[2], "#B04A3A", 0.15)
    floor = lips.bottom + lips.lower
    pen.fill(oval(0, floor + 4.5, 24 - 6 * lips.circle, 5.0), shade, 0.62, 4)


def _draw_corners(pen: Pen, persona: Persona, pose: MouthPose, lips: _Lips, smile: float) -> None:
    """Dimples at the corners, and the fold that a smile makes beside them."""
    shade, line = persona.look.skin[2], persona.look.skin[3]
    half, corner = lips.half + 2 * lips.circle, lips.corner_y
    soft = 0.30 * (1 - 0.7 * lips.circle) + 0.10 * pose.press
    for side in (-1, 1):
        x = side * half
        pen.line(f"M {x + side * 2.5} {corner - 5} Q {x + side * 6.5} {corner - 0.5} {x + side * 2.5} {corner + 4}",
                 line, 2.2, soft, 1.1)  # fmt: skip
        pen.fill(oval(x + side * 6, corner + 3, 5, 7), shade, 0.35 * (1 - 0.6 * lips.circle), 4)
        glad = max(0.0, smile - 0.45) * (1 - lips.circle)
        if glad > 0.02:
            y, out = corner, side * 6
            fold = f"M {x - out} {y - 36} C {x + out} {y - 28} {x + 2 * out} {y - 14} {x + 2 * out} {y - 2}"
            pen.line(fold, shade, 5.0, 0.40 * glad, 3.2)
