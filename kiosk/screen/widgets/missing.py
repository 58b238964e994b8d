"""What does not work at the moment: struck through, with words; on the pages that invite."""

from __future__ import annotations

from typing import Final

from kiosk.screen.blocks import Block, Room
from kiosk.screen.boxes import Box
from kiosk.screen.kit import Kit
from kiosk.screen.parts import Part, View
from kiosk.screen.widgets.called import called_block

MAX_MISSING: Final = 3
_NAMES: Final[dict[str, tuple[str, str, str]]] = {  # icon, words
    "microphone": ("mic", "语音对话", "Voice"),
    "speaker": ("speaker", "语音播报", "Sound"),
    "camera": ("camera", "摄像头", "Camera"),
    "printer": ("ticket", "打印小票", "Printer"),
    "hub": ("phone", "网络", "Network"),
    "network": ("phone", "网络", "Network"),
}


def missing_block(room: Room) -> Block | None:
    """What is being mended, struck through; the note says until when. Nothing where all works and nothing is noted."""
    state = room.view.state
    if not state.lights.missing and not state.note:
        return None
    body, small = room.size("body"), room.size("small")
    high = body * 1.5 + small * 1.6 + 56
    return Block(body * 1.4 + small * 1.4 + 32, max(high, 208.0), lambda box: [missing_panel(room.view, box)], drop=1)


def called_or_missing(room: Room) -> Block | None:
    """A number that is called comes before what is being mended."""
    called = room.view.state.called
    return called_block(room, called) if called else missing_block(room)


def missing_panel(view: View, box: Box) -> Part:
    names = view.state.lights.missing[:MAX_MISSING]
    title = view.state.note or view.say("正在修", "Being repaired")

    def paint(kit: Kit) -> None:
        kit.rect(box, 32, "surface_2")
        body, small = kit.size("body"), kit.size("small")
        room = box.width - 72
        shown = kit.fitted(title, room, body, True, max_lines=1 if names else 2)
        if not names:
            height = len(shown.lines) * shown.size * kit.theme.line_height
            kit.lines(shown, Box(box.x + 36, box.y + (box.height - height) / 2, room, height), bold=True)
            return
        kit.text(shown.lines[0], box.x + 36, box.y + 8 + body * 0.7, shown.size, bold=True)
        top = box.y + body * 1.4 + 12
        tall = min(box.bottom - top - 12, small * 2.4)
        said = [_NAMES.get(name, ("stop", name, name)) for name in names]
        wide = (room - 20 * (len(said) - 1)) / len(said)
        while len(said) > 1 and max(kit.measure(view.say(zh, en), small * 0.8) for _, zh, en in said) > wide - 104:
            said = said[:-1]
            wide = (room - 20 * (len(said) - 1)) / len(said)
        for i, (icon, zh, en) in enumerate(said):
            tile = Box(box.x + 36 + i * (wide + 20), top, wide, tall)
            kit.rect(tile, 22, "surface")
            middle = tile.y + tile.height / 2
            kit.icon(icon, tile.x + 48, middle, 44, "ink_2", 1.8)
            kit.line((tile.x + 28, middle + 20), (tile.x + 68, middle - 20), "danger", 5)
            kit.text(view.say(zh, en), tile.x + 88, middle, small, "ink_2", room=tile.width - 100)

    return Part("missing", box.grown(2), (title, names, view.state.language, box), paint)
