"""The dock: language, text size, end, and a person. Same place on every page; it never scrolls, hides or reorders."""

from __future__ import annotations

from typing import Final

from contracts.screen import Target
from kiosk.screen.boxes import Box, Hit
from kiosk.screen.kit import Kit
from kiosk.screen.parts import Part, View

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
    *tiles, human = view.frame.dock_boxes()
    parts = [_tile(view, name, offered.get(name), box) for name, box in zip(TILES, tiles, strict=True)]
    return (*parts, _human(view, offered.get(HUMAN), human))


def _hit(name: str, target: Target | None, box: Box) -> Hit:
    return Hit(name, box, target is not None and target.enabled)


def _label(view: View, name: str, target: Target | None) -> str:
    return target.label if target is not None and target.label else view.say(*_LABELS[name])


def _tile(view: View, name: str, target: Target | None, box: Box) -> Part:
    label, pressed = _label(view, name, target), view.pressed == name
    icon = (target.icon if target is not None else "") or _ICONS[name]

    def paint(kit: Kit) -> None:
        face = box.moved(0, 2) if pressed else box
        kit.rect(face, 28, "line" if pressed and kit.theme.name != "elder" else "surface_2")
        if kit.theme.name == "elder":
            kit.rect(face, 28, "line_strong", stroke=6 if pressed else 3)
        x = face.x + face.width / 2
        size = kit.size("label")
        if box.width > 2.1 * box.height:  # wide: the picture beside the word
            icon_size = min(64.0, face.height * 0.5)
            shown = kit.fitted(label, face.width - icon_size - 44, size, True)
            width = kit.measure(shown.lines[0], shown.size, True)
            left = x - (icon_size + 14 + width) / 2
            kit.icon(icon, left + icon_size / 2, face.y + face.height / 2, icon_size, "ink", 1.8)
            kit.text(shown.lines[0], left + icon_size + 14, face.y + face.height / 2, shown.size, bold=True)
            return
        kit.icon(icon, x, face.y + face.height * 0.36, min(52.0, face.height * 0.42), "ink", 1.8)
        shown = kit.fitted(label, face.width - 12, size, True)
        kit.text(shown.lines[0], x, face.y + face.height * 0.77, shown.size, bold=True, align="center")

    return Part(f"dock:{name}", box.grown(2), (label, icon, pressed, box), paint, _hit(name, target, box))


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
        icon_size, gap = min(96.0, 58.0 * max(1.0, kit.theme.text * 0.85)), 18.0
        room = face.width - 56 - icon_size - gap
        title = kit.fitted(label, room, kit.px(46), True)
        below = (
            kit.fitted(detail, room, kit.size("label")) if (title.size + kit.size("label")) * 1.3 < box.height else None
        )
        width = kit.measure(title.lines[0], title.size, True)
        width = max(width, kit.measure(below.lines[0], below.size)) if below else width
        x = face.x + (face.width - width - icon_size - gap) / 2
        middle = face.y + face.height / 2
        kit.icon("human", x + icon_size / 2, middle, icon_size, "human_ink", 2.0)
        text_x = x + icon_size + gap
        raised = title.size * 0.42 if below else 0.0
        kit.text(title.lines[0], text_x, middle - raised, title.size, "human_ink", bold=True)
        if below:
            kit.text(below.lines[0], text_x, middle + title.size * 0.64, below.size, "human_ink")

    return Part("dock:human", box.grown(_SPREAD), (label, detail, pressed, box), paint, _hit(HUMAN, target, box))
