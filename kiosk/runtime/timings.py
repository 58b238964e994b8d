"""How long each model takes, since it was last told: for the telemetry, measured where the model is called.

Only times and the model's name: nothing of what went in or came out.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from functools import wraps
from typing import Final, ParamSpec, TypeVar

from contracts.messages import ModelTiming

P = ParamSpec("P")
R = TypeVar("R")
KEPT: Final = 512  # of each model: the last calls; near speech is weighed 31 times a second
MOST_MODELS: Final = 24
LONGEST_MS: Final = 600_000.0


class Timings:
    """Safe on any thread. `tally_unnamed` counts calls of models beyond the bound."""

    def __init__(self, clock_s: Callable[[], float] = time.perf_counter) -> None:
        self._clock_s = clock_s
        self._lock = threading.Lock()
        self._took_ms: dict[str, deque[float]] = {}
        self._calls: dict[str, int] = {}
        self.tally_unnamed = 0

    def measured(self, model: str, call: Callable[P, R]) -> Callable[P, R]:
        """`call`, each of its runs measured under `model`; one that raises took its time too."""

        @wraps(call)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            began_s = self._clock_s()
            try:
                return call(*args, **kwargs)
            finally:
                self._note(model, (self._clock_s() - began_s) * 1000)

        return run

    def watch(self, model: str, thing: object, method: str) -> None:
        """From now on measure that method of `thing`, whoever calls it."""
        setattr(thing, method, self.measured(model, getattr(thing, method)))

    def _note(self, model: str, took_ms: float) -> None:
        with self._lock:
            if model not in self._took_ms:
                if len(self._took_ms) >= MOST_MODELS:
                    self.tally_unnamed += 1
                    return
                self._took_ms[model] = deque(maxlen=KEPT)
            self._took_ms[model].append(min(took_ms, LONGEST_MS))
            self._calls[model] = self._calls.get(model, 0) + 1

    def since_last(self) -> dict[str, ModelTiming]:
        """Those that were called since this was asked last; `calls` counts all, the times are of the last `KEPT`."""
        with self._lock:
            took, self._took_ms = self._took_ms, {}
            calls, self._calls = self._calls, {}
        return {
            model: ModelTiming(calls=calls[model], p50_ms=_share(times, 0.5), p95_ms=_share(times, 0.95))
            for model, times in ((model, sorted(times)) for model, times in sorted(took.items()))
        }


def _share(ordered: list[float], share: float) -> float:
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))], 3)
