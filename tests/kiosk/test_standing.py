"""How the words so far stand, and how long is waited for the rest: pure, from text, meaning and pace."""

from __future__ import annotations

import pytest

from config.schema import Hearing
from contracts.screen import Language
from kiosk.audio.ears import pause_bounds
from kiosk.audio.pauses import Pace
from kiosk.dialogue.meaning import Meaning, Words
from kiosk.dialogue.standing import BRIEF_SYLLABLES, COMPLETE, standing
from kiosk.dialogue.syllables import syllables

pytestmark = pytest.mark.unit

ACT, ASK, UNSURE = (Meaning([("withdraw_cash", 0.9)], decision) for decision in ("act", "ask", "unsure"))
LONG = "我想取两万块钱"
SLOW_PAUSE_MS = 1200  # inside a sentence


class Fixed:
    sure, open = 0.75, 0.15

    def __init__(self, chance: float) -> None:
        self.chance = chance

    def finished(self, text: str, language: Language) -> float:
        return self.chance


def stands(text: str, meaning: Meaning = ACT, chance: float = 0.9, language: Language = "zh") -> str:
    return standing(Words(text, language), meaning, Fixed(chance), answers_question=False)


def test_only_what_is_whole_and_understood_is_finished() -> None:
    assert stands(LONG) == "finished"
    assert stands(LONG, ASK, 0.65) == "finished"
    assert stands(LONG, UNSURE, 0.65) == "unknown"
    assert stands(LONG, ACT, 0.5) == "unknown"
    assert stands(LONG, ACT, 0.1) == "unfinished"
    clear, unclear = Words(LONG, "zh"), Words("呜呜呜", "zh", clear=False)
    assert standing(clear, ASK, Fixed(0.1), answers_question=True) == "finished"
    assert standing(clear, ACT, None, answers_question=False) == "unknown"
    assert standing(Words("", "zh"), ACT, Fixed(0.9), answers_question=True) == "unknown"
    assert standing(unclear, ACT, Fixed(0.9), answers_question=True) == "unknown"


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("我想取钱", "zh", "brief"),
        ("我要挂失", "zh", "brief"),
        ("I lost my card", "en", "brief"),
        ("上个月上个月", "zh", "brief"),  # said once, written twice
        ("上个月，上个月。", "zh", "brief"),
        ("请问洗手间在哪", "zh", "finished"),
        ("几点关门", "zh", "finished"),
        ("Where is it?", "en", "finished"),
        ("我想把钱转给我儿子", "zh", "finished"),
        ("I want to open a savings account", "en", "finished"),
    ],
)
def test_a_wish_of_a_few_syllables_is_brief_and_a_question_is_not(text: str, language: Language, expected: str) -> None:
    assert stands(text, language=language) == expected


@pytest.mark.parametrize("intent", sorted(COMPLETE))
def test_acts_that_nothing_is_added_to_are_finished_however_short_once_sure(intent: str) -> None:
    assert stands("好的", Meaning([(intent, 0.98)], "act")) == "finished"
    assert stands("好的", Meaning([(intent, 0.6)], "ask")) == "brief"


def test_a_short_answer_to_her_question_is_finished() -> None:
    assert standing(Words("两万", "zh"), ACT, Fixed(0.9), answers_question=True) == "finished"


def test_a_brief_wish_outlasts_a_pause_of_1200_ms_until_its_speaker_has_spoken_fluently() -> None:
    pace = Pace(pause_bounds(Hearing()))
    assert pace.needed_ms("brief") > SLOW_PAUSE_MS
    assert pace.needed_ms("finished") == 400
    pace.spoke(9, 1800, paused=False)  # five syllables a second, in one go
    assert pace.needed_ms("brief") == 400
    pace.went_on_after(400)
    assert pace.needed_ms("brief") > SLOW_PAUSE_MS
    pace.spoke(9, 1800, paused=False)
    pace.forget()
    assert pace.needed_ms("brief") > SLOW_PAUSE_MS


@pytest.mark.parametrize(("count", "voiced_ms", "paused"), [(9, 3000, False), (9, 1800, True), (4, 800, False)])
def test_slow_paused_or_short_speech_does_not_make_a_brief_wish_quick(
    count: int, voiced_ms: float, paused: bool
) -> None:
    pace = Pace(pause_bounds(Hearing()))
    pace.spoke(count, voiced_ms, paused=paused)
    assert pace.needed_ms("brief") > SLOW_PAUSE_MS


def test_no_brief_wish_is_longer_than_its_bound() -> None:
    assert stands("取" * (BRIEF_SYLLABLES - 1)) == "brief"
    assert stands("取钱存钱转账汇"[:BRIEF_SYLLABLES]) == "finished"


def test_syllables_are_characters_or_groups_of_vowels() -> None:
    assert syllables("我想取2万块钱", "zh") == 7
    assert syllables("withdraw some cash", "en") == 5
