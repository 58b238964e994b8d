"""Her own words and her own sound, told from a visitor's: each comparison alone, and both."""

from __future__ import annotations

import numpy as np
import pytest

from kiosk.audio.own_voice import LEAD_SAMPLES, OwnVoice, own_share
from kiosk.dialogue.own_words import SpokenSpan, difference, own_words, sounds

pytestmark = pytest.mark.unit

S = 1_000_000_000
ASKS = SpokenSpan("您今天是要取号吗？", 10 * S, 12 * S)
TELLS = SpokenSpan("取款请先取号，两万元以下也可以在自助机上办理。", 20 * S, 25 * S)
ENGLISH = SpokenSpan("Please take a seat, your number will be called.", 30 * S, 33 * S)


@pytest.mark.parametrize(
    ("heard", "span", "at_s"),
    [
        ("您今天是要取号吗", ASKS, (10.1, 12.2)),
        ("您今天是要去好嘛", ASKS, (10.1, 12.2)),  # other characters of the same sound
        ("2万元以下也可以在自助鸡上办理", TELLS, (21.8, 25.2)),
        ("両万元以下也可以在自助鸡上半里", TELLS, (21.8, 25.2)),
        ("please take a seat your numbers will be called", ENGLISH, (30.0, 33.2)),
        ("take a seat, you number", ENGLISH, (30.3, 32.0)),
    ],
)
def test_what_she_was_saying_is_hers_though_it_was_misheard(
    heard: str, span: SpokenSpan, at_s: tuple[float, float]
) -> None:
    assert own_words(heard, [ASKS, TELLS, ENGLISH], *(round(at * S) for at in at_s)) >= 0.6


@pytest.mark.parametrize(
    ("heard", "at_s"),
    [
        ("取号", (12.6, 13.2)),  # she has finished: it is the answer
        ("是要取号", (13.0, 14.0)),
        ("我的银行卡丢了怎么办", (21.0, 23.0)),  # over her, other words
        ("where is the toilet", (30.5, 32.0)),
        ("取款请先取号", (40.0, 42.0)),  # her words, when she was silent
        ("", (10.0, 12.0)),
        ("？！", (10.0, 12.0)),
    ],
)
def test_a_visitor_is_not_taken_for_her(heard: str, at_s: tuple[float, float]) -> None:
    assert own_words(heard, [ASKS, TELLS, ENGLISH], *(round(at * S) for at in at_s)) < 0.5


def test_words_she_says_elsewhere_in_the_clause_do_not_count() -> None:
    assert own_words("自助机上办理", [TELLS], 20 * S, round(21.2 * S)) < 0.4
    assert own_words("自助机上办理", [TELLS], round(23.7 * S), 25 * S) > 0.9


def test_sounds_are_compared_not_signs() -> None:
    assert sounds("取2号 ATM") == ["qu", "er", "hao", "atm"]
    assert difference("zhi", "zi") == 0.25 and difference("qu", "hao") == 1.0
    assert difference("number", "numbers") == 0.5 and difference("seat", "hall") == 1.0


def voice(seed: int, seconds: float, loudness: float = 3000.0) -> np.ndarray:
    """Noise with the rhythm of syllables, in bands that swell by themselves."""
    rng = np.random.default_rng(seed)
    samples = int(seconds * 16_000)
    out = np.zeros(samples)
    for low in (200, 500, 1200, 2500):
        rhythm = np.repeat(rng.uniform(0, 1, samples // 1600 + 1) ** 2, 1600)[:samples]
        spectrum = np.fft.rfft(rng.standard_normal(samples))
        hz = np.fft.rfftfreq(samples, 1 / 16_000)
        out += rhythm * np.fft.irfft(np.where((hz > low) & (hz < 2 * low), spectrum, 0), samples)
    return np.asarray(out * loudness / np.sqrt(np.mean(out**2)), np.float64)


def through_a_room(sound: np.ndarray, delay_ms: int, seed: int = 3) -> np.ndarray:
    rng = np.random.default_rng(seed)
    walls = rng.standard_normal(4000) * np.exp(-np.arange(4000) / 900)
    wet = np.convolve(sound, walls / np.sqrt(np.sum(walls**2)))
    return np.concatenate((np.zeros(delay_ms * 16), wet))[: len(sound)]


@pytest.mark.parametrize("delay_ms", [0, 60, 200, 350])
def test_her_echo_follows_her_whatever_its_delay_and_a_visitor_alone_does_not(delay_ms: int) -> None:
    far = voice(1, 3.0)
    echo = through_a_room(far, delay_ms) * 0.3
    heard = slice(LEAD_SAMPLES, None)
    assert own_share(echo[heard].astype(np.int16), far.astype(np.int16)) > 0.8
    visitor = voice(2, 3.0)[heard].astype(np.int16)
    assert own_share(visitor, far.astype(np.int16)) < 0.4


def test_a_visitor_over_her_lowers_the_share_the_more_the_louder() -> None:
    far, heard = voice(1, 3.0), slice(LEAD_SAMPLES, None)
    echo, visitor = through_a_room(far, 60) * 0.3, voice(2, 3.0, 900.0)
    shares = [
        own_share((echo + gain * visitor)[heard].astype(np.int16), far.astype(np.int16)) for gain in (0, 0.5, 1, 3)
    ]
    assert shares == sorted(shares, reverse=True) and shares[0] - shares[-1] > 0.4


def test_nothing_is_hers_while_she_is_silent_and_too_short_a_sound_is_nobodys() -> None:
    visitor = voice(2, 2.0).astype(np.int16)
    assert own_share(visitor, np.zeros(len(visitor) + LEAD_SAMPLES, np.int16)) == 0.0
    assert own_share(visitor[:1600], visitor[: 1600 + LEAD_SAMPLES]) == 0.0
    assert own_share(np.zeros(16_000, np.int16), visitor[: 16_000 + LEAD_SAMPLES]) == 0.0


def test_both_together_say_whose_it_is_and_why_and_count_it() -> None:
    judge, far = OwnVoice(), voice(1, 3.0)
    heard, loud = slice(LEAD_SAMPLES, None), far.astype(np.int16)
    echo = (through_a_room(far, 60) * 0.3)[heard].astype(np.int16)
    visitor = voice(2, 3.0)[heard].astype(np.int16)
    at = (round(21.8 * S), round(24.4 * S))
    assert judge.judge("一二三", echo, loud, [TELLS], *at) == "own_sound"
    assert judge.judge("两万元以下也可以在自助机上", visitor, loud, [TELLS], *at) == "own_words"
    assert judge.judge("我想存点钱", visitor, loud, [TELLS], *at) == "visitor"
    assert judge.judge("两万", visitor, loud, [TELLS], *at) == "visitor"  # two words of hers are no proof alone
    assert judge.tallies() == {"judged_visitor": 2, "judged_own_words": 1, "judged_own_sound": 1}
    assert "取款" not in repr(TELLS)
