"""What a release is: one set of software, models, content and persona, cut into chunks that are named by their hash.

The hub builds it and the terminal takes it apart again by this one description. Everything read here is refused until
it is within the bounds below; nothing here touches a disk or a network, and nothing says whom to trust
(`contracts/trust.py`).
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Final, Literal, TypeVar

import msgspec
import zstandard

FORMAT: Final = 1
PARTS: Final = ("software", "models", "content", "persona")
CHUNK_LEAST_BYTES: Final = 16 * 1024
CHUNK_MOST_BYTES: Final = 112 * 1024  # with its envelope it is one message of the wire
STORED_MOST_BYTES: Final = CHUNK_MOST_BYTES + 1_024  # what cannot be made smaller grows by a header
FILES_MOST: Final = 60_000
CHUNKS_MOST: Final = 200_000
RELEASE_MOST_BYTES: Final = 8 * 1024**3
MANIFEST_MOST_BYTES: Final = 32 * 1024**2
INDEX_MOST_BYTES: Final = 48 * 1024
PATH_MOST: Final = 240
SEAL: Final = ".release"  # beside the parts in a slot: the index and the manifest of what lies there
VERSION_PATTERN: Final = r"^[a-z0-9][a-z0-9.+-]{0,39}$"

Sha = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
Version = Annotated[str, msgspec.Meta(pattern=VERSION_PATTERN)]
Reason = Literal[
    "format", "too_large", "too_many", "path", "duplicate", "sizes", "hash", "bomb", "content_unsigned", "truncated",
]  # fmt: skip
R = TypeVar("R")
_PATH_PART: Final = re.compile(r"^[^\x00-\x1f\x7f/\\:*?\"<>|]{1,120}$")


class ReleaseRefused(ValueError):
    """A release, or a piece of one, is not what it must be. `reason` is for programs, the text for people."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail[:160]}")
        self.reason: Reason = reason


class Chunk(msgspec.Struct, frozen=True, array_like=True):
    """One stretch of the release's bytes: SHA-256 of them, how many, and how many as stored (zstd)."""

    sha: Sha
    size: Annotated[int, msgspec.Meta(ge=1, le=CHUNK_MOST_BYTES)]
    stored: Annotated[int, msgspec.Meta(ge=1, le=STORED_MOST_BYTES)]


class File(msgspec.Struct, frozen=True, array_like=True):
    """One regular file: where below the slot, how large, its SHA-256, and whether it may be run."""

    path: Annotated[str, msgspec.Meta(min_length=3, max_length=PATH_MOST)]
    size: Annotated[int, msgspec.Meta(ge=0, le=RELEASE_MOST_BYTES)]
    sha: Sha
    runs: bool


