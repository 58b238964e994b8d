"""The shadow's two files: each whole or as it was before, whatever is killed when; a damaged one is found.

Written beside, synced, renamed, and the folder synced. What is read must have the hash that was written with it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from kiosk.runtime.sealed import Damaged, R, read_sealed, sealed

MAX_BYTES: Final = 64 * 1024
WANTED: Final = "wanted.json"
GOOD: Final = "good.json"


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
        whole = sealed(record)
        part = self._folder / f"{name}.part"
        self._step(f"{name}: nothing written")
        with part.open("wb") as file:
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
            return read_sealed(path, kind, MAX_BYTES)
        except Damaged as err:
            if not isinstance(err.__cause__, OSError):  # what could not be read may be whole
                with suppress(OSError):
                    path.replace(path.with_suffix(".damaged"))  # one is kept, for whoever asks why
            raise
