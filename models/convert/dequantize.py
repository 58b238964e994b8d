"""Mends a network of OpenCV's model zoo that ships block-wise 8-bit weights.

The weights are unpacked once, here, to the 32-bit numbers that the network would compute at every
start; constants that pose as inputs (ONNX IR 3 allowed it, OpenCV 5 and onnxruntime's folding do
not) stop doing so.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

IR_VERSION = 8


def fold_weights(model: onnx.ModelProto, input_name: str) -> onnx.ModelProto:
    """The same network with float weights and `input_name` as its only input."""
    graph = model.graph
    constants = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    folded: dict[str, npt.NDArray[Any]] = {}
    kept: list[onnx.NodeProto] = []
    for node in graph.node:
        if node.op_type == "DequantizeLinear" and node.input[0] in constants:
            folded[node.output[0]] = _dequantize(node, constants)
        elif node.op_type == "Reshape" and node.input[0] in folded and node.input[1] in constants:
            folded[node.output[0]] = folded[node.input[0]].reshape(constants[node.input[1]])
        else:
            kept.append(node)
    used = {name for node in kept for name in node.input}
    initializers = [item for item in graph.initializer if item.name in used]
    initializers += [
        numpy_helper.from_array(np.ascontiguousarray(value, np.float32), name)
        for name, value in folded.items()
        if name in used
    ]
    inputs = [item for item in graph.input if item.name == input_name]
    del graph.node[:], graph.initializer[:], graph.input[:]
    graph.node.extend(kept)
    graph.initializer.extend(initializers)
    graph.input.extend(inputs)
    model.ir_version = IR_VERSION
    return model


def _dequantize(node: onnx.NodeProto, constants: dict[str, npt.NDArray[Any]]) -> npt.NDArray[np.float32]:
    """(q - zero) * scale, with one scale for each block along an axis (ONNX DequantizeLinear, opset 21)."""
    attributes = {item.name: item.i for item in node.attribute}
    axis, block = attributes.get("axis", 1), attributes.get("block_size", 0)
    quantized = constants[node.input[0]].astype(np.float32)
    scale = constants[node.input[1]].astype(np.float32)
    zero = constants[node.input[2]].astype(np.float32) if len(node.input) > 2 else np.zeros_like(scale)
    if block:
        length = quantized.shape[axis]
        scale, zero = (np.repeat(item, block, axis=axis).take(range(length), axis=axis) for item in (scale, zero))
    elif scale.ndim == 1 and scale.size > 1:
        shape = [1] * quantized.ndim
        shape[axis] = scale.size
        scale, zero = scale.reshape(shape), zero.reshape(shape)
    return np.asarray((quantized - zero) * scale, np.float32)
