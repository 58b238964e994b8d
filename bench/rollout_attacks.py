"""Releases that somebody forged, held back, mixed or damaged: each must be refused, and nothing of it may be applied.

The terminal is installed and has seen the newest metadata once. Each attack changes what it is offered, by the real
signing tools with the wrong keys, or by hand; then the real updater's code takes it.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

import zstandard
from securesystemslib.formats import encode_canonical

from bench.rollout_world import NEW, OLD, World
from contracts.release import FORMAT, Chunk, File, Index, Manifest, ReleaseRefused, encode, sha_of, target_of
from contracts.repository import CHUNKS, metadata_for
from contracts.trust import Untrusted
from hub.release.signing import ONLINE, Keys, Repository, first_root, new_key, now_utc
from kiosk.rollout.disk import Disk
from kiosk.rollout.over_folder import FolderSource, read_bounded
from kiosk.rollout.ports import SourceLost
from kiosk.rollout.slots import Place
from kiosk.rollout.taking import Taking

Files = dict[str, bytes]
EVIL: Final = "6.6.6"
BOMB_BYTES: Final = 256 * 1024**2


class _Offered:
    """A source that offers what the attacker made. `chunks` by name; where it has none, the folder's."""

    def __init__(self, files: Mapping[str, bytes], repository: Path, chunks: Mapping[str, bytes]) -> None:
        self._files, self._inner, self._chunks = files, FolderSource(repository), dict(chunks)

    async def metadata(self, release: str, root: int) -> Mapping[str, bytes]:
        return self._files

    async def chunks(self, wanted: Sequence[Chunk]) -> AsyncIterator[tuple[Chunk, bytes]]:
        for chunk in wanted:
            if chunk.sha in self._chunks:
                yield chunk, self._chunks[chunk.sha]  # a source that does not look itself
                continue
            async for one in self._inner.chunks([chunk]):
                yield one


@dataclass(frozen=True, slots=True)
class Attack:
    """`make` gives the offered files and chunks; `release` is what the terminal is told to take."""

    name: str
    make: Callable[[World], tuple[Files, Mapping[str, bytes]]]
    release: str = NEW
    seen: Literal["newest", "before"] = "newest"  # what the terminal saw last
    truly_signed: bool = False  # its metadata is good and may be held on to


def honest(world: World, release: str = NEW) -> Files:
    return dict(metadata_for(world.repository, target_of(release), 1, read_bounded))


def _old_metadata(world: World) -> tuple[Files, Mapping[str, bytes]]:
    """What was signed before the terminal saw something newer."""
    return dict(metadata_for(world.folder / "repository-before", target_of(NEW), 1, read_bounded)), {}


def _frozen(world: World) -> tuple[Files, Mapping[str, bytes]]:
    """The truth of a long time ago, signed by the true keys: no newer one is let through."""
    return _published(world, world.keys, now_utc() - timedelta(days=400)), {}


def _wrong_key(world: World) -> tuple[Files, Mapping[str, bytes]]:
    """Somebody else's keys, under a root of their own."""
    return _published(world, _other_keys(world, "wrong"), now_utc()), {}


def _one_of_two(world: World) -> tuple[Files, Mapping[str, bytes]]:
    """A next root that replaces the key of `targets`, signed by one person where two must agree."""
    root = json.loads(world.root)
    root["signed"]["version"] = 2
    signed = (encode_canonical(root["signed"]) or "").encode("utf-8")
    signature = world.keys.root[0].sign(signed)
    root["signatures"] = [{"keyid": signature.keyid, "sig": signature.signature}]
    return {**honest(world), "2.root.json": json.dumps(root).encode()}, {}


def _mixed_targets(world: World) -> tuple[Files, Mapping[str, bytes]]:
    """Yesterday's targets under today's snapshot, each truly signed."""
    before = metadata_for(world.folder / "repository-before", target_of(NEW), 1, read_bounded)
    files = honest(world)
    old = next(name for name in before if name.endswith(".targets.json"))
    new = next(name for name in files if name.endswith(".targets.json"))
    return {**files, new: before[old]}, {}


def _one_role_for_all(world: World) -> tuple[Files, Mapping[str, bytes]]:
    """The key of `content` signs a release."""
    keys = Keys(world.keys.root, {**world.keys.online, "targets": world.keys.online["content"]})
    return _published(world, keys, now_utc()), {}


def _endless(world: World) -> tuple[Files, Mapping[str, bytes]]:
    return {**honest(world), "timestamp.json": b" " * 60_000 + honest(world)["timestamp.json"]}, {}


def _endless_files(world: World) -> tuple[Files, Mapping[str, bytes]]:
    return {**honest(world), **{f"{number}.root.json": world.root for number in range(2, 40)}}, {}


