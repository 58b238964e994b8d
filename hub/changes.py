"""Tells open pages that a branch changed: at once what this process did, within half a second what others did.

Several web processes and workers meet in the database only, so the branches that somebody looks at are looked
up there: their queue's revision, their last moment, their devices' last word.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator
from typing import Final

import sqlalchemy as sa

from hub.store import Store, branches, devices, events
from hub.video.tables import pools

log = logging.getLogger(__name__)

MAX_STREAMS: Final = 256
STREAM_PAUSE_S: Final = 0.2  # changes closer together than this are told once
HEARTBEAT_S: Final = 15.0
LOOK_S: Final = 0.5
WATCHED_S: Final = 10.0  # a page that has not asked for so long is gone
MAX_WATCHED: Final = 512


class Changes:
    """`tell` may be called from any thread; everything else in the loop."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listening: set[tuple[str, asyncio.Event]] = set()
        self._versions: Counter[str] = Counter()
        self._watched: dict[str, float] = {}  # branch → when a page asked last, monotonic seconds
        self._closed = False

    def bind(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def tell(self, branch: str) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake, branch)

    def version(self, branch: str) -> int:
        """A number that grows when the branch changes; asking keeps the branch watched."""
        if branch in self._watched or len(self._watched) < MAX_WATCHED:
            self._watched[branch] = time.monotonic()
        return self._versions[branch]

    def close(self) -> None:
        """End every stream, so that the server can stop."""
        self._closed = True
        for _, event in self._listening:
            event.set()

    async def watch(self, store: Store) -> None:
        """Look for what other processes changed, until cancelled."""
        known: dict[str, tuple[object, ...]] = {}
        while True:
            await asyncio.sleep(LOOK_S)
            now_s = time.monotonic()
            wanted = {branch for branch, asked_s in self._watched.items() if now_s - asked_s < WATCHED_S}
            wanted |= {branch for branch, _ in self._listening}
            self._watched = {branch: at for branch, at in self._watched.items() if branch in wanted}
            if not wanted:
                known.clear()
                continue
            with contextlib.suppress(sa.exc.SQLAlchemyError):  # the health page says that it does not answer
                found = await asyncio.to_thread(_marks, store, sorted(wanted))
                for branch, mark in found.items():
                    if known.get(branch, mark) != mark:
                        self._wake(branch)
                known = found

    async def stream(self, branch: str) -> AsyncIterator[bytes]:
        """Server-sent events for one page."""
        entry = (branch, asyncio.Event())
        self._listening.add(entry)
        try:
            yield b"retry: 1000\n\n"
            while not self._closed:
                try:
                    async with asyncio.timeout(HEARTBEAT_S):
                        await entry[1].wait()
                except TimeoutError:
                    yield b": still here\n\n"
                    continue
                if self._closed:
                    return
                await asyncio.sleep(STREAM_PAUSE_S)
                entry[1].clear()
                yield b"event: changed\ndata: {}\n\n"
        finally:
            self._listening.discard(entry)

    @property
    def is_full(self) -> bool:
        return len(self._listening) >= MAX_STREAMS

    def _wake(self, branch: str) -> None:
        self._versions[branch] += 1
        for listening, event in self._listening:
            if listening == branch:
                event.set()


def _marks(store: Store, wanted: list[str]) -> dict[str, tuple[object, ...]]:
    """What grows when something about a branch is new."""
    sums = {
        "revision": sa.select(branches.c.branch, branches.c.revision).where(branches.c.branch.in_(wanted)),
        "moment": sa.select(events.c.branch, sa.func.max(events.c.id))
        .where(events.c.branch.in_(wanted))
        .group_by(events.c.branch),
        "heard": sa.select(devices.c.branch, sa.func.max(devices.c.seen))
        .where(devices.c.branch.in_(wanted))
        .group_by(devices.c.branch),
        "pool": sa.select(pools.c.pool, pools.c.revision).where(pools.c.pool.in_(wanted)),
    }
    with store.read() as db:
        found = {name: {row[0]: row[1] for row in db.execute(query)} for name, query in sums.items()}
    return {branch: tuple(found[name].get(branch) for name in sums) for branch in wanted}
