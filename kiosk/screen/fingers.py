"""From events to touches: a press begins on a target and counts when the finger leaves it there.

Mouse and touch go one way. A recorded visitor's press is posted as real mouse events at the target's centre and
comes back through the same door.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

import pygame

from contracts.screen import PAD
from kiosk.screen.boxes import Hit, hit_at
from kiosk.screen.frame import ACT_UPRIGHT

PRESS_NS: Final = 90_000_000  # how long a recorded visitor's finger stays down
MAX_WRITING: Final = 256  # points of a recorded visitor's line
MAX_WAITING: Final = 8  # presses of a recorded visitor; a person has no more fingers to spare either
SLOP: Final = 24.0  # design units that a finger may slide off and still mean it
WANTED_EVENTS: Final = (
    pygame.QUIT,
    pygame.KEYDOWN,
    pygame.MOUSEBUTTONDOWN,
    pygame.MOUSEBUTTONUP,
    pygame.MOUSEMOTION,
    pygame.FINGERDOWN,
    pygame.FINGERUP,
    pygame.FINGERMOTION,
    pygame.WINDOWEXPOSED,
    pygame.WINDOWSIZECHANGED,
)
Point = tuple[float, float]


class Fingers:
    """Follows one finger at a time; others are ignored until it is lifted."""

    def __init__(
        self, to_page: Callable[[Point], Point], window_size: tuple[int, int], act_y: float = ACT_UPRIGHT
    ) -> None:
        self._act_y = act_y  # nothing above this line is ever pressed
        self.pressed = ""  # the target under the finger, for its picture
        self._to_page, self._window_size = to_page, window_size
        self._hit: Hit | None = None
        self._finger: int | None = None
        self._waiting: deque[tuple[int, int]] = deque(maxlen=MAX_WAITING)
        self._lift_at: tuple[int, tuple[int, int]] | None = None
        self._writing: deque[tuple[int, tuple[int, int]]] = deque(maxlen=MAX_WRITING)

    def handle(self, event: pygame.event.Event, hits: tuple[Hit, ...]) -> str | None:
        """Take an event; return the id of the target that was pressed, once, when it was."""
        found = self.point(event)
        if found is None:
            return None
        down, finger, point = found
        if down:
            if self._finger is None:
                self._press(finger, point, hits)
            return None
        if finger != self._finger:
            return None
        return self._lift(point, hits)

    def point(self, event: pygame.event.Event) -> tuple[bool, int, Point] | None:
        """Return (down, finger, point in design units) of a press or a lift, None for anything else."""
        if event.type in (pygame.MOUSEBUTTONDOWN, pygame.MOUSEBUTTONUP):
            # SDL repeats touches as mouse events: those are taken from the finger events instead.
            if event.button != 1 or getattr(event, "touch", False):
                return None
            return event.type == pygame.MOUSEBUTTONDOWN, -1, self._to_page(event.pos)
        if event.type in (pygame.FINGERDOWN, pygame.FINGERUP):
            width, height = self._window_size
            point = self._to_page((event.x * width, event.y * height))
            return event.type == pygame.FINGERDOWN, event.finger_id, point
        return None

    def _press(self, finger: int, point: Point, hits: tuple[Hit, ...]) -> None:
        hit = hit_at(hits, *point) if point[1] >= self._act_y else None
        if hit is None or not hit.enabled or hit.target == PAD:  # drawn on, not pressed
            return
        self._hit, self._finger, self.pressed = hit, finger, hit.target

    def _lift(self, point: Point, hits: tuple[Hit, ...]) -> str | None:
        hit, self._hit, self._finger, self.pressed = self._hit, None, None, ""
        if hit is None or not hit.box.grown(SLOP).contains(*point):
            return None
        still_there = any(h.target == hit.target and h.enabled for h in hits)
        return hit.target if still_there else None

    def press_like_a_visitor(self, hit: Hit, to_window: Callable[[float, float], tuple[int, int]], now_ns: int) -> None:
        """Post the mouse events of a finger on the middle of `hit`: down now, up a moment later, one after another."""
        self._waiting.append(to_window(*hit.box.centre))
        self.due(now_ns)

    def write_like_a_visitor(
        self, hit: Hit, points: tuple[Point, ...], to_window: Callable[[float, float], tuple[int, int]]
    ) -> None:
        """Post the mouse events of a finger that draws a line on `hit`, one a turn."""
        box = hit.box
        line = [to_window(box.x + share_x * box.width, box.y + share_y * box.height) for share_x, share_y in points]
        if len(line) < 2 or len(self._writing) + len(line) > MAX_WRITING:
            return
        kinds = [pygame.MOUSEBUTTONDOWN, *[pygame.MOUSEMOTION] * (len(line) - 2), pygame.MOUSEBUTTONUP]
        self._writing.extend(zip(kinds, line, strict=True))

    def due(self, now_ns: int) -> None:
        """Lift a recorded visitor's finger when it is time, and put the next one down."""
        if self._lift_at is not None and now_ns >= self._lift_at[0]:
            self._post(pygame.MOUSEBUTTONUP, self._lift_at[1])
            self._lift_at = None
        elif self._lift_at is None and self._writing:
            self._post(*self._writing.popleft())
        elif self._lift_at is None and self._waiting:
            position = self._waiting.popleft()
            self._post(pygame.MOUSEBUTTONDOWN, position)
            self._lift_at = (now_ns + PRESS_NS, position)

    @staticmethod
    def _post(kind: int, position: tuple[int, int]) -> None:
        if kind == pygame.MOUSEMOTION:
            pygame.event.post(pygame.event.Event(kind, pos=position, rel=(0, 0), buttons=(1, 0, 0), touch=False))
        else:
            pygame.event.post(pygame.event.Event(kind, pos=position, button=1, touch=False))
