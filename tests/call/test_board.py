"""Pictures between two processes: the newest wins, shapes hold, nothing is left of anybody."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from kiosk.call.board import BOARD_BYTES, MOST_PIXELS, Board, BoardGone, boards_of

pytestmark = pytest.mark.contract


def picture(value: int, width: int = 640, height: int = 480) -> np.ndarray:
    return np.full((height * 3 // 2, width), value, np.uint8)


def test_a_reader_gets_the_newest_picture_once_with_its_shape_and_time() -> None:
    board = Board.make()
    reader = Board.open(board.address)
    assert reader.after(0) is None
    for value in range(1, 6):
        board.put(picture(value, 320, 240), value * 100)
    shown = reader.after(0)
    assert shown is not None and shown.planes.shape == (360, 320)
    assert int(shown.planes[0, 0]) == 5 and shown.at_ns == 500
    assert reader.after(shown.number) is None
    board.put(picture(9), 900)
    again = reader.after(shown.number)
    assert again is not None and again.planes.shape == (720, 640)
    reader.close()
    board.close()


@pytest.mark.parametrize("shape", [(480, 641), (481, 640), (0, 0), (3000, 2000)])
def test_a_picture_that_does_not_fit_is_refused(shape: tuple[int, int]) -> None:
    board = Board.make()
    with pytest.raises(ValueError, match=str(MOST_PIXELS)):
        board.put(np.zeros(shape, np.uint8) if shape[0] else np.zeros((3, 1), np.uint8), 1)
    board.close()


def test_another_process_reads_it_and_it_is_on_no_disk() -> None:
    board = Board.make()
    board.put(picture(77), 5)
    code = (
        "import sys; from kiosk.call.board import Board;"
        "b = Board.open(sys.argv[1]); s = b.after(0); print(int(s.planes.mean()), s.at_ns)"
    )
    read = subprocess.run([sys.executable, "-c", code, board.address], capture_output=True, text=True, check=True)
    assert read.stdout.split() == ["77", "5"]
    assert len(boards_of(os.getpid())) >= 1
    assert all("memfd" in str(path.readlink()) for path in boards_of(os.getpid()))
    board.wipe()
    assert board.after(0) is None
    before = len(boards_of(os.getpid()))
    board.close()
    assert len(boards_of(os.getpid())) < before


def test_what_is_no_board_is_not_opened(tmp_path) -> None:
    path = tmp_path / "picture"
    path.write_bytes(bytes(BOARD_BYTES))
    for address in (str(path), "/proc/1/fd/999999", ""):
        with pytest.raises(BoardGone):
            Board.open(address)
