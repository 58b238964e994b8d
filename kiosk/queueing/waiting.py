"""How long the visitor will wait, said honestly: the hub's figures, else a range from what is known, or nothing.

No figure is invented: without the hub's queue there is no number of people ahead and no range, and where the hub says
that it cannot be said yet, it is not said here either.
"""

from __future__ import annotations

from typing import Final

from config.schema import Service
from contracts.messages import TicketsState
from contracts.tickets import IN_LINE
from contracts.waiting import wait_range as wait_range

MOST_SAID_MIN: Final = 240  # nobody is told a longer wait: it would be a guess


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
    waiting = waiting_for(service, state)
    for other, its_service in owed:
        if other == number:
            break
        if its_service == service and other not in known:
            waiting += 1
    return waiting


def waiting_for(service: str, state: TicketsState) -> int:
    """How many wait for a service, as the hub last said."""
    if state.open_tickets > len(state.tickets):  # the list is cut: trust the service's own count
        return next((queue.waiting for queue in state.services if queue.service == service), 0)
    return sum(1 for line in state.tickets if line.service == service and line.state in IN_LINE)


def wait_of(
    service: Service, state: TicketsState | None, ahead: int | None, number: str = ""
) -> tuple[int, int] | None:
    """(half of all wait no longer, nine of ten no longer) in minutes, from now; None: it cannot be said.

    Of ticket `number` where the hub has it, else of whoever comes now, stretched by those ahead that the hub has not
    heard of. Of a hub that does not look ahead, the sum of `contracts.waiting` over the site's own figures.
    """
    if state is None or ahead is None:
        return None
    line = next((line for line in state.tickets if line.number == number), None)
    queue = next((queue for queue in state.services if queue.service == service.id), None)
    if queue is None or not queue.foreseen:
        found: tuple[int, int] | None = wait_range(ahead, service.minutes_typical, service.counters)
    elif line is not None and line.wait_min is not None:
        found = line.wait_min
    elif queue.wait_min is None:
        return None
    else:
        unheard = max(0, ahead - waiting_for(service.id, state))
        each = service.minutes_typical[0] / service.counters
        low, high = queue.wait_min
        found = (low + round(unheard * each), high + round(1.5 * unheard * each))
    return None if found is None or found[1] > MOST_SAID_MIN else found
