"""What happened in a recorded visit, moment by moment, for its scenario and its table.

Exists only where a recorded visitor stands in front: a live terminal has no trace, so no words are kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from kiosk.ports import Clock

MOMENTS_KEPT: Final = 5_000
HIDDEN_KEY: Final = "a key"
"""Noted for every key of something masked: which one it was is in no account."""


@dataclass(frozen=True, slots=True)
class Noted:
    """One moment: seconds since the trace began, its kind, and its facts."""

    at_s: float
    kind: str
    facts: dict[str, object]


class Trace:
    """Collects moments and lets a scenario wait for one. `tally_dropped`: beyond the bound."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.began_ns = clock.now_ns()
        self.moments: list[Noted] = []
        self._news = asyncio.Condition()
        self._wakers: set[asyncio.Task[None]] = set()
        self.tally_dropped = 0

    def note(self, kind: str, **facts: object) -> None:
        """Keep a moment and wake whoever waits."""
        if len(self.moments) >= MOMENTS_KEPT:
            self.tally_dropped += 1
            return
        at_s = (self._clock.now_ns() - self.began_ns) / 1e9
        self.moments.append(Noted(round(at_s, 3), kind, facts))
        waker = asyncio.get_running_loop().create_task(self._wake())
        self._wakers.add(waker)
        waker.add_done_callback(self._wakers.discard)

    async def _wake(self) -> None:
        async with self._news:
            self._news.notify_all()

    async def until(self, matches: Callable[[Noted], bool], *, after: int, within_s: float) -> int | None:
        """The index of the first moment from `after` on that matches, or None when none came in time."""
        seen = after

        def found() -> int | None:
            nonlocal seen
            for index in range(seen, len(self.moments)):
                if matches(self.moments[index]):
                    return index
            seen = len(self.moments)
            return None

        index = found()
        try:
            async with asyncio.timeout(within_s), self._news:
                while index is None:
                    await self._news.wait()
                    index = found()
        except TimeoutError:
            return found()
        return index


class NoTrace:
    """The live terminal's: keeps nothing."""

    def note(self, kind: str, **facts: object) -> None:
        """Nothing is kept."""
