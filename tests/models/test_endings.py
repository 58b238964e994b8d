"""Whether a speaker has finished: rules as pure functions, the model by its card, errors by name."""

from __future__ import annotations

import json
import math
import shutil
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.ending_features import BUCKETS, extract, plain
from models.endings import (
    OPEN,
    RULED,
    SURE,
    WEIGHTS,
    Endings,
    EndingsError,
    Scale,
    dictating,
    hanging,
    trailing_figures,
)
from models.train.corpus import load_corpus
from models.train.endings import HESITANT, WRITTEN_WEIGHT, prefixes, spoken, written, written_hash

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def endings() -> Endings:
    return Endings()


@pytest.mark.parametrize(
    ("text", "is_going_on"),
    [
        ("我的手机号是一三八", True),
        ("我的手机号是138 0013", True),
        ("我的手机号是138 0013 8000", False),
        ("一三八零零一三八零零零", False),
        ("幺三八幺二三四", True),
        ("我的手机号是1", True),
        ("尾号是六二", True),
        ("尾号是六二零八", False),
        ("卡号6222 0212 3456", True),
        ("卡号6222 0212 3456 7890", False),
        ("卡号是6222021234567890123", False),
        ("身份证号11010519900307", True),
        ("身份证号11010519900307123X", False),
        ("我要取5000", False),
        ("取20000", False),
        ("转1500000", False),
        ("三号窗口", False),
        ("A037", False),
        ("去窗口三", False),
        ("一百零", True),
        ("百分之三点", True),
        ("下午三点", True),
        ("我想取钱", False),
        ("", False),
        ("my number is one three eight double zero", True),
        ("my phone number is 138-0013-8000", False),
        ("the card ending in six two", True),
        ("ending in six two zero eight", False),
        ("I need a new one", False),
        ("change my phone number to a new one", False),
        ("withdraw five thousand", False),
        ("one three eight double zero one three", True),
        ("about two point", True),
    ],
)
def test_a_number_is_dictated_until_it_is_whole(text: str, is_going_on: bool) -> None:
    assert dictating(text) is is_going_on


def test_figures_are_read_in_both_languages_with_what_stands_before() -> None:
    assert trailing_figures("手机号一三八 零零") == ("13800", "手机号")
    assert trailing_figures("my number is one three double zero") == ("1300", "my number is")
    assert trailing_figures("it is 138 0013") == ("1380013", "it is")
    assert trailing_figures("我想取钱") == ("", "我想取钱")


@pytest.mark.parametrize(
    ("text", "language", "goes_on"),
    [
        ("你好", "zh", True), ("你好，你好。", "zh", True), ("嗯", "zh", True), ("我想……", "zh", True),
        ("我要取钱，然后", "zh", True), ("你好我要取钱", "zh", False), ("是不是", "zh", False), ("谢谢", "zh", False),
        ("因为我眼睛不好", "zh", True), ("要是提前取出来", "zh", True), ("要是提前取利息怎么算", "zh", False),
        ("because my eyes are bad", "en", True), ("If I take it out early", "en", True),
        ("if I take it out early what happens to the interest", "en", False),
        ("取两万，还有", "zh", True), ("对", "zh", False),
        ("Hello.", "en", True), ("Hi there!", "en", True), ("I'd like to", "en", True), ("my card and my", "en", True),
        ("Um", "en", True), ("I lost my card", "en", False), ("yes", "en", False), ("thank you", "en", False),
    ],
)  # fmt: skip
def test_connectives_fillers_and_bare_greetings_go_on(text: str, language: str, goes_on: bool) -> None:
    assert hanging(text, language) is goes_on


@pytest.mark.parametrize(
    ("broken", "whole", "language"),
    [
        ("我的银行卡", "我的银行卡丢了怎么办", "zh"),
        ("请问你们几点", "请问你们几点下班", "zh"),
        ("我想取", "我想取两万块钱", "zh"),
        ("洗手间在", "洗手间在哪里", "zh"),
        ("where is the", "where is the restroom", "en"),
        ("what time do you", "what time do you close", "en"),
        ("I want to open", "I want to open an account", "en"),
        ("my card has been", "my card has been stolen", "en"),
    ],
)
def test_a_whole_sentence_is_likelier_over_by_a_fifth_than_its_beginning_which_is_never_sure(
    endings: Endings, broken: str, whole: str, language: str
) -> None:
    begun = endings.finished(broken, language)
    assert begun < endings.sure
    assert endings.finished(whole, language) > begun + 0.2


def test_a_full_stop_that_the_recogniser_put_changes_nothing(endings: Endings) -> None:
    for text in ("我想取", "我想取两万块钱"):
        assert endings.finished(text, "zh") == endings.finished(text + "。", "zh")


