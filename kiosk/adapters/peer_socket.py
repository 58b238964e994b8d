"""A process of ours, reached over a local socket: one at a time; it may die and come back.

What the screen and the call have in common: who listens, who wins, what is too much. What is said over it is the
adapters' own.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final, Generic, TypeVar

import msgspec

from contracts.framing import Framing, FramingError
from kiosk.runtime.buffer import Buffer

UP_LIMIT: Final = 256
READ_BYTES: Final = 64 * 1024
CLOSING_S: Final = 0.5
Up = TypeVar("Up")


class PeerSocket(Generic[Up]):
    """Listens on a unix socket that only this user may open.

    `kind`: what the other side may say. `most_bytes`: of one message. `backlog_bytes`: who has not read so much does
    not read at all, and is let go. `first`: what a newcomer is told at once. `tally_faults`: ends by what was not
    understood, by a broken line or by a backlog.
    """

    def __init__(
        self, path: Path, kind: object, *, most_bytes: int, backlog_bytes: int,
        first: Callable[[], Iterable[msgspec.Struct]] = tuple,
    ) -> None:  # fmt: skip
        self._path, self._kind, self._most_bytes = path, kind, most_bytes
        self._backlog_bytes, self._first = backlog_bytes, first
        self._out: Framing[Up] = self._framing()
        self._up: Buffer[Up | None] = Buffer(UP_LIMIT, "drop_oldest")
        self._server: asyncio.Server | None = None
        self._writer: asyncio.StreamWriter | None = None
        self.tally_faults = 0

    def _framing(self) -> Framing[Up]:
        return Framing(self._kind, self._most_bytes)

    async def open(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._talk, str(self._path))
        self._path.chmod(0o600)

    @property
    def connected(self) -> bool:
        return self._writer is not None

    @property
    def waiting_bytes(self) -> int:
        """Of what was sent, what the other side has not read yet."""
        return 0 if self._writer is None else self._writer.transport.get_write_buffer_size()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._writer is not None:  # the newcomer wins: the old one hangs or is on its way out
            self._writer.close()
        self._writer = writer
        framing = self._framing()
        for message in self._first():
            writer.write(framing.encode(message))
        try:
            while received := await reader.read(READ_BYTES):
                for said in framing.feed(received):
                    self._up.offer(said)
        except (FramingError, ConnectionError):
            self.tally_faults += 1
        finally:
            if self._writer is writer:
                self._writer = None
                self._up.offer(None)  # tells the core that it is away
            writer.close()

    def write(self, message: msgspec.Struct) -> bool:
        """Hand a message over without waiting. False: nobody is there, or it does not read and has to come anew."""
        if self._writer is None:
            return False
        if self.waiting_bytes > self._backlog_bytes:
            self._writer.transport.abort()
            self.tally_faults += 1
            return False
        self._writer.write(self._out.encode(message))
        return True

    async def messages(self) -> AsyncIterator[Up | None]:
        """What the process says; None when it went away."""
        async for message in self._up:
            yield message

    async def close(self) -> None:
        if self._server:
            self._server.close()
        if self._writer:
            self._writer.close()
            with suppress(ConnectionError, TimeoutError):
                async with asyncio.timeout(CLOSING_S):
                    await self._writer.wait_closed()
        self._up.close()
        self._path.unlink(missing_ok=True)
