"""A voice that goes on after she fell silent is not hers."""

from __future__ import annotations

import numpy as np
import pytest

from kiosk.audio.her_own import OUTLASTS, outlasts
from kiosk.audio.standout import KNOWN_BLOCKS, RESIDUE_BLOCKS, RESIDUE_KNOWN, Residue, StandOut
from kiosk.dialogue.backchannel import interrupts

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


def test_babble_is_the_floor_and_a_voice_seven_decibels_over_it_stands_out() -> None:
    stand = StandOut()
    for block in np.array_split(noise(6, 500), 187):
        stand.hear(block, far_active=False)
    assert not stand.passes(speaking=False)
    for block in np.array_split(noise(0.1, 1500, seed=3), 3):
        stand.hear(block, far_active=False)
    assert stand.passes(speaking=False)


def test_in_the_first_second_everything_stands_out_and_her_own_sound_is_no_floor() -> None:
    stand = StandOut()
    for block in np.array_split(noise(6, 5), 187):
        stand.hear(block, far_active=True)
    assert stand.passes(speaking=False)
    for _ in range(KNOWN_BLOCKS + 20):
        stand.hear(noise(0.032, 500), far_active=False)
    assert not stand.passes(speaking=False)


def test_who_is_far_louder_than_what_is_left_of_her_is_somebody_else() -> None:
    residue = Residue()
    for number in range(RESIDUE_BLOCKS):
        assert not residue.hear(noise(0.032, 100, seed=number), visitor=False)
        assert residue.settled == (number + 1 >= RESIDUE_BLOCKS)
    assert number > RESIDUE_KNOWN
    residue.hear(noise(0.032, 400), visitor=False)
    assert residue.hear(noise(0.032, 400), visitor=False)


@pytest.mark.parametrize("text", ["停", "等一下", "不对", "别说了", "我要人工", "wait", "No!", "hold on", "excuse me"])
def test_a_few_words_ask_her_to_stop(text: str) -> None:
    assert interrupts(text)


@pytest.mark.parametrize("text", ["嗯", "谢谢", "好的", "okay", "Know"])
def test_others_do_not(text: str) -> None:
    assert not interrupts(text)
