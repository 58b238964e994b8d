"""The forearm and hand of a gesture. The upper arm belongs to the torso."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

import skia

from avatar.ink import Joint, Pen, limb, linear, oval, path, union
from avatar.personas import Persona
from avatar.pose import GestureName

HandKind = Literal["open", "closed", "back"]

_OPEN_FINGERS: Final[tuple[tuple[Joint, Joint, Joint], ...]] = (
    ((-29, -88, 13.5), (-39, -132, 12.5), (-46, -170, 10.5)),
    ((-8, -96, 14), (-11, -146, 13), (-13, -191, 11)),
    ((14, -92, 13.5), (20, -139, 12.5), (25, -177, 10.5)),
    ((34, -80, 12), (47, -116, 11), (57, -147, 9)),
)
_CLOSED_FINGERS: Final[tuple[tuple[Joint, Joint, Joint], ...]] = (
    ((-28, -88, 14), (-27, -130, 13), (-23, -166, 11)),
    ((-7, -94, 14.5), (-6, -142, 13.5), (-4, -182, 11.5)),
    ((14, -92, 14), (15, -136, 13), (14, -172, 11)),
    ((33, -82, 12.5), (35, -114, 11.5), (33, -146, 9.5)),
)


@dataclass(frozen=True, slots=True)
class Reach:
    """Where a gesture holds the forearm, in bust space, and how the hand looks."""

    elbow: tuple[float, float]
    wrist: tuple[float, float]
    hand_angle: float  # degrees
    kind: HandKind
    hand_scale: float = 1.16


REACHES: Final[dict[GestureName, Reach]] = {
    "wave": Reach((262, 660), (356, 400), 12, "open"),
    "present": Reach((258, 680), (372, 440), 54, "closed"),
    "stop": Reach((276, 690), (286, 412), 4, "closed", 1.2),
    "heart": Reach((258, 600), (116, 486), -58, "back", 1.02),
}


def draw_arm(pen: Pen, persona: Persona, reach: Reach) -> None:
    """Draw the forearm in its sleeve, the cuff and the hand."""
    lit, base, shade = persona.coat
    (elbow_x, elbow_y), (wrist_x, wrist_y) = reach.elbow, reach.wrist
    sleeve = limb((elbow_x, elbow_y, 60), (wrist_x, wrist_y, 41))
    pen.fill(sleeve, shade, 0.45, 12)
    left, right = min(elbow_x, wrist_x) - 60, max(elbow_x, wrist_x) + 60
    pen.fill(sleeve, linear(left, 0, right, 0, (0, base, 1), (0.55, lit, 1), (1, base, 1)))
    for dx, dy, mid_y, end_x, end_y, width, alpha in (
        (-40, -30, -8, 30, -22, 4, 0.5),
        (-30, -62, -44, 38, -58, 3, 0.35),
    ):
        fold = f"M {elbow_x + dx} {elbow_y + dy} Q {elbow_x - 4} {elbow_y + mid_y} {elbow_x + end_x} {elbow_y + end_y}"
        pen.line(fold, shade, width, alpha, clip=sleeve)
    canvas = pen.canvas
    canvas.save()
    canvas.translate(wrist_x, wrist_y)
    canvas.rotate(reach.hand_angle)
    canvas.scale(-reach.hand_scale if reach.kind == "back" else reach.hand_scale, reach.hand_scale)
    canvas.save()
    canvas.translate(0, -14)
    _draw_hand(pen, persona, reach.kind)
    canvas.restore()
    pen.fill("M -34 -4 C -20 -12 20 -12 34 -4 L 36 26 C 18 34 -18 34 -36 26 Z", persona.shirt)
    pen.line("M -34 -2 C -20 -10 20 -10 34 -2", "#B9B2A2", 2, 0.8)
    pen.fill("M -37 12 C -18 22 18 22 37 12 L 37 44 L -37 44 Z", base)
    canvas.restore()


def _draw_hand(pen: Pen, persona: Persona, kind: HandKind) -> None:
    """A hand with its wrist at (0, 0), fingers up, thumb to the left. 'open' and 'closed' show the palm."""
    light, base, shade, line = persona.skin
    fingers = _OPEN_FINGERS if kind == "open" else _CLOSED_FINGERS
    if kind == "open":
        thumb = limb((-26, -30, 22), (-56, -64, 15.5), (-72, -100, 11.5))
    else:
        thumb = limb((-26, -30, 22), (-52, -66, 15), (-58, -104, 11.5))
    palm = union(
        limb((-14, 6, 24), (-20, -66, 32)),
        limb((12, 6, 24), (24, -66, 29)),
        limb((-20, -66, 32), (24, -66, 29)),
        limb((-4, -80, 30), (10, -40, 40)),
    )
    hand = union(palm, thumb, *(limb(*finger) for finger in fingers))
    pen.fill(hand, linear(-60, -180, 50, 20, (0, light, 1), (0.55, base, 1), (1, shade, 1)))
    reach = 0.8 if kind == "open" else 1.5
    for a, b in pairwise(fingers):  # gaps between fingers are soft creases
        mid_x, mid_y = (a[0][0] + b[0][0]) / 2, (a[0][1] + b[0][1]) / 2
        tip_x, tip_y = (a[1][0] + b[1][0]) / 2, (a[1][1] + b[1][1]) / 2
        crease = f"M {mid_x} {mid_y - 8} L {mid_x + (tip_x - mid_x) * reach:.1f} {mid_y + (tip_y - mid_y) * reach:.1f}"
        pen.line(crease, line, 2.2, 0.55, clip=hand)
    if kind == "back":
        _draw_nails(pen, hand, fingers, line)
    else:
        pen.line("M -40 -66 C -20 -62 10 -64 44 -80", line, 2.4, 0.28, clip=hand)
        pen.line("M -44 -52 C -22 -46 6 -34 12 -2", line, 2.4, 0.28, clip=hand)
        pen.fill(oval(-30, -36, 20, 26), "#F2A48E", 0.22, 8, clip=hand)
    for finger in fingers:
        pen.fill(oval(finger[2][0], finger[2][1] + 2, 8, 10), "#F2A48E", 0.16, 5, clip=hand)


def _draw_nails(pen: Pen, hand: skia.Path, fingers: tuple[tuple[Joint, Joint, Joint], ...], line: str) -> None:
    for x, y, radius in [*(finger[2] for finger in fingers), (-59, -106, 9.5)]:
        pen.fill(oval(x, y - 3, radius * 0.52, radius * 0.70), "#FBEDE6", 0.9, 0.4, clip=hand)
    for (x, y, _), _, _ in fingers:
        pen.line(path(f"M {x - 6} {y + 2} Q {x} {y - 4} {x + 6} {y + 2}"), line, 2, 0.28, 0.4, clip=hand)
