"""What can be pressed besides the dock: suggestions, cards, plain buttons, the microphone, smileys, scores."""

from __future__ import annotations

import math
import random
from typing import Final

from contracts.screen import Listening, Target
from kiosk.screen.blocks import Room
from kiosk.screen.boxes import Box, Hit
from kiosk.screen.kit import Kit
from kiosk.screen.parts import Part, View
from kiosk.screen.text import Fitted

SHADOW_SPREAD: Final = 24
BEATS: Final = 18  # pictures of one breath of the listening wave
CHIP_PAD: Final = 30.0
ICON_ROOM: Final = 90.0
LEAST_LABEL: Final = 22.0  # a longer word than fits at this size loses its end
WAVE: Final = 366.0  # the listening wave at its widest
_WORDS: Final[dict[Listening, tuple[str, str]]] = {
    "listening": ("我在听，请说", "I'm listening"),
    "thinking": ("我想一想", "Let me think"),
    "speaking": ("我在说，您可以打断我", "Speaking, you may interrupt"),
    "muted": ("麦克风已关，点这里打开", "Microphone off, touch to turn on"),
    "unavailable": ("现在听不见，请用手点", "I can't hear now, please touch"),
    "off": ("点这里说话", "Touch here to speak"),
}


def _hit(target: Target, box: Box) -> Hit:
    return Hit(target.id, box, target.enabled)


def _sunk(box: Box, pressed: bool) -> Box:
    return box.moved(0, 2) if pressed else box


def chip(view: View, target: Target, box: Box) -> Part:
    """A suggestion: what one could say next; the second line is what it costs."""
    pressed = view.pressed == target.id

    def paint(kit: Kit) -> None:
        face, ink = _sunk(box, pressed), "ink_on_primary" if pressed else "ink"
        if not pressed:
            kit.shadow(face, 32, "low")
        kit.rect(face, 32, "primary" if pressed else "primary_soft")
        strong = kit.theme.name == "elder" or target.selected
        kit.rect(face, 32, "primary", 1 if strong else 0.55, stroke=6 if target.selected else 3)
        x, middle = face.x + CHIP_PAD, face.y + face.height / 2
        if target.icon:
            kit.icon(target.icon, face.x + 52, middle, 50, ink if pressed else "primary", 1.8)
            x = face.x + ICON_ROOM
        _label_block(kit, target, Box(x, face.y, face.right - x - 16, face.height), ink, pressed)

    key = (target.label, target.detail, target.icon, target.selected, target.enabled, pressed, box)
    return Part(f"chip:{target.id}", box.grown(SHADOW_SPREAD), key, paint, _hit(target, box))


def _label_block(kit: Kit, target: Target, box: Box, ink: str, pressed: bool) -> None:
    """Two rows, the label above its detail; a long label takes two rows itself."""
    size, small = min(kit.size("body"), box.height * 0.6), kit.size("label")
    shown = _label(kit, target.label, box.width, box.height - 8, size)
    if len(shown.lines) > 1 and target.detail:
        shown = kit.fitted(target.label, box.width, min(shown.size, kit.size("small")), True, max_lines=2)
    lead = shown.size * 1.25
    detail = bool(target.detail) and lead * len(shown.lines) + small * 1.35 < box.height
    total = lead * len(shown.lines) + (small * 1.35 if detail else 0)
    y = box.y + (box.height - total) / 2 + lead / 2
    for row in shown.lines:
        kit.text(row, box.x, y, shown.size, ink, bold=True)
        y += lead
    if detail:
        kit.text(target.detail, box.x, y - lead / 2 + small * 0.7, small, ink if pressed else "ink_2", room=box.width)


