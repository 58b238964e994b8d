"""The branch's plan with the way to walk: where you stand, a line, and where it ends."""

from __future__ import annotations

import itertools
import math
from typing import Final

from contracts.screen import MapPlace, MapView
from kiosk.screen.blocks import Block, Room
from kiosk.screen.boxes import Box
from kiosk.screen.kit import Kit
from kiosk.screen.parts import Part

PATH_WIDTH: Final = 16.0
DOT: Final = 22.0


def plan(room: Room) -> Block | None:
    """The plan, as large as it fits."""
    shown = room.view.state.map
    if shown is None:
        return None
    wanted = min(room.width / shown.shape, 640.0 if not room.frame.lying else 460.0)
    return Block(min(wanted, 280.0), wanted, lambda box: [_plan(room, shown, box)], grow=0.5)


def _plan(room: Room, shown: MapView, box: Box) -> Part:
    width = min(box.width, box.height * shown.shape)
    height = width / shown.shape
    floor = Box(box.x + (box.width - width) / 2, box.y + (box.height - height) / 2, width, height)
    you = room.view.say("您在这里", "You are here")

    def at(x: float, y: float) -> tuple[float, float]:
        return floor.x + x * floor.width, floor.y + y * floor.height

    def paint(kit: Kit) -> None:
        kit.rect(floor, 24, "surface_2")
        kit.rect(floor, 24, "line_strong", stroke=5)
        points = [at(x, y) for x, y in shown.route]
        tags = _tags(kit, shown, floor, points, you)
        for place in shown.places:
            _draw_place(kit, place, floor, [tag for _, tag in tags])
        for start, end in itertools.pairwise(points):
            kit.line(start, end, "surface", PATH_WIDTH + 8)
        for start, end in itertools.pairwise(points):
            kit.line(start, end, "primary", PATH_WIDTH)
        if len(points) > 1:
            _draw_head(kit, points[-2], points[-1])
        if points:
            kit.circle(*points[0], DOT + 6, "surface")
            kit.circle(*points[0], DOT, "danger")
        size = kit.size("label")
        for text, tag in tags:
            goal = text != you
            kit.rect(tag, tag.height / 2, "primary" if goal else "surface")
            kit.rect(tag, tag.height / 2, "primary" if goal else "line_strong", stroke=3)
            kit.text(text, *tag.centre, size, "ink_on_primary" if goal else "ink", bold=True, align="center")

    return Part("plan", box.grown(6), (shown, you, box), paint)


def _tags(kit: Kit, shown: MapView, floor: Box, points: list[tuple[float, float]], you: str) -> list[tuple[str, Box]]:
    """The names of the goal and of where you stand, where they hide neither each other nor the way's ends."""
    size = kit.size("label")
    tags: list[tuple[str, Box]] = []
    wanted: list[tuple[str, list[tuple[float, float]]]] = []
    for place in shown.places:
        if place.goal:
            x, y, width, height = place.box
            middle = floor.x + (x + width / 2) * floor.width
            top, bottom = floor.y + y * floor.height, floor.y + (y + height) * floor.height
            wanted.append((place.label, [(middle, (top + bottom) / 2), (middle, bottom + size), (middle, top - size)]))
    if points:
        x, y = points[0]
        off = DOT + size
        wanted.append((you, [(x, y + off), (x, y - off), (x + 4 * size, y), (x - 4 * size, y)]))
    for text, places in wanted:
        half, tall = kit.measure(text, size, True) / 2 + 16, size * 1.6
        for x, y in places:
            left = min(max(x - half, floor.x + 8), floor.right - 2 * half - 8)
            top = min(max(y - tall / 2, floor.y + 8), floor.bottom - tall - 8)
            tag = Box(left, top, 2 * half, tall)
            if all(tag.gap_to(other) > 4 for _, other in tags):
                tags.append((text, tag))
                break
    return tags


def _draw_place(kit: Kit, place: MapPlace, floor: Box, tags: list[Box]) -> None:
    """A room of the plan; a name that does not fit whole is left out: it helps nobody."""
    x, y, width, height = place.box
    box = Box(floor.x + x * floor.width, floor.y + y * floor.height, width * floor.width, height * floor.height)
    kit.rect(box, 12, "primary_soft" if place.goal else "surface")
    kit.rect(box, 12, "primary" if place.goal else "line_strong", stroke=3)
    size = kit.size("label")
    wide = kit.measure(place.label, size)
    if place.goal or wide * 0.8 > box.width - 12 or size * 1.1 > box.height:
        return
    size = min(size, size * (box.width - 12) / wide)
    name = Box(box.centre[0] - wide / 2, box.centre[1] - size * 0.6, wide, size * 1.2)
    if all(name.gap_to(tag) > 2 for tag in tags):
        kit.text(place.label, *box.centre, size, align="center")


def _draw_head(kit: Kit, start: tuple[float, float], end: tuple[float, float]) -> None:
    """The arrow's head at the end of the way."""
    angle = math.atan2(end[1] - start[1], end[0] - start[0])
    size = 34.0
    points = [
        (end[0] + size * 0.5 * math.cos(angle), end[1] + size * 0.5 * math.sin(angle)),
        (end[0] - size * math.cos(angle - 0.6), end[1] - size * math.sin(angle - 0.6)),
        (end[0] - size * math.cos(angle + 0.6), end[1] - size * math.sin(angle + 0.6)),
    ]
    outline = "M " + " L ".join(f"{x:.1f} {y:.1f}" for x, y in points) + " Z"
    kit.shape(outline, "surface", stroke=8)
    kit.shape(outline, "primary")
