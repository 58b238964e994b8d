"""Something does not work: first what still does, then what does not. The person stays one touch away."""

from __future__ import annotations

from typing import Final

from kiosk.screen.boxes import Box
from kiosk.screen.buttons import status_row
from kiosk.screen.dock import dock_parts
from kiosk.screen.pages.called import called_panel
from kiosk.screen.pages.common import CHOICES, day_theme, headline, note, of_kind, sheet
from kiosk.screen.pages.missing import missing_panel
from kiosk.screen.parts import FigureSpot, PageLayout, Part, View
from kiosk.screen.scene import gate_part, head_part
from kiosk.screen.theme import INNER, MARGIN

SHEET_Y: Final = 800
PLAIN_SHEET_Y: Final = 1120
MAX_ROWS: Final = 3


def outage(view: View) -> PageLayout:
    rows = of_kind(view, *CHOICES)[:MAX_ROWS]
    if not rows and not view.state.lights.missing and not view.state.called:
        return _plain(view)
    behind = (gate_part(540, 470, 340), head_part(view))
    default = ("请用手点，下面这些照常能办", "Please touch. These still work.")
    parts: list[Part] = [*sheet(SHEET_Y), headline(view, 874, 60, default)]
    for i, target in enumerate(rows):
        parts.append(status_row(view, target, Box(MARGIN, 992 + i * 160, INNER, 140)))
    if view.state.called:
        parts.append(called_panel(view, view.state.called, Box(MARGIN, 1486 if rows else 1180, INNER, 208)))
    elif view.state.lights.missing or view.state.note:
        parts.append(missing_panel(view, Box(MARGIN, 1486 if rows else 1180, INNER, 208)))
    parts += dock_parts(view)
    spot = FigureSpot(540, 386, 0.90, SHEET_Y, badge=False)
    return PageLayout(day_theme(view), behind, spot, tuple(parts))


def _plain(view: View) -> PageLayout:
    """Nothing to choose from: she stands tall, one sentence and where help is."""
    behind = (gate_part(520, 590, 420), head_part(view))
    default = ("请稍等，我马上回来", "One moment. I will be right back.")
    parts = [*sheet(PLAIN_SHEET_Y), headline(view, 1270, 64, default, max_lines=2), *note(view, 1450, size="body")]
    spot = FigureSpot(520, 486, 1.06, PLAIN_SHEET_Y)
    return PageLayout(day_theme(view), behind, spot, (*parts, *dock_parts(view)))
