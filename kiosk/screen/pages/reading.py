"""Something to read, or something that the teller asks for: a text in large letters, and one or two buttons."""

from __future__ import annotations

from typing import Final

from contracts.screen import ReadingView
from kiosk.screen.boxes import Box
from kiosk.screen.buttons import button, row_boxes
from kiosk.screen.dock import dock_parts
from kiosk.screen.kit import Kit
from kiosk.screen.pages.common import of_kind, sheet
from kiosk.screen.pages.shared_call import SHEET_Y, TELLER, above
from kiosk.screen.parts import PageLayout, Part, View
from kiosk.screen.theme import INNER, MARGIN

TITLE: Final = Box(MARGIN, 560, INNER, 150)
TEXT: Final = Box(MARGIN, 740, INNER, 640)
SOURCE: Final = Box(MARGIN, 1400, INNER, 60)
BUTTONS_Y: Final = 1520
BUTTONS_HEIGHT: Final = 150
TEXT_PX: Final = 52.0
TEXT_LINES: Final = 9


def reading(view: View) -> PageLayout:
    shown = view.state.reading or ReadingView("", "")
    behind, figure = above(view)
    offered = of_kind(view, "quiet", "primary")
    parts: list[Part] = [*sheet(SHEET_Y), _words(view, shown)]
    for target, box in zip(offered, row_boxes(len(offered), BUTTONS_Y, BUTTONS_HEIGHT), strict=True):
        parts.append(button(view, target, box, 46, filled=target.kind == "primary"))
    return PageLayout("light", behind, figure, (*parts, *dock_parts(view)), teller=TELLER)


def _words(view: View, shown: ReadingView) -> Part:
    source = view.say(f"出处：{shown.source}", f"Source: {shown.source}") if shown.source else ""
    whole = Box(MARGIN, TITLE.y, INNER, SOURCE.bottom - TITLE.y)

    def paint(kit: Kit) -> None:
        kit.lines(kit.fitted(shown.title, INNER, 52, True, max_lines=2), TITLE, bold=True)
        kit.lines(kit.fitted(shown.text, INNER, TEXT_PX, max_lines=TEXT_LINES), TEXT)
        if source:
            kit.text(source, SOURCE.x, SOURCE.y + 30, kit.size("small"), "ink_2", room=INNER)

    return Part("reading", whole.grown(4), (shown, source), paint)
