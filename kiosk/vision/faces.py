"""A face in one picture, as numbers: where, how near, which way it looks. Pure; holds no picture, knows nobody.

How near: by the face's width and by the distance of the eyes, whichever says nearer. A turned head brings the eyes
together and hardly narrows the box; a hat, hair or a mask change the box and not the eyes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from config.schema import Seeing
from models.landmarks import Landmarks
from models.yunet import Face

EYES_TO_FACE: Final = 2.05  # a detector's box is so many eye distances wide, seen from the front
ASIDE_FACING: Final = 0.26  # nose off the middle of the eyes, in eye distances: further, the head is turned away
GAZE_DEG: Final = 35.0  # eyes turned from corner to corner, one way


@dataclass(frozen=True, slots=True)
class Pose:
    """Which way one face looks and how far its mouth is open, by the points of the face."""

    yaw_deg: float
    pitch_deg: float  # as the network gives it: about 10 for one who looks straight into the camera
    gaze: float = 0.0  # of the eyes within the face, -1 to 1, the same side as yaw
    lip_gap: float = 0.0


@dataclass(frozen=True, slots=True)
class SeenFace:
    """A face in fractions of the picture: centre 0..1, width as share of the picture's width."""

    x: float
    y: float
    share: float
    eyes: float = 0.0  # distance of the eyes, share of the picture's width; 0: not known
    aside: float = 0.0  # the nose off the middle of the eyes, in eye distances
    score: float = 1.0
    pose: Pose | None = None

    @property
    def near(self) -> float:
        """How near: as `share`, corrected by the eyes."""
        return max(self.share, EYES_TO_FACE * self.eyes)

    def facing(self, seeing: Seeing) -> bool:
        """Does it look at the screen?"""
        if self.pose is None:
            return abs(self.aside) <= ASIDE_FACING
        turned = self.pose.yaw_deg + GAZE_DEG * self.pose.gaze
        return (
            abs(turned) <= seeing.facing_yaw_deg
            and abs(self.pose.yaw_deg) <= seeing.facing_yaw_deg
            and abs(self.pose.pitch_deg) <= seeing.facing_pitch_deg
        )


def seen(face: Face, width_px: int, height_px: int) -> SeenFace:
    """What the detector found in a picture of that size."""
    right, left, nose = face.landmarks[0], face.landmarks[1], face.landmarks[2]
    across = left - right
    apart = float((across @ across) ** 0.5)
    aside = float((nose - (right + left) / 2) @ across) / max(1.0, apart * apart)
    return SeenFace(
        (face.x + face.w / 2) / width_px, (face.y + face.h / 2) / height_px, face.w / width_px,
        eyes=apart / width_px, aside=aside, score=face.score,
    )  # fmt: skip


def pose_of(points: Landmarks) -> Pose:
    return Pose(points.yaw_deg, points.pitch_deg, points.gaze, points.lip_gap)
