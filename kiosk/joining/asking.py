"""A terminal without a certificate asks for one, again and again, until an operator has claimed the code it shows."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Callable
from typing import Final

from contracts import fleet as f
from contracts import topics
from contracts.screen import JoinStands
from kiosk.joining.identity import Identity, NotOurs
from kiosk.ports import Bus, BusDown, Clock, Connected, Delivered, Disconnected

log = logging.getLogger(__name__)

ASKS_EVERY_S: Final = 3.0


class Asking:
    """`stands` is told whether the broker can be reached."""

    def __init__(
        self, bus: Bus, identity: Identity, hardware: str, clock: Clock, stands: Callable[[JoinStands], None]
    ) -> None:
        self._bus, self._identity, self._hardware = bus, identity, hardware
        self._clock, self._stands = clock, stands
        self.tally: Counter[str] = Counter()

    async def run(self) -> f.JoinAnswer:
        """Until the certificate is on this disk."""
        name = await asyncio.to_thread(lambda: self._identity.fingerprint)
        await self._bus.open(None)
        asking = asyncio.create_task(self._ask(name), name="join-ask")
        try:
            await self._bus.subscribe(topics.JOIN_ANSWER.at("", name), topics.JOIN_ANSWER.qos)
            async for news in self._bus.news():
                match news:
                    case Connected():
                        self._stands("asking")
                    case Disconnected(reason):
                        log.info("no broker to join at: %s", reason)
                        self._stands("no_line")
                    case Delivered(topic, payload):
                        answer = await self._take(name, topic, payload)
                        if answer is not None:
                            return answer
            raise RuntimeError("the connection was closed before the terminal had joined")
        finally:
            asking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asking
            await self._bus.close()

    async def _ask(self, name: str) -> None:
        row = topics.JOIN_REQUEST
        while True:
            if self._bus.connected:
                request = await asyncio.to_thread(self._identity.request, self._hardware)
                with contextlib.suppress(BusDown):
                    await self._bus.publish(row.at("", name), row.encode(request), qos=row.qos)
                    self.tally["asked"] += 1
                await self._clock.sleep(ASKS_EVERY_S)
            else:
                await self._clock.sleep(0.1)

    async def _take(self, name: str, topic: str, payload: bytes) -> f.JoinAnswer | None:
        row = topics.JOIN_ANSWER
        if topic != row.at("", name):
            self.tally["not_for_us"] += 1
            return None
        try:
            answer = row.decode(payload)
            await asyncio.to_thread(self._identity.joined, answer)
        except (topics.WireError, NotOurs) as err:
            self.tally[f"refused_{err.code}"] += 1
            log.warning("an answer to joining was refused: %s", err.code)
            return None
        return answer
