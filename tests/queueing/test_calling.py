"""Who is called next: the bounds that docs/queue.md proves, held against random lines."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.queueing import (
    EARLY,
    HEAD_START,
    LATE,
    MAX_HEAD_START,
    MAX_PASSED,
    MAX_REJOINS,
    Priority,
    Waiter,
    arrival,
    calls_until,
    choose,
    head_start,
    keeps,
    order,
    place,
    rejoined,
)

pytestmark = pytest.mark.unit

# drawing a line takes long on a busy machine; that says nothing about the rules
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
NINE = datetime(2026, 11, 21, 1, 0, tzinfo=UTC)
minutes = st.integers(0, 480).map(lambda count: timedelta(minutes=count))
moments = minutes.map(lambda since: NINE + since)


@st.composite
def waiters(draw: st.DrawFn, seq: int = 0) -> Waiter:
    return Waiter(
        number=f"A0{seq + 1:02d}",
        came=draw(moments),
        device=draw(st.sampled_from(["kiosk-1", "kiosk-2"])),
        seq=seq,
        priority=draw(st.sampled_from(Priority)),
        due=draw(st.none() | moments),
    )


@st.composite
def lines(draw: st.DrawFn, least: int = 0) -> list[Waiter]:
    return [draw(waiters(seq)) for seq in range(draw(st.integers(least, 12)))]


@patient
@given(lines(1), st.integers(0, MAX_PASSED), moments)
def test_nobody_who_came_more_than_the_largest_head_start_later_is_called_before_anybody(
    line: list[Waiter], passed: int, now: datetime
) -> None:
    chosen = choose(line, passed, now)
    assert chosen is not None
    assert all(chosen[0].came - waiter.came <= MAX_HEAD_START for waiter in line)


@patient
@given(lines(1), st.integers(0, MAX_PASSED), st.lists(st.lists(st.sampled_from(Priority), max_size=4), max_size=80))
def test_everybody_is_called_within_the_bound_of_calls_whoever_else_comes(
    line: list[Waiter], passed: int, flood: list[list[Priority]]
) -> None:
    now = NINE + timedelta(hours=8)
    limits = {waiter.seq: calls_until(sum(arrival(other) < arrival(waiter) for other in line)) for waiter in line}
    waiting, calls, seq = list(line), 0, len(line)
    while limits:
        for priority in flood[calls] if calls < len(flood) else ():
            waiting.append(Waiter(number="A0999", came=now, device="kiosk-2", seq=seq, priority=priority))
            seq += 1
        chosen = choose(waiting, passed, now)
        assert chosen is not None
        waiter, passed = chosen
        waiting.remove(waiter)
        calls += 1
        now += timedelta(minutes=1)
        assert calls <= limits.pop(waiter.seq, calls)
    assert passed <= MAX_PASSED


@patient
@given(lines(1), st.integers(0, MAX_PASSED), moments)
def test_the_hubs_three_candidates_are_enough(line: list[Waiter], passed: int, now: datetime) -> None:
    """The hub's database gives who came first, the lowest place without appointments, the earliest that is due."""
    kept = [
        waiter if keeps(waiter.came, waiter.due) else Waiter(
            number=waiter.number, came=waiter.came, device=waiter.device, seq=waiter.seq, priority=waiter.priority
        )
        for waiter in line
    ]  # fmt: skip
    due = [waiter for waiter in kept if waiter.due is not None and waiter.due <= now]
    candidates = {
        min(kept, key=arrival),
        min(kept, key=lambda one: (one.came - HEAD_START[one.priority], one.device, one.seq)),
        *([min(due, key=arrival)] if due else []),
    }
    assert choose(candidates, passed, now) == choose(kept, passed, now)


@patient
@given(waiters(), moments)
def test_a_head_start_is_bounded_and_an_appointment_counts_only_from_its_time(waiter: Waiter, now: datetime) -> None:
    start = head_start(waiter.priority, waiter.came, waiter.due, now)
    assert HEAD_START[waiter.priority] <= start <= MAX_HEAD_START
    if waiter.due is None or now < waiter.due or not waiter.due - EARLY <= waiter.came <= waiter.due + LATE:
        assert start == HEAD_START[waiter.priority]


def test_two_of_three_calls_may_go_to_those_with_a_head_start_and_the_third_to_who_came_first() -> None:
    first = Waiter(number="A001", came=NINE, device="kiosk-1", seq=1)
    elders = [
        Waiter(number=f"A00{n}", came=NINE + timedelta(minutes=n), device="kiosk-1", seq=n, priority=Priority.ELDER)
        for n in range(2, 6)
    ]
    waiting, passed, called = [first, *elders], 0, []
    now = NINE + timedelta(minutes=6)
    while waiting:
        chosen = choose(waiting, passed, now)
        assert chosen is not None
        waiter, passed = chosen
        waiting.remove(waiter)
        called.append(waiter.number)
    assert called == ["A002", "A003", "A001", "A004", "A005"]


def test_who_has_an_appointment_goes_first_at_its_time_not_before() -> None:
    ordinary = Waiter(number="A001", came=NINE, device="kiosk-1", seq=1)
    booked = Waiter(
        number="A002", came=NINE + timedelta(minutes=5), device="kiosk-1", seq=2, due=NINE + timedelta(minutes=30)
    )
    assert [w.number for w in order([booked, ordinary], NINE + timedelta(minutes=10))] == ["A001", "A002"]
    assert [w.number for w in order([booked, ordinary], NINE + timedelta(minutes=30))] == ["A002", "A001"]


@patient
@given(moments, st.sampled_from(Priority), minutes)
def test_a_missed_call_costs_the_place_once_the_head_start_twice_and_then_the_ticket(
    came: datetime, priority: Priority, later: timedelta
) -> None:
    now = came + later
    once = rejoined(came, priority, 0, now)
    assert once is not None and came <= once.came <= now and once.priority is priority
    twice = rejoined(once.came, once.priority, once.rejoins, now)
    assert twice is not None and twice.came == max(now, once.came) and twice.priority is Priority.NONE
    assert rejoined(twice.came, twice.priority, twice.rejoins, now) is None
    assert twice.rejoins == MAX_REJOINS


@patient
@given(lines(1), moments)
def test_the_order_shown_is_the_order_of_places(line: list[Waiter], now: datetime) -> None:
    places = [place(waiter, now) for waiter in order(line, now)]
    assert places == sorted(places)
