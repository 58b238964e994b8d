"""Whether a release on trial has proved itself: it started, did its work, stayed up and did not grow. Pure.

A terminal that boots is not called healthy for that. What is asked of it is the self-test (it heard a recorded
visitor, understood, spoke, printed, reached the hub) and an undisturbed stretch of ordinary running after it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import Final, Literal

LOOKS_LEAST: Final = 6  # fewer say nothing about growth
SETTLE_S: Final = 120.0
LOOK_S: Final = 5.0
LOOKS_MOST: Final = 4_096  # of one trial; every other one goes when there are more


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The terminal at one moment. `starts`: of its processes since the switch, beyond the first. `visit`: somebody is
    there. `alive`: it runs and says so itself."""

    alive: bool
    starts: int = 0
    rss_bytes: int = 0
    visit: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialLimits:
    """How long, and what is too much. `grown_bytes`: between the first and the last third after `settle_s`."""

    start_s: float = 120.0  # to be alive
    settle_s: float = SETTLE_S  # models are opened, caches filled: growth is not counted
    stay_s: float = 900.0  # healthy for so long after the self-test
    look_s: float = LOOK_S
    silent_s: float = 30.0  # not alive for so long: down
    starts_most: int = 1
    grown_bytes: int = 192 * 1024**2
    test_s: float = 300.0  # the self-test takes no longer


Judgement = Literal["", "stays"] | str
"""Empty: not decided. `stays`: proved. Anything else: why not."""


@dataclass(slots=True)
class Trial:
    """One trial. Feed it looks and the self-test's result, at monotonic seconds; ask `judge`."""

    limits: TrialLimits
    began_s: float
    alive_s: float | None = None  # first alive
    seen_s: float = 0.0  # last alive
    tested_s: float | None = None
    failed_tests: tuple[str, ...] = ()
    sizes: list[tuple[float, int]] = field(default_factory=list)
    starts: int = 0

    def looked(self, look: Look, now_s: float) -> None:
        self.starts = max(self.starts, look.starts)
        if not look.alive:
            return
        self.seen_s = now_s
        if self.alive_s is None:
            self.alive_s = now_s
        if now_s - self.alive_s >= self.limits.settle_s and look.rss_bytes:
            self.sizes.append((now_s, look.rss_bytes))
            if len(self.sizes) > LOOKS_MOST:
                self.sizes = self.sizes[::2]

    def tested(self, failed: tuple[str, ...], now_s: float) -> None:
        self.tested_s, self.failed_tests = now_s, failed

    @property
    def wants_test(self) -> bool:
        return self.alive_s is not None and self.tested_s is None

    def judge(self, now_s: float) -> str:
        """Empty: not yet. `stays`: it has proved itself. Otherwise the reason why not, a code."""
        limits = self.limits
        if self.starts > limits.starts_most:
            return "crashed" if self.alive_s is not None else "did_not_start"
        if self.alive_s is None:
            return "did_not_start" if now_s - self.began_s > limits.start_s else ""
        if self.failed_tests:
            return f"selftest_{self.failed_tests[0]}"[:40]
        if now_s - self.seen_s > limits.silent_s:
            return "stopped"
        if self._grown() > limits.grown_bytes:
            return "memory_grows"
        if self.tested_s is None:
            return ""
        return "stays" if now_s - max(self.tested_s, self.alive_s + limits.settle_s) >= limits.stay_s else ""

    def _grown(self) -> int:
        if len(self.sizes) < LOOKS_LEAST:
            return 0
        third = len(self.sizes) // 3
        first = median(size for _, size in self.sizes[:third])
        last = median(size for _, size in self.sizes[-third:])
        return int(last - first)
