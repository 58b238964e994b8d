"""How long a silence must last before the visitor has finished: by what was said, by their own pace, by profile.

Pure. A brisk visitor who has finished is answered at once; one who hesitates inside a sentence is waited for.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from statistics import median
from typing import Final, Literal

Standing = Literal["unknown", "finished", "brief", "unfinished"]
"""What the words so far look like to somebody who has to decide whether it is their turn.

`brief`: finished, but so short that a slow speaker's first words look the same ('I want to withdraw money … two
thousand'): no text can tell.
"""
Profile = Literal["standard", "elder"]

REMEMBERED: Final = 6  # of the speaker's own pauses; more would hide that somebody has warmed up
MARGIN: Final = 1.35  # over the longest of them: people's pauses vary by about a third
FINISHED_SHARE: Final = 0.85  # of that, after a sentence that looks finished: it was only half of theirs before
# Syllables a second while there is voice. Synthetic speakers of both languages at normal speed: 4.3 to 5.5; at 0.8
# of it 3.4 to 4.5. Below BRISK_RATE the silences grow with the cube of the slowness, three times at most.
BRISK_RATE: Final = 4.4
SLOWEST_TIMES: Final = 3.0
BRISK_SYLLABLES: Final = 6  # a shorter utterance says nothing about how somebody speaks
BRISK_TIMES: Final = 2  # so many such without a pause inside: this visitor is brisk


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseBounds:
    """Silences in milliseconds, and the bounds that nothing moves them out of."""

    finished_ms: int
    unknown_ms: int
    unfinished_ms: int
    brisk_ms: int
    shortest_ms: int
    longest_ms: int
    elder_times: float


class Pace:
    """How fast this visitor speaks and how long they pause inside their sentences. Forgotten with the visit."""

    def __init__(self, bounds: PauseBounds) -> None:
        self.bounds = bounds
        self._pauses_ms: deque[float] = deque(maxlen=REMEMBERED)
        self._rates: deque[float] = deque(maxlen=REMEMBERED)
        self._brisk = 0
        self.profile: Profile = "standard"

    def went_on_after(self, pause_ms: float) -> None:
        """They were silent for so long inside a sentence."""
        self._pauses_ms.append(pause_ms)
        self._brisk = 0

    def spoke(self, syllables: int, voiced_ms: float, *, paused: bool) -> None:
        """An utterance is over. `voiced_ms`: without its pauses; `paused`: whether there were any."""
        if syllables < BRISK_SYLLABLES or voiced_ms <= 0:
            return
        rate = syllables * 1000 / voiced_ms
        self._rates.append(rate)
        self._brisk = 0 if paused or rate < BRISK_RATE else self._brisk + 1

    def needed_ms(self, standing: Standing, rate: float | None = None) -> float:
        """The silence that ends an utterance of this standing, spoken at `rate` syllables a second (None: unknown)."""
        bounds = self.bounds
        if standing == "brief":  # who has spoken fluently before is taken at their word
            standing = "finished" if self._brisk else "unknown"
        base = {
            "finished": bounds.finished_ms,
            "unknown": bounds.brisk_ms if self._brisk >= BRISK_TIMES else bounds.unknown_ms,
            "unfinished": bounds.unfinished_ms,
        }[standing]
        needed = base * (bounds.elder_times if self.profile == "elder" else 1.0) * self._slow_times(rate)
        own_ms = max(self._pauses_ms, default=0.0) * MARGIN
        needed = max(needed, own_ms * FINISHED_SHARE if standing == "finished" else own_ms)
        return min(float(bounds.longest_ms), max(float(bounds.shortest_ms), needed))

    def _slow_times(self, rate: float | None) -> float:
        known = [*self._rates, *([rate] if rate else [])]
        if not known:
            return 1.0
        return min(SLOWEST_TIMES, max(1.0, (BRISK_RATE / median(known)) ** 3))

    def forget(self) -> None:
        """The next visitor has a pace of their own."""
        self._pauses_ms.clear()
        self._rates.clear()
        self._brisk = 0
        self.profile = "standard"
