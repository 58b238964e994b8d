"""How drawing goes: counted over two seconds, then reported."""

from __future__ import annotations

import time
from typing import Final

from contracts.screen import Pace

EVERY_NS: Final = 2_000_000_000


class Pacer:
    """Collects the times of drawn frames. At most 60 a second for two seconds: the list stays small."""

    def __init__(self) -> None:
        self._took_ms: list[float] = []
        self._looks = 0
        self._since_ns: int | None = None
        self._cpu_s = time.process_time()

    def drew(self, took_ms: float | None, now_ns: int) -> Pace | None:
        """Take a frame's time, or None for a tick at which nothing moved; return the report when it is due."""
        self._looks += 1
        if took_ms is not None:
            self._took_ms.append(took_ms)
        if self._since_ns is None:
            self._since_ns = now_ns
        elapsed_ns = now_ns - self._since_ns
        if elapsed_ns < EVERY_NS:
            return None
        seconds, cpu_s = elapsed_ns / 1e9, time.process_time()
        ordered = sorted(self._took_ms) or [0.0]
        report = Pace(
            frames=len(self._took_ms),
            seconds=round(seconds, 3),
            frame_p95_ms=round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))], 2),
            core_share=round((cpu_s - self._cpu_s) / seconds, 4),
            looks=self._looks,
        )
        self._took_ms, self._since_ns, self._cpu_s, self._looks = [], now_ns, cpu_s, 0
        return report
