"""From written sentences to a graph: read or refused, divided by line, fitted the same each time, exported exactly."""

from __future__ import annotations

import random
import re
from collections import Counter
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.intent import Judged, coverage_at_precision
from models.intent import Ranked, Understanding
from models.intent_features import extract
from models.train.calibrate import NEVER, find_temperature, lowest_score
from models.train.corpus import (
    DATA,
    CorpusError,
    Example,
    intent_ids,
    load_corpus,
    load_labelled,
)
from models.train.export import quantise_columns, save_graph
from models.train.intent import is_judged
from models.train.network import Recipe, Rows, fit, logits_of, one_hot, softmax, to_rows
from models.train.noise import Noise

pytestmark = pytest.mark.unit

SMALL = Recipe(
    hidden=8, bag_hidden=8, epochs=12, batch=16, rate=0.05, bag_rate=0.05, feature_dropout=0.1, meaning_dropout=0.0,
    hidden_dropout=0.0, bag_dropout=0.0, decay=0.0,
)  # fmt: skip
MEANING = 6
SENTENCES = [
    ("我要取钱", 0), ("取点现金", 0), ("withdraw cash", 0), ("take money out", 0),
    ("厕所在哪", 1), ("洗手间怎么走", 1), ("where is the toilet", 1), ("find the restroom", 1),
]  # fmt: skip


@pytest.fixture(scope="module")
def corpus() -> list[Example]:
    return load_corpus()


def test_every_intent_is_written_in_both_languages_with_ten_lines_at_least(corpus: list[Example]) -> None:
    lines = {(e.intent, e.language, e.group) for e in corpus}
    for intent in intent_ids():
        for language in ("zh", "en"):
            assert sum(row[:2] == (intent, language) for row in lines) >= 10, (intent, language)


def test_no_test_sentence_is_a_training_sentence(corpus: list[Example]) -> None:
    known = {"".join(e.text.lower().split()) for e in corpus}
    unseen = load_labelled(DATA / "test.tsv")
    assert len(unseen) >= 1400
    assert [e.text for e in unseen if "".join(e.text.lower().split()) in known] == []


def bigrams(text: str) -> set[str]:
    bare = "<" + re.sub(r"[^\w]", "", text.lower()) + ">"
    return {bare[at : at + 2] for at in range(len(bare) - 1)}


def test_no_test_sentence_is_nearly_a_training_sentence(corpus: list[Example]) -> None:
    unseen = [bigrams(e.text) for e in load_labelled(DATA / "test.tsv")]
    holding: dict[str, list[int]] = {}
    for number, pairs in enumerate(unseen):
        for pair in pairs:
            holding.setdefault(pair, []).append(number)
    near = []
    for example in corpus:
        pairs = bigrams(example.text)
        shared = Counter(number for pair in pairs for number in holding.get(pair, ()))
        near += [example.text for n, count in shared.items() if count >= 0.8 * (len(pairs) + len(unseen[n]) - count)]
    assert near == []


def test_a_writer_is_left_out_in_both_languages(corpus: list[Example]) -> None:
    judged = [e for e in corpus if is_judged(e)]
    assert {e.language for e in judged} == {"zh", "en"}
    assert {e.intent for e in judged} == set(intent_ids())
    assert len(judged) < len(corpus) / 3


@pytest.mark.parametrize(
    ("line", "why"),
    [("take_ticket\tzh", "want intent"), ("no_such\tzh\t取号", "want intent"), ("greet\tfr\tbonjour", "want intent")],
)
def test_a_malformed_labelled_line_is_refused_with_its_number(tmp_path: Path, line: str, why: str) -> None:
    path = tmp_path / "lines.tsv"
    path.write_text(f"greet\tzh\t你好\n{line}\n", encoding="utf-8")
    with pytest.raises(CorpusError, match=f":2: {why}"):
        load_labelled(path)


def test_noise_is_the_same_for_the_same_seed_and_keeps_something_of_the_sentence() -> None:
    texts = [text for text, _ in SENTENCES]
    runs = [
        Noise(texts, seed=3).variants("我要取钱", language="zh", intent="withdraw_cash", count=50) for _ in range(2)
    ]
    assert runs[0] == runs[1]
    assert len(set(runs[0])) > 10 and all(set(text) & set("我要取钱") for text in runs[0])


