"""Writes a network's 8-bit convolutions as products of matrices, which onnxruntime computes in half the time.

`ConvInteger` unpacks its weights at every run and multiplies the slower way round; `MatMulInteger`
with constant signed weights is packed once. Sums of whole numbers are exact, so the result has the
same bits. Only where the processor adds such products without saturating (VNNI): see `sessions.has_vnni`.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

LEAST_CHANNELS: Final = 64  # below, moving the numbers about costs more than is won
_TO_THE_END: Final = 1 << 62


class _Rewriter:
    """Nodes and constants of the new graph, while it is made."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.constants = {item.name: item for item in graph.initializer}
        self.nodes: list[onnx.NodeProto] = []
        self._turned: dict[str, str] = {}

    def const(self, name: str, value: npt.NDArray[Any]) -> str:
        if name not in self.constants:
            self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def ints(self, *values: int) -> str:
        return self.const("whole_" + "_".join(map(str, values)), np.array(values, np.int64))

    def op(self, kind: str, name: str, inputs: list[str], output: str | None = None, **attributes: Any) -> str:
        output = output or name
        self.nodes.append(helper.make_node(kind, inputs, [output], name, **attributes))
        return output

    def channels_last(self, x: str) -> str:
        """(1, C, N) as (1, N, C); several convolutions of one input share it."""
        if x not in self._turned:
            self._turned[x] = self.op("Transpose", f"{x}/turned", [x], perm=[0, 2, 1])
        return self._turned[x]

    def product(self, node: onnx.NodeProto, weight: npt.NDArray[np.uint8]) -> None:
        """Replace one convolution with taps side by side times one matrix."""
        attributes = {item.name: list(item.ints) for item in node.attribute if item.ints}
        x, _, x_zero, weight_zero = node.input
        taps = weight.shape[2]
        columns = self._taps(node.name, self.channels_last(x), x_zero, taps, attributes)
        matrix = weight.transpose(2, 1, 0).reshape(-1, weight.shape[0])
        signed_zero = self.const(f"{weight_zero}/signed", _signed(numpy_helper.to_array(self.constants[weight_zero])))
        factors = [columns, self.const(f"{node.name}/matrix", _signed(matrix)), x_zero, signed_zero]
        turned = self.op("MatMulInteger", f"{node.name}/product", factors)
        self.op("Transpose", f"{node.name}/back", [turned], node.output[0], perm=[0, 2, 1])

    def _taps(self, name: str, x: str, x_zero: str, taps: int, attributes: dict[str, list[int]]) -> str:
        """(1, N', taps * C): what each place of the output sees, filled with the input's zero beyond its ends."""
        if taps == 1 and not any(attributes["pads"]):
            return x
        before, after = attributes["pads"]
        padded = self.op("Pad", f"{name}/padded", [x, self.ints(0, before, 0, 0, after, 0), x_zero])
        step = attributes.get("dilations", [1])[0]
        seen = []
        for tap in range(taps):
            end = (tap - taps + 1) * step or _TO_THE_END
            place = [padded, self.ints(tap * step), self.ints(end), self.ints(1)]
            seen.append(self.op("Slice", f"{name}/tap_{tap}", place))
        return self.op("Concat", f"{name}/taps", seen, axis=2)


def convolutions_as_products(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same network with its larger one-dimensional 8-bit convolutions written as products, in place."""
    graph = model.graph
    rewriter = _Rewriter(graph)
    for node in graph.node:
        if node.op_type == "ConvInteger" and _is_plain(node):
            weight = numpy_helper.to_array(rewriter.constants[node.input[1]])
            if weight.ndim == 3 and weight.dtype == np.uint8 and min(weight.shape[:2]) >= LEAST_CHANNELS:
                rewriter.product(node, weight)
                continue
        rewriter.nodes.append(node)
    used = {name for node in rewriter.nodes for name in node.input}
    del graph.node[:], graph.initializer[:]
    graph.node.extend(rewriter.nodes)
    graph.initializer.extend(item for name, item in rewriter.constants.items() if name in used)
    return model


def _is_plain(node: onnx.NodeProto) -> bool:
    """Of one group, without strides, padded by numbers rather than by rule."""
    attributes = {item.name: item for item in node.attribute}
    return (
        len(node.input) == 4
        and attributes["group"].i == 1
        and list(attributes["strides"].ints) == [1]
        and attributes["auto_pad"].s in (b"", b"NOTSET")
    )


def _signed(values: npt.NDArray[np.uint8]) -> npt.NDArray[np.int8]:
    """Shifted by 128, as its zero point is: differences, and so products, stay what they were."""
    return np.asarray(values.astype(np.int16) - 128, np.int8)
