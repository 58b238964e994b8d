"""The dock: language, text size, end, and a person. Same place on every page; it never scrolls, hides or reorders."""

from __future__ import annotations

from typing import Final

from contracts.screen import Target
from kiosk.screen.boxes import Box, Hit
from kiosk.screen.kit import Kit
from kiosk.screen.parts import Part, View
from kiosk.screen.theme import DOCK_HEIGHT, DOCK_Y, GAP, MARGIN, PAGE_WIDTH

TILE_WIDTH: Final = 148
TILES: Final = ("language", "text_size", "end")
HUMAN: Final = "human"
DOCK_IDS: Final = frozenset((*TILES, HUMAN))
_ICONS: Final = {"language": "globe", "text_size": "text", "end": "exit"}
_LABELS: Final = {
    "language": ("English", "中文"),
    "text_size": ("大字版", "Large text"),
    "end": ("结束", "End"),
    HUMAN: ("人工服务", "Talk to a person"),
}
_SPREAD: Final = 24  # room for the shadow


def dock_parts(view: View) -> tuple[Part, ...]:
    """Return the four parts. One that the core did not offer is drawn all the same, but does nothing."""
    offered = {target.id: target for target in view.state.targets if target.id in DOCK_IDS}
    parts = []
    for i, name in enumerate(TILES):
        box = Box(MARGIN + i * (TILE_WIDTH + GAP), DOCK_Y, TILE_WIDTH, DOCK_HEIGHT)
        parts.append(_tile(view, name, offered.get(name), box))
    x = MARGIN + 3 * (TILE_WIDTH + GAP) + 8
    parts.append(_human(view, offered.get(HUMAN), Box(x, DOCK_Y, PAGE_WIDTH - MARGIN - x, DOCK_HEIGHT)))
    return tuple(parts)


def _hit(name: str, target: Target | None, box: Box) -> Hit:
    return Hit(name, box, target is not None and target.enabled)


def _label(view: View, name: str, target: Target | None) -> str:
    return target.label if target is not None and target.label else view.say(*_LABELS[name])


def _tile(view: View, name: str, target: Target | None, box: Box) -> Part:
    label, pressed = _label(view, name, target), view.pressed == name
    icon = (target.icon if target is not None else "") or _ICONS[name]

    def paint(kit: Kit) -> None:
        face = box.moved(0, 2) if pressed else box
        kit.rect(face, 28, "line" if pressed else "surface_2")
        if kit.theme.name == "elder":
            kit.rect(face, 28, "line_strong", stroke=3)
        x = face.x + face.width / 2
        kit.icon(icon, x, face.y + face.height * 0.36, 52, "ink", 1.8)
        shown = kit.fitted(label, face.width - 12, kit.size("label"), True)
        kit.text(shown.lines[0], x, face.y + face.height * 0.77, shown.size, bold=True, align="center")

    return Part(f"dock:{name}", box.grown(2), (label, icon, pressed), paint, _hit(name, target, box))


def _human(view: View, target: Target | None, box: Box) -> Part:
    """Gold means a person will help, and nothing else that can be pressed is gold."""
    label, pressed = _label(view, HUMAN, target), view.pressed == HUMAN
    detail = (target.detail if target is not None else "") or view.say("叫一位同事来帮您", "A colleague will come")

    def paint(kit: Kit) -> None:
        face = box.moved(0, 2) if pressed else box
        if not pressed:
            kit.shadow(face, 28, "low")
        kit.rect(face, 28, "human_press" if pressed else "human")
        if kit.theme.name == "elder":
            kit.rect(face, 28, "line_strong", stroke=3)
        icon_size, gap = 58.0, 18.0
        room = face.width - 56 - icon_size - gap
        title = kit.fitted(label, room, 46, True)
        below = kit.fitted(detail, room, kit.size("label"))
        width = max(kit.measure(title.lines[0], title.size, True), kit.measure(below.lines[0], below.size))
        x = face.x + (face.width - width - icon_size - gap) / 2
        middle = face.y + face.height / 2
        kit.icon("human", x + icon_size / 2, middle, icon_size, "human_ink", 2.0)
        text_x = x + icon_size + gap
        kit.text(title.lines[0], text_x, middle - 19, title.size, "human_ink", bold=True)
        kit.text(below.lines[0], text_x, middle + 30, below.size, "human_ink")

    return Part("dock:human", box.grown(_SPREAD), (label, detail, pressed), paint, _hit(HUMAN, target, box))
