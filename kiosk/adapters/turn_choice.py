"""Which TURN server a terminal goes through: the first that answers over UDP, else over TCP.

aiortc uses one TURN server only, and waits for seconds for one that a firewall hides. So a question of twenty bytes is
asked first (a STUN binding request, RFC 8489 section 5), which every TURN server answers.
"""

from __future__ import annotations

import asyncio
import os
import re
import struct
from collections.abc import Sequence
from typing import Any, Final

from aiortc import RTCIceServer

from contracts.call import IceServer

ASK_S: Final = (0.12, 0.18, 0.25)  # after each of these it is asked again, or given up
COOKIE: Final = 0x2112A442
BINDING: Final = 0x0001
ANSWERED: Final = 0x0101
TURN_UDP: Final = re.compile(r"^turn:(?P<host>\[[^\]]+\]|[^:?]+)(:(?P<port>\d+))?(\?transport=udp)?$")
STUN_PORT: Final = 3478


class _Asker(asyncio.DatagramProtocol):
    def __init__(self, mark: bytes) -> None:
        self._mark = mark
        self.answered = asyncio.Event()

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if len(data) >= 20 and data[:2] == struct.pack(">H", ANSWERED) and data[8:20] == self._mark:
            self.answered.set()

    def error_received(self, exc: Exception) -> None:
        """Refused or unreachable: the wait tells."""


async def answers_udp(host: str, port: int) -> bool:
    """Whether a STUN or TURN server answers there within half a second."""
    mark = os.urandom(12)
    asked = struct.pack(">HHI", BINDING, 0, COOKIE) + mark
    try:
        transport, asker = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: _Asker(mark), remote_addr=(host.strip("[]"), port)
        )
    except OSError:
        return False
    try:
        for wait_s in ASK_S:
            transport.sendto(asked)
            try:
                async with asyncio.timeout(wait_s):
                    await asker.answered.wait()
            except TimeoutError:
                continue
            return True
        return False
    finally:
        transport.close()


async def choose_servers(servers: Sequence[IceServer]) -> list[RTCIceServer]:
    """What aiortc is given: STUN servers, and one TURN server that can be reached."""
    chosen = [RTCIceServer(urls=url) for server in servers for url in server.urls if url.startswith("stun:")]
    turns = [(url, server) for server in servers for url in server.urls if url.startswith("turn")]
    for url, server in turns:
        found = TURN_UDP.match(url)
        if found is None or await answers_udp(found["host"], int(found["port"] or STUN_PORT)):
            return [*chosen, RTCIceServer(urls=url, username=server.username, credential=server.credential)]
    return chosen
