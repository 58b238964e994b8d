"""A figure is said as its value and unit demand, in both languages, and the voice reads it aloud right."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pytest
from pydantic import ValidationError

from config.intents import load_intents
from kiosk.content.figures import Figure
from kiosk.content.pack import Pack
from kiosk.content.source import CONTENT_DIR, load_source
from models.normalise import spoken

pytestmark = pytest.mark.unit


@cache
def shipped() -> Pack:
    return load_source(CONTENT_DIR / "qinghe", load_intents())


@pytest.mark.parametrize(
    ("unit", "value", "zh", "en"),
    [
        ("yuan", 50000, "5万元", "50,000 yuan"),
        ("yuan", 12000, "1.2万元", "12,000 yuan"),
        ("yuan", 12345, "12345元", "12,345 yuan"),
        ("yuan", 0, "零元", "nothing"),
        ("yuan", 0.5, "0.5元", "0.5 yuan"),
        ("yuan_each", 2, "每笔2元", "2 yuan each"),
        ("yuan_per_month", 1, "每月1元", "1 yuan a month"),
        ("yuan_per_year", 100, "每年100元", "100 yuan a year"),
        ("percent", 1.11, "1.11%", "1.11%"),
        ("working_days", 1, "1个工作日", "1 working day"),
        ("working_days", 3, "3个工作日", "3 working days"),
        ("times", 1, "1次", "once"),
        ("times", 2, "两次", "twice"),
        ("times", 3, "3次", "3 times"),
        ("age", 65, "65岁", "65"),
        ("usd", 50000, "5万美元", "50,000 US dollars"),
        ("metres", 1, "1米", "1 metre"),
        ("phone", "96110", "九六幺幺零", "nine six one one zero"),
        ("clock", "09:30", "上午九点半", "half past nine in the morning"),
    ],
)
def test_a_figure_is_written_for_its_language(unit: Any, value: int | float | str, zh: str, en: str) -> None:
    assert Figure(unit=unit, value=value).said() == (zh, en)


@pytest.mark.parametrize(
    ("unit", "value", "zh", "en"),
    [
        ("yuan", 20000, "两万元", "twenty thousand yuan"),
        ("yuan_each", 2, "每笔两元", "two yuan each"),
        ("percent", 0.05, "百分之零点零五", "zero point zero five percent"),
        ("years", 2, "两年", "two years"),
        ("months", 2, "两个月", "two months"),
        ("hours", 2, "两小时", "two hours"),
        ("times", 2, "两次", "twice"),
        ("clock", "16:45", "下午四点四十五分", "four forty five in the afternoon"),
    ],
)
def test_a_figure_is_read_aloud_right(unit: Any, value: int | float | str, zh: str, en: str) -> None:
    said_zh, said_en = Figure(unit=unit, value=value).said()
    assert spoken(said_zh, "zh") == zh
    assert spoken(f"It is {said_en}.", "en") == f"It is {en}."


def test_no_shipped_sentence_is_read_aloud_with_a_digit_or_a_wrong_two() -> None:
    pack = shipped()
    zh = {name: figure.said()[0] for name, figure in pack.figures.items()}
    en = {name: figure.said()[1] for name, figure in pack.figures.items()}
    for entry in (entry for entry in pack.entries if "{" in entry.zh):
        aloud = spoken(entry.zh.format_map(zh), "zh") + " | " + spoken(entry.en.format_map(en), "en")
        assert re.search(r"[0-9%]", aloud) is None, f"{entry.id}: {aloud}"
        assert re.search(r"(?<![十百千万第零点一二三四五六七八九])二(?:天|年|次|个|元|小时|万)", aloud) is None, (
            entry.id
        )


@pytest.mark.parametrize(
    "raw",
    [
        {"unit": "yuan"},
        {"unit": "yuan", "value": -1},
        {"unit": "yuan", "value": "5"},
        {"unit": "yuan", "value": True},
        {"unit": "yuan", "value": float("nan")},
        {"unit": "yuan", "value": float("inf")},
        {"unit": "clock", "value": "25:00"},
        {"unit": "phone", "value": 95000},
        {"unit": "phone", "value": "hotline"},
        {"unit": "name", "zh": "甲"},
        {"unit": "name", "zh": "甲", "en": "A", "value": 1},
        {"unit": "yuan", "value": 5, "zh": "五元", "en": "five yuan"},
        {"unit": "euro", "value": 5},
    ],
)
def test_a_figure_that_makes_no_sense_is_refused(raw: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Figure.model_validate(raw)
