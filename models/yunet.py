"""Where are faces in this picture? YuNet, small enough to look several times a second.

Decoding after the YuNet paper (Wu et al., "YuNet: A Tiny Millisecond-level Face Detector", 2023):
three grids of strides 8, 16, 32; per cell a class and an object score, a box and five landmarks.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from models.sessions import open_session

STRIDES_PX: Final = (8, 16, 32)
MOST_FACES: Final = 32
_LARGEST_STRIDE_PX: Final = STRIDES_PX[-1]

cv2.setNumThreads(1)  # its threads would compete with the networks' for the same two cores


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """One face, in pixels of the picture that was given."""

    x: float
    y: float
    w: float
    h: float
    landmarks: npt.NDArray[
        np.float32
    ]  # (5, 2) x, y: right eye, left eye (the person's), nose, right and left mouth corner
    score: float  # [0, 1]


class YuNet:
    """Finds faces from about 1/25 of the picture's longer side upwards (10 px at 320)."""

    def __init__(
        self,
        folder: Path,
        long_side_px: int = 320,
        *,
        score_min: float = 0.6,
        overlap_max: float = 0.3,
        threads: int = 1,
    ) -> None:
        self._session = open_session(folder / "yunet.onnx", threads, shapes="one")
        self._names = [f"{part}_{stride}" for stride in STRIDES_PX for part in ("cls", "obj", "bbox", "kps")]
        self.long_side_px, self.score_min, self.overlap_max = long_side_px, score_min, overlap_max

    def detect(self, bgr: npt.NDArray[np.uint8]) -> tuple[Face, ...]:
        """Faces in a picture (h, w, 3) uint8, blue first; the surest first, MOST_FACES at most."""
        height_px, width_px = bgr.shape[:2]
        scale = min(1.0, self.long_side_px / max(height_px, width_px))
        picture = self._fit(bgr, scale)
        feed = np.ascontiguousarray(picture.transpose(2, 0, 1)[None], np.float32)
        outputs = dict(zip(self._names, self._session.run(self._names, {"input": feed}), strict=True))
        rows, cells = feed.shape[2], feed.shape[3]
        found = np.concatenate([self._decode(outputs, stride, rows, cells) for stride in STRIDES_PX])
        found = found[found[:, 14] >= self.score_min]
        kept = _without_overlaps(found, self.overlap_max)
        kept[:, :14] /= scale
        return tuple(
            Face(
                x=float(row[0]), y=float(row[1]), w=float(row[2]), h=float(row[3]),
                landmarks=row[4:14].reshape(5, 2).astype(np.float32), score=float(row[14]),
            )
            for row in kept
        )  # fmt: skip

    def _fit(self, bgr: npt.NDArray[np.uint8], scale: float) -> npt.NDArray[np.uint8]:
        """Scaled, and filled with black on the right and below up to whole cells of the coarsest grid."""
        if scale < 1.0:
            size = (max(1, round(bgr.shape[1] * scale)), max(1, round(bgr.shape[0] * scale)))
            bgr = np.asarray(cv2.resize(bgr, size, interpolation=cv2.INTER_AREA), np.uint8)
        height_px, width_px = (-(-side // _LARGEST_STRIDE_PX) * _LARGEST_STRIDE_PX for side in bgr.shape[:2])
        if (height_px, width_px) == bgr.shape[:2]:
            return bgr
        filled = np.zeros((height_px, width_px, 3), np.uint8)
        filled[: bgr.shape[0], : bgr.shape[1]] = bgr
        return filled

    def _decode(
        self, outputs: dict[str, npt.NDArray[np.float32]], stride: int, height_px: int, width_px: int
    ) -> npt.NDArray[np.float32]:
        """Rows (n, 15): x, y, w, h, ten of landmarks, score, of the cells that may pass."""
        chance = np.clip(outputs[f"cls_{stride}"][0, :, 0], 0, 1) * np.clip(outputs[f"obj_{stride}"][0, :, 0], 0, 1)
        picked = np.flatnonzero(chance >= self.score_min**2)
        columns = width_px // stride
        corner = np.stack([picked % columns, picked // columns], axis=1).astype(np.float32)
        box = outputs[f"bbox_{stride}"][0, picked]
        centre = (corner + box[:, :2]) * stride
        size = np.exp(box[:, 2:]) * stride
        points = outputs[f"kps_{stride}"][0, picked].reshape(-1, 5, 2) + corner[:, None]
        score = np.sqrt(chance[picked])[:, None]
        return np.concatenate([centre - size / 2, size, points.reshape(-1, 10) * stride, score], axis=1)


def _without_overlaps(rows: npt.NDArray[np.float32], overlap_max: float) -> npt.NDArray[np.float32]:
    """The surest of rows that overlap by more than `overlap_max` (intersection over union)."""
    rows = rows[np.argsort(-rows[:, 14], kind="stable")]
    kept: list[int] = []
    areas = rows[:, 2] * rows[:, 3]
    for i in range(len(rows)):
        if len(kept) == MOST_FACES:
            break
        if kept:
            low = np.maximum(rows[i, :2], rows[kept, :2])
            high = np.minimum(rows[i, :2] + rows[i, 2:4], rows[kept, :2] + rows[kept, 2:4])
            shared = np.prod(np.clip(high - low, 0, None), axis=1)
            if np.any(shared > overlap_max * (areas[i] + areas[kept] - shared)):
                continue
        kept.append(i)
    return rows[kept].copy()
