"""Where an answer is cut, and which sentences are known before anybody comes."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.flows import load_flows, load_phrases
from config.intents import load_intents
from config.schema import load_site
from kiosk.dialogue.clauses import SHORTEST, clauses, opening
from kiosk.dialogue.fixed import everything, fillers, fixed_clauses
from kiosk.dialogue.knowledge import ApprovedKnowledge

pytestmark = pytest.mark.unit

FRIDAY = datetime(2026, 11, 20, 10, 0)


@pytest.mark.parametrize(
    ("clause", "language", "parts"),
    [
        ("您的号是A037，前面还有3位。", "zh", ["您的号是", "A037，", "前面还有3位。"]),
        ("金额20000元，给您取个号，好吗？", "zh", ["金额20000元，", "给您取个号，好吗？"]),
        ("前面有3位，多数人10分钟左右轮到，", "zh", ["前面有", "3位，", "多数人10分钟左右轮到，"]),
        ("您是想办取款，还是存款？", "zh", ["您是想办取款，", "还是存款？"]),
        ("您还在吗？", "zh", ["您还在吗？"]),
        ("是3号。", "zh", ["是3号。"]),
        ("Your number is A037, with 3 ahead of you.", "en", ["Your number is", "A037, with 3 ahead of you."]),
        ("A037, with 3 ahead of you.", "en", ["A037, with 3 ahead of you."]),
        ("4位，多数人10分钟左右轮到，", "zh", ["4位，多数人10分钟左右轮到，"]),
        ("It is 1,200.50 yuan.", "en", ["It is 1,200.50 yuan."]),
        ("", "zh", [""]),
    ],
)
def test_the_first_part_is_short_and_ends_where_one_would_draw_breath(
    clause: str, language: str, parts: list[str]
) -> None:
    assert opening(clause, language) == parts


@given(st.text(alphabet="您好一二3A,，。. 05¥", max_size=40), st.sampled_from(["zh", "en"]))
def test_nothing_is_lost_by_cutting(text: str, language: str) -> None:
    for clause in clauses(text, language):
        parts = opening(clause, language)
        assert "".join(parts).replace(" ", "") == clause.replace(" ", "")
        assert len(parts) == 1 or sum(map(str.isalnum, parts[0])) >= SHORTEST[language]
        for part in parts[:-1]:
            assert sum(character.isalnum() for character in part) >= SHORTEST[language] - 1


def test_fixed_sentences_carry_no_gaps_and_greetings_come_first() -> None:
    found = fixed_clauses(load_flows(), load_phrases(), load_intents())
    assert len(found) == len(set(found)) >= 100
    assert all("{" not in text and "}" not in text for text, _ in found)
    assert found[0] == ("您好，我是小迎。", "zh")
    assert {("您的号是", "zh"), ("Your number is", "en"), ("前面有", "zh")} <= set(found)
    assert set(fillers(load_phrases())) <= set(found)
    assert {language for _, language in fillers(load_phrases())} == {"zh", "en"}


def test_every_approved_answer_of_the_week_is_among_what_is_rendered_ahead() -> None:
    intents = load_intents()
    knowledge = ApprovedKnowledge.for_site(load_site(), intents)
    ahead = set(everything(load_flows(), load_phrases(), intents, knowledge, FRIDAY))
    asked = [{}, {"date": "tomorrow"}, {"date": "sunday"}, {"date": "weekend"}, {"topic": "card_replace"},
             {"term": "1y"}, {"place": "toilet"}, {"place": "atm"}]  # fmt: skip
    said = 0
    for intent in intents:
        for slots in asked:
            for hour in (8, 12, 20):
                for language in ("zh", "en"):
                    answer = knowledge.answer(intent, language, slots, FRIDAY.replace(hour=hour))
                    for clause in clauses(answer.text, language) if answer else ():
                        assert (clause, language) in ahead, clause
                        said += 1
    assert said > 500
    assert {("前面有3位。", "zh"), ("3 ahead of you.", "en")} & ahead


def test_what_expires_is_not_rendered_ahead() -> None:
    intents = load_intents()
    knowledge = ApprovedKnowledge.for_site(load_site(), intents)
    assert list(knowledge.sayable(datetime(2028, 1, 1))) == []
    assert knowledge.tallies.expired == knowledge.tallies.answered == 0
