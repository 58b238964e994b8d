"""What time a sample was heard: a device's own clock, followed against the monotonic one for as long as it runs.

Two crystals differ by up to some hundred millionths and a callback comes when the scheduler likes. So the time of a
sample is not the time of its callback but that of a line through minutes of callbacks. The line never steps, except
when the device lost or repeated sound; then it steps once and that is counted.
"""

from __future__ import annotations

from collections import deque
from typing import Final

import numpy as np
import numpy.typing as npt

NS: Final = 1_000_000_000
KEPT_POINTS: Final = 300  # one a second
SEEN_LIMIT: Final = 400  # sightings a second; more are not looked at
EARLY_SHARE: Final = 0.1  # of a second's sightings: a callback comes late at times, and never early
FIT_EVERY: Final = 5  # points, once there are so many
MEET_NS: Final = 10 * NS  # the time in which a new estimate is approached
STEP_NS: Final = 10_000_000  # further away than this for two seconds: sound was lost or repeated
# How far a crystal is from its name; with how far the points scatter it says how long the name is believed.
CRYSTAL_PPM: Final = 150.0
SCATTER_NS: Final = (20_000.0, 2_000_000.0)  # at least and at most; the latter until there are points
LARGEST_PPM: Final = 2_000.0  # no crystal is so wrong: the estimate is held to it


class DeviceClock:
    """The times of one device's samples, in constant memory. Not safe between threads: its owner locks."""

    def __init__(self, rate_hz: int) -> None:
        self._nominal_ns = NS / rate_hz  # for each sample
        self._rate_hz = rate_hz
        self._points: deque[tuple[int, int]] = deque(maxlen=KEPT_POINTS)  # samples, ns
        self._second: list[tuple[int, int]] = []
        self._from: tuple[int, float] | None = None  # samples and ns where the present piece of the line begins
        self._ns = self._nominal_ns  # a sample, in the present piece
        self._real_ns = self._nominal_ns  # a sample, as the last fit says
        self._strange = 0
        self._since_fit = 0
        self.tally_steps = 0

    def seen(self, samples: int, at_ns: int) -> int:
        """The device had finished `samples` since it began, at about `at_ns`; returns when it really had."""
        if self._from is None:
            self._from = (samples, float(at_ns))
        if len(self._second) < SEEN_LIMIT:
            self._second.append((samples, at_ns))
        if samples - self._second[0][0] >= self._rate_hz:
            self._close_second(samples)
        return self.time_of(samples)

    def time_of(self, samples: float) -> int:
        """When that sample ended, monotonic ns. Before anything was seen: 0."""
        if self._from is None:
            return 0
        return int(self._from[1] + (samples - self._from[0]) * self._ns)

    def sample_at(self, at_ns: int) -> float:
        """How many samples had ended at `at_ns`, with their fraction."""
        if self._from is None:
            return 0.0
        return self._from[0] + (at_ns - self._from[1]) / self._ns

    @property
    def ppm(self) -> float:
        """How much faster than its name the device runs, in millionths."""
        return (self._nominal_ns / self._real_ns - 1) * 1e6

    def _close_second(self, samples: int) -> None:
        """One point for this second, and the line through all of them."""
        late = sorted((at_ns - self.time_of(count), count, at_ns) for count, at_ns in self._second)
        off_ns, *point = late[int(len(late) * EARLY_SHARE)]
        self._second.clear()
        if not self._points:
            self._from = (point[0], float(point[1]))  # the very first sighting may have been late: nothing follows yet
        elif abs(off_ns) > STEP_NS:
            self._strange += 1
            if self._strange < 2:
                return
            self._step(off_ns)
        self._strange = 0
        self._points.append((point[0], point[1]))
        self._since_fit += 1
        if self._since_fit >= FIT_EVERY or len(self._points) <= FIT_EVERY:
            self._since_fit = 0
            self._aim(samples)

    def _step(self, off_ns: float) -> None:
        self.tally_steps += 1
        self._points = deque(((count, at_ns + round(off_ns)) for count, at_ns in self._points), maxlen=KEPT_POINTS)
        assert self._from is not None
        self._from = (self._from[0], self._from[1] + off_ns)

    def _aim(self, samples: int) -> None:
        """Bend the line so that it meets the fit in MEET_NS."""
        assert self._from is not None
        count0, at0_ns = self._points[-1]
        x = np.array([count - count0 for count, _ in self._points], np.float64)
        y = np.array([at_ns - at0_ns for _, at_ns in self._points], np.float64) - x * self._nominal_ns
        slope_ns, offset_ns = _robust_line(x * self._nominal_ns, y)
        limit = LARGEST_PPM * 1e-6
        self._real_ns = self._nominal_ns * (1 + float(np.clip(slope_ns, -limit, limit)))
        now_ns = self.time_of(samples)
        ahead = max(MEET_NS / self._nominal_ns, 2.0 * (samples - self._from[0]))  # never past it before the next fit
        there_ns = at0_ns + offset_ns + (samples + ahead - count0) * self._real_ns
        self._from = (samples, float(now_ns))
        self._ns = max(0.5 * self._nominal_ns, (there_ns - now_ns) / ahead)


def _robust_line(x_ns: npt.NDArray[np.float64], y_ns: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Slope and offset at x = 0 of y over x, the slope drawn to 0 while there are few points.

    Least squares with weights 1/|residual| (iteratively reweighted towards least absolute deviations), which a few
    minutes of a loaded machine do not move.
    """
    weights = np.ones_like(y_ns)
    scatter = SCATTER_NS[1]
    slope = offset = 0.0
    for _ in range(4):
        total = weights.sum()
        middle_x, middle_y = (weights @ x_ns) / total, (weights @ y_ns) / total
        dx = x_ns - middle_x
        if len(x_ns) > 2:
            free = (dx @ (y_ns - middle_y)) / (dx @ dx)
            scatter = float(np.clip(np.median(np.abs(y_ns - middle_y - free * dx)), *SCATTER_NS))
        prior = (scatter / (CRYSTAL_PPM * 1e-6)) ** 2
        slope = float((weights * dx) @ (y_ns - middle_y) / ((weights * dx) @ dx + prior))
        offset = float(middle_y - slope * middle_x)
        weights = scatter / np.maximum(np.abs(y_ns - slope * x_ns - offset), scatter)
    return slope, offset
