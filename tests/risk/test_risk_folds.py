"""Who is left out of which fold, and thresholds that trouble the visitors of no single writer too often."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp

pytest.importorskip("jax", reason="the train extra is not installed")

from bench.risk import Conversation
from bench.risk_reading import LEFT_OUT, READ
from bench.risk_training import (
    FALSE_ALARMS,
    FOLDS,
    UNLEARNT,
    Talks,
    chosen_thresholds,
    folds_of,
    learnt_from,
    raised_by,
)
from kiosk.risk.watch import HAND_MEDIUM

pytestmark = pytest.mark.unit

APART = UNLEARNT[0].rsplit("/", 1)[-1]


def talks_of(writers: dict[str, int]) -> list[Conversation]:
    return [
        Conversation(line % 2 == 0, "en", ("a word",), source, line)
        for source, size in writers.items()
        for line in range(size)
    ]


def held_of(talks: list[Conversation]) -> Talks:
    count = len(talks)
    return Talks(talks, sp.csr_matrix((count, 1)), np.arange(count), np.ones(count, np.bool_))


def test_each_conversation_is_judged_once_by_who_never_saw_its_writer() -> None:
    talks = talks_of({f"writer {number}": 4 + number for number in range(9)} | {APART: 6})
    folds = folds_of(talks)
    np.testing.assert_array_equal(np.sum(folds, axis=0), 1)
    for left_out in folds:
        inside = {talk.source for talk, its in zip(talks, left_out, strict=True) if its}
        outside = {talk.source for talk, its in zip(talks, ~left_out & learnt_from(talks), strict=True) if its}
        assert not inside & outside


def test_what_is_kept_apart_is_learnt_in_no_fold_and_moves_nobody_else() -> None:
    others = {f"writer {number}": 4 + number for number in range(9)}
    talks, without = talks_of(others | {APART: 99}), talks_of(others)
    apart = np.array([talk.source == APART for talk in talks])
    assert not learnt_from(talks)[apart].any() and learnt_from(talks)[~apart].all()
    assert folds_of(talks)[LEFT_OUT][apart].all()
    for its, same in zip(folds_of(talks), folds_of(without), strict=True):
        np.testing.assert_array_equal(its[~apart], same)


def test_a_reader_is_taught_for_several_folds_and_those_kept_apart_are_in_one_of_them() -> None:
    assert LEFT_OUT in READ and len(set(READ)) == len(READ) and set(READ) <= set(range(FOLDS))


def test_small_files_whose_harmless_visitors_sound_alarming_raise_the_threshold() -> None:
    talks = talks_of({f"writer {number}": 200 if number < 2 else 2_000 for number in range(8)})
    rng = np.random.default_rng(3)
    apart = np.where([talk.scam for talk in talks], 3.0, -3.0)
    scores = np.asarray(apart + rng.standard_normal(len(talks)) * 1.5, np.float32)
    alarming = np.array([talk.source in ("writer 0", "writer 1") and not talk.scam for talk in talks])
    hands = np.zeros(len(talks), np.float32)
    alike = chosen_thresholds(held_of(talks), scores, hands)
    louder = np.asarray(scores + 2.0 * alarming, np.float32)
    unlike = chosen_thresholds(held_of(talks), louder, hands)
    assert unlike["medium"] > alike["medium"] + 0.3
    raised = raised_by(held_of(talks), louder, hands, unlike["plain"], unlike["medium"], HAND_MEDIUM)
    harmless = np.array([not talk.scam for talk in talks])
    by_writer = [raised[harmless & (np.array([talk.source for talk in talks]) == f"writer {n}")] for n in range(8)]
    assert 0.5 * FALSE_ALARMS < np.mean([its.mean() for its in by_writer]) <= FALSE_ALARMS
    assert raised[harmless].mean() < 0.7 * FALSE_ALARMS, "the large files alone would have allowed more"
    assert raised[~harmless].mean() > 0.8


def test_a_file_of_a_few_conversations_counts_as_few() -> None:
    talks = talks_of({f"writer {number}": 10 if number == 0 else 2_000 for number in range(8)})
    rng = np.random.default_rng(5)
    scores = np.asarray(
        np.where([talk.scam for talk in talks], 3.0, -3.0) + rng.standard_normal(len(talks)) * 1.5, np.float32
    )
    hands = np.zeros(len(talks), np.float32)
    alarming = np.array([talk.source == "writer 0" and not talk.scam for talk in talks])
    alike = chosen_thresholds(held_of(talks), scores, hands)
    unlike = chosen_thresholds(held_of(talks), np.asarray(scores + 9.0 * alarming, np.float32), hands)
    assert unlike["medium"] < alike["medium"] + 0.5


def test_thresholds_do_not_depend_on_the_order_of_the_writers() -> None:
    talks = talks_of({f"writer {number}": 200 for number in range(6)})
    scores = np.asarray(
        np.random.default_rng(4).standard_normal(len(talks)) + [t.scam * 4.0 for t in talks], np.float32
    )
    hands = np.zeros(len(talks), np.float32)
    named = [replace(talk, source=f"{9 - int(talk.source[-1])} writer") for talk in talks]
    assert chosen_thresholds(held_of(talks), scores, hands) == chosen_thresholds(held_of(named), scores, hands)
