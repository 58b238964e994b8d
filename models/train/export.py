"""The fitted network as an int8 ONNX graph, with what the run time needs beside it.

Graph: `features (n,)` int64, `shares (n,)` float32 and `meaning (m,)` float32 of one sentence in, `logits (labels,)`
out. The embedding is int8 with one scale a column and is dequantised row by row after the look-up, so a
sentence touches only its own rows.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from models.intent_features import BUCKETS
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
    constants: dict[str, npt.NDArray[Any]] = {"axis0": np.array([0], np.int64), "bias": np.asarray(weights.bias)}
    nodes: list[Any] = []

    def add(kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def times(x: str, name: str, matrix: Floats) -> str:
        constants[name], constants[f"{name}_scale"] = quantise_columns(matrix)
        add("Cast", [name], f"{name}_float", to=TensorProto.FLOAT)
        add("MatMul", [x, f"{name}_float"], f"{name}_product")
        return add("Mul", [f"{name}_product", f"{name}_scale"], f"{name}_scaled")

    def rectified(x: str, name: str, bias: Floats) -> str:
        constants[f"{name}_bias"] = bias
        return add("Relu", [add("Add", [x, f"{name}_bias"], f"{name}_raw")], name)

    constants["embedding"], constants["embedding_scale"] = quantise_columns(weights.embedding[:BUCKETS])
    add("Gather", ["embedding", "features"], "rows_int8", axis=0)
    add("Cast", ["rows_int8"], "rows", to=TensorProto.FLOAT)
    add("MatMul", [add("Unsqueeze", ["shares", "axis0"], "shares_row"), "rows"], "summed")
    bag = rectified(add("Mul", ["summed", "embedding_scale"], "scaled"), "bag", weights.bag_bias)
    constants["middle"], constants["scale"] = weights.middle, weights.scale
    centred = add("Sub", ["meaning", "middle"], "meaning_centred")
    row = add("Unsqueeze", [add("Mul", [centred, "scale"], "meaning_scaled"), "axis0"], "meaning_row")
    hidden = rectified(times(row, "inward", weights.inward), "hidden", weights.inward_bias)
    parts = [
        times(hidden, "outward", weights.outward), times(row, "straight", weights.straight),
        times(bag, "bag_output", weights.bag_output), "bias",
    ]  # fmt: skip
    add("Squeeze", [add("Sum", parts, "logits_row"), "axis0"], "logits")
    graph = helper.make_graph(
        nodes,
        "intent",
        [
            helper.make_tensor_value_info("features", TensorProto.INT64, ["n"]),
            helper.make_tensor_value_info("shares", TensorProto.FLOAT, ["n"]),
            helper.make_tensor_value_info("meaning", TensorProto.FLOAT, [weights.inward.shape[0]]),
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