def button(view: View, target: Target, box: Box, size: float = 0, filled: bool | None = None) -> Part:
    """A 'primary' button is filled, a 'quiet' one outlined, a 'human' one gold. One primary a page."""
    pressed = view.pressed == target.id
    filled = target.kind == "primary" if filled is None else filled
    wanted = size

    def paint(kit: Kit) -> None:
        face = _sunk(box, pressed)
        fill, ink = _button_inks(target, filled=filled, pressed=pressed)
        raised = fill in ("primary", "human")
        if raised:
            kit.shadow(face, 28, "low")
        kit.rect(face, 28, fill)
        if (not raised and not pressed) or kit.theme.name == "elder":
            kit.rect(face, 28, "line_strong", stroke=3)
        size = kit.px(wanted) if wanted else kit.size("lead") if filled else kit.px(40.0)
        size = min(size, face.height * 0.56)
        icon_width = size * 1.25 + 18
        if not target.icon or kit.measure(target.label, size, True) > face.width - 48 - icon_width:
            icon_width = 0.0  # words before pictures
        shown = _label(
            kit, target.label, face.width - min(36.0, face.width * 0.16) - icon_width, face.height - 10, size
        )
        width = max(kit.measure(row, shown.size, True) for row in shown.lines) + icon_width
        x, middle = face.x + (face.width - width) / 2, face.y + face.height / 2
        if icon_width:
            kit.icon(target.icon, x + size * 0.62, middle, size * 1.25, ink, 2.0)
        lead = shown.size * 1.25
        for i, row in enumerate(shown.lines):
            row_y = middle + lead * (i - (len(shown.lines) - 1) / 2)
            kit.text(row, x + icon_width + (width - icon_width) / 2, row_y, shown.size, ink, bold=True, align="center")

    key = (target.label, target.icon, target.kind, target.enabled, filled, pressed, size, box)
    return Part(f"button:{target.id}", box.grown(SHADOW_SPREAD), key, paint, _hit(target, box))


def _label(kit: Kit, text: str, width: float, height: float, size: float) -> Fitted:
    """One line if it can shrink to it, else two that fit the height; a word is never broken to fit."""
    one = kit.measure(text, size * 0.8, True)
    if one <= width:
        return Fitted((text,), min(size, size * width / kit.measure(text, size, True)))
    longest = max(kit.measure(word, size, True) for word in text.split(" "))
    whole = size * (width - 2) / longest if text.isascii() else size  # Chinese may break anywhere
    wrapped = min(size * 0.9, whole, height / 2.5 if " " in text or not text.isascii() else height / 1.2)
    return kit.fitted(text, width, max(LEAST_LABEL, wrapped), True, max_lines=2)


def _button_inks(target: Target, *, filled: bool, pressed: bool) -> tuple[str, str]:
    """Return the colours of a button and of its words. Gold means a person, and nothing else that is pressed."""
    if not target.enabled:
        return "surface_2", "ink_2"
    if target.kind == "human":
        return ("human_press" if pressed else "human"), "human_ink"
    if pressed:
        return "primary_press", "ink_on_primary"
    return ("primary", "ink_on_primary") if filled else ("surface", "primary")


def choice(view: View, target: Target, box: Box) -> Part:
    """Whatever was offered, as a chip or a button by its kind."""
    return chip(view, target, box) if target.kind in ("chip", "card") else button(view, target, box)


def status_row(view: View, target: Target, box: Box) -> Part:
    """Something that still works, with a tick and the word for it."""
    pressed = view.pressed == target.id
    works = view.say("能办", "Works")

    def paint(kit: Kit) -> None:
        face = _sunk(box, pressed)
        if not pressed:
            kit.shadow(face, 32, "low")
        kit.rect(face, 32, "primary_soft" if pressed else "surface")
        kit.rect(face, 32, "primary", stroke=3)
        middle = face.y + face.height / 2
        kit.circle(face.x + 84, middle, 50, "primary_soft")
        kit.icon(target.icon or "check", face.x + 84, middle, 62, "primary", 1.8)
        lead, small, label = kit.size("lead"), kit.size("small"), kit.size("label")
        wide = 58 + kit.measure(works, label, True) + 28
        room = face.width - 164 - wide - 48
        detail = bool(target.detail) and (lead + small) * 1.3 < face.height
        kit.text(target.label, face.x + 164, middle - (small * 0.8 if detail else 0), lead, bold=True, room=room)
        if detail:
            kit.text(target.detail, face.x + 164, middle + lead * 0.7, small, "ink_2", room=room)
        badge = Box(face.right - wide - 28, middle - label, wide, label * 2)
        kit.rect(badge, label, "ok_soft")
        kit.icon("check", badge.x + 32, middle, 32, "ok", 2.8)
        kit.text(works, badge.x + 58, middle, label, "ok", bold=True)

    key = (target.label, target.detail, target.icon, pressed, works, box)
    return Part(f"row:{target.id}", box.grown(SHADOW_SPREAD), key, paint, _hit(target, box))


