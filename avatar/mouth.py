"""The mouth: one outline that opens, spreads, rounds, presses and bites, with teeth and tongue behind the lips.

Drawn in bust space around (0, 130). Every shape of speech is a `MouthPose`; nothing here knows phonemes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import skia

from avatar.ink import Pen, linear, oval, path
from avatar.personas import Persona
from avatar.pose import MouthPose

MOUTH_BOX: Final = (-74.0, 88.0, 74.0, 206.0)  # left, top, right, bottom in bust space: what a mouth may touch
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
    lips = _measure(pose, smile)
    opened = lips.bottom - lips.top
    if opened > _CLOSED:
        inner = _opening(lips)
        pen.fill(inner, linear(0, lips.top, 0, lips.bottom, (0, "#35090D", 1), (1, "#6B2426", 1)))
        _draw_inside(pen, pose, lips, inner)
    _draw_lips(pen, persona, pose, lips)
    if opened <= _CLOSED:
        _draw_seam(pen, lips)
    _draw_surroundings(pen, persona, pose, lips)


def _measure(pose: MouthPose, smile: float) -> _Lips:
    gladness = smile * (1 - 0.7 * pose.round)
    half = 37 + 8 * max(0.0, gladness) + 7 * pose.width - 17 * pose.round - 3 * pose.open * (1 - pose.round)
    half += 2 * pose.press
    gap = max(0.0, 37 * pose.open - 10 * pose.press) * (1 - 0.15 * pose.round)
    top = 128.5 + 1.5 * smile - 0.10 * gap - 1.5 * pose.bite
    bottom = top + gap
    still_closed = max(0.0, 1 - gap / 6)
    corner = 130 - (8 + 5 * still_closed) * gladness + 0.10 * gap
    corner += (top + gap * 0.46 - corner) * pose.round
    upper = 9.0 + 1.0 * pose.round - 4.0 * pose.press - 0.8 * max(0.0, pose.width)
    lower = 12.0 + 1.0 * pose.round - 5.0 * pose.press - 4.0 * pose.bite - 1.6 * max(0.0, smile)
    bowl = pose.round + (1 - pose.round) * 0.5 * min(1.0, pose.open)
    return _Lips(half, corner, top, bottom, pose.round, bowl, upper, lower)


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
        tongue = oval(0, lips.bottom + 5, half * _mix(0.66, 0.46, pose.tongue), rise + 5)
        shade = linear(0, lips.bottom - rise, 0, lips.bottom, (0, "#C9686B", 1), (1, "#8A3338", 1))
        pen.fill(tongue, shade, min(1.0, pose.tongue * 3), 1.2, clip=inner)
    if pose.lower_teeth > 0.02:
        height = min(gap * 0.48, 8.5) * pose.lower_teeth
        edge = lips.bottom - height
        lower = f"M {-half} {lips.bottom + 6} L {half} {lips.bottom + 6} L {half * 0.72} {edge + 2} " + (
            f"C {half * 0.4} {edge} {-half * 0.4} {edge} {-half * 0.72} {edge + 2} Z"
        )
        pen.fill(lower, linear(0, edge, 0, lips.bottom, (0, "#F3EDEA", 1), (1, "#D9CFCB", 1)), clip=inner)
    if pose.upper_teeth > 0.02:
        _draw_upper_teeth(pen, pose, lips, inner)
    if pose.tip > 0.02:  # the tip lies on the lower teeth and touches the upper ones
        height = gap * (0.30 + 0.32 * pose.tip)
        tip = oval(0, lips.bottom + 1, half * 0.44, height)
        ink = linear(0, lips.bottom - height, 0, lips.bottom, (0, "#EFA09B", 1), (1, "#C96E6E", 1))
        pen.fill(tip, ink, min(1.0, pose.tip * 2), 0.8, clip=inner)


def _draw_upper_teeth(pen: Pen, pose: MouthPose, lips: _Lips, inner: skia.Path) -> None:
    gap, half = lips.bottom - lips.top, lips.half
    height = min(gap - 0.6, 8.0 + 0.16 * gap) if pose.lower_teeth < 0.3 else min(gap * 0.54, 10.0)
    height *= pose.upper_teeth
    edge = lips.top + height
    rim = lips.top + height * 0.55
    shape = (
        f"M {-half} {lips.top - 9} L {half} {lips.top - 9} L {half * 0.84} {rim} "
        f"C {half * 0.62} {edge} {half * 0.34} {edge + 0.8} 0 {edge + 0.8} "
        f"C {-half * 0.34} {edge + 0.8} {-half * 0.62} {edge} {-half * 0.84} {rim} Z"
    )
    enamel = linear(0, lips.top - 2, 0, edge, (0, "#DDD3CF", 1), (0.4, "#FFFDFB", 1), (1, "#F8F2EF", 1))
    pen.fill(shape, enamel, clip=inner)


def _draw_lips(pen: Pen, persona: Persona, pose: MouthPose, lips: _Lips) -> None:
    half, corner = lips.half, lips.corner_y
    up_ink, low_ink = persona.lips
    _, inner_top_back = _arc(half, corner, lips.top + 0.8, lips.circle)
    bow = 1.9 * (1 - 0.5 * lips.circle) * (1 - 0.6 * pose.press)  # depth of the cupid's bow
    peak, peak_x = lips.top - lips.upper, half * _mix(0.15, 0.20, lips.circle)
    dip = peak + bow
    outer = half + 1.5 + 3.0 * lips.circle
    shoulder_x = _mix(0.58, 0.92, lips.circle) * outer
    shoulder_y = _mix(lips.top - lips.upper * 0.45, corner - (corner - peak) * 0.62, lips.circle)
    pen.fill(
        f"M {-outer:.2f} {corner:.2f} C {-shoulder_x:.2f} {shoulder_y:.2f} {-peak_x * 2.1:.2f} {peak:.2f} "
        f"{-peak_x:.2f} {peak:.2f} C {-peak_x * 0.45:.2f} {peak:.2f} {-peak_x * 0.2:.2f} {dip:.2f} 0 {dip:.2f} "
        f"C {peak_x * 0.2:.2f} {dip:.2f} {peak_x * 0.45:.2f} {peak:.2f} {peak_x:.2f} {peak:.2f} "
        f"C {peak_x * 2.1:.2f} {peak:.2f} {shoulder_x:.2f} {shoulder_y:.2f} {outer:.2f} {corner:.2f} "
        f"L {half:.2f} {corner:.2f} {inner_top_back}Z",
        linear(0, peak, 0, lips.top + 2, (0, up_ink, 1), (1, _darker(up_ink), 1)),
    )
    floor = lips.bottom + lips.lower
    inner_low_forth, _ = _arc(half, corner + 0.5, lips.bottom - 0.4, lips.bowl)
    _, outer_low_back = _arc(outer, corner, floor, _mix(0.18, 1.0, lips.bowl))
    pen.fill(
        f"M {-half:.2f} {corner + 0.5:.2f} {inner_low_forth}L {outer:.2f} {corner:.2f} {outer_low_back}Z",
        linear(0, lips.bottom, 0, floor, (0, _darker(low_ink), 1), (0.35, low_ink, 1), (1, low_ink, 1)),
    )
    pen.fill(oval(-3, lips.bottom + lips.lower * 0.5, half * 0.32, 2.3), "#FFFFFF", 0.36 * (1 - pose.press), 1.6)


def _darker(colour: str) -> str:
    """Return the colour at 86 % brightness: lips turn inwards at the opening."""
    return "#" + "".join(f"{int(int(colour[i : i + 2], 16) * 0.86):02X}" for i in (1, 3, 5))


def _draw_seam(pen: Pen, lips: _Lips) -> None:
    forth, _ = _arc(lips.half, lips.corner_y, lips.top + 0.8, lips.circle)
    pen.line(f"M {-lips.half:.2f} {lips.corner_y:.2f} {forth}", "#8C3B39", 2.8, 0.9)


def _draw_surroundings(pen: Pen, persona: Persona, pose: MouthPose, lips: _Lips) -> None:
    """Dimples at the corners, the shadow under the lower lip, and an old face's folds."""
    shade, line = persona.skin[2], persona.skin[3]
    half, corner = lips.half + 2 * lips.circle, lips.corner_y
    dimple = (
        f"M {-half - 3.5} {corner - 5} Q {-half - 6.5} {corner} {-half - 2.5} {corner + 4} "
        f"M {half + 3.5} {corner - 5} Q {half + 6.5} {corner} {half + 2.5} {corner + 4}"
    )
    pen.line(dimple, line, 2.2, 0.26 * (1 - 0.7 * lips.circle) + 0.10 * pose.press, 0.9)
    pen.fill(oval(0, lips.bottom + lips.lower + 10, 22 - 5 * lips.circle, 4.6), shade, 0.45, 5)
    if persona.age:
        fold = half + 14
        pen.line(
            f"M {-fold} {corner - 34} C {-fold - 8} {corner - 16} {-fold - 8} {corner} {-fold} {corner + 16} "
            f"M {fold} {corner - 34} C {fold + 8} {corner - 16} {fold + 8} {corner} {fold} {corner + 16}",
            line,
            2.4,
            0.34,
            1.2,
        )
