"""The two slots: what lies in one, how a release is put together in the spare one, whole or not at all.

Files are written below `SLOT.part`, everything is synced, the seal (index and manifest) is written last, the folder is
renamed and read back before anybody may switch to it. Only regular files, only below their part: whatever else a
manifest says is refused before the first byte is written.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from contracts.release import (
    MANIFEST_MOST_BYTES,
    SEAL,
    Chunk,
    Index,
    Manifest,
    ReleaseRefused,
    encode,
    open_chunk,
    read_index,
    read_manifest,
    sha_of,
    spans,
)
from kiosk.rollout.disk import Disk
from kiosk.rollout.records import Slot

PIECE_BYTES: Final = 1024**2  # of a file, read or written at a time
MARGIN_BYTES: Final = 64 * 1024**2  # stays free for tickets, logs and the outbox


@dataclass(frozen=True, slots=True)
class Place:
    """Where the updater's things lie. `link` is what the terminal's processes are started from."""

    root: Path

    @property
    def link(self) -> Path:
        return self.root / "current"

    @property
    def proved(self) -> Path:
        """What the updater itself is started from: never a release on trial."""
        return self.root / "proved"

    @property
    def slots(self) -> Path:
        return self.root / "slots"

    @property
    def chunks(self) -> Path:
        return self.root / "chunks"

    @property
    def reserve(self) -> Path:
        return self.root / "reserve"

    @property
    def record(self) -> Path:
        return self.root / "record.json"

    @property
    def trust(self) -> Path:
        return self.root / "trust.json"

    def slot(self, slot: Slot) -> Path:
        return self.slots / slot

    def pointed(self, link: Path) -> str:
        """The slot that a link points to; empty: none."""
        try:
            return Path(link.readlink()).name
        except OSError:
            return ""


def seal_of(slot: Path) -> Index | None:
    """What a slot says it holds; None: nothing, or something unreadable."""
    try:
        return read_index((slot / SEAL / "index").read_bytes())
    except (OSError, ReleaseRefused):
        return None


def manifest_of(slot: Path, index: Index) -> Manifest:
    """Raises OSError or `ReleaseRefused`."""
    with (slot / SEAL / "manifest").open("rb") as file:
        return read_manifest(file.read(MANIFEST_MOST_BYTES + 1), index)


def check_slot(slot: Path) -> Manifest:
    """Read a slot back: every file as the manifest says, none besides. Raises `ReleaseRefused` or OSError."""
    index = seal_of(slot)
    if index is None:
        raise ReleaseRefused("format", f"{slot.name} has no seal")
    manifest = manifest_of(slot, index)
    expected = {file.path: file for file in manifest.files}
    for path in sorted(slot.rglob("*")):
        name = path.relative_to(slot).as_posix()
        if name == SEAL or name.startswith(f"{SEAL}/"):
            continue
        kind = path.lstat()
        if stat.S_ISDIR(kind.st_mode):
            continue
        file = expected.pop(name, None)
        if not stat.S_ISREG(kind.st_mode) or file is None or kind.st_size != file.size:
            raise ReleaseRefused("hash", f"{name} in slot {slot.name} is not what was signed")
        if bool(kind.st_mode & 0o100) != file.runs or _sha_of_file(path) != file.sha:
            raise ReleaseRefused("hash", f"{name} in slot {slot.name} is not what was signed")
    if expected:
        raise ReleaseRefused("truncated", f"{min(expected)} is missing in slot {slot.name}")
    return manifest


def _sha_of_file(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            found.update(piece)
    return found.hexdigest()


class OldChunks:
    """The chunks that a slot's files already hold: what is the same in the next release is not fetched again."""

    def __init__(self, slot: Path) -> None:
        self._slot = slot
        self._at: dict[str, tuple[Chunk, int]] = {}
        self._files: list[tuple[int, int, str]] = []  # first byte in the stream, size, path
        index = seal_of(slot)
        if index is None:
            return
        try:
            manifest = manifest_of(slot, index)
        except (OSError, ReleaseRefused):
            return
        for chunk, at in spans(manifest):
            self._at.setdefault(chunk.sha, (chunk, at))
        begins = 0
        for file in manifest.files:
            self._files.append((begins, file.size, file.path))
            begins += file.size

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self._at)

    def read(self, chunk: Chunk) -> bytes | None:
        """Its bytes; None where the files no longer hold them."""
        if chunk.sha not in self._at:
            return None
        held, at = self._at[chunk.sha]
        if held.size != chunk.size:
            return None
        found = bytearray()
        for begins, size, path in self._files:
            if begins + size <= at or len(found) == chunk.size:
                continue
            try:
                with (self._slot / path).open("rb") as file:
                    file.seek(at + len(found) - begins)
                    found += file.read(min(chunk.size - len(found), begins + size - at - len(found)))
            except OSError:
                return None
            if begins >= at + chunk.size:
                break
        data = bytes(found)
        return data if len(data) == chunk.size and sha_of(data) == chunk.sha else None


