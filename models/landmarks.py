"""Where the mouth is and how far it is open: the points of a face, for knowing whose lips move.

MediaPipe's network of 478 points, run by LiteRT: MediaPipe's own runtime reports its use to its makers
over the network, which a terminal must not. It knows nobody; what it returns are three proportions and
angles.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter

from models.yunet import Face

SIDE_PX: Final = 256  # of the network's picture
AROUND: Final = 1.5  # times the face's longer side, as MediaPipe cuts it
SURE: Final = 0.5  # chance of a face; below, there is none
# Of the 478 points of the face mesh (MediaPipe, "Face landmark detection guide").
_LIP_ABOVE, _LIP_BELOW, _FOREHEAD, _CHIN, _CHEEK_RIGHT, _CHEEK_LEFT = 13, 14, 10, 152, 234, 454
_EYES: Final = ((33, 133, 468), (362, 263, 473))  # corners to the picture's left and right, middle of the iris
_POINTS: Final = 478
_RIGHT_EYE, _LEFT_EYE = 0, 1  # of the detector's five landmarks


@dataclass(frozen=True, slots=True, kw_only=True)
class Landmarks:
    """The mouth and the pose of one face."""

    lip_gap: float  # between the inner lips, over the height of the face
    yaw_deg: float  # to the right of the picture is positive; 0 looks into the camera
    pitch_deg: float  # up or down
    gaze: float = 0.0  # the pupils off the middle of the eyes, -1 to 1 from corner to corner; the same side as yaw


class FaceLandmarks:
    """Looks at one face at a time. About 7 ms a look; one thread calls it."""

    def __init__(self, folder: Path) -> None:
        self._network: Any = Interpreter(model_path=str(folder / "face_landmarks.tflite"), num_threads=1)
        self._network.allocate_tensors()
        self._input = self._network.get_input_details()[0]["index"]
        by_name = {row["name"]: row["index"] for row in self._network.get_output_details()}
        self._points, self._chance = by_name["Identity"], by_name["Identity_1"]

    def look(self, bgr: npt.NDArray[np.uint8], face: Face) -> Landmarks | None:
        """The mouth of `face`, found in `bgr` (h, w, 3) by the detector; None where there is no face after all."""
        upright = cv2.warpAffine(bgr, upright_transform(face), (SIDE_PX, SIDE_PX))
        rgb = np.asarray(upright, np.float32)[None, :, :, ::-1] / np.float32(255)
        self._network.set_tensor(self._input, np.ascontiguousarray(rgb))
        self._network.invoke()
        odds = float(self._network.get_tensor(self._chance).ravel()[0])
        if 1 / (1 + np.exp(-np.clip(odds, -50, 50))) < SURE:
            return None
        return _landmarks(np.asarray(self._network.get_tensor(self._points), np.float64).reshape(_POINTS, 3))


def upright_transform(face: Face) -> npt.NDArray[np.float64]:
    """(2, 3) from the picture to the network's: eyes level, the face in the middle."""
    right_eye, left_eye = face.landmarks[_RIGHT_EYE], face.landmarks[_LEFT_EYE]
    angle = float(np.arctan2(left_eye[1] - right_eye[1], left_eye[0] - right_eye[0]))
    scale = SIDE_PX / (AROUND * max(face.w, face.h, 1.0))
    cos, sin = scale * np.cos(-angle), scale * np.sin(-angle)
    x, y = face.x + face.w / 2, face.y + face.h / 2
    return np.array([[cos, -sin, SIDE_PX / 2 - cos * x + sin * y], [sin, cos, SIDE_PX / 2 - sin * x - cos * y]])


def _landmarks(points: npt.NDArray[np.float64]) -> Landmarks:
    """`points` (478, 3) in pixels, z towards the back of the head."""
    across, down = points[_CHEEK_LEFT] - points[_CHEEK_RIGHT], points[_CHIN] - points[_FOREHEAD]
    return Landmarks(
        lip_gap=float(np.linalg.norm((points[_LIP_BELOW] - points[_LIP_ABOVE])[:2]))
        / max(1e-6, float(np.linalg.norm(down[:2]))),
        yaw_deg=float(np.degrees(np.arctan2(across[2], across[0]))),
        pitch_deg=float(np.degrees(np.arctan2(down[2], down[1]))),
        gaze=float(np.mean([_gaze(points, *eye) for eye in _EYES])),
    )


def _gaze(points: npt.NDArray[np.float64], left: int, right: int, iris: int) -> float:
    """How far the iris is from the middle of its eye; to the picture's right is positive, as yaw is."""
    across = points[right, :2] - points[left, :2]
    off = points[iris, :2] - (points[right, :2] + points[left, :2]) / 2
    return float(np.clip(2 * (off @ across) / max(1e-6, float(across @ across)), -1, 1))
