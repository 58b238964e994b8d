"""The ticket: a number, who is before, how long most people wait, a code to scan. No figure is invented."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import segno
import skia

from avatar.ink import oval, round_rect
from contracts.screen import TicketView
from kiosk.screen.blocks import Block, Room, pair, words
from kiosk.screen.boxes import Box
from kiosk.screen.kit import Kit
from kiosk.screen.parts import Part, View
from kiosk.screen.text import fit

QR_MAX_CHARACTERS: Final = 300
QR_SIZE: Final = 198.0
QR_LEAST: Final = 132.0  # 48 mm: below it a phone does not read it from where one stands
NUMBER_PX: Final = 208.0
NUMBER_LEAST: Final = 110.0
PAD: Final = 48.0
LEAST_TITLE: Final = 20.0
_SPREAD: Final = 96


def paper(room: Room) -> Block | None:
    """The printed ticket as a page shows it; on lying glass its stub is at the right."""
    shown = room.view.state.ticket
    if shown is None:
        return None
    stub = 0.0 if room.frame.lying else _stub_height(room, shown)
    body = room.size("lead") * 1.5 + _wait_height(room, shown, ranged=True) + PAD
    bare = room.size("lead") * 1.3 + _wait_height(room, shown, ranged=False) + PAD
    ideal = body + NUMBER_PX * 1.15 + stub + 24
    return Block(bare + NUMBER_LEAST + stub * 0.8, ideal, lambda box: _paper(room, shown, box), grow=0.2)


def number_only(room: Room) -> Block | None:
    """The visitor's number, with who is before: while they wait."""
    shown = room.view.state.ticket
    if shown is None:
        return None
    body = room.size("lead") * 1.5 + _wait_height(room, shown, ranged=True) + PAD
    bare = room.size("lead") * 1.3 + _wait_height(room, shown, ranged=False) + PAD
    return Block(
        bare + NUMBER_LEAST, body + NUMBER_PX * 1.15, lambda box: _paper(room, shown, box, stub=False), grow=0.2
    )


def _stub_height(room: Room, shown: TicketView) -> float:
    words_high = room.size("body") * 1.4 + room.size("small") * 2.8 + room.size("label") * 1.6
    return max(QR_SIZE if shown.qr else 0.0, words_high) + 56


def _wait_height(room: Room, shown: TicketView, *, ranged: bool) -> float:
    if shown.ahead is None and shown.wait_min is None:
        return room.size("body") * 1.5
    columns = room.size("small") * 1.4 + room.size("display") * 1.3
    return columns + (room.size("label") * 1.6 + 30 if shown.wait_min and ranged else 0)


def _paper(room: Room, shown: TicketView, box: Box, *, stub: bool = True) -> list[Part]:
    view = room.view
    card = Box(box.x + min(48.0, box.width * 0.05), box.y, box.width - 2 * min(48.0, box.width * 0.05), box.height)
    beside = stub and room.frame.lying
    below = min(_stub_height(room, shown), box.height * 0.4) if stub and not beside else 0.0
    wide = max(QR_SIZE + 2 * PAD, card.width * 0.34) if beside else 0.0
    tear, split = card.bottom - below, card.right - wide

    def paint_ground(kit: Kit) -> None:
        kit.shadow(card, 40, "mid")
        body = round_rect(card.x, card.y, card.width, card.height, 40)
        notches = ((split, card.y), (split, card.bottom)) if beside else ((card.x, tear), (card.right, tear))
        for x, y in notches if stub else ():
            body = skia.Op(body, oval(x, y, 26, 26), skia.kDifference_PathOp)
        kit.shape(body, "surface" if kit.theme.name == "night" else "#FFFFFF")
        kit.shape(body, "line_strong" if kit.theme.name == "elder" else "line", stroke=3)
        if beside:
            kit.line((split, card.y + PAD), (split, card.bottom - PAD), "line_strong", 3, 0.7, (2, 14))
        elif stub:
            kit.line((card.x + PAD, tear), (card.right - PAD, tear), "line_strong", 3, 0.7, (2, 14))

    def paint(kit: Kit) -> None:
        inner = Box(card.x + PAD, card.y + PAD * 0.5, split - card.x - 2 * PAD, tear - card.y - PAD * 0.8)
        _draw_body(kit, view, shown, inner)
        if beside:
            _draw_side(kit, view, shown, Box(split + 24, card.y + 24, wide - 48, card.height - 48))
        elif stub:
            _draw_stub(kit, view, shown, Box(card.x + PAD, tear + 24, card.width - 2 * PAD, below - 44))

    ground = Part("paper", card.grown(_SPREAD), (card, tear, split), paint_ground)
    return [ground, Part("ticket", card, (shown, view.state.language, view.state.branch, card), paint)]


