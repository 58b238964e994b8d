"""The one way to open a network: threads bounded, no telemetry, failures with the file's name.

onnxruntime writes a device id and a telemetry database unless told otherwise before its import,
which is why nothing else in this project imports it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as _state

_LOGNETWORK_ERRORS_ONLY = 3
# onnxruntime's errors have no common ancestor of their own
NETWORK_ERRORS: tuple[type[Exception], ...] = (
    _state.EPFail,
    _state.EngineError,
    _state.Fail,
    _state.InvalidArgument,
    _state.InvalidGraph,
    _state.InvalidProtobuf,
    _state.NoModel,
    _state.NoSuchFile,
    _state.NotImplemented,
    _state.RuntimeException,
)


# What the inputs of a network look like from run to run. "one": always the same shape. "some": shapes within bounds
# that are soon reached, so that its memory is kept. "many": any length; its memory is given back after each run.
Shapes = Literal["one", "some", "many"]


class SessionError(Exception):
    """The network's file cannot be opened; the message names it."""


@cache
def has_vnni() -> bool:
    """Whether the processor adds unsigned times signed bytes without saturating: x86 with VNNI.

    Without it onnxruntime uses VPMADDUBSW, which saturates ("Quantize ONNX models", on U8S8). Elsewhere
    than on Linux, and on other processors, the answer is no, which costs time and never correctness.
    """
    try:
        flags = Path("/proc/cpuinfo").read_text("utf-8").partition("flags")[2].partition("\n")[0].split()
    except OSError:
        return False
    return bool({"avx512_vnni", "avx_vnni"} & set(flags))


class _ManyLengths(onnxruntime.InferenceSession):  # type: ignore[misc]
    """Gives the memory of each run back to the system.

    Kokoro's runs of different lengths otherwise tear holes into the runtime's memory, until, minutes apart, another
    16 to 128 MB is taken for good; given back it holds 90 MB less, and a sentence takes up to 3 % longer. Whisper, the
    network of voices and that of sentences take as long as before (at random sounds and words, 60 to 300 runs).
    """

    def __init__(self, path: Path, settings: Any) -> None:
        super().__init__(str(path), settings, providers=["CPUExecutionProvider"])
        self._giving_back = onnxruntime.RunOptions()
        self._giving_back.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")

    def run(self, output_names: Sequence[str] | None, input_feed: Mapping[str, Any], run_options: Any = None) -> Any:
        return super().run(output_names, input_feed, run_options or self._giving_back)


def open_session(
    path: Path, threads: int = 1, options: dict[str, str] | None = None, *, shapes: Shapes = "many"
) -> Any:
    """An onnxruntime.InferenceSession on the CPU with `threads` threads. Raises SessionError.

    The caller has the file from `Store.open`, so its bytes are known; `options` are onnxruntime's
    own configuration entries.
    """
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = threads
    settings.inter_op_num_threads = 1
    settings.log_severity_level = _LOGNETWORK_ERRORS_ONLY
    # For each new shape of the inputs onnxruntime keeps a plan of its memory, for ever: sentences and beams have
    # thousands of shapes (Whisper 17 MB after twenty sentences). Without plans Kokoro and Whisper take as long; only
    # the network of voice activity, which is asked thirty times a second in one shape, loses 3 to 5 %.
    settings.enable_mem_pattern = shapes == "one"
    # Spinning threads would take the core that hearing and drawing need between two runs.
    settings.add_session_config_entry("session.intra_op.allow_spinning", "0")
    for name, value in (options or {}).items():
        settings.add_session_config_entry(name, value)
    try:
        if shapes == "many":
            return _ManyLengths(path, settings)
        return onnxruntime.InferenceSession(str(path), settings, providers=["CPUExecutionProvider"])
    except NETWORK_ERRORS as err:
        raise SessionError(f"{path}: {err}") from err
