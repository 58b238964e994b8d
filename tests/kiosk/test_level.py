"""The lobby's background, followed without being fooled by speech; and a microphone that gives only zeros."""

from __future__ import annotations

import numpy as np
import pytest

from kiosk.audio.level import KEPT_S, DeafnessWatch, NoiseFloor, dbfs

pytestmark = pytest.mark.unit

BLOCK = 320


def noise(level_dbfs: float, seconds: float, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (
        (rng.standard_normal(int(seconds * 16_000)) * 32768 * 10 ** (level_dbfs / 20)).clip(-32768, 32767).astype("i2")
    )


def listen(floor: NoiseFloor, pcm: np.ndarray, *, far: bool = False, voice: bool = False, block: int = BLOCK) -> None:
    for start in range(0, len(pcm) - block + 1, block):
        floor.hear(pcm[start : start + block], far_active=far, voice=voice)


@pytest.mark.parametrize("block", [160, 320, 512])
def test_the_background_is_found_within_2_db_whatever_the_block(block: int) -> None:
    floor = NoiseFloor()
    listen(floor, noise(-45, 5), block=block)
    assert floor.known and floor.dbfs == pytest.approx(-45, abs=2)


def test_words_and_her_own_voice_do_not_move_it() -> None:
    floor = NoiseFloor()
    listen(floor, noise(-50, 5))
    listen(floor, noise(-20, 20), voice=True)
    listen(floor, noise(-15, 20), far=True)
    listen(floor, noise(-20, 0.4))  # her echo fades
    assert floor.dbfs == pytest.approx(-50, abs=2)


def test_words_that_nobody_noticed_move_it_by_less_than_3_db_while_they_take_a_third_of_the_time() -> None:
    floor = NoiseFloor()
    for turn in range(10):
        listen(floor, noise(-50, 2, seed=turn))
        listen(floor, noise(-22, 1, seed=turn))
    assert floor.dbfs < -47


def test_a_hall_that_fills_up_is_known_within_40_s() -> None:
    floor = NoiseFloor()
    listen(floor, noise(-55, 120))
    listen(floor, noise(-38, 40))
    assert floor.dbfs == pytest.approx(-38, abs=2)


def test_nothing_is_known_at_first_and_nothing_grows() -> None:
    floor = NoiseFloor()
    assert not floor.known
    listen(floor, noise(-50, 90))
    assert len(floor._seconds) == KEPT_S and len(floor._second) <= 50
    floor.forget()
    assert not floor.known


def test_digital_silence_has_a_level() -> None:
    assert dbfs(np.zeros(320, np.int16)) == -96 and dbfs(np.zeros(0, np.int16)) == -96


def test_zeros_for_2_s_of_her_loud_voice_are_a_deaf_microphone_counted_once_until_it_hears() -> None:
    watch, loud, zeros = DeafnessWatch(), noise(-20, 0.02), np.zeros(BLOCK, np.int16)
    for _ in range(99):
        watch.step(zeros, loud)
    assert not watch.deaf
    for _ in range(300):
        watch.step(zeros, loud)
    assert watch.deaf and watch.tally_deaf == 1
    watch.step(noise(-70, 0.02), loud)
    assert not watch.deaf


def test_silence_of_a_room_in_which_she_is_silent_is_no_fault() -> None:
    watch, zeros = DeafnessWatch(), np.zeros(BLOCK, np.int16)
    for _ in range(3000):
        watch.step(zeros, zeros)
    assert not watch.deaf and watch.tally_deaf == 0
