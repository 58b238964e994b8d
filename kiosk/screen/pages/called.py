"""The number that is called, as large as the page allows: for who cannot hear it, and from across the hall."""

from __future__ import annotations

from contracts.screen import CalledView
from kiosk.screen.boxes import Box
from kiosk.screen.kit import Kit
from kiosk.screen.parts import Part, View


def called_panel(view: View, called: CalledView, box: Box) -> Part:
    """The number on the left, where to go on the right in both languages, the page's own first."""
    zh = f"请到 {called.counter} 号窗口" if called.counter else "请到窗口"
    en = f"Go to counter {called.counter}" if called.counter else "Go to the counter"
    first, second = (zh, en) if view.chinese else (en, zh)
    again = view.say("再次叫号", "Called again") if called.again else view.say("现在叫号", "Now calling")

    def paint(kit: Kit) -> None:
        kit.rect(box, 36, "primary")
        middle, split = box.y + box.height / 2, box.x + box.width * 0.5
        size, room = min(208.0, box.height * 0.74), box.width * 0.5 - 60
        size = min(size, size * room / kit.measure(called.number, size, True))
        kit.text(called.number, box.x + box.width * 0.25 + 8, middle, size, "ink_on_primary", bold=True, align="center")
        room = box.right - split - 36
        kit.text(again, split, middle - box.height * 0.3, kit.size("small"), "ink_on_primary", room=room)
        shown = kit.shrunk(first, room, kit.size("title"), True, max_lines=2, wrapped=40)
        lead = shown.size * 1.1
        for i, row in enumerate(shown.lines):
            y = middle + 2 + lead * (i - (len(shown.lines) - 1) / 2)
            kit.text(row, split, y, shown.size, "ink_on_primary", bold=True)
        kit.text(second, split, middle + box.height * 0.29, kit.size("small"), "ink_on_primary", room=room)

    return Part("called", box.grown(2), (called, view.state.language, box), paint)
