"""The gesture that opens the staff's page: both lower corners held, one after the other, while nobody is served.

Below the dock, where no target is and where somebody in a wheelchair reaches too. A hand that leans on the screen
holds one corner; a child that taps holds none.
"""

from __future__ import annotations

from typing import Final

from contracts.screen import Page
from kiosk.screen.boxes import Box
from kiosk.screen.theme import DOCK_HEIGHT, DOCK_Y, PAGE_HEIGHT, PAGE_WIDTH

TOP: Final = DOCK_Y + DOCK_HEIGHT + 2
LEFT: Final = Box(0, TOP, 200, PAGE_HEIGHT - TOP)
RIGHT: Final = Box(PAGE_WIDTH - 200, TOP, 200, PAGE_HEIGHT - TOP)
HELD_NS: Final = 2_000_000_000
LONGEST_NS: Final = 6_000_000_000  # held longer is something that lies there
BETWEEN_NS: Final = 4_000_000_000
PAGES: Final[tuple[Page, ...]] = ("attract", "outage")


class Corners:
    """Follows the presses of one finger at a time, in design units and monotonic nanoseconds."""

    def __init__(self) -> None:
        self._down: tuple[Box, int, int] | None = None  # corner, finger, since
        self._left_at_ns: int | None = None  # when the left corner was let go after having been held

    def handle(self, down: bool, finger: int, point: tuple[float, float], now_ns: int, page: Page) -> bool:
        """Take a press or a lift; True when it completes the gesture."""
        if page not in PAGES:
            self._down = self._left_at_ns = None
            return False
        corner = next((box for box in (LEFT, RIGHT) if box.contains(*point)), None)
        if down:
            self._down = (corner, finger, now_ns) if corner is not None and self._down is None else None
            return False
        begun, self._down = self._down, None
        if begun is None or corner is None or begun[:2] != (corner, finger):
            self._left_at_ns = None
            return False
        if not HELD_NS <= now_ns - begun[2] <= LONGEST_NS:
            self._left_at_ns = None
            return False
        if corner == LEFT:
            self._left_at_ns = now_ns
            return False
        left_at_ns, self._left_at_ns = self._left_at_ns, None
        return left_at_ns is not None and begun[2] - left_at_ns <= BETWEEN_NS