def _truncated(world: World) -> tuple[Files, Mapping[str, bytes]]:
    files = honest(world)
    name = next(name for name in files if name.endswith(".targets.json"))
    return {**files, name: files[name][: len(files[name]) // 2]}, {}


def _truncated_timestamp(world: World) -> tuple[Files, Mapping[str, bytes]]:
    files = honest(world)
    return {**files, "timestamp.json": files["timestamp.json"][:-40]}, {}


def _changed_index(world: World) -> tuple[Files, Mapping[str, bytes]]:
    files = honest(world)
    name = next(name for name in files if name.startswith("release/"))
    return {**files, name: files[name].replace(b'"format":1', b'"format":2')}, {}


def _other_release(world: World) -> tuple[Files, Mapping[str, bytes]]:
    """A release that nobody signed."""
    return honest(world), {}


def _chunks(change: Callable[[bytes], bytes]) -> Callable[[World], tuple[Files, Mapping[str, bytes]]]:
    """Good metadata, every chunk of the release changed on its way."""

    def make(world: World) -> tuple[Files, Mapping[str, bytes]]:
        stored = {path.name: change(path.read_bytes()) for path in (world.repository / CHUNKS).glob("*/*")}
        return honest(world), stored

    return make


def _bomb(data: bytes) -> bytes:
    """Unpacks to a quarter of a gigabyte, and is as long as the chunk that it replaces."""
    packed = _packed_bomb()
    filling = len(data) - len(packed) - 8
    if filling < 0:
        return data
    return packed + b"\x50\x2a\x4d\x18" + filling.to_bytes(4, "little") + bytes(filling)  # a frame to be skipped


@cache
def _packed_bomb() -> bytes:
    return zstandard.ZstdCompressor(level=19).compress(bytes(BOMB_BYTES))


def _signed_evil(
    files: Sequence[tuple[str, bytes]], **changed: Any
) -> Callable[[World], tuple[Files, Mapping[str, bytes]]]:
    """A release with these files, signed by the true keys: what a mistake, or a stolen key, could sign."""

    def make(world: World) -> tuple[Files, Mapping[str, bytes]]:
        data = b"".join(body for _, body in files)
        packed = zstandard.ZstdCompressor().compress(data)
        listed = tuple(File(path, len(body), sha_of(body), False) for path, body in files)
        chunk = Chunk(sha_of(data), len(data), len(packed))
        manifest = Manifest(format=FORMAT, version=EVIL, files=listed, chunks=(chunk,))
        raw = encode(manifest)
        head = zstandard.ZstdCompressor().compress(raw)
        index = Index(
            format=FORMAT, version=EVIL, size=changed.get("size", len(data)), files=changed.get("count", len(listed)),
            manifest=(Chunk(sha_of(raw), len(raw), len(head)),), manifest_sha=sha_of(raw),
            content=changed.get("content", ""),
        )  # fmt: skip
        place = world.folder / f"evil-{hashlib.sha256(raw + encode(index)).hexdigest()[:8]}"
        repository = Repository(place)
        repository.begin(world.root)
        for _ in range(3):  # newer than what the terminal has seen
            repository.publish(world.keys.online, now_utc())
        repository.publish(world.keys.online, now_utc(), releases={target_of(EVIL): encode(index)})
        offered = dict(metadata_for(place, target_of(EVIL), 1, read_bounded))
        return offered, {chunk.sha: packed, sha_of(raw): head}

    return make


ATTACKS: Final = (
    Attack("old_metadata", _old_metadata),
    Attack("frozen", _frozen),
    Attack("wrong_key", _wrong_key),
    Attack("root_signed_by_one_of_two", _one_of_two),
    Attack("mixed_targets", _mixed_targets, seen="before"),
    Attack("content_role_signs_software", _one_role_for_all),
    Attack("endless_timestamp", _endless),
    Attack("endless_files", _endless_files),
    Attack("truncated_targets", _truncated, seen="before"),
    Attack("truncated_timestamp", _truncated_timestamp),
    Attack("changed_index", _changed_index),
    Attack("release_not_signed", _other_release, "9.9.9"),
    Attack("chunks_changed", _chunks(lambda data: data[:-1] + bytes([data[-1] ^ 1])), truly_signed=True),
    Attack("chunks_truncated", _chunks(lambda data: data[: len(data) // 2]), truly_signed=True),
    Attack("chunks_endless", _chunks(lambda data: data + bytes(10_000_000)), truly_signed=True),
    Attack("chunk_bombs", _chunks(_bomb), truly_signed=True),
    Attack("zip_slip", _signed_evil([("software/../../outside", b"x")]), EVIL, truly_signed=True),
    Attack("absolute_path", _signed_evil([("/etc/outside", b"x")]), EVIL, truly_signed=True),
    Attack("outside_its_parts", _signed_evil([("elsewhere/outside", b"x")]), EVIL, truly_signed=True),
    Attack("file_and_folder", _signed_evil([("software/a", b"x"), ("software/a/b", b"y")]), EVIL, truly_signed=True),
    Attack("same_path_twice", _signed_evil([("software/a", b"x"), ("software/A", b"y")]), EVIL, truly_signed=True),
    Attack("device_name", _signed_evil([("software/a\x00b", b"x")]), EVIL, truly_signed=True),
    Attack("sizes_do_not_add_up", _signed_evil([("software/a", b"x")], size=10**9), EVIL, truly_signed=True),
    Attack("counts_do_not_add_up", _signed_evil([("software/a", b"x")], count=50_000), EVIL, truly_signed=True),
    Attack("content_nobody_signed", _signed_evil([("content/pack.ybpack", b"x")]), EVIL, truly_signed=True),
    Attack(
        "content_named_not_signed",
        _signed_evil([("content/p.ybpack", b"x")], content="content/p.ybpack"),
        EVIL,
        truly_signed=True,
    ),
)


def attack_all(world: World) -> dict[str, Any]:
    """Each attack on a terminal of its own: what it was refused with, whether anything was applied."""
    _seen_newest(world)
    outcomes: dict[str, str] = {}
    applied: list[str] = []
    for attack in ATTACKS:
        place = world.fresh("attacked")
        seen = world.repository if attack.seen == "newest" else world.folder / "repository-before"
        last = _Offered(metadata_for(seen, target_of(OLD), 1, read_bounded), seen, {})
        asyncio.run(_take(world, place, last, OLD, only_trust=True))
        held = frozenset({"trust.json"} if attack.truly_signed else ())
        before = _state(place, held)
        files, chunks = attack.make(world)
        outcomes[attack.name] = asyncio.run(
            _take(world, place, _Offered(files, world.repository, chunks), attack.release)
        )
        if _state(place, held) != before:
            applied.append(attack.name)
    control = world.fresh("attacked")
    taken = asyncio.run(_take(world, control, _Offered(honest(world), world.repository, {}), NEW))
    return {
        "attacks": len(ATTACKS),
        "refused": sum(outcome not in ("", "taken") for outcome in outcomes.values()),
        "applied_in_part": applied,
        "honest_release_taken": taken == "taken",
        "refused_with": outcomes,
    }


def _seen_newest(world: World) -> None:
    """Something newer is published, and the terminals have seen it."""
    before = world.folder / "repository-before"
    if not before.exists():
        shutil.copytree(world.repository, before)
        Repository(world.repository).publish(world.keys.online, now_utc())


async def _take(world: World, folder: Path, source: _Offered, release: str, *, only_trust: bool = False) -> str:
    place = Place(folder)
    taking = Taking(
        place, Disk(), source, root=world.root, now=lambda: datetime.now().astimezone(), told=lambda _: None
    )
    try:
        if only_trust:
            await taking.prove(release)
            return "taken"
        return "taken" if await taking.take(release, "a", "b") else "asked_again"
    except Untrusted as err:
        return f"untrusted: {err.reason}"
    except ReleaseRefused as err:
        return f"release: {err.reason}"
    except SourceLost as err:
        return f"source: {str(err)[:40]}"
    except OSError as err:
        return f"disk: {str(err)[:40]}"


def _state(folder: Path, held: frozenset[str]) -> dict[str, str]:
    """What the terminal runs and could run: everything but chunks that were fetched."""
    found: dict[str, str] = {}
    for root, _, names in os.walk(folder):
        for name in names:
            path = Path(root) / name
            if "chunks" not in path.parts and name not in held:
                found[str(path)] = str(path.readlink()) if path.is_symlink() else sha_of(path.read_bytes())
    found.update({str(path): "outside" for path in folder.parent.rglob("outside")})
    return found


def _published(world: World, keys: Keys, when: datetime) -> Files:
    """The same release, published with these keys at that time."""
    place = world.folder / f"other-{len(list(world.folder.iterdir()))}"
    repository = Repository(place)
    repository.begin(first_root(keys, 2, when) if keys.root != world.keys.root else world.root)
    raw = (world.repository / "built" / NEW).read_bytes()
    for _ in range(4):
        repository.publish(keys.online, when, releases={target_of(NEW): raw})
    return dict(metadata_for(place, target_of(NEW), 1, read_bounded))


def _other_keys(world: World, name: str) -> Keys:
    folder = world.folder / f"keys-{name}"
    return Keys(
        tuple(new_key(folder / f"root-{number}.pem") for number in range(3)),
        {role: new_key(folder / f"{role}.pem") for role in ONLINE},
    )
