"""Words of this bank where their sound was written with other characters, and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from models.hotwords import BUSINESS, HotWords, words_of
from models.recognition import Alternative, Recognition

pytestmark = pytest.mark.unit

WORDS = ("挂失", "密码", "账单", "贵宾室", "身份证", "不取", "关门")


@dataclass(frozen=True)
class Row:
    intent: str
    probability: float


@dataclass(frozen=True)
class Meant:
    ranked: tuple[Row, ...]


class Sure:
    """An intent model that always says the same."""

    def __init__(self, intent: str = "pin_reset", probability: float = 0.9) -> None:
        self._meant = Meant((Row(intent, probability),))

    def classify(self, text: str, alternatives: object = (), language: str | None = None) -> Meant:
        return self._meant


def heard(*readings: tuple[str, float], language: str = "zh") -> Recognition:
    return Recognition(
        text=readings[0][0] if readings else "",
        language=language,  # type: ignore[arg-type]
        language_probability=1.0,
        alternatives=tuple(Alternative(text=text, log_probability=p) for text, p in readings),
        no_speech_probability=0.0,
        mean_log_probability=readings[0][1] if readings else 0.0,
    )


@pytest.mark.parametrize(
    ("said", "spelled"),
    [
        ("咪马忘了怎么办", "密码忘了怎么办"),
        ("我要挂施", "我要挂失"),
        ("身分正过期了", "身份证过期了"),
        ("请问贵宾是在几楼", "请问贵宾室在几楼"),
        ("我要把钱全部取出来", "我要把钱全部取出来"),  # 部取 cuts through 全部
        ("我要挂失", "我要挂失"),
    ],
)
def test_what_sounds_like_a_word_of_the_bank_is_spelled_as_it(said: str, spelled: str) -> None:
    found, used = HotWords(WORDS, Sure()).improve(heard((said, -0.3)))
    assert found.text == found.alternatives[0].text == spelled
    assert bool(used) is (said != spelled)
    assert found.mean_log_probability == -0.3


@pytest.mark.parametrize("intent", [Sure("other", 0.99), Sure("pin_reset", BUSINESS)])
def test_talk_of_other_things_or_unsure_of_business_is_left_alone(intent: Sure) -> None:
    said = heard(("咪马忘了怎么办", -0.3))
    assert HotWords(WORDS, intent).improve(said) == (said, ())


def test_a_reading_nearly_as_likely_wins_with_a_word_of_the_bank_and_an_unlikely_one_does_not() -> None:
    near = heard(("我想修改取款秘密", -0.40), ("我想修改取款密码", -0.45))
    found, used = HotWords(WORDS, Sure()).improve(near)
    assert (found.text, used) == ("我想修改取款密码", ("密码",))
    assert [one.text for one in found.alternatives] == ["我想修改取款密码", "我想修改取款秘密"]
    far = heard(("我想唱一首歌", -0.40), ("我想挂失", -0.90))
    assert HotWords(WORDS, Sure()).improve(far) == (far, ())


def test_answers_to_an_open_question_are_expected_only_while_it_is_open_and_only_in_short_ones() -> None:
    hot = HotWords((), Sure("other", 0.9))
    said = heard(("对公业误", -0.3))
    assert hot.improve(said) == (said, ())
    hot.expect(["对公业务"])
    assert hot.improve(said)[0].text == "对公业务"
    long = heard(("他昨天跟我说过对公业误的事情", -0.3))
    assert hot.improve(long) == (long, ())
    hot.expect(())
    assert hot.improve(said) == (said, ())


def test_english_and_silence_are_left_alone() -> None:
    hot = HotWords(WORDS, Sure())
    for said in (heard(("I lost my card", -0.3), language="en"), heard()):
        assert hot.improve(said) == (said, ())


def test_words_of_approved_texts_are_those_that_say_what_it_is_about() -> None:
    words = words_of(["请您带上身份证，到三号窗口挂失银行卡。", "我们的 ATM 在大厅。"])
    assert {"身份证", "挂失", "银行卡", "窗口"} <= set(words)
    assert not {"我们", "在", "的"} & set(words) and len(words) == len(set(words))
