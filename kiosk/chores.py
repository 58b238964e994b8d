"""What a terminal does by itself after each visit: gives free memory back."""

from __future__ import annotations

import asyncio
from typing import Final

from kiosk.ports import Clock
from kiosk.runtime.memory import give_back

SETTLED_S: Final = 0.5  # after a visit: what hung on it is let go by then


class GivesBack:
    """Gives free memory back after each visit. `visit_ended` says that one was; `tally_given`: how often some was."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ended = asyncio.Event()
        self.tally_given = 0

    def visit_ended(self) -> None:
        self._ended.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._ended.wait()
            await self._clock.sleep(SETTLED_S)
            self._ended.clear()
            self.tally_given += await asyncio.to_thread(give_back)
