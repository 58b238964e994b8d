"""The rule by which visitors go to tellers, over lines and teams that Hypothesis makes up: its bounds and its sense."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.routing import Limits, Routing, Weights, load_routing
from contracts.queueing import Priority
from contracts.video_messages import Need
from hub.video.rule import Free, Waiting, could, head_start, lacks, match, terms

pytestmark = pytest.mark.unit
NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
RULES = load_routing()
SERVICES, LANGUAGES = ("personal", "corporate", "wealth"), ("zh", "en")


def teller(name: str = "li", **more: object) -> Free:
    given_ = {"services": frozenset({"personal"}), "languages": frozenset({"zh"}), "branches": frozenset({"*"})}
    return Free(teller=name, **{**given_, **more})  # type: ignore[arg-type]


def visitor(case: str = "c1", minutes: float = 0, head: float = 0, **more: object) -> Waiting:
    came = NOW - timedelta(minutes=minutes)
    base = {"branch": "b", "need": Need(service="personal", language="zh"), "place": came - timedelta(minutes=head)}
    return Waiting(case=case, came=came, **{**base, **more})  # type: ignore[arg-type]


tellers = st.builds(
    Free,
    teller=st.sampled_from([f"t{number}" for number in range(6)]),
    branches=st.just(frozenset({"*"})),
    services=st.frozensets(st.sampled_from(SERVICES), min_size=1),
    languages=st.frozensets(st.sampled_from(LANGUAGES), min_size=1),
    sign=st.booleans(), calm=st.booleans(), licence=st.booleans(), level=st.integers(1, 5),
    load=st.floats(0, 1),
)  # fmt: skip


@st.composite
def visitors(draw: st.DrawFn) -> Waiting:
    need = Need(
        service=draw(st.sampled_from(SERVICES)), language=draw(st.sampled_from(LANGUAGES)), sign=draw(st.booleans()),
        calm=draw(st.booleans()), licence=draw(st.booleans()),
    )  # fmt: skip
    minutes, head = draw(st.floats(0, 90)), draw(st.floats(0, RULES.limits.head_start_most_min))
    return visitor(
        draw(st.sampled_from([f"c{number}" for number in range(12)])), minutes, head, need=need,
        least_level=draw(st.integers(1, 3)), passed=draw(st.integers(0, RULES.limits.passes)),
        talk_min=draw(st.floats(1, 60)), before={"t0": draw(st.floats(-1, 1))},
    )  # fmt: skip


weights = st.builds(Weights, **{name: st.floats(0, 10) for name in Weights.model_fields})
lines = st.lists(visitors(), min_size=1, max_size=8, unique_by=lambda one: one.case)
teams = st.lists(tellers, min_size=1, max_size=4, unique_by=lambda one: one.teller)


@settings(deadline=None)  # a busy machine answers late
@given(line=lines, team=teams, chosen=weights)
def test_whatever_the_weights_nobody_is_passed_over_beyond_the_stated_bounds(
    line: list[Waiting], team: list[Free], chosen: Weights
) -> None:
    rules = Routing(weights=chosen, limits=RULES.limits)
    by_case, by_teller = {one.case: one for one in line}, {one.teller: one for one in team}
    passed = {one.case: one.passed for one in line}
    most = timedelta(minutes=rules.limits.head_start_most_min, seconds=rules.limits.window_s)
    still = dict(by_case)
    for made in match(line, team, rules, NOW):
        taken, who = by_case[made.case], by_teller[made.teller]
        assert could(who, taken, NOW)
        del still[made.case]
        over = [one for one in still.values() if could(who, one, NOW) and one.came < taken.came]
        assert {one.case for one in over} <= set(made.over)
        for one in over:
            assert taken.came - one.came <= most
            passed[one.case] += 1
            assert passed[one.case] <= rules.limits.passes


@settings(deadline=None)  # a busy machine answers late
@given(line=lines, team=teams)
def test_nobody_waits_while_somebody_is_free_who_could_serve(line: list[Waiting], team: list[Free]) -> None:
    made = match(line, team, RULES, NOW)
    cases, people = {one.case for one in made}, {one.teller for one in made}
    assert len(cases) == len(people) == len(made)
    left = [one for one in line if one.case not in cases]
    idle = [one for one in team if one.teller not in people]
    assert not [(one, who) for one in left for who in idle if could(who, one, NOW)]


@settings(deadline=None)  # a busy machine answers late
@given(line=lines, team=teams)
def test_the_same_question_has_the_same_answer_whatever_its_order(line: list[Waiting], team: list[Free]) -> None:
    assert match(line, team, RULES, NOW) == match(line[::-1], team[::-1], RULES, NOW)


@pytest.mark.parametrize(
    ("need", "lacking"),
    [
        (Need(service="wealth", language="zh"), "service"),
        (Need(service="personal", language="en"), "language"),
        (Need(service="personal", language="zh", sign=True), "sign"),
        (Need(service="personal", language="zh", licence=True), "licence"),
        (Need(service="personal", language="zh", dialect="yue", calm=True), ""),
    ],
)
def test_what_a_teller_must_be_able_to_do_is_a_condition_and_what_is_good_is_not(need: Need, lacking: str) -> None:
    assert lacks(teller(), visitor(need=need), NOW) == lacking


def test_who_refused_is_not_asked_again_until_the_rest_is_over() -> None:
    case = visitor(refused={"li": NOW + timedelta(seconds=1)})
    assert lacks(teller(), case, NOW) == "refused"
    assert could(teller(), case, NOW + timedelta(seconds=1))
    assert lacks(teller(level=1), visitor(least_level=3), NOW) == "level"
    assert lacks(teller(branches=frozenset({"a"})), visitor(), NOW) == "branch"


def test_a_rare_skill_is_kept_for_who_needs_it() -> None:
    plain = teller("plain")
    rare = teller("rare", languages=frozenset({"zh", "en"}), licence=True)
    (made,) = match([visitor()], [rare, plain], RULES, NOW, [rare, plain, teller("busy")])
    assert made.teller == "plain"
    assert made.terms["spare"] > 0


def test_who_was_well_served_by_somebody_goes_there_again_and_who_was_not_does_not() -> None:
    team = [teller("a"), teller("b")]
    (liked,) = match([visitor(before={"b": 1.0})], team, RULES, NOW)
    (disliked,) = match([visitor(before={"b": -1.0})], team, RULES, NOW)
    assert (liked.teller, disliked.teller) == ("b", "a")


def test_dialect_and_calm_choose_among_those_who_can() -> None:
    team = [teller("a"), teller("b", dialects=frozenset({"yue"})), teller("c", calm=True)]
    needs = (Need(service="personal", language="zh", dialect="yue"), Need(service="personal", language="zh", calm=True))
    assert [match([visitor(need=need)], team, RULES, NOW)[0].teller for need in needs] == ["b", "c"]


def test_a_head_start_is_the_largest_reason_and_never_more_than_the_bound() -> None:
    def minutes(**more: object) -> float:
        given_ = {"priority": Priority.NONE, "level": "asked", "risk": "low"}
        return head_start(RULES, **{**given_, **more}).total_seconds() / 60  # type: ignore[arg-type]

    assert minutes() == 0
    assert minutes(priority=Priority.ELDER) == 15
    assert minutes(level="trouble", waited_s=120) == 7
    assert minutes(risk="high", priority=Priority.DISABLED, waited_s=9_999) == RULES.limits.head_start_most_min


def test_after_so_many_passes_the_first_comer_is_next_whoever_has_a_head_start() -> None:
    ordinary = visitor("c1", 30, passed=RULES.limits.passes)
    urgent = visitor("c2", 20, head=20)
    (made,) = match([ordinary, urgent], [teller()], RULES, NOW)
    assert (made.case, made.how) == ("c1", "first")
    (other,) = match([visitor("c1", 30), urgent], [teller()], RULES, NOW)
    assert (other.case, other.how, other.over) == ("c2", "score", ("c1",))


def test_the_terms_of_a_decision_can_be_read_and_add_up() -> None:
    case, who = visitor(minutes=5, head=10), teller()
    (made,) = match([case], [who], RULES, NOW)
    assert dict(made.terms) == terms(case, who, RULES, NOW, dict.fromkeys(who.abilities, 0.0))
    assert set(made.terms) == set(Weights.model_fields)
    assert made.score == pytest.approx(sum(made.terms.values()))


def test_a_window_of_nothing_and_no_passes_is_plain_order_of_coming() -> None:
    rules = Routing(limits=Limits(passes=0, window_s=0))
    line = [visitor("c1", 1, head=20), visitor("c2", 9), visitor("c3", 5)]
    assert [match([one for one in line if one.case not in gone], [teller()], rules, NOW)[0].case
            for gone in ((), ("c2",), ("c2", "c3"))] == ["c2", "c3", "c1"]  # fmt: skip