def some_rows() -> tuple[Rows, np.ndarray]:
    """The sentences with directions drawn at random, which say nothing, in numbers of very different size."""
    reach = np.geomspace(1e-3, 1e2, MEANING)
    meanings = (np.random.default_rng(4).standard_normal((len(SENTENCES), MEANING)) * reach).astype(np.float32)
    return to_rows([extract(text) for text, _ in SENTENCES], meanings), np.array([label for _, label in SENTENCES])


def test_fitting_twice_gives_the_same_weights_and_learns_its_sentences() -> None:
    rows, labels = some_rows()
    runs = [fit(rows, one_hot(labels, 2), np.ones(len(labels), np.float32), SMALL) for _ in range(2)]
    assert all(np.array_equal(a, b) for a, b in zip(*runs, strict=True))
    assert (logits_of(runs[0], rows).argmax(axis=1) == labels).all()


def test_the_scale_of_the_meanings_does_not_matter() -> None:
    rows, labels = some_rows()
    moved = Rows(rows.buckets, rows.shares, rows.meanings * 7 + 3)
    ones = np.ones(len(labels), np.float32)
    plain, other = (fit(some, one_hot(labels, 2), ones, SMALL) for some in (rows, moved))
    np.testing.assert_allclose(logits_of(plain, rows), logits_of(other, moved), atol=2e-3)


def test_the_exported_graph_agrees_with_the_fitted_network_within_quantisation(tmp_path: Path) -> None:
    rows, labels = some_rows()
    weights = fit(rows, one_hot(labels, 2), np.ones(len(labels), np.float32), SMALL)
    save_graph(weights, tmp_path / "intent.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["intent.onnx"]
    session = ort.InferenceSession(str(tmp_path / "intent.onnx"), providers=["CPUExecutionProvider"])
    wanted = softmax(logits_of(weights, rows))
    for (text, _), meaning, row in zip(SENTENCES, rows.meanings, wanted, strict=True):
        features, shares = extract(text)
        (logits,) = session.run(None, {"features": features, "shares": shares, "meaning": meaning})
        assert np.abs(softmax(logits[None])[0] - row).max() < 0.02


@given(st.integers(min_value=0, max_value=2**32 - 1))
def test_quantisation_is_off_by_at_most_half_a_step(seed: int) -> None:
    array = np.random.default_rng(seed).standard_normal((20, 3)).astype(np.float32)
    array[:, 1] = 0.0
    values, scales = quantise_columns(array)
    assert (np.abs(values * scales - array) <= scales / 2 + 1e-6).all()


def test_temperature_undoes_overconfidence() -> None:
    rng = np.random.default_rng(1)
    honest = rng.standard_normal((4000, 5)).astype(np.float32)
    labels = np.array([rng.choice(5, p=softmax(row[None])[0] / softmax(row[None])[0].sum()) for row in honest])
    found = find_temperature(honest * 2.0, labels, np.ones(4000, np.float32))
    assert 1.7 < found < 2.3


def test_a_threshold_keeps_the_precision_it_was_asked_for_and_needs_thirty_rows() -> None:
    rng = np.random.default_rng(2)
    score = rng.random(2000).astype(np.float32)
    right = rng.random(2000) < score
    share = np.ones(2000, np.float32)
    threshold = lowest_score(score, right, share, 0.9)
    assert right[score >= threshold].mean() >= 0.9
    assert lowest_score(score[:20], np.ones(20, bool), share[:20], 0.9) == NEVER


def test_coverage_counts_the_most_certain_first_and_never_splits_a_tie() -> None:
    def row(probability: float, right: bool) -> Judged:
        wanted = Example(intent="greet", language="zh", group="", text="")
        heard = Understanding(ranked=(Ranked("greet" if right else "deny", probability),), decision="act")
        return Judged(wanted, heard, 0.1)

    rows = [row(0.9, True)] * 19 + [row(0.8, False)] + [row(0.5, False)] * 20
    random.Random(1).shuffle(rows)
    assert coverage_at_precision(rows, 0.95) == 20 / 40
    assert coverage_at_precision([row(0.9, True), row(0.9, False)], 0.95) == 0.0
