"""All 478 points of a face, its pose, and whether its eyes are closed: what the liveness check watches.

The same network as in `landmarks.py`, with every point kept and brought back into the picture, and beside it
MediaPipe's second network, which reads closed eyes from 146 of them. Both are run by LiteRT, because MediaPipe's
own runtime reports its use to its makers. It knows nobody and keeps nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter

from models.landmarks import SIDE_PX, SURE, upright_transform
from models.yunet import Face

POINTS: Final = 478
# The points that the second network reads (MediaPipe, face_blendshapes_graph.cc, "kLandmarksSubsetIdxs").
_READ: Final = (
    0, 1, 4, 5, 6, 7, 8, 10, 13, 14, 17, 21, 33, 37, 39, 40, 46, 52, 53, 54, 55, 58, 61, 63, 65, 66, 67, 70, 78, 80,
    81, 82, 84, 87, 88, 91, 93, 95, 103, 105, 107, 109, 127, 132, 133, 136, 144, 145, 146, 148, 149, 150, 152, 153,
    154, 155, 157, 158, 159, 160, 161, 162, 163, 168, 172, 173, 176, 178, 181, 185, 191, 195, 197, 234, 246, 249, 251,
    263, 267, 269, 270, 276, 282, 283, 284, 285, 288, 291, 293, 295, 296, 297, 300, 308, 310, 311, 312, 314, 317, 318,
    321, 323, 324, 332, 334, 336, 338, 356, 361, 362, 365, 373, 374, 375, 377, 378, 379, 380, 381, 382, 384, 385, 386,
    387, 388, 389, 390, 397, 398, 400, 402, 405, 409, 415, 454, 466, 468, 469, 470, 471, 472, 473, 474, 475, 476, 477,
)  # fmt: skip
_BLINKS: Final = (9, 10)  # of its 52 shares: left and right eye closed
_FOREHEAD, _CHIN, _CHEEK_RIGHT, _CHEEK_LEFT = 10, 152, 234, 454
_EYE_RIGHT, _EYE_LEFT = (33, 133), (362, 263)  # corners
_NOSE, _MOUTH_RIGHT, _MOUTH_LEFT = 1, 61, 291


@dataclass(frozen=True, slots=True, kw_only=True)
class Mesh:
    """One face. `points` (478, 3) float64 in pixels of the picture, z towards the back of the head; never kept."""

    points: npt.NDArray[np.float64] = field(repr=False, compare=False)
    sure: float  # [0, 1] that it is a face
    blink: float  # [0, 1], 1: both eyes closed
    yaw_deg: float  # positive: the right cheek (the person's) comes nearer
    pitch_deg: float
    roll_deg: float  # in the picture

    def five(self) -> npt.NDArray[np.float32]:
        """(5, 2) as the detector gives them: right eye, left eye, nose, right and left mouth corner."""
        flat = self.points[:, :2]
        rows = [flat[list(_EYE_RIGHT)].mean(0), flat[list(_EYE_LEFT)].mean(0), flat[_NOSE], flat[_MOUTH_RIGHT],
                flat[_MOUTH_LEFT]]  # fmt: skip
        return np.asarray(rows, np.float32)

    def around(self) -> Face:
        """The face as the detector would box it, from the points: where to look in the next picture."""
        flat = self.points[:468, :2]
        low, high = flat.min(0), flat.max(0)
        (x, y), (w, h) = low, high - low
        return Face(x=float(x), y=float(y - 0.06 * h), w=float(w), h=float(1.06 * h), landmarks=self.five(),
                    score=self.sure)  # fmt: skip


class FaceMesh:
    """Looks at one face at a time. About 9 ms a look; one thread calls it."""

    def __init__(self, landmarks: Path, blendshapes: Path) -> None:
        """`landmarks`, `blendshapes`: folders of the models face-landmarks and face-blendshapes."""
        self._mesh = _opened(landmarks / "face_landmarks.tflite")
        by_name = {row["name"]: row["index"] for row in self._mesh.get_output_details()}
        self._points, self._chance = by_name["Identity"], by_name["Identity_1"]
        self._lids = _opened(blendshapes / "face_blendshapes.tflite")
        self._shares = self._lids.get_output_details()[0]["index"]

    def look(self, bgr: npt.NDArray[np.uint8], face: Face) -> Mesh | None:
        """The points of `face`, found in `bgr` (h, w, 3) by the detector; None where there is no face after all."""
        into = upright_transform(face)
        upright = cv2.warpAffine(bgr, into, (SIDE_PX, SIDE_PX))
        rgb = np.asarray(upright, np.float32)[None, :, :, ::-1] / np.float32(255)
        self._mesh.set_tensor(self._mesh.get_input_details()[0]["index"], np.ascontiguousarray(rgb))
        self._mesh.invoke()
        odds = float(self._mesh.get_tensor(self._chance).ravel()[0])
        sure = 1 / (1 + float(np.exp(-np.clip(odds, -50, 50))))
        if sure < SURE:
            return None
        inner = np.asarray(self._mesh.get_tensor(self._points), np.float64).reshape(POINTS, 3)
        across, down = inner[_CHEEK_LEFT] - inner[_CHEEK_RIGHT], inner[_CHIN] - inner[_FOREHEAD]
        points = _back(inner, into)
        eyes = points[list(_EYE_LEFT), :2].mean(0) - points[list(_EYE_RIGHT), :2].mean(0)
        return Mesh(
            points=points,
            sure=sure,
            blink=self._blink(inner),
            yaw_deg=float(np.degrees(np.arctan2(across[2], across[0]))),
            pitch_deg=float(np.degrees(np.arctan2(down[2], down[1]))),
            roll_deg=float(np.degrees(np.arctan2(eyes[1], eyes[0]))),
        )

    def _blink(self, inner: npt.NDArray[np.float64]) -> float:
        read = np.ascontiguousarray(inner[list(_READ), :2][None], np.float32)
        self._lids.set_tensor(self._lids.get_input_details()[0]["index"], read)
        self._lids.invoke()
        shares = self._lids.get_tensor(self._shares).ravel()
        return float(np.mean([shares[row] for row in _BLINKS]))


def _opened(path: Path) -> Any:
    network = Interpreter(model_path=str(path), num_threads=1)
    network.allocate_tensors()
    return network


def _back(inner: npt.NDArray[np.float64], into: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """From the network's picture to the given one; depth by the same scale."""
    turn = into[:, :2]
    flat = (inner[:, :2] - into[:, 2]) @ np.linalg.inv(turn).T
    scale = float(np.sqrt(abs(np.linalg.det(turn))))
    return np.column_stack([flat, inner[:, 2] / scale])
