"""Phonemes to mouth shapes, and how the mouth moves between them."""

from __future__ import annotations

import itertools
from dataclasses import astuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from avatar.phonemes import ANNOUNCING, PROLONGING, SHAPES_OF, SYLLABIC
from avatar.timeline import BLEND_MS, LEAD_MS, mouth_at, viseme_spans
from avatar.visemes import SHAPES, WEIGHTS
from contracts.speech import VISEMES, VisemeSpan

pytestmark = pytest.mark.unit

RATE_HZ = 24_000
FRAME = RATE_HZ * 33 // 1000
# The 114 symbols of Kokoro-82M's tokenizer (config.json of the model, 'vocab').
KOKORO = (
    ';:,.!?—…"()“” \u0303ʣʥʦʨᵝꭧAIOQSTWYᵊabcdefhijklmnopqrstuvwxyzɑɐɒæβɔɕçɖðʤəɚɛɜɟɡɥɨɪʝɯɰŋɳɲɴøɸθœɹɾɻ'
    "ʁɽʂʃʈʧʊʋʌɣɤχʎʒʔˈˌːʰʲ↓→↗↘ᵻ"
)


def spans_of(symbols: str, each_ms: int = 80) -> tuple[VisemeSpan, ...]:
    step = RATE_HZ * each_ms // 1000
    return viseme_spans([(s, i * step, (i + 1) * step) for i, s in enumerate(symbols)], RATE_HZ)


def test_every_symbol_of_the_kokoro_vocabulary_has_a_shape_of_its_own_or_belongs_to_a_neighbour() -> None:
    assert len(KOKORO) == 114 == len(set(KOKORO))
    unknown = [
        s for s in KOKORO if s not in SHAPES_OF and s not in PROLONGING and s not in ANNOUNCING and s != SYLLABIC
    ]
    assert unknown == []


def test_each_of_the_16_visemes_has_a_shape_a_weight_and_at_least_one_sound() -> None:
    assert set(SHAPES) == set(WEIGHTS) == set(VISEMES)
    assert {viseme for shapes in SHAPES_OF.values() for viseme in shapes} == set(VISEMES)


@pytest.mark.parametrize(
    ("symbols", "expected"),
    [
        ("ma→", ["mbp", "a"]),  # 妈: the tone prolongs the vowel
        ("ʨʰi↘", ["td", "szh", "i"]),  # 气: closure, then friction
        ("ʂɨ→", ["zhr"]),  # 诗: the mouth stays as the consonant left it
        ("sɨ→", ["szh"]),  # 思
        ("ny↓", ["td", "v"]),  # 女
        ("wo↓", ["u", "o"]),  # 我
        ("fˈIv", ["fv", "a", "i", "fv"]),  # five
        ("θˈɪŋk", ["th", "i", "kg"]),  # think
        ("ɹˈɛd", ["zhr", "eh", "td"]),  # red
        (". ,", ["rest"]),
    ],
)
def test_words_become_the_shapes_one_expects(symbols: str, expected: list[str]) -> None:
    assert [span.viseme for span in spans_of(symbols)] == expected


def test_a_stress_mark_gives_its_time_to_the_vowel_that_follows() -> None:
    spans = viseme_spans([("f", 0, 100), ("ˈ", 100, 150), ("a", 150, 400)], RATE_HZ)
    assert [(s.viseme, s.start, s.end) for s in spans] == [("fv", 0, 100), ("a", 100, 400)]


def test_an_affricate_leaves_its_closure_after_45_ms_however_long_it_lasts() -> None:
    closure, friction = viseme_spans([("ʧ", 0, RATE_HZ)], RATE_HZ)
    assert closure.end == friction.start == RATE_HZ * 45 // 1000


def test_phones_that_run_backwards_are_refused() -> None:
    with pytest.raises(ValueError, match="overlaps"):
        viseme_spans([("a", 100, 200), ("b", 150, 300)], RATE_HZ)


PHONES = st.lists(st.tuples(st.sampled_from(KOKORO), st.integers(0, 6000)), max_size=40)


def placed(phones: list[tuple[str, int]]) -> tuple[VisemeSpan, ...]:
    at, result = 0, []
    for symbol, length in phones:
        result.append((symbol, at, at + length))
        at += length
    return viseme_spans(result, RATE_HZ)


@given(PHONES)
@example([(";", 1), ("ˈ", 0), ("ː", 1), (";", 0)])  # a mark before a prolongation once made two spans overlap
def test_spans_are_in_order_never_empty_and_stay_within_the_phones(phones: list[tuple[str, int]]) -> None:
    spans, end = placed(phones), sum(length for _, length in phones)
    at = 0
    for span in spans:
        assert at <= span.start < span.end <= end
        at = span.end
    for a, b in itertools.pairwise(spans):
        assert a.viseme != b.viseme or a.end != b.start


@settings(max_examples=60)
@given(PHONES, st.integers(-4000, 40_000))
def test_the_mouth_never_jumps_more_than_0_9_of_its_range_in_33_ms(phones: list[tuple[str, int]], at: int) -> None:
    spans = placed(phones)
    for start in range(at, at + 4 * FRAME, FRAME // 3):
        before, after = astuple(mouth_at(spans, start, RATE_HZ)), astuple(mouth_at(spans, start + FRAME, RATE_HZ))
        assert max(abs(a - b) for a, b in zip(before, after, strict=True)) <= 0.9


@settings(max_examples=60)
@given(PHONES, st.integers(-4000, 40_000))
def test_the_mouth_is_continuous_a_millisecond_changes_no_value_by_more_than_0_05(
    phones: list[tuple[str, int]], at: int
) -> None:
    spans = placed(phones)
    before, after = astuple(mouth_at(spans, at, RATE_HZ)), astuple(mouth_at(spans, at + 24, RATE_HZ))
    assert max(abs(a - b) for a, b in zip(before, after, strict=True)) <= 0.05


def test_a_shape_begins_60_to_80_ms_before_its_sound() -> None:
    spans = (VisemeSpan("a", RATE_HZ, 2 * RATE_HZ),)
    moved = [ms for ms in range(-200, 0) if mouth_at(spans, RATE_HZ + ms * 24, RATE_HZ).open > 0.0]
    assert -80 <= moved[0] <= -60
    assert moved[0] == pytest.approx(-(BLEND_MS / 2 + LEAD_MS), abs=2)


def test_lips_close_in_a_50_ms_m_between_two_open_vowels() -> None:
    spans = placed([("a", 4800), ("m", 1200), ("a", 4800)])
    least = min(mouth_at(spans, sample, RATE_HZ).open for sample in range(4000, 7000, 60))
    pressed = max(mouth_at(spans, sample, RATE_HZ).press for sample in range(4000, 7000, 60))
    assert least < 0.25
    assert 37 * least - 10 * pressed < 2  # the rule of the drawn mouth: lips touch


def test_the_mouth_rests_before_and_after_the_speech() -> None:
    spans = spans_of("a")
    assert mouth_at(spans, -RATE_HZ, RATE_HZ) == SHAPES["rest"] == mouth_at(spans, 10 * RATE_HZ, RATE_HZ)
