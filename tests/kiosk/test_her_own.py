"""A voice that goes on after she fell silent is not hers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kiosk.audio.her_own import OUTLASTS, outlasts
from kiosk.dialogue.backchannel import GUESSED, asks_to_stop, interrupts, nods, sounds_like_backchannel, wishes
from kiosk.dialogue.meaning import Meaning, Words
from kiosk.session.visit import Visit

pytestmark = pytest.mark.unit

RATE = 16_000


def noise(seconds: float, level: float, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, level, int(seconds * RATE)).astype(np.int16)


def test_her_echo_does_not_outlast_her_and_a_visitor_who_goes_on_does() -> None:
    far = np.concatenate((noise(1.0, 3000), np.zeros(RATE, np.int16)))
    echo = np.concatenate((np.zeros(3200, np.int16), far[:-3200])) // 4
    visitor = noise(2.0, 1000, seed=2)
    assert outlasts(echo, far) == 0.0
    assert outlasts(visitor, far) > OUTLASTS
    assert outlasts(visitor[:RATE], far[:RATE]) == 0.0  # she was audible all the time: nothing is known


@pytest.mark.parametrize(
    "text", ["停", "等一下", "不对", "不是", "别说了", "我要人工", "wait", "No, no!", "hold on", "没错，等一下"]
)
def test_a_few_words_ask_her_to_stop(text: str) -> None:
    assert interrupts(text)


@pytest.mark.parametrize("text", ["你受到", "十号", "队队队", "嗯收到", "按好", "音对"])
def test_some_words_sound_as_a_listener_does(text: str) -> None:
    assert sounds_like_backchannel(text)


@pytest.mark.parametrize(
    "text",
    ["", "嗯嗯", "不对", "我要人工", "多少钱", "太快了", "取号", "挂失", "你听我说", "好的请稍等一下", "ok", "等好"],
)
def test_others_sound_otherwise(text: str) -> None:
    assert not sounds_like_backchannel(text)


@pytest.mark.parametrize(
    "text",
    [
        "嗯",
        "不这样",
        "不是吗",
        "谢谢",
        "好的",
        "okay",
        "Know",
        "No.",
        "嗯没错",
        "不错不错",
        "可不是嘛",
        "No problem.",
        "not bad",
        "yes, sir",
    ],
)
def test_others_do_not(text: str) -> None:
    assert not interrupts(text)


def test_who_has_not_spoken_yet_may_stop_her_in_either_language() -> None:
    stop = Words("stop", "en", certainty=-0.5)
    brief_ns = 300_000_000
    assert (
        asks_to_stop(stop, None, brief_ns)
        and asks_to_stop(stop, "en", brief_ns)
        and not asks_to_stop(stop, "zh", brief_ns)
    )
    visit = Visit(0, "camera")
    assert visit.spoken is None
    visit.turns = 1
    assert visit.spoken == visit.language


@pytest.mark.parametrize(
    ("words", "lasted_ms", "acts", "nod"),
    [
        (Words("嗯嗯", "zh", certainty=-0.2), 2000, False, True),
        (Words("不对", "zh", certainty=-0.5), 400, False, False),
        (Words("不对", "zh", certainty=GUESSED - 0.1), 400, False, True),  # not believed by the recogniser itself
        (Words("No.", "en", certainty=-0.5), 400, False, True),  # a hum in a Mandarin visit
        (Words("天神", "zh", certainty=-0.5), 400, False, True),  # short, and asks for nothing
        (Words("天神", "zh", certainty=-0.5), 1300, False, False),  # long enough to be words
        (Words("嗯好", "zh", certainty=-0.5), 900, False, True),  # two syllables may be drawn out
        (Words("你听我说", "zh", certainty=-0.5), 900, False, False),
        (Words("取钱", "zh", certainty=-0.5), 400, True, False),
        (Words("吃鸭", "zh", certainty=-0.9), 400, True, True),  # was 是呀, and understood as a wish
        (Words("听吧", "zh", (("停", -1.5), ("听", -1.6)), certainty=-1.4), 350, False, False),
        (Words("听吧", "zh", (("听", -1.5), ("停", -1.6)), certainty=-1.4), 350, False, True),
        (Words("不要不要", "zh", certainty=-0.5), 290, True, True),  # nobody says that much in so short a time
        (Words("不要不要", "zh", certainty=-0.5), 700, True, False),
        (
            Words("不是这个不是这个", "zh", certainty=-0.4),
            510,
            True,
            False,
        ),  # the recogniser stutters after a short sound
        (Words("你受到", "zh", certainty=-0.2), 540, False, True),  # sounds as 嗯收到 does
        (Words("你受到", "zh", certainty=-0.2), 540, True, False),  # unless it is understood as a wish
        (Words("停", "zh", certainty=-0.5), 100, False, False),
    ],
)
def test_a_nod_is_told_from_words_by_text_certainty_language_and_length(
    words: Words, lasted_ms: int, acts: bool, nod: bool
) -> None:
    assert nods(words, "zh", lasted_ms * 1_000_000, acts=acts) == nod
    assert not (nod and asks_to_stop(words, "zh", lasted_ms * 1_000_000))


@pytest.mark.parametrize(
    ("words", "listening", "nod"),
    [
        (Words("太快了", "zh", certainty=-0.8), 0.05, False),  # short, and nothing that a listener says
        (Words("太快了", "zh", certainty=-0.8), 0.5, True),
        (Words("博士吗", "zh", certainty=-0.9), 0.05, True),  # what was written for 哦是吗
        (Words("大猪", "zh", certainty=-0.8), 0.05, True),  # so few syllables are written for any hum
        (Words("Adui Adui", "en", certainty=-0.7), 0.1, True),  # stuttered by the recogniser
        (Words("太快了", "zh", certainty=-1.05, clear=False), 0.05, True),
        (Words("Excuse me.", "en", certainty=-1.05, clear=False, no_speech=0.54), 0.95, True),  # her own, come back
        (Words("Excuse me.", "en", certainty=-1.05, clear=False, no_speech=0.1), 0.95, False),
    ],
)
def test_short_words_that_are_believed_and_not_like_listening_are_no_nod(
    words: Words, listening: float, nod: bool
) -> None:
    assert nods(words, None, 500_000_000, acts=False, listening=listening) == nod


@pytest.mark.parametrize(
    ("text", "others", "meant", "decision", "wish"),
    [
        ("取钱", (), "withdraw_cash", "act", True),
        ("取钱", (), "withdraw_cash", "ask", False),
        ("Bye!", (), "goodbye", "act", False),
        ("无了", ("五了",), "deny", "act", False),
        ("部队", ("不对",), "deny", "act", True),
        ("No.", ("no no",), "deny", "act", False),
    ],
)
def test_over_her_only_what_somebody_interrupts_for_is_a_wish(
    text: str, others: tuple[str, ...], meant: str, decision: Any, wish: bool
) -> None:
    words = Words(text, "en" if text.isascii() else "zh", tuple((other, -0.9) for other in others))
    assert wishes(words, Meaning([(meant, 0.95)], decision)) == wish
