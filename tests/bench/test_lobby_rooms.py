"""Rooms are what was asked for, and the same each time."""

from __future__ import annotations

import numpy as np
import pytest

from bench.lobby import mixing
from bench.lobby.rooms import RoomPlan, room, rt60_of
from bench.lobby.scenes import visitor_scene

pytestmark = pytest.mark.unit

RATE_HZ = 16_000


def voice(seconds: float, seed: int = 3) -> mixing.Signal:
    """Noise in syllables of 200 ms: something with voiced and silent blocks."""
    rng = np.random.default_rng(seed)
    syllables = np.repeat(np.arange(int(seconds * 5)) % 3 != 2, RATE_HZ // 5)
    return (rng.standard_normal(len(syllables)) * 0.05 * syllables).astype(np.float32)


def test_the_reverberation_of_a_known_decay_is_measured_within_2_percent() -> None:
    n = np.arange(RATE_HZ)
    decay = np.random.default_rng(0).standard_normal(len(n)) * 10 ** (-3 * n / RATE_HZ / 0.5)
    assert rt60_of(decay) == pytest.approx(0.5, rel=0.02)


def test_a_response_that_ends_too_early_has_no_reverberation_time() -> None:
    with pytest.raises(ValueError, match="35 dB"):
        rt60_of(np.ones(100))


@pytest.mark.parametrize("rt60_s", [0.3, 0.5, 0.8])
def test_a_room_has_the_asked_reverberation_within_5_percent_in_the_far_field(rt60_s: float) -> None:
    built = room(RoomPlan(rt60_s=rt60_s, distance_m=1.0, seed=2))
    assert rt60_of(built.ceiling) == pytest.approx(rt60_s, rel=0.05)


def test_the_same_plan_gives_the_same_samples_and_another_seed_others() -> None:
    plan = RoomPlan(rt60_s=0.3, distance_m=0.7, seed=4)
    first = room(plan)
    room.cache_clear()
    again, other = room(plan), room(RoomPlan(rt60_s=0.3, distance_m=0.7, seed=5))
    assert np.array_equal(first.visitor, again.visitor)
    assert np.array_equal(first.bystanders[1], again.bystanders[1])
    assert not np.array_equal(first.visitor, other.visitor)


def test_direct_sound_is_one_at_1_m_and_arrives_by_the_speed_of_sound_within_2_samples() -> None:
    near, far = (room(RoomPlan(rt60_s=0.3, distance_m=d, seed=1)).visitor for d in (0.5, 1.5))
    assert np.abs(near).max() / np.abs(far).max() > 2
    assert int(np.argmax(np.abs(far))) - int(np.argmax(np.abs(near))) == pytest.approx(1.0 / 343 * RATE_HZ, abs=3)


@pytest.mark.parametrize(("rt60_s", "distance_m"), [(0.05, 1.0), (3.0, 1.0), (0.5, 0.0), (0.5, 9.0)])
def test_rooms_that_are_no_lobby_are_refused(rt60_s: float, distance_m: float) -> None:
    with pytest.raises(ValueError, match="no lobby"):
        room(RoomPlan(rt60_s=rt60_s, distance_m=distance_m))


@pytest.mark.parametrize("snr_db", [20.0, 10.0, 5.0])
def test_babble_is_mixed_within_half_a_decibel_of_the_asked_ratio(snr_db: float) -> None:
    said = [("x", voice(4.0))]
    people = [voice(2.0, seed) for seed in range(5)]
    plan = RoomPlan(rt60_s=0.4, distance_m=0.8)
    quiet = mixing.signal_of(visitor_scene("q", said, plan, seed=1).sound)
    loud = mixing.signal_of(visitor_scene("l", said, plan, snr_db=snr_db, people=people, seed=1).sound)
    bed = loud - quiet  # the same floor is in both
    measured = mixing.voiced_dbfs(quiet) - 20 * np.log10(np.sqrt(np.mean(bed.astype(np.float64) ** 2)))
    assert measured == pytest.approx(snr_db, abs=0.5)


def test_scenes_are_the_same_to_the_sample_by_seed() -> None:
    said, plan, people = [("x", voice(1.0))], RoomPlan(rt60_s=0.3, distance_m=0.8), [voice(1.0, 8)]
    scenes = [visitor_scene("s", said, plan, snr_db=10, people=people, seed=seed) for seed in (3, 3, 4)]
    assert np.array_equal(scenes[0].sound, scenes[1].sound)
    assert not np.array_equal(scenes[0].sound, scenes[2].sound)


def test_a_visitor_at_1_m_is_at_minus_26_dbfs_within_3_db() -> None:
    scene = visitor_scene("v", [("x", voice(3.0))], RoomPlan(rt60_s=0.3, distance_m=1.0))
    assert mixing.voiced_dbfs(mixing.signal_of(scene.sound)) == pytest.approx(-26, abs=3)


def test_voice_bounds_find_the_first_and_last_voiced_5_ms() -> None:
    sound = np.zeros(RATE_HZ, np.float32)
    sound[4000:8000] = 0.1
    assert mixing.voice_bounds(sound) == (4000, 8000)


def test_soft_clipping_adds_a_third_harmonic_and_none_at_drive_0() -> None:
    n = np.arange(RATE_HZ)
    tone = (0.5 * np.sin(2 * np.pi * 500 * n / RATE_HZ)).astype(np.float32)
    assert np.array_equal(mixing.soft_clip(tone, 0.0), tone)
    spectrum = np.abs(np.fft.rfft(mixing.soft_clip(tone, 3.0)))
    assert 0.01 < spectrum[1500] / spectrum[500] < 0.5


def test_too_loud_sound_is_clipped_not_wrapped() -> None:
    assert mixing.to_pcm(np.array([2.0, -2.0])).tolist() == [32767, -32768]
