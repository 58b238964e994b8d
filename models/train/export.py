"""The fitted network as an int8 ONNX graph, with what the run time needs beside it.

Graph: `features (n,)` int64 and `shares (n,)` float32 of one sentence in, `logits (labels,)` out.
The embedding is int8 with one scale a column and is dequantised row by row after the look-up, so a
sentence touches only its own rows.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from models.train.network import Floats, Weights

OPSET: Final = 17
IR_VERSION: Final = 9


def quantise_columns(array: Floats) -> tuple[npt.NDArray[np.int8], Floats]:
    """Symmetric int8 with one scale a column: `array ~ values * scales`. Columns of zeros get scale 1."""
    reach = np.abs(array).max(axis=0)
    scales = np.where(reach > 0, reach / 127.0, 1.0).astype(np.float32)
    return np.clip(np.rint(array / scales), -127, 127).astype(np.int8), scales


def _constant(name: str, array: npt.NDArray[Any]) -> Any:
    return numpy_helper.from_array(array, name)


def build_graph(weights: Weights) -> Any:
    """The ONNX model of `weights`; checked by `onnx.checker`."""
    embedding, scales = quantise_columns(weights.embedding)
    output, output_scales = quantise_columns(weights.output)
    nodes = [
        helper.make_node("Gather", ["embedding", "features"], ["rows_int8"], axis=0),
        helper.make_node("Cast", ["rows_int8"], ["rows"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["shares", "axis0"], ["shares_row"]),
        helper.make_node("MatMul", ["shares_row", "rows"], ["summed"]),
        helper.make_node("Mul", ["summed", "embedding_scale"], ["scaled"]),
        helper.make_node("Add", ["scaled", "hidden_bias"], ["raw"]),
        helper.make_node("Relu", ["raw"], ["hidden"]),
        helper.make_node("Cast", ["output"], ["output_float"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["hidden", "output_float"], ["mixed"]),
        helper.make_node("Mul", ["mixed", "output_scale"], ["mixed_scaled"]),
        helper.make_node("Add", ["mixed_scaled", "bias"], ["logits_row"]),
        helper.make_node("Squeeze", ["logits_row", "axis0"], ["logits"]),
    ]
    constants: dict[str, npt.NDArray[Any]] = {
        "embedding": embedding, "embedding_scale": scales, "hidden_bias": weights.hidden_bias,
        "output": output, "output_scale": output_scales, "bias": weights.bias, "axis0": np.array([0], np.int64),
    }  # fmt: skip
    graph = helper.make_graph(
        nodes,
        "intent",
        [
            helper.make_tensor_value_info("features", TensorProto.INT64, ["n"]),
            helper.make_tensor_value_info("shares", TensorProto.FLOAT, ["n"]),
        ],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [weights.bias.shape[0]])],
        [_constant(name, array) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    onnx.checker.check_model(model)
    return model


def save_graph(weights: Weights, path: Path) -> None:
    """Write the graph beside its place and move it there, so that no half-written file is ever read."""
    partial = path.with_suffix(".partial")
    partial.write_bytes(build_graph(weights).SerializeToString())
    partial.replace(path)