def microphone(view: View, target: Target | None, box: Box, room: Room) -> tuple[Part, ...]:
    """The state of hearing in colour, wave and words; touching it stops or starts. The wave is a part of its own."""
    state = view.state.listening
    label = target.label if target is not None and target.label else view.say(*_WORDS[state])
    detail = target.detail if target is not None and room.theme.text <= 1.0 and box.height >= 96 else ""
    name = target.id if target is not None else "microphone"
    pressed = target is not None and view.pressed == target.id
    fill, ink, disc, sign = _microphone_inks(state)
    text_x = box.x + box.height + 14
    size, free = room.size("body"), box.right - 46 - text_x
    waves = state in ("listening", "speaking", "thinking")
    left = free - room.measure(True)(label, size) - 24
    wave = Box(box.right - 46 - min(WAVE, left), box.y + 14, min(WAVE, left), box.height - 28) if left > 120 else None
    if not waves or (view.elder and state == "speaking"):
        wave = None

    def paint(kit: Kit) -> None:
        face = _sunk(box, pressed)
        radius = face.height / 2
        kit.rect(face, radius, "primary_press" if pressed and fill == "primary" else fill)
        if kit.theme.name == "elder" or fill != "primary":
            kit.rect(face, radius, "line_strong", 1.0 if kit.theme.name == "elder" else 0.6, stroke=3)
        x, middle = face.x + radius, face.y + radius
        if fill == "primary":
            kit.circle(x, middle, radius - 12, "ink_on_primary", 0.16)
        kit.circle(x, middle, radius - 22, disc)
        kit.icon("clock" if state == "thinking" else "mic", x, middle, (face.height - 44) * 0.62, sign, 2.1)
        if state in ("muted", "unavailable"):
            kit.line((x - 20, middle + 20), (x + 20, middle - 20), "danger", 5)
        shown = kit.shrunk(label, (wave.x if wave else box.right - 46) - text_x, size, True, 2, kit.size("small"))
        lead = shown.size * 1.2
        y = middle - (18 if detail else 0) - lead * (len(shown.lines) - 1) / 2
        for row in shown.lines:
            kit.text(row, text_x, y, shown.size, ink, bold=True)
            y += lead
        if detail:
            kit.text(detail, text_x, middle + 26, kit.size("label"), ink, room=free)

    key = (state, label, detail, pressed, box, wave is None)
    hit = _hit(target, box) if target is not None else Hit(name, box, False)
    bar = Part("microphone", box.grown(4), key, paint, hit)
    return (bar, _wave(view, wave, ink)) if wave is not None else (bar,)


def _microphone_inks(state: Listening) -> tuple[str, str, str, str]:
    """Return the colours of the bar, its words, the disc and the sign on it."""
    if state in ("listening", "off"):
        return "primary", "ink_on_primary", "ink_on_primary", "primary"
    if state in ("thinking", "speaking"):
        return "primary_soft", "primary", "surface", "primary"
    return "surface_2", "ink_2", "surface", "ink_2"


