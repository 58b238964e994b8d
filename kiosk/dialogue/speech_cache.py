"""Rendered clauses on disk: her own fixed and approved sentences, never anything of a visitor."""

from __future__ import annotations

import hashlib
import os
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from kiosk.events import Pcm

FORMAT: Final = "1"  # of the cache's files


@dataclass(frozen=True, slots=True)
class Sound:
    """A clause's samples, (n,) int16 at 24 kHz, and its phones as (symbol, start, end)."""

    pcm: Pcm = field(repr=False)
    phones: tuple[tuple[str, int, int], ...] = field(repr=False)


class VoiceCache:
    """Rendered clauses by key, the least recently used removed first. Files appear whole or not at all."""

    def __init__(self, folder: Path, limit_mib: int) -> None:
        self._folder = folder
        self._limit_bytes = limit_mib * 1024 * 1024
        folder.mkdir(parents=True, exist_ok=True)
        self.tally_hits = 0
        self.tally_misses = 0

    def _file(self, key: str) -> Path:
        return self._folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.npz"

    def has(self, key: str) -> bool:
        return self._file(key).exists()

    def load(self, key: str) -> Sound | None:
        """What is kept under `key`; None if nothing whole is."""
        path = self._file(key)
        try:
            with np.load(path, allow_pickle=False) as held:
                pcm = held["pcm"]
                phones = tuple(
                    (str(s), int(a), int(b)) for s, (a, b) in zip(held["symbols"], held["spans"], strict=True)
                )
            os.utime(path)
        except (
            OSError,
            ValueError,
            KeyError,
            EOFError,
            zipfile.BadZipFile,
        ):  # missing, or cut off by a full disk: it is made again
            path.unlink(missing_ok=True)
            self.tally_misses += 1
            return None
        self.tally_hits += 1
        return Sound(pcm, phones)

    def store(self, key: str, sound: Sound) -> None:
        with tempfile.NamedTemporaryFile(dir=self._folder, suffix=".part", delete=False) as file:
            np.savez(
                file,
                pcm=sound.pcm,
                symbols=np.array([p[0] for p in sound.phones] or [""][:0], dtype="U8"),
                spans=np.array([p[1:] for p in sound.phones], np.int64).reshape(-1, 2),
            )
        Path(file.name).replace(self._file(key))
        self._trim()

    def _trim(self) -> None:
        files = sorted(self._files())
        total = sum(size for _, size, _ in files)
        for _, size, path in files:
            if total <= self._limit_bytes:
                return
            total -= size
            path.unlink(missing_ok=True)

    def _files(self) -> Iterator[tuple[float, int, Path]]:
        """When each was last used, its size, where it is; another process may be removing some."""
        for path in self._folder.glob("*.npz"):
            with suppress(FileNotFoundError):
                found = path.stat()
                yield found.st_mtime, found.st_size, path
