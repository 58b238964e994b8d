"""Waits as distributions: kept promises, the rule of calling, and silence where nothing can be said."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.foresight.calibration import BOUNDS, Kept, calibrate, score
from hub.foresight.floor_now import FloorNow, Person, Post
from hub.foresight.live import in_minutes
from hub.foresight.profile import Prior, Profile, Visit, make_profile
from hub.foresight.waiting import MOST_S, Wait, waits

pytestmark = pytest.mark.unit
NOW_S = 36_000.0
PRIORS = {"personal": Prior(4.0, 8.0, 3), "wealth": Prior(12.0, 25.0, 1)}


def profile(visits: list[Visit] | None = None) -> Profile:
    made = make_profile(visits or [], PRIORS)
    assert made is not None
    return made


def person(number: str, ago_s: float, service: str = "personal", head_start_s: float = 0.0) -> Person:
    return Person(number=number, service=service, came_s=NOW_S - ago_s, head_start_s=head_start_s)


def busy(counter: str, spent_s: float = 60.0, service: str = "personal") -> Post:
    return Post(counter=counter, services=(service,), doing="busy", since_s=NOW_S - spent_s, service=service)


def floor(waiting: list[Person], posts: list[Post]) -> FloorNow:
    return FloorNow(now_s=NOW_S, services=("personal",), waiting=tuple(waiting), posts=tuple(posts))


def played(one: FloorNow, by: Profile | None = None, plays: int = 80) -> dict[str, Wait | None]:
    found = waits(one, by or profile(), np.random.default_rng(1), plays)
    return {**found.tickets, "newcomer": found.newcomers["personal"]}


def test_whoever_comes_to_a_free_counter_waits_seconds() -> None:
    free = Post(counter="1", services=("personal",), doing="idle", since_s=NOW_S - 300)
    wait = played(floor([], [free]))["newcomer"]
    assert wait is not None and wait.p90_s < 60


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 25), st.integers(1, 4))
def test_later_in_line_means_longer_and_both_figures_are_in_order(line: int, counters: int) -> None:
    found = played(floor([person(f"A{n:03d}", 600 - n) for n in range(line)], [busy(str(n)) for n in range(counters)]))
    told = [wait for wait in found.values() if wait is not None]
    assert all(0 <= wait.p50_s <= wait.p90_s <= MOST_S for wait in told)
    first, last = found["A000"], found[f"A{line - 1:03d}"]
    assert first is not None and (last is None or last.p50_s >= first.p50_s)


def test_a_head_start_is_called_first_and_makes_the_others_wait() -> None:
    found = played(floor([person("A001", 300), person("A002", 10, head_start_s=900)], [busy("1")]))
    ordinary, elder = found["A001"], found["A002"]
    assert ordinary is not None and elder is not None and elder.p50_s < ordinary.p50_s


def test_one_more_counter_shortens_every_wait() -> None:
    line = [person(f"A{n:03d}", 600 - n) for n in range(12)]
    one, two = (played(floor(line, [busy(str(n)) for n in range(many)]))["A011"] for many in (1, 2))
    assert one is not None and two is not None and two.p50_s < 0.7 * one.p50_s


def test_a_planned_lunch_is_waited_for() -> None:
    eats = Post(counter="1", services=("personal",), doing="busy", since_s=NOW_S - 60, service="personal",
                breaks=((NOW_S + 1, 2_700.0),))  # fmt: skip
    wait = played(floor([person("A001", 60)], [eats]))["A001"]
    assert wait is not None and wait.p50_s > 2_400


def test_nobody_at_the_counters_means_that_nothing_can_be_said() -> None:
    assert played(floor([person("A001", 60)], []))["A001"] is None
    gone = Post(counter="1", services=("personal",), doing="away", since_s=NOW_S - 60)
    assert played(floor([person("A001", 60)], [gone]))["A001"] is None


def test_a_counter_that_never_closes_its_service_is_left_out_and_named() -> None:
    found = waits(floor([person("A001", 60)], [busy("1", spent_s=40_000)]), profile(), np.random.default_rng(1))
    assert found.stuck == ("1",) and found.tickets["A001"] is None


def test_a_flood_of_a_thousand_is_told_nothing_absurd() -> None:
    line = [person(f"A{n}", 900 - n * 0.5) for n in range(1_000)]
    found = played(floor(line, [busy("1"), busy("2")]))
    assert all(wait is None or wait.p90_s <= MOST_S for wait in found.values())
    assert found["newcomer"] is None and found["A0"] is not None


@pytest.mark.parametrize("ago_s", [-7_200.0, 200_000.0])
def test_a_clock_that_is_hours_off_breaks_nothing(ago_s: float) -> None:
    found = played(floor([person("A001", ago_s), person("A002", 60)], [busy("1", spent_s=-3_600)]))
    assert all(wait is None or 0 <= wait.p50_s <= MOST_S for wait in found.values())


def test_without_history_and_site_there_is_no_profile_and_a_visit_a_day_is_no_trouble() -> None:
    assert make_profile([]) is None
    visits = [
        Visit(day=f"2026-03-{day:02d}", service="personal", priority="none", elder=False, head_start_s=0, came_s=36_000,
              called_s=36_010, ended_s=36_200, left_s=-1, missed=False, counter="1")
        for day in range(2, 9)
    ]  # fmt: skip
    wait = played(floor([person("A001", 60)], [busy("1")]), profile(visits))["A001"]
    assert wait is not None and 0 < wait.p50_s < 1_200


def test_promises_that_were_too_short_are_stretched_and_few_change_little() -> None:
    broken = [Kept(600.0, 900.0, 1_200.0 + n) for n in range(400)]
    stretched = calibrate(broken).of(Wait(600.0, 900.0))
    assert stretched.p50_s > 900 and stretched.p90_s > 1_100
    timid = calibrate(broken[:3]).of(Wait(600.0, 900.0))
    assert timid.p50_s < 700
    wild = calibrate([Kept(60.0, 90.0, 1e6)] * 500)
    assert float(wild.ninety.max()) <= BOUNDS[1]


def test_the_score_counts_what_was_kept() -> None:
    found = score([Kept(100, 200, 50), Kept(100, 200, 150), Kept(100, 200, 250), Kept(100, 200, 90)])
    assert found is not None and (found.half_coverage, found.coverage, found.count) == (0.5, 0.75, 4)
    assert score([]) is None


def test_people_read_whole_minutes_and_never_none() -> None:
    assert in_minutes(Wait(20.0, 50.0)) == (1, 1)
    assert in_minutes(Wait(610.0, 1_190.0)) == (10, 20)
    assert in_minutes(None) is None
