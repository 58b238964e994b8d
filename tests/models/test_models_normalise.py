"""Every written case of a bank is said as it was worked out by hand; nothing else breaks it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import g2p_en, g2p_zh
from models.normalise import spoken
from models.numbers_en import LARGEST, cardinal, ordinal, year

pytestmark = pytest.mark.unit

DATA = Path(__file__).parents[2] / "bench" / "data"
CASES = [
    (language, *line.split("\t"))
    for language in ("zh", "en")
    for line in (DATA / f"normalisation_{language}.tsv").read_text("utf-8").splitlines()
]


def test_there_are_at_least_150_cases_and_none_twice() -> None:
    assert len(CASES) == len({case[:2] for case in CASES}) >= 150


@pytest.mark.parametrize(("language", "written", "said"), CASES)
def test_a_written_case_is_said_as_in_a_bank(language: str, written: str, said: str) -> None:
    assert spoken(written, language) == said


@settings(max_examples=150, deadline=None)
@given(
    st.text(alphabet="0123456789 .,:-/%¥$€AXmpa年月日元号点第卡两2+×~()", max_size=24), st.sampled_from(["zh", "en"])
)
def test_no_text_breaks_it_and_what_is_said_can_be_pronounced(text: str, language: str) -> None:
    said = spoken(text, language)
    g2p_zh.phonemes(said) if language == "zh" else g2p_en.phonemes(said)


@pytest.mark.parametrize(
    ("language", "written"), [("zh", "¥9,999,999,999,999,999"), ("en", "$9,999,999,999,999,999"), ("en", "9" * 400)]
)
def test_a_number_too_large_to_say_is_still_said_somehow(language: str, written: str) -> None:
    said = spoken(written, language)
    assert said and not any(character.isdigit() for character in said)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "zero"),
        (13, "thirteen"),
        (40, "forty"),
        (105, "one hundred five"),
        (1_000_001, "one million one"),
        (2_340_000, "two million three hundred forty thousand"),
        (5_000_000_000, "five billion"),
    ],
)
def test_whole_numbers_in_words(number: int, words: str) -> None:
    assert cardinal(number) == words


def test_days_and_years_in_words() -> None:
    assert [ordinal(n) for n in (1, 2, 3, 5, 8, 9, 12, 20, 21, 30)] == [
        "first", "second", "third", "fifth", "eighth", "ninth", "twelfth", "twentieth", "twenty first", "thirtieth",
    ]  # fmt: skip
    assert [year(n) for n in (1999, 2000, 2005, 2026, 1900, 1907)] == [
        "nineteen ninety nine", "two thousand", "two thousand five", "twenty twenty six", "nineteen hundred",
        "nineteen oh seven",
    ]  # fmt: skip


@pytest.mark.parametrize("number", [-1, LARGEST + 1])
def test_a_number_out_of_range_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match="not within"):
        cardinal(number)


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("ATM", ["ˈA", "tˈi", "ˈɛm"]),
        ("每天ATM最多取两万元", ["ˈA", "tˈi", "ˈɛm"]),
        ("用U盾转账", ["jˈu"]),
        ("您的号是A 零三七", ["ˈA"]),
        ("LPR是百分之三点四五", ["ˈɛl", "pˈi", "ˈɑɹ"]),
        ("下载APP", ["ˈA", "pˈi", "pˈi"]),
    ],
)
def test_letters_inside_mandarin_are_spelled(text: str, letters: list[str]) -> None:
    assert " ".join(letters) in g2p_zh.phonemes(text)


@pytest.mark.parametrize(("language", "said"), [("en", "zero ~"), ("zh", "零~")])
def test_what_the_grammar_has_no_path_for_is_said_digit_by_digit(language: str, said: str) -> None:
    assert spoken("0~", language) == said
