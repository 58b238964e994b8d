"""Our Whisper in the layout that sherpa-onnx reads, the same weights in the same nodes.

    python -m models.convert.sherpa_whisper

sherpa-onnx keeps the cache of all layers in one tensor of fixed length and is told the position; ours grows.
Around each graph stand a few nodes that cut and join, nothing else; names and metadata are those of
sherpa-onnx's own export (k2-fsa/sherpa-onnx, scripts/whisper/export-onnx.py).

encoder.onnx  mel (1, 80, T) -> n_layer_cross_k, n_layer_cross_v (L, 1, T/2, D)
decoder.onnx  tokens (1, S) int64, in_n_layer_self_k_cache and …_v_cache (L, 1, 448, D), n_layer_cross_k,
              n_layer_cross_v, offset (1,) int64
              -> logits (1, 1, V) of the last position, out_n_layer_self_k_cache and …_v_cache
tokens.txt    each token's bytes in base64, and its number
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import onnx
import typer
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer

from models.convert.graph import PRODUCER, value
from models.store import Store, cache_root

ENGINE: Final = "whisper-base-sherpa"  # folder under `engines/` of the cache
CONTEXT: Final = 448  # longest cache; Whisper's table of positions
MELS: Final = 80
# The product listens for two languages; the folder says so, and sherpa-onnx chooses between them.
LANGUAGES: Final = ("zh", "en")
_SPACE: Final = "Ġ"
_LARGE: Final = 2**31


class _Wrap:
    """Nodes around a finished graph: its inputs and outputs get new names and shapes."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self.model = model
        self.before: list[onnx.NodeProto] = []
        self.after: list[onnx.NodeProto] = []

    def ints(self, name: str, *values: int) -> str:
        if name not in {constant.name for constant in self.model.graph.initializer}:
            self.model.graph.initializer.append(numpy_helper.from_array(np.array(values, np.int64), name))
        return name

    def node(self, where: list[onnx.NodeProto], kind: str, inputs: list[str], out: str, **attributes: Any) -> str:
        where.append(helper.make_node(kind, inputs, [out], f"sherpa/{out}", **attributes))
        return out

    def finished(self, inputs: list[onnx.ValueInfoProto], outputs: list[onnx.ValueInfoProto]) -> onnx.ModelProto:
        graph = self.model.graph
        nodes = [*self.before, *graph.node, *self.after]
        for field, values in (("node", nodes), ("input", inputs), ("output", outputs)):
            graph.ClearField(field)
            getattr(graph, field).extend(values)
        self.model.producer_name = PRODUCER
        onnx.checker.check_model(self.model)
        return self.model


def convert(whisper: Path, results: Path) -> None:
    """Write encoder.onnx, decoder.onnx and tokens.txt to `results` from the fetched model in `whisper`."""
    facts = json.loads((whisper / "whisper.json").read_text("utf-8"))
    tokenizer = Tokenizer.from_file(str(whisper / "tokenizer.json"))
    results.mkdir(parents=True, exist_ok=True)
    encoder = wrap_encoder(onnx.load(whisper / "encoder.onnx"), facts)
    for key, fact in metadata(tokenizer, facts, vocabulary_of(whisper)).items():
        encoder.metadata_props.add(key=key, value=str(fact))
    onnx.save(encoder, results / "encoder.onnx")
    onnx.save(wrap_decoder(onnx.load(whisper / "decoder.onnx"), facts), results / "decoder.onnx")
    (results / "tokens.txt").write_text(tokens_table(tokenizer), "ascii")


def vocabulary_of(whisper: Path) -> int:
    """How many tokens the decoder chooses from."""
    graph = onnx.load(whisper / "decoder.onnx", load_external_data=False).graph
    return int(graph.output[0].type.tensor_type.shape.dim[1].dim_value)


