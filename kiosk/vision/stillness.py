"""Faces that never move are pictures: posters, standees, a magazine on a table. Pure; remembers places, no picture.

People who stand still sway by several hundredths of their face's width within seconds; what is printed on a wall does
not. A picture that somebody carries is none of its business: liveness is asked where identity is.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

from kiosk.vision.faces import SeenFace

MS: Final = 1_000_000
BEGAN_NS: Final = 1_000 * MS  # what is in view in the first second was not seen to come
LIFELESS_S: Final = 20
SWAYS: Final = 0.02  # of the face's width, by means over a second
TURNS_DEG: Final = 1.5
MOVED: Final = 0.35  # face widths: who was there from the beginning has come to life
MOVED_SIZE: Final = 0.10
MOST_SPOTS: Final = 8
SPOT: Final = 0.25  # face widths
SPOT_SIZE: Final = 0.15


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a picture hangs."""

    x: float
    y: float
    near: float

    def holds(self, face: SeenFace) -> bool:
        return (
            max(abs(face.x - self.x), abs(face.y - self.y)) <= SPOT * self.near
            and abs(face.near / self.near - 1) <= SPOT_SIZE
        )


class Stillness:
    """Means over each second of one face; `lifeless()` after LIFELESS_S of them."""

    def __init__(self) -> None:
        self._second: list[tuple[float, float, float]] = []
        self._second_ns = 0
        self._means: deque[tuple[float, float, float]] = deque(maxlen=LIFELESS_S)

    def saw(self, face: SeenFace, at_ns: int) -> None:
        if self._second and at_ns - self._second_ns >= 1_000 * MS:
            count = len(self._second)
            x, y, yaw = (sum(column) / count for column in zip(*self._second, strict=True))
            self._means.append((x, y, yaw))
            self._second = []
        if not self._second:
            self._second_ns = at_ns
        yaw = face.pose.yaw_deg if face.pose else 0.0
        self._second.append((face.x / face.near, face.y / face.near, yaw))

    def forget(self) -> None:
        self._means.clear()
        self._second = []

    @property
    def lifeless(self) -> bool:
        if len(self._means) < LIFELESS_S:
            return False
        x, y, yaw = (max(column) - min(column) for column in zip(*self._means, strict=True))
        return bool(x < SWAYS and y < SWAYS and yaw < TURNS_DEG)


class Spots:
    """The places of pictures, the last MOST_SPOTS."""

    def __init__(self) -> None:
        self._spots: deque[Spot] = deque(maxlen=MOST_SPOTS)

    def remember(self, face: SeenFace) -> None:
        if not any(spot.holds(face) for spot in self._spots):
            self._spots.append(Spot(face.x, face.y, face.near))

    def hold(self, face: SeenFace) -> bool:
        return any(spot.holds(face) for spot in self._spots)
