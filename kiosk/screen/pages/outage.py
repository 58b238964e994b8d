"""Something does not work: first what still does, then what does not. The person stays one touch away."""

from __future__ import annotations

from typing import Final

from kiosk.screen.boxes import Box
from kiosk.screen.buttons import status_row
from kiosk.screen.dock import dock_parts
from kiosk.screen.kit import Kit
from kiosk.screen.pages.common import CHOICES, day_theme, headline, note, of_kind, sheet
from kiosk.screen.parts import FigureSpot, PageLayout, Part, View
from kiosk.screen.scene import gate_part, head_part
from kiosk.screen.theme import INNER, MARGIN

SHEET_Y: Final = 800
PLAIN_SHEET_Y: Final = 1120
MAX_ROWS: Final = 3
MAX_MISSING: Final = 3
_MISSING: Final[dict[str, tuple[str, str, str]]] = {  # icon, words
    "microphone": ("mic", "语音对话", "Voice"),
    "speaker": ("speaker", "语音播报", "Sound"),
    "camera": ("camera", "摄像头", "Camera"),
    "printer": ("ticket", "打印小票", "Printer"),
    "hub": ("phone", "网络", "Network"),
    "network": ("phone", "网络", "Network"),
}


def outage(view: View) -> PageLayout:
    rows = of_kind(view, *CHOICES)[:MAX_ROWS]
    if not rows and not view.state.lights.missing:
        return _plain(view)
    behind = (gate_part(540, 470, 340), head_part(view))
    default = ("请用手点，下面这些照常能办", "Please touch. These still work.")
    parts: list[Part] = [*sheet(SHEET_Y), headline(view, 874, 60, default)]
    for i, target in enumerate(rows):
        parts.append(status_row(view, target, Box(MARGIN, 992 + i * 160, INNER, 140)))
    if view.state.lights.missing or view.state.note:
        parts.append(_missing(view, Box(MARGIN, 1486 if rows else 1180, INNER, 208)))
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


def _missing(view: View, box: Box) -> Part:
    """What is being mended, struck through; the note says until when."""
    names = view.state.lights.missing[:MAX_MISSING]
    title = view.state.note or view.say("正在修", "Being repaired")

    def paint(kit: Kit) -> None:
        kit.rect(box, 32, "surface_2")
        shown = kit.fitted(title, box.width - 72, kit.size("body"), True, max_lines=1 if names else 2)
        if not names:
            height = len(shown.lines) * shown.size * kit.theme.line_height
            kit.lines(shown, Box(box.x + 36, box.y + (box.height - height) / 2, box.width - 72, height), bold=True)
            return
        kit.text(shown.lines[0], box.x + 36, box.y + 48, shown.size, bold=True)
        for i, name in enumerate(names):
            icon, zh, en = _MISSING.get(name, ("stop", name, name))
            tile = Box(box.x + 36 + i * 310, box.y + 92, 276, 84)
            kit.rect(tile, 22, "surface")
            kit.icon(icon, tile.x + 48, tile.y + 42, 44, "ink_2", 1.8)
            kit.line((tile.x + 28, tile.y + 62), (tile.x + 68, tile.y + 22), "danger", 5)
            kit.text(view.say(zh, en), tile.x + 88, tile.y + 42, kit.size("small"), "ink_2", room=176)

    return Part("missing", box, (title, names, view.state.language, box), paint)
