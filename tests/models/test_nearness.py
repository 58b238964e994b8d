"""Who is quieter than usual and less near is somebody across the room; one of the two alone says nothing."""

from __future__ import annotations

import numpy as np
import pytest

from models.nearness import FEATURES, LESS_NEAR, QUIETER_DB, Nearness, further

pytestmark = pytest.mark.unit

LEVEL, OVER = FEATURES.index("level_db"), FEATURES.index("over_background_db")


def sound(level_db: float, over_db: float = 35.0) -> np.ndarray:
    found = np.zeros(len(FEATURES), np.float32)
    found[LEVEL], found[OVER] = level_db, over_db
    return found


@pytest.mark.parametrize(
    ("level_db", "near", "against"),
    [
        (-26.0, 5.0, 0.0),  # as usual
        (-34.0, 5.0, 0.0),  # softly spoken, and as near as ever
        (-26.0, -5.0, 0.0),  # turned away
        (-20.0, -5.0, 0.0),  # an announcement is louder: its voice tells it
        (-26.0 - QUIETER_DB, 5.0 - LESS_NEAR, 0.0),
        (-32.0, 0.0, 4.5),  # 4 dB and 3 log odds beyond
        (-46.0, 0.0, 4.5),  # the lesser of the two counts
    ],
)
def test_both_must_have_fallen(level_db: float, near: float, against: float) -> None:
    assert further(sound(level_db), sound(-26.0), near, 5.0) == pytest.approx(against)


def test_in_noise_it_counts_for_less_and_in_loud_noise_not_at_all() -> None:
    quiet, noisy, lost = (further(sound(-36.0, over), sound(-26.0), -5.0, 5.0) for over in (30.0, 10.0, -5.0))
    assert quiet == pytest.approx(2 * noisy) and noisy > 0 and lost == 0


def test_the_same_likeness_counts_for_less_where_the_voice_comes_from_across_the_room() -> None:
    nearness = Nearness()
    usual = np.array([-26, 38, -3, 12, 2, 30, 5, 1.9, 11], np.float32)
    away = usual + np.array([-8, -8, 0, -3, 0, 0, -3, -0.3, -3], np.float32)
    near, was = nearness.near(away), nearness.near(usual)
    assert further(away, usual, near, was) > 3
    raised = away + np.array([8, 0, 0, 0, 0, 0, 0, 0, 0], np.float32)  # the same, as loud as usual
    assert nearness.same(away, usual, 0.85, 1.5) < nearness.same(raised, usual, 0.85, 1.5) - 2