class Torn(Exception):
    """A chunk that was there is damaged; it was forgotten, and is to be fetched again."""


class ChunkFolder:
    """Fetched chunks, one file each, synced one by one: what was fetched once survives a cut."""

    def __init__(self, place: Place, disk: Disk) -> None:
        self._folder, self._disk = place.chunks, disk

    def names(self) -> frozenset[str]:
        if not self._folder.is_dir():
            return frozenset()
        return frozenset(path.name for path in self._folder.iterdir() if path.suffix != ".part")

    def keep(self, chunk: Chunk, stored: bytes) -> None:
        self._disk.folder(self._folder)
        self._disk.replace_whole(self._folder / chunk.sha, stored)

    def read(self, chunk: Chunk) -> bytes | None:
        """Its bytes; None: not here. Raises `Torn`."""
        path = self._folder / chunk.sha
        try:
            stored = path.read_bytes()
        except FileNotFoundError:
            return None
        try:
            return open_chunk(stored, chunk)
        except ReleaseRefused as err:
            self._disk.remove(path)
            raise Torn(chunk.sha) from err

    def forget(self) -> None:
        if self._folder.exists():
            self._disk.remove(self._folder)


def assemble(
    place: Place, disk: Disk, slot: Slot, index_raw: bytes, manifest: Manifest, read: Callable[[Chunk], bytes]
) -> None:
    """Put a release together in `slot`, which must be the spare one. Raises what `read` raises, OSError,
    `ReleaseRefused`; then the slot is as if nothing had been tried."""
    final = place.slot(slot)
    part = final.with_name(final.name + ".part")
    for leftover in (part, final):
        if os.path.lexists(leftover):
            disk.remove(leftover)
    disk.folder(part)
    disk.sync_folder(place.slots)  # the old one is gone for good before anything of the new is there
    try:
        _write_files(disk, part, manifest, read)
        disk.folder(part / SEAL)
        disk.write(part / SEAL / "manifest", encode(manifest))
        disk.sync_all(part)
        disk.write(part / SEAL / "index", index_raw)
        disk.sync(part / SEAL / "index")
        disk.sync_folder(part / SEAL)
        disk.rename(part, final)
        disk.sync_folder(place.slots)
        check_slot(final)
    except BaseException:
        for leftover in (part, final):
            if os.path.lexists(leftover):
                disk.remove(leftover)
        raise


def _write_files(disk: Disk, part: Path, manifest: Manifest, read: Callable[[Chunk], bytes]) -> None:
    stream = _Stream(read(chunk) for chunk in manifest.chunks)
    for file in manifest.files:
        path = part / file.path
        disk.folder(path.parent)
        found, left = hashlib.sha256(), file.size
        first = stream.take(min(left, PIECE_BYTES))
        found.update(first)
        disk.write(path, first, runs=file.runs)
        left -= len(first)
        while left:
            piece = stream.take(min(left, PIECE_BYTES))
            found.update(piece)
            disk.append(path, piece)
            left -= len(piece)
        if found.hexdigest() != file.sha:
            raise ReleaseRefused("hash", file.path)


class _Stream:
    """The bytes of all files, one after the other."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._held = chunks, bytearray()

    def take(self, size: int) -> bytes:
        while len(self._held) < size:
            piece = next(self._chunks, None)
            if piece is None:
                raise ReleaseRefused("truncated", "the chunks end before the files do")
            self._held += piece
        taken = bytes(self._held[:size])
        del self._held[:size]
        return taken
