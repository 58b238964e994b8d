"""What dispatch decides: at its threshold, without fluttering, never at the cost of a counter's own visitors."""

from __future__ import annotations

import pytest

from hub.foresight.dispatch_rule import Choice, Kind, Means, Rules, Running, decide
from hub.foresight.floor_now import FloorNow, Person, Post
from hub.foresight.waiting import Wait, Waits

pytestmark = pytest.mark.unit
NOW_S = 36_000.0
MEANS = Means(
    {"1": ("personal",), "2": ("personal",)}, frozenset({"personal"}), frozenset({"personal"}), frozenset({"personal"})
)


def floor(personal: int, corporate: int = 0) -> FloorNow:
    waiting = [Person(number=f"A{n}", service="personal", came_s=NOW_S - 60) for n in range(personal)]
    waiting += [Person(number=f"B{n}", service="corporate", came_s=NOW_S - 60) for n in range(corporate)]
    posts = (
        Post(counter="1", services=("personal",), doing="busy", since_s=NOW_S - 60, service="personal"),
        Post(counter="2", services=("corporate",), doing="idle", since_s=NOW_S - 60),
    )
    return FloorNow(now_s=NOW_S, services=("personal", "corporate"), waiting=tuple(waiting), posts=posts)


def told(p90_min: float | None) -> Waits:
    wait = None if p90_min is None else Wait(30 * p90_min, 60 * p90_min)
    return Waits({}, {"personal": wait, "corporate": Wait(0.0, 30.0)})


def chosen(one: FloorNow, p90_min: float | None, *running: Running, rules: Rules | None = None) -> list[Choice]:
    return decide(one, told(p90_min), MEANS, rules or Rules(True, frozenset(Kind), 20), running)


def act(kind: Kind, counter: str = "", ago_s: float = 600.0) -> Running:
    return Running(kind, "personal", counter, NOW_S - ago_s, 1_500.0)


def test_a_calm_floor_is_left_alone() -> None:
    assert chosen(floor(1), 2.0) == []


def test_a_free_counter_helps_before_anybody_is_offered_anything() -> None:
    found = chosen(floor(3), 9.0)
    assert [(one.begin, one.kind, one.counter) for one in found] == [(True, Kind.MIX, "2")]
    assert found[0].why["p90_min"] == pytest.approx(9.0) and found[0].why["limit_min"] == 20


def test_past_the_threshold_everything_that_suits_is_offered_once() -> None:
    found = chosen(floor(6), 25.0)
    assert {one.kind for one in found} == set(Kind)
    going = [act(one.kind, one.counter) for one in found]
    assert chosen(floor(6), 25.0, *going) == []


def test_a_counter_whose_own_visitors_wait_is_not_asked() -> None:
    assert Kind.MIX not in {one.kind for one in chosen(floor(6, corporate=1), 25.0)}


def test_an_act_ends_well_below_where_it_began_and_not_at_once() -> None:
    found = chosen(floor(2), 8.0, act(Kind.VIDEO))
    assert {(one.begin, one.kind) for one in found} == {(False, Kind.VIDEO), (True, Kind.MIX)}
    assert not [one for one in chosen(floor(2), 15.0, act(Kind.VIDEO)) if not one.begin]
    assert not [one for one in chosen(floor(2), 8.0, act(Kind.VIDEO, ago_s=10)) if not one.begin]


def test_switched_off_it_ends_what_goes_on_and_begins_nothing() -> None:
    found = chosen(floor(6), 25.0, act(Kind.VIDEO), act(Kind.MIX, "2"), rules=Rules(False))
    assert len(found) == 2 and not any(one.begin for one in found)


def test_where_nothing_can_be_said_nothing_is_begun() -> None:
    assert chosen(floor(6), None) == []
    assert [one.begin for one in chosen(floor(0), None, act(Kind.VIDEO))] == [False]
