"""Is this the same face? SFace: a face becomes 128 numbers, two faces one cosine.

It compares; it does not decide who somebody is, and it does not know a picture from a person.
Alignment and preparation as in OpenCV's FaceRecognizerSF (the network subtracts and scales itself).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from models.sessions import open_session
from models.yunet import Face

SIDE_PX: Final = 112
# Where the five landmarks of an upright face lie in the aligned picture (ArcFace's template,
# Deng et al. 2019, as used by OpenCV's FaceRecognizerSF).
TEMPLATE_PX: Final = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)


class SFace:
    """Turns aligned faces into templates. A template is personal data: it stays on the terminal."""

    def __init__(self, folder: Path, threads: int = 1) -> None:
        self._session = open_session(folder / "sface.onnx", threads, shapes="one")

    def template(self, bgr: npt.NDArray[np.uint8], face: Face) -> npt.NDArray[np.float32]:
        """(128,) float32 of length one, for a face found in `bgr` (h, w, 3)."""
        aligned = cv2.warpAffine(bgr, similarity_transform(face.landmarks, TEMPLATE_PX), (SIDE_PX, SIDE_PX))
        rgb = np.asarray(aligned)[:, :, ::-1].transpose(2, 0, 1)[None]
        (features,) = self._session.run(None, {"data": np.ascontiguousarray(rgb, np.float32)})
        vector = np.asarray(features[0], np.float32)
        return np.asarray(vector / np.linalg.norm(vector), np.float32)


def similarity(a: npt.NDArray[np.float32], b: npt.NDArray[np.float32]) -> float:
    """Cosine of two templates, in [-1, 1]."""
    return float(a @ b)


def similarity_transform(points: npt.NDArray[np.float32], onto: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(2, 3) turn, scale and shift that brings `points` (n, 2) nearest to `onto` (n, 2), in least squares.

    Umeyama, "Least-squares estimation of transformation parameters between two point patterns", 1991.
    """
    source = points.astype(np.float64)
    source_mean, onto_mean = source.mean(axis=0), onto.mean(axis=0)
    centred = source - source_mean
    u, singular, v_transposed = np.linalg.svd((onto - onto_mean).T @ centred / len(source))
    signs = np.array([1.0, np.sign(np.linalg.det(u) * np.linalg.det(v_transposed))])
    turn = u @ np.diag(signs) @ v_transposed
    scale = (singular * signs).sum() / centred.var(axis=0).sum()
    return np.hstack([scale * turn, (onto_mean - scale * turn @ source_mean)[:, None]])
