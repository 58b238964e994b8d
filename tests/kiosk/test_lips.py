"""Lips that moved while something was said, and a share that is not guessed where they were not seen."""

from __future__ import annotations

import pytest

from kiosk.vision.lips import KEPT_MS, LipWatch

pytestmark = pytest.mark.unit

MS = 1_000_000
STEP_MS = 125


def watched(gaps: list[float | None], yaw_deg: float = 0.0) -> LipWatch:
    watch = LipWatch()
    for i, gap in enumerate(gaps):
        watch.saw(i * STEP_MS * MS, gap, yaw_deg)
    return watch


def until(count: int) -> int:
    return count * STEP_MS * MS


def test_lips_that_open_and_close_are_moving_and_a_resting_mouth_is_not() -> None:
    assert watched([0.03, 0.07, 0.02, 0.06] * 4).share(0, until(16)) == 1.0
    assert watched([0.03, 0.035, 0.031, 0.029] * 4).share(0, until(16)) == 0.0


def test_a_mouth_held_open_does_not_move() -> None:
    assert watched([0.12] * 16).share(0, until(16)) == 0.0


def test_only_the_time_that_was_asked_about_counts() -> None:
    watch = watched([0.03] * 12 + [0.03, 0.08] * 6)
    quiet, speaking = watch.share(0, until(8)), watch.share(until(13), until(24))
    assert quiet == 0.0 and speaking == 1.0


def test_no_face_a_turned_face_or_too_few_looks_say_nothing() -> None:
    assert watched([None] * 16).share(0, until(16)) is None
    assert watched([0.03, 0.08] * 8, yaw_deg=50).share(0, until(16)) is None
    assert watched([0.03, 0.08] * 8).share(until(2), until(3)) is None
    assert LipWatch().share(0, until(16)) is None


def test_more_than_half_must_have_been_seen() -> None:
    gaps: list[float | None] = [0.03, None, None] * 6
    assert watched(gaps).share(0, until(18)) is None


def test_looks_older_than_half_a_minute_are_gone_and_all_of_them_after_forgetting() -> None:
    watch = watched([0.03, 0.08] * 8)
    watch.saw((KEPT_MS + 20 * STEP_MS) * MS, 0.03)
    assert watch.share(0, until(16)) is None
    watch = watched([0.03, 0.08] * 8)
    watch.forget()
    assert watch.share(0, until(16)) is None


def test_memory_is_bounded_however_fast_the_camera_is() -> None:
    watch = LipWatch()
    for i in range(5000):
        watch.saw(i * MS, 0.03)
    assert len(watch._looks) <= 600
