"""A finger on the pad: a line from where it comes down to where it leaves, in the pad's own units.

Lines are drawn at once, before the core has heard of them. A finger that comes down elsewhere draws nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pygame

from contracts.screen import PAD, PAD_UNITS
from kiosk.screen.boxes import Box, Hit

Point = tuple[float, float]
Line = tuple[tuple[int, int, int], ...]
MOST_POINTS: Final = 600  # of one line; a longer one goes on as another
LEAST_STEP: Final = 2  # units: what moves less is the same point


class Pad:
    """Follows one finger. `line` is what is being drawn, `ink` also what the core has not shown yet."""

    def __init__(self, to_page: Callable[[Point], Point], window_size: tuple[int, int]) -> None:
        self._to_page, self._window_size = to_page, window_size
        self._finger: int | None = None
        self._box: Box | None = None
        self._line: list[tuple[int, int, int]] = []
        self._began_ns = 0
        self._unshown: tuple[Line, ...] = ()

    @property
    def ink(self) -> tuple[Line, ...]:
        return (*self._unshown, tuple(self._line)) if self._line else self._unshown

    def shown(self) -> None:
        """The core's own picture of the lines has come."""
        self._unshown = ()

    def handle(self, event: pygame.event.Event, hits: tuple[Hit, ...], now_ns: int) -> Line | None:
        """Take an event; return a line when it is whole."""
        found = self._point(event)
        if found is None:
            return None
        kind, finger, point = found
        if kind == "down":
            hit = next((hit for hit in hits if hit.target == PAD and hit.enabled and hit.box.contains(*point)), None)
            if hit is not None and self._finger is None:
                self._finger, self._box, self._began_ns, self._line = finger, hit.box, now_ns, []
                if not self._unshown:
                    self._began_ns = now_ns
                self._add(point, now_ns)
            return None
        if finger != self._finger:
            return None
        self._add(point, now_ns)
        if kind == "up" or len(self._line) >= MOST_POINTS:
            return self._end(keep=kind != "up")
        return None

    def drop(self) -> None:
        """The page is another one: nothing is drawn any more."""
        self._finger, self._box, self._line, self._unshown = None, None, [], ()

    def _end(self, *, keep: bool) -> Line:
        line = tuple(self._line)
        self._unshown = (*self._unshown, line)
        self._line = [line[-1]] if keep else []
        if not keep:
            self._finger, self._box = None, None
        return line

    def _add(self, point: Point, now_ns: int) -> None:
        if self._box is None:
            return
        width, height = PAD_UNITS
        x = round(min(max(point[0] - self._box.x, 0), self._box.width) * width / self._box.width)
        y = round(min(max(point[1] - self._box.y, 0), self._box.height) * height / self._box.height)
        if self._line and max(abs(x - self._line[-1][0]), abs(y - self._line[-1][1])) < LEAST_STEP:
            return
        self._line.append((x, y, (now_ns - self._began_ns) // 1_000_000))

    def _point(self, event: pygame.event.Event) -> tuple[str, int, Point] | None:
        mouse = {pygame.MOUSEBUTTONDOWN: "down", pygame.MOUSEMOTION: "move", pygame.MOUSEBUTTONUP: "up"}
        touch = {pygame.FINGERDOWN: "down", pygame.FINGERMOTION: "move", pygame.FINGERUP: "up"}
        if event.type in mouse:
            if getattr(event, "touch", False) or getattr(event, "button", 1) != 1:
                return None
            return mouse[event.type], -1, self._to_page(event.pos)
        if event.type in touch:
            width, height = self._window_size
            return touch[event.type], event.finger_id, self._to_page((event.x * width, event.y * height))
        return None
