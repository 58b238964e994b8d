"""Lines on the pad: where they begin and end, in the pad's units, and what a recorded visitor's pen does."""

from __future__ import annotations

import os

import pygame
import pytest

from contracts.screen import PAD
from kiosk.screen.boxes import Box, Hit
from kiosk.screen.fingers import Fingers
from kiosk.screen.pad import MOST_POINTS, Pad

pytestmark = pytest.mark.unit
BOX = Box(56, 1022, 968, 520)
HITS = (Hit(PAD, BOX, True), Hit("pad_done", Box(56, 1572, 300, 132), True))
DOWN, MOVE, UP = pygame.MOUSEBUTTONDOWN, pygame.MOUSEMOTION, pygame.MOUSEBUTTONUP


def mouse(kind: int, x: float, y: float) -> pygame.event.Event:
    return pygame.event.Event(kind, {"pos": (x, y), "touch": False, **({} if kind == MOVE else {"button": 1})})


def touch(kind: int, x: float, y: float, identifier: int = 3) -> pygame.event.Event:
    return pygame.event.Event(kind, {"x": x / 1080, "y": y / 1920, "finger_id": identifier})


def pad() -> Pad:
    return Pad(lambda point: point, (1080, 1920))


def test_a_line_goes_from_the_finger_s_coming_to_its_leaving_in_units_of_the_pad() -> None:
    made = pad()
    assert made.handle(mouse(DOWN, 156, 1122), HITS, 0) is None
    assert made.handle(mouse(MOVE, 256, 1222), HITS, 20_000_000) is None
    assert made.ink == (((100, 100, 0), (200, 200, 20)),)  # drawn before the core has heard of it
    assert made.handle(mouse(UP, 2000, 1222), HITS, 40_000_000) == ((100, 100, 0), (200, 200, 20), (968, 200, 40))
    assert len(made.ink) == 1
    made.shown()
    assert made.ink == ()


def test_a_finger_that_comes_down_elsewhere_draws_nothing_and_a_second_one_is_ignored() -> None:
    made = pad()
    assert made.handle(mouse(DOWN, 100, 1600), HITS, 0) is None
    assert made.handle(mouse(MOVE, 156, 1122), HITS, 0) is None and made.ink == ()
    assert made.handle(touch(pygame.FINGERDOWN, 156, 1122), HITS, 0) is None
    assert made.handle(touch(pygame.FINGERDOWN, 400, 1122, 4), HITS, 0) is None
    assert made.handle(touch(pygame.FINGERMOTION, 500, 1122, 4), HITS, 0) is None
    assert made.ink == (((100, 100, 0),),)
    assert made.handle(touch(pygame.FINGERUP, 156, 1200), HITS, 0) == ((100, 100, 0), (100, 178, 0))


def test_a_line_without_an_end_is_told_in_pieces_and_a_page_that_goes_takes_it_along() -> None:
    made = pad()
    made.handle(mouse(DOWN, 56, 1022), HITS, 0)
    told = [made.handle(mouse(MOVE, 60 + (i % 2) * 40, 1022 + i % 500), HITS, i) for i in range(MOST_POINTS + 5)]
    (line,) = [one for one in told if one]
    assert len(line) == MOST_POINTS
    made.drop()
    assert made.ink == () and made.handle(mouse(UP, 60, 1100), HITS, 0) is None


def test_the_pad_is_not_pressed_and_a_recorded_visitor_s_pen_draws_with_real_events() -> None:
    os.environ["SDL_VIDEODRIVER"] = "dummy"
    pygame.display.init()
    pygame.display.set_mode((108, 192))
    pygame.event.clear()
    hand, made = Fingers(lambda point: point, (1080, 1920)), pad()
    assert hand.handle(mouse(DOWN, 156, 1122), HITS) is None and hand.pressed == ""
    hand.write_like_a_visitor(HITS[0], ((0.1, 0.5), (0.5, 0.2), (0.9, 0.5)), lambda x, y: (round(x), round(y)))
    lines = []
    for turn in range(5):
        hand.due(turn)
        lines += [made.handle(event, HITS, turn) for event in pygame.event.get()]
    (line,) = [one for one in lines if one]
    assert [(x, y) for x, y, _ in line] == [(97, 260), (484, 104), (871, 260)]