def _wave(view: View, box: Box, ink: str) -> Part:
    """Bars that breathe while she listens, dots while she thinks, still bars while she speaks."""
    state = view.state.listening
    beat = view.beat % BEATS if state in ("listening", "thinking") else 0

    def paint(kit: Kit) -> None:
        middle = box.y + box.height / 2
        phase = 2 * math.pi * beat / BEATS
        if state == "thinking":
            for i in range(3):
                kit.circle(
                    box.x + box.width / 2 - 40 + i * 40,
                    middle,
                    10,
                    ink,
                    0.35 + 0.55 * (0.5 + 0.5 * math.cos(phase - i * 1.3)),
                )
            return
        shape = random.Random(3)
        count = int(box.width // 18)
        for i in range(count):
            envelope = math.sin(math.pi * (i + 0.5) / count)
            level = 0.35 + 0.65 * shape.random()
            level *= 0.72 + 0.28 * math.sin(phase + i * 0.9) if state == "listening" else 0.45
            height = max(8.0, box.height * 0.8 * envelope * level)
            kit.rect(Box(box.x + 4 + i * 18, middle - height / 2, 9, height), 4.5, ink, 0.45 + 0.5 * envelope)

    return Part("wave", box, (state, beat, box), paint)


_TINTS: Final = ("#E9C9C2", "#F0DCC8", "#ECE6D4", "#D3E6D6", "#BFE0CC")
_BENDS: Final = (-0.30, -0.16, 0.0, 0.22, 0.38)


def smiley(view: View, target: Target, cell: Box, level: int, label_px: float) -> Part:
    """One of five faces, 0 (worst) to 4; nothing is chosen beforehand."""
    chosen = target.selected or view.pressed == target.id
    tall = label_px * 1.5
    radius = min(84.0, cell.width / 2 - 14, (cell.height - tall - 24) / 2)
    centre = x, y = cell.x + cell.width / 2, cell.y + 14 + radius
    box = Box(x - radius, y - radius, 2 * radius, 2 * radius)
    room = cell.width - 8

    def paint(kit: Kit) -> None:
        kit.circle(x, y, radius, "primary" if chosen else _TINTS[level])
        _draw_smile(kit, centre, radius, level, "ink_on_primary" if chosen else "ink")
        if chosen:
            kit.circle(x, y, radius + 12, "primary", stroke=6)
        ink = "primary" if chosen else "ink"
        kit.text(target.label, x, y + radius + 18 + tall / 2, label_px, ink, bold=chosen, align="center", room=room)

    reach = Box(cell.x - 4, cell.y - 6, cell.width + 8, cell.height + 12)
    return Part(f"smiley:{target.id}", reach, (target.label, chosen, level, cell), paint, _hit(target, box))


def _draw_smile(kit: Kit, centre: tuple[float, float], r: float, level: int, ink: str) -> None:
    x, y = centre
    for side in (-1, 1):
        eye_x = x + side * r * 0.36
        if level == 4:
            lid = (
                f"M {eye_x - 14} {y - r * 0.16} C {eye_x - 8} {y - r * 0.34} {eye_x + 8} {y - r * 0.34} "
                f"{eye_x + 14} {y - r * 0.16}"
            )
            kit.shape(lid, ink, stroke=7)
        else:
            kit.circle(eye_x, y - r * 0.20, 8.5, ink)
    bend = _BENDS[level] * r
    mouth_y = y + r * 0.38 - bend * 0.55
    mouth = (
        f"M {x - r * 0.42} {mouth_y} C {x - r * 0.22} {mouth_y + bend * 1.3} {x + r * 0.22} {mouth_y + bend * 1.3} "
        f"{x + r * 0.42} {mouth_y}"
    )
    kit.shape(mouth, ink, stroke=7)


def score(view: View, target: Target, box: Box) -> Part:
    """One key of 0 to 10, or of a keypad; below it letters, where it has some."""
    chosen = target.selected or view.pressed == target.id

    def paint(kit: Kit) -> None:
        kit.rect(box, 22, "primary" if chosen else "surface_2")
        if not chosen:
            kit.rect(box, 22, "line_strong", 1.0 if kit.theme.name == "elder" else 0.6, stroke=2)
        x, y = box.centre
        ink, size = "ink_on_primary" if chosen else "ink", min(kit.size("lead"), box.height * 0.62)
        up = size * 0.3 if target.detail else 0.0  # a telephone's letters stand below the digit
        kit.text(target.label, x, y - up, size, ink, bold=True, align="center", room=box.width - 12)
        if target.detail:
            kit.text(target.detail, x, y + size * 0.55, size * 0.5, ink, align="center", room=box.width - 12)

    drawn = (target.label, target.detail, chosen, box)
    return Part(f"score:{target.id}", box.grown(2), drawn, paint, _hit(target, box))
