"""Who will come: weekdays, known days, today's own arrivals; counters by theory; a day rehearsed."""

from __future__ import annotations

import itertools
from datetime import date, timedelta

import numpy as np
import pytest

from config.calendar import load_calendar
from hub.foresight.arrivals import LEAST_DAYS, Arrivals, Floats, fit, naive
from hub.foresight.erlang import counters_for, erlang_a
from hub.foresight.floor_now import FloorNow
from hub.foresight.profile import Prior, make_profile
from hub.foresight.rehearse import MOST_PEOPLE, Plan, need_by_quarter, rehearse
from hub.foresight.roster import BadRoster, Seat, read_roster

pytestmark = pytest.mark.unit
FIRST = date(2026, 3, 2)


def day_of(rate: float, opens: int = 36, closes: int = 68) -> Floats:
    counts = np.zeros(96)
    counts[opens:closes] = rate
    return counts


def history(days: int, pension: float = 1.0) -> list[Arrivals]:
    draw = np.random.default_rng(4)
    found = []
    for at in range(days):
        when = FIRST + timedelta(days=at)
        if when.weekday() == 6:
            continue
        kinds = frozenset({"pension"}) if when.day == 15 else frozenset[str]()
        rate = 4.0 * (1.3 if when.weekday() == 0 else 1.0) * (pension if kinds else 1.0)
        found.append(Arrivals(when, draw.poisson(day_of(rate)).astype(float), kinds))
    return found


def test_a_branch_without_history_cannot_say_yet() -> None:
    assert fit([]) is None
    assert fit(history(LEAST_DAYS)[: LEAST_DAYS - 1]) is None


def test_weekdays_and_closed_hours_are_learnt() -> None:
    model = fit(history(120))
    assert model is not None
    monday, tuesday, sunday = (model.expected(date(2026, 7, day)).sum() for day in (6, 7, 5))
    assert monday / tuesday == pytest.approx(1.3, abs=0.12) and sunday == 0
    assert model.expected(date(2026, 7, 7))[:34].sum() == 0


def test_a_known_day_and_a_holiday_are_other_days() -> None:
    model = fit(history(300, pension=2.0))
    assert model is not None
    when = date(2027, 1, 7)
    plain, pension = model.expected(when).sum(), model.expected(when, frozenset({"pension"})).sum()
    assert 1.6 < pension / plain < 2.3
    assert model.expected(when, frozenset({"holiday"})).sum() == 0


def test_today_follows_what_has_come_so_far() -> None:
    model = fit(history(120))
    assert model is not None
    when = date(2026, 7, 7)
    plain = model.expected(when)
    busy, calm = (model.today(when, frozenset(), day_of(rate), 52) for rate in (8.0, 1.0))
    assert busy[53:68].sum() > plain[53:68].sum() > calm[53:68].sum() >= 0


def test_one_visitor_a_day_divides_nothing_by_zero() -> None:
    lonely = [Arrivals(FIRST + timedelta(days=at), np.eye(96)[40]) for at in range(30)]
    model = fit(lonely)
    assert model is not None and 0.3 < model.expected(FIRST + timedelta(days=31)).sum() < 2.0


def test_naive_looks_back_past_a_closed_week() -> None:
    when = FIRST + timedelta(days=14)
    assert naive({FIRST: day_of(3.0), FIRST + timedelta(days=7): day_of(0.0)}, when).sum() == 96
    assert naive({}, when).sum() == 0


def test_the_calendar_knows_what_a_day_is() -> None:
    calendar = load_calendar()
    assert calendar.kinds(date(2026, 10, 1)) == {"holiday"}
    assert calendar.kinds(date(2026, 9, 30)) == {"before_holiday"}
    assert {"pension"} == calendar.kinds(date(2026, 7, 15))


def test_erlang_a_obeys_its_own_balance_and_more_counters_help() -> None:
    loads = [erlang_a(1 / 60, 300, 3_600, counters, 600) for counters in range(2, 9)]
    for load in loads:
        assert load.leaves_share == pytest.approx(load.mean_wait_s / 3_600, rel=1e-6)  # who leaves is who waited
        assert load.busy_share * load.counters == pytest.approx((1 - load.leaves_share) * 5, rel=1e-3)
    assert all(after.late_share <= before.late_share for before, after in itertools.pairwise(loads))
    assert counters_for(1 / 60, 300, 3_600, 600).late_share <= 0.1
    assert erlang_a(0.0, 300, 3_600, 1, 600).busy_share == 0.0


@pytest.mark.parametrize("wrong", [(-1.0, 300, 10, 1), (1.0, 0, 10, 1), (1.0, 300, 0, 1), (1.0, 300, 10, 0)])
def test_an_impossible_load_is_refused(wrong: tuple[float, float, float, int]) -> None:
    with pytest.raises(ValueError):
        erlang_a(*wrong, 600)


def rehearsed(plan: Plan, rate: float = 4.0) -> tuple[float, float]:
    profile = make_profile([], {"personal": Prior(4.0, 8.0)})
    assert profile is not None
    floor = FloorNow(now_s=34_200.0, services=("personal",), waiting=(), posts=())
    found = rehearse(plan, profile, {"personal": day_of(rate)}, floor, 61_200.0, plays=6)
    assert found.people <= MOST_PEOPLE
    return found.all_p90_min, found.left_share


def test_what_if_opening_a_counter_shortens_and_a_lunch_at_the_peak_lengthens() -> None:
    seats = tuple(Seat(str(at), ("personal",), 32_400.0, 61_200.0) for at in range(2))
    more = Seat("3", ("personal",), 32_400.0, 61_200.0)
    eats = Seat("3", ("personal",), 32_400.0, 61_200.0, 43_200.0, 5_400.0)
    as_it_is, opened, lunch = (rehearsed(Plan(some), 8.0) for some in (seats, (*seats, more), (*seats, eats)))
    assert opened[0] < lunch[0] < as_it_is[0]
    video = rehearsed(Plan(seats, 1, {"personal": 0.2}), 8.0)
    assert video[0] < as_it_is[0]


def test_a_plan_with_nobody_and_a_flood_end() -> None:
    assert rehearsed(Plan(())) == (0.0, 0.0) or rehearsed(Plan(()))[1] <= 1.0
    assert rehearsed(Plan((Seat("1", ("personal",), 32_400.0, 61_200.0),)), rate=300.0)[0] > 60


def test_counters_follow_the_day() -> None:
    profile = make_profile([], {"personal": Prior(4.0, 8.0)})
    assert profile is not None
    rates = day_of(2.0)
    rates[40:44] = 9.0
    need = need_by_quarter({"personal": rates, "unknown": rates}, profile, 600.0, 5_400.0)
    assert set(need) == {"personal"}
    assert need["personal"][41] > need["personal"][50] >= 1 and need["personal"][10] == 0


@pytest.mark.parametrize(
    "plan",
    [
        {},
        {"seats": [{"counter": "1"}]},
        {"seats": [{"counter": "1", "services": [], "opens_s": 0, "closes_s": 10}]},
        {"seats": [{"counter": "1", "services": ["a"], "opens_s": 10, "closes_s": 0}]},
        {"seats": [{"counter": "1", "services": ["a"], "opens_s": 0, "closes_s": 10}] * 2},
    ],
)
def test_a_roster_that_cannot_be_meant_is_refused(plan: dict[str, object]) -> None:
    with pytest.raises(BadRoster):
        read_roster(plan)
