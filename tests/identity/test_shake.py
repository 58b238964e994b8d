"""A lobby stands still before a fixed camera; one that shakes is in a hand; people who walk by shake nothing."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from bench.portraits.puppet import HEIGHT_PX, WIDTH_PX, Picture
from kiosk.identity.shake import Shift, Surroundings, spread
from models.thresholds import load
from models.yunet import Face

pytestmark = pytest.mark.unit
FACE = Face(x=178, y=90, w=124, h=150, landmarks=np.zeros((5, 2), np.float32), score=0.9)
WIDE = np.random.default_rng(3).integers(0, 255, (HEIGHT_PX // 8 + 10, WIDTH_PX // 8 + 10, 3)).astype(np.uint8)


def scene(dx: int = 0, dy: int = 0, seed: int = 0) -> Picture:
    """A lobby with much in it, moved by whole pixels, with a camera's noise."""
    large = np.asarray(cv2.GaussianBlur(np.kron(WIDE, np.ones((8, 8, 1), np.uint8)), (0, 0), 3.0))
    cut = large[20 + dy : 20 + dy + HEIGHT_PX, 20 + dx : 20 + dx + WIDTH_PX].astype(np.float32)
    return np.clip(cut + np.random.default_rng(seed).normal(0, 2.5, cut.shape), 0, 255).astype(np.uint8)


def shifts(pictures: list[Picture]) -> list[Shift]:
    around = Surroundings()
    return [found for picture in pictures if (found := around.shift(picture, FACE)) is not None]


def test_a_lobby_that_stands_still_does_and_one_in_a_hand_shakes() -> None:
    rng = np.random.default_rng(1)
    still = shifts([scene(seed=n) for n in range(20)])
    held = shifts([scene(*(int(v) for v in np.rint(rng.normal(0, 2, 2))), seed=n) for n in range(20)])
    assert len(still) == 20 and len(held) >= 15
    assert spread(still) < load("liveness")["shaken"].value / 2 < load("liveness")["shaken"].value < spread(held)


def test_two_places_differ_by_about_as_much_as_the_lobby_moved_in_hundredths_of_the_width() -> None:
    _, right, left = shifts([scene(), scene(-3, 3), scene(3, -3)])
    true = 6 / WIDTH_PX * 100
    assert 0.6 * true < right[0] - left[0] < 1.5 * true and 0.6 * true < left[1] - right[1] < 1.5 * true


def test_people_who_walk_by_on_one_side_shake_nothing() -> None:
    pictures = []
    for n in range(20):
        picture = scene(seed=n)
        picture[:, : WIDTH_PX // 4] = np.roll(scene(seed=n), 13 * n, axis=1)[:, : WIDTH_PX // 4]
        pictures.append(picture)
    assert spread(shifts(pictures)) < load("liveness")["shaken"].value / 2


def test_a_plain_wall_says_nothing_and_nothing_is_held_afterwards() -> None:
    around = Surroundings()
    wall = np.full((HEIGHT_PX, WIDTH_PX, 3), 180, np.uint8)
    assert around.shift(wall, FACE) is None
    assert around._first is not None
    around.forget()
    assert around._first is None
    assert spread([]) == 0.0
