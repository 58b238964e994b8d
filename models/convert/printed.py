"""The two networks for printed lines: taken as they are packaged."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

PACKAGED: Final = Path("rapidocr/rapidocr/models")
NETWORKS: Final = {"PP-OCRv6_det_small.onnx": "find.onnx", "PP-OCRv6_rec_small.onnx": "read.onnx"}


def convert(inputs: Path, results: Path) -> None:
    """Copy find.onnx and read.onnx to `results`."""
    for packaged, ours in NETWORKS.items():
        shutil.copyfile(inputs / PACKAGED / packaged, results / ours)
