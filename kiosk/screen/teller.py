"""The teller's picture on the page: the newest one of the call process's shared memory, in place of the figure.

Never waits: a picture that is not there yet leaves the one before. When the call is over nothing of it is kept.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import pygame

from kiosk.call.board import Board, BoardGone
from kiosk.screen.boxes import Box

BOX: Final = Box(56, 196, 968, 726)  # 4:3, where she stands on the page of a conversation
CORNER: Final = 36
BARS: Final = (28, 32, 16, 255)  # blue, green, red, alpha: behind a picture of another shape


class TellerWindow:
    """`factor` is pixels per design unit. `tally_gone`: times that the pictures were not to be found."""

    def __init__(self, factor: float) -> None:
        x, y, width, height = (round(v * factor) for v in (BOX.x, BOX.y, BOX.width, BOX.height))
        self.rect = pygame.Rect(x, y, width, height)
        self._mask = _corners(width, height, round(CORNER * factor))
        self._board: Board | None = None
        self._address = ""
        self._number = 0
        self.surface: pygame.Surface | None = None  # None: nothing is shown
        self.tally_gone = 0

    def follow(self, address: str) -> bool:
        """Pictures lie at `address` from now on (empty: none). Returns whether the place must be drawn anew."""
        if address == self._address:
            return False
        shown = self.surface is not None
        self._close()
        self._address = address
        if address:
            try:
                self._board = Board.open(address)
            except BoardGone:
                self.tally_gone += 1
        return shown

    def look(self) -> bool:
        """Take the newest picture. Returns whether there was one."""
        shown = self._board.after(self._number) if self._board is not None else None
        if shown is None:
            return False
        self._number = shown.number
        bgra = cv2.cvtColor(shown.planes, cv2.COLOR_YUV2BGRA_I420)
        height, width = bgra.shape[:2]
        scale = min(self.rect.width / width, self.rect.height / height)
        wide, high = max(1, round(width * scale)), max(1, round(height * scale))
        fitted = cv2.resize(bgra, (wide, high), interpolation=cv2.INTER_LINEAR)
        if (wide, high) != self.rect.size:  # another shape: bars in the colour of the picture's edge
            left, top = (self.rect.width - wide) // 2, (self.rect.height - high) // 2
            right, bottom = self.rect.width - wide - left, self.rect.height - high - top
            fitted = cv2.copyMakeBorder(fitted, top, bottom, left, right, cv2.BORDER_CONSTANT, value=BARS)
        fitted = np.ascontiguousarray(fitted)
        fitted[:, :, 3] = self._mask
        self.surface = pygame.image.frombuffer(fitted.tobytes(), self.rect.size, "BGRA")
        return True

    def _close(self) -> None:
        if self._board is not None:
            self._board.close()
        self._board, self._number, self.surface = None, 0, None


def _corners(width: int, height: int, radius: int) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """(height, width) uint8: 255 inside a rectangle with round corners."""
    mask = np.zeros((height, width), np.uint8)
    cv2.rectangle(mask, (radius, 0), (width - radius - 1, height), 255, -1)
    cv2.rectangle(mask, (0, radius), (width, height - radius - 1), 255, -1)
    for x in (radius, width - radius - 1):
        for y in (radius, height - radius - 1):
            cv2.circle(mask, (x, y), radius, 255, -1, cv2.LINE_AA)
    return mask
