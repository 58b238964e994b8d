"""Builds a release: reads the parts from folders, cuts them into chunks, writes those that are not there yet.

The same sources give the same bytes, whenever and wherever (with one version of zstd): no times, no owners, no order of
a folder. What is not a regular file is refused by name; nothing is signed here.
"""

from __future__ import annotations

import fnmatch
import hashlib
import os
import stat
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from contracts.release import (
    CHUNK_MOST_BYTES,
    FORMAT,
    PARTS,
    RELEASE_MOST_BYTES,
    Chunk,
    File,
    Index,
    Manifest,
    ReleaseRefused,
    check_paths,
    compress,
    encode,
    sha_of,
)
from contracts.repository import chunk_path
from hub.release.cutting import cut

PIECE_BYTES: Final = 1024**2
ALONE_BYTES: Final = 256 * 1024  # a file this large is cut by itself: its chunks do not depend on its neighbours
LEFT_OUT: Final = ("__pycache__", "*.pyc", ".git", ".mypy_cache", ".ruff_cache", ".pytest_cache", "*.egg-info")
BUILT: Final = "built"


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What came of it. `new_bytes`: of chunks as stored that no release before had."""

    index: Index
    chunks: int
    new_chunks: int
    stored_bytes: int
    new_bytes: int


@dataclass(frozen=True, slots=True)
class _Source:
    path: str  # in the release
    file: Path
    size: int
    runs: bool


def build(
    sources: Mapping[str, Path], version: str, out: Path, *, content: str = "", leave_out: Sequence[str] = ()
) -> Built:
    """Write the release's chunks, and its index to `out/built/VERSION`. `sources`: part → folder or file.

    `content`: the target of the role `content` that the pack in this release must be. Raises `ReleaseRefused`, OSError.
    """
    found = sorted(_all(sources, (*LEFT_OUT, *leave_out)), key=lambda source: source.path)
    check_paths([source.path for source in found])
    total = sum(source.size for source in found)
    if total > RELEASE_MOST_BYTES:
        raise ReleaseRefused("too_large", f"{total} bytes")
    if content and content not in {source.path for source in found}:
        raise ReleaseRefused("content_unsigned", f"{content} is not among the files")
    store = _Store(out)
    files: list[File] = []
    chunks = [store.put(data) for group in _groups(found) for data in cut(_bytes(group, files))]
    manifest = Manifest(format=FORMAT, version=version, files=tuple(files), chunks=tuple(chunks))
    raw = encode(manifest)
    pieces = [store.put(raw[at : at + CHUNK_MOST_BYTES]) for at in range(0, len(raw), CHUNK_MOST_BYTES)]
    index = Index(
        format=FORMAT, version=version, size=total, files=len(files), manifest=tuple(pieces),
        manifest_sha=sha_of(raw), content=content,
    )  # fmt: skip
    head = out / BUILT / version
    head.parent.mkdir(parents=True, exist_ok=True)
    written = encode(index)
    if head.exists() and head.read_bytes() != written:
        raise ReleaseRefused("duplicate", f"version {version} was built before, of other sources: take a new version")
    head.write_bytes(written)
    return Built(
        index=index, chunks=len(store.seen), new_chunks=store.new, stored_bytes=sum(store.seen.values()),
        new_bytes=store.new_bytes,
    )  # fmt: skip


class _Store:
    def __init__(self, out: Path) -> None:
        self._out = out
        self.seen: OrderedDict[str, int] = OrderedDict()
        self.new = 0
        self.new_bytes = 0

    def put(self, data: bytes) -> Chunk:
        sha = sha_of(data)
        path = self._out / chunk_path(sha)
        if sha in self.seen:
            return Chunk(sha, len(data), self.seen[sha])
        if path.exists():
            stored = path.stat().st_size
        else:
            packed = compress(data)
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(".part")
            part.write_bytes(packed)
            part.rename(path)
            stored = len(packed)
            self.new += 1
            self.new_bytes += stored
        self.seen[sha] = stored
        return Chunk(sha, len(data), stored)


def _all(sources: Mapping[str, Path], leave_out: Sequence[str]) -> Iterator[_Source]:
    for part, source in sources.items():
        if part not in PARTS:
            raise ReleaseRefused("path", f"{part!r} is none of {', '.join(PARTS)}")
        if source.is_file():
            yield _source(f"{part}/{source.name}", source)
            continue
        if not source.is_dir():
            raise ReleaseRefused("path", f"{source} is not there")
        yield from _walk(part, source, leave_out)


def _walk(part: str, folder: Path, leave_out: Sequence[str]) -> Iterator[_Source]:
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if any(fnmatch.fnmatchcase(entry.name, pattern) for pattern in leave_out):
            continue
        path = f"{part}/{entry.name}"
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(path, Path(entry.path), leave_out)
        else:
            yield _source(path, Path(entry.path))


def _source(path: str, file: Path) -> _Source:
    kind = file.lstat()
    if stat.S_ISLNK(kind.st_mode):
        raise ReleaseRefused("path", f"{file} is a link; put the file itself there, or leave it out")
    if not stat.S_ISREG(kind.st_mode):
        raise ReleaseRefused("path", f"{file} is not a regular file")
    return _Source(path, file, kind.st_size, bool(kind.st_mode & 0o100))


def _groups(found: Sequence[_Source]) -> Iterator[list[_Source]]:
    """Large files by themselves, small neighbours together."""
    together: list[_Source] = []
    for source in found:
        if source.size < ALONE_BYTES:
            together.append(source)
            continue
        if together:
            yield together
            together = []
        yield [source]
    if together:
        yield together


def _bytes(group: Sequence[_Source], files: list[File]) -> Iterator[bytes]:
    """The files' bytes one after the other; notes each in `files` when it is through."""
    for source in group:
        found, size = hashlib.sha256(), 0
        with source.file.open("rb") as file:
            while piece := file.read(PIECE_BYTES):
                found.update(piece)
                size += len(piece)
                yield piece
        if size != source.size:
            raise ReleaseRefused("sizes", f"{source.file} changed while it was read")
        files.append(File(source.path, size, found.hexdigest(), source.runs))
