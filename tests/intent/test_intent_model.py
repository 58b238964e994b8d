"""The shipped model: understands plain wishes, says when it is not sure, survives any text, quickly."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.intent import WEIGHTS, IntentModel, IntentModelError
from models.train.corpus import DATA, corpus_hash, intent_ids, load_labelled

pytestmark = pytest.mark.e2e

P95_MS = 10.0
SIZE_MB = 40.0
PLAIN = [
    ("我要取号", "take_ticket"), ("我想取两万块钱", "withdraw_cash"), ("我想取两万五", "withdraw_cash"),
    ("你好，我想存点钱", "deposit_cash"), ("请问厕所在哪里", "wayfinding"), ("你们几点关门", "business_hours"),
    ("我的卡丢了", "card_loss_report"), ("我要转人工", "call_remote_teller"), ("密码忘了怎么办", "pin_reset"),
    ("开户需要带什么", "required_documents"), ("谢谢你", "thanks"), ("再见", "goodbye"), ("好的", "affirm"),
    ("不是", "deny"), ("你叫什么名字", "persona"), ("说英语可以吗", "change_language"), ("字太小了", "elder_mode"),
    ("hello", "greet"), ("what time do you close today", "business_hours"), ("I lost my bank card", "card_loss_report"),
    ("I want to withdraw some money", "withdraw_cash"), ("where is the toilet", "wayfinding"),
    ("I'd like to open an account", "open_account"), ("can I talk to a real person", "call_remote_teller"),
    ("no thank you", "deny"), ("how long do I have to wait", "wait_time"),
]  # fmt: skip
# What docs/intent.md says, less two points for another machine's rounding.
LEAST_ACCURACY = {"zh": 0.967, "en": 0.951}
LEAST_ACTED = 0.93
NO_WISH = ["", "   ", "😀😀", "\x00\x01", "。。。", "！？"]


@cache
def shipped() -> IntentModel:
    return IntentModel.open()


@pytest.fixture
def model() -> IntentModel:
    return shipped()


@pytest.mark.parametrize(("said", "intent"), PLAIN)
def test_a_plain_wish_is_understood_first(model: IntentModel, said: str, intent: str) -> None:
    heard = model.classify(said)
    assert heard.ranked[0].intent == intent
    assert heard.decision != "unsure"


@pytest.mark.parametrize("text", NO_WISH)
def test_a_text_without_words_is_unsure_and_unranked(model: IntentModel, text: str) -> None:
    assert model.classify(text) == model.classify("") and model.classify(text).decision == "unsure"


@pytest.mark.parametrize(
    ("wrong", "intent"),
    [
        ("我要取浩", "take_ticket"), ("我的卡丢勒", "card_loss_report"), ("侧所在哪里", "wayfinding"),
        ("我想去钱", "withdraw_cash"), ("开护要带什么", "required_documents"), ("你们几点观门", "business_hours"),
    ],
)  # fmt: skip
def test_a_homophone_of_the_recogniser_is_understood_or_not_acted_upon(
    model: IntentModel, wrong: str, intent: str
) -> None:
    heard = model.classify(wrong)
    assert heard.ranked[0].intent == intent or (heard.decision != "act" and intent in [r.intent for r in heard.ranked])


def test_traditional_characters_are_understood_as_simplified(model: IntentModel) -> None:
    assert model.classify("我要領號排隊") == model.classify("我要领号排队")


def test_another_reading_can_turn_a_misheard_sentence(model: IntentModel) -> None:
    alone = model.classify("我要挂十")
    helped = model.classify("我要挂十", [("我要挂失", 1.0), ("我要挂失啊", 0.5)])
    by_name = {row.intent: row.probability for row in alone.ranked}
    assert helped.ranked[0].intent == "card_loss_report"
    assert helped.ranked[0].probability > by_name.get("card_loss_report", 0.0)


@pytest.mark.parametrize("weight", [0.0, -1.0, float("nan"), 2.0, float("inf")])
def test_a_reading_with_a_weight_out_of_range_does_not_count(model: IntentModel, weight: float) -> None:
    assert model.classify("取钱", [("厕所在哪", weight)]) == model.classify("取钱")


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=500), st.sampled_from([None, "zh", "en", "xx"]))
def test_any_text_is_ranked_in_order_with_probabilities(text: str, language: str | None) -> None:
    heard = shipped().classify(text, [(text[::-1], 0.5)], language)
    probabilities = [row.probability for row in heard.ranked]
    assert probabilities == sorted(probabilities, reverse=True) and len(probabilities) in (0, 5)
    assert all(0.0 <= p <= 1.0 for p in probabilities) and sum(probabilities) <= 1.0 + 1e-6


def test_ten_thousand_characters_are_answered_within_50_ms(model: IntentModel) -> None:
    model.classify("预热")
    started = time.perf_counter()
    model.classify("我想取钱" * 2500)
    assert time.perf_counter() - started < 0.05


def test_the_unseen_file_is_understood_as_well_as_the_documents_say(model: IntentModel) -> None:
    rows = load_labelled(DATA / "test.tsv")
    heard = [model.classify(row.text, (), row.language) for row in rows]
    for language, least in LEAST_ACCURACY.items():
        right = [h.ranked[0].intent == r.intent for h, r in zip(heard, rows, strict=True) if r.language == language]
        assert np.mean(right) >= least, language
    acted = [h.ranked[0].intent == r.intent for h, r in zip(heard, rows, strict=True) if h.decision == "act"]
    assert len(acted) / len(rows) >= LEAST_ACTED and np.mean(acted) >= 0.95


def test_95_of_100_sentences_take_at_most_10_ms(model: IntentModel) -> None:
    rows = load_labelled(DATA / "test.tsv")[:300]
    model.classify("预热")
    delays = []
    for row in rows:
        runs = []
        for _ in range(3):  # the best of three: what the sentence costs, not what else the machine does
            started = time.perf_counter()
            model.classify(row.text)
            runs.append((time.perf_counter() - started) * 1e3)
        delays.append(min(runs))
    assert np.percentile(delays, 95) <= P95_MS


def test_the_shipped_files_are_small_and_belong_to_this_corpus() -> None:
    card = json.loads((WEIGHTS / "intent.json").read_text(encoding="utf-8"))
    assert tuple(card["labels"]) == intent_ids()
    assert card["corpus_sha256"] == corpus_hash(), "the corpus changed: run `python -m models.train.intent`"
    assert sum(path.stat().st_size for path in WEIGHTS.glob("intent.*")) < SIZE_MB * 1e6


@pytest.fixture
def copied(tmp_path: Path) -> Iterator[Path]:
    for name in ("intent.onnx", "intent.json"):
        (tmp_path / name).write_bytes((WEIGHTS / name).read_bytes())
    yield tmp_path


@pytest.mark.parametrize("missing", ["intent.onnx", "intent.json"])
def test_a_missing_file_is_named_with_the_command_that_makes_it(copied: Path, missing: str) -> None:
    (copied / missing).unlink()
    with pytest.raises(IntentModelError, match=rf"{missing} is missing: run `python -m models.train.intent`"):
        IntentModel.open(folder=copied)


def test_a_card_of_another_graph_is_refused(copied: Path) -> None:
    card = json.loads((copied / "intent.json").read_text(encoding="utf-8"))
    card["labels"] = card["labels"][:-1]
    (copied / "intent.json").write_text(json.dumps(card), encoding="utf-8")
    with pytest.raises(IntentModelError, match="do not belong together"):
        IntentModel.open(folder=copied)


@pytest.mark.parametrize("damage", [b"", b"not a graph", b"\x08\x01"])
def test_a_damaged_graph_is_refused_by_name(copied: Path, damage: bytes) -> None:
    (copied / "intent.onnx").write_bytes(damage)
    with pytest.raises(IntentModelError, match=r"intent\.onnx"):
        IntentModel.open(folder=copied)


def test_a_damaged_card_is_refused_by_name(copied: Path) -> None:
    (copied / "intent.json").write_text('{"labels": ["greet"]', encoding="utf-8")
    with pytest.raises(IntentModelError, match=r"intent\.json"):
        IntentModel.open(folder=copied)


def test_the_bench_prints_one_object_with_every_figure() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "bench", "intent", "--json", "-"],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    (line,) = ran.stdout.splitlines()
    figures = json.loads(line)
    assert figures["lines"] == len(load_labelled(DATA / "test.tsv"))
    assert set(figures["per_language"]) == {"zh", "en"} and len(figures["per_intent"]) == len(intent_ids())
    assert 0 < figures["latency_ms"]["p50"] <= figures["latency_ms"]["p95"] <= figures["latency_ms"]["max"]
    assert 0 <= figures["coverage_at_precision_95"] <= 1 and figures["size_mb"] < SIZE_MB


def test_the_bench_names_file_and_line_of_a_malformed_file(tmp_path: Path) -> None:
    (tmp_path / "bad.tsv").write_text("greet\tzh\t你好\nnonsense\n", encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-m", "bench", "intent", "--data", str(tmp_path / "bad.tsv"), "--json", "-"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ran.returncode == 2 and ran.stdout == "" and "bad.tsv:2" in "".join(ran.stderr.split())
