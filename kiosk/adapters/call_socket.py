"""The call process, reached over a local socket. One at a time; it may die and come back, the call then begins anew."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from contracts import media
from contracts.framing import Framing, FramingError
from kiosk.runtime.buffer import Buffer

UP_LIMIT: Final = 256
LATE_BYTES: Final = 32 * 1024  # 0.7 s of sound not yet read: more of it would only be late
BACKLOG_BYTES: Final = 1024 * 1024
READ_BYTES: Final = 64 * 1024


class SocketCall:
    """Listens on a unix socket. `tally_late`: sound and pictures not handed over because the process was busy."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._up: Buffer[media.FromCall | None] = Buffer(UP_LIMIT, "drop_oldest")
        self._out: Framing[media.FromCall] = Framing(media.FromCall, media.MAX_MESSAGE_BYTES)
        self._server: asyncio.Server | None = None
        self._writer: asyncio.StreamWriter | None = None
        self.tally_late = 0
        self.tally_faults = 0

    async def open(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._talk, str(self._path))
        self._path.chmod(0o600)

    @property
    def connected(self) -> bool:
        return self._writer is not None

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._writer is not None:  # the newcomer wins: the old one hangs or is on its way out
            self._writer.close()
        self._writer = writer
        framing: Framing[media.FromCall] = Framing(media.FromCall, media.MAX_MESSAGE_BYTES)
        try:
            while received := await reader.read(READ_BYTES):
                for message in framing.feed(received):
                    self._up.offer(message)
        except (FramingError, ConnectionError):
            self.tally_faults += 1
        finally:
            if self._writer is writer:
                self._writer = None
                self._up.offer(None)
            writer.close()

    def send(self, message: media.ToCall) -> bool:
        """Hand a message over without waiting. False: nobody is there, or it would be too late."""
        if self._writer is None:
            return False
        waiting = self._writer.transport.get_write_buffer_size()
        if isinstance(message, media.Heard | media.Seen) and waiting > LATE_BYTES:
            self.tally_late += 1
            return False
        if waiting > BACKLOG_BYTES:  # it does not read: let it come anew
            self._writer.transport.abort()
            self.tally_faults += 1
            return False
        self._writer.write(self._out.encode(message))
        return True

    async def messages(self) -> AsyncIterator[media.FromCall | None]:
        """What the process says; None when it went away."""
        async for message in self._up:
            yield message

    async def close(self) -> None:
        if self._server:
            self._server.close()
        if self._writer:
            self._writer.close()
            with suppress(ConnectionError, TimeoutError):
                async with asyncio.timeout(0.5):
                    await self._writer.wait_closed()
        self._up.close()
        self._path.unlink(missing_ok=True)
