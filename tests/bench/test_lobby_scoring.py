"""Character errors: what counts as one, and what does not."""

from __future__ import annotations

import pytest

from bench.lobby.scoring import (
    Errors,
    distance,
    errors,
    part,
    percentile,
    quantity_en,
    quantity_zh,
    total,
)

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ("我想取两万块钱", "我想取20000块钱。"),
        ("我想取两万块钱", "我想取2万塊錢"),
        ("我要取一万五千元现金", "我要取15,000元现金"),
        ("尾号是三七二五", "尾号是3725"),
        ("一三八零零二五六七一九", "13800256719"),
        ("号码是幺三八", "号码是138"),
        ("存一年期", "存1年期"),
        ("请问排队还要等多久", "請問排隊，還要等多久？"),
        ("利率百分之三点五", "利率3.5%"),
        ("I want to take out two thousand yuan", "I want to take out 2,000 yuan."),
        ("The last four digits are three seven two five", "the last four digits are 3725"),
        ("I would like a ticket", "I'd like a ticket!"),
        ("I do not know", "I don't know"),
        ("can not", "can't"),
    ],
)
def test_another_way_of_writing_the_same_is_no_error(said: str, heard: str) -> None:
    assert errors(said, heard).wrong == 0


@pytest.mark.parametrize(
    ("said", "heard", "wrong", "characters"),
    [
        ("帮我查一下余额", "帮我查一下鱼盒", 2, 7),
        ("帮我查一下余额", "", 7, 7),
        ("挂失", "我要挂失", 2, 2),
        ("两万", "两百", 1, 2),
        ("stop", "shop", 1, 4),
    ],
)
def test_errors_are_counted_by_character(said: str, heard: str, wrong: int, characters: int) -> None:
    assert errors(said, heard) == Errors(wrong, characters)


@pytest.mark.parametrize(
    ("number", "said"),
    [(0, "零"), (10, "十"), (12, "十二"), (20, "二十"), (105, "一百零五"), (110, "一百一十"), (2600, "二千六百"),
     (10_200, "一万零二百"), (20_000, "二万"), (1_000_001, "一百万零一"), (100_000_000, "一亿")],
)  # fmt: skip
def test_quantities_are_read_in_mandarin(number: int, said: str) -> None:
    assert quantity_zh(number) == said


@pytest.mark.parametrize(
    ("number", "said"),
    [(7, "seven"), (15, "fifteen"), (42, "forty two"), (300, "three hundred"), (2600, "two thousand six hundred")],
)
def test_quantities_are_read_in_english(number: int, said: str) -> None:
    assert quantity_en(number) == said


def test_distance_is_levenshteins() -> None:
    assert distance("kitten", "sitting") == 3
    assert distance("", "abc") == 3
    assert distance("abc", "") == 3


def test_long_sentences_weigh_more_in_a_total() -> None:
    assert total([("一二", "一三"), ("三四五六七八", "三四五六七八")]).rate == pytest.approx(1 / 8)


def test_figures_of_nothing_are_absent_not_good() -> None:
    assert percentile([], 0.95) is None
    assert part(0, 0) is None
    assert percentile([1.0, 2.0, 3.0, 4.0], 0.95) == 4.0
    assert percentile([4.0, 1.0, 3.0, 2.0], 0.5) == 2.0
