"""Approved answers: whole, in both languages, of the day that was asked, and never after they expired."""

from __future__ import annotations

import re
from datetime import datetime, time
from functools import cache
from pathlib import Path

import pytest

from config.intents import load_intents
from config.load import ConfigError
from config.schema import Hours, Weekday, load_site
from kiosk.content.opening import spoken_time
from kiosk.content.pack import Pack
from kiosk.content.source import CONTENT_DIR, load_source
from kiosk.dialogue.knowledge import ApprovedKnowledge

pytestmark = pytest.mark.unit

FRIDAY_TEN = datetime(2026, 11, 20, 10, 0)
LONGEST_ZH = 18  # characters between two stops: what is understood while standing
WORKDAY = Hours(opens=time(9), closes=time(17))
HOURS: dict[Weekday, Hours] = {
    "friday": WORKDAY,
    "saturday": Hours(opens=time(9, 30), closes=time(16)),
    "monday": WORKDAY,
}

HEAD = """\
bank: qinghe
branch: binjiang
version: 1
issued: 2026-11-01
source: demonstration
approved_by: demonstration
valid_until: 2027-12-31
"""
FIGURES = """\
figures:
  fee: {value: 5, unit: yuan}
"""
ANSWERS = """\
answers:
  fees_inquiry:
    - when: {topic: card_replace}
      zh: 补卡{fee}。
      en: A card costs {fee}.
      valid_until: 2026-11-20
    - zh: 看价目表。
      en: See the list.
"""


@cache
def shipped_pack() -> Pack:
    return load_source(CONTENT_DIR / "qinghe", load_intents())


@pytest.fixture
def shipped() -> ApprovedKnowledge:
    return ApprovedKnowledge(shipped_pack(), load_site().branch.hours)


def written(tmp_path: Path, *, head: str = HEAD, figures: str = FIGURES, answers: str = ANSWERS) -> Path:
    for name, text in (("pack", head), ("figures", figures), ("answers", answers)):
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    return tmp_path


def with_hours(hours: dict[Weekday, Hours]) -> ApprovedKnowledge:
    return ApprovedKnowledge(shipped_pack(), hours)


@pytest.mark.parametrize(
    ("slots", "now", "language", "text"),
    [
        ({}, datetime(2026, 11, 20, 8), "zh", "上午九点开门。下午五点关门。"),
        ({}, datetime(2026, 11, 20, 8), "en", "We open at nine in the morning and close at five in the afternoon."),
        ({}, FRIDAY_TEN, "zh", "今天开到下午五点。"),
        ({}, FRIDAY_TEN, "en", "We are open until five in the afternoon today."),
        ({}, datetime(2026, 11, 20, 17), "zh", "今天已经关门了。明天上午九点半开门。"),
        ({"date": "sunday"}, FRIDAY_TEN, "zh", "周日休息。周一上午九点开门。"),
        ({"date": "sunday"}, FRIDAY_TEN, "en", "We are closed on Sunday. We open on Monday at nine in the morning."),
        ({"date": "tomorrow"}, FRIDAY_TEN, "zh", "明天上午九点半开门。下午四点关门。"),
        ({"date": "friday"}, FRIDAY_TEN, "zh", "今天开到下午五点。"),
        ({"date": "holiday"}, FRIDAY_TEN, "zh", "节假日安排看门口公告。也可以打九五零零零问。"),
    ],
)
def test_hours_are_those_of_the_day_that_was_asked(
    slots: dict[str, str], now: datetime, language: str, text: str
) -> None:
    answer = with_hours(HOURS).answer("business_hours", "zh" if language == "zh" else "en", slots, now)
    assert answer is not None and answer.text == text


def test_a_branch_that_never_opens_points_to_the_notice() -> None:
    answer = with_hours({}).answer("business_hours", "zh", {"date": "weekend"}, FRIDAY_TEN)
    assert answer is not None and answer.text == "营业时间请看门口公告。"


@pytest.mark.parametrize(
    ("moment", "zh", "en"),
    [
        (time(12, 30), "中午十二点半", "half past twelve in the afternoon"),
        (time(20, 15), "晚上八点15分", "eight 15 in the evening"),
        (time(0, 0), "凌晨十二点", "twelve in the morning"),
    ],
)
def test_times_are_said_as_people_say_them(moment: time, zh: str, en: str) -> None:
    assert spoken_time(moment) == (zh, en)


