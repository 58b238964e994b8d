"""A catalogue of one small model, with a real wheel and a real npm package for it, for tests of the store."""

from __future__ import annotations

import base64
import hashlib
import io
import tarfile
import zipfile
from pathlib import Path

from models.catalogue import File, Model, Source

NETWORK = "silero_vad/data/silero_vad_16k_op15.onnx"
PAYLOAD = bytes(range(256)) * 4096  # 1 MiB: several blocks of any copy loop
WHEEL = "silero_vad-9.9.9-py3-none-any.whl"


def file_of(path: str, content: bytes) -> File:
    return File(path=path, sha256=hashlib.sha256(content).hexdigest(), size_bytes=len(content))


def make_wheel(payload: bytes = PAYLOAD) -> bytes:
    """A wheel that pip accepts, holding the network under the name that the silero converter reads."""
    metadata = b"Metadata-Version: 2.1\nName: silero-vad\nVersion: 9.9.9\n"
    wheel = b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    members = {
        NETWORK: payload,
        "silero_vad-9.9.9.dist-info/METADATA": metadata,
        "silero_vad-9.9.9.dist-info/WHEEL": wheel,
    }
    record = ""
    for name, content in members.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        record += f"{name},sha256={digest},{len(content)}\n"
    members["silero_vad-9.9.9.dist-info/RECORD"] = record.encode() + b"silero_vad-9.9.9.dist-info/RECORD,,\n"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, (2020, 2, 2, 0, 0, 0)), content)
    return buffer.getvalue()


def make_npm_package(payload: bytes = PAYLOAD) -> bytes:
    """A .tgz as npm packs it, holding package/network.bin."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        described = b'{"name": "tiny-net", "version": "1.0.0"}'
        for name, content in (("package/package.json", described), ("package/network.bin", payload)):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def tiny_model(
    wheel: bytes | None = None, *, payload: bytes = PAYLOAD, url: str = "", result: bytes | None = None
) -> Model:
    """The catalogue's entry for that wheel; `result` is what the converter is expected to make of it."""
    wheel = make_wheel() if wheel is None else wheel
    source = Source(
        registry="pypi",
        package="silero-vad",
        version="9.9.9",
        artefact=file_of(WHEEL, wheel),
        files=(file_of(NETWORK, payload),),
        url=url,
    )
    return Model(
        model_id="tiny",
        title="a small file",
        licence="Apache-2.0",
        licence_note="",
        converter="silero",
        converter_version=1,
        peak_bytes=1,
        sources=(source,),
        results=(file_of("silero.onnx", payload if result is None else result),),
        shapes={},
        measured={},
    )


def make_mirror(folder: Path, wheel: bytes | None = None) -> Path:
    """A folder that serves the wheel by its file name."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / WHEEL).write_bytes(make_wheel() if wheel is None else wheel)
    return folder
