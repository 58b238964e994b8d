"""What a lobby's camera sees: people who pass, stop, crowd, take each other's place; made up, with the truth beside it.

A scene is a list of actors on their ways and what must come of it. The same seed gives the same scene. Distances are
metres from the camera; a face of 14.5 cm at 1.2 m fills 0.13 of the picture's width.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import cv2
import numpy as np

from kiosk.adapters.files import noisy, sensor_noise
from kiosk.events import Picture
from kiosk.scenario.people import CENTRE_PX, FACE_PX, Person

RATE_HZ: Final = 15
WIDTH_PX, HEIGHT_PX = 640, 480
SHARE_AT_1_M: Final = 0.156  # of the picture's width
FACE_M: Final = 0.145
HEAD_Y: Final = 0.42  # of the picture's height, for a grown person
CHILD_Y, CHILD_SIZE = 0.72, 0.85
Kind = Literal[
    "passes", "passes_glancing", "pauses_elsewhere", "stops", "stops_then_faces", "crowd", "crowd_stops", "swap",
    "swap_in_front", "next_waits", "returns", "child", "poster", "poster_and_visitor",
]  # fmt: skip
KINDS: Final[tuple[Kind, ...]] = (
    "passes", "passes_glancing", "pauses_elsewhere", "stops", "stops_then_faces", "crowd", "crowd_stops", "swap",
    "swap_in_front", "next_waits", "returns", "child", "poster", "poster_and_visitor",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Where an actor is at a moment; between two marks they go straight on."""

    at_s: float
    x: float  # of the picture, 0..1; outside: not in it
    metres: float
    yaw_deg: float = 0.0  # 0 looks into the camera; more than 55: no face is seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Somebody of the cast, on their way."""

    person: int
    marks: tuple[Mark, ...]
    y: float = HEAD_Y
    size: float = 1.0
    lives: bool = True  # False: a poster

    def at(self, at_s: float) -> tuple[float, float, float, float] | None:
        """(x, y, face's share of the width, yaw) then; None: not there yet, or gone."""
        times = [mark.at_s for mark in self.marks]
        if not times[0] <= at_s <= times[-1]:
            return None
        x, metres, yaw = (
            float(np.interp(at_s, times, [getattr(mark, name) for mark in self.marks]))
            for name in ("x", "metres", "yaw_deg")
        )
        share = self.size * SHARE_AT_1_M / metres
        y = self.y
        if self.lives:  # people sway, and never hold their head quite still
            phase = self.person * 1.7
            x += 0.03 * share * np.sin(1.9 * at_s + phase)
            y += 0.02 * share * np.sin(2.7 * at_s + phase)
            yaw += 3 * np.sin(0.8 * at_s + phase)
        return x, y, share, yaw


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Who does what, for how long, and when somebody stands there to be greeted."""

    name: str
    kind: Kind
    seconds: float
    actors: tuple[Actor, ...] = field(repr=False)
    greet_s: tuple[float, ...] = ()  # each moment from which a visitor stands there to be greeted

    def frames(self) -> int:
        return round(self.seconds * RATE_HZ)


class Stage:
    """Draws scenes with a cast."""

    def __init__(self, people: Sequence[Person]) -> None:
        self._people = people
        self._noise = sensor_noise(WIDTH_PX, HEIGHT_PX)
        self._empty = _lobby()

    def picture(self, scene: Scene, number: int) -> Picture:
        """Frame `number` of the scene."""
        at_s = number / RATE_HZ
        picture = self._empty.copy()
        seen = [(place, actor) for actor in scene.actors if (place := actor.at(at_s)) is not None]
        for (x, y, share, yaw), actor in sorted(seen, key=lambda row: row[0][2]):
            _paste(picture, self._people[actor.person % len(self._people)], x, y, share, yaw)
        return noisy(picture, self._noise, number)

    def empty(self, number: int) -> Picture:
        """Nobody there."""
        return noisy(self._empty, self._noise, number)

    def pictures(self, scene: Scene) -> Iterator[Picture | bytes]:
        for number in range(scene.frames()):
            yield self.picture(scene, number)


def _paste(picture: Picture, person: Person, x: float, y: float, share: float, yaw: float) -> None:
    scale = share * WIDTH_PX / FACE_PX
    middle = np.array([x * WIDTH_PX, y * HEIGHT_PX])
    face_px = share * WIDTH_PX
    shoulders = np.array(
        [[-1.3, 2.6], [-1.1, 1.25], [-0.4, 0.8], [0.4, 0.8], [1.1, 1.25], [1.3, 2.6], [1.3, 9], [-1.3, 9]]
    )
    cv2.fillPoly(picture, [np.round(middle + shoulders * face_px).astype(np.int32)], person.clothes, cv2.LINE_AA)
    head = person.head(yaw)
    if head is None:
        centre = (round(middle[0]), round(middle[1] - 0.1 * face_px))
        cv2.ellipse(
            picture, centre, (round(0.6 * face_px), round(0.8 * face_px)), 0, 0, 360, (38, 44, 58), -1, cv2.LINE_AA
        )
        return
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = cv2.resize(head, None, fx=scale, fy=scale, interpolation=how)
    left, top = round(middle[0] - CENTRE_PX[0] * scale), round(middle[1] - CENTRE_PX[1] * scale)
    x0, y0 = max(0, left), max(0, top)
    x1, y1 = min(WIDTH_PX, left + small.shape[1]), min(HEIGHT_PX, top + small.shape[0])
    if x1 <= x0 or y1 <= y0:
        return
    part = small[y0 - top : y1 - top, x0 - left : x1 - left]
    alpha = part[:, :, 3:].astype(np.uint16)
    there = picture[y0:y1, x0:x1]
    there[:] = ((part[:, :, :3] * alpha + there * (255 - alpha)) // 255).astype(np.uint8)


def _lobby() -> Picture:
    """A wall, a floor, a counter: no face in it."""
    shade = np.linspace(205, 150, HEIGHT_PX)[:, None, None] * np.array([0.95, 1.0, 0.98])
    picture = np.broadcast_to(shade, (HEIGHT_PX, WIDTH_PX, 3)).astype(np.uint8).copy()
    cv2.rectangle(picture, (0, 380), (WIDTH_PX, HEIGHT_PX), (120, 128, 134), -1)
    cv2.rectangle(picture, (60, 300), (240, 385), (96, 110, 140), -1)
    for left in (300, 420, 540):
        cv2.rectangle(picture, (left, 90), (left + 70, 210), (214, 206, 190), -1)
    return picture


# ------------------------------------------------------------------ ways
def _across(rng: np.random.Generator, person: int, start_s: float, metres: float, *, glance: bool = False) -> Actor:
    """Walks by at a walking pace, profile to the camera, or glancing at the screen on the way."""
    speed = float(rng.uniform(0.8, 1.4)) * SHARE_AT_1_M / FACE_M / metres  # of the picture's width, a second
    right = bool(rng.integers(2))
    a, b = (-0.25, 1.25) if right else (1.25, -0.25)
    took = 1.5 / speed
    yaw = 75.0 if right else -75.0
    marks = [Mark(at_s=start_s, x=a, metres=metres, yaw_deg=yaw)]
    if glance:
        for share, turned in (
            (0.3, yaw),
            (0.42, float(rng.uniform(-20, 20))),
            (0.62, float(rng.uniform(-20, 20))),
            (0.72, yaw),
        ):
            marks.append(Mark(at_s=start_s + share * took, x=a + (b - a) * share, metres=metres, yaw_deg=turned))
    marks.append(Mark(at_s=start_s + took, x=b, metres=metres, yaw_deg=yaw))
    return Actor(person=person, marks=tuple(marks))


def _comes(rng: np.random.Generator, start_s: float, x: float, metres: float) -> tuple[list[Mark], float]:
    """Walks up to a place; the marks, and when they stand there."""
    far = float(rng.uniform(2.6, 3.4))
    took = (far - metres) / float(rng.uniform(0.8, 1.3))
    side = float(rng.choice((-0.2, 0.2)))
    marks = [
        Mark(at_s=start_s, x=x + side, metres=far, yaw_deg=-60 * np.sign(side)),
        Mark(
            at_s=start_s + 0.4 * took, x=x + side * 0.6, metres=far - 0.4 * (far - metres), yaw_deg=-15 * np.sign(side)
        ),
        Mark(at_s=start_s + took, x=x, metres=metres),
    ]
    return marks, start_s + took


def _goes(marks: list[Mark], leave_s: float) -> list[Mark]:
    """Stands until `leave_s`, turns and walks out of the picture."""
    last = marks[-1]
    out = 1.3 if last.x >= 0.5 else -0.3
    return [
        *marks,
        Mark(at_s=leave_s, x=last.x, metres=last.metres, yaw_deg=last.yaw_deg),
        Mark(at_s=leave_s + 0.3, x=last.x + 0.1 * np.sign(out - last.x), metres=last.metres, yaw_deg=70 * np.sign(out)),
        Mark(at_s=leave_s + 1.3, x=out, metres=last.metres + 0.3, yaw_deg=75 * np.sign(out)),
    ]


def make_scene(kind: Kind, seed: int, people: int) -> Scene:
    """One scene with a cast of so many."""
    rng = np.random.default_rng([KINDS.index(kind), seed])
    who = [int(number) for number in rng.permutation(people)]
    return MAKERS[kind](rng, who, f"{kind}-{seed}")


def _passes(rng: np.random.Generator, who: list[int], name: str) -> Scene:
    glance = name.startswith("passes_glancing")
    actor = _across(rng, who[0], 0.3, float(rng.uniform(0.9, 1.8)), glance=glance)
    kind: Kind = "passes_glancing" if glance else "passes"
    return Scene(name=name, kind=kind, seconds=actor.marks[-1].at_s + 1, actors=(actor,))


def _pauses(rng: np.random.Generator, who: list[int], name: str) -> Scene:
    """Stands near the terminal and looks elsewhere: waits for somebody, reads a poster."""
    marks, stands = _comes(rng, 0.2, float(rng.uniform(0.3, 0.7)), float(rng.uniform(0.9, 1.1)))
    aside = float(rng.choice((-50, 50)))
    marks = [*marks[:-2], *(Mark(at_s=m.at_s, x=m.x, metres=m.metres, yaw_deg=aside) for m in marks[-2:])]
    return Scene(
        name=name,
        kind="pauses_elsewhere",
        seconds=stands + 5,
        actors=(Actor(person=who[0], marks=tuple(_goes(marks, stands + 3))),),
    )


def _stops(rng: np.random.Generator, who: list[int], name: str) -> Scene:
    marks, stands = _comes(rng, 0.2, float(rng.uniform(0.3, 0.7)), float(rng.uniform(0.6, 1.1)))
    child = name.startswith("child")
    actor = Actor(
        person=who[0],
        marks=tuple(_goes(marks, stands + 4)),
        y=CHILD_Y if child else HEAD_Y,
        size=CHILD_SIZE if child else 1.0,
    )
    if child:
        near = tuple(Mark(at_s=m.at_s, x=m.x, metres=m.metres * 0.85, yaw_deg=m.yaw_deg) for m in actor.marks)
        actor = Actor(person=actor.person, marks=near, y=actor.y, size=actor.size)
    return Scene(name=name, kind="child" if child else "stops", seconds=stands + 9, actors=(actor,), greet_s=(stands,))


def _faces_late(rng: np.random.Generator, who: list[int], name: str) -> Scene:
    marks, stands = _comes(rng, 0.2, float(rng.uniform(0.3, 0.7)), float(rng.uniform(0.7, 1.1)))
    aside, faces = float(rng.choice((-50, 50))), stands + float(rng.uniform(1.5, 3))
    marks = [Mark(at_s=m.at_s, x=m.x, metres=m.metres, yaw_deg=aside) for m in marks]
    x, metres = marks[-1].x, marks[-1].metres
    marks += [Mark(at_s=faces - 0.3, x=x, metres=metres, yaw_deg=aside), Mark(at_s=faces, x=x, metres=metres)]
    actor = Actor(person=who[0], marks=tuple(_goes(marks, faces + 3)))
    return Scene(name=name, kind="stops_then_faces", seconds=faces + 8, actors=(actor,), greet_s=(faces,))


def _crowd(rng: np.random.Generator, who: list[int], name: str) -> Scene:
    """Many walk by at once, and stand about far off; in some scenes one of them stops."""
    others = who[1:]
    passing = []
    for number in range(7):
        start_s, metres = float(rng.uniform(0, 4)), float(rng.uniform(1.3, 3))
        passing.append(_across(rng, others[number % len(others)], start_s, metres, glance=bool(rng.integers(2))))
    standing = []
    for number in range(4):
        marks = tuple(Mark(at_s=at_s, x=0.1 + 0.2 * number, metres=3.2) for at_s in (0.0, 12.0))
        standing.append(Actor(person=others[number % len(others)], marks=marks))
    if not name.startswith("crowd_stops"):
        return Scene(name=name, kind="crowd", seconds=8, actors=(*passing, *standing))
    way, stands = _comes(rng, 0.5, float(rng.uniform(0.35, 0.65)), float(rng.uniform(0.7, 1.0)))
    actor = Actor(person=who[0], marks=tuple(_goes(way, stands + 4)))
    return Scene(
        name=name, kind="crowd_stops", seconds=stands + 8, actors=(actor, *passing, *standing), greet_s=(stands,)
    )


def _swap(rng: np.random.Generator, who: list[int], name: str) -> Scene:
    """One leaves, the next steps up at once."""
    marks, stands = _comes(rng, 0.2, 0.5, float(rng.uniform(0.7, 0.9)))
    leaves = stands + float(rng.uniform(2.5, 3.5))
    first = Actor(person=who[0], marks=tuple(_goes(marks, leaves)))
    gap = float(rng.uniform(0.0, 1.0))
    start = leaves + 1.0 + gap
    side = -0.3 if marks[-1].x >= 0.5 else 1.3
    second = (
        Mark(at_s=start - 0.8, x=side, metres=0.9, yaw_deg=60 if side < 0 else -60),
        Mark(at_s=start, x=0.5, metres=0.8),
        Mark(at_s=start + 6, x=0.5, metres=0.8),
    )
    return Scene(
        name=name,
        kind="swap",
        seconds=start + 6,
        actors=(first, Actor(person=who[1], marks=second)),
        greet_s=(stands, start),
    )


def _in_front(rng: np.random.Generator, who: list[int], name: str) -> Scene:
    """Somebody steps between the visitor and the camera; the visitor goes away behind them."""
    marks, stands = _comes(rng, 0.2, 0.5, 1.0)
    steps = stands + float(rng.uniform(2, 3))
    side = float(rng.choice((-0.3, 1.3)))
    behind = [
        *marks,
        Mark(at_s=steps + 1.2, x=0.5, metres=1.0),
        Mark(at_s=steps + 2.2, x=1.0 - side, metres=1.6, yaw_deg=75 if side < 0 else -75),
    ]
    front = (
        Mark(at_s=steps - 0.8, x=side, metres=0.75, yaw_deg=40 if side < 0 else -40),
        Mark(at_s=steps, x=0.5, metres=0.75),
        Mark(at_s=steps + 7, x=0.5, metres=0.75),
    )
    return Scene(
        name=name,
        kind="swap_in_front",
        seconds=steps + 7,
        actors=(Actor(person=who[0], marks=tuple(behind)), Actor(person=who[1], marks=front)),
        greet_s=(stands, steps),
    )


def _next(rng: np.random.Generator, who: list[int], name: str) -> Scene:
    """The next stands beside the visitor and waits, facing the screen, until they have gone."""
    marks, stands = _comes(rng, 0.2, 0.4, 0.75)
    leaves = stands + float(rng.uniform(4, 5))
    waits, _ = _comes(rng, stands + 0.5, 0.75, 0.95)
    end = leaves + 6
    second = [*waits, Mark(at_s=end, x=0.75, metres=0.95)]
    return Scene(
        name=name,
        kind="next_waits",
        seconds=end,
        actors=(Actor(person=who[0], marks=tuple(_goes(marks, leaves))), Actor(person=who[1], marks=tuple(second))),
        greet_s=(stands, leaves + 1.3),
    )


def _returns(rng: np.random.Generator, who: list[int], name: str) -> Scene:
    """The visitor bends down or turns to a bag, is out of sight for a moment, and is back: the same visit."""
    marks, stands = _comes(rng, 0.2, 0.5, float(rng.uniform(0.7, 0.9)))
    gone = stands + 3
    back = gone + float(rng.uniform(1.0, 1.8))
    x, metres = 0.5, marks[-1].metres
    marks += [
        Mark(at_s=gone, x=x, metres=metres),
        Mark(at_s=gone + 0.4, x=1.3, metres=metres, yaw_deg=70),
        Mark(at_s=back, x=1.3, metres=metres, yaw_deg=-70),
        Mark(at_s=back + 0.6, x=x + 0.05, metres=metres),
        Mark(at_s=back + 4, x=x + 0.05, metres=metres),
    ]
    return Scene(
        name=name,
        kind="returns",
        seconds=back + 4,
        actors=(Actor(person=who[0], marks=tuple(marks)),),
        greet_s=(stands,),
    )


def _poster(rng: np.random.Generator, who: list[int], name: str) -> Scene:
    """A printed face hangs near from the beginning; people pass it, or one stops."""
    hangs = tuple(Mark(at_s=at_s, x=0.25, metres=0.95) for at_s in (0.0, 20.0))
    poster = Actor(person=who[-1], marks=hangs, lives=False)
    if not name.startswith("poster_and_visitor"):
        return Scene(name=name, kind="poster", seconds=8, actors=(poster, _across(rng, who[0], 2, 0.8)))
    marks, stands = _comes(rng, 1.2, 0.65, 0.75)
    actor = Actor(person=who[0], marks=tuple(_goes(marks, stands + 4)))
    return Scene(name=name, kind="poster_and_visitor", seconds=stands + 9, actors=(poster, actor), greet_s=(stands,))


MAKERS: Final[dict[Kind, Callable[[np.random.Generator, list[int], str], Scene]]] = {
    "passes": _passes, "passes_glancing": _passes, "pauses_elsewhere": _pauses, "stops": _stops, "child": _stops,
    "stops_then_faces": _faces_late, "crowd": _crowd, "crowd_stops": _crowd, "swap": _swap, "swap_in_front": _in_front,
    "next_waits": _next, "returns": _returns, "poster": _poster, "poster_and_visitor": _poster,
}  # fmt: skip


def passers(seconds: float, seed: int, people: int) -> Scene:
    """People who walk by without an end, ten a minute; every third glances at the screen. Nobody stops."""
    rng = np.random.default_rng([99, seed])
    actors, at_s = [], 1.0
    while at_s < seconds - 8:
        metres = float(rng.uniform(0.9, 3.0))
        actors.append(_across(rng, int(rng.integers(people)), at_s, metres, glance=bool(rng.random() < 1 / 3)))
        at_s += float(rng.exponential(6.0))
    return Scene(name=f"passers-{seed}", kind="passes", seconds=seconds, actors=tuple(actors))