def test_every_shipped_answer_is_whole_short_and_in_both_languages(shipped: ApprovedKnowledge) -> None:
    pack = shipped_pack()
    assert len(pack.answers) >= 30
    for intent, variants in pack.answers.items():
        for variant in variants:
            slots = {
                name: value for name, value in variant.when.items() if name not in ("day_open", "now", "ever_open")
            }
            answer = shipped.answer(intent, "zh", slots, FRIDAY_TEN)
            assert answer is not None, intent
            assert "{" not in answer.text + answer.translation
            for sentence in re.split("[。？！，、]", answer.text):
                assert len(sentence) <= LONGEST_ZH, f"{intent}: {sentence}"
            assert re.search("[\u4e00-\u9fff]", answer.translation) is None, intent


def test_the_two_languages_are_each_others_translation(shipped: ApprovedKnowledge) -> None:
    zh = shipped.answer("wayfinding", "zh", {"place": "toilet"}, FRIDAY_TEN)
    en = shipped.answer("wayfinding", "en", {"place": "toilet"}, FRIDAY_TEN)
    assert zh is not None and en is not None
    assert (zh.text, zh.translation) == (en.translation, en.text) and "洗手间" in zh.text


def test_the_pack_of_the_site_s_bank_is_the_one_that_is_loaded() -> None:
    answer = ApprovedKnowledge.for_site(load_site(), load_intents()).answer("persona", "zh", {}, FRIDAY_TEN)
    assert answer is not None and answer.text.startswith("我是小迎") and answer.source == "demonstration"


def test_what_nothing_approved_answers_is_none_and_counted(shipped: ApprovedKnowledge) -> None:
    assert shipped.answer("mortgage_inquiry", "zh", {}, FRIDAY_TEN) is None
    assert (shipped.tallies.missing, shipped.tallies.answered) == (1, 0)


def test_an_answer_is_said_on_its_last_day_and_refused_the_day_after(tmp_path: Path) -> None:
    knowledge = ApprovedKnowledge(load_source(written(tmp_path), load_intents()), HOURS)
    slots = {"topic": "card_replace"}
    last = knowledge.answer("fees_inquiry", "zh", slots, datetime(2026, 11, 20, 23, 59))
    assert last is not None and last.text == "补卡5元。"
    assert knowledge.answer("fees_inquiry", "zh", slots, datetime(2026, 11, 21, 0, 0)) is None
    assert knowledge.tallies.expired == 1


def test_the_whole_pack_expires_even_where_a_variant_claims_longer(tmp_path: Path) -> None:
    longer = ANSWERS.replace("valid_until: 2026-11-20", "valid_until: 2099-01-01")
    knowledge = ApprovedKnowledge(load_source(written(tmp_path, answers=longer), load_intents()), HOURS)
    assert knowledge.answer("fees_inquiry", "zh", {"topic": "card_replace"}, datetime(2028, 1, 1)) is None


@pytest.mark.parametrize(
    ("file", "broken", "line", "words"),
    [
        ("answers", ANSWERS.replace("补卡{fee}", "补卡{price}"), 4, "{price}: no such figure"),
        ("answers", ANSWERS.replace("补卡{fee}", "补卡5元"), 4, "'5' looks like a figure"),
        ("answers", ANSWERS.replace("costs {fee}", "costs twenty yuan"), 5, "'twenty' looks like a figure"),
        ("answers", ANSWERS.replace("topic: card_replace", "colour: red"), 3, "unknown condition; allowed: amount"),
        ("answers", ANSWERS.replace("fees_inquiry", "fee_inquiry"), 2, "no such intent"),
        ("answers", ANSWERS.replace("    - when: {topic: card_replace}\n      zh", "    - zh"), 3, "never said"),
        ("answers", ANSWERS.replace("补卡{fee}", "补卡{fee"), 4, "braces do not match"),
        ("head", HEAD.replace("version: 1", "version: 0"), 3, "between 1 and 1000000"),
        ("head", HEAD.replace("approved_by", "aproved_by"), 6, "unknown key; allowed here: approved_by"),
        ("figures", FIGURES.replace("5, unit: yuan", "five, unit: yuan"), 2, "must be a number"),
        ("figures", FIGURES + "  fee: {value: 6, unit: yuan}\n", 3, "'fee' stands twice"),
        ("figures", FIGURES.replace("unit: yuan", "unit: dollar"), 2, "figures.fee.unit"),
    ],
)
def test_a_wrong_pack_is_refused_with_file_and_line(
    tmp_path: Path, file: str, broken: str, line: int, words: str
) -> None:
    folder = written(tmp_path, **{file: broken})
    path = folder / f"{'pack' if file == 'head' else file}.yaml"
    with pytest.raises(ConfigError) as refused:
        load_source(folder, load_intents())
    assert any(row.startswith(f"{path}:{line}:") and words in row for row in str(refused.value).splitlines())
