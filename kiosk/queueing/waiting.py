"""How long the visitor will wait, said honestly: a range from what is known, or nothing.

No figure is invented: without the hub's queue there is no number of people ahead and no range.
"""

from __future__ import annotations

from contracts.messages import TicketsState
from contracts.tickets import IN_LINE
from contracts.waiting import wait_range as wait_range


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
