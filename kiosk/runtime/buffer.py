"""The one place where stages are joined: bounded, and overflow is a decision that is counted.

Microphone: drop the oldest. Camera: only the latest. Text and speech: wait. Tickets persist elsewhere.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Generic, Literal, TypeVar

T = TypeVar("T")
Overflow = Literal["drop_oldest", "latest_only", "wait"]


class Closed(Exception):
    """The buffer was closed: no more items will be taken."""


class Buffer(Generic[T]):
    """A bounded queue between two stages of one event loop.

    `tally_dropped` counts the items that overflow threw away.
    """

    def __init__(self, limit: int, overflow: Overflow) -> None:
        if limit < 1:
            raise ValueError(f"limit must be at least 1, got {limit}")
        self._limit = 1 if overflow == "latest_only" else limit
        self._overflow = overflow
        self._items: deque[T] = deque()
        self._filled = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._closed = False
        self.tally_dropped = 0

    def __len__(self) -> int:
        return len(self._items)

    def offer(self, item: T) -> None:
        """Put an item in without waiting; a full buffer drops its oldest item. For devices."""
        if self._closed:
            return
        if len(self._items) >= self._limit:
            self._items.popleft()
            self.tally_dropped += 1
        self._items.append(item)
        self._filled.set()

    async def put(self, item: T) -> None:
        """Put an item in; with `wait`, wait for room. Raises `Closed`."""
        if self._overflow == "wait":
            while len(self._items) >= self._limit and not self._closed:
                self._room.clear()
                await self._room.wait()
        if self._closed:
            raise Closed
        self.offer(item)

    async def get(self) -> T:
        """Take the oldest item. Raises `Closed` when the buffer is closed and empty."""
        while not self._items:
            if self._closed:
                raise Closed
            self._filled.clear()
            await self._filled.wait()
        item = self._items.popleft()
        self._room.set()
        return item

    def close(self) -> None:
        self._closed = True
        self._filled.set()
        self._room.set()

    async def __aiter__(self) -> AsyncIterator[T]:
        while True:
            try:
                item = await self.get()
            except Closed:
                return
            yield item
