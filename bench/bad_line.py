"""A bad line in user space: datagrams are lost and come late, or nothing passes at all; connections break with it.

Between a browser and its TURN server for the media, between a terminal and its broker for the messages.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Final

HOST: Final = "127.0.0.1"
MOST_CLIENTS: Final = 64
READ_BYTES: Final = 64 * 1024


@dataclass
class Line:
    """How the line is now; may be changed at any time. `loss` 0..1 each way, `delay_s` each way."""

    loss: float = 0.0
    delay_s: float = 0.0
    cut: bool = False
    passed: int = 0
    lost: int = 0
    chance: random.Random = field(default_factory=lambda: random.Random(7))

    def drops(self) -> bool:
        """Whether the next datagram is lost."""
        lost = self.cut or self.chance.random() < self.loss
        self.lost += lost
        self.passed += not lost
        return lost


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, line: Line, forward: Any) -> None:
        self._line, self._forward = line, forward

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if not self._line.drops():
            asyncio.get_running_loop().call_later(self._line.delay_s, self._forward, data, addr)

    def error_received(self, exc: Exception) -> None:
        """The other side is not there: lost."""


@contextlib.asynccontextmanager
async def bad_datagrams(line: Line, target: tuple[str, int]) -> AsyncIterator[int]:
    """A port on loopback that passes datagrams on to `target` and the answers back."""
    loop = asyncio.get_running_loop()
    clients: dict[Any, asyncio.DatagramTransport] = {}
    front: asyncio.DatagramTransport

    def send(transport: asyncio.DatagramTransport, data: bytes, addr: Any = None) -> None:
        if not transport.is_closing():
            transport.sendto(data, addr)

    async def join(addr: Any, data: bytes) -> None:
        made, _ = await loop.create_datagram_endpoint(
            lambda: _Datagrams(line, lambda answer, _: send(front, answer, addr)), remote_addr=target
        )
        clients[addr] = made
        send(made, data)

    def forward(data: bytes, addr: Any) -> None:
        if addr in clients:
            send(clients[addr], data)
        elif len(clients) < MOST_CLIENTS:
            joining.add(task := loop.create_task(join(addr, data)))
            task.add_done_callback(joining.discard)

    joining: set[asyncio.Task[None]] = set()
    front, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(line, forward), local_addr=(HOST, 0))
    try:
        yield int(front.get_extra_info("sockname")[1])
    finally:
        await asyncio.gather(*joining, return_exceptions=True)
        for transport in (front, *clients.values()):
            transport.close()


@contextlib.asynccontextmanager
async def breakable_connections(line: Line, target: tuple[str, int]) -> AsyncIterator[int]:
    """A port on loopback that passes connections on; while the line is cut they break, and new ones are refused."""
    open_: set[asyncio.StreamWriter] = set()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while (data := await reader.read(READ_BYTES)) and not line.cut:
                writer.write(data)
                await writer.drain()
        writer.close()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if line.cut or len(open_) >= 2 * MOST_CLIENTS:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(*target)
        except OSError:
            writer.close()
            return
        open_.update((writer, far_writer))
        await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))
        open_.difference_update((writer, far_writer))

    async def watch() -> None:
        while True:
            await asyncio.sleep(0.05)
            if line.cut:
                for writer in tuple(open_):
                    writer.transport.abort()

    server = await asyncio.start_server(take, HOST, 0)
    watching = asyncio.create_task(watch())
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        watching.cancel()
        server.close()
        for writer in tuple(open_):
            writer.transport.abort()
        await asyncio.gather(watching, return_exceptions=True)
