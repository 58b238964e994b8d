"""A sentence as features: the same for like-sounding, bounded, and never an error."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.intent_features import (
    BUCKETS,
    MAX_CHARS,
    MAX_FEATURES,
    extract,
    feature_names,
    fuzzy_syllable,
    normalise,
    spoken_language,
)

pytestmark = pytest.mark.unit


def shared(one: str, other: str) -> float:
    """Cosine of two sentences' features."""
    left, right = dict(zip(*extract(one), strict=True)), dict(zip(*extract(other), strict=True))
    return float(sum(share * right.get(where, 0.0) for where, share in left.items()))


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("ＡＴＭ　在哪", "atm 在哪"),
        ("我要領號", "我要领号"),
        ("嗯，那个我要取钱", ",那个我要取钱"),
        ("嗯", "嗯"),
        ("um, I lost my card", ", i lost my card"),
        ("a\u200bb\x00c\n d", "a b c d"),
    ],
)
def test_width_case_script_fillers_and_control_characters_are_unified(written: str, kept: str) -> None:
    assert normalise(written) == kept


@pytest.mark.parametrize(("one", "other"), [("zhang", "zan"), ("ning", "lin"), ("shi", "si"), ("hua", "fa")])
def test_syllables_that_are_confused_are_one(one: str, other: str) -> None:
    assert fuzzy_syllable(one) == fuzzy_syllable(other)


@pytest.mark.parametrize(("one", "other"), [("qu", "cun"), ("ka", "kan"), ("mi", "ma")])
def test_syllables_that_are_told_apart_stay_apart(one: str, other: str) -> None:
    assert fuzzy_syllable(one) != fuzzy_syllable(other)


def test_a_homophone_keeps_more_of_a_sentence_than_another_word() -> None:
    assert shared("我要挂失", "我要挂师") > shared("我要挂失", "我要挂牌") + 0.15


def test_language_follows_the_script() -> None:
    assert (spoken_language("ATM在哪"), spoken_language("where is the ATM")) == ("zh", "en")


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=2000))
def test_any_text_gives_sorted_bounded_features_of_unit_length(text: str) -> None:
    buckets, shares = extract(text)
    assert buckets.dtype == np.int64 and shares.dtype == np.float32 and len(buckets) == len(shares) <= MAX_FEATURES
    assert np.all(np.diff(buckets) > 0) and (not len(buckets) or (buckets[0] >= 0 and buckets[-1] < BUCKETS))
    assert not len(shares) or abs(float((shares**2).sum()) - 1.0) < 1e-3
    assert len(normalise(text)) <= MAX_CHARS


def test_ten_thousand_characters_cost_no_more_than_the_first_few_hundred() -> None:
    assert feature_names("取钱" * 5000) == feature_names("取钱" * (MAX_CHARS // 2))
