"""Moving pictures on the page: a teller's, and the visitor's own as in a mirror; the newest of shared memory.

Never waits: a picture that is not there yet leaves the one before. When it is over nothing of it is kept.
"""

from __future__ import annotations

from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt
import pygame

from kiosk.call.board import Board, BoardGone
from kiosk.screen.boxes import Box

BARS: Final = (28, 32, 16, 255)  # blue, green, red, opaque: behind a picture of another shape
RIM: Final = 3.0  # pixels over which an oval's edge fades


class PictureWindow:
    """`factor` is pixels per design unit. `tally_gone`: times that the pictures were not to be found.

    `fills`: a picture of another shape loses its edges instead of getting bars.
    """

    def __init__(self, factor: float, *, fills: bool = False) -> None:
        self._factor, self._fills = factor, fills
        self._box: Box | None = None
        self._oval = False
        self.rect = pygame.Rect(0, 0, 0, 0)
        self._glass: pygame.Surface | None = None
        self._mask: npt.NDArray[np.uint8] | None = None
        self._board: Board | None = None
        self._address = ""
        self._number = 0
        self.tally_gone = 0

    @property
    def surface(self) -> pygame.Surface | None:
        """What is shown, premultiplied; None: nothing."""
        return self._glass if self._number and self._box is not None else None

    @property
    def covers(self) -> bool:
        """Whether nothing shows through its rectangle."""
        return not self._oval

    def place(self, box: Box | None, *, oval: bool = False) -> list[pygame.Rect]:
        """Show the picture there from now on, or nowhere; returns what must be drawn anew."""
        if box == self._box and oval == self._oval:
            return []
        before = [self.rect] if self.surface is not None else []
        self._box, self._oval = box, oval
        if box is None:
            return before
        x, y, width, height = (round(v * self._factor) for v in (box.x, box.y, box.width, box.height))
        self.rect = pygame.Rect(x, y, max(2, width), max(2, height))
        self._make_glass()
        return [*before, self.rect]

    def _make_glass(self) -> None:
        if self._board is None:
            return
        self._glass, self._number, self._mask = pygame.Surface(self.rect.size, pygame.SRCALPHA, 32), 0, None
        if self._oval:
            width, height = self.rect.size
            rows, columns = np.mgrid[0:height, 0:width]
            half = width / 2, height / 2
            away = np.hypot((columns + 0.5 - half[0]) / half[0], (rows + 0.5 - half[1]) / half[1])
            share = np.clip((1.0 - away) * min(half) / RIM, 0.0, 1.0)
            self._mask = (share * 255).astype(np.uint8)

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
                if self._box is not None:
                    self._make_glass()
        return shown

    def look(self) -> bool:
        """Take the newest picture. Returns whether there was one."""
        if self._board is None or self._glass is None or self._box is None:
            return False
        shown = self._board.after(self._number)
        if shown is None:
            return False
        bgra = cv2.cvtColor(shown.planes, cv2.COLOR_YUV2BGRA_I420)
        glass = _pixels(self._glass)
        height, width = bgra.shape[:2]
        choose = max if self._fills else min
        scale = choose(self.rect.width / width, self.rect.height / height)
        size = max(1, round(width * scale)), max(1, round(height * scale))
        sized = cv2.resize(bgra, size, interpolation=cv2.INTER_LINEAR)
        if self._fills:
            left, top = (size[0] - self.rect.width) // 2, (size[1] - self.rect.height) // 2
            part = sized[max(0, top) : max(0, top) + self.rect.height, max(0, left) : max(0, left) + self.rect.width]
            glass[: part.shape[0], : part.shape[1]] = part
        else:
            left, top = (self.rect.width - size[0]) // 2, (self.rect.height - size[1]) // 2
            if size != self.rect.size:
                glass[:] = BARS
            glass[top : top + size[1], left : left + size[0]] = sized
        glass[..., 3] = 255
        if self._mask is not None:
            share = self._mask.astype(np.uint16)[..., None]
            glass[:] = (glass.astype(np.uint16) * share // 255).astype(np.uint8)
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
