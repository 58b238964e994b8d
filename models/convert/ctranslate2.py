"""Reads the weights of a CTranslate2 checkpoint (`model.bin`) without CTranslate2.

Format as of CTranslate2's model writer, binary version 6
(https://github.com/OpenNMT/CTranslate2, python/ctranslate2/specs/model_spec.py).
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Weights = dict[str, npt.NDArray[Any]]

_DTYPES: Final = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}
_OLDEST_VERSION: Final = 4


class CheckpointError(Exception):
    """The file is not a CTranslate2 checkpoint of the expected kind."""


class _Reader:
    """A cursor over the file: little-endian numbers, strings with their length before them."""

    def __init__(self, raw: memoryview) -> None:
        self.raw, self.at = raw, 0

    def number(self, code: str) -> int:
        (value,) = struct.unpack_from("<" + code, self.raw, self.at)
        self.at += struct.calcsize("<" + code)
        return int(value)

    def string(self) -> str:
        length = self.number("H")  # counts the closing NUL
        text = bytes(self.raw[self.at : self.at + length - 1]).decode()
        self.at += length
        return text

    def array(self) -> npt.NDArray[Any]:
        rank = self.number("B")
        shape = [self.number("I") for _ in range(rank)]
        dtype, size_bytes = _DTYPES[self.number("B")], self.number("I")
        flat = np.frombuffer(self.raw[self.at : self.at + size_bytes], dtype)
        self.at += size_bytes
        return flat.reshape(shape)


def read_checkpoint(path: Path, kind: str) -> Weights:
    """Every variable by its name, e.g. 'encoder/layer_0/ffn/linear_0/weight'. Raises CheckpointError.

    `kind` is the specification's name in the file, such as 'WhisperSpec'.
    """
    raw = memoryview(path.read_bytes())
    reader = _Reader(raw)
    try:
        version, found, _revision = reader.number("I"), reader.string(), reader.number("I")
        if version < _OLDEST_VERSION or found != kind:
            raise CheckpointError(f"{path}: version {version} of {found!r}, expected {kind!r}")
        weights: Weights = {}
        for _ in range(reader.number("I")):
            name = reader.string()
            weights[name] = reader.array()
        for _ in range(reader.number("I")):
            alias, target = reader.string(), reader.string()
            weights[alias] = weights[target]
    except (struct.error, KeyError, ValueError, UnicodeDecodeError) as err:
        raise CheckpointError(f"{path}: broken off or not a checkpoint ({err})") from err
    if reader.at != len(raw):
        raise CheckpointError(f"{path}: {len(raw) - reader.at} bytes too many")
    return weights
