"""Which language with the teller: asked by screen and voice, passed to routing; not asked where it would hurt."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from config.schema import Tellers
from contracts import video_messages as v
from contracts.handover import Mood
from kiosk.session.states import State
from models.slots import read_slots
from tests.kiosk.fake_kiosk import FakeKiosk
from tests.kiosk.test_teller import ASK, operations, says

pytestmark = pytest.mark.unit

Play = Callable[[Callable[[FakeKiosk], Awaitable[None]]], FakeKiosk]
OFFERED = Tellers(enabled=True, sign=True, dialects=("yue", "sichuan"))


@pytest.fixture
def play(virtual: Any, tmp_path: Path) -> Play:
    def run(script: Callable[[FakeKiosk], Awaitable[None]]) -> FakeKiosk:
        async def whole() -> FakeKiosk:
            made = FakeKiosk(tmp_path)
            made.site = made.site.model_copy(update={"tellers": OFFERED})
            async with made.with_tellers() as kiosk:
                await script(kiosk)
            return kiosk

        return virtual.run_until_complete(whole())

    return run


async def wants(kiosk: FakeKiosk, words: str = "我要视频柜员", **more: Any) -> None:
    await kiosk.arrive()
    await kiosk.say(words, ASK, **more)
    await kiosk.until(State.LISTENING)


async def placed(kiosk: FakeKiosk) -> None:
    """The terminal asked the hub, and was given a place."""
    for _ in range(100):
        if kiosk.line.case and kiosk.line.standing is None:
            break
        await asyncio.sleep(0.02)
    says(kiosk, ahead=1, minutes=(3, 6), choices=("wait",))
    await kiosk.until(State.LISTENING)


def need(kiosk: FakeKiosk) -> v.Need:
    found: v.Need = [one for one in operations(kiosk) if isinstance(one, v.TellerAsked)][-1].need
    return found


def test_only_what_the_tellers_speak_is_shown_and_a_touch_is_passed_on(play: Play) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        await wants(kiosk)
        assert not operations(kiosk)
        shown = {target.id for target in kiosk.shown[-1].targets}
        assert {"same", "sign", "yue", "sichuan"} <= shown and not {"wu", "minnan"} & shown
        await kiosk.touch("sign")
        await placed(kiosk)

    kiosk = play(script)
    assert "方言、手语" in kiosk.said()[1]
    assert need(kiosk).sign and need(kiosk).dialect == "" and need(kiosk).language == "zh"


def test_a_dialect_by_word_and_the_language_that_is_spoken_by_yes(play: Play) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        await wants(kiosk)
        await kiosk.say("粤语吧", ("other", 0.3), words="粤语吧")
        await placed(kiosk)

    assert need(play(script)) == v.Need(service="personal", language="zh", dialect="yue")


def test_who_says_it_in_the_first_sentence_is_not_asked(play: Play) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        await wants(kiosk, "帮我接一个会手语的柜员", slots={"tongue": "sign"})
        await placed(kiosk)

    assert need(play(script)).sign


def test_who_is_afraid_is_not_asked_first_and_may_change_it_in_line(play: Play) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        await kiosk.arrive()
        assert kiosk.session.visit is not None
        kiosk.session.visit.story.mood = Mood(emotion="fear", intensity=0.9)
        await kiosk.say("快接柜员", ASK)
        await placed(kiosk)
        assert need(kiosk).calm and not need(kiosk).sign
        kiosk.session.visit.story.mood = None
        await kiosk.touch("wait")
        await kiosk.until(State.LISTENING)
        await kiosk.touch("tongue")
        await kiosk.until(State.LISTENING)
        await kiosk.touch("sichuan")
        await placed(kiosk)

    kiosk = play(script)
    assert need(kiosk).dialect == "sichuan"
    kinds = [type(one).__name__ for one in operations(kiosk)]
    assert kinds == ["TellerAsked", "CaseLeft", "TellerAsked"]  # one terminal, one place in line


def test_english_is_asked_in_english_and_stays_english(play: Play) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        await wants(kiosk, "a teller on video please", language="en")
        await kiosk.touch("same")
        await placed(kiosk)

    kiosk = play(script)
    assert kiosk.said()[1].startswith("Which language")
    assert need(kiosk) == v.Need(service="personal", language="en")


@pytest.mark.parametrize(
    ("said", "language", "tongue"),
    [
        ("我要会手语的", "zh", "sign"), ("讲粤语的柜员", "zh", "yue"), ("会四川话吗", "zh", "sichuan"),
        ("somebody who knows sign language", "en", "sign"), ("cantonese please", "en", "yue"),
        ("我要取钱", "zh", None), ("I would like to sign the form", "en", None),
    ],
)  # fmt: skip
def test_the_words_for_it_are_read(said: str, language: Any, tongue: str | None) -> None:
    assert read_slots(said, language).get("tongue") == tongue
