"""Rows of what was understood, to be looked at before it is done. What is private comes masked from the core."""

from __future__ import annotations

from typing import Final

from contracts.screen import ConfirmRow
from kiosk.screen.blocks import Block, Room
from kiosk.screen.boxes import Box
from kiosk.screen.kit import Kit
from kiosk.screen.parts import Part
from kiosk.screen.text import fit

MAX_ROWS: Final = 6
LABEL_SHARE: Final = 0.36


def confirm_rows(room: Room) -> Block | None:
    """Label left, value right; below each other where letters are large."""
    shown = room.view.state.confirm
    if shown is None or not shown.rows:
        return None
    rows = shown.rows[:MAX_ROWS]
    below = room.theme.text >= 1.5 and not room.frame.lying
    small, lead = room.size("small"), room.size("lead")
    high = small * 1.4 + lead * 1.5 if below else lead * 1.9
    least = small * 1.2 + lead * 1.15 if below else lead * 1.25

    def make(box: Box) -> list[Part]:
        each = box.height / len(rows)
        return [
            _row(room, row, i, Box(box.x, box.y + i * each, box.width, each - 10), below=below)
            for i, row in enumerate(rows)
        ]

    return Block(len(rows) * (least + 10), len(rows) * (high + 10), make, grow=0.7)


def _row(room: Room, row: ConfirmRow, place: int, box: Box, *, below: bool) -> Part:
    opened = bool(room.view.state.confirm and room.view.state.confirm.open and row.private)

    def paint(kit: Kit) -> None:
        small, lead = kit.size("small"), kit.size("lead")
        kit.rect(box, 20, "primary_soft" if opened else "surface_2")
        if kit.theme.name == "elder" or opened:
            kit.rect(box, 20, "primary" if opened else "line_strong", stroke=3)
        right = box.right - 28
        if row.private:
            kit.icon("eye" if opened else "lock", right - 22, box.y + box.height / 2, 44, "primary", 1.9)
            right -= 64
        if below and box.height >= small * 1.25 + lead * 1.2:
            y = box.y + box.height * 0.28
            kit.text(row.label, box.x + 28, y, small, "ink_2", room=right - box.x - 28)
            kit.text(row.shown or "—", box.x + 28, box.y + box.height * 0.70, lead, bold=True, room=right - box.x - 28)
            return
        left, middle = LABEL_SHARE * box.width, box.y + box.height / 2
        kit.text(row.label, box.x + 28, middle, small, "ink_2", room=left - 40)
        free = right - box.x - left
        fitted = fit(row.shown or "—", free, lead, lambda t, s: kit.measure(t, s, True), max_lines=1)
        if fitted.cut and box.height > small * 2.6:
            kit.lines(
                kit.fitted(row.shown, free, small, True, 2), Box(box.x + left, middle - small * 1.4, free, 0), bold=True
            )
            return
        kit.text(row.shown or "—", box.x + left, middle, lead, bold=True, room=free)

    return Part(f"confirm:{place}", box.grown(4), (row, opened, box, below), paint)
