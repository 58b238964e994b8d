"""The terminal's own hearing in short scenes, from the sound to what became of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from bench.lobby import mixing, scenes
from bench.lobby.driver import HearingUnderTest
from bench.lobby.rooms import RoomPlan
from bench.lobby.scoring import errors
from bench.lobby.sentences import Sentence
from bench.lobby.virtual import MeasuredThread, SoundCard, VirtualLoop
from bench.lobby.voices import RECEPTIONIST, VISITORS, Voices
from bench.lobby.words import words_of
from kiosk.events import MIC_RATE_HZ, Pcm
from models.recognition import UnwantedError

pytestmark = pytest.mark.e2e

PLAN = RoomPlan(rt60_s=0.4, distance_m=0.8)
WISH = Sentence("zh", "我想取两万块钱")


@pytest.fixture(scope="module")
def terminal() -> HearingUnderTest:
    return HearingUnderTest.load()


@pytest.fixture(scope="module")
def voices() -> Voices:
    return Voices()


def test_a_visitors_sentence_becomes_one_turn_with_at_most_one_wrong_character_in_three(
    terminal: HearingUnderTest, voices: Voices
) -> None:
    dry = mixing.signal_of(voices.say(WISH, VISITORS["zh"][1]))
    scene = scenes.visitor_scene("wish", [(WISH.plain, dry)], PLAN)
    account = terminal.hear(scene)
    turns = [heard for heard in account.heard if heard.is_turn]
    assert len(turns) == 1
    assert errors(WISH.plain, words_of(account)).rate <= 1 / 3
    assert turns[0].decided > scene.stretches[0].end
    assert abs(turns[0].start - scene.stretches[0].start) < MIC_RATE_HZ // 5


def test_what_was_heard_is_in_no_repr(terminal: HearingUnderTest, voices: Voices) -> None:
    dry = mixing.signal_of(voices.say(WISH, VISITORS["zh"][1]))
    account = terminal.hear(scenes.visitor_scene("wish", [(WISH.plain, dry)], PLAN))
    assert words_of(account)
    assert words_of(account)[:2] not in repr(account)


@pytest.mark.parametrize("scene", [scenes.silence(8), scenes.zeros(8), scenes.white_noise(seconds=8)], ids=str)
def test_sound_without_a_voice_becomes_no_turn_and_takes_less_than_its_own_time(
    terminal: HearingUnderTest, scene: scenes.Scene
) -> None:
    began = time.monotonic()
    account = terminal.hear(scene)
    assert not any(heard.is_turn for heard in account.heard)
    assert time.monotonic() - began < 8


def test_speech_without_a_pause_is_cut_at_the_hard_cap(terminal: HearingUnderTest, voices: Voices) -> None:
    hearing = terminal.site.hearing.model_copy(update={"max_utterance_s": 4.0})
    impatient = replace(terminal, site=terminal.site.model_copy(update={"hearing": hearing}))
    account = impatient.hear(scenes.without_a_pause(voices, VISITORS["zh"][0], seconds=6))
    assert account.heard and account.heard[0].capped
    assert all(heard.end - heard.start <= 4.1 * MIC_RATE_HZ for heard in account.heard)


def test_scenes_of_bad_input_are_what_they_are_called(voices: Voices) -> None:
    made = {scene.name: scene for scene in scenes.bad_input(voices)}
    assert not made["zeros"].sound.any()
    assert np.abs(made["silence"].sound).max() < 100
    clipped = np.abs(made["clipped"].sound.astype(int)) >= 32767
    assert clipped.mean() > 0.05
    assert made["without a pause"].stretches[0].end - made["without a pause"].stretches[0].start > 55 * MIC_RATE_HZ
    assert mixing.voiced_dbfs(mixing.signal_of(made["tone"].sound)) == pytest.approx(-26, abs=0.5)
    assert mixing.voiced_dbfs(mixing.signal_of(made["white noise"].sound)) == pytest.approx(-20, abs=0.5)
    assert len(made["neither language"].stretches) == 3


def test_a_part_of_the_conversation_that_breaks_is_not_passed_over(
    terminal: HearingUnderTest, voices: Voices, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(text: str, language: str) -> float:
        raise ZeroDivisionError

    monkeypatch.setattr(terminal.models.endings, "finished", broken)  # its calls are measured, so this one's own
    dry = mixing.signal_of(voices.say(WISH, VISITORS["zh"][1]))
    with pytest.raises(RuntimeError, match="broke"):
        terminal.hear(scenes.visitor_scene("wish", [(WISH.plain, dry)], PLAN))


def test_her_echo_is_in_the_microphone_when_the_path_says_and_as_loud_as_it_says() -> None:
    response = np.zeros(100, np.float32)
    response[0] = 1.0
    path = scenes.EchoPath(response=response, gain=0.5, delay_ms=60)
    said = (8000 * np.sin(2 * np.pi * 500 * np.arange(2400) / 24_000)).astype(np.int16)  # 100 ms
    loop = VirtualLoop()

    async def play() -> tuple[list[Pcm], int]:
        card = SoundCard(np.zeros(MIC_RATE_HZ, np.int16), path)
        running = asyncio.create_task(card.run())
        await card.write(said)
        card.begin()
        frames = [frame.pcm async for frame in card.heard()]
        await running
        return frames, card.heard_until_ns - card.began_ns

    frames, until_ns = loop.run_until_complete(play())
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()
    sound = np.concatenate(frames).astype(float)
    loud = np.flatnonzero(np.abs(sound) > 0.05 * np.abs(sound).max())
    # 40 ms in the device, 60 ms on the way, 1 ms in the filter
    assert loud[0] / MIC_RATE_HZ >= 0.1
    assert loud[-1] / MIC_RATE_HZ <= 0.1 + 0.1 + 0.002
    assert until_ns == 140_000_000
    assert np.abs(sound).max() == pytest.approx(4000, rel=0.1)


def compute(seconds: float) -> None:
    until_s = time.process_time() + seconds
    while time.process_time() < until_s:
        pass


def test_waiting_for_a_processor_is_not_the_models_time() -> None:
    loop, thread = VirtualLoop(), MeasuredThread("x")
    loop.run_until_complete(thread.call(time.sleep, 0.1))  # as a call that others kept from its processor
    loop.close()
    assert thread.took_ms[0] < 50


def test_a_models_result_comes_after_the_time_that_it_took_and_one_after_the_other() -> None:
    loop = VirtualLoop()

    async def two() -> tuple[float, float]:
        thread = MeasuredThread("x", slower=10.0)
        began_s = loop.time()
        first, second = (asyncio.create_task(thread.call(compute, 0.02)) for _ in range(2))
        await first
        after_first_s = loop.time() - began_s
        await second
        return after_first_s, loop.time() - began_s

    after_first_s, after_both_s = loop.run_until_complete(two())
    loop.close()
    assert after_first_s >= 0.19  # two clocks
    assert after_both_s >= after_first_s + 0.2


def test_a_model_gives_up_at_the_time_at_which_it_would_have_asked_and_the_next_call_begins_then() -> None:
    loop, unwanted_from_s = VirtualLoop(), 0.5

    def work(wanted: Callable[[], bool]) -> str:
        for _ in range(10):
            compute(0.01)
            if not wanted():
                raise UnwantedError
        return "done"

    async def script() -> tuple[float, float, float]:
        thread = MeasuredThread("x", slower=10.0)  # a second, asking ten times
        began_s = loop.time()
        assert await thread.call(work, wanted=lambda: True) == "done"
        whole_s, began_s = loop.time() - began_s, loop.time()
        with pytest.raises(UnwantedError):
            await thread.call(work, wanted=lambda: loop.time() - began_s < unwanted_from_s)
        given_up_s, began_s = loop.time() - began_s, loop.time()
        await thread.call(compute, 0.01)
        return whole_s, given_up_s, loop.time() - began_s

    whole_s, given_up_s, next_s = loop.run_until_complete(script())
    loop.close()
    assert whole_s >= 0.9
    assert unwanted_from_s <= given_up_s < unwanted_from_s + 0.25
    assert next_s < 0.5  # not behind what was given up


def test_the_receptionists_voices_are_in_no_other_speaker() -> None:
    hers = {name for talker in RECEPTIONIST.values() for name, _ in talker.blend}
    others = {name for group in VISITORS.values() for talker in group for name, _ in talker.blend}
    assert not hers & others
