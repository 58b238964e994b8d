"""The shadow's two files: each whole or as it was before, whatever is killed when; a damaged one is found.

Written beside, synced, renamed, and the folder synced. What is read must have the hash that was written with it.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

import msgspec

R = TypeVar("R", bound=msgspec.Struct)
MAX_BYTES: Final = 64 * 1024
WANTED: Final = "wanted.json"
GOOD: Final = "good.json"


class Damaged(ValueError):
    """A file that is not what was written: kept beside as `.damaged`. Use what stands below it."""


class _Sealed(msgspec.Struct):
    sha256: str
    body: msgspec.Raw


class ShadowFiles:
    """In `folder`. Blocking; call it off the event loop. `step` is told before each part of a write: tests kill there.

    Raises OSError where the disk is full or cannot be written; what was there before stands.
    """

    def __init__(self, folder: Path, step: Callable[[str], None] = lambda _: None) -> None:
        self._folder, self._step = folder, step
        self._writing = threading.Lock()  # one after the other, also where a waiting task was cancelled
        folder.mkdir(parents=True, exist_ok=True)

    def write(self, name: str, record: msgspec.Struct) -> None:
        """Replace one file."""
        with self._writing:
            self._replace(name, record)

    def _replace(self, name: str, record: msgspec.Struct) -> None:
        body = msgspec.json.encode(record)
        sealed = _Sealed(sha256=hashlib.sha256(body).hexdigest(), body=msgspec.Raw(body))
        part = self._folder / f"{name}.part"
        self._step(f"{name}: nothing written")
        with part.open("wb") as file:
            whole = msgspec.json.encode(sealed)
            file.write(whole[: len(whole) // 2])
            file.flush()
            self._step(f"{name}: half written")
            file.write(whole[len(whole) // 2 :])
            file.flush()
            self._step(f"{name}: not synced")
            os.fsync(file.fileno())
        self._step(f"{name}: not renamed")
        part.replace(self._folder / name)
        self._step(f"{name}: folder not synced")
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        self._step(f"{name}: done")

    def read(self, name: str, kind: type[R]) -> R | None:
        """The record; None: there is none. Raises `Damaged`, and puts the file aside."""
        path = self._folder / name
        try:
            with path.open("rb") as file:
                found = file.read(MAX_BYTES + 1)
        except FileNotFoundError:
            return None
        except OSError as err:
            raise Damaged(f"{name}: {err.strerror}") from err
        try:
            if len(found) > MAX_BYTES:
                raise Damaged(f"{name} is larger than {MAX_BYTES} bytes")
            sealed = msgspec.json.decode(found, type=_Sealed)
            if hashlib.sha256(bytes(sealed.body)).hexdigest() != sealed.sha256:
                raise Damaged(f"{name} has another hash than it was written with")
            return msgspec.json.decode(sealed.body, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, Damaged) as err:
            with suppress(OSError):
                path.replace(path.with_suffix(".damaged"))  # one is kept, for whoever asks why
            raise Damaged(f"{name}: {err}") from err
