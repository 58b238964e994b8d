"""While somebody talks to a teller, a broker that is lost is looked for without long pauses; otherwise with them."""

from __future__ import annotations

import asyncio
import time

import pytest

from contracts import topics
from kiosk.adapters.mqtt import Pace, PahoBus
from kiosk.ports import Will

pytestmark = pytest.mark.contract
PACE = Pace(tcp_s=1.0, connack_s=1.0, first_pause_s=20.0, longest_pause_s=60.0, hurried_pause_s=0.1)


async def test_a_hurry_ends_a_long_pause_and_the_next_ones_stay_short() -> None:
    called: list[float] = []

    async def refuse(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        called.append(time.monotonic())
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    bus = PahoBus("127.0.0.1", server.sockets[0].getsockname()[1], client_id="binjiang.kiosk-1", pace=PACE)
    await bus.open(Will(topics.AVAILABILITY.at("binjiang", "kiosk-1"), b"{}"))

    async def calls(count: int) -> None:
        async with asyncio.timeout(30):
            while len(called) < count:
                await asyncio.sleep(0.01)

    await calls(1)
    await asyncio.sleep(0.5)
    assert len(called) == 1  # it waits for twenty seconds
    bus.hurry(True)
    began_s = time.monotonic()
    await calls(4)
    assert time.monotonic() - began_s < 15  # a second or so; the pauses of before would be a minute and more
    bus.hurry(False)
    await bus.close()
    server.close()
