"""How many pictures a second a call sends: fewer where the line loses or the processor is short, none before sound.

Pure: once a second it is told how the last second went. Down at once, up with patience, so that it does not swing.
How many bits a picture has follows the receiver's own estimate of the line (REMB), within the encoder.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

STEPS_FPS: Final = (0, 5, 10, 15, 20, 25, 30)
BEGIN_FPS: Final = 15
LOSS_BAD: Final = 0.10  # share of packets, over some seconds: fewer pictures
LOSS_AWFUL: Final = 0.25  # two steps at once, and none in the end: speech needs what there is
LOSS_GOOD: Final = 0.06  # what is sent again in time
SMOOTH: Final = 0.3  # what one second counts: a report covers fifty packets, and says 2 % or 10 % of a line with 5 %
CPU_BAD: Final = 0.60  # share of one core of the call process
CPU_GOAL: Final = 0.33  # no step up that would take more
LATE_BAD: Final = 0.34  # share of the due pictures that the encoder had no time for
LATE_FOR_S: Final = 2  # a single second may be another process's
PATIENCE_S: Final = 6  # good seconds before a step up
AFTER_STOP_S: Final = 12  # the same, from no picture at all


@dataclass(frozen=True, slots=True)
class Second:
    """One second of a call: packets lost (share of ours), processor (share of a core), due pictures not sent."""

    loss: float
    cpu: float
    late: float


class Adaptation:
    """`fps` is what may be sent now; 0: sound only."""

    def __init__(self, most_fps: int = STEPS_FPS[-1]) -> None:
        self._most = max(step for step, fps in enumerate(STEPS_FPS) if fps <= most_fps)
        self._step = min(STEPS_FPS.index(BEGIN_FPS), self._most)
        self._good_s = self._late_s = 0
        self.loss = 0.0  # smoothed
        self.tally_down = self.tally_up = 0

    @property
    def fps(self) -> int:
        return STEPS_FPS[self._step]

    def look(self, second: Second) -> int:
        """Take in one second; returns the pictures a second from now on."""
        self._late_s = self._late_s + 1 if second.late > LATE_BAD else 0
        late = self._late_s >= LATE_FOR_S
        loss = self.loss = self.loss + SMOOTH * (second.loss - self.loss)
        if loss > LOSS_BAD or second.cpu > CPU_BAD or late:
            self._down(2 if loss > LOSS_AWFUL else 1, floor=0 if loss > LOSS_AWFUL else 1)
        elif loss <= LOSS_GOOD and self._affordable(second.cpu):
            self._good_s += 1
            if self._good_s >= (PATIENCE_S if self._step else AFTER_STOP_S) and self._step < self._most:
                self._step += 1
                self._good_s = 0
                self.tally_up += 1
        else:
            self._good_s = 0
        return self.fps

    def _down(self, steps: int, floor: int) -> None:
        """A few pictures stay, unless the line loses so much that speech needs all of it."""
        lower = max(min(self._step, floor), self._step - steps)
        self.tally_down += self._step - lower
        self._step, self._good_s = lower, 0

    def _affordable(self, cpu: float) -> bool:
        if self._step >= self._most or not self._step:
            return True
        return cpu * STEPS_FPS[self._step + 1] / STEPS_FPS[self._step] <= CPU_GOAL