def _draw_body(kit: Kit, view: View, shown: TicketView, box: Box) -> None:
    room = Room(view, kit.theme, box.width)
    middle, lead, wait = box.x + box.width / 2, kit.size("lead") * 1.5, _wait_height(room, shown, ranged=True)
    ranged, share = box.height - lead - wait >= NUMBER_LEAST, 1.0
    if not ranged:  # the number first: the rest gives way
        rest = kit.size("lead") * 1.3 + _wait_height(room, shown, ranged=False)
        share = min(1.0, max(0.5, (box.height - NUMBER_LEAST) / rest))
        lead, wait = kit.size("lead") * 1.3 * share, _wait_height(room, shown, ranged=False) * share
    large = kit.size("lead") * share
    fits = large * box.width / kit.measure(shown.service, large, True)
    title = min(large, max(fits, LEAST_TITLE))
    kit.text(shown.service, middle, box.y + lead / 2, title, bold=True, align="center", room=box.width + 1)
    free = box.height - lead - wait
    size = min(NUMBER_PX * max(1.0, kit.theme.text * 0.8), free * 0.86)
    size = min(size, size * box.width / max(1.0, kit.measure(shown.number, size, True)))
    kit.text(shown.number, middle, box.y + lead + free / 2, size, "primary", bold=True, align="center")
    _draw_wait(kit, view, shown, Box(box.x, box.bottom - wait, box.width, wait), ranged=ranged, share=share)


def _draw_wait(kit: Kit, view: View, shown: TicketView, box: Box, *, ranged: bool, share: float) -> None:
    """People before, and the range most people wait; each only if it is known."""
    columns = []
    if shown.ahead is not None:
        columns.append((view.say("前面还有", "Before you"), str(shown.ahead), view.say("人", "people")))
    if shown.wait_min is not None:
        low, high = shown.wait_min
        span = f"{low}–{high}" if high > low else str(low)
        columns.append((view.say("预计等待", "Expected wait"), span, view.say("分钟", "min")))
    middle = box.x + box.width / 2
    if not columns:
        text = view.say("前面几位，以窗口屏幕为准", "See the counter screens for your turn")
        kit.text(text, middle, box.y + box.height / 2, kit.size("body"), "ink_2", align="center", room=box.width)
        return
    small, display, wide = kit.size("small") * share, kit.size("display") * share, box.width / len(columns)
    for i, (above, value, unit) in enumerate(columns):
        x = box.x + wide * (i + 0.5)
        kit.text(above, x, box.y + small * 0.7, small, "ink_2", align="center", room=wide - 16)
        unit_width = kit.measure(unit, small)
        size = min(display, display * (wide - unit_width - 36) / kit.measure(value, display, True))
        width = kit.measure(value, size, True)
        start, y = x - (width + 12 + unit_width) / 2, box.y + small * 1.4 + display * 0.62
        kit.text(value, start, y, size, bold=True)
        kit.text(unit, start + width + 12, y + size * 0.14, small, "ink_2")
    if len(columns) == 2:
        kit.line((middle, box.y + 8), (middle, box.y + small * 1.4 + display * 1.1), "line", 3)
    if shown.wait_min is not None and ranged:
        label = kit.size("label")
        _draw_range(kit, view, shown.wait_min, Box(box.x + 24, box.bottom - label * 1.6 - 22, box.width - 48, 18))


def _draw_range(kit: Kit, view: View, wait_min: tuple[int, int], bar: Box) -> None:
    """Half of all people wait up to the first figure, hardly anybody longer than the second."""
    low, high = wait_min
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
    short = view.say(f"大约 {low} 到 {high} 分钟", f"About {low} to {high} minutes")
    label = kit.size("label")
    if kit.measure(text, label * 0.8) > bar.width:
        text = short
    kit.text(text, bar.x + bar.width / 2, bar.bottom + label * 0.9, label, "ink_2", align="center", room=bar.width)


