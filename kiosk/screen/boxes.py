"""Rectangles in design units, and which target a point falls on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in design units (1080 x 1920 for the whole page)."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height

    @property
    def centre(self) -> tuple[float, float]:
        return self.x + self.width / 2, self.y + self.height / 2

    def contains(self, x: float, y: float) -> bool:
        return self.x <= x < self.right and self.y <= y < self.bottom

    def grown(self, by: float) -> Box:
        return Box(self.x - by, self.y - by, self.width + 2 * by, self.height + 2 * by)

    def moved(self, dx: float, dy: float) -> Box:
        return Box(self.x + dx, self.y + dy, self.width, self.height)

    def gap_to(self, other: Box) -> float:
        """Return the distance of the nearest edges, 0 when they touch or overlap."""
        dx = max(0.0, other.x - self.right, self.x - other.right)
        dy = max(0.0, other.y - self.bottom, self.y - other.bottom)
        return max(dx, dy)


@dataclass(frozen=True, slots=True)
class Hit:
    """A target as drawn: where a finger counts for it, and whether it does anything."""

    target: str
    box: Box
    enabled: bool


def hit_at(hits: Iterable[Hit], x: float, y: float) -> Hit | None:
    """Return the target under the point, the topmost (last) one, or None. Nothing is sought outside the boxes."""
    found = None
    for hit in hits:
        if hit.box.contains(x, y):
            found = hit
    return found
