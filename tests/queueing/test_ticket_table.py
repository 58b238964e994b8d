"""A ticket's life and number: whatever is done to it, in whatever order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.tickets import (
    ENDED,
    MAX_RUNNING,
    TABLE,
    NumberParts,
    TicketEvent,
    TicketState,
    format_number,
    parse_number,
    step,
)

pytestmark = pytest.mark.unit

walks = st.lists(st.sampled_from(TicketEvent), max_size=60)


@given(walks)
def test_no_sequence_of_events_leaves_the_table_or_revives_an_ended_ticket(events: list[TicketEvent]) -> None:
    state, ended = TicketState.ISSUED, False
    for event in events:
        after = step(state, event)
        if ended:
            assert after is None
        if after is not None:
            assert TABLE[state, event] is after
            state = after
        ended = state in ENDED


@given(walks)
def test_whoever_is_not_finished_can_still_end_by_giving_back_or_by_the_end_of_the_day(
    events: list[TicketEvent],
) -> None:
    state = TicketState.ISSUED
    for event in events:
        state = step(state, event) or state
    assert state in ENDED or step(state, TicketEvent.DAY_ENDED) is TicketState.EXPIRED


def test_every_state_can_be_reached_from_issued() -> None:
    reached, edge = {TicketState.ISSUED}, [TicketState.ISSUED]
    while edge:
        state = edge.pop()
        for event in TicketEvent:
            after = step(state, event)
            if after is not None and after not in reached:
                reached.add(after)
                edge.append(after)
    assert reached == set(TicketState)


def test_nobody_is_served_without_being_called() -> None:
    before_serving = {state for (state, _), after in TABLE.items() if after is TicketState.SERVING}
    assert before_serving == {TicketState.CALLED, TicketState.RECALLED}


numbers = st.builds(
    NumberParts, st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ"), st.integers(0, 9), st.integers(1, MAX_RUNNING)
)


@given(numbers)
def test_a_number_is_read_back_as_it_was_written(parts: NumberParts) -> None:
    assert parse_number(format_number(parts)) == parts


@given(numbers, numbers)
def test_two_different_tickets_never_show_the_same_number(one: NumberParts, other: NumberParts) -> None:
    assert (format_number(one) == format_number(other)) == (one == other)


def test_the_37th_of_service_a_on_kiosk_0_is_a037() -> None:
    assert format_number(NumberParts("A", 0, 37)) == "A037"
    assert format_number(NumberParts("A", 0, 137)) == "A0137"


@given(st.text(max_size=12))
def test_text_is_a_number_only_when_it_is_exactly_what_would_be_printed(text: str) -> None:
    try:
        parts = parse_number(text)
    except ValueError:
        return
    assert format_number(parts) == text


@pytest.mark.parametrize(
    "parts", [("a", 0, 1), ("AB", 0, 1), ("A", 10, 1), ("A", -1, 1), ("A", 0, 0), ("A", 0, 10_000)]
)
def test_parts_outside_their_range_are_refused(parts: tuple[str, int, int]) -> None:
    with pytest.raises(ValueError):
        format_number(NumberParts(*parts))
