"""How long a silence must last before the visitor has finished: by what was said, by their own pace, by profile.

Pure. A brisk visitor who has finished is answered at once; one who hesitates inside a sentence is waited for.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final, Literal

Standing = Literal["unknown", "finished", "unfinished"]
"""What the words so far look like to somebody who has to decide whether it is their turn."""
Profile = Literal["standard", "elder"]

REMEMBERED: Final = 6  # of the speaker's own pauses; more would hide that somebody has warmed up
MARGIN: Final = 1.35  # over the longest of them: people's pauses vary by about a third
FINISHED_SHARE: Final = 0.5  # of that, after a finished sentence: even slow speakers end theirs


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseBounds:
    """Silences in milliseconds, and the bounds that nothing moves them out of."""

    finished_ms: int
    unknown_ms: int
    unfinished_ms: int
    shortest_ms: int
    longest_ms: int
    elder_times: float


class Pace:
    """The pauses that this visitor made inside their sentences. Forgotten with the visit."""

    def __init__(self, bounds: PauseBounds) -> None:
        self._bounds = bounds
        self._pauses_ms: deque[float] = deque(maxlen=REMEMBERED)
        self.profile: Profile = "standard"

    def went_on_after(self, pause_ms: float) -> None:
        """They were silent for so long inside a sentence."""
        self._pauses_ms.append(pause_ms)

    def needed_ms(self, standing: Standing) -> float:
        """The silence that ends an utterance of this standing."""
        bounds = self._bounds
        base = {
            "finished": bounds.finished_ms,
            "unknown": bounds.unknown_ms,
            "unfinished": bounds.unfinished_ms,
        }[standing]
        needed = base * (bounds.elder_times if self.profile == "elder" else 1.0)
        own_ms = max(self._pauses_ms, default=0.0) * MARGIN
        needed = max(needed, own_ms * FINISHED_SHARE if standing == "finished" else own_ms)
        return min(float(bounds.longest_ms), max(float(bounds.shortest_ms), needed))

    def forget(self) -> None:
        """The next visitor has a pace of their own."""
        self._pauses_ms.clear()
        self.profile = "standard"
