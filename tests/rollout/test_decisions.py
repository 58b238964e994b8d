"""What the updater decides: which wish counts, when a trial is over and how, what is asked for over the line."""

from __future__ import annotations

from datetime import time

import pytest

from kiosk.rollout import records
from kiosk.rollout.records import Kept
from kiosk.rollout.self_test import failures_of
from kiosk.rollout.trial import Look, Trial, TrialLimits
from kiosk.rollout.updater import Rules
from kiosk.rollout.window import Window

pytestmark = pytest.mark.unit
LIMITS = TrialLimits(start_s=10, settle_s=5, stay_s=60, look_s=1, silent_s=5, starts_most=1, grown_bytes=100, test_s=9)


def _judged(looks: list[Look], failed: tuple[str, ...] = ()) -> str:
    trial = Trial(LIMITS, 0.0)
    for now_s, look in enumerate(looks):
        trial.looked(look, now_s)
        if judgement := trial.judge(now_s):
            return judgement
        if trial.wants_test:
            trial.tested(failed, now_s)
    return ""


def test_a_release_that_works_and_stays_so_has_proved_itself_and_not_a_second_earlier() -> None:
    assert _judged([Look(alive=True, rss_bytes=500)] * 66) == "stays"
    assert _judged([Look(alive=True, rss_bytes=500)] * 65) == ""


@pytest.mark.parametrize(
    ("looks", "failed", "why"),
    [
        ([Look(alive=False)] * 20, (), "did_not_start"),
        ([Look(alive=False, starts=2)], (), "did_not_start"),
        ([Look(alive=True), Look(alive=False, starts=1), Look(alive=True, starts=2)], (), "crashed"),
        ([Look(alive=True)] * 3, ("understands",), "selftest_understands"),
        ([Look(alive=True)] * 3 + [Look(alive=False)] * 20, (), "stopped"),
        ([Look(alive=True, rss_bytes=1000 + 10 * at) for at in range(60)], (), "memory_grows"),
    ],
)
def test_a_bad_release_is_found_out_with_its_reason(looks: list[Look], failed: tuple[str, ...], why: str) -> None:
    assert _judged(looks, failed) == why


def test_a_wish_counts_once_and_never_breaks_off_a_trial() -> None:
    kept = records.wanted(Kept(release="1.0"), "1.1", 4)
    assert kept.candidate is not None and (kept.candidate.slot, kept.candidate.stage) == ("b", "fetching")
    assert records.wanted(kept, "1.2", 3) is kept
    assert records.wanted(kept, "1.2", 5).candidate == records.Candidate(release="1.2", generation=5, slot="b")
    tried = records.trial_began(records.on_trial(records.whole(kept)))
    assert records.wanted(tried, "1.2", 9) is tried
    proved = records.proved(tried)
    assert (proved.slot, proved.release, proved.spare, proved.decided) == ("b", "1.1", "a", 4)
    assert records.wanted(proved, "1.1", 4) is proved
    same = records.wanted(proved, "1.1", 7)
    assert same.candidate is None and same.verdict is not None and same.verdict.state == "done"


def test_a_trial_that_starts_too_often_is_a_failure_and_the_old_slot_runs() -> None:
    kept = records.on_trial(records.wanted(Kept(release="1.0"), "1.1", 1))
    for _ in range(records.MOST_STARTS):
        kept = records.trial_began(kept)
        assert kept.points_to == "b"
    kept = records.trial_began(kept)
    assert kept.points_to == "a" and kept.verdict is not None and kept.verdict.reason == "started_too_often"


@pytest.mark.parametrize(("now", "may"), [(time(2), True), (time(5), False), (time(12), False)])
def test_it_switches_in_the_branchs_hours_only(now: time, may: bool) -> None:
    assert Rules(begins=time(1), ends=time(5)).may_switch(now) is may
    assert Rules(begins=time(22), ends=time(4)).may_switch(time(23)) and Rules(
        begins=time(22), ends=time(4)
    ).may_switch(time(3))


def test_a_window_asks_for_few_at_a_time_and_again_only_what_is_lost() -> None:
    window = Window([f"{number}" for number in range(30)], widest=4, silent_s=10)
    assert window.ask(0.0) == ("0", "1") and window.ask(1.0) == ()
    assert window.arrived("0", 1.0) and not window.arrived("0", 1.0) and not window.arrived("29", 1.0)
    window.arrived("1", 2.0)
    assert len(window.ask(2.0)) == 3
    assert window.ask(11.0) == ()  # something arrived nine seconds ago
    again = window.ask(30.0)
    assert again and again[0] == "2" and window.tally_again == 3
    window.lost()
    assert window.on_their_way == 0
    for step in range(200):
        for name in window.ask(40.0 + step):
            window.arrived(name, 40.0 + step)
    assert window.done


def test_a_window_pauses_where_only_rubbish_comes() -> None:
    window = Window(["a", "b"], silent_s=10)
    for _ in range(8):
        for name in window.ask(0.0):
            window.refused(name, 0.0)
    assert window.ask(1.0) == () and window.ask(700.0) != ()


def test_the_self_test_names_the_part_that_did_not_do_its_work() -> None:
    heard = {"ok": False, "turns": [{"latency_ms": {"first_sample": 3}}], "ticket": {"printed": True}, "failures": []}
    assert failures_of({"ok": True}) == ()
    assert failures_of(heard) == ("visit",)
    assert failures_of({**heard, "failures": ["step 4: expected turn (intent=x) within 10 s"]}) == ("understands",)
    assert failures_of({**heard, "ticket": {"printed": False}}) == ("prints",)
    assert failures_of({"ok": False, "failures": []}) == ("hears", "speaks", "prints")
