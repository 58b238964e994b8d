"""The updater's hands on the disk: few kinds of writes, each told before it happens, so that a cut at any can be tried.

What must survive a power cut is written beside, synced, renamed, and its folder synced. Nothing else in
`kiosk/rollout` writes; nothing here knows what a release is.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import msgspec

from kiosk.runtime.sealed import R, read_sealed, sealed

Kind = Literal["folder", "write", "half", "append", "sync", "rename", "sync_folder", "link", "remove", "sync_all"]
RECORD_MOST_BYTES: Final = 4 * 1024**2


@dataclass(frozen=True, slots=True)
class Op:
    """One write that is about to happen. `half`: a write that is half done. `to`: of a rename, or a link's target."""

    kind: Kind
    path: Path
    data: bytes = field(default=b"", repr=False)
    to: str = ""
    runs: bool = False


class Disk:
    """Blocking. Raises OSError where the disk is full or cannot be written. `told` is called before each step."""

    def __init__(self, told: Callable[[Op], None] = lambda _: None) -> None:
        self._told = told

    def folder(self, path: Path) -> None:
        if not path.is_dir():
            self.folder(path.parent)
            self._told(Op("folder", path))
            path.mkdir(exist_ok=True)

    def write(self, path: Path, data: bytes, *, runs: bool = False) -> None:
        """A new file, not synced."""
        self._told(Op("write", path, data, runs=runs))
        mode = 0o755 if runs else 0o644
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, mode), "wb") as file:
            file.write(data[: len(data) // 2])
            file.flush()
            self._told(Op("half", path, data, runs=runs))
            file.write(data[len(data) // 2 :])

    def append(self, path: Path, data: bytes) -> None:
        """More of a file that `write` began, not synced."""
        self._told(Op("append", path, data))
        with path.open("ab") as file:
            file.write(data)

    def sync(self, path: Path) -> None:
        self._told(Op("sync", path))
        self._fsync(path, os.O_RDONLY)

    def rename(self, path: Path, to: Path) -> None:
        self._told(Op("rename", path, to=str(to)))
        path.rename(to)

    def sync_folder(self, path: Path) -> None:
        self._told(Op("sync_folder", path))
        self._fsync(path, os.O_RDONLY | os.O_DIRECTORY)

    def replace_whole(self, path: Path, data: bytes) -> None:
        """The file is what it was, or `data`, whatever is cut when."""
        part = path.with_name(path.name + ".part")
        self.write(part, data)
        self.sync(part)
        self.rename(part, path)
        self.sync_folder(path.parent)

    def point(self, link: Path, target: str) -> None:
        """A symbolic link points to `target` from one moment to the next."""
        part = link.with_name(link.name + ".part")
        if os.path.lexists(part):
            self.remove(part)
        self._told(Op("link", part, to=target))
        part.symlink_to(target)
        self.rename(part, link)
        self.sync_folder(link.parent)

    def remove(self, path: Path) -> None:
        """A file, a link or a whole folder; what is not there is no error."""
        self._told(Op("remove", path))
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            with suppress(FileNotFoundError):
                path.unlink()

    def sync_all(self, path: Path) -> None:
        """Everything written below `path` so far is on the disk: one wait for thousands of files."""
        self._told(Op("sync_all", path))
        os.sync()

    def free_bytes(self, path: Path) -> int:
        found = os.statvfs(path)
        return found.f_bavail * found.f_frsize

    def reserve(self, path: Path, size: int) -> None:
        """Take `size` bytes of the disk now. Raises OSError where they are not there."""
        with path.open("wb") as file:
            if size:
                os.posix_fallocate(file.fileno(), 0, size)

    def keep(self, path: Path, record: msgspec.Struct) -> None:
        """A record, with its hash."""
        self.replace_whole(path, sealed(record))

    @staticmethod
    def read(path: Path, kind: type[R]) -> R | None:
        """A record; None: there is none. Raises `Damaged`."""
        return read_sealed(path, kind, RECORD_MOST_BYTES)

    @staticmethod
    def _fsync(path: Path, flags: int) -> None:
        opened = os.open(path, flags)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)
