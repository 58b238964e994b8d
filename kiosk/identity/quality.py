"""Is this picture of a face good enough to say yes or no by? If not: what should the visitor do about it?

Pure: pixels and points in, figures and advice out. It compares nobody. A poor picture may still be like a good one;
what it may not do is tell somebody that they are not themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import cv2
import numpy as np
import numpy.typing as npt

from models.mesh import Mesh
from models.sface import SIDE_PX, TEMPLATE_PX, similarity_transform
from models.thresholds import load

Advice = Literal[
    "no_face", "one_person", "closer", "farther", "more_light", "less_light", "even_light", "hold_still", "look_here",
    "straighten", "uncover_mouth", "uncover_eyes",
]  # fmt: skip
HARD: Final[frozenset[Advice]] = frozenset({"no_face", "one_person", "closer", "uncover_mouth", "uncover_eyes"})
"""With these a picture is not compared at all; with the others it may say yes, never no."""
SMALL_PX: Final = 64  # sides of the picture in which covered parts are looked for
COVERED_CHROMA: Final = 26.0  # distance in Lab between lower and upper face beyond which the lower one is cloth
DARK_EYES: Final = 0.42  # light around the eyes over the light of forehead and cheeks
PITCH_USUAL_DEG: Final = 0.0
# Points of the mesh: what a mask covers, what glasses cover, and skin that neither does.
_LOWER: Final = (164, 18, 200, 199, 50, 280, 205, 425, 212, 432)
_UPPER: Final = (151, 9, 108, 337, 69, 299)
_EYES: Final = (159, 145, 386, 374, 65, 295, 119, 348)
_BRIGHT: Final = (151, 9, 108, 337, 205, 425)
_PATCH: Final = 0.035  # of the face's width: radius around each point

Picture = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """Figures of one face in one picture. No picture is kept."""

    eyes_px: float  # between the eyes
    eyes_share: float  # of the picture's width
    sharp: float  # see models/thresholds/face.toml
    light: float  # mean of the face, 0 to 255
    uneven: float  # 0: both halves alike
    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    mouth_covered: bool
    eyes_covered: bool

    @property
    def worth(self) -> float:
        """Which of several frames to take, higher is better: sharp, straight, large, well lit."""
        straight = max(0.0, 1 - (abs(self.yaw_deg) + abs(self.pitch_deg)) / 60)
        lit = 1.0 - min(1.0, abs(self.light - 125) / 125)
        return min(1.0, self.sharp / 0.06) + straight + min(1.0, self.eyes_px / 90) + 0.5 * lit


def measure(bgr: Picture, mesh: Mesh) -> Quality:
    """Figures of the face with these points in `bgr` (h, w, 3)."""
    five = mesh.five()
    eyes_px = float(np.linalg.norm(five[1] - five[0]))
    aligned = np.asarray(cv2.warpAffine(bgr, similarity_transform(five, TEMPLATE_PX), (SIDE_PX, SIDE_PX)), np.uint8)
    grey = np.asarray(cv2.cvtColor(aligned, cv2.COLOR_BGR2GRAY), np.float64)
    inner = grey[28:106, 18:94]
    left, right = float(inner[:, :38].mean()), float(inner[:, 38:].mean())
    mouth, eyes = _covered(bgr, mesh)
    return Quality(
        eyes_px=eyes_px,
        eyes_share=eyes_px / bgr.shape[1],
        sharp=sharpness(inner),
        light=float(inner.mean()),
        uneven=abs(left - right) / max(1.0, left + right),
        yaw_deg=mesh.yaw_deg,
        pitch_deg=mesh.pitch_deg - PITCH_USUAL_DEG,
        roll_deg=mesh.roll_deg,
        mouth_covered=mouth,
        eyes_covered=eyes,
    )


def sharpness(grey: npt.NDArray[np.float64]) -> float:
    """Energy of second differences over the variance, in the direction where it is least: motion blurs only one."""
    variance = float(grey.var()) + 4.0  # noise of a black picture is not sharp
    steps = (
        grey[:, 2:] - 2 * grey[:, 1:-1] + grey[:, :-2],
        grey[2:] - 2 * grey[1:-1] + grey[:-2],
        (grey[2:, 2:] - 2 * grey[1:-1, 1:-1] + grey[:-2, :-2]) / 2,
        (grey[2:, :-2] - 2 * grey[1:-1, 1:-1] + grey[:-2, 2:]) / 2,
    )
    return min(float((step**2).mean()) for step in steps) / variance


def judge(quality: Quality) -> tuple[Advice, ...]:
    """What is wrong, the gravest first; nothing: the picture may be compared for yes and for no."""
    gate = {name: row.value for name, row in load("face").items()}
    rows: tuple[tuple[bool, Advice], ...] = (
        (quality.eyes_px < gate["eyes_px"], "closer"),
        (quality.eyes_share > gate["eyes_most"], "farther"),
        (quality.mouth_covered, "uncover_mouth"),
        (quality.eyes_covered, "uncover_eyes"),
        (quality.light < gate["dark"], "more_light"),
        (quality.light > gate["bright"], "less_light"),
        (quality.uneven > gate["uneven"], "even_light"),
        (abs(quality.yaw_deg) > gate["yaw"] or abs(quality.pitch_deg) > gate["pitch"], "look_here"),
        (abs(quality.roll_deg) > gate["roll"], "straighten"),
        (quality.sharp < gate["sharp"], "hold_still"),
    )
    return tuple(advice for wrong, advice in rows if wrong)


def _covered(bgr: Picture, mesh: Mesh) -> tuple[bool, bool]:
    """Whether something lies over mouth and nose, or dark glasses over the eyes: by colour, of points that should be
    skin."""
    radius = max(1, round(_PATCH * float(np.ptp(mesh.points[:468, 0]))))
    lab = {name: _colours(bgr, mesh, points, radius) for name, points in
           (("lower", _LOWER), ("upper", _UPPER), ("eyes", _EYES), ("bright", _BRIGHT))}  # fmt: skip
    if any(not len(colours) for colours in lab.values()):
        return False, False
    lower, upper = np.median(lab["lower"], axis=0), np.median(lab["upper"], axis=0)
    chroma = float(np.hypot(*(lower[1:] - upper[1:])))
    evened = float(np.hypot(0.25 * (lower[0] - upper[0]), chroma))
    eyes = float(np.median(lab["eyes"][:, 0])) / max(1.0, float(np.median(lab["bright"][:, 0])))
    return evened > COVERED_CHROMA, eyes < DARK_EYES


def _colours(bgr: Picture, mesh: Mesh, points: tuple[int, ...], radius: int) -> npt.NDArray[np.float64]:
    """(n, 3) Lab around each of the points that lies inside the picture."""
    found = []
    for x, y in mesh.points[list(points), :2]:
        left, top = int(x) - radius, int(y) - radius
        patch = bgr[max(0, top) : top + 2 * radius + 1, max(0, left) : left + 2 * radius + 1]
        if patch.size:
            mean = patch.reshape(-1, 3).mean(axis=0).astype(np.uint8)
            found.append(cv2.cvtColor(mean[None, None], cv2.COLOR_BGR2LAB)[0, 0])
    return np.asarray(found, np.float64).reshape(-1, 3)
