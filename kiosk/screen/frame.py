"""The shape of the glass in design units, and what follows from it: where things stand, how large a finger is.

Upright glass is 1080 units wide, lying glass 1920; pixels are none of its business, millimetres are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from kiosk.screen.boxes import Box

SHORT: Final = 1080.0  # design units: pixels of the reference screen
LONG: Final = 1920.0
MARGIN: Final = 56.0
FINGER_MM: Final = 20.0  # the smallest target
GAP: Final = 16.0  # least distance between two targets
REFERENCE_IN: Final = 32.0
STACKED_FROM: Final = 1.25  # from this size of letters on the dock takes two rows, or the whole width
TEXT_LEAST: Final = 0.96
TEXT_MOST: Final = 2.0
ELDER_TEXT: Final = 1.6
STAGE_WIDTH: Final = 768.0  # of lying glass: she stands left, the sheet begins here
ACT_UPRIGHT: Final = 960.0  # nothing above these lines is ever touched
ACT_LOW: Final = 1200.0
ACT_LYING: Final = 540.0
ACT_LYING_LOW: Final = 596.0
DOCK_HEIGHT: Final = 128.0
TILE_WIDTH: Final = 148.0


@dataclass(frozen=True, slots=True)
class Frame:
    """One glass as a visitor needs it. `text` is the size of all letters, times the usual one."""

    lying: bool = False
    text: float = 1.0
    low: bool = False  # what is pressed stands further down: for who sits
    diagonal_in: float = REFERENCE_IN

    @property
    def width(self) -> float:
        return LONG if self.lying else SHORT

    @property
    def height(self) -> float:
        return SHORT if self.lying else LONG

    @property
    def page(self) -> Box:
        return Box(0, 0, self.width, self.height)

    @property
    def units_per_mm(self) -> float:
        return math.hypot(SHORT, LONG) / (self.diagonal_in * 25.4)

    @property
    def finger(self) -> float:
        """The least side of a target, in units: 20 mm of this glass."""
        return math.ceil(FINGER_MM * self.units_per_mm)

    @property
    def stacked(self) -> bool:
        return self.text > STACKED_FROM

    # ------------------------------------------------------------------ columns
    @property
    def left(self) -> float:
        """Where words and targets begin."""
        return STAGE_WIDTH + MARGIN if self.lying else MARGIN

    @property
    def inner(self) -> float:
        """The width that words and targets have."""
        return self.width - MARGIN - self.left

    @property
    def act_y(self) -> float:
        """What is touched stands below this line."""
        if self.lying:
            return ACT_LYING_LOW if self.low else ACT_LYING
        return ACT_LOW if self.low else ACT_UPRIGHT

    @property
    def head(self) -> Box:
        """The line that says who and where."""
        high = max(1.0, self.text)
        width = STAGE_WIDTH - 1.5 * MARGIN if self.lying else self.width - 2 * MARGIN
        return Box(MARGIN, 40, width, 88 * high)

    # ------------------------------------------------------------------ the dock
    @property
    def dock(self) -> Box:
        bottom = self.height - (48 if self.lying else MARGIN)
        row = max(DOCK_HEIGHT, self.finger)
        if self.stacked and self.lying:
            return Box(MARGIN, bottom - row, self.width - 2 * MARGIN, row)
        rows = 2 * row + GAP if self.stacked else row
        return Box(self.left, bottom - rows, self.inner, rows)

    def dock_boxes(self) -> tuple[Box, Box, Box, Box]:
        """Language, text, end, and a person: the last one in the lower right corner, always."""
        dock, row = self.dock, max(DOCK_HEIGHT, self.finger)
        if not self.stacked:
            tile = max(TILE_WIDTH, self.finger)
            tiles = [Box(dock.x + i * (tile + GAP), dock.y, tile, row) for i in range(3)]
            x = dock.x + 3 * (tile + GAP) + 8
            return tiles[0], tiles[1], tiles[2], Box(x, dock.y, dock.right - x, row)
        if self.lying:
            tile = (dock.width * 0.56 - 3 * GAP) / 3
            tiles = [Box(dock.x + i * (tile + GAP), dock.y, tile, row) for i in range(3)]
            x = dock.x + 3 * (tile + GAP) + 8
            return tiles[0], tiles[1], tiles[2], Box(x, dock.y, dock.right - x, row)
        tile = (dock.width - 2 * GAP) / 3
        tiles = [Box(dock.x + i * (tile + GAP), dock.y, tile, row) for i in range(3)]
        return tiles[0], tiles[1], tiles[2], Box(dock.x, dock.y + row + GAP, dock.width, row)

    @property
    def acts(self) -> Box:
        """Where targets of the page stand: from the line down to the dock."""
        below = 24 if self.lying else 32
        return Box(self.left, self.act_y, self.inner, self.dock.y - below - self.act_y)


UPRIGHT: Final = Frame()


def text_of(percent: int, *, elder: bool) -> float:
    """Return the size of letters for a snapshot: within bounds, and large ones large enough."""
    wanted = min(TEXT_MOST, max(TEXT_LEAST, percent / 100))
    return max(wanted, ELDER_TEXT) if elder else wanted