class Index(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The signed head of a release, small enough for one message: its manifest's chunks and what it will need.

    `content` names the target of the role `content` whose bytes the pack in this release must be; empty: none.
    """

    format: Literal[1]
    version: Version
    size: Annotated[int, msgspec.Meta(ge=0, le=RELEASE_MOST_BYTES)]  # of all files
    files: Annotated[int, msgspec.Meta(ge=0, le=FILES_MOST)]
    manifest: Annotated[tuple[Chunk, ...], msgspec.Meta(min_length=1, max_length=500)]
    manifest_sha: Sha
    content: Annotated[str, msgspec.Meta(max_length=120, pattern=r"^(content/[a-z0-9][a-z0-9._-]{0,100})?$")] = ""


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every file, in the order in which the chunks, one after the other, hold their bytes."""

    format: Literal[1]
    version: Version
    files: Annotated[tuple[File, ...], msgspec.Meta(max_length=FILES_MOST)]
    chunks: Annotated[tuple[Chunk, ...], msgspec.Meta(max_length=CHUNKS_MOST)]


_INDEX: Final = msgspec.json.Decoder(Index)
_MANIFEST: Final = msgspec.json.Decoder(Manifest)


def sha_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def target_of(version: str) -> str:
    """The name under which a release's index is signed."""
    return f"release/{version}"


def encode(record: Index | Manifest) -> bytes:
    """One spelling of it: what is signed, or hashed."""
    return msgspec.json.encode(record, order="deterministic")


def read_index(data: bytes) -> Index:
    """Raises `ReleaseRefused`."""
    return _read(data, _INDEX, INDEX_MOST_BYTES, "index")


def read_manifest(data: bytes, index: Index) -> Manifest:
    """The manifest that `index` names, every path and size of it checked. Raises `ReleaseRefused`."""
    if sha_of(data) != index.manifest_sha:
        raise ReleaseRefused("hash", "the manifest is not the one that was signed")
    manifest = _read(data, _MANIFEST, MANIFEST_MOST_BYTES, "manifest")
    if manifest.version != index.version or len(manifest.files) != index.files:
        raise ReleaseRefused("sizes", "index and manifest differ")
    size = sum(file.size for file in manifest.files)
    if size != index.size or size != sum(chunk.size for chunk in manifest.chunks):
        raise ReleaseRefused("sizes", "files and chunks do not add up")
    if size > RELEASE_MOST_BYTES:
        raise ReleaseRefused("too_large", f"{size} bytes")
    check_paths([file.path for file in manifest.files])
    return manifest


def _read(data: bytes, decoder: msgspec.json.Decoder[R], most: int, what: str) -> R:
    if len(data) > most:
        raise ReleaseRefused("too_large", f"{what} of {len(data)} bytes")
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as err:
        raise ReleaseRefused("format", f"{what}: {err}") from err


def check_paths(paths: Sequence[str]) -> None:
    """Raises `ReleaseRefused` unless every path stays below its part and none stands in another's way."""
    if len(paths) > FILES_MOST:
        raise ReleaseRefused("too_many", f"{len(paths)} files")
    seen: dict[str, str] = {}
    folders: set[str] = set()
    for path in paths:
        levels = path.split("/")
        if len(path) > PATH_MOST or len(levels) < 2 or levels[0] not in PARTS:
            raise ReleaseRefused("path", f"{path!r} is in none of {', '.join(PARTS)}")
        if any(level in (".", "..") or not _PATH_PART.match(level) or level.endswith(".") for level in levels):
            raise ReleaseRefused("path", repr(path))
        if unicodedata.normalize("NFC", path) != path:
            raise ReleaseRefused("path", f"{path!r} is not in its composed form")
        folded = path.casefold()
        if folded in seen:
            raise ReleaseRefused("duplicate", f"{path!r} and {seen[folded]!r}")
        seen[folded] = path
        folders.update("/".join(levels[:depth]).casefold() for depth in range(1, len(levels)))
    if both := sorted(folders & seen.keys()):
        raise ReleaseRefused("duplicate", f"{seen[both[0]]!r} is a file and a folder")


def compress(data: bytes) -> bytes:
    """A chunk as it is stored and sent. The same bytes each time, with one version of the library."""
    return zstandard.ZstdCompressor(level=12, write_checksum=False, write_content_size=True).compress(data)


def open_chunk(stored: bytes, chunk: Chunk) -> bytes:
    """The bytes of a chunk. Raises `ReleaseRefused`: never more than `chunk.size` bytes are unpacked."""
    if len(stored) != chunk.stored:
        raise ReleaseRefused("truncated" if len(stored) < chunk.stored else "too_large", f"chunk {chunk.sha[:12]}")
    try:
        # the frame says itself how large it becomes; believed only as far as the manifest does
        if zstandard.frame_content_size(stored) != chunk.size:
            raise ReleaseRefused("bomb", f"chunk {chunk.sha[:12]} unpacks to another size than was signed")
        data = zstandard.ZstdDecompressor(max_window_size=2**20).decompress(stored, max_output_size=chunk.size)
    except zstandard.ZstdError as err:
        raise ReleaseRefused("hash", f"chunk {chunk.sha[:12]}: {err}") from err
    if len(data) != chunk.size or sha_of(data) != chunk.sha:
        raise ReleaseRefused("hash", f"chunk {chunk.sha[:12]} is not what its name says")
    return data


def join_manifest(index: Index, stored: Mapping[str, bytes]) -> Manifest:
    """The manifest from its fetched chunks. Raises `ReleaseRefused`."""
    if sum(chunk.size for chunk in index.manifest) > MANIFEST_MOST_BYTES:
        raise ReleaseRefused("too_large", "manifest")
    return read_manifest(b"".join(open_chunk(stored[chunk.sha], chunk) for chunk in index.manifest), index)


def spans(manifest: Manifest) -> Iterator[tuple[Chunk, int]]:
    """Each chunk with the place of its first byte in the stream of all files."""
    at = 0
    for chunk in manifest.chunks:
        yield chunk, at
        at += chunk.size


def needed(manifest: Manifest, have: Iterable[str]) -> tuple[Chunk, ...]:
    """The chunks that are not there, each once, in the order in which they will be used."""
    there = set(have)
    missing: list[Chunk] = []
    for chunk in manifest.chunks:
        if chunk.sha not in there:
            there.add(chunk.sha)
            missing.append(chunk)
    return tuple(missing)
