"""The visitor leaves: thanks, and what to take along."""

from __future__ import annotations

from typing import Final

from kiosk.screen.buttons import choice, row_boxes
from kiosk.screen.dock import dock_parts
from kiosk.screen.pages.common import CHOICES, day_theme, headline, note, of_kind, sheet
from kiosk.screen.parts import FigureSpot, PageLayout, Part, View
from kiosk.screen.scene import gate_part, head_part

SHEET_Y: Final = 1120


def goodbye(view: View) -> PageLayout:
    behind = (gate_part(520, 590, 420), head_part(view))
    parts: list[Part] = [
        *sheet(SHEET_Y),
        headline(view, 1270, 72, ("谢谢您，请慢走", "Thank you. Goodbye."), max_lines=2),
    ]
    parts += note(view, 1450, size="body")
    offered = of_kind(view, *CHOICES)[:3]
    for target, box in zip(offered, row_boxes(len(offered), 1572, 128), strict=True):
        parts.append(choice(view, target, box))
    parts += dock_parts(view)
    return PageLayout(day_theme(view), behind, FigureSpot(488, 486, 1.06, SHEET_Y), tuple(parts))
