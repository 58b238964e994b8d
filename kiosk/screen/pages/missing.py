"""What does not work at the moment: struck through, with words; on the pages that invite."""

from __future__ import annotations

from typing import Final

from kiosk.screen.boxes import Box
from kiosk.screen.kit import Kit
from kiosk.screen.parts import Part, View

MAX_MISSING: Final = 3
_NAMES: Final[dict[str, tuple[str, str, str]]] = {  # icon, words
    "microphone": ("mic", "语音对话", "Voice"),
    "speaker": ("speaker", "语音播报", "Sound"),
    "camera": ("camera", "摄像头", "Camera"),
    "printer": ("ticket", "打印小票", "Printer"),
    "hub": ("phone", "网络", "Network"),
    "network": ("phone", "网络", "Network"),
}


def missing_panel(view: View, box: Box) -> Part:
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
            icon, zh, en = _NAMES.get(name, ("stop", name, name))
            tile = Box(box.x + 36 + i * 310, box.y + 92, 276, 84)
            kit.rect(tile, 22, "surface")
            kit.icon(icon, tile.x + 48, tile.y + 42, 44, "ink_2", 1.8)
            kit.line((tile.x + 28, tile.y + 62), (tile.x + 68, tile.y + 22), "danger", 5)
            kit.text(view.say(zh, en), tile.x + 88, tile.y + 42, kit.size("small"), "ink_2", room=176)

    return Part("missing", box, (title, names, view.state.language, box), paint)
