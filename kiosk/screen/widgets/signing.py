"""Signing: the document as it will be signed, the pad, and clear, refuse, done. No press signs."""

from __future__ import annotations

import itertools
from typing import Final

from contracts.screen import PAD, PAD_UNITS, PadView, Target
from kiosk.screen.blocks import TIGHT_GAP, Block, Room, in_columns, words
from kiosk.screen.boxes import Box, Hit
from kiosk.screen.kit import Kit
from kiosk.screen.parts import Part
from kiosk.screen.text import fit
from kiosk.screen.widgets.buttons import button
from kiosk.screen.widgets.choosing import of_kind

INK_WIDTH: Final = 6
SHARES: Final = (1.0, 0.92, 0.84, 0.76, 0.68, 0.6, 0.52, 0.45, 0.4)
INK: Final = "#10243A"
SHAPE: Final = PAD_UNITS[0] / PAD_UNITS[1]
Lines = tuple[tuple[tuple[int, int, int], ...], ...]
ORDER: Final = ("pad_decline", "pad_clear", "pad_done")


def document(room: Room) -> Block | None:
    """The document's lines and what signing declares."""
    shown = room.view.state.pad
    if shown is None:
        return None
    lead = room.size("small") * 1.4
    ideal = room.size("body") * 1.6 + lead * len(shown.lines) + room.size("label") * 4.4 + 24
    return Block(ideal * 0.5, ideal, lambda box: [_paper(room, shown, box)], grow=0.4)


def _paper(room: Room, shown: PadView, box: Box) -> Part:
    number = room.view.say(f"编号 {shown.code}", f"No. {shown.code}")

    def paint(kit: Kit) -> None:
        kit.rect(box, 20, "surface_2")
        x, free = box.x + 28, box.width - 56
        for share in SHARES:  # every line of what is signed is on the page; large letters give way before words do
            body, small, label = kit.size("body") * share, kit.size("small") * share, kit.size("label") * share
            declared = fit(shown.declares, free, label, kit.measure, max_lines=9, shrink_to=1.0)
            foot = len(declared.lines) * label * 1.35
            head, lead = body * 1.5, small * 1.3
            if head + 20 + lead * len(shown.lines) + foot <= box.height:
                break
        else:
            kit.cut.append(shown.declares)
        wide = kit.measure(number, label) + 24
        y = box.y + head / 2 + 4
        kit.text(shown.title, x, y, body, bold=True, room=free - wide)
        kit.text(number, box.right - 28, y, label, "ink_2", align="right")
        kit.line((x, box.y + head + 4), (box.right - 28, box.y + head + 4), "line_strong", 2)
        lead = max(lead, min(small * 1.5, (box.height - head - 24 - foot) / max(1, len(shown.lines))))
        for place, line in enumerate(shown.lines):
            kit.text(line, x, box.y + head + 8 + (place + 0.5) * lead, small, room=free)
        for place, line in enumerate(declared.lines):
            kit.text(line, x, box.bottom - foot - 6 + (place + 0.5) * label * 1.35, label, "ink_2")

    return Part("pad:paper", box.grown(4), (shown.title, shown.lines, shown.declares, number, box), paint)


def sign_hint(room: Room) -> Block | None:
    shown = room.view.state.pad
    if shown is None or not shown.hint:
        return None
    return words(room, "pad:hint", shown.hint, room.size("small"), bold=True, ink="primary", most=2, drop=1)


def signing(room: Room) -> Block | None:
    """The pad above its buttons; on lying glass beside them."""
    offered = {target.id: target for target in of_kind(room.view, "key", "quiet", "primary")}
    if PAD not in offered:
        return None
    shown = room.view.state.pad or PadView("", (), "", "")
    buttons = [offered[name] for name in ORDER if name in offered]
    lines = (*shown.strokes, *room.view.ink)
    row = max(room.frame.finger, 104.0)

    def make(box: Box) -> list[Part]:
        if room.frame.lying:
            height = min(box.height, (box.width * 0.66) / SHAPE)
            pad = Box(box.x, box.bottom - height, height * SHAPE, height)
            side = Box(pad.right + 24, pad.y, box.right - pad.right - 24, height)
            boxes = in_columns(len(buttons), 1, side, TIGHT_GAP)
        else:
            height = min(box.height - row - TIGHT_GAP, box.width / SHAPE)
            width = height * SHAPE
            pad = Box(box.x + (box.width - width) / 2, box.bottom - row - TIGHT_GAP - height, width, height)
            boxes = in_columns(len(buttons), len(buttons), Box(box.x, box.bottom - row, box.width, row), TIGHT_GAP)
        drawn = [button(room.view, t, b, 42, filled=t.id == "pad_done") for t, b in zip(buttons, boxes, strict=True)]
        return [_pad(room, offered[PAD], lines, pad), *drawn]

    least = 3 * room.frame.finger + 2 * TIGHT_GAP if room.frame.lying else 300.0 + row
    ideal = 340.0 if room.frame.lying else room.width / SHAPE + row + TIGHT_GAP
    return Block(least, ideal, make)


def _pad(room: Room, target: Target, lines: Lines, box: Box) -> Part:
    """The box with what was drawn, and the line that is being drawn."""
    scale = box.width / PAD_UNITS[0]

    def paint(kit: Kit) -> None:
        kit.rect(box, 24, "#FFFFFF")
        kit.rect(box, 24, "primary", stroke=4)
        y = box.y + box.height * 0.74
        kit.line((box.x + 60, y), (box.right - 60, y), "line_strong", 3, dash=(14, 12))
        if not lines:
            size = kit.size("small")
            kit.text(target.label, box.x + box.width / 2, y + box.height * 0.13, size, "ink_2", align="center",
                     room=box.width - 60)  # fmt: skip
        for line in lines:
            points = [(box.x + x * scale, box.y + y * scale) for x, y, _ in line]
            if len(points) == 1:
                kit.circle(*points[0], INK_WIDTH / 2, INK)
            for start, end in itertools.pairwise(points):
                kit.line(start, end, INK, INK_WIDTH)

    return Part("pad", box.grown(4), (target.label, lines, box), paint, Hit(target.id, box, target.enabled))
