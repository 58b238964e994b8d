"""The teller's picture on the page: the newest one of the call process's shared memory, below the receptionist.

Never waits: a picture that is not there yet leaves the one before. When the call is over nothing of it is kept.
"""

from __future__ import annotations

from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt
import pygame

from kiosk.call.board import Board, BoardGone
from kiosk.screen.boxes import Box

BOX: Final = Box(130, 356, 820, 615)  # 4:3, above the sheet of a conversation
BARS: Final = (28, 32, 16, 255)  # blue, green, red, and what is not used: behind a picture of another shape


class TellerWindow:
    """`factor` is pixels per design unit. `tally_gone`: times that the pictures were not to be found."""

    def __init__(self, factor: float) -> None:
        self._factor, self._box = factor, BOX
        self.rect = self._on_glass(BOX)
        self._glass: pygame.Surface | None = None
        self._board: Board | None = None
        self._address = ""
        self._number = 0
        self.tally_gone = 0

    @property
    def surface(self) -> pygame.Surface | None:
        """What is shown; None: nothing."""
        return self._glass if self._number else None

    def place(self, box: Box) -> list[pygame.Rect]:
        """Show the picture there from now on; what must be drawn anew."""
        if box == self._box:
            return []
        before = [self.rect] if self.surface is not None else []
        self._box, self.rect = box, self._on_glass(box)
        if self._board is not None:
            self._glass, self._number = pygame.Surface(self.rect.size, 0, 32), 0
        return [*before, self.rect]

    def _on_glass(self, box: Box) -> pygame.Rect:
        x, y, width, height = (round(v * self._factor) for v in (box.x, box.y, box.width, box.height))
        return pygame.Rect(x, y, width, height)

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
            else:
                self._glass = pygame.Surface(self.rect.size, 0, 32)
        return shown

    def look(self) -> bool:
        """Take the newest picture. Returns whether there was one."""
        shown = self._board.after(self._number) if self._board is not None else None
        if shown is None or self._glass is None:
            return False
        bgra = cv2.cvtColor(shown.planes, cv2.COLOR_YUV2BGRA_I420)
        height, width = bgra.shape[:2]
        scale = min(self.rect.width / width, self.rect.height / height)
        size = max(1, round(width * scale)), max(1, round(height * scale))
        left, top = (self.rect.width - size[0]) // 2, (self.rect.height - size[1]) // 2
        glass = _pixels(self._glass)
        if size != self.rect.size:
            glass[:] = BARS
        glass[top : top + size[1], left : left + size[0]] = cv2.resize(bgra, size, interpolation=cv2.INTER_LINEAR)
        self._number = shown.number
        return True

    def _close(self) -> None:
        if self._board is not None:
            self._board.close()
        self._board, self._number, self._glass = None, 0, None


def _pixels(surface: pygame.Surface) -> npt.NDArray[np.uint8]:
    """The surface's own memory: (height, width, 4) uint8, blue green red and one that is not used."""
    width, height = surface.get_size()
    memory: Any = surface.get_buffer()
    return np.frombuffer(memory, np.uint8).reshape(height, surface.get_pitch() // 4, 4)[:, :width]
