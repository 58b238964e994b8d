"""The staff's gesture: both lower corners held in order, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.page_samples import LANGUAGES, sample
from contracts.screen import STAFF_GESTURE, Page
from kiosk.screen.corners import BETWEEN_NS, HELD_NS, LONGEST_NS, Corners
from kiosk.screen.frame import UPRIGHT
from kiosk.screen.pages import PAGES, lay_out
from kiosk.screen.parts import ClockText, View

pytestmark = pytest.mark.unit

LEFT, RIGHT, MIDDLE = (60.0, 1890.0), (1020.0, 1890.0), (540.0, 1890.0)
S = 1_000_000_000


def hold(corners: Corners, point: tuple[float, float], begin_ns: int, end_ns: int, page: Page = "attract") -> bool:
    assert not corners.handle(True, 1, point, begin_ns, page, spoken=False)
    return corners.handle(False, 1, point, end_ns, page, spoken=False) == STAFF_GESTURE


def gesture(left_ns: int, between_ns: int, right_ns: int, page: Page = "attract") -> bool:
    corners = Corners(UPRIGHT)
    hold(corners, LEFT, 0, left_ns, page)
    return hold(corners, RIGHT, left_ns + between_ns, left_ns + between_ns + right_ns, page)


def test_left_then_right_each_held_opens() -> None:
    assert gesture(HELD_NS, S, HELD_NS)
    assert gesture(3 * S, BETWEEN_NS, LONGEST_NS, "outage")


@pytest.mark.parametrize(
    "times", [(HELD_NS - 1, S, HELD_NS), (HELD_NS, S, HELD_NS - 1), (HELD_NS, BETWEEN_NS + 1, HELD_NS),
              (LONGEST_NS + 1, S, HELD_NS), (HELD_NS, S, LONGEST_NS + 1)],
)  # fmt: skip
def test_too_short_too_late_or_something_that_lies_there_does_not(times: tuple[int, int, int]) -> None:
    assert not gesture(*times)


@pytest.mark.parametrize("page", [page for page in PAGES if page not in ("attract", "outage")])
def test_while_somebody_is_served_it_does_nothing(page: Page) -> None:
    assert not gesture(HELD_NS, S, HELD_NS, page)


def test_the_order_counts_and_a_touch_elsewhere_in_between_begins_it_anew() -> None:
    corners = Corners(UPRIGHT)
    hold(corners, RIGHT, 0, 3 * S)
    assert not hold(corners, LEFT, 4 * S, 7 * S)
    hold(corners, MIDDLE, 8 * S, 8 * S + 1)
    assert not hold(corners, RIGHT, 9 * S, 12 * S)


def test_two_hands_at_once_are_no_gesture() -> None:
    corners = Corners(UPRIGHT)
    corners.handle(True, 1, LEFT, 0, "attract", spoken=False)
    corners.handle(True, 2, RIGHT, 1, "attract", spoken=False)
    assert not corners.handle(False, 1, LEFT, 3 * S, "attract", spoken=False)
    assert not corners.handle(False, 2, RIGHT, 3 * S, "attract", spoken=False)


@given(st.lists(st.tuples(st.floats(0, 1080), st.floats(0, 1920), st.integers(0, 1_500_000_000)), max_size=30))
def test_taps_anywhere_never_open_it(taps: list[tuple[float, float, int]]) -> None:
    corners, now_ns = Corners(UPRIGHT), 0
    for x, y, lasts_ns in taps:
        assert not corners.handle(True, 1, (x, y), now_ns, "attract", spoken=False)
        assert not corners.handle(False, 1, (x, y), now_ns + lasts_ns, "attract", spoken=False)
        now_ns += lasts_ns + S


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_target_lies_in_a_corner(language: str) -> None:
    view = View(sample("attract", language), ClockText("10:24", "", ""))  # type: ignore[arg-type]
    corners = (LEFT, RIGHT)
    assert not [hit.target for hit in lay_out(view).hits() for point in corners if hit.box.contains(*point)]
