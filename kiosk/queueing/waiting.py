"""How long the visitor will wait, said honestly: a range from what is known, or nothing.

No figure is invented: without the hub's queue there is no number of people ahead and no range.
"""

from __future__ import annotations

import math
from typing import Final

from contracts.messages import TicketsState
from contracts.tickets import IN_LINE

# One visitor's time at a counter is given as (usual, seldom longer): its median and its 90th percentile.
_Z90: Final = 1.2816  # standard normal quantile of 0.9


def ahead_of(
    number: str, service: str, state: TicketsState | None, owed: tuple[tuple[str, str], ...] = ()
) -> int | None:
    """How many wait for `service` before ticket `number`; None while the hub's queue is unknown.

    `owed` are this kiosk's tickets (number, service) that the hub may not have yet, oldest first: those
    before `number` that the state does not show are counted too.
    """
    if state is None:
        return None
    known = {line.number: line for line in state.tickets}
    if number in known:
        return known[number].ahead
    if state.open_tickets > len(state.tickets):  # the list is cut: trust the service's own count
        waiting = next((queue.waiting for queue in state.services if queue.service == service), 0)
    else:
        waiting = sum(1 for line in state.tickets if line.service == service and line.state in IN_LINE)
    for other, its_service in owed:
        if other == number:
            break
        if its_service == service and other not in known:
            waiting += 1
    return waiting


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