def wrap_encoder(model: onnx.ModelProto, facts: Mapping[str, Any]) -> onnx.ModelProto:
    """Keys and values of all layers in one tensor each, heads side by side."""
    wrap = _Wrap(model)
    layers, width = int(facts["decoder_layers"]), int(facts["width"])
    for part, order in (("k", (0, 3, 1, 2)), ("v", (0, 2, 1, 3))):
        rows = []
        for i in range(layers):
            name = f"cross_{part}_{i}"
            turned = wrap.node(wrap.after, "Transpose", [name], f"{name}/turned", perm=order)
            flat = wrap.node(wrap.after, "Reshape", [turned, wrap.ints("sherpa/flat", 0, 0, width)], f"{name}/flat")
            rows.append(wrap.node(wrap.after, "Unsqueeze", [flat, wrap.ints("sherpa/first", 0)], f"{name}/row"))
        wrap.node(wrap.after, "Concat", rows, f"n_layer_cross_{part}", axis=0)
    outputs = [value(f"n_layer_cross_{part}", [layers, "B", "F", width]) for part in "kv"]
    return wrap.finished([value("mel", ["B", MELS, "T"])], outputs)


def wrap_decoder(model: onnx.ModelProto, facts: Mapping[str, Any]) -> onnx.ModelProto:
    """The cache cut at `offset` on the way in, and laid back into its fixed length on the way out."""
    wrap = _Wrap(model)
    layers, width, heads = int(facts["decoder_layers"]), int(facts["width"]), int(facts["decoder_heads"])
    vocabulary = int(model.graph.output[0].type.tensor_type.shape.dim[1].dim_value)
    first, axis = wrap.ints("sherpa/first", 0), wrap.ints("sherpa/axis", 1)
    heads_shape = wrap.ints("sherpa/heads", 0, 0, heads, width // heads)
    flat_shape = wrap.ints("sherpa/flat", 0, 0, width)
    end = wrap.ints("sherpa/end", _LARGE)
    length = wrap.node(wrap.before, "Shape", ["tokens"], "sherpa/length", start=1, end=2)
    filled = wrap.node(wrap.before, "Add", ["offset", length], "sherpa/filled")
    for part in "kv":
        rows = []
        for i in range(layers):
            layer = _cache_in(wrap, part, i, heads_shape)
            now = wrap.node(
                wrap.after, "Transpose", [f"present_{part}_{i}"], f"sherpa/now_{part}_{i}", perm=(0, 2, 1, 3)
            )
            now = wrap.node(wrap.after, "Reshape", [now, flat_shape], f"sherpa/now_{part}_{i}/flat")
            rest = wrap.node(wrap.after, "Slice", [layer, filled, end, axis], f"sherpa/rest_{part}_{i}")
            whole = wrap.node(wrap.after, "Concat", [now, rest], f"sherpa/whole_{part}_{i}", axis=1)
            rows.append(wrap.node(wrap.after, "Unsqueeze", [whole, first], f"sherpa/row_{part}_{i}"))
        wrap.node(wrap.after, "Concat", rows, f"out_n_layer_self_{part}_cache", axis=0)
    for node in wrap.model.graph.node:  # the name `logits` belongs to the wider shape now
        node.output[:] = ["logits/last" if name == "logits" else name for name in node.output]
    wrap.node(wrap.after, "Unsqueeze", ["logits/last", axis], "logits")
    cache_shape: list[int | str] = [layers, "B", CONTEXT, width]
    crosses = [value(f"n_layer_cross_{part}", [layers, "B", "F", width]) for part in "kv"]
    inputs = [value("tokens", ["B", "S"], TensorProto.INT64)]
    inputs += [value(f"in_n_layer_self_{part}_cache", cache_shape) for part in "kv"]
    inputs += [*crosses, value("offset", [1], TensorProto.INT64)]
    outputs = [value("logits", ["B", 1, vocabulary])]
    outputs += [value(f"out_n_layer_self_{part}_cache", cache_shape) for part in "kv"]
    return wrap.finished(inputs, outputs)


def _cache_in(wrap: _Wrap, part: str, i: int, heads_shape: str) -> str:
    """Layer `i`'s own past and what it attends to, as our graph names them; returns the layer's whole cache."""
    first, axis, here = wrap.ints("sherpa/first", 0), wrap.ints("sherpa/axis", 1), wrap.ints(f"sherpa/{i}", i)
    layer = wrap.node(wrap.before, "Gather", [f"in_n_layer_self_{part}_cache", here], f"sherpa/{part}_{i}/4d", axis=0)
    layer = wrap.node(wrap.before, "Squeeze", [layer, first], f"sherpa/{part}_{i}")
    past = wrap.node(wrap.before, "Slice", [layer, first, "offset", axis], f"sherpa/past_{part}_{i}")
    past = wrap.node(wrap.before, "Reshape", [past, heads_shape], f"sherpa/past_{part}_{i}/heads")
    wrap.node(wrap.before, "Transpose", [past], f"past_{part}_{i}", perm=(0, 2, 1, 3))
    cross = wrap.node(wrap.before, "Gather", [f"n_layer_cross_{part}", here], f"sherpa/cross_{part}_{i}", axis=0)
    cross = wrap.node(wrap.before, "Squeeze", [cross, first], f"sherpa/cross_{part}_{i}/3d")
    cross = wrap.node(wrap.before, "Reshape", [cross, heads_shape], f"sherpa/cross_{part}_{i}/heads")
    wrap.node(
        wrap.before, "Transpose", [cross], f"cross_{part}_{i}", perm=(0, 2, 3, 1) if part == "k" else (0, 2, 1, 3)
    )
    return layer


def metadata(tokenizer: Tokenizer, facts: Mapping[str, Any], vocabulary: int) -> dict[str, str | int]:
    """What sherpa-onnx reads from the encoder's file."""

    def number(token: str) -> int:
        found = tokenizer.token_to_id(token)
        if found is None:
            raise ValueError(f"the tokenizer has no {token}: it is not Whisper's")
        return int(found)

    def special(name: str) -> int:
        return number(f"<|{name}|>")

    start, task = special("startoftranscript"), special("transcribe")
    return {
        "model_type": "whisper-base", "version": 1, "maintainer": PRODUCER, "n_mels": MELS,
        "n_text_layer": facts["decoder_layers"], "n_text_ctx": CONTEXT, "n_text_state": facts["width"],
        "n_vocab": vocabulary, "sot": start, "sot_index": 0, "eot": special("endoftext"),
        "blank_id": number(_SPACE), "is_multilingual": 1, "no_speech": special("nocaptions"),
        "transcribe": task, "translate": special("translate"), "no_timestamps": special("notimestamps"),
        "sot_sequence": f"{start},{special('en')},{task}",
        "all_language_tokens": ",".join(str(special(language)) for language in LANGUAGES),
        "all_language_codes": ",".join(LANGUAGES),
    }  # fmt: skip


def tokens_table(tokenizer: Tokenizer) -> str:
    """Lines of base64 and number for every token that is text."""
    bytes_of = {character: byte for byte, character in _printable().items()}
    rows = []
    for token, number in sorted(tokenizer.get_vocab(with_added_tokens=False).items(), key=lambda row: row[1]):
        if all(character in bytes_of for character in token):
            raw = bytes(bytes_of[character] for character in token)
            rows.append(f"{base64.b64encode(raw).decode()} {number}")
    return "\n".join(rows) + "\n"


def _printable() -> dict[int, str]:
    """GPT-2's stand-in character for each byte (Radford et al. 2019, `encoder.py`: byte-level BPE)."""
    shown = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in shown]
    return {byte: chr(byte) for byte in shown} | {byte: chr(256 + place) for place, byte in enumerate(hidden)}


def main(
    out: Annotated[Path | None, typer.Option(help="Folder; default: `engines/` in the cache.")] = None,
) -> None:
    """Convert the fetched Whisper; `bench asr` finds the result."""
    folder = out or cache_root() / "engines" / ENGINE
    convert(Store().open("whisper-base"), folder)
    typer.echo(f'{folder}: use it as engine = "sherpa:{folder}"')


if __name__ == "__main__":
    typer.run(main)
