"""Hands, each drawn in a space of its own: the wrist at (0, 0), fingers up, the thumb to the viewer's left.

A hand is its fingers: each a chain of joints, stretched or folded over the palm. The sleeve belongs to the clothes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

import skia

from avatar.ink import Joint, Pen, Point, limb, linear, mixed, oval, path, smooth, union
from avatar.personas import Persona
from avatar.pose import GestureName

HandKind = Literal["open", "flat", "back", "thumb", "one", "two", "three", "four", "five"]
Finger = tuple[Joint, Joint, Joint, Joint]  # knuckle, two joints, tip
HAND_BOUNDS: Final = (-112.0, -236.0, 112.0, 64.0)  # what a hand may touch in its own space

_SPREAD: Final[tuple[Finger, ...]] = (
    ((-29, -84, 14.5), (-37, -126, 13.2), (-43, -154, 12.2), (-48, -177, 10.2)),
    ((-8, -92, 15), (-11, -140, 13.6), (-13, -172, 12.6), (-15, -197, 10.6)),
    ((14, -88, 14.5), (20, -134, 13), (24, -164, 12), (27, -186, 10)),
    ((34, -74, 13), (46, -108, 11.4), (53, -130, 10.4), (59, -149, 8.8)),
)
_TOGETHER: Final[tuple[Finger, ...]] = (
    ((-28, -84, 14.5), (-28, -126, 13.2), (-26, -154, 12.2), (-23, -176, 10.2)),
    ((-6, -92, 15), (-4, -140, 13.6), (-3, -172, 12.6), (-1, -196, 10.6)),
    ((15, -88, 14.5), (18, -134, 13), (19, -162, 12), (19, -184, 10)),
    ((34, -74, 13), (39, -108, 11.4), (40, -130, 10.4), (40, -150, 8.8)),
)
_THUMBS: Final[dict[str, Finger]] = {
    "out": ((-24, -24, 24), (-48, -54, 17), (-62, -82, 14), (-72, -106, 11)),
    "near": ((-24, -24, 24), (-44, -56, 17), (-52, -86, 14), (-55, -112, 11)),
    "over": ((-26, -22, 23), (-40, -50, 17), (-20, -72, 14.5), (6, -80, 12.5)),
}
_COUNTS: Final[dict[HandKind, tuple[bool, bool, bool, bool]]] = {
    "one": (True, False, False, False),
    "two": (True, True, False, False),
    "three": (True, True, True, False),
    "four": (True, True, True, True),
}
COUNT_KINDS: Final[tuple[HandKind, ...]] = ("one", "two", "three", "four", "five")


@dataclass(frozen=True, slots=True)
class Reach:
    """Where a gesture holds the forearm, in bust space, and how the hand looks."""

    elbow: Point
    wrist: Point
    hand_angle: float  # degrees from upright, clockwise
    kind: HandKind
    hand_scale: float = 1.06


REACHES: Final[dict[GestureName, Reach]] = {
    "wave": Reach((262, 680), (350, 412), 8, "open"),
    "present": Reach((262, 690), (330, 434), 50, "flat", 1.0),
    "point": Reach((262, 690), (322, 404), 90, "flat", 0.94),
    "stop": Reach((284, 700), (304, 426), 1, "flat", 1.12),
    "count": Reach((284, 700), (318, 430), 5, "one"),
    "thumbs": Reach((306, 700), (306, 452), -8, "thumb", 1.04),
    "heart": Reach((262, 610), (128, 500), -56, "back", 1.0),
}


def kind_of(gesture: GestureName, count: int) -> HandKind:
    """Return the hand of a gesture; `count` (1..5) matters while she counts."""
    return COUNT_KINDS[min(5, max(1, count)) - 1] if gesture == "count" else REACHES[gesture].kind


def draw_hand(pen: Pen, persona: Persona, kind: HandKind) -> None:
    """Draw a hand with its wrist at (0, 0)."""
    if kind == "thumb":
        _draw_thumb_up(pen, persona)
        return
    folded: tuple[bool, ...] = tuple(not up for up in _COUNTS[kind]) if kind in _COUNTS else (False,) * 4
    fingers = _SPREAD if kind in ("open", "five", *_COUNTS) else _TOGETHER
    thumb = _THUMBS["over" if kind in _COUNTS else "near" if kind in ("flat", "back") else "out"]
    if kind == "back":
        pen.canvas.scale(-1, 1)
    palm = _palm()
    stretched = [finger for finger, bent in zip(fingers, folded, strict=True) if not bent]
    parts = [palm, *(limb(*finger) for finger in stretched)]
    if kind not in _COUNTS:
        parts.append(limb(*thumb))
    whole = union(*parts)
    _fill_skin(pen, persona, whole)
    for finger in stretched:
        _shade_finger(pen, persona, finger, nail=kind == "back")
    if kind == "back":
        _draw_back(pen, persona, whole, fingers)
    else:
        _draw_palm(pen, persona, whole)
    if kind not in _COUNTS:
        _shade_finger(pen, persona, thumb, nail=kind == "back", is_thumb=True)
    _part_fingers(pen, persona, fingers, folded, whole)
    for finger, bent in zip(fingers, folded, strict=True):
        if bent:
            _draw_folded(pen, persona, finger)
    if kind in _COUNTS:
        _draw_over(pen, persona, thumb)


def _palm() -> skia.Path:
    return smooth(
        [(-25, 40), (-27, 8), (-38, -22), (-42, -50), (-43, -84), (-32, -98), (-8, -106), (16, -102), (40, -90),
         (47, -66), (44, -34), (32, 2), (28, 40)],
        True,
    )  # fmt: skip


def _fill_skin(pen: Pen, persona: Persona, shape: skia.Path) -> None:
    light, skin, shade, line = persona.look.skin
    pink = mixed(skin, "#E8836F", 0.16)
    pen.fill(
        shape,
        linear(
            -60, -170, 60, 30, (0, mixed(light, "#FFFFFF", 0.1), 1), (0.35, light, 1), (0.72, pink, 1), (1, shade, 1)
        ),
    )
    pen.line(shape, mixed(shade, line, 0.4), 5, 0.34, 2.4, clip=shape)


def _normal(finger: Finger) -> Point:
    (x0, y0, _), (x1, y1, _) = finger[0], finger[-1]
    length = math.hypot(x1 - x0, y1 - y0) or 1.0
    return -(y1 - y0) / length, (x1 - x0) / length


def _shade_finger(pen: Pen, persona: Persona, finger: Finger, *, nail: bool, is_thumb: bool = False) -> None:
    light, _, shade, line = persona.look.skin
    shape = limb(*finger)
    nx, ny = _normal(finger)
    far = [(x + nx * r * 0.85, y + ny * r * 0.85) for x, y, r in finger[1:]]
    near = [(x - nx * r * 0.35, y - ny * r * 0.35) for x, y, r in finger[1:]]
    pen.line(smooth(far), mixed(shade, line, 0.3), 8, 0.34, 4, clip=shape)
    pen.line(smooth(near), mixed(light, "#FFFFFF", 0.5), 6, 0.42, 3, clip=shape)
    tip_x, tip_y, radius = finger[3]
    pen.fill(oval(tip_x, tip_y - 1, radius * 0.95, radius * 1.1), "#F0826E", 0.24, 4, clip=shape)
    if nail:
        self_turn = math.degrees(math.atan2(finger[3][0] - finger[2][0], -(finger[3][1] - finger[2][1])))
        pen.canvas.save()
        pen.canvas.translate(tip_x, tip_y)
        pen.canvas.rotate(self_turn)
        plate = smooth(
            [
                (-radius * 0.6, 7),
                (-radius * 0.62, -3),
                (0, -radius * 0.82),
                (radius * 0.62, -3),
                (radius * 0.6, 7),
                (0, 10),
            ],
            True,
        )
        pen.fill(plate, linear(0, -8, 0, 10, (0, "#FFF3EC", 1), (0.3, "#F6C6B6", 1), (1, "#EDB09E", 1)))
        pen.line(plate, line, 0.9, 0.35, 0.3)
        pen.fill(oval(-2, -1, 1.6, 4), "#FFFFFF", 0.6, 0.8)
        pen.canvas.restore()
    elif not is_thumb:
        for x, y, r in finger[1:3]:  # the joints' creases
            dx, dy = nx * r * 0.75, ny * r * 0.75
            crease = f"M {x - dx:.1f} {y - dy:.1f} Q {x:.1f} {y + 2.4:.1f} {x + dx:.1f} {y + dy:.1f}"
            pen.line(crease, line, 1.7, 0.34, 0.6, clip=shape)


def _part_fingers(
    pen: Pen, persona: Persona, fingers: tuple[Finger, ...], folded: tuple[bool, ...], whole: skia.Path
) -> None:
    """The dark gaps between neighbours that touch."""
    line = mixed(persona.look.skin[3], "#5A2414", 0.25)
    for i, (a, b) in enumerate(pairwise(fingers)):
        if folded[i] or folded[i + 1]:
            continue
        points: list[Point] = [((a[0][0] + b[0][0]) / 2, (a[0][1] + b[0][1]) / 2 - 6)]
        for p, q in zip(a[1:], b[1:], strict=True):
            if math.hypot(p[0] - q[0], p[1] - q[1]) < p[2] + q[2] + 1:
                points.append(((p[0] + p[2] + q[0] - q[2]) / 2, (p[1] + q[1]) / 2))
        if len(points) > 1:
            pen.line(smooth(points), line, 2.2, 0.62, 0.7, clip=whole)
        else:
            x, y = points[0]
            pen.line(f"M {x - 1} {y + 4} L {x + 1} {y - 8}", line, 2.4, 0.45, 1.0, clip=whole)


def _draw_palm(pen: Pen, persona: Persona, whole: skia.Path) -> None:
    light, _, shade, line = persona.look.skin
    pen.fill(oval(-24, -32, 22, 30), mixed(light, "#F0907C", 0.30), 0.50, 9, clip=whole)  # ball of the thumb
    pen.fill(oval(30, -30, 16, 34), mixed(light, "#F0907C", 0.28), 0.40, 9, clip=whole)
    pen.fill(oval(2, -48, 16, 20), mixed(shade, line, 0.15), 0.30, 10, clip=whole)  # the hollow
    for x, y in ((-28, -84), (-7, -90), (15, -86), (34, -76)):
        pen.fill(oval(x, y, 10, 7), mixed(light, "#F0907C", 0.25), 0.55, 4, clip=whole)
    for crease, alpha in (
        ([(-40, -62), (-22, -66), (4, -64), (28, -72), (42, -84)], 0.34),
        ([(-41, -52), (-18, -52), (8, -44), (28, -30)], 0.34),
        ([(-40, -58), (-16, -50), (-4, -30), (-6, 0)], 0.40),
    ):
        pen.line(smooth(crease), line, 2.0, alpha, 0.8, clip=whole)


def _draw_back(pen: Pen, persona: Persona, whole: skia.Path, fingers: tuple[Finger, ...]) -> None:
    light, _, shade, line = persona.look.skin
    for finger in fingers:
        x, y, _ = finger[0]
        pen.fill(oval(x, y, 10, 8), mixed(light, "#F0907C", 0.3), 0.5, 4, clip=whole)
        pen.line(f"M {x - 5} {y + 2} Q {x} {y - 3} {x + 5} {y + 2}", line, 1.6, 0.30, 0.7, clip=whole)
        pen.line(f"M {x} {y + 10} L {x * 0.5:.1f} -24", shade, 4, 0.24, 2.4, clip=whole)  # the tendons
        for jx, jy, r in finger[1:2]:
            pen.line(
                f"M {jx - r * 0.5:.1f} {jy} Q {jx} {jy - 3} {jx + r * 0.5:.1f} {jy}", line, 1.5, 0.36, 0.6, clip=whole
            )


def _draw_folded(pen: Pen, persona: Persona, finger: Finger) -> None:
    """A finger bent over the palm: its knuckle on top, its nail towards the viewer."""
    light, skin, shade, line = persona.look.skin
    x, y, r = finger[0]
    shape = limb((x, y - 14, r + 0.5), (x - 1, y + 8, r), (x - 2, y + 30, r * 0.86))
    shadow = skia.Path(shape)
    shadow.offset(2, 4)
    pen.fill(shadow, line, 0.42, 4)
    pen.fill(
        shape,
        linear(
            x - r,
            y - 20,
            x + r,
            y + 20,
            (0, mixed(light, "#FFFFFF", 0.2), 1),
            (0.5, mixed(light, skin, 0.5), 1),
            (1, shade, 1),
        ),
    )
    pen.line(shape, line, 1.6, 0.42, 0.6)
    pen.line(f"M {x - r * 0.7:.1f} {y + 4} Q {x} {y + 7} {x + r * 0.7:.1f} {y + 4}", line, 1.5, 0.36, 0.6, clip=shape)
    nail = oval(x - 2, y + 32, r * 0.50, r * 0.60)
    pen.fill(nail, linear(0, y + 24, 0, y + 42, (0, "#F2BBA9", 1), (1, "#FFEFE7", 1)))
    pen.line(nail, line, 0.8, 0.35, 0.3)


def _draw_over(pen: Pen, persona: Persona, thumb: Finger) -> None:
    """The thumb that holds the folded fingers."""
    light, skin, shade, line = persona.look.skin
    shape = limb(*thumb)
    shadow = skia.Path(shape)
    shadow.offset(2, 5)
    pen.fill(shadow, line, 0.40, 4)
    pen.fill(
        shape,
        linear(
            -40, -90, 10, -30, (0, mixed(light, "#FFFFFF", 0.2), 1), (0.5, light, 1), (1, mixed(skin, shade, 0.5), 1)
        ),
    )
    pen.line(path("M -24 -8 C -44 -30 -54 -46 -48 -60 C -42 -70 -30 -80 -20 -86 L 4 -92"), line, 1.8, 0.45, 0.7)
    pen.line(path("M -14 -57 L 8 -67"), line, 1.8, 0.45, 0.7)
    nail = smooth([(-4, -86), (10, -90), (17, -84), (14, -75), (0, -75)], True)
    pen.fill(nail, linear(-4, -84, 18, -82, (0, "#F2BBA9", 1), (1, "#FFEFE7", 1)))
    pen.line(nail, line, 0.8, 0.35, 0.3)


def _draw_thumb_up(pen: Pen, persona: Persona) -> None:
    """A fist towards the viewer with the thumb up: four fingers lie across, the index uppermost."""
    light, skin, shade, line = persona.look.skin
    thumb: Finger = ((-2, -92, 21), (-10, -132, 16.5), (-14, -160, 15), (-17, -188, 11.5))
    body = smooth(
        [
            (-26, 40),
            (-32, 6),
            (-46, -8),
            (-50, -50),
            (-46, -92),
            (-22, -112),
            (16, -112),
            (44, -96),
            (54, -60),
            (50, -18),
            (32, 10),
            (28, 40),
        ],
        True,
    )
    whole = union(body, limb(*thumb))
    _fill_skin(pen, persona, whole)
    _shade_finger(pen, persona, thumb, nail=False, is_thumb=True)
    pen.line(smooth([(-24, -150), (-15, -156), (-4, -153)]), line, 1.6, 0.34, 0.6, clip=whole)
    pen.fill(oval(38, -58, 22, 46), mixed(shade, line, 0.2), 0.34, 12, clip=whole)
    for i, (y, left, right, r) in enumerate(
        ((-88, -36, 24, 15), (-62, -40, 28, 15), (-36, -38, 25, 14.5), (-12, -32, 18, 13))
    ):
        finger = limb((left, y, r), (right, y - 2, r * 0.92))
        shadow = skia.Path(finger)
        shadow.offset(1, 4)
        pen.fill(shadow, line, 0.45, 3)
        ink = linear(
            0,
            y - r,
            0,
            y + r,
            (0, mixed(light, "#FFFFFF", 0.25), 1),
            (0.45, light, 1),
            (1, mixed(skin, shade, 0.55), 1),
        )
        pen.fill(finger, ink)
        pen.line(finger, line, 1.3, 0.36, 0.5)
        pen.fill(oval(left + 2, y - 2, 10, 9), "#F0826E", 0.20, 5, clip=finger)
        pen.line(
            f"M {right - 20 + i} {y - r * 0.7:.1f} Q {right - 17 + i} {y} {right - 20 + i} {y + r * 0.7:.1f}",
            line,
            1.4,
            0.30,
            0.6,
            clip=finger,
        )
    fold = smooth([(24, -104), (40, -84), (44, -50), (38, -14), (24, 0)])
    pen.line(fold, line, 2.2, 0.34, 1.2, clip=whole)
