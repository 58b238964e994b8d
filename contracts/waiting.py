"""How long somebody will wait, as a range: the same sum on the terminal, on the phone's page and at the desk."""

from __future__ import annotations

import math
from typing import Final

# One visitor's time at a counter is given as (usual, seldom longer): its median and its 90th percentile.
_Z90: Final = 1.2816  # standard normal quantile of 0.9


def wait_range(ahead: int, minutes: tuple[int, int], counters: int = 1) -> tuple[int, int]:
    """(most people, hardly anybody longer) in whole minutes, for somebody with `ahead` people before them.

    `minutes` is one visitor's time at a counter: median and 90th percentile; `counters` work side by
    side. A visitor's turn comes when `ahead` others have been taken and one of those at the counters
    leaves. Times add up as independent ones: means add, and spreads add as squares, so the range grows
    slower than the line. The first figure is the expected wait rounded up, the second the 90th
    percentile of a normal sum. It assumes that all counters are busy, which is the honest side to err on.
    Raises ValueError for a negative line, no counter, or minutes out of order.
    """
    usual, seldom = minutes
    if ahead < 0 or counters < 1 or not 0 < usual <= seldom:
        raise ValueError(f"no wait for ahead={ahead}, minutes={minutes}, counters={counters}")
    spread = (seldom - usual) / _Z90
    # the people at the counters are half done on average, so the next one of them is free after usual/2/counters
    expected = (ahead + 0.5) * usual / counters
    deviation = spread * math.sqrt(ahead + 1) / counters
    most = max(1, math.ceil(expected))
    return most, max(most, math.ceil(expected + _Z90 * deviation))