def test_figures_on_held_out_lines_keep_the_bound_of_cut_sentences() -> None:
    card = json.loads((WEIGHTS / "endings.json").read_text("utf-8"))
    for language in ("zh", "en"):
        told = card["thresholds"][language]
        assert told["broken_sure"] <= 0.015
        assert told["whole_sure"] >= 0.3
        assert told["whole_open"] <= 0.03
        assert told["open"] < told["sure"]
        assert (
            told["written_sure"] <= 0.06
        )  # of breaks where people make them, whole wishes with an addition among them
        assert told["written_whole_sure"] >= 0.3
    assert card["written_sha256"] == written_hash()


@given(st.text(max_size=300), st.sampled_from(["zh", "en"]))
def test_any_text_gives_a_probability(text: str, language: str) -> None:
    assert 0.0 <= _loaded().finished(text, language) <= 1.0


def test_text_without_words_and_open_sentences_are_not_finished(endings: Endings) -> None:
    assert endings.finished("……", "zh") == 0.0
    assert endings.finished("那个", "zh") == RULED


def test_one_judgement_takes_under_5_ms(endings: Endings) -> None:
    began = time.perf_counter()
    for _ in range(100):
        endings.finished("你好我想问一下银行卡丢了应该怎么办理挂失", "zh")
    assert (time.perf_counter() - began) / 100 < 0.005


def test_a_missing_or_damaged_file_is_named_with_its_remedy(tmp_path: Path) -> None:
    with pytest.raises(EndingsError, match=r"endings\.npz is missing: run `python -m models\.train\.endings`"):
        Endings(tmp_path)
    shutil.copy(WEIGHTS / "endings.json", tmp_path)
    (tmp_path / "endings.npz").write_bytes(b"PK nothing")
    with pytest.raises(EndingsError, match=r"is damaged.*run `python -m models\.train\.endings`"):
        Endings(tmp_path)


def test_the_model_is_under_a_megabyte() -> None:
    assert (WEIGHTS / "endings.npz").stat().st_size < 1_000_000


def test_features_are_bounded_sorted_and_of_unit_length() -> None:
    buckets, shares = extract("我想" * 200, "zh")
    assert 0 < len(buckets) < 400 and (buckets[1:] > buckets[:-1]).all() and buckets[-1] < BUCKETS
    assert abs(float((shares**2).sum()) - 1.0) < 1e-5
    assert len(plain("长" * 1000)) == 120


def test_broken_sentences_leave_out_what_is_whole_and_prefer_hesitation() -> None:
    found = dict(prefixes("我想取钱吗", "zh", frozenset(["我"])))
    assert "我想取钱" not in found  # only a particle follows
    assert abs(sum(found.values()) - 1.0) < 1e-9
    found = dict(prefixes("i lost my card yesterday", "en", frozenset(["i lost my card"])))
    assert "i lost my card" not in found
    assert found["i lost my"] == pytest.approx(HESITANT * found["i lost"])


def test_rows_of_the_corpus_weigh_each_line_once_and_are_the_same_each_time() -> None:
    examples = [e for e in load_corpus() if e.group.startswith("en/money")][:200]
    rows = spoken(examples, 3)
    assert rows == spoken(examples, 3)
    assert {row.over for row in rows} == {True, False}
    per_line: dict[str, float] = {}
    for row in rows:
        if row.over:
            per_line[row.group] = per_line.get(row.group, 0.0) + row.weight
    assert max(per_line.values()) == pytest.approx(1.0)


def test_written_breaks_of_each_line_weigh_the_same_and_the_first_pause_most() -> None:
    rows = written(3)
    assert rows == written(3)
    per_line: dict[str, float] = {}
    for row in rows:
        if not row.over:
            per_line[row.group] = per_line.get(row.group, 0.0) + row.weight
    assert per_line and all(weight == pytest.approx(WRITTEN_WEIGHT) for weight in per_line.values())
    first = next(row for row in rows if row.text == "是这样的")
    second = next(row for row in rows if row.group == first.group and row.text != first.text and not row.over)
    assert first.weight > second.weight


def test_no_sentence_that_endings_are_learnt_from_is_measured_by_the_bench() -> None:
    bench = Path(__file__).parents[2] / "bench" / "data" / "slow.tsv"
    cells = [line.split("\t") for line in bench.read_text("utf-8").splitlines() if not line.startswith("#")]
    measured = {plain(text.replace("|", "" if language == "zh" else " ")) for _, language, text in cells}
    learnt = {row.text for row in written(20) if row.over}
    assert len(measured) > 300 and len(learnt) > 300
    assert not measured & learnt


_KEPT: list[Endings] = []


def _loaded() -> Endings:
    if not _KEPT:
        _KEPT.append(Endings())
    return _KEPT[0]


def test_measured_thresholds_of_each_language_become_the_two_that_the_ear_knows() -> None:
    scale = Scale.through(0.9, 0.3)
    at = {p: 1 / (1 + math.exp(-(scale.slope * math.log(p / (1 - p)) + scale.shift))) for p in (0.9, 0.3)}
    assert at == pytest.approx({0.9: SURE, 0.3: OPEN})
