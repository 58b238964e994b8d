"""Nobody is here yet: three things one could say, and how many wait for what. The figures are the core's."""

from __future__ import annotations

import math
from typing import Final

from contracts.screen import QueueLine, Target
from kiosk.screen.blocks import BLOCK_GAP, Block, Room, in_columns
from kiosk.screen.boxes import Box, Hit
from kiosk.screen.kit import Kit
from kiosk.screen.parts import Part, View
from kiosk.screen.widgets.called import called_block
from kiosk.screen.widgets.choosing import of_kind
from kiosk.screen.widgets.missing import missing_block

MAX_LINES: Final = 3
MOST_SHOWN: Final = 99  # more than these are 'more than 99': nobody counts on
LARGE: Final = 1.3


def invitations(room: Room) -> Block | None:
    """Three sentences one could say; each is a target too."""
    targets = of_kind(room.view, "card", "chip")[:3]
    if not targets:
        return None
    count = len(targets)
    tall = room.theme.text >= LARGE
    columns = 1 if tall and not room.frame.lying else count
    if columns > 1:
        wide = (room.width - (columns - 1) * BLOCK_GAP) / columns - 30
        if any(room.measure(True)(t.label, room.size("body") * 0.8) > wide for t in targets):
            columns = 1
    rows = math.ceil(count / columns)
    body = room.size("body")
    least = max(room.frame.finger, body * 1.5 if columns == 1 else body * 1.5 + 56)
    ideal = max(least, body * 1.5 + 24 if columns == 1 else 176.0)

    def make(box: Box) -> list[Part]:
        boxes = in_columns(count, columns, box, 16.0 if columns == 1 else BLOCK_GAP)
        return [_invitation(room.view, t, one) for t, one in zip(targets, boxes, strict=True)]

    gaps = 16.0 * (rows - 1)
    return Block(rows * least + gaps, rows * ideal + gaps, make)


def _invitation(view: View, target: Target, box: Box) -> Part:
    pressed = view.pressed == target.id or target.selected
    wide = box.width > 3.4 * box.height

    def paint(kit: Kit) -> None:
        kit.rect(box, 32, "primary_soft" if pressed else "surface")
        kit.rect(box, 32, "line_strong", 1.0 if pressed or kit.theme.name == "elder" else 0.7, stroke=2.5)
        body, small = kit.size("body"), kit.size("small")
        icon = target.icon or "mic"
        if wide:
            middle = box.y + box.height / 2
            kit.icon(icon, box.x + 60, middle, min(64.0, box.height * 0.6), "primary", 1.8)
            room = box.width - 110 - 32
            shown = kit.fitted(target.label, room, body, True)
            width = kit.measure(shown.lines[0], shown.size, True)
            kit.text(shown.lines[0], box.x + 110, middle, shown.size, bold=True)
            if target.detail and width + 24 + kit.measure(target.detail, small) <= room:
                kit.text(target.detail, box.right - 32, middle, small, "ink_2", align="right")
            return
        x = box.x + box.width / 2
        kit.text(target.label, x, box.y + box.height * 0.32, body, bold=True, align="center", room=box.width - 30)
        y = box.y + box.height * 0.70
        if not target.detail or kit.measure(target.detail, small * 0.8) > box.width - 100:
            kit.icon(icon, x, y, 52, "primary", 1.8)
            return
        shown = kit.fitted(target.detail, box.width - 100, small)
        width = kit.measure(shown.lines[0], shown.size)
        kit.icon(icon, x - width / 2 - 4, y, 46, "primary", 1.8)
        kit.text(shown.lines[0], x + 28, y, shown.size, "ink_2", align="center")

    key = (target.label, target.detail, target.icon, pressed, box)
    return Part(f"invitation:{target.id}", box.grown(2), key, paint, Hit(target.id, box, target.enabled))


def hall_beside(room: Room) -> Block | None:
    """On lying glass the hall's figures stand with what is read."""
    return _hall(room) if room.frame.lying else None


