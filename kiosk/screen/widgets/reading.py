"""A text to read, or something that the teller asks for."""

from __future__ import annotations

from kiosk.screen.blocks import Block, Room, words
from kiosk.screen.boxes import Box
from kiosk.screen.kit import Kit
from kiosk.screen.parts import Part
from kiosk.screen.text import LINE_HEIGHT, fit

TEXT_PX = 52.0


def reading_title(room: Room) -> Block | None:
    shown = room.view.state.reading
    return words(room, "reading:title", shown.title, room.px(TEXT_PX), bold=True, most=2) if shown else None


def reading_text(room: Room) -> Block | None:
    """As large as it fits, and where it comes from below."""
    shown = room.view.state.reading
    if shown is None:
        return None
    source = room.view.say(f"出处：{shown.source}", f"Source: {shown.source}") if shown.source else ""
    size, measure, small = room.px(TEXT_PX), room.measure(), room.size("small")
    lines = len(fit(shown.text, room.width, size, measure, max_lines=99).lines)
    foot = small * 1.8 if source else 0.0

    def make(box: Box) -> list[Part]:
        def paint(kit: Kit) -> None:
            fitted = fit(
                shown.text, box.width, size, measure, max_lines=99, height=box.height - foot + 1, shrink_to=0.5
            )
            if fitted.cut:
                kit.cut.append(shown.text)
            kit.lines(fitted, box)
            if source:
                kit.text(source, box.x, box.bottom - small * 0.9, small, "ink_2", room=box.width)

        return [Part("reading", box.grown(4), (shown, source, box), paint)]

    least = min(lines, 4) * size * 0.6 * LINE_HEIGHT + foot
    return Block(least, max(least, lines * size * LINE_HEIGHT + foot), make, grow=1.0)
