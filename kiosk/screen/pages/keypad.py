"""Typing a number: what she asked, what was typed, ten digits, delete and done. Speaking still works."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from contracts.screen import Target
from kiosk.screen.boxes import Box
from kiosk.screen.bubbles import large_caption
from kiosk.screen.buttons import button, score
from kiosk.screen.dock import dock_parts
from kiosk.screen.kit import Kit
from kiosk.screen.pages.common import day_theme, of_kind, sheet
from kiosk.screen.parts import FigureSpot, PageLayout, Part, View
from kiosk.screen.scene import gate_part, head_part
from kiosk.screen.theme import INNER, MARGIN, theme

SHEET_Y: Final = 640
ASKED: Final = Box(MARGIN, 676, INNER, 190)
ASKED_PX: Final = 56
ENTRY: Final = Box(MARGIN, 884, INNER, 132)
KEYS_Y: Final = 1040
KEY_HEIGHT: Final = 148
KEY_GAP: Final = 24
ORDER: Final = ("key_1", "key_2", "key_3", "key_4", "key_5", "key_6", "key_7", "key_8", "key_9", "key_back", "key_0",
                "key_ok")  # fmt: skip
COLUMNS: Final = 3


def keypad(view: View) -> PageLayout:
    name = day_theme(view)
    keys = {target.id: target for target in of_kind(view, "key")}
    parts: list[Part] = [*sheet(SHEET_Y), *large_caption(view, theme(name), ASKED, ASKED_PX), _entry(view)]
    secret = view.state.entry is not None and view.state.entry.secret
    hand = replace(view, pressed="") if secret else view  # a key that lights up tells who looks over a shoulder
    parts += [_key(hand, keys[key], _box(place)) for place, key in enumerate(ORDER) if key in keys]
    behind = (gate_part(540, 436, 256), head_part(view))
    return PageLayout(name, behind, FigureSpot(540, 352, 0.76, SHEET_Y, badge=False), (*parts, *dock_parts(view)))


def _box(place: int) -> Box:
    row, column = divmod(place, COLUMNS)
    width = (INNER - (COLUMNS - 1) * KEY_GAP) / COLUMNS
    return Box(MARGIN + column * (width + KEY_GAP), KEYS_Y + row * (KEY_HEIGHT + KEY_GAP), width, KEY_HEIGHT)


def _key(view: View, target: Target, box: Box) -> Part:
    if target.id in ("key_ok", "key_back"):
        return button(view, target, box, 48, filled=target.id == "key_ok")
    return score(view, target, box)


def _entry(view: View) -> Part:
    entry = view.state.entry
    typed = entry.text if entry else ""
    shown = f"{int(typed):,}" if entry and entry.money and typed.isdecimal() else typed
    unit = view.say("元", "yuan") if entry and entry.money else ""

    def paint(kit: Kit) -> None:
        kit.rect(ENTRY, 28, "surface_2")
        kit.rect(ENTRY, 28, "primary", stroke=3)
        x, y = ENTRY.centre
        kit.text(shown, x, y, 72, bold=True, align="center", room=INNER - 240)
        if unit:
            kit.text(unit, ENTRY.right - 36, y, 44, "ink_2", align="right")

    return Part("entry", ENTRY.grown(4), (shown, unit), paint)
