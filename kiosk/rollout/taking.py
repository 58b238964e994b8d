"""From a wish to a release that lies whole in the spare slot: proved by signatures, fetched, put together, read back.

What was proved and what was fetched is on disk at once, so that after a cut, or days, nothing of it is asked for again.
Room for all of it is taken before the first byte. Nothing is switched here.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from contracts.release import Chunk, Index, Manifest, ReleaseRefused, join_manifest, needed, open_chunk, read_index
from contracts.trust import Trusted, check, newest_root
from kiosk.rollout.disk import Disk
from kiosk.rollout.ports import Source, SourceLost
from kiosk.rollout.records import Slot
from kiosk.rollout.slots import MARGIN_BYTES, ChunkFolder, OldChunks, Place, Torn, assemble, check_slot, seal_of
from kiosk.runtime.sealed import Damaged

log = logging.getLogger(__name__)

TORN_MOST: Final = 64  # chunks on this disk that may turn out damaged for one release
TOLD_SHARE: Final = 0.02


class TrustKept(msgspec.Struct, frozen=True, kw_only=True):
    """What was found good last: metadata by file name, the release that it proved. `floor`: has certainly passed."""

    files: dict[str, bytes] = {}
    release: str = ""
    index: bytes = b""
    content_sha: str = ""
    floor: datetime | None = None


class Taking:
    """`told` is called with the share of the release that is here, whenever it grew by so much."""

    def __init__(
        self, place: Place, disk: Disk, source: Source, *, root: bytes, now: Callable[[], datetime],
        told: Callable[[float], None],
    ) -> None:  # fmt: skip
        self._place, self._disk, self._source, self._root = place, disk, source, root
        self._now, self._told = now, told
        self._chunks = ChunkFolder(place, disk)
        self._damaged: set[str] = set()  # chunks that the old slot no longer holds
        self._torn = 0
        self.tally: Counter[str] = Counter()

    async def take(self, release: str, old_slot: Slot, slot: Slot) -> bool:
        """Have `release` whole in `slot`; False: something on this disk was damaged, once more please.

        Raises `Untrusted`, `ReleaseRefused` (nothing of it is kept in the slot), `SourceLost`, OSError (no room).
        """
        trusted = await self.prove(release)
        if seal_of(self._place.slot(slot)) == trusted.index and await self.is_whole(slot):
            return True  # it ran here before
        old = await asyncio.to_thread(OldChunks, self._place.slot(old_slot))
        manifest = await self._manifest(trusted.index)
        check_content(trusted, manifest)
        wanted = needed(manifest, old.names - self._damaged)
        await self._collect(wanted, extra_bytes=trusted.index.size, told=self._told)
        try:
            await asyncio.to_thread(self._assemble, slot, trusted.raw, manifest, old)
        except Torn:
            self._torn += 1
            if self._torn > TORN_MOST:
                raise OSError("chunks on this disk turn out damaged again and again") from None
            return False
        self._torn = 0
        self._damaged.clear()
        return True

    async def is_whole(self, slot: Slot) -> bool:
        """Whether a slot holds what its seal says, every byte read back."""
        try:
            await asyncio.to_thread(check_slot, self._place.slot(slot))
        except (ReleaseRefused, OSError) as err:
            if seal_of(self._place.slot(slot)) is not None:
                log.error("slot %s: %s", slot, err)
            return False
        return True

    def forget(self) -> None:
        """The fetched chunks are of no more use."""
        self._chunks.forget()

    # --- trust ----------------------------------------------------------------------------------

    async def prove(self, release: str) -> Trusted:
        """The release's signed index: from disk where it was proved before, else from the source."""
        kept = await asyncio.to_thread(self._trust_kept)
        if kept.release == release:
            return Trusted(index=read_index(kept.index), raw=kept.index, content_sha=kept.content_sha, kept=kept.files)
        offered = await self._source.metadata(release, newest_root(kept.files, self._root))
        trusted = await asyncio.to_thread(
            check, release, root=self._root, kept=kept.files, offered=offered, floor=kept.floor
        )
        now = self._now().astimezone(UTC)
        record = TrustKept(
            files=dict(trusted.kept), release=release, index=trusted.raw, content_sha=trusted.content_sha,
            floor=max(now, kept.floor) if kept.floor else now,
        )  # fmt: skip
        await asyncio.to_thread(self._disk.keep, self._place.trust, record)
        return trusted

    def _trust_kept(self) -> TrustKept:
        try:
            return self._disk.read(self._place.trust, TrustKept) or TrustKept()
        except Damaged as err:
            log.error("trust: %s", err)  # the root that it was installed with is still there
            self.tally["trust_damaged"] += 1
            return TrustKept()

    # --- chunks ---------------------------------------------------------------------------------

    async def _manifest(self, index: Index) -> Manifest:
        await self._collect(index.manifest, extra_bytes=index.size)

        def joined() -> Manifest:
            stored = {chunk.sha: (self._place.chunks / chunk.sha).read_bytes() for chunk in index.manifest}
            return join_manifest(index, stored)

        try:
            return await asyncio.to_thread(joined)
        except ReleaseRefused as err:
            if err.reason in ("hash", "truncated", "bomb") and not self._torn:
                self._torn += 1  # what lies on this disk may have suffered: once more from the source
                for chunk in index.manifest:
                    self._disk.remove(self._place.chunks / chunk.sha)
                raise OSError("a manifest on this disk is damaged") from err
            raise

    async def _collect(
        self, chunks: Sequence[Chunk], *, extra_bytes: int, told: Callable[[float], None] = lambda _: None
    ) -> None:
        """Have these chunks on disk. Raises OSError where there is no room for all of it, before the first is asked."""
        here = await asyncio.to_thread(self._chunks.names)
        missing = [chunk for chunk in chunks if chunk.sha not in here]
        left = sum(chunk.stored for chunk in missing)
        whole = sum(chunk.stored for chunk in chunks) or 1
        share = 1 - left / whole
        told(share)
        if not missing:
            return
        await asyncio.to_thread(self._reserve, left + extra_bytes)
        try:
            async for chunk, stored in _closing(self._source.chunks(missing)):
                left -= chunk.stored
                await asyncio.to_thread(self._keep, chunk, stored, left + extra_bytes)
                self.tally["chunks"] += 1
                self.tally["chunk_bytes"] += len(stored)
                if 1 - left / whole - share >= TOLD_SHARE:
                    share = 1 - left / whole
                    told(share)
        finally:
            if self._place.reserve.exists():
                self._disk.remove(self._place.reserve)

    def _reserve(self, size: int) -> None:
        free = self._disk.free_bytes(self._place.root)
        if free < size + MARGIN_BYTES:
            raise OSError(f"{free} bytes free; {size} are needed, and {MARGIN_BYTES} must stay")
        self._disk.reserve(self._place.reserve, size)

    def _keep(self, chunk: Chunk, stored: bytes, left: int) -> None:
        try:
            open_chunk(stored, chunk)
        except ReleaseRefused as err:  # of a source that did not look: its fault, not the release's
            raise SourceLost(str(err)) from err
        os.truncate(self._place.reserve, left)  # what was held for it is now its own
        self._chunks.keep(chunk, stored)

    def _assemble(self, slot: Slot, raw: bytes, manifest: Manifest, old: OldChunks) -> None:
        def read(chunk: Chunk) -> bytes:
            data = self._chunks.read(chunk)
            if data is None:
                data = old.read(chunk)
            if data is None:
                self._damaged.add(chunk.sha)
                raise Torn(chunk.sha)
            return data

        assemble(self._place, self._disk, slot, raw, manifest, read)


async def _closing(chunks: AsyncIterator[tuple[Chunk, bytes]]) -> AsyncIterator[tuple[Chunk, bytes]]:
    """Ends the source's iteration with ours, also where ours is cancelled."""
    try:
        async for one in chunks:
            yield one
    finally:
        close = getattr(chunks, "aclose", None)
        if close is not None:
            await close()


def check_content(trusted: Trusted, manifest: Manifest) -> None:
    """The pack in a release is the one that the bank's own role signed. Raises `ReleaseRefused`."""
    name = trusted.index.content
    packs = {file.path: file.sha for file in manifest.files if file.path.endswith(".ybpack")}
    if not name and not packs:
        return
    if set(packs) != {name} or packs[name] != trusted.content_sha:
        raise ReleaseRefused("content_unsigned", name or min(packs))
