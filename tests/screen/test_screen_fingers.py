"""Where a finger lands, and when it counts."""

from __future__ import annotations

import pygame
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.screen.boxes import Box, Hit, hit_at
from kiosk.screen.composer import merged
from kiosk.screen.fingers import PRESS_NS, Fingers

pytestmark = pytest.mark.unit

CHIP = Hit("chip", Box(100, 1200, 300, 120), True)
DEAD = Hit("dead", Box(500, 1200, 300, 120), False)
HIGH = Hit("high", Box(100, 700, 300, 120), True)
HITS = (CHIP, DEAD, HIGH)


def mouse(down: bool, x: float, y: float, **more: object) -> pygame.event.Event:
    kind = pygame.MOUSEBUTTONDOWN if down else pygame.MOUSEBUTTONUP
    return pygame.event.Event(kind, {"pos": (x, y), "button": 1, "touch": False, **more})


def finger(down: bool, x: float, y: float, identifier: int = 7) -> pygame.event.Event:
    kind = pygame.FINGERDOWN if down else pygame.FINGERUP
    return pygame.event.Event(kind, {"x": x / 1080, "y": y / 1920, "finger_id": identifier})


def fingers() -> Fingers:
    return Fingers(lambda point: point, (1080, 1920))


@pytest.mark.parametrize("make", [mouse, finger])
def test_a_press_counts_once_when_the_finger_leaves_the_target(make: object) -> None:
    hand = fingers()
    assert hand.handle(make(True, 250, 1260), HITS) is None  # type: ignore[operator]
    assert hand.pressed == "chip"
    assert hand.handle(make(False, 252, 1262), HITS) == "chip"  # type: ignore[operator]
    assert hand.pressed == ""
    assert hand.handle(make(False, 252, 1262), HITS) is None  # type: ignore[operator]


@pytest.mark.parametrize(
    ("x", "y"),
    [(650, 1260), (250, 760), (450, 1260), (99, 1200), (400, 1200), (250, 1320)],
    ids=["disabled", "above the line", "beside", "left of it", "right edge", "bottom edge"],
)
def test_elsewhere_nothing_is_pressed(x: int, y: int) -> None:
    hand = fingers()
    hand.handle(mouse(True, x, y), HITS)
    assert hand.pressed == ""
    assert hand.handle(mouse(False, x, y), HITS) is None


def test_a_finger_that_slides_away_takes_its_press_back() -> None:
    hand = fingers()
    hand.handle(mouse(True, 250, 1260), HITS)
    assert hand.handle(mouse(False, 250, 1500), HITS) is None


def test_a_target_that_is_gone_when_the_finger_lifts_is_not_pressed() -> None:
    hand = fingers()
    hand.handle(mouse(True, 250, 1260), HITS)
    assert hand.handle(mouse(False, 250, 1260), (DEAD, HIGH)) is None


def test_a_second_finger_and_the_mouse_copy_of_a_touch_change_nothing() -> None:
    hand = fingers()
    hand.handle(finger(True, 250, 1260, 1), HITS)
    assert hand.handle(mouse(True, 250, 1260, touch=True), HITS) is None
    assert hand.handle(finger(True, 250, 1260, 2), HITS) is None
    assert hand.handle(finger(False, 250, 1260, 2), HITS) is None
    assert hand.pressed == "chip"
    assert hand.handle(finger(False, 250, 1260, 1), HITS) == "chip"


def test_a_recorded_visitor_s_press_comes_through_the_same_events_and_lasts_90_ms(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    pygame.display.init()
    try:
        hand = fingers()
        hand.press_like_a_visitor(CHIP, lambda x, y: (round(x), round(y)), 0)
        assert [hand.handle(event, HITS) for event in pygame.event.get(pygame.MOUSEBUTTONDOWN)] == [None]
        hand.due(PRESS_NS - 1)
        assert pygame.event.get(pygame.MOUSEBUTTONUP) == []
        hand.due(PRESS_NS)
        assert [hand.handle(event, HITS) for event in pygame.event.get(pygame.MOUSEBUTTONUP)] == ["chip"]
    finally:
        pygame.display.quit()


def test_presses_of_a_recorded_visitor_follow_each_other_and_none_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    other = Hit("other", Box(500, 1400, 300, 120), True)
    pygame.display.init()
    try:
        hand, pressed = fingers(), []
        for hit in (CHIP, other):
            hand.press_like_a_visitor(hit, lambda x, y: (round(x), round(y)), 0)
        for now_ns in range(0, 400_000_000, 10_000_000):
            hand.due(now_ns)
            pressed += [hand.handle(event, (*HITS, other)) for event in pygame.event.get()]
        assert [target for target in pressed if target] == ["chip", "other"]
    finally:
        pygame.display.quit()


BOXES = st.builds(Box, st.integers(0, 900), st.integers(0, 1800), st.integers(1, 300), st.integers(1, 300))


@given(st.lists(BOXES, max_size=8), st.integers(0, 1080), st.integers(0, 1920))
def test_the_topmost_target_under_the_point_is_found_and_no_other(boxes: list[Box], x: int, y: int) -> None:
    hits = [Hit(str(i), box, True) for i, box in enumerate(boxes)]
    under = [hit for hit in hits if hit.box.x <= x < hit.box.right and hit.box.y <= y < hit.box.bottom]
    assert hit_at(hits, x, y) == (under[-1] if under else None)


RECTS = st.builds(pygame.Rect, st.integers(0, 50), st.integers(0, 50), st.integers(0, 30), st.integers(0, 30))


@given(st.lists(RECTS, max_size=8))
def test_merged_rectangles_cover_all_and_do_not_overlap(rects: list[pygame.Rect]) -> None:
    result = merged(rects)
    for rect in rects:
        assert not rect.width or not rect.height or any(one.contains(rect) for one in result)
    for i, a in enumerate(result):
        assert not any(a.colliderect(b) for b in result[i + 1 :])
