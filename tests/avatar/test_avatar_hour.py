"""An hour of speech: the mouth is where the sound is, at its end as at its beginning."""

from __future__ import annotations

import numpy as np
import pytest

from bench.avatar_hour import EDGE_S, FPS, hour

pytestmark = pytest.mark.unit


def test_after_an_hour_of_speech_the_mouth_is_as_near_the_sound_as_in_the_beginning() -> None:
    found = hour()
    first, last = np.abs(found.first_ms), np.abs(found.last_ms)
    assert found.pictures > 0.9 * 3600 * FPS
    assert len(found.last_ms) > 0.8 * EDGE_S * FPS
    assert np.percentile(last, 95) <= 45
    assert abs(np.percentile(last, 95) - np.percentile(first, 95)) < 2
    assert abs(np.mean(found.last_ms) - np.mean(found.first_ms)) < 1  # nothing drifts


def test_a_mouth_that_trusts_its_own_clock_would_be_a_second_late() -> None:
    """The hour is one in which drift would show."""
    assert np.percentile(np.abs(hour().free_ms), 50) > 500
