"""What no visitor says, heard by the running terminal with all its models: a stated outcome, counted, in bounded time,
and the visitor is always offered touch. In virtual time; her own words, pages and choices.
"""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from bench.lobby import scenes
from bench.lobby.driver import Account, HearingUnderTest, own_brain
from bench.lobby.sentences import load
from bench.lobby.voices import VISITORS, Voices
from contracts.screen import ScreenState

pytestmark = pytest.mark.e2e

MOST_CPU = 6  # times the scene's length, models and all
FRESH_CPU_S = 30  # for her answers, which may have to be rendered


@pytest.fixture(scope="module")
def terminal() -> HearingUnderTest:
    """Of ten times this machine's speed: what comes of a sound must not hang on what else runs here."""
    return replace(HearingUnderTest.load(slower=0.1), brain=own_brain)


@pytest.fixture(scope="module")
def voices() -> Voices:
    return Voices()


def heard(terminal: HearingUnderTest, scene: scenes.Scene) -> Account:
    """The scene's account; that touch was offered on every page of the visit is seen here."""
    began_s = time.process_time()  # of processors: other work on the machine is no fault of hers
    account = terminal.hear(scene)
    assert time.process_time() - began_s < MOST_CPU * scene.seconds + FRESH_CPU_S
    visit = [state for state in account.shown if state.page != "attract"]
    assert visit
    for state in visit:
        assert chips(state), state.page
        assert any(target.id == "human" and target.enabled for target in state.targets)
    return account


def chips(state: ScreenState) -> list[str]:
    return [target.id for target in state.targets if target.kind == "chip" and target.enabled]


def said(account: Account) -> list[str]:
    """Her sentences, in order."""
    texts = [c.text for state in account.shown for c in state.captions if c.speaker == "receptionist"]
    return list(dict.fromkeys(texts))


def turns(account: Account) -> int:
    return sum(utterance.is_turn for utterance in account.heard)


@pytest.mark.parametrize(
    "scene", [scenes.silence(), scenes.tone(), scenes.white_noise()], ids=["silence", "tone", "white noise"]
)
def test_sound_without_a_voice_is_no_turn_and_after_15_s_she_asks_and_names_touch(
    terminal: HearingUnderTest, scene: scenes.Scene
) -> None:
    account = heard(terminal, scene)
    assert turns(account) == 0
    assert "点屏幕" in said(account)[-1]
    began = account.tallies.get("ears.UtteranceEnded", 0)
    assert began == sum(count for name, count in account.tallies.items() if name.startswith("ignored."))


def test_a_device_that_gives_zeros_is_found_out_by_her_own_voice_told_and_counted(terminal: HearingUnderTest) -> None:
    account = heard(terminal, scenes.zeros(32))
    assert turns(account) == 0
    assert account.tallies["ears.deaf"] == account.tallies["echo.microphone_deaf"] == 1
    assert not account.shown[-1].lights.microphone and account.shown[-1].listening == "unavailable"


def test_clipped_speech_is_still_understood(terminal: HearingUnderTest, voices: Voices) -> None:
    wish = load("sentences", "dev", "zh")[0]
    account = heard(terminal, scenes.clipped(voices, wish, VISITORS["zh"][0]))
    assert turns(account) == 1 and account.tallies["words.words"] >= 1


def test_a_minute_of_speech_without_a_pause_is_answered_at_each_hard_cap(
    terminal: HearingUnderTest, voices: Voices
) -> None:
    account = heard(terminal, scenes.without_a_pause(voices, VISITORS["zh"][0]))
    cap = terminal.site.hearing.max_utterance_s * 16_000
    assert all(utterance.end - utterance.start <= cap + 1600 for utterance in account.heard)
    assert account.tallies["ears.capped"] >= 1
    first = account.heard[0]
    assert first.capped and first.is_turn
    answered = [seen.at for seen in account.noticed if seen.kind == "ReplyBegan" and seen.at > first.decided]
    assert answered and answered[0] - first.decided <= 12 * 16_000  # the recogniser's own limit
    assert len(said(account)) >= 2


def test_a_language_that_is_neither_is_not_believed_and_touch_is_named(
    terminal: HearingUnderTest, voices: Voices
) -> None:
    account = heard(terminal, scenes.neither_language(voices, VISITORS["zh"][0]))
    counted = account.tallies
    assert sum(counted.get(f"words.{name}", 0) for name in ("unclear", "foreign", "nothing")) >= 1
    assert any("点下面" in sentence for sentence in said(account))
    final = [c.text for state in account.shown for c in state.captions if c.speaker == "visitor" and c.final]
    assert not final  # what it wrote down is not shown as the visitor's words
