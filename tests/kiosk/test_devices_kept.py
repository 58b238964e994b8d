"""A device that is away is told about, looked for again, used when it is back, and told about once more."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from kiosk.events import DeviceChanged
from kiosk.ports import DeviceLost
from kiosk.runtime.clock import LoopClock
from kiosk.runtime.devices import keep

pytestmark = pytest.mark.unit


class Plug:
    """A device that can be plugged in and pulled out."""

    def __init__(self) -> None:
        self.there = False
        self.opened = self.closed = 0
        self.pulled = asyncio.Event()

    async def open(self) -> Plug:
        if not self.there:
            raise DeviceLost("nothing is plugged in")
        self.opened += 1
        self.pulled.clear()
        return self

    async def use(self, device: Plug) -> None:
        await self.pulled.wait()
        raise DeviceLost("it was pulled out")

    async def close(self) -> None:
        self.closed += 1


def test_it_is_found_within_the_retry_time_lost_at_once_and_found_again(
    virtual: Any, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[tuple[float, bool]] = []

    async def script() -> Plug:
        plug, clock = Plug(), LoopClock()

        def tell(event: DeviceChanged) -> None:
            told.append((clock.now_ns() / 1e9, event.works))

        kept = asyncio.create_task(keep("camera", plug.open, plug.use, tell, clock, 3.0))
        await asyncio.sleep(10)
        plug.there = True
        await asyncio.sleep(10)
        plug.there = False
        plug.pulled.set()
        await asyncio.sleep(10)
        plug.there = True
        await asyncio.sleep(4)
        kept.cancel()
        await asyncio.gather(kept, return_exceptions=True)
        return plug

    with caplog.at_level(logging.WARNING):
        plug = virtual.run_until_complete(script())
    works = [state for _, state in told]
    assert works[0] is False and works.count(True) == 2 and plug.opened == 2 and plug.closed == 2
    first, second = (at for at, state in told if state)
    assert first <= 13 and second <= 33  # plugged in at 10 s and at 30 s
    assert len([record for record in caplog.records if "nothing is plugged in" in record.message]) == 2  # not each try
