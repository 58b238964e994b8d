"""The visitor's own picture on the screen, as in a mirror: for a document, for a face, beside a teller.

It goes through bounded shared memory to the screen alone; it is wiped as soon as nobody wants it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np

from kiosk.call.board import Board
from kiosk.call.calls import planes
from kiosk.events import CameraFrame

WIDE_PX: Final = 640  # enough for a hand's breadth on the glass
HIGH_PX: Final = 800
LEAST_GAP_NS: Final = 60_000_000  # 15 pictures a second and a little


class Mirror:
    """`wanted` says whether the page has a mirror now. `tally_shown`: pictures that were put up."""

    def __init__(self, wanted: Callable[[], bool]) -> None:
        self._wanted = wanted
        self._board: Board | None = None
        self._last_ns = 0
        self.tally_shown = 0

    @property
    def address(self) -> str:
        """Where the screen finds the pictures; empty: there are none."""
        return self._board.address if self._board else ""

    def show(self, frame: CameraFrame) -> bool:
        """A frame of the camera. Returns whether the address changed, so that the page is to be shown anew."""
        if not self._wanted():
            return self.wipe()
        if frame.at_ns - self._last_ns < LEAST_GAP_NS:
            return False
        self._last_ns = frame.at_ns
        opened = self._board is None
        if self._board is None:
            self._board = Board.make()
        height, width = frame.bgr.shape[:2]
        scale = min(WIDE_PX / width, HIGH_PX / height)  # whatever a camera sends, memory is bounded
        small = (max(2, round(width * scale) // 2 * 2), max(2, round(height * scale) // 2 * 2))
        mirrored = np.asarray(cv2.flip(cv2.resize(frame.bgr, small), 1), np.uint8)
        self._board.put(planes(mirrored), frame.at_ns)
        self.tally_shown += 1
        return opened

    def wipe(self) -> bool:
        """Leave nothing of anybody's face in memory. Returns whether there was something."""
        if self._board is None:
            return False
        self._board.wipe()
        self._board.close()
        self._board = None
        return True
