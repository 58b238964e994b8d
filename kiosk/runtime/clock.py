"""The real clock. Durations are monotonic; wall time is for the wire, the paper and the page only."""

from __future__ import annotations

import asyncio
import time


class SystemClock:
    def now_ns(self) -> int:
        return time.monotonic_ns()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class LoopClock:
    """Follows the running event loop's own time: exact and instant under a virtual-time loop."""

    def now_ns(self) -> int:
        return int(asyncio.get_running_loop().time() * 1e9)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
