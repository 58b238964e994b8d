"""Signing: the document as it will be signed above, the pad below; clear, refuse, done. No press signs."""

from __future__ import annotations

import itertools
from typing import Final

from contracts.screen import PAD, PAD_UNITS, PadView, Target
from kiosk.screen.boxes import Box, Hit
from kiosk.screen.buttons import button, row_boxes
from kiosk.screen.dock import dock_parts
from kiosk.screen.kit import Kit
from kiosk.screen.pages.common import of_kind, sheet
from kiosk.screen.pages.shared_call import SHEET_Y, TELLER, above
from kiosk.screen.parts import PageLayout, Part, View
from kiosk.screen.theme import INNER, MARGIN

PAPER: Final = Box(MARGIN, 534, INNER, 416)
HINT: Final = Box(MARGIN, 958, INNER, 56)
PAD_BOX: Final = Box(MARGIN, 1022, *PAD_UNITS)
BUTTONS_Y: Final = 1572
BUTTONS_HEIGHT: Final = 132
LINE_MOST: Final = 44.0
DECLARES: Final = 92
INK_WIDTH: Final = 6
Lines = tuple[tuple[tuple[int, int, int], ...], ...]
ORDER: Final = ("pad_decline", "pad_clear", "pad_done")


def sign(view: View) -> PageLayout:
    shown = view.state.pad or PadView("", (), "", "")
    behind, figure = above(view)
    offered = {target.id: target for target in of_kind(view, "key", "quiet", "primary")}
    parts: list[Part] = [*sheet(SHEET_Y), _paper(view, shown), _hint(shown)]
    if PAD in offered:
        parts.append(_pad(offered[PAD], (*shown.strokes, *view.ink)))
    for name, box in zip(ORDER, row_boxes(len(ORDER), BUTTONS_Y, BUTTONS_HEIGHT), strict=True):
        if name in offered:
            parts.append(button(view, offered[name], box, 42, filled=name == "pad_done"))
    return PageLayout("light", behind, figure, (*parts, *dock_parts(view)), teller=TELLER)


def _paper(view: View, shown: PadView) -> Part:
    number = view.say(f"编号 {shown.code}", f"No. {shown.code}")

    def paint(kit: Kit) -> None:
        kit.rect(PAPER, 20, "surface_2")
        x, room = PAPER.x + 28, PAPER.width - 56
        kit.text(shown.title, x, PAPER.y + 40, kit.size("body"), bold=True, room=room - 240)
        kit.text(number, PAPER.right - 28, PAPER.y + 40, kit.size("label"), "ink_2", align="right", room=220)
        kit.line((x, PAPER.y + 72), (PAPER.right - 28, PAPER.y + 72), "line_strong", 2)
        lead = min(LINE_MOST, (PAPER.height - 84 - DECLARES) / max(1, len(shown.lines)))
        for place, line in enumerate(shown.lines):
            kit.text(line, x, PAPER.y + 80 + (place + 0.5) * lead, min(kit.size("small"), lead * 0.78), room=room)
        declared = kit.fitted(shown.declares, room, kit.size("label"), max_lines=3)
        below = Box(x, PAPER.bottom - DECLARES, room, DECLARES)
        kit.lines(declared, below, "ink_2")

    return Part("pad:paper", PAPER.grown(4), (shown.title, shown.lines, shown.declares, number), paint)


def _hint(shown: PadView) -> Part:
    def paint(kit: Kit) -> None:
        kit.text(shown.hint, HINT.x, HINT.y + HINT.height / 2, kit.size("small"), "primary", bold=True, room=HINT.width)

    return Part("pad:hint", HINT.grown(4), (shown.hint,), paint)


def _pad(target: Target, lines: Lines) -> Part:
    """The box with what was drawn, and the line that is being drawn."""

    def paint(kit: Kit) -> None:
        kit.rect(PAD_BOX, 24, "#FFFFFF")
        kit.rect(PAD_BOX, 24, "primary", stroke=4)
        y = PAD_BOX.y + PAD_BOX.height * 0.78
        kit.line((PAD_BOX.x + 60, y), (PAD_BOX.right - 60, y), "line_strong", 3, dash=(14, 12))
        if not lines:
            kit.text(target.label, PAD_BOX.x + PAD_BOX.width / 2, y + 50, kit.size("small"), "ink_2", align="center")
        for line in lines:
            points = [(PAD_BOX.x + x, PAD_BOX.y + y) for x, y, _ in line]
            if len(points) == 1:
                kit.circle(*points[0], INK_WIDTH / 2, "#10243A")
            for start, end in itertools.pairwise(points):
                kit.line(start, end, "#10243A", INK_WIDTH)

    return Part("pad", PAD_BOX.grown(4), (target.label, lines), paint, Hit(target.id, PAD_BOX, target.enabled))
