"""Sounds that come to nothing, and sounds that never end: a stated outcome in bounded time, and touch is offered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contracts.screen import Mode
from kiosk.dialogue.meaning import Meaning, Words
from kiosk.events import MIC_RATE_HZ, DeviceChanged, SpeechStarted, UtteranceEnded
from kiosk.session.crosstalk import LONGEST_SAMPLES
from kiosk.session.states import State
from tests.kiosk.fake_kiosk import VISITORS_SOUND, FakeKiosk

pytestmark = pytest.mark.unit

Play = Callable[[Callable[[FakeKiosk], Awaitable[None]]], FakeKiosk]


@pytest.fixture
def play(virtual: Any, tmp_path: Path) -> Play:
    def run(script: Callable[[FakeKiosk], Awaitable[None]]) -> FakeKiosk:
        async def whole() -> FakeKiosk:
            async with FakeKiosk(tmp_path) as kiosk:
                await script(kiosk)
            return kiosk

        return virtual.run_until_complete(whole())

    return run


class Listening:
    """Ears that hear a voice while they are told so."""

    in_speech = False

    def profile(self, profile: Mode) -> None: ...

    def went_on_after(self, pause_ms: float) -> None: ...

    def drop(self, voice_ns: int) -> bool:
        return False


def starts(kiosk: FakeKiosk) -> int:
    """A voice begins, as the terminal hands it on; when."""
    began_ns = kiosk.clock.now_ns()
    kiosk.session.voice_heard()
    kiosk.session.tell(SpeechStarted(began_ns))
    return began_ns


def capped(kiosk: FakeKiosk, began_ns: int) -> None:
    """The hard cap cuts it off; nobody paused."""
    now_ns = kiosk.clock.now_ns()
    samples = (now_ns - began_ns) * MIC_RATE_HZ // 1_000_000_000
    kiosk.session.tell(
        UtteranceEnded(
            pcm=np.full(samples, VISITORS_SOUND, np.int16),
            start_ns=began_ns,
            end_ns=now_ns,
            decided_ns=now_ns,
            capped=True,
        )
    )


def chips(kiosk: FakeKiosk) -> list[str]:
    return [target.id for target in kiosk.screen.targets if target.kind == "chip" and target.enabled]


def test_a_voice_without_words_is_passed_over_once_and_then_touch_is_offered_once(play: Play) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        await kiosk.arrive()
        for expected in (1, 2, 2, 2):  # her greeting, and that she did not catch it
            await kiosk.say("", seconds=1.0)
            await asyncio.sleep(0.5)
            await kiosk.until(State.LISTENING)
            assert len(kiosk.said()) == expected
        assert "点下面" in kiosk.said()[-1] and chips(kiosk)
        assert kiosk.session.turns is not None
        assert kiosk.session.turns.tally_against == {"no_words": 4, "touch offered": 1}
        await kiosk.say("我想取钱", ("withdraw_cash", 0.95))
        await kiosk.until(State.LISTENING)
        for _ in range(2):  # after words that counted, anew
            await kiosk.say("", seconds=1.0)
            await asyncio.sleep(0.5)
            await kiosk.until(State.LISTENING)
        assert kiosk.session.turns.tally_against["touch offered"] == 2

    play(script)


def test_who_never_pauses_is_answered_at_the_hard_cap_though_the_voice_goes_on(play: Play) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        await kiosk.arrive()
        kiosk.heard, kiosk.meaning = Words("没完没了", "zh"), Meaning([], "unsure")
        began_ns = starts(kiosk)
        await asyncio.sleep(25)
        capped(kiosk, began_ns)
        await asyncio.sleep(0.1)
        assert kiosk.session.state is State.THINKING
        starts(kiosk)
        await kiosk.until(State.SPEAKING, within_s=2)
        assert "点下面" in kiosk.screen.captions[-1].text and chips(kiosk)
        assert kiosk.session.tally_ignored["talks on after the cap"] == 1
        await kiosk.until(State.LISTENING)

    play(script)


def test_who_was_cut_off_by_a_pause_still_goes_on_while_she_thinks(play: Play) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        await kiosk.arrive()
        kiosk.recognition_s = 5
        await kiosk.say("我想", ("withdraw_cash", 0.95))
        starts(kiosk)
        await asyncio.sleep(0.05)
        assert kiosk.session.state is State.LISTENING

    play(script)


def test_what_is_kept_and_what_comes_are_never_longer_than_the_recognisers_window(play: Play) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        await kiosk.arrive()
        kiosk.recognition_s = 5
        await kiosk.say("一", seconds=20)
        starts(kiosk)
        await asyncio.sleep(0.05)
        assert len(kiosk.session._talk.kept) == 20 * MIC_RATE_HZ
        await kiosk.say("二", seconds=7)
        await kiosk.until(State.THINKING)
        utterance = kiosk.session._talk._utterance
        assert utterance is not None and utterance.kept == 20 * MIC_RATE_HZ
        starts(kiosk)
        await asyncio.sleep(0.05)
        await kiosk.say("三", seconds=20)
        utterance = kiosk.session._talk._utterance
        assert utterance is not None and utterance.kept == 0 and len(utterance.pcm) == 20 * MIC_RATE_HZ
        assert len(utterance.pcm) <= LONGEST_SAMPLES

    play(script)


def test_who_was_cut_off_and_speaks_on_for_long_is_not_asked_whether_they_are_there(play: Play) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        ears = Listening()
        kiosk.session.listens_through(ears)
        await kiosk.arrive()
        kiosk.recognition_s = 5
        await kiosk.say("我想", ("withdraw_cash", 0.95))
        ears.in_speech = True
        starts(kiosk)
        await asyncio.sleep(23)
        assert kiosk.session.state is State.LISTENING and len(kiosk.said()) == 1

    play(script)


def test_a_microphone_that_is_lost_in_mid_word_does_not_keep_a_visit_for_ever(play: Play) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        ears = Listening()
        kiosk.session.listens_through(ears)
        await kiosk.arrive()
        ears.in_speech = True
        starts(kiosk)
        await asyncio.sleep(1)
        kiosk.session.tell(DeviceChanged("microphone", False))
        await asyncio.sleep(0.1)
        assert kiosk.screen.listening == "unavailable" and chips(kiosk)
        await kiosk.until(State.IDLE, within_s=90)

    play(script)


def test_a_microphone_that_gives_only_zeros_is_shown_and_told_to_the_hub_with_that_reason(play: Play) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        await kiosk.arrive()
        kiosk.session.tell(DeviceChanged("microphone", False, "it delivers only zeros", "only_zeros"))
        await asyncio.sleep(0.1)
        assert not kiosk.screen.lights.microphone and chips(kiosk)
        owed = kiosk.ledger.outbox.pending(limit=100)
        bodies = [row.topic.decode(row.payload).body for row in owed]
        assert [body.reason for body in bodies if type(body).__name__ == "DeviceMissing"] == ["only_zeros"]

    play(script)