def _draw_stub(kit: Kit, view: View, shown: TicketView, box: Box) -> None:
    x, matrix = box.x, _qr_matrix(shown.qr)
    if matrix:
        side = max(QR_LEAST, min(QR_SIZE, box.height))
        _draw_qr(kit, matrix, Box(x, box.y + (box.height - side) / 2, side, side))
        x += side + 36
        title = view.say("扫码看排队进度", "Scan to follow the queue")
        text = view.say("可以出去走走，快到您时请回到大厅。", "Feel free to step out. Come back when it is near.")
    else:
        title = view.say("请留意叫号", "Please listen for your number")
        text = view.say("叫到您的号，请到窗口屏幕上写的窗口。", "Go to the counter shown when it is called.")
    free = box.right - x
    y = box.y
    for row in fit(title, free, kit.size("body"), lambda t, s: kit.measure(t, s, True), max_lines=2).lines:
        kit.text(row, x, y + kit.size("body") * 0.7, kit.size("body"), bold=True, room=free)
        y += kit.size("body") * 1.4
    issued, small = (
        view.say(f"{view.state.branch} · {shown.issued_at} 取号", f"{view.state.branch} · {shown.issued_at}"),
        kit.size("label"),
    )
    if kit.measure(issued, small * 0.8) > free:
        issued = shown.issued_at
    bottom = box.bottom - small * 1.5
    lines = int((bottom - y) // (kit.size("small") * 1.4))
    if lines > 0:
        fitted = fit(text, free, kit.size("small"), kit.measure, max_lines=lines)
        if not fitted.cut:  # there is the title, and the room says how much more is told
            kit.lines(fitted, Box(x, y, free, 0), "ink_2")
    if bottom >= y - small * 0.2:
        kit.text(issued, x, box.bottom - small * 0.7, small, "ink_2", room=free)


def _draw_side(kit: Kit, view: View, shown: TicketView, box: Box) -> None:
    """On lying glass: the code above, what it is for below."""
    matrix, label = _qr_matrix(shown.qr), kit.size("label")
    y = box.y
    if matrix:
        side = max(QR_LEAST, min(QR_SIZE, box.height - label * 3, box.width))
        _draw_qr(kit, matrix, Box(box.x + (box.width - side) / 2, y + 4, side, side))
        y += side + 16
    title = view.say("扫码看排队进度", "Scan to follow") if matrix else view.say("请留意叫号", "Listen for it")
    shown_title = fit(title, box.width, label, lambda t, s: kit.measure(t, s, True), max_lines=2)
    y += kit.lines(shown_title, Box(box.x, y, box.width, 0), bold=True, align="center") - y + 8
    if y + label * 1.3 <= box.bottom and kit.measure(shown.issued_at, label * 0.8) <= box.width:
        kit.text(
            shown.issued_at, box.x + box.width / 2, y + label * 0.6, label, "ink_2", align="center", room=box.width
        )


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


def ticket_words(room: Room) -> Block | None:
    """What she says with the ticket."""
    title, text = _words(room.view)
    main = words(room, "words", title, room.size("title"), bold=True, align="center", most=2)
    below = words(room, "words:below", text, room.size("body"), ink="ink_2", align="center", most=2)

    return pair(main, below, drop=3)


def beside_words(room: Room, box: Box) -> list[Part]:
    """The same beside her."""
    title, text = _words(room.view)

    def paint(kit: Kit) -> None:
        shown = kit.shrunk(title, box.width, kit.size("display"), True, max_lines=2, wrapped=kit.px(58))
        y = kit.lines(shown, box, bold=True) + 8
        size = kit.size("body")
        phrased = kit.phrased(text, box.width, size * 0.8)
        lines = max(1, int((box.bottom - y) // (size * kit.theme.line_height)))
        if "\n" in phrased:
            lines = min(lines, phrased.count("\n") + 1)
        kit.lines(kit.fitted(phrased, box.width, size, max_lines=lines), Box(box.x, y, box.width, 0), "ink_2")

    return [Part("words", box.grown(8), (title, text, box), paint)]


def _words(view: View) -> tuple[str, str]:
    state = view.state
    title = state.headline or view.say("号取好了", "Here is your ticket")
    if state.note:
        return title, state.note
    if state.ticket is None or state.ticket.ahead is None:
        return title, view.say("请坐一会儿，留意窗口屏幕叫号。", "Please take a seat and watch the counter screens.")
    if state.ticket.ahead == 0:
        return title, view.say("马上就到您，请别走远。", "You are next. Please stay nearby.")
    ahead = state.ticket.ahead
    return title, view.say(
        f"您前面还有 {ahead} 位，坐一会儿，我会喊您。", f"{ahead} before you. Please sit, I will call you."
    )


def take(room: Room) -> Block | None:
    """An instruction is no button and has no box round it. Nobody is sent to an empty slot."""
    view = room.view
    printed = "printer" not in view.state.lights.missing
    title = view.say("请取票", "Take your ticket") if printed else view.say("请记住号码", "Note the number")
    detail = (
        view.say("票从下方出口出来", "from the slot below")
        if printed
        else view.say("今天不出纸票", "no paper ticket today")
    )
    size, small = room.size("title") * 1.1, room.size("small")

    def make(box: Box) -> list[Part]:
        def paint(kit: Kit) -> None:
            middle, disc = box.y + box.height / 2, min(44.0, box.height * 0.42)
            shown = kit.fitted(title, box.width - 2 * disc - 24, size, True)
            width = kit.measure(shown.lines[0], shown.size, True)
            more = kit.measure(detail, small) + 22
            with_detail = 2 * disc + 24 + width + more <= box.width
            total = 2 * disc + 24 + width + (more if with_detail else 0)
            x = box.x + (box.width - total) / 2
            kit.circle(x + disc, middle, disc, "primary")
            kit.icon("down" if printed else "eye", x + disc, middle, disc * 1.27, "ink_on_primary", 2.4)
            kit.text(shown.lines[0], x + 2 * disc + 24, middle, shown.size, "primary", bold=True)
            if with_detail:
                kit.text(detail, x + 2 * disc + 24 + width + 22, middle + 4, small, "ink_2")

        return [Part("take", box.grown(2), (title, detail, printed, box), paint)]

    return Block(max(64.0, size * 1.1), max(96.0, size * 1.3), make, drop=2)
