"""A camera's troubles, each said within a second of pictures: the pictures in, a stable code out."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from kiosk.vision.picture import MS, PictureWatch
from models.yunet import Face

pytestmark = pytest.mark.unit
RNG = np.random.default_rng(3)
Draw = Callable[[int], np.ndarray]


SHEET = RNG.normal(0, 3, (480, 640, 3))


def noise(number: int, height: int = 480, width: int = 640) -> np.ndarray:
    return np.resize(np.roll(SHEET, number * 37, axis=(0, 1)), (height, width, 3))


def lobby(number: int, width: int = 640, height: int = 480) -> np.ndarray:
    shade = np.linspace(200, 120, height)[:, None, None] * np.ones((1, width, 3))
    shade[height // 3 : height // 2, width // 3 : width // 2] = 60
    return np.clip(shade + noise(number, height, width), 0, 255).astype(np.uint8)


def told_after_ms(draw: Draw, hz: float = 4, before: Draw = lobby) -> tuple[str, float]:
    """Two seconds of a good picture, then `draw`: the code that is told, and after how many milliseconds."""
    watch = PictureWatch()
    period_ms = 1000 / hz
    for look in range(round(2 * hz)):
        watch.look(before(look), round(look * period_ms * MS))
        assert watch.trouble is None
    began = round(2 * hz) * period_ms
    for look in range(round(3 * hz)):
        at_ms = began + look * period_ms
        trouble = watch.look(draw(1000 + look), round(at_ms * MS))
        if trouble is not None:
            return trouble.code, at_ms - began
    return "", 0.0


FROZEN = lobby(1)


@pytest.mark.parametrize(
    ("draw", "code"),
    [
        pytest.param(
            lambda n: np.clip(8 + noise(n) / 2, 0, 255).astype(np.uint8), "covered", id="a hand over the lens"
        ),
        pytest.param(
            lambda n: np.clip(170 + noise(n) / 2, 0, 255).astype(np.uint8), "covered", id="tape over the lens"
        ),
        pytest.param(lambda n: FROZEN, "frozen", id="the same picture for ever"),
        pytest.param(lambda n: np.clip(lobby(n).astype(int) + 150, 0, 255).astype(np.uint8), "overexposed", id="sun"),
        pytest.param(lambda n: np.zeros((0, 0, 3), np.uint8), "not_a_picture", id="empty"),
        pytest.param(lambda n: np.zeros((480, 640), np.uint8), "not_a_picture", id="grey only"),
        pytest.param(lambda n: np.zeros((2, 9000, 3), np.uint8), "not_a_picture", id="huge"),
        pytest.param(
            lambda n: np.vstack([lobby(n)[:300], np.full((180, 640, 3), 128, np.uint8)]), "torn", id="cut off"
        ),
    ],
)
@pytest.mark.parametrize("hz", [4, 15])
def test_what_is_no_picture_of_a_lobby_is_told_within_a_second(draw: Draw, code: str, hz: float) -> None:
    found, after_ms = told_after_ms(draw, hz)
    assert (found, after_ms <= 1000) == (code, True)


def test_two_pictures_a_second_and_small_ones_are_told_and_still_looked_at() -> None:
    watch = PictureWatch()
    for look in range(8):
        watch.look(lobby(look), look * 500 * MS)
    assert watch.trouble is not None and watch.trouble.code == "slow" and not watch.trouble.blind
    watch = PictureWatch()
    for look in range(8):
        watch.look(lobby(look, 160, 120), look * 250 * MS)
    assert watch.trouble is not None and watch.trouble.code == "small" and not watch.trouble.blind


def test_a_picture_of_4k_is_one_like_any_other() -> None:
    watch, big = PictureWatch(), lobby(0, 3840, 2160)
    for look in range(6):
        big[:8, :8] = look * 20
        watch.look(np.roll(big, look, axis=1), look * 250 * MS)
    assert watch.trouble is None


def test_somebody_who_walks_through_a_dark_hall_is_no_trouble_that_blinds() -> None:
    watch = PictureWatch()
    for look in range(8):
        picture = np.clip(lobby(look) * 0.09, 0, 255).astype(np.uint8)
        cv2.circle(picture, (80 * look, 200), 50, (70, 80, 110), -1)
        watch.look(picture, look * 250 * MS)
    assert watch.trouble is None or not watch.trouble.blind


def face(score: float) -> Face:
    return Face(x=200, y=100, w=120, h=150, landmarks=np.zeros((5, 2), np.float32), score=score)


def test_a_camera_upside_down_is_told_by_faces_that_are_surer_the_other_way_up() -> None:
    watch = PictureWatch()
    for look in range(8):
        at_ns = look * 250 * MS
        watch.look(lobby(look), at_ns)
        if watch.doubts_upright(0.78, at_ns):
            watch.upright([face(0.78)], [face(0.94)])
        if watch.trouble:
            break
    assert watch.trouble is not None and watch.trouble.code == "upside_down" and watch.trouble.tamper
    assert look * 250 <= 1000


def test_a_sure_face_costs_no_second_look_and_an_empty_lobby_none_either() -> None:
    watch = PictureWatch()
    for look in range(8):
        watch.look(lobby(look), look * 250 * MS)
        assert not watch.doubts_upright(0.93, look * 250 * MS)
        assert not watch.doubts_upright(0.0, look * 250 * MS + 1)


def test_blue_skin_means_that_the_colours_are_swapped() -> None:
    def told(skin: tuple[int, int, int]) -> str:
        watch = PictureWatch()
        for look in range(8):
            picture = lobby(look)
            cv2.rectangle(picture, (200, 100), (320, 250), skin, -1)
            watch.colours(picture, [face(0.95)])
            watch.look(picture, look * 125 * MS)
        return watch.trouble.code if watch.trouble else ""

    assert told((180, 140, 110)) == "colours_swapped"
    assert told((110, 140, 180)) == "" and told((60, 75, 110)) == ""


def test_a_trouble_that_is_over_is_over_and_each_is_counted_once() -> None:
    watch = PictureWatch()
    for look in range(40):
        covered = 8 <= look < 20
        picture = np.full((480, 640, 3), 5, np.uint8) + (look % 2) if covered else lobby(look)
        watch.look(picture.astype(np.uint8), look * 250 * MS)
    assert watch.trouble is None and watch.tally["covered"] == 1
