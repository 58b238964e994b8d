"""How long somebody will wait: honest, monotone, and silent when nothing is known."""

from __future__ import annotations

import random
import statistics
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.schema import DEFAULT_SITE, load_site
from contracts import messages as m
from contracts.tickets import TicketState
from kiosk.queueing.waiting import MOST_SAID_MIN, ahead_of, wait_of, wait_range

pytestmark = pytest.mark.unit

minutes = st.tuples(st.integers(1, 60), st.integers(0, 60)).map(lambda pair: (pair[0], pair[0] + pair[1]))


def queue_of(*lines: tuple[str, str, int], cut: int = 0) -> m.TicketsState:
    waiting: dict[str, int] = {}
    for _, service, _ in lines:
        waiting[service] = waiting.get(service, 0) + 1
    return m.TicketsState(
        id="1", at=datetime.now(UTC), mono_ns=0, branch="b", store="s", revision=1, day="2026-11-21",
        services=tuple(m.ServiceQueue(service=name, waiting=count + cut) for name, count in waiting.items()),
        tickets=tuple(
            m.TicketLine(number=number, service=service, state=TicketState.WAITING, ahead=ahead)
            for number, service, ahead in lines
        ),
        open_tickets=len(lines) + cut, issued={},
    )  # fmt: skip


@given(st.integers(0, 200), minutes, st.integers(1, 20))
def test_the_range_is_ordered_and_grows_with_the_line_and_shrinks_with_counters(
    ahead: int, each: tuple[int, int], counters: int
) -> None:
    most, longest = wait_range(ahead, each, counters)
    assert 1 <= most <= longest
    further = wait_range(ahead + 1, each, counters)
    assert further[0] >= most and further[1] >= longest
    helped = wait_range(ahead, each, counters + 1)
    assert helped[0] <= most and helped[1] <= longest


def test_nine_of_ten_simulated_visitors_wait_no_longer_than_the_second_figure() -> None:
    chance, usual, seldom, ahead, counters = random.Random(7), 4, 8, 8, 3
    spread = (seldom - usual) / 1.2816

    def service_time() -> float:
        return max(0.5, chance.gauss(usual, spread))

    waits = []
    for _ in range(3000):
        free_at = [service_time() * chance.random() for _ in range(counters)]  # all busy, somewhere in the middle
        for _ in range(ahead):
            soonest = free_at.index(min(free_at))
            free_at[soonest] += service_time()
        waits.append(min(free_at))
    most, longest = wait_range(ahead, (usual, seldom), counters)
    within = sum(wait <= longest for wait in waits) / len(waits)
    assert within >= 0.9
    assert abs(statistics.median(waits) - most) <= 3


@pytest.mark.parametrize("wrong", [(-1, (3, 6), 1), (0, (6, 3), 1), (0, (3, 6), 0), (0, (0, 6), 1)])
def test_impossible_questions_are_refused(wrong: tuple[int, tuple[int, int], int]) -> None:
    with pytest.raises(ValueError):
        wait_range(*wrong)


def test_without_the_hubs_queue_nobody_knows_how_many_are_ahead() -> None:
    assert ahead_of("A001", "personal", None) is None


def test_a_ticket_the_hub_knows_has_the_hubs_count() -> None:
    state = queue_of(("A001", "personal", 0), ("A101", "personal", 1), ("A002", "personal", 2))
    assert ahead_of("A002", "personal", state) == 2


def test_a_ticket_just_taken_counts_the_hubs_line_and_this_kiosks_own_before_it() -> None:
    state = queue_of(("A101", "personal", 0), ("A001", "personal", 1), ("B001", "corporate", 0))
    owed = (("A001", "personal"), ("A002", "personal"), ("B002", "corporate"), ("A003", "personal"))
    assert ahead_of("A003", "personal", state, owed) == 3  # A101, A001 and A002; A001 is not counted twice


def test_a_line_too_long_to_travel_is_still_counted_whole() -> None:
    state = queue_of(("A001", "personal", 0), cut=700)
    assert ahead_of("A0999", "personal", state) == 701


PERSONAL = next(service for service in load_site(DEFAULT_SITE).services if service.id == "personal")


def foreseen(state: m.TicketsState, wait_min: tuple[int, int] | None, own: tuple[int, int] | None) -> m.TicketsState:
    """The same queue from a hub that looks ahead."""
    services = tuple(msgspec.structs.replace(line, foreseen=True, wait_min=wait_min) for line in state.services)
    tickets = tuple(msgspec.structs.replace(line, wait_min=own) for line in state.tickets)
    return msgspec.structs.replace(state, services=services, tickets=tickets)


def test_the_hubs_own_figures_are_said_a_tickets_before_a_newcomers() -> None:
    state = foreseen(queue_of(("A001", "personal", 0), ("A002", "personal", 1)), (12, 25), (7, 15))
    assert wait_of(PERSONAL, state, 1, "A002") == (7, 15)
    assert wait_of(PERSONAL, state, 2) == (12, 25)


def test_tickets_the_hub_has_not_heard_of_lengthen_a_newcomers_wait() -> None:
    state = foreseen(queue_of(("A001", "personal", 0)), (5, 9), None)
    assert wait_of(PERSONAL, state, 4, "A005") > (5, 9)  # type: ignore[operator]


def test_where_the_hub_cannot_say_yet_the_terminal_does_not_either() -> None:
    state = foreseen(queue_of(("A001", "personal", 0)), None, None)
    assert wait_of(PERSONAL, state, 1) is None
    assert wait_of(PERSONAL, None, 1) is None


def test_a_hub_that_does_not_look_ahead_leaves_the_sites_own_sum_and_no_absurd_one() -> None:
    assert wait_of(PERSONAL, queue_of(("A001", "personal", 0)), 1) == wait_range(1, (4, 8), 3)
    assert wait_of(PERSONAL, queue_of(("A001", "personal", 0), cut=3_000), 3_001) is None
    assert wait_range(3_001, (4, 8), 3)[1] > MOST_SAID_MIN
