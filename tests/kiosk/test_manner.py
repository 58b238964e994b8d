"""Pace and loudness: by profile and noise, in small steps, never above the limit, never clipped."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.schema import Voice
from kiosk.dialogue.manner import STEP_DB, Manner, louder, manner

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("profile", "noise_dbfs", "speed", "gain_db"),
    [
        ("standard", None, 1.0, 0.0),
        ("standard", -70.0, 1.0, 0.0),
        ("standard", -49.0, 1.0, 3.0),
        ("standard", -20.0, 1.0, 6.0),
        ("elder", None, 0.85, 2.0),
        ("elder", -51.0, 0.85, 4.0),
        ("elder", -10.0, 0.85, 6.0),
    ],
)
def test_half_a_decibel_for_each_of_noise_and_two_for_elders_up_to_the_limit(
    profile: str, noise_dbfs: float | None, speed: float, gain_db: float
) -> None:
    assert manner(Voice(), profile, noise_dbfs) == Manner(speed, gain_db)


@given(st.floats(-120, 0), st.floats(0, 9), st.floats(0, 9), st.sampled_from(["standard", "elder"]))
def test_loudness_never_passes_the_limit_and_changes_by_steps(
    noise_dbfs: float, before_db: float, limit_db: float, profile: str
) -> None:
    voice = Voice(gain_max_db=limit_db)
    found = manner(voice, profile, noise_dbfs, Manner(gain_db=min(before_db, limit_db)))
    assert 0 <= found.gain_db <= limit_db
    assert abs(found.gain_db - min(before_db, limit_db)) <= STEP_DB + 1e-9


@pytest.mark.parametrize("gain_db", [-6.0, 0.0, 3.0, 9.0, 40.0])
def test_the_loudest_samples_are_bent_and_keep_their_order(gain_db: float) -> None:
    pcm = np.arange(-32768, 32768, 16, dtype=np.int32).astype(np.int16)
    out = louder(pcm, gain_db)
    assert out.dtype == np.int16 and np.all(np.diff(out.astype(int)) >= 0)
    assert gain_db == 0 or np.abs(out.astype(int)).max() < 32767
    quiet = np.abs(pcm.astype(int)) * 10 ** (gain_db / 20) < 20000
    np.testing.assert_allclose(out[quiet], pcm[quiet] * 10 ** (gain_db / 20), atol=2)
