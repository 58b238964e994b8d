"""Nobody says anything: after a while she asks, asks once more, says goodbye, and everything is forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Literal

from config.schema import Talking
from kiosk.events import SilenceLasted
from kiosk.ports import Clock

SPOKEN: Final = 3  # things she says into the silence: a question, that she will stop, goodbye


class SilenceWatch:
    """One timer at a time."""

    def __init__(self, talking: Talking, clock: Clock, tell: Callable[[SilenceLasted], None]) -> None:
        self._talking = talking
        self._clock = clock
        self._tell = tell
        self._timer: asyncio.Task[None] | None = None

    def adopt(self, talking: Talking) -> None:
        """Other times from the next silence on."""
        self._talking = talking

    def watch(self, *, prompts: int | None) -> None:
        """Begin anew. `prompts`: how often she has asked already; None: it is not the visitor's turn."""
        self.stop()
        if prompts is None:
            return
        level: Literal[1, 2] = 1 if prompts < SPOKEN else 2  # 2: even her goodbye did not end it
        seconds = self._talking.prompt_after_s if prompts == 0 else self._talking.forget_after_s
        self._timer = asyncio.create_task(self._after(level, seconds), name="silence")

    async def _after(self, level: Literal[1, 2], seconds: float) -> None:
        await self._clock.sleep(seconds)
        self._tell(SilenceLasted(level, self._clock.now_ns()))

    def stop(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None


class Later:
    """Something done once, after a while, unless it is stopped or begun anew before."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._task: asyncio.Task[None] | None = None

    def start(self, after_s: float, work: Callable[[], None]) -> None:
        self.stop()
        self._task = asyncio.create_task(self._after(after_s, work), name="later")

    async def _after(self, after_s: float, work: Callable[[], None]) -> None:
        await self._clock.sleep(after_s)
        self._task = None  # it may begin the next one
        work()

    def stop(self) -> None:
        if self._task:
            self._task.cancel()
            self._task = None
