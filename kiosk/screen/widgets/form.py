"""A form that visitor and teller fill together: the fields, a hint, and the visitor's keys or choices.

The field at hand is framed; the one that the teller has in hand is gold, and says so. Nothing is decided here.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Final

from contracts.screen import FieldRow
from kiosk.screen.blocks import TIGHT_GAP, Block, Room, in_columns, words
from kiosk.screen.boxes import Box
from kiosk.screen.kit import Kit
from kiosk.screen.parts import Part
from kiosk.screen.widgets.buttons import button, chip
from kiosk.screen.widgets.choosing import four_rows_fit, key_grid, of_kind, rows_of

LABEL_SHARE: Final = 0.36
ORDER: Final = ("key_1", "key_2", "key_3", "key_back", "key_4", "key_5", "key_6", "form_back", "key_7", "key_8",
                "key_9", "form_next", "", "key_0", "key_x", "")  # fmt: skip
FLAT_ORDER: Final = ("key_1", "key_2", "key_3", "key_4", "key_5", "key_back", "form_back", "key_6", "key_7", "key_8",
                     "key_9", "key_0", "key_x", "form_next")  # fmt: skip
BESIDE: Final = 1.4  # from this size of letters on only the field at hand and its neighbours are shown
FEW_ROWS: Final = 2


def form_title(room: Room) -> Block | None:
    shown = room.view.state.form
    if shown is None:
        return None

    def make(box: Box) -> list[Part]:
        def paint(kit: Kit) -> None:
            middle, small = box.y + box.height / 2, kit.size("small")
            step = kit.measure(shown.step, small) + 28
            beside = kit.measure(shown.title, kit.px(46) * 0.8, True) + step <= box.width
            room_ = box.width - (step if beside else 0)
            width = kit.text(shown.title, box.x, middle, kit.px(46), bold=True, room=room_)
            if beside:
                kit.text(shown.step, box.x + width + 28, middle + 4, small, "ink_2")

        return [Part("form:title", box.grown(4), (shown.title, shown.step, box), paint)]

    return Block(room.px(46) * 1.1, room.px(46) * 1.5, make, drop=2)


def form_rows(room: Room) -> Block | None:
    """The fields; in large letters only those around the one at hand."""
    shown = room.view.state.form
    if shown is None or not shown.rows:
        return None
    rows = list(enumerate(shown.rows))
    if room.theme.text >= BESIDE or room.frame.lying:
        few = FEW_ROWS if room.theme.text >= BESIDE else 4
        at = next((i for i, row in rows if row.here), 0)
        first = max(0, min(at - few // 2, len(rows) - few))
        rows = rows[first : first + few]
    least, ideal = room.size("body") * 1.25 + 10, max(96.0, room.size("body") * 1.7 + 10)

    def make(box: Box) -> list[Part]:
        high = min(box.height / len(rows), ideal)
        return [
            _row(room, row, i, Box(box.x, box.y + n * high, box.width, high - 10)) for n, (i, row) in enumerate(rows)
        ]

    return Block(len(rows) * least, len(rows) * ideal, make, grow=0.3)


def _row(room: Room, row: FieldRow, place: int, box: Box) -> Part:
    teller = room.view.say("柜员", "Teller")

    def paint(kit: Kit) -> None:
        middle, label = box.y + box.height / 2, kit.size("label")
        kit.rect(box, 16, "human_soft" if row.teller else "primary_soft" if row.here else "surface_2")
        if row.teller or row.here:
            kit.rect(box, 16, "human" if row.teller else "primary", stroke=4)
        left = LABEL_SHARE * box.width
        kit.text(row.label, box.x + 24, middle, kit.size("small"), "ink_2", room=left - 36)
        right = box.right - 24
        if row.teller:
            wide = kit.measure(teller, label, True) + 44
            tag = Box(right - wide, middle - label * 0.85, wide, label * 1.7)
            kit.rect(tag, label * 0.85, "human")
            kit.text(teller, *tag.centre, label, "human_ink", bold=True, align="center")
            right = tag.x - 16
        if row.trouble:
            free = max(80.0, (right - box.x - left) * 0.6)
            right -= kit.text(row.trouble, right, middle, label, "danger", bold=True, align="right", room=free) + 16
        kit.text(row.shown or "—", box.x + left, middle, kit.size("body"), bold=True, room=right - box.x - left)

    return Part(f"form:row:{place}", box.grown(4), (row, teller, box), paint)


def form_hint(room: Room) -> Block | None:
    shown = room.view.state.form
    if shown is None or not shown.hint:
        return None
    return words(room, "form:hint", shown.hint, room.size("body"), bold=True, ink="primary", most=2, drop=1)


def form_acts(room: Room) -> Block | None:
    """Keys, or up to four choices with the two that move on."""
    shown = room.view.state.form
    if shown is None:
        return None
    if shown.typed_at != "choices":
        if not four_rows_fit(room):
            return key_grid(room, FLAT_ORDER, 7, secret=shown.secret, high=124.0)
        return key_grid(room, ORDER, 4, secret=shown.secret, high=124.0)
    view = replace(room.view, pressed="") if shown.secret else room.view
    chosen = of_kind(view, "chip")
    moves = of_kind(view, "quiet")
    least = max(room.frame.finger, room.size("body") * 1.4)
    block = rows_of(room, chosen, partial(chip, view), least, max(104.0, least), TIGHT_GAP)
    if block is None or not moves:
        return block
    across = len(moves)

    def make(box: Box) -> list[Part]:
        row = max(room.frame.finger, min(124.0, box.height / (len(chosen) + 1) - TIGHT_GAP))
        upper = Box(box.x, box.y, box.width, box.height - row - TIGHT_GAP)
        lower = in_columns(across, across, Box(box.x, box.bottom - row, box.width, row), TIGHT_GAP)
        return [*block.make(upper), *(button(view, t, b, 36, filled=False) for t, b in zip(moves, lower, strict=True))]

    return Block(block.least + least + TIGHT_GAP, block.ideal + 124 + TIGHT_GAP, make)
