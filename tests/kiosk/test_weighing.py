"""Is it for us? Backchannels, companions and what is held against an utterance, without a network."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

from kiosk.audio.addressee import Judgement, UtteranceFacts
from kiosk.dialogue.backchannel import is_backchannel
from kiosk.dialogue.companion import brings_companion
from kiosk.dialogue.meaning import Words
from kiosk.events import UtteranceEnded
from kiosk.runtime.worker import ModelThread
from kiosk.session.visit import Visit
from kiosk.session.weigh import Remembered, Weighing
from kiosk.vision.attendance import Attendance

pytestmark = pytest.mark.unit

S = 1_000_000_000


class Judge:
    """Answers as told, and keeps what it was asked."""

    def __init__(self, judgement: Judgement) -> None:
        self.judgement = judgement
        self.asked: list[UtteranceFacts] = []
        self.accepted = 0

    def judge(self, utterance: UtteranceFacts) -> Judgement:
        self.asked.append(utterance)
        return self.judgement

    def accept_companion(self) -> bool:
        self.accepted += 1
        return True

    def forget(self) -> None:
        self.asked.clear()


class Own:
    def __init__(self, answer: str | None) -> None:
        self.answer = answer

    def own(self, *asked: Any) -> str | None:
        return self.answer


def heard(**changes: Any) -> UtteranceEnded:
    facts: dict[str, Any] = {
        "pcm": np.arange(3200, dtype=np.int16), "start_ns": 10 * S, "end_ns": 12 * S, "decided_ns": 13 * S
    }  # fmt: skip
    return UtteranceEnded(**{**facts, **changes})


def weigh(judge: Judge, attendance: Attendance, utterance: UtteranceEnded, **around: Any) -> tuple[str | None, Visit]:
    thread, visit = ModelThread("weigh"), Visit(0, "camera")
    weighing = Weighing(
        judge, None, thread, attendance, around.get("camera", lambda: True), around.get("own"), around.get("lips")
    )
    try:
        return asyncio.run(weighing.reason_against(visit, utterance, Words("取钱", "zh"))), visit
    finally:
        thread.close()


def test_facts_are_of_the_new_part_of_the_utterance_and_of_who_stood_there_then() -> None:
    judge, attendance = Judge(Judgement(for_us=True, reason="visit_voice")), Attendance()
    for half in range(40):
        attendance.note(half * S // 2, here=half >= 22, near=1)
    against, _ = weigh(judge, attendance, heard(kept=1200, background_dbfs=-48.0))
    assert against is None
    asked = judge.asked[0]
    assert asked.pcm[0] == 1200 and len(asked.pcm) == 2000
    assert asked.seconds == 2.0 and asked.background_dbfs == -48.0
    assert asked.face_here_share == pytest.approx(3 / 5)


def test_without_a_camera_nothing_is_claimed_to_have_been_seen() -> None:
    judge = Judge(Judgement(for_us=True, reason="sound_only", sound_only=True))
    weigh(judge, Attendance(), heard(), camera=lambda: False)
    assert judge.asked[0].face_here_share is None and judge.asked[0].lips_share is None


def test_her_own_voice_is_told_before_anybody_asks_whose_it_is() -> None:
    judge = Judge(Judgement(for_us=True, reason="visit_voice"))
    assert weigh(judge, Attendance(), heard(), own=Own("own_words"))[0] == "own_words"
    assert judge.asked == []


def test_another_voice_beside_a_second_face_may_be_a_companion_and_elsewhere_is_not() -> None:
    judge, attendance = Judge(Judgement(for_us=False, reason="other_voice")), Attendance()
    attendance.note(11 * S, here=True, near=1)
    against, visit = weigh(judge, attendance, heard())
    assert against == "other_voice" and not visit.companion_offered
    attendance.note(11 * S + 1, here=True, near=2)
    assert weigh(judge, attendance, heard())[1].companion_offered


def test_the_same_sound_is_embedded_once_and_forgotten_with_the_visit() -> None:
    calls: list[int] = []

    def embed(pcm: Any) -> Any:
        calls.append(len(pcm))
        return np.ones(4, np.float32)

    remembered = Remembered(embed)
    for pcm in (np.zeros(10, np.int16), np.zeros(10, np.int16), np.ones(10, np.int16)):
        remembered(pcm)
    assert calls == [10, 10]
    remembered.forget()
    remembered(np.ones(10, np.int16))
    assert len(calls) == 3


def test_a_little_more_of_the_silence_behind_the_last_word_is_the_same_sound() -> None:
    lengths: list[int] = []

    def embed(pcm: np.ndarray) -> np.ndarray:
        lengths.append(len(pcm))
        return np.ones(2, np.float32)

    remembered = Remembered(embed)
    said = np.arange(16_000, dtype=np.int16)
    remembered(said)
    remembered(np.concatenate((said, np.zeros(1_152, np.int16))))  # 72 ms: at the end, after the look at the pause
    assert lengths == [16_000]
    remembered(np.concatenate((said, np.full(4_000, 900, np.int16))))  # they went on
    remembered(said)
    assert lengths == [16_000, 20_000, 16_000]


@pytest.mark.parametrize(
    "text", ["嗯", "嗯嗯", "哦，好", "对对对", "OK", "ok ok", "mm-hm", "Yeah.", "I see", "uh huh", "好的。"]
)
def test_nods_are_backchannels(text: str) -> None:
    assert is_backchannel(text)


@pytest.mark.parametrize(
    "text",
    ["", "好，取一个", "不对", "对了我问一下", "等一下", "okay but wait", "no", "rightly so", "停", "行李在哪儿"],
)
def test_words_are_none(text: str) -> None:
    assert not is_backchannel(text)


@pytest.mark.parametrize(
    "text",
    ["我们是一起的", "她跟我一起来的", "让他说吧", "这是我女儿", "We're together.", "She is with me", "Let him speak"],
)
def test_a_visitor_may_bring_somebody(text: str) -> None:
    assert brings_companion(text)


@pytest.mark.parametrize("text", ["我女儿的卡丢了", "给我儿子转钱", "I want to send money to my son", "一起取多少"])
def test_speaking_of_somebody_brings_nobody(text: str) -> None:
    assert not brings_companion(text)
