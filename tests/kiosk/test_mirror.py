"""The visitor's own picture: bounded whatever the camera sends, as in a mirror, and gone when nobody wants it."""

from __future__ import annotations

import numpy as np
import pytest

from kiosk.call.board import MOST_PIXELS, Board
from kiosk.events import CameraFrame
from kiosk.vision.mirror import Mirror

pytestmark = pytest.mark.unit


def frame(height: int, width: int, at_ns: int = 10**9) -> CameraFrame:
    picture = np.zeros((height, width, 3), np.uint8)
    picture[:, : width // 2] = 255  # light at the left
    return CameraFrame(bgr=picture, at_ns=at_ns)


@pytest.mark.parametrize("size", [(480, 640), (4100, 4100), (12_000, 60), (60, 12_000)], ids=str)
def test_a_picture_of_any_size_comes_through_bounded_and_mirrored(size: tuple[int, int]) -> None:
    mirror = Mirror(lambda: True)
    assert mirror.show(frame(*size))
    board = Board.open(mirror.address)
    shown = board.after(0)
    assert shown is not None and shown.planes.size * 2 // 3 <= MOST_PIXELS
    luma = shown.planes[: shown.planes.shape[0] * 2 // 3]
    assert luma[:, -1].mean() > 200 > 60 > luma[:, 0].mean()
    assert not mirror.show(frame(*size, at_ns=10**9 + 1))  # sooner than anybody sees
    assert mirror.tally_shown == 1
    board.close()
    mirror.wipe()


def test_when_nobody_wants_it_the_memory_is_wiped_and_closed() -> None:
    wanted = [True]
    mirror = Mirror(lambda: wanted[0])
    mirror.show(frame(480, 640))
    board = Board.open(mirror.address)
    wanted[0] = False
    assert mirror.show(frame(480, 640, at_ns=2 * 10**9))
    assert mirror.address == "" and board.newest == 0
    board.close()
