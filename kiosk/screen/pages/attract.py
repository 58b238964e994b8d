"""Nobody is here yet: the time, an invitation to speak, three things one could say, the queue."""

from __future__ import annotations

from typing import Final

from avatar.ink import linear
from contracts.screen import QueueLine, Target
from kiosk.screen.boxes import Box, Hit
from kiosk.screen.buttons import row_boxes
from kiosk.screen.dock import dock_parts
from kiosk.screen.kit import Kit
from kiosk.screen.pages.called import called_panel
from kiosk.screen.pages.common import headline, of_kind
from kiosk.screen.pages.missing import missing_panel
from kiosk.screen.parts import FigureSpot, PageLayout, Part, View
from kiosk.screen.scene import gate_part, head_part
from kiosk.screen.theme import INNER, MARGIN, PAGE_HEIGHT, PAGE_WIDTH

VEIL_Y: Final = 900
QUEUE: Final = Box(MARGIN, 1392, INNER, 304)
MAX_LINES: Final = 3
_INVITATION: Final = ("您好，走近一点，直接说就行", "Hello. Step closer and just speak.")


def attract(view: View) -> PageLayout:
    behind = (gate_part(540, 690, 372, night=True), head_part(view, with_clock=False), _clock(view))
    parts: list[Part] = [*_veil(), headline(view, 1066, 64, _INVITATION)]
    invitations = of_kind(view, "card", "chip")[:3]
    boxes = row_boxes(len(invitations), 1184, 176)
    parts += [_invitation(view, target, box) for target, box in zip(invitations, boxes, strict=True)]
    if view.state.called:
        parts.append(called_panel(view, view.state.called, QUEUE))
    elif view.state.queue:
        parts.append(_queue(view, QUEUE))
    elif view.state.lights.missing:
        parts.append(missing_panel(view, Box(QUEUE.x, QUEUE.y, QUEUE.width, 208)))
    parts += dock_parts(view)
    return PageLayout("night", behind, FigureSpot(500, 586, 0.86, 1020, badge=False), tuple(parts))


def _clock(view: View) -> Part:
    until = view.state.open_until

    def paint(kit: Kit) -> None:
        right = PAGE_WIDTH - MARGIN
        kit.text(view.clock.time, MARGIN - 4, 222, 132, bold=True)
        kit.text(view.say(view.clock.date_zh, view.clock.date_en), right, 196, kit.size("body"), align="right")
        if until:
            text = view.say(f"营业中 · 今天到 {until}", f"Open today until {until}")
            kit.text(text, right, 250, kit.size("small"), "ink_2", align="right", room=480)

    return Part("clock", Box(MARGIN - 8, 150, INNER + 16, 150), (view.clock, until, view.state.language), paint)


def _veil() -> tuple[Part, Part]:
    """The figure fades into the lower half."""
    fade, rest = Box(0, VEIL_Y, PAGE_WIDTH, 120), Box(0, 1020, PAGE_WIDTH, PAGE_HEIGHT - 1020)

    def paint_fade(kit: Kit) -> None:
        ink = linear(0, 900, 0, 1020, (0, "#0B4443", 0), (0.8, "#0B4443", 0.97), (1, "#0B4443", 1))
        kit.rect(fade, 0, ink)

    def paint_rest(kit: Kit) -> None:
        kit.rect(rest, 0, linear(0, 1020, 0, PAGE_HEIGHT, (0, "#0B4443", 1), (1, "#062F30", 1)))

    return Part("veil:fade", fade, (), paint_fade), Part("veil", rest, (), paint_rest)


def _invitation(view: View, target: Target, box: Box) -> Part:
    pressed = view.pressed == target.id or target.selected

    def paint(kit: Kit) -> None:
        kit.rect(box, 32, "primary_soft" if pressed else "surface")
        kit.rect(box, 32, "line_strong", 1.0 if pressed else 0.7, stroke=2.5)
        x = box.x + box.width / 2
        kit.text(target.label, x, box.y + 56, kit.size("body"), bold=True, align="center", room=box.width - 30)
        if not target.detail:
            kit.icon(target.icon or "mic", x, box.y + 122, 52, "primary", 1.8)
            return
        shown = kit.fitted(target.detail, box.width - 100, kit.size("small"))
        width = kit.measure(shown.lines[0], shown.size)
        kit.icon(target.icon or "mic", x - width / 2 - 4, box.y + 124, 46, "primary", 1.8)
        kit.text(shown.lines[0], x + 28, box.y + 124, shown.size, "ink_2", align="center")

    key = (target.label, target.detail, target.icon, pressed, box)
    return Part(f"invitation:{target.id}", box.grown(2), key, paint, Hit(target.id, box, target.enabled))


def _queue(view: View, box: Box) -> Part:
    """How many wait for what. The figures are the core's; nothing is made up here."""
    lines = view.state.queue[:MAX_LINES]

    def paint(kit: Kit) -> None:
        kit.rect(box, 36, "surface")
        small = kit.size("small")
        width = kit.text(view.say("现在排队", "In the queue now"), box.x + 36, box.y + 48, small, "ink_2")
        if view.state.note:
            room = box.width - 72 - width - 40
            kit.text(view.state.note, box.right - 36, box.y + 48, small, "primary", bold=True, align="right", room=room)
        kit.line((box.x + 36, box.y + 88), (box.right - 36, box.y + 88), "line", 2)
        column = box.width / len(lines)
        for i, line in enumerate(lines):
            if i:
                x = box.x + column * i
                kit.line((x, box.y + 116), (x, box.y + 280), "line", 2)
            _draw_line(kit, view, line, box.x + column * (i + 0.5), box.y, column - 32)

    return Part("queue", box, (lines, view.state.note, view.state.language), paint)


def _draw_line(kit: Kit, view: View, line: QueueLine, x: float, y: float, room: float) -> None:
    small = kit.size("small")
    kit.text(line.name, x, y + 122, small, align="center", room=room)
    number, unit = str(line.waiting), view.say("人", "waiting")
    width = kit.measure(number, kit.size("hero"), True)
    start = x - (width + 10 + kit.measure(unit, small)) / 2
    kit.text(number, start, y + 196, kit.size("hero"), bold=True)
    kit.text(unit, start + width + 10, y + 216, small, "ink_2")
    if line.wait_min is not None:
        low, high = line.wait_min
        wait = view.say(f"约 {low} 分钟，很少过 {high}", f"{low} min, seldom {high}")
        if line.slower:
            wait = view.say(f"比预计慢：约 {low} 分钟", f"slower: about {low} min")
        kit.text(wait, x, y + 270, small, "ink" if line.slower else "ink_2", align="center", room=room)
    elif line.waiting:
        kit.text(view.say("等多久说不准", "wait not known"), x, y + 270, small, "ink_2", align="center", room=room)
