"""Was somebody in front while something was said?"""

from __future__ import annotations

import pytest

from kiosk.vision.attendance import KEPT_NS, STALE_NS, Attendance

pytestmark = pytest.mark.unit

S = 1_000_000_000


def test_the_share_is_of_the_looks_in_that_time_and_none_without_a_camera() -> None:
    attendance = Attendance()
    assert attendance.share(0, 10 * S) is None
    for second in range(10):
        attendance.note(second * S, here=second >= 5, near=2 if second == 7 else 1)
    assert attendance.share(0, 4 * S) == 0.0
    assert attendance.share(5 * S, 9 * S) == 1.0
    assert attendance.share(3 * S, 6 * S) == 0.5
    assert attendance.near(5 * S, 6 * S) == 1 and attendance.near(6 * S, 8 * S) == 2


def test_between_two_looks_the_last_one_counts_but_not_for_ever() -> None:
    attendance = Attendance()
    attendance.note(S, here=True, near=1)
    assert attendance.share(S + 10, S + 20) == 1.0
    assert attendance.share(S + STALE_NS, S + STALE_NS + 20) is None


def test_no_more_than_a_minute_is_held() -> None:
    attendance = Attendance()
    for second in range(1000):
        attendance.note(second * S, here=True, near=1)
    assert len(attendance._looks) <= KEPT_NS // S + 1
    attendance.forget()
    assert attendance.share(0, 1000 * S) is None
