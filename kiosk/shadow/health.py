"""Whether the terminal got worse: devices, failed turns and how long answers take, against what was before.

Takes what telemetry reports as well. What an operator may want (longer pauses) is not counted as getting worse: the
wait for the end of a sentence is left out of how long an answer takes.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Mapping
from statistics import median
from typing import Final

from contracts.shadow import ShadowReason
from kiosk.shadow.records import Baseline

REMEMBERED: Final = 64  # turns
LEAST_TURNS: Final = 6  # fewer say nothing about how long answers take
DEVICE_GONE_S: Final = 60.0  # longer than it takes to open, or to plug in again
LEAST_FAILED: Final = 3
FAILED_MORE: Final = 0.15  # of the turns, over what was before
SLOWER_TIMES: Final = 1.5
SLOWER_MS: Final = 400.0


class Health:
    """Counts what happens. `begin` forgets it and begins anew: a trial is judged by what happened in it."""

    def __init__(self) -> None:
        self._answers_ms: deque[float] = deque(maxlen=REMEMBERED)
        self._gone_since_s: dict[str, float] = {}
        self.turns = 0
        self.failed = 0
        self.tally: Counter[str] = Counter()  # since the start, for telemetry

    def answered(self, parts: Mapping[str, float]) -> None:
        """A spoken turn was answered; `parts` in milliseconds as they go to the hub."""
        self.turns += 1
        self.tally["answered"] += 1
        self._answers_ms.append(max(0.0, parts["total"] - parts["endpoint"]))

    def broke(self) -> None:
        """A model or another stage of a turn failed."""
        self.failed += 1
        self.tally["failed"] += 1

    def begin(self) -> None:
        """Forget the turns so far."""
        self._answers_ms.clear()
        self.turns = self.failed = 0

    @property
    def _failed_share(self) -> float:
        return self.failed / max(1, self.turns + self.failed)

    @property
    def _answer_ms(self) -> float | None:
        return median(self._answers_ms) if len(self._answers_ms) >= LEAST_TURNS else None

    def baseline(self, missing: Collection[str]) -> Baseline:
        """How it is now."""
        return Baseline(missing=tuple(sorted(missing)), failed_share=self._failed_share, answer_ms=self._answer_ms)

    def worse(self, before: Baseline, missing: Collection[str], now_s: float) -> tuple[ShadowReason, ...]:
        """What is worse than before, at a monotonic time in seconds; nothing: all is well. Call it now and then."""
        self._gone_since_s = {one: self._gone_since_s.get(one, now_s) for one in missing if one not in before.missing}
        found = [
            ShadowReason(why="device_missing", what=one)
            for one, since_s in sorted(self._gone_since_s.items())
            if now_s - since_s >= DEVICE_GONE_S
        ]
        if self.failed >= LEAST_FAILED and self._failed_share > before.failed_share + FAILED_MORE:
            found.append(ShadowReason(why="turns_failed"))
        now_ms, then_ms = self._answer_ms, before.answer_ms
        if now_ms is not None and then_ms is not None and now_ms > max(then_ms * SLOWER_TIMES, then_ms + SLOWER_MS):
            found.append(ShadowReason(why="slow_answers"))
        return tuple(found)