def hall_below(room: Room) -> Block | None:
    """On upright glass they stand below the invitations."""
    return None if room.frame.lying else _hall(room)


def _hall(room: Room) -> Block | None:
    """The number that is called now, else the queue, else what is being repaired."""
    state = room.view.state
    if state.called:
        return called_block(room, state.called)
    if state.queue:
        return _queue_block(room)
    return missing_block(room) if state.lights.missing else None


def _queue_block(room: Room) -> Block:
    small, hero = room.size("small"), room.size("hero")
    ideal = small * 1.6 + 24 + small * 1.6 + hero * 1.15 + small * 1.7 + 16
    least = small * 1.4 + 16 + small * 1.4 + room.size("display") * 1.1 + 12
    return Block(least, ideal, lambda box: [_queue(room, box)], drop=2)


def _queue(room: Room, box: Box) -> Part:
    view, lines = room.view, room.view.state.queue[:MAX_LINES]

    def paint(kit: Kit) -> None:
        kit.rect(box, 36, "surface")
        if kit.theme.name == "elder":
            kit.rect(box, 36, "line_strong", stroke=3)
        small = kit.size("small")
        head = small * 1.6 + 8
        width = kit.text(view.say("现在排队", "In the queue now"), box.x + 36, box.y + head / 2 + 4, small, "ink_2")
        free = box.width - 72 - width - 40
        note = view.state.note
        if note and kit.measure(note, small * 0.8, True) <= free:
            kit.text(note, box.right - 36, box.y + head / 2 + 4, small, "primary", bold=True, align="right", room=free)
        kit.line((box.x + 36, box.y + head + 8), (box.right - 36, box.y + head + 8), "line", 2)
        column = box.width / len(lines)
        below = Box(box.x, box.y + head + 12, box.width, box.height - head - 20)
        for i, line in enumerate(lines):
            if i:
                x = box.x + column * i
                kit.line((x, below.y + 12), (x, below.bottom - 8), "line", 2)
            _draw_line(kit, view, line, Box(below.x + column * i + 14, below.y, column - 28, below.height))

    return Part("queue", box.grown(2), (lines, view.state.note, view.state.language, box), paint)


def _draw_line(kit: Kit, view: View, line: QueueLine, box: Box) -> None:
    small, x = kit.size("small"), box.x + box.width / 2
    kit.text(line.name, x, box.y + small * 0.85, small, align="center", room=box.width)
    number = str(line.waiting) if line.waiting <= MOST_SHOWN else f"{MOST_SHOWN}+"
    unit = view.say("人", "waiting")
    waits = (line.wait_min is not None or line.waiting > 0) and box.height > small * 3.2 + kit.size("display")
    left = box.height - small * 1.6 - (small * 1.5 if waits else 0)
    size = min(kit.size("hero"), left * 0.86)
    beside = kit.measure(number, size, True) + 10 + kit.measure(unit, small) <= box.width
    y = box.y + small * 1.6 + left / 2
    if beside:
        width = kit.measure(number, size, True)
        start = x - (width + 10 + kit.measure(unit, small)) / 2
        kit.text(number, start, y, size, bold=True)
        kit.text(unit, start + width + 10, y + size * 0.2, small, "ink_2")
    else:
        kit.text(number, x, y, size, bold=True, align="center", room=box.width)
    if waits:
        wait, ink = _wait_words(view, line)
        kit.text(wait, x, box.bottom - small * 0.8, small, ink, align="center", room=box.width)


def _wait_words(view: View, line: QueueLine) -> tuple[str, str]:
    if line.wait_min is None:
        return view.say("等多久说不准", "wait not known"), "ink_2"
    low, high = (min(minutes, 999) for minutes in line.wait_min)
    if line.slower:
        return view.say(f"比预计慢：约 {low} 分钟", f"slower: about {low} min"), "ink"
    return view.say(f"约 {low} 分钟，很少过 {high}", f"{low} min, seldom {high}"), "ink_2"
