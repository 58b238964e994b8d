"""Nobody says anything: after a while she asks, and after a further while everything is forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Literal

from config.schema import Talking
from kiosk.events import SilenceLasted
from kiosk.ports import Clock


class SilenceWatch:
    """One timer at a time."""

    def __init__(self, talking: Talking, clock: Clock, tell: Callable[[SilenceLasted], None]) -> None:
        self._talking = talking
        self._clock = clock
        self._tell = tell
        self._timer: asyncio.Task[None] | None = None

    def watch(self, *, prompts: int | None) -> None:
        """Begin anew. `prompts`: how often she has asked already; None: it is not the visitor's turn."""
        self.stop()
        if prompts is None:
            return
        level: Literal[1, 2] = 1 if prompts == 0 else 2
        seconds = self._talking.prompt_after_s if level == 1 else self._talking.forget_after_s
        self._timer = asyncio.create_task(self._after(level, seconds), name="silence")

    async def _after(self, level: Literal[1, 2], seconds: float) -> None:
        await self._clock.sleep(seconds)
        self._tell(SilenceLasted(level, self._clock.now_ns()))

    def stop(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
