"""A roll-out's rules alone: shares to the letter, waves that add up, gates that tell worse from chance, alarms."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hub.fleet.alarms import Bounds, rules
from hub.fleet.campaign_plan import Gate, Limits, PlanProblem, Query, read_plan, waves_of
from hub.fleet.campaign_rule import Standing, State, Status, decide, over_limit
from hub.fleet.gates import Seen, fisher, judge, poisson

pytestmark = pytest.mark.unit
NOW = datetime(2026, 5, 4, 8, tzinfo=UTC)


def test_a_share_is_exceeded_at_exactly_the_outcome_that_was_stated() -> None:
    limits = Limits(failed_share=0.03, judged_from=100)
    assert over_limit(limits, 97, 3) == "", "three of a hundred are not more than 3 %"
    assert over_limit(limits, 96, 4) == "failed_share"
    assert over_limit(limits, 90, 4) == "", "not enough outcomes to judge by"
    # 0.07 * 100 is 7.000000000000001 in binary: shares are compared as they were written
    assert over_limit(Limits(failed_share=0.07, judged_from=1), 93, 7) == ""
    assert over_limit(Limits(failed_share=0.29, judged_from=1), 71, 29) == ""
    assert over_limit(Limits(failed=2), 10, 1) == "" and over_limit(Limits(failed=2), 0, 2) == "failed"


@pytest.mark.parametrize("terminals", [1, 2, 3, 7, 99, 1_000])
@pytest.mark.parametrize(
    "stated",
    [
        {"waves": [{"number": 2, "approve": True}, {"share": 0.1}, {"share": 0.5}]},
        {"waves": [{"share": 0.01}, {"share": 1.0}]},
        {"growth": {"first": 1, "factor": 3.0}},
        {"growth": {"first": 5, "factor": 1.0}},
        {},
    ],
)
def test_waves_cover_every_terminal_once_and_none_is_empty(terminals: int, stated: dict[str, Any]) -> None:
    sizes, waves = waves_of(read_plan({"version": "2.0.0", **stated}), terminals)
    assert sum(sizes) == terminals and min(sizes) >= 1 and len(sizes) == len(waves)


def test_waves_grow_as_stated() -> None:
    sizes, waves = waves_of(read_plan({"version": "2", "growth": {"first": 2, "factor": 3.0}}), 100)
    assert sizes == [2, 6, 18, 54, 20] and [wave.approve for wave in waves] == [True, False, False, False, False]


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ({}, "version"),
        ({"version": "2", "waves": [{}]}, "wave 1"),
        ({"version": "2", "waves": [{"number": 1, "share": 0.5}]}, "wave 1"),
        ({"version": "2", "waves": [{"number": 1}], "growth": {}}, "not both"),
        ({"version": "2", "limits": {"failed_share": 1.5}}, "failed_share"),
        ({"version": "2", "colour": "red"}, "colour"),
        ({"version": "../etc"}, "version"),
    ],
)
def test_a_plan_that_says_nothing_clear_is_refused_with_what_is_wrong(stated: dict[str, Any], said: str) -> None:
    with pytest.raises(PlanProblem, match=said):
        read_plan(stated)


def test_a_query_asks_for_everything_that_it_names() -> None:
    one = {"branch": "binjiang", "device": "kiosk-1", "region": "east", "hardware": "box-1", "version": "1.0.0",
           "tags": ["vip", "new"]}  # fmt: skip
    assert Query().matches(one) and Query(regions=("west", "east"), tags=("vip",)).matches(one)
    for other in (Query(regions=("west",)), Query(tags=("vip", "old")), Query(without_tags=("new",)),
                  Query(versions=("1.0.1",)), Query(hardware=("box-1",), branches=("xihu",))):  # fmt: skip
        assert not other.matches(one)


def test_a_wave_that_told_nothing_waits_for_a_person() -> None:
    plan = read_plan({"version": "2"})
    _, waves = waves_of(plan, 2)
    silent = Standing(status=Status.RUNNING, wave=0, counts={(0, State.ABSENT): 2})
    assert decide(plan, waves, silent, NOW).reason == "nobody"


def test_the_exact_tests_are_those_of_the_books() -> None:
    # Fisher's tea: 4 of 4 against 0 of 4: 1 / 70
    assert math.isclose(fisher(Seen(events=4, exposure=4), Seen(events=0, exposure=4)), 1 / 70)
    # equal exposure, 5 events, all on one side: (1/2)^5
    assert math.isclose(poisson(Seen(events=5, exposure=10.0), Seen(events=0, exposure=10.0)), 1 / 32)
    assert fisher(Seen(events=0, exposure=50), Seen(events=9, exposure=50)) == 1.0


def test_a_gate_seldom_stops_what_is_no_worse_and_does_stop_what_is() -> None:
    gate, chance = Gate(figure="ask_backs", factor=1.1, alpha=0.01), random.Random(8)

    def seen(rate: float, trials: int) -> Seen:
        return Seen(events=sum(chance.random() < rate for _ in range(trials)), exposure=trials)

    same = [judge(gate, seen(0.1, 300), seen(0.1, 900), trials=True).verdict for _ in range(300)]
    worse = [judge(gate, seen(0.2, 300), seen(0.1, 900), trials=True).verdict for _ in range(100)]
    assert same.count("worse") <= 9 and worse.count("worse") >= 90
    assert judge(gate, seen(0.5, 20), seen(0.1, 900), trials=True).verdict == "too_little"


def test_alarms_are_those_of_the_stated_bounds() -> None:
    here: dict[str, Any] = {
        "online": True, "seen": NOW.isoformat(), "temperature_c": 79.9, "free_disk_bytes": 10**9, "missing": [],
        "pending": 500, "troubles": [],
    }  # fmt: skip
    assert rules(here, 3, NOW + timedelta(days=20), NOW, Bounds()) == {}
    bad = here | {"temperature_c": 80.0, "free_disk_bytes": 10**9 - 1, "missing": ["microphone", "camera", "printer"],
                  "pending": 501}  # fmt: skip
    assert sorted(rules(bad, 4, NOW + timedelta(days=19), NOW, Bounds())) == [
        "camera_dead", "certificate", "disk", "hot", "messages_stuck", "microphone_dead", "printer", "restarts",
    ]  # fmt: skip
    gone = here | {"online": False, "seen": (NOW - timedelta(minutes=6)).isoformat()}
    assert rules(gone, 0, None, NOW, Bounds()) == {"offline": "6 min"}


@pytest.mark.parametrize(
    ("missing", "troubles", "alarmed"),
    [
        (["camera"], ["camera.not_found"], {"camera_dead": "not_found"}),
        (["camera"], ["camera.covered"], {"camera_covered": "covered"}),
        (["camera"], ["camera.overexposed"], {"camera_dead": "overexposed"}),
        (["camera"], [], {"camera_dead": ""}),  # from a terminal that does not say why
        (["printer"], ["printer.no_paper"], {"paper_out": "no_paper"}),
        (["printer"], ["printer.jammed"], {"paper_jammed": "jammed"}),
        (["printer"], ["printer.offline"], {"printer": "offline"}),
        ([], ["printer.paper_low"], {"paper_low": "paper_low"}),
        (["microphone", "printer"], ["printer.no_paper"], {"microphone_dead": "", "paper_out": "no_paper"}),
        ([], ["toaster.burning"], {}),  # said by a terminal that knows more than we
    ],
)
def test_a_covered_camera_is_no_dead_one_and_paper_is_no_fault(
    missing: list[str], troubles: list[str], alarmed: dict[str, str]
) -> None:
    here: dict[str, Any] = {
        "online": True, "seen": NOW.isoformat(), "temperature_c": None, "free_disk_bytes": None, "missing": missing,
        "pending": 0, "troubles": troubles,
    }  # fmt: skip
    assert rules(here, 0, None, NOW, Bounds()) == alarmed
