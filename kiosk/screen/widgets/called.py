"""The number that is called, as large as the page allows: for who cannot hear it, and from across the hall."""

from __future__ import annotations

from contracts.screen import CalledView
from kiosk.screen.blocks import Block, Room
from kiosk.screen.boxes import Box
from kiosk.screen.kit import Kit
from kiosk.screen.parts import Part, View


def called_block(room: Room, called: CalledView) -> Block:
    """On a page that invites."""
    small, title = room.size("small"), room.size("title")
    least = small * 2.6 + title * 1.2
    return Block(least, max(least, 304.0), lambda box: [called_panel(room.view, called, box)])


def called_large(room: Room) -> Block | None:
    """On a page of its own, for the visitor whose number it is."""
    called = room.view.state.called
    if called is None:
        return None
    return Block(300.0, 640.0, lambda box: [_large(room.view, called, box)], grow=1.0)


def _where(view: View, called: CalledView) -> tuple[str, str]:
    zh = f"请到 {called.counter} 号窗口" if called.counter else "请到窗口"
    en = f"Go to counter {called.counter}" if called.counter else "Go to the counter"
    return (zh, en) if view.chinese else (en, zh)


def _large(view: View, called: CalledView, box: Box) -> Part:
    first, second = _where(view, called)
    again = view.say("再次叫号", "Called again") if called.again else view.say("叫到您了", "It is your turn")

    def paint(kit: Kit) -> None:
        kit.rect(box, 40, "primary")
        small, x = kit.size("lead"), box.x + box.width / 2
        place = kit.size("display")
        kit.text(again, x, box.y + small * 1.2, small, "ink_on_primary", bold=True, align="center", room=box.width - 64)
        below = place * 1.3 + kit.size("small") * 1.8 + 24
        free = box.height - small * 2.0 - below
        size = min(333.0, free * 0.9)
        size = min(size, size * (box.width - 80) / kit.measure(called.number, size, True))
        kit.text(called.number, x, box.y + small * 2.0 + free / 2, size, "ink_on_primary", bold=True, align="center")
        y = box.bottom - below
        kit.text(first, x, y + place * 0.6, place, "ink_on_primary", bold=True, align="center", room=box.width - 64)
        kit.text(second, x, y + place * 1.3 + kit.size("small") * 0.7, kit.size("small"), "ink_on_primary",
                 align="center", room=box.width - 64)  # fmt: skip

    return Part("called", box.grown(2), (called, view.state.language, box), paint)


def called_panel(view: View, called: CalledView, box: Box) -> Part:
    """The number on the left, where to go on the right in both languages, the page's own first."""
    first, second = _where(view, called)
    again = view.say("再次叫号", "Called again") if called.again else view.say("现在叫号", "Now calling")

    def paint(kit: Kit) -> None:
        kit.rect(box, 36, "primary")
        middle, split = box.y + box.height / 2, box.x + box.width * 0.5
        size, room = min(208.0, box.height * 0.74), box.width * 0.5 - 60
        size = min(size, size * room / kit.measure(called.number, size, True))
        kit.text(called.number, box.x + box.width * 0.25 + 8, middle, size, "ink_on_primary", bold=True, align="center")
        room, small = box.right - split - 36, kit.size("small")
        place = min(kit.size("title"), (box.height - small * 2.9) / 1.3)
        shown = kit.shrunk(first, room, place, True, max_lines=2, wrapped=place * 0.72)
        lead = shown.size * 1.1
        half = lead * len(shown.lines) / 2
        kit.text(again, split, middle - half - small * 0.75, small, "ink_on_primary", room=room)
        for i, row in enumerate(shown.lines):
            y = middle + 2 + lead * (i - (len(shown.lines) - 1) / 2)
            kit.text(row, split, y, shown.size, "ink_on_primary", bold=True)
        kit.text(second, split, middle + half + small * 0.75, small, "ink_on_primary", room=room)

    return Part("called", box.grown(2), (called, view.state.language, box), paint)
