"""A form that visitor and teller fill together: the fields above, the visitor's keys or choices below.

The field at hand is framed; the one that the teller has in hand is gold, and says so. Nothing is decided here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from contracts.screen import FieldRow, FormView, Target
from kiosk.screen.boxes import Box
from kiosk.screen.buttons import button, chip, score
from kiosk.screen.dock import dock_parts
from kiosk.screen.kit import Kit
from kiosk.screen.pages.common import of_kind, sheet
from kiosk.screen.pages.shared_call import SHEET_Y, TELLER, above
from kiosk.screen.parts import PageLayout, Part, View
from kiosk.screen.theme import INNER, MARGIN

TITLE: Final = Box(MARGIN, 530, INNER, 76)
ROWS: Final = Box(MARGIN, 616, INNER, 444)
ROW_MOST: Final = 96.0
HINT: Final = Box(MARGIN, 1072, INNER, 64)
KEYS: Final = Box(MARGIN, 1150, INNER, 552)
GAP: Final = 18
COLUMNS: Final = 4
LABEL_SHARE: Final = 0.36
ORDER: Final = ("key_1", "key_2", "key_3", "key_back", "key_4", "key_5", "key_6", "form_back", "key_7", "key_8",
                "key_9", "form_next", "", "key_0", "key_x", "")  # fmt: skip


def form(view: View) -> PageLayout:
    shown = view.state.form or FormView("", "", (), "")
    behind, figure = above(view)
    parts: list[Part] = [*sheet(SHEET_Y), _title(shown)]
    high = min(ROW_MOST, ROWS.height / max(1, len(shown.rows)))
    parts += [_row(view, row, place, high) for place, row in enumerate(shown.rows)]
    parts.append(_hint(shown))
    hand = replace(view, pressed="") if shown.secret else view  # a key that lights up tells who looks over a shoulder
    offered = {target.id: target for target in of_kind(view, "key", "quiet", "chip")}
    if shown.typed_at == "choices":
        parts += _choices(view, offered)
    for place, name in enumerate(ORDER):
        if name in offered:
            parts.append(_key(hand, offered[name], _box(place)))
    return PageLayout("light", behind, figure, (*parts, *dock_parts(view)), teller=TELLER)


def _box(place: int) -> Box:
    row, column = divmod(place, COLUMNS)
    width, height = (KEYS.width - (COLUMNS - 1) * GAP) / COLUMNS, (KEYS.height - 3 * GAP) / 4
    return Box(KEYS.x + column * (width + GAP), KEYS.y + row * (height + GAP), width, height)


def _key(view: View, target: Target, box: Box) -> Part:
    return score(view, target, box) if target.kind == "key" else button(view, target, box, 36, filled=False)


def _choices(view: View, offered: dict[str, Target]) -> list[Part]:
    """Up to four, one below the other, left of the two that move on."""
    width = 3 * (KEYS.width + GAP) / COLUMNS - GAP
    chosen = [target for target in offered.values() if target.kind == "chip"]
    height = (KEYS.height - 3 * GAP) / 4
    return [
        chip(view, target, Box(KEYS.x, KEYS.y + place * (height + GAP), width, height))
        for place, target in enumerate(chosen)
    ]


def _title(shown: FormView) -> Part:
    def paint(kit: Kit) -> None:
        middle = TITLE.y + TITLE.height / 2
        width = kit.text(shown.title, TITLE.x, middle, 46, bold=True, room=TITLE.width - 280)
        kit.text(
            shown.step, TITLE.x + width + 28, middle + 4, kit.size("small"), "ink_2", room=TITLE.width - width - 40
        )

    return Part("form:title", TITLE.grown(4), (shown.title, shown.step), paint)


def _row(view: View, row: FieldRow, place: int, high: float) -> Part:
    box = Box(ROWS.x, ROWS.y + place * high, ROWS.width, high - 10)
    teller = view.say("柜员", "Teller")

    def paint(kit: Kit) -> None:
        middle = box.y + box.height / 2
        kit.rect(box, 16, "human_soft" if row.teller else "primary_soft" if row.here else "surface_2")
        if row.teller or row.here:
            kit.rect(box, 16, "human" if row.teller else "primary", stroke=4)
        left = LABEL_SHARE * box.width
        kit.text(row.label, box.x + 24, middle, kit.size("small"), "ink_2", room=left - 36)
        right = box.right - 24
        if row.teller:
            tag = Box(right - 104, middle - 22, 104, 44)
            kit.rect(tag, 22, "human")
            kit.text(teller, *tag.centre, kit.size("label"), "human_ink", bold=True, align="center", room=92)
            right = tag.x - 16
        if row.trouble:
            right -= kit.text(row.trouble, right, middle, kit.size("label"), "danger", bold=True, align="right",
                              room=300) + 16  # fmt: skip
        kit.text(row.shown or "—", box.x + left, middle, kit.size("body"), bold=True, room=right - box.x - left)

    return Part(f"form:row:{place}", box.grown(4), (row, teller, high), paint)


def _hint(shown: FormView) -> Part:
    def paint(kit: Kit) -> None:
        kit.text(shown.hint, HINT.x, HINT.y + HINT.height / 2, kit.size("body"), "primary", bold=True, room=HINT.width)

    return Part("form:hint", HINT.grown(4), (shown.hint,), paint)
