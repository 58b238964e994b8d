"""Builds an ONNX graph of a transformer node by node, with plain or 8-bit products of matrices.

The 8-bit products follow onnxruntime's dynamic quantisation (activations measured as they come,
weights per output channel), written out here because the quantiser's own output depends on its
version, and a converted file must have the same bytes on each machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from models.convert.ctranslate2 import Weights

OPSET: Final = 20
IR_VERSION: Final = 9
PRODUCER: Final = "yingbin"
# Seven bits: with eight, x86 without VNNI saturates in the sum of two products (onnxruntime,
# "Quantize ONNX models", section on U8S8), and the same file would hear worse on an older terminal.
LARGEST_WEIGHT: Final = 64

Rows = slice


class Graph:
    """A graph being built over the variables of a checkpoint; names are given in order, so bytes repeat."""

    def __init__(self, weights: Weights, *, heads: int, is_8_bit: bool) -> None:
        self.weights, self.heads, self.is_8_bit = weights, heads, is_8_bit
        self.width = int(weights["decoder/embeddings/weight"].shape[1])
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: dict[str, onnx.TensorProto] = {}
        self._quantized: dict[str, tuple[str, str, str]] = {}

    def const(self, value: npt.ArrayLike, name: str | None = None) -> str:
        """Name of a constant; equal small constants share one."""
        array = np.asarray(value)
        name = name or f"c_{array.dtype}_{array.ndim}_{'_'.join(map(str, array.ravel().tolist()))}"
        if name not in self.initializers:
            self.initializers[name] = numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape), name)
        return name

    def ints(self, *values: int) -> str:
        return self.const(np.array(values, np.int64))

    def op(self, kind: str, *inputs: str, out: str | None = None, domain: str = "", **attributes: Any) -> str:
        """Add a node with one output and return the output's name."""
        return self.ops(kind, *inputs, outs=[out or f"{kind}_{len(self.nodes)}"], domain=domain, **attributes)[0]

    def ops(self, kind: str, *inputs: str, outs: list[str], domain: str = "", **attributes: Any) -> list[str]:
        name = f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), outs, name, domain=domain, **attributes))
        return outs

    def matmul(self, x: str, weight: npt.NDArray[Any], name: str) -> str:
        """x (…, n) times a constant `weight` (n, m)."""
        weight = weight.astype(np.float32)
        if not self.is_8_bit:
            return self.op("MatMul", x, self.const(weight, name))
        quantized, scale = quantize(weight)
        x_8, x_scale, x_zero = self._quantize_input(x)
        zero = self.const(np.zeros(weight.shape[1], np.int8), f"zeros_{weight.shape[1]}")
        product = self.op("MatMulInteger", x_8, self.const(quantized, name + "/8"), x_zero, zero)
        both = self.op("Mul", x_scale, self.const(scale, name + "/scale"))
        return self.op("Mul", self.op("Cast", product, to=TensorProto.FLOAT), both)

    def _quantize_input(self, x: str) -> tuple[str, str, str]:
        if x not in self._quantized:
            outs = self.ops("DynamicQuantizeLinear", x, outs=[f"{x}/8", f"{x}/scale", f"{x}/zero"])
            self._quantized[x] = (outs[0], outs[1], outs[2])
        return self._quantized[x]

    def linear(self, x: str, scope: str, rows: Rows | None = None) -> str:
        """x @ weight.T + bias of a CTranslate2 scope, for a range of rows of a fused projection."""
        rows = rows or slice(None)
        tag = "" if rows == slice(None) else f"/{rows.start}"
        weight = self.weights[f"{scope}/weight"][rows].astype(np.float32).T
        bias = self.weights[f"{scope}/bias"][rows].astype(np.float32)
        product = self.matmul(x, weight, f"{scope}/weight{tag}")
        return self.op("Add", product, self.const(bias, f"{scope}/bias{tag}")) if bias.any() else product

    def norm(self, x: str, scope: str) -> str:
        gamma, beta = (
            self.const(self.weights[f"{scope}/{part}"].astype(np.float32), f"{scope}/{part}")
            for part in ("gamma", "beta")
        )
        return self.op("LayerNormalization", x, gamma, beta, axis=-1, epsilon=1e-5)

    def feed_forward(self, x: str, scope: str) -> str:
        inner = self.op("Gelu", self.linear(self.norm(x, f"{scope}/layer_norm"), f"{scope}/linear_0"))
        return self.op("Add", x, self.linear(inner, f"{scope}/linear_1"))

    def split_heads(self, x: str, order: Sequence[int] = (0, 2, 1, 3)) -> str:
        """(B, S, D) to (B, H, S, D/H), or another order of those four."""
        return self.op(
            "Transpose", self.op("Reshape", x, self.ints(0, 0, self.heads, self.width // self.heads)), perm=order
        )

    def attend(self, q: str, k_transposed: str, v: str, mask: str | None = None) -> str:
        """Softmax attention over (B, H, S, D/H), back as (B, S, D)."""
        scale = self.const(np.float32((self.width // self.heads) ** -0.5), "attention_scale")
        scores = self.op("MatMul", self.op("Mul", q, scale), k_transposed)
        if mask:
            scores = self.op("Add", scores, mask)
        mixed = self.op("MatMul", self.op("Softmax", scores, axis=-1), v)
        return self.op("Reshape", self.op("Transpose", mixed, perm=[0, 2, 1, 3]), self.ints(0, 0, self.width))

    def model(
        self, name: str, inputs: list[onnx.ValueInfoProto], outputs: list[onnx.ValueInfoProto]
    ) -> onnx.ModelProto:
        """The finished, checked model."""
        graph = helper.make_graph(self.nodes, name, inputs, outputs, list(self.initializers.values()))
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("com.microsoft", 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name=PRODUCER)
        onnx.checker.check_model(model)
        return model


def quantize(weight: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """`weight` (n, m) as whole numbers within ±LARGEST_WEIGHT and the scale (m,) of each column, zero at zero."""
    largest = np.abs(weight).max(axis=0)
    scale = np.where(largest > 0, largest / np.float32(LARGEST_WEIGHT), np.float32(1)).astype(np.float32)
    return np.rint(weight / scale).astype(np.int8), scale


def value(name: str, shape: Sequence[int | str], kind: int = TensorProto.FLOAT) -> onnx.ValueInfoProto:
    """An input or output of the graph; names stand for lengths that vary."""
    return helper.make_tensor_value_info(name, kind, list(shape))
