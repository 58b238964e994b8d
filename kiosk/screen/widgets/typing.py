"""What is typed: the number so far, as large as it fits. A secret comes from the core as dots."""

from __future__ import annotations

from kiosk.screen.blocks import Block, Room
from kiosk.screen.boxes import Box
from kiosk.screen.kit import Kit
from kiosk.screen.parts import Part


def entry(room: Room) -> Block | None:
    """The line above the keys. Money is read in groups of three."""
    typed = room.view.state.entry
    text = typed.text if typed else ""
    money = typed is not None and typed.money
    shown = f"{int(text):,}" if money and text.isdecimal() else text
    unit = room.view.say("元", "yuan") if money else ""
    size = room.size("display")

    def make(box: Box) -> list[Part]:
        def paint(kit: Kit) -> None:
            kit.rect(box, 28, "surface_2")
            kit.rect(box, 28, "primary", stroke=3)
            x, y = box.centre
            units = kit.measure(unit, kit.size("lead")) + 48 if unit else 0.0
            kit.text(shown, x, y, size, bold=True, align="center", room=box.width - 48 - 2 * units)
            if unit:
                kit.text(unit, box.right - 36, y, kit.size("lead"), "ink_2", align="right")

        return [Part("entry", box.grown(4), (shown, unit, box), paint)]

    return Block(max(84.0, size * 1.15), max(132.0, size * 1.3), make)
