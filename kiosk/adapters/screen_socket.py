"""The screen process, reached over a local socket. One screen at a time; it may die and come back.

The newest snapshot is all that a returning screen needs, so nothing is queued for one that is away.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from contracts.framing import Framing, FramingError
from contracts.screen import MAX_MESSAGE_BYTES, ScreenState, SpeechPlan, ToCore, ToScreen
from kiosk.runtime.buffer import Buffer

UP_LIMIT: Final = 256
PLANS_KEPT: Final = 8
BACKLOG_BYTES: Final = 4 * 1024 * 1024
READ_BYTES: Final = 65_536


class SocketScreen:
    """Listens on a unix socket and speaks with the screen that connects.

    `tally_faults`: messages that were not understood. `tally_dropped_sends`: sent while nobody was there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._up: Buffer[ToCore | None] = Buffer(UP_LIMIT, "drop_oldest")
        self._server: asyncio.Server | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._state: ScreenState | None = None
        self._plans: list[SpeechPlan] = []
        self.tally_faults = 0
        self.tally_dropped_sends = 0

    async def open(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._talk, str(self._path))

    @property
    def connected(self) -> bool:
        return self._writer is not None

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._writer is not None:  # the newcomer wins: the old one hangs or is on its way out
            self._writer.close()
        self._writer = writer
        framing: Framing[ToCore] = Framing(ToCore, MAX_MESSAGE_BYTES)
        for message in (self._state, *self._plans):
            if message is not None:
                writer.write(framing.encode(message))
        try:
            while received := await reader.read(READ_BYTES):
                for message_up in framing.feed(received):
                    self._up.offer(message_up)
        except (FramingError, ConnectionError):
            self.tally_faults += 1
        finally:
            if self._writer is writer:
                self._writer = None
                self._up.offer(None)  # tells the core that the screen is away
            writer.close()

    def send(self, message: ToScreen) -> None:
        if isinstance(message, ScreenState):
            self._state = message
        elif isinstance(message, SpeechPlan):
            if self._plans and self._plans[-1].utterance != message.utterance:
                self._plans.clear()
            self._plans = [*self._plans, message][-PLANS_KEPT:]
        if self._writer is None:
            self.tally_dropped_sends += 1
            return
        if self._writer.transport.get_write_buffer_size() > BACKLOG_BYTES:  # it does not read: let it come anew
            self._writer.transport.abort()
            self.tally_faults += 1
            return
        self._writer.write(Framing[ToCore](ToCore, MAX_MESSAGE_BYTES).encode(message))

    def forget(self) -> None:
        """Keep no mouth shapes for a screen that comes back: they spell what was said to a visitor."""
        self._plans.clear()

    async def messages(self) -> AsyncIterator[ToCore | None]:
        """What the screen says; None when it went away."""
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
