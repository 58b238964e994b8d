"""Gestures that no visitor makes by accident, below the dock where no target is and where who sits reaches too.

Both lower corners held, left before right, open the staff's page while nobody is served. The right one alone asks for
everything to be spoken; then the corners of the lower half, held, mean: again, back, louder, a person.
"""

from __future__ import annotations

from typing import Final

from contracts.screen import CORNERS, SPOKEN_GESTURE, STAFF_GESTURE, Page
from kiosk.screen.boxes import Box
from kiosk.screen.frame import Frame

HELD_NS: Final = 2_000_000_000
LONGEST_NS: Final = 6_000_000_000  # held longer is something that lies there
BETWEEN_NS: Final = 4_000_000_000
SPOKEN_HELD_NS: Final = 800_000_000
WIDE: Final = 200.0
QUARTER: Final = 280.0  # side of a corner of the lower half, for who finds it by the frame's edge
PAGES: Final[tuple[Page, ...]] = ("attract", "outage")


class Corners:
    """Follows the presses of one finger at a time, in design units and monotonic nanoseconds."""

    def __init__(self, glass: Frame) -> None:
        top = glass.dock.bottom + 2
        self.left = Box(0, top, WIDE, glass.height - top)
        self.right = Box(glass.width - WIDE, top, WIDE, glass.height - top)
        middle, low, end = glass.height / 2, glass.height - QUARTER, glass.width - QUARTER
        places = ((0.0, middle), (end, middle), (0.0, low), (end, low))
        self.quarters = {name: Box(x, y, QUARTER, QUARTER) for name, (x, y) in zip(CORNERS, places, strict=True)}
        self._down: tuple[str, int, int] | None = None  # corner, finger, since
        self._left_at_ns: int | None = None  # when the left corner was let go after having been held

    def handle(
        self, down: bool, finger: int, point: tuple[float, float], now_ns: int, page: Page, *, spoken: bool
    ) -> str:
        """Take a press or a lift; return the gesture that it completes, or nothing."""
        corner = self._corner(point, spoken=spoken)
        if down:
            self._down = (corner, finger, now_ns) if corner and self._down is None else None
            return ""
        begun, self._down = self._down, None
        if begun is None or not corner or begun[:2] != (corner, finger):
            self._left_at_ns = None
            return ""
        held_ns = now_ns - begun[2]
        if spoken:
            return corner if SPOKEN_HELD_NS <= held_ns <= LONGEST_NS else ""
        if not HELD_NS <= held_ns <= LONGEST_NS:
            self._left_at_ns = None
            return ""
        if corner == "left":
            self._left_at_ns = now_ns
            return ""
        left_at_ns, self._left_at_ns = self._left_at_ns, None
        if left_at_ns is None or begun[2] - left_at_ns > BETWEEN_NS:
            return SPOKEN_GESTURE
        return STAFF_GESTURE if page in PAGES else ""

    def _corner(self, point: tuple[float, float], *, spoken: bool) -> str:
        if spoken:
            return next((name for name, box in self.quarters.items() if box.contains(*point)), "")
        return "left" if self.left.contains(*point) else "right" if self.right.contains(*point) else ""
