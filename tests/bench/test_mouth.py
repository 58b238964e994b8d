"""The bench of the mouth finds the skew that there is: none, a late plan, a late loudspeaker."""

from __future__ import annotations

import numpy as np
import pytest

from avatar.timeline import LEAD_MS
from bench.mouth import DRAW_MS, Watched, closures_late_ms, friction_middles, loudness_db, nearest_ms, planned_middles
from bench.tts import spread

pytestmark = pytest.mark.unit

RATE_HZ = 24_000
BLOCK = 480


def watched(late_ms: float) -> Watched:
    """A second of speech at real pace; a screen of 30 frames a second whose position is `late_ms` behind."""
    speech = np.arange(1, RATE_HZ + 1, dtype=np.int16)
    found = Watched(speech)
    for number in range(RATE_HZ // BLOCK):
        found.played(speech[number * BLOCK : (number + 1) * BLOCK], (number + 1) * 20_000_000)
    for frame in range(30):
        at_s = frame / 30
        found.shown.append((int((at_s + DRAW_MS / 1e3) * 1e9), int((at_s - late_ms / 1e3) * RATE_HZ)))
    return found


@pytest.mark.parametrize("late_ms", [-50.0, 0.0, 80.0])
def test_a_late_position_is_found_with_the_age_of_the_frame_and_the_figures_lead(late_ms: float) -> None:
    skew_ms = watched(late_ms).late_ms()
    expected_ms = late_ms + DRAW_MS + 1000 / 30 / 2 - LEAD_MS
    assert abs(float(np.median(skew_ms)) - expected_ms) < 3
    assert skew_ms.max() - skew_ms.min() <= 1000 / 30 + 1


def test_a_loudspeaker_that_ran_dry_does_not_count_as_speech_and_a_wrong_block_is_counted() -> None:
    speech = np.arange(1, 4 * BLOCK + 1, dtype=np.int16)
    found = Watched(speech)
    found.played(speech[:BLOCK], 20_000_000)
    found.played(np.zeros(BLOCK, np.int16), 40_000_000)
    found.played(speech[BLOCK : 2 * BLOCK], 60_000_000)
    assert found.heard == [(20_000_000, BLOCK), (60_000_000, 2 * BLOCK)] and found.lost_blocks == 0
    found.played(speech[:BLOCK], 80_000_000)
    assert found.lost_blocks == 1


def test_friction_and_closures_are_found_where_they_are() -> None:
    rng = np.random.default_rng(3)
    time_s = np.arange(RATE_HZ) / RATE_HZ
    vowel = 6000 * np.sin(2 * np.pi * 220 * time_s) + 3000 * np.sin(2 * np.pi * 700 * time_s)
    hiss = np.diff(rng.normal(0, 3000, RATE_HZ + 1))  # more power the higher
    sound = vowel.copy()
    sound[7200:9600] = hiss[7200:9600]  # 300 to 400 ms
    sound[16_800:18_000] = 0  # 700 to 750 ms
    pcm = sound.astype(np.int16)
    phones = [("a", 0, 7200), ("s", 8400, 10_800), ("a", 10_800, 16_800), ("p", 16_800, 18_000), ("a", 18_000, 24_000)]
    (middle,) = friction_middles(pcm)
    assert abs(middle - 350) <= 5
    (late,) = nearest_ms(planned_middles(phones, frozenset("s")), [middle])
    assert abs(late - 50) <= 5
    (closure,) = closures_late_ms(phones, loudness_db(pcm))
    assert abs(closure) <= 25  # it is quiet for 50 ms


def test_a_friction_with_nothing_near_it_counts_as_not_found() -> None:
    assert nearest_ms([100.0, 500.0], [120.0]) == [-20.0]
    assert nearest_ms([100.0], []) == []
    assert spread([]) == {"p50": 0.0, "p95": 0.0, "max": 0.0, "n": 0}
