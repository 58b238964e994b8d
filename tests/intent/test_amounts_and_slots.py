"""Amounts and named things, as people say them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.amounts import MAX_AMOUNT, chinese_number, english_number, read_amount
from models.slots import read_slots

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("said", "amount"),
    [
        ("我想取两万五", 25_000),
        ("取三千二", 3_200),
        ("一百零五块", 105),
        ("存一千零五", 1_005),
        ("三万零五十", 30_050),
        ("一万二千三", 12_300),
        ("一百二十万", 1_200_000),
        ("两点五万", 25_000),
        ("1.5万", 15_000),
        ("3万5", 35_000),
        ("取2万5千块", 25_000),
        ("3k", 3_000),
        ("20000", 20_000),
        ("5,000元", 5_000),
        ("五块钱", 5),
        ("两万半", 25_000),
        ("two thousand", 2_000),
        ("two thousand five hundred yuan", 2_500),
        ("half a million", 500_000),
        ("a hundred thousand", 100_000),
        ("two hundred and fifty thousand", 250_000),
        ("I need 20,000 please", 20_000),
        ("fifteen grand", 15_000),
        ("1.5 million dollars", 1_500_000),
        ("five dollars", 5),
    ],
)
def test_an_amount_is_read_as_it_is_meant(said: str, amount: int) -> None:
    assert read_amount(said) == amount


@pytest.mark.parametrize(
    "said",
    ["三号窗口", "等一下", "存三年", "一点", "十二期", "第二十位", "星期五", "window three", "one moment", "at eleven",
     "thirty minutes", "ten years", "", "取钱", "😀" * 50],
)  # fmt: skip
def test_what_counts_something_else_is_no_amount(said: str) -> None:
    assert read_amount(said) is None


_UNITS = ["", "十", "百", "千"]


def in_chinese(number: int) -> str:
    """Reads a number below one hundred million aloud, in the full form."""
    if number >= 10_000:
        rest = number % 10_000
        joint = "零" if 0 < rest < 1_000 else ""
        return in_chinese(number // 10_000) + "万" + (joint + in_chinese(rest) if rest else "")
    digits = str(number)
    text = ""
    for place, digit in enumerate(digits):
        unit = _UNITS[len(digits) - 1 - place]
        if digit == "0":
            text += "" if text.endswith("零") else "零"
        else:
            text += "零一二三四五六七八九"[int(digit)] + unit
    return text.rstrip("零")


@given(st.integers(min_value=1, max_value=99_999_999))
def test_every_number_read_aloud_in_full_comes_back(number: int) -> None:
    assert chinese_number(in_chinese(number)) == number


@given(st.text(max_size=300))
def test_any_text_gives_an_amount_in_range_or_none(text: str) -> None:
    amount = read_amount(text)
    assert amount is None or 0 < amount <= MAX_AMOUNT


@given(
    st.lists(st.sampled_from(["two", "hundred", "thousand", "and", "half", "a", "million", "k", "7", "x"]), max_size=8)
)
def test_english_words_never_take_more_than_there_are(words: list[str]) -> None:
    value, used = english_number(words)
    assert 0 <= used <= len(words) and (value is None) == (used == 0)


@pytest.mark.parametrize(
    ("said", "language", "slot", "value"),
    [
        ("请问厕所在哪里", "zh", "place", "toilet"),
        ("提款机在哪", "zh", "place", "atm"),
        ("where's the restroom", "en", "place", "toilet"),
        ("周六几点关门", "zh", "date", "saturday"),
        ("what time do you close on Saturday", "en", "date", "saturday"),
        ("后天上班吗", "zh", "date", "day_after"),
        ("国庆开门吗", "zh", "date", "holiday"),
        ("借我老花镜", "zh", "item", "glasses"),
        ("is there Wi-Fi", "en", "item", "wifi"),
        ("存三年利息多少", "zh", "term", "3y"),
        ("interest for six months", "en", "term", "6m"),
        ("换点港币", "zh", "currency", "HKD"),
        ("Hong Kong dollars", "en", "currency", "HKD"),
        ("开户要带什么", "zh", "topic", "open_account"),
        ("what do I need to open an account", "en", "topic", "open_account"),
        ("你说慢一点", "zh", "how", "slower"),
        ("speak up", "en", "how", "louder"),
        ("我想取两万五", "zh", "amount", "25000"),
    ],
)
def test_a_named_thing_is_found(said: str, language: str, slot: str, value: str) -> None:
    assert read_slots(said, "zh" if language == "zh" else "en")[slot] == value


def test_a_closing_time_is_not_an_account_to_close() -> None:
    assert "topic" not in read_slots("what time do you close", "en")


@given(st.text(max_size=1000), st.sampled_from(["zh", "en"]))
def test_any_text_gives_short_plain_values(text: str, language: str) -> None:
    found = read_slots(text, "zh" if language == "zh" else "en")
    assert all(value and len(value) <= 20 and value.isascii() for value in found.values())
