"""The number: large, with who is before and how long most people wait. No figure that the core does not have."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import segno
import skia

from avatar.ink import oval, round_rect
from contracts.screen import TicketView
from kiosk.screen.boxes import Box
from kiosk.screen.buttons import choice
from kiosk.screen.dock import dock_parts
from kiosk.screen.kit import Kit
from kiosk.screen.pages.common import CHOICES, MIDDLE, day_theme, of_kind
from kiosk.screen.parts import FigureSpot, PageLayout, Part, View
from kiosk.screen.scene import gate_part, head_part

CARD: Final = Box(104, 730, 872, 850)
TEAR_Y: Final = CARD.y + 574
QR_SIZE: Final = 198
QR_MAX_CHARACTERS: Final = 300
_SPREAD: Final = 96


def ticket(view: View) -> PageLayout:
    behind = (gate_part(340, 456, 292), head_part(view))
    parts: list[Part] = [_words(view), _paper(), _print(view), *_below(view), *dock_parts(view)]
    spot = FigureSpot(336, 352, 0.76, CARD.y + 44, badge=False)
    return PageLayout(day_theme(view), behind, spot, tuple(parts))


def _words(view: View) -> Part:
    state = view.state
    title = state.headline or view.say("号取好了", "Here is your ticket")
    if state.note:
        text = state.note
    elif state.ticket is None or state.ticket.ahead is None:
        text = view.say("请坐一会儿，留意窗口屏幕叫号。", "Please take a seat and watch the counter screens.")
    elif state.ticket.ahead == 0:
        text = view.say("马上就到您，请别走远。", "You are next. Please stay nearby.")
    else:
        text = view.say(
            f"您前面还有 {state.ticket.ahead} 位，\n坐一会儿，我会喊您。",
            f"{state.ticket.ahead} before you.\nPlease sit, I will call you.",
        )
    box = Box(652, 216, 380, 320)  # down to where the hand begins

    def paint(kit: Kit) -> None:
        shown = kit.shrunk(title, box.width, kit.size("display"), True, max_lines=2, wrapped=58)
        y = kit.lines(shown, box, bold=True) + 8
        size = kit.size("body")
        phrased = kit.phrased(text, box.width, size * 0.8)
        room = int((box.bottom - y) // (size * kit.theme.line_height))
        lines = min(room, phrased.count("\n") + 1) if "\n" in phrased else room
        below = kit.fitted(phrased, box.width, size, max_lines=lines)
        kit.lines(below, Box(box.x, y, box.width, 0), "ink_2")

    return Part("words", box.grown(8), (title, text), paint)


def _paper() -> Part:
    """The empty ticket. Its wide shadow is costly: it is drawn once, apart from the words."""

    def paint(kit: Kit) -> None:
        kit.shadow(CARD, 40, "high")
        body = round_rect(CARD.x, CARD.y, CARD.width, CARD.height, 40)
        for x in (CARD.x, CARD.right):
            body = skia.Op(body, oval(x, TEAR_Y, 26, 26), skia.kDifference_PathOp)
        kit.shape(body, "surface")
        if kit.theme.name == "elder":
            kit.shape(body, "line_strong", stroke=3)
        kit.line((CARD.x + 48, TEAR_Y), (CARD.right - 48, TEAR_Y), "line_strong", 3, 0.7, (2, 14))

    return Part("paper", CARD.grown(_SPREAD), (), paint)


def _print(view: View) -> Part:
    shown = view.state.ticket

    def paint(kit: Kit) -> None:
        if shown is not None:
            kit.text(shown.service, MIDDLE, CARD.y + 64, kit.size("lead"), bold=True, align="center", room=760)
            number = kit.size("ticket")
            kit.text(shown.number, MIDDLE, CARD.y + 218, number, "primary", bold=True, align="center", room=780)
            _draw_wait(kit, view, shown)
            _draw_stub(kit, view, shown)

    return Part("ticket", CARD, (shown, view.state.language, view.state.branch), paint)


def _draw_wait(kit: Kit, view: View, shown: TicketView) -> None:
    """People before, and the range most people wait; each only if it is known."""
    columns = []
    if shown.ahead is not None:
        columns.append((view.say("前面还有", "Before you"), str(shown.ahead), view.say("人", "people")))
    if shown.wait_min is not None:
        low, high = shown.wait_min
        span = f"{low}–{high}" if high > low else str(low)
        columns.append((view.say("预计等待", "Expected wait"), span, view.say("分钟", "min")))
    if not columns:
        text = view.say("前面几位，以窗口屏幕为准", "See the counter screens for your turn")
        kit.text(text, MIDDLE, CARD.y + 420, kit.size("body"), "ink_2", align="center", room=760)
        return
    small, display = kit.size("small"), kit.size("display")
    for i, (label, value, unit) in enumerate(columns):
        x = MIDDLE if len(columns) == 1 else CARD.x + CARD.width * (0.27 + 0.43 * i)
        kit.text(label, x, CARD.y + 358, small, "ink_2", align="center")
        width, unit_width = kit.measure(value, display, True), kit.measure(unit, small)
        start = x - (width + 12 + unit_width) / 2
        kit.text(value, start, CARD.y + 418, display, bold=True)
        kit.text(unit, start + width + 12, CARD.y + 428, small, "ink_2")
    if len(columns) == 2:
        x = CARD.x + CARD.width * 0.455
        kit.line((x, CARD.y + 344), (x, CARD.y + 446), "line", 3)
    if shown.wait_min is not None:
        _draw_range(kit, view, shown.wait_min)


def _draw_range(kit: Kit, view: View, wait_min: tuple[int, int]) -> None:
    """Half of all people wait up to the first figure, hardly anybody longer than the second."""
    low, high = wait_min
    bar = Box(CARD.x + 72, CARD.y + 478, CARD.width - 144, 18)
    end = bar.width * 0.83
    middle = end * (min(1.0, low / high) if high > 0 else 1.0)
    kit.rect(bar, 9, "surface_2")
    kit.rect(Box(bar.x, bar.y, end, bar.height), 9, "primary")
    kit.rect(Box(bar.x, bar.y, middle, bar.height), 9, "surface")
    kit.rect(Box(bar.x, bar.y, middle, bar.height), 9, "primary", 0.40)
    text = view.say(
        f"多数人 {low} 分钟左右轮到，很少超过 {high} 分钟",
        f"Most people wait about {low} minutes, rarely more than {high}",
    )
    kit.text(text, MIDDLE, CARD.y + 528, kit.size("label"), "ink_2", align="center", room=bar.width)


def _draw_stub(kit: Kit, view: View, shown: TicketView) -> None:
    x = CARD.x + 88.0
    matrix = _qr_matrix(shown.qr)
    if matrix:
        _draw_qr(kit, matrix, Box(x, TEAR_Y + 44, QR_SIZE, QR_SIZE))
        x += QR_SIZE + 40
        title = view.say("扫码看排队进度", "Scan to follow the queue")
        text = view.say("可以出去走走，\n快到您时请回到大厅。", "Feel free to step out and\ncome back when it is near.")
    else:
        title = view.say("请留意叫号", "Please listen for your number")
        text = view.say("叫到您的号，请到窗口屏幕上写的窗口。", "Go to the counter shown when it is called.")
    room = CARD.right - x - 60
    kit.text(title, x, TEAR_Y + 70, kit.size("body"), bold=True, room=room)
    shown_text = kit.fitted(text, room, kit.size("small"), max_lines=2)
    kit.lines(shown_text, Box(x, TEAR_Y + 102, room, 0), "ink_2")
    issued = view.say(f"{view.state.branch} · {shown.issued_at} 取号", f"{view.state.branch} · {shown.issued_at}")
    kit.text(issued, x, TEAR_Y + 222, kit.size("label"), "ink_2", room=room)


@lru_cache(maxsize=8)
def _qr_matrix(text: str) -> tuple[tuple[bool, ...], ...]:
    """Return the modules of a QR code with medium correction, or nothing for no text or one too long to scan."""
    if not text or len(text) > QR_MAX_CHARACTERS:
        return ()
    code = segno.make_qr(text, error="m")
    return tuple(tuple(bool(module) for module in row) for row in code.matrix)


def _draw_qr(kit: Kit, matrix: tuple[tuple[bool, ...], ...], box: Box) -> None:
    """Draw with the quiet zone that the standard asks for: four modules, white on any theme."""
    module = box.width / (len(matrix) + 8)
    kit.rect(box.grown(4), 16, "#FFFFFF")
    dark = skia.Path()
    for r, row in enumerate(matrix):
        for c, on in enumerate(row):
            if on:
                left, top = box.x + (c + 4) * module, box.y + (r + 4) * module
                dark.addRect(skia.Rect.MakeXYWH(left, top, module + 0.15, module + 0.15))
    kit.shape(dark, "#12272B")


def _below(view: View) -> list[Part]:
    """An instruction is no button and has no box round it; offered targets stand beside it."""
    offered = of_kind(view, *CHOICES)[:2]
    narrow = bool(offered)
    printed = "printer" not in view.state.lights.missing
    if printed:
        title, detail = view.say("请取票", "Take your ticket"), view.say("票从下方出口出来", "from the slot below")
    else:  # never send a visitor to an empty slot
        title, detail = view.say("请记住号码", "Note the number"), view.say("今天不出纸票", "no paper ticket today")

    def paint(kit: Kit) -> None:
        size, small = kit.size("title") + 8, kit.size("small")
        width = kit.measure(title, size, True)
        x = 92.0 if narrow else MIDDLE - (68 + width + 22 + kit.measure(detail, small)) / 2 + 22
        kit.circle(x, 1658, 44, "primary")
        kit.icon("down" if printed else "eye", x, 1658, 56, "ink_on_primary", 2.4)
        if narrow:
            kit.text(title, x + 64, 1640, 42, "primary", bold=True, room=304)
            kit.text(detail, x + 64, 1684, kit.size("label"), "ink_2", room=304)
        else:
            kit.text(title, x + 68, 1658, size, "primary", bold=True)
            kit.text(detail, x + 68 + width + 22, 1662, small, "ink_2", room=1020 - x - 68 - width - 22)

    parts = [Part("take", Box(40, 1604, 1000, 108), (title, detail, narrow, printed), paint)]
    width = 264.0
    for i, target in enumerate(offered):
        box = Box(1024 - (len(offered) - i) * (width + 16) + 16, 1606, width, 104)
        parts.append(choice(view, target, box))
    return parts
