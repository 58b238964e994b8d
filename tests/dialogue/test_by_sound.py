"""What a recogniser misspells is understood where a question is open, and only there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from kiosk.dialogue.by_sound import as_numbers, mended, sounds_in
from kiosk.dialogue.days import dated
from kiosk.feeling.profile import manner_of
from kiosk.feeling.tone import spoken_part
from kiosk.risk.handover import masked
from models.slots import read_slots
from tests.dialogue.table import Stage

pytestmark = pytest.mark.unit

FRIDAY = date(2026, 11, 20)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("heard", "meant"),
    [("医儿伞思", "一二三四"), ("无百", "五百"), ("won too three for", "one two three four"), ("0000", "0000")],
)
def test_words_that_sound_like_numerals_become_numerals(heard: str, meant: str) -> None:
    assert as_numbers(heard) == meant


def test_long_sentences_are_left_alone() -> None:
    text = "我想问一下你们这里办业务需要带什么证件才可以"
    assert as_numbers(text) == text and mended(text) == text and sounds_in("余额", text) is None


@pytest.mark.parametrize(
    ("heard", "meant"),
    [
        ("部队委号是1234", "不对，尾号是1234"),
        ("不对，是三万", "不对，是三万"),
        ("维耗1234", "尾号1234"),
        ("我在部队", "我在部队"),
    ],
)
def test_a_correction_is_heard_in_its_homophones(heard: str, meant: str) -> None:
    assert mended(heard) == meant


@pytest.mark.parametrize(
    ("word", "text", "rest"), [("取号", "曲号", ""), ("多久", "要等多酒", "要等"), ("取号", "去哪", None)]
)
def test_a_choice_is_found_by_its_sound(word: str, text: str, rest: str | None) -> None:
    assert sounds_in(word, text) == rest


@pytest.mark.parametrize(
    ("named", "day"),
    [("12-03", "2026-12-03"), ("01-05", "2027-01-05"), ("day-25", "2026-11-25"), ("day-03", "2026-12-03"),
     ("next_tuesday", "2026-11-24"), ("in_3_days", "2026-11-23"), ("tomorrow", "tomorrow"),
     ("02-30", ""), ("11-31", "")],
)  # fmt: skip
def test_days_become_dates(named: str, day: str) -> None:
    assert dated(named, FRIDAY) == day


@pytest.mark.parametrize(
    ("text", "language", "slots"),
    [
        ("十二月三号来取", "zh", {"date": "12-03"}),
        ("下周二", "zh", {"date": "next_tuesday"}),
        ("大后天", "zh", {"date": "in_3_days"}),
        ("3号窗口在哪", "zh", {}),
        ("on the 3rd of december", "en", {"date": "12-03"}),
        ("next tuesday", "en", {"date": "next_tuesday"}),
        ("canadian dollars", "en", {"currency": "CAD"}),
        ("泰铢", "zh", {"currency": "THB"}),
        ("十一点半", "zh", {"time": "11"}),
        ("我要七两万五", "zh", {"amount": "25000"}),
        ("two thousand three hundred yuan", "en", {"amount": "2300"}),
    ],
)
def test_slots_are_read(text: str, language: Any, slots: dict[str, str]) -> None:
    found = read_slots(text, language)
    assert {name: found.get(name) for name in slots} == slots
    assert slots or "date" not in found


def test_digits_said_one_by_one_are_no_amount() -> None:
    assert read_slots("one two three four", "en") == {"digits": "1234"}


async def test_another_reading_answers_where_the_first_fits_nothing(stage: Stage) -> None:
    await stage.play([{"card": 0}, {"say": "转账"}, {"type": "246810"}])
    scripted: Any = stage.scripted

    async def hear(text: str, language: Any, times: int = 0) -> Any:
        from kiosk.dialogue.meaning import Words

        return Words("为号88866", "zh", alternatives=(("为后888666", -0.5), ("为后8866", -0.6)))

    from bench.dialogue import ModelUnderstanding
    from kiosk.runtime.worker import ModelThread

    class Nobody:
        def classify(self, text: str, alternatives: Any = (), language: Any = None) -> Any:
            class Found:
                ranked, decision = (), "unsure"

            return Found()

    thread = ModelThread("understand")
    scripted._hear, scripted._understanding = hear, ModelUnderstanding(Nobody(), thread, read_slots)
    await stage.say("x")
    thread.close()
    assert stage.at == "transfer:amount" and stage.visit.place.slots["payee_tail"] == "8866"


@pytest.mark.parametrize(
    ("text", "language", "profile"),
    [("我赶时间，快点吧", "zh", "brisk"), ("I'm in a hurry", "en", "brisk"), ("我今年八岁", "zh", "child"),
     ("I'm nine", "en", "child"), ("I'm nine hundred short", "en", None), ("我想取钱", "zh", None)],
)  # fmt: skip
def test_style_is_asked_for_by_words(text: str, language: Any, profile: str | None) -> None:
    assert manner_of(text, language) == profile


def test_a_long_answer_is_spoken_in_part_but_never_without_its_question() -> None:
    assert spoken_part("一。二。三。四。", 2) == "一。二。"
    assert spoken_part("One. Two. Three.", 2) == "One. Two."
    assert spoken_part("一。二。三。好吗？", 2) == "一。二。三。好吗？"
    assert spoken_part("年利率是1.5%。好。", 2) == "年利率是1.5%。好。"


def test_numbers_said_one_by_one_are_masked() -> None:
    assert masked("卡号六二二八四八零四零二五六") == "卡号****零二五六"
    assert masked("两万五") == "两万五"
