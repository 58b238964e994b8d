"""The staff's page: this terminal's line above, what may be done at one counter below. Nobody else comes here."""

from __future__ import annotations

from typing import Final

from contracts.screen import StaffRow, StaffTrouble, StaffView
from contracts.tickets import TicketState
from kiosk.screen.boxes import Box
from kiosk.screen.buttons import button, row_boxes
from kiosk.screen.dock import dock_parts
from kiosk.screen.kit import Kit
from kiosk.screen.pages.common import of_kind, sheet
from kiosk.screen.parts import FigureSpot, PageLayout, Part, View
from kiosk.screen.scene import gate_part, head_part
from kiosk.screen.theme import INNER, MARGIN, PAGE_WIDTH

SHEET_Y: Final = 424
STATUS: Final = Box(MARGIN, 168, 640, 240)
TABLE: Final = Box(MARGIN, 450, INNER, 494)
ROW: Final = 62
COLUMNS: Final = (0.0, 0.165, 0.50, 0.70, 0.86)  # number, service, state, counter, minutes: shares of the width
COUNTERS_Y: Final = 976
NOW: Final = Box(MARGIN, 1092, INNER, 132)
CALL: Final = Box(MARGIN, 1248, INNER, 144)
ACTS_Y: Final = 1412
LEAVE: Final = Box(PAGE_WIDTH - MARGIN - 300, 1592, 300, 112)
WORDS: Final = Box(MARGIN, 1592, INNER - 324, 112)
_STATES: Final[dict[TicketState, tuple[str, str]]] = {
    TicketState.ISSUED: ("等候", "waiting"),
    TicketState.WAITING: ("等候", "waiting"),
    TicketState.TRANSFERRED: ("转来", "moved here"),
    TicketState.CALLED: ("已叫号", "called"),
    TicketState.RECALLED: ("又叫了", "called again"),
    TicketState.SERVING: ("在办", "served"),
    TicketState.PARKED: ("放一放", "set aside"),
    TicketState.NO_SHOW: ("没有来", "not here"),
}
_TROUBLES: Final[dict[StaffTrouble, tuple[str, str]]] = {
    "": ("", ""),
    "hub_is_there": ("网络通了，请在窗口的电脑上叫号", "The hub is back: please call from the counter's desk"),
    "nobody": ("这台机器没有人在等这些业务", "Nobody of this terminal waits for these services"),
    "not_now": ("这个号现在不能这样办", "That cannot be done with this number now"),
    "not_kept": ("磁盘满了，没有记下来。请找维护人员", "The disk is full: nothing was done. Call maintenance"),
}


def staff(view: View) -> PageLayout:
    shown = view.state.staff or StaffView((), 0, False, 0, "", None, 0)
    offered = {target.id: target for target in of_kind(view, "chip", "primary", "quiet")}
    counters = [target for target in offered.values() if target.kind == "chip"]
    acts = [t for t in offered.values() if t.kind == "quiet" and t.id != "staff_close"]
    parts: list[Part] = [_status(view, shown), *sheet(SHEET_Y), _table(view, shown)]
    for target, box in zip(counters, row_boxes(len(counters), COUNTERS_Y, 96), strict=True):
        parts.append(button(view, target, box, 34, filled=target.selected))
    parts.append(_now(view, shown))
    if "staff_call" in offered:
        parts.append(button(view, offered["staff_call"], CALL, 52, filled=True))
    for target, box in zip(acts, row_boxes(len(acts), ACTS_Y, 144), strict=True):
        parts.append(button(view, target, box, 38, filled=False))
    parts.append(_words(view, shown))
    if "staff_close" in offered:
        parts.append(button(view, offered["staff_close"], LEAVE, 38, filled=False))
    behind = (gate_part(880, 300, 128), head_part(view))
    return PageLayout("light", behind, FigureSpot(880, 272, 0.34, SHEET_Y, badge=False), (*parts, *dock_parts(view)))


def _status(view: View, shown: StaffView) -> Part:
    """Whether the hub can be reached, what is owed to it, and who waits."""
    title = view.say("本机队列", "This terminal's line")
    hub = view.say("中心连得上", "Hub reachable") if shown.hub else view.say("中心连不上", "Hub not reachable")
    owed = view.say(f"待上报 {shown.owed} 条", f"{shown.owed} messages owed to it")
    waiting = view.say(f"{shown.waiting} 位在等", f"{shown.waiting} waiting")

    def paint(kit: Kit) -> None:
        kit.text(title, STATUS.x, STATUS.y + 40, kit.size("title"), bold=True, room=STATUS.width)
        y = STATUS.y + 112
        badge = Box(STATUS.x, y - 28, 344, 56)
        kit.rect(badge, 28, "ok_soft" if shown.hub else "surface_2")
        kit.icon("check" if shown.hub else "cross", badge.x + 34, y, 34, "ok" if shown.hub else "danger", 2.8)
        kit.text(hub, badge.x + 62, y, kit.size("small"), bold=True, room=badge.width - 84)
        kit.text(waiting, badge.right + 28, y, kit.size("small"), bold=True, room=STATUS.right - badge.right - 32)
        kit.text(owed, STATUS.x, y + 68, kit.size("small"), "ink_2", room=STATUS.width)

    return Part("staff:status", STATUS.grown(4), (title, hub, owed, waiting), paint)


def _table(view: View, shown: StaffView) -> Part:
    heads = view.say("号码|业务|状态|窗口|等了", "Number|Service|State|Counter|Waited").split("|")
    nobody = view.say("没有人在等", "Nobody waits")

    def paint(kit: Kit) -> None:
        small = kit.size("small")
        for head, share in zip(heads, COLUMNS, strict=True):
            kit.text(head, TABLE.x + share * TABLE.width, TABLE.y + 26, kit.size("label"), "ink_2")
        kit.line((TABLE.x, TABLE.y + 54), (TABLE.right, TABLE.y + 54), "line", 2)
        if not shown.rows:
            kit.text(nobody, TABLE.x + TABLE.width / 2, TABLE.y + 240, kit.size("lead"), "ink_2", align="center")
        for i, row in enumerate(shown.rows):
            y = TABLE.y + 54 + (i + 0.5) * ROW
            here = shown.now is not None and shown.now.number == row.number
            if here:
                kit.rect(Box(TABLE.x - 16, y - 29, TABLE.width + 32, 58), 16, "primary_soft")
            for text, share, end in zip(_cells(view, row), COLUMNS, (*COLUMNS[1:], 1.0), strict=True):
                size = kit.size("body") if share == 0 else small
                room = (end - share) * TABLE.width - 14
                kit.text(text, TABLE.x + share * TABLE.width, y, size, bold=share == 0, room=room)

    return Part("staff:table", TABLE.grown(18), (shown.rows, shown.now, view.state.language), paint)


def _cells(view: View, row: StaffRow) -> tuple[str, ...]:
    state = view.say(*_STATES.get(row.state, (row.state.value, row.state.value)))
    return row.number, row.service, state, row.counter or "–", view.say(f"{row.waited_min} 分", f"{row.waited_min} min")


def _now(view: View, shown: StaffView) -> Part:
    """Who is at the counter, in large."""
    where = view.say(f"{shown.counter} 号窗口", f"Counter {shown.counter}")
    here = shown.now
    state = "" if here is None else view.say(*_STATES.get(here.state, (here.state.value, here.state.value)))
    free = view.say("空着，可以叫下一位", "Free: call the next one") if not shown.hub else view.say("空着", "Free")

    def paint(kit: Kit) -> None:
        kit.rect(NOW, 28, "surface_2")
        middle = NOW.y + NOW.height / 2
        kit.text(where, NOW.x + 36, middle, kit.size("body"), bold=True, room=260)
        if here is None:
            kit.text(free, NOW.right - 36, middle, kit.size("body"), "ink_2", align="right", room=NOW.width - 340)
            return
        kit.text(here.number, NOW.x + NOW.width / 2, middle, kit.size("display"), "primary", bold=True, align="center")
        kit.text(state, NOW.right - 36, middle - 24, kit.size("body"), bold=True, align="right", room=260)
        kit.text(here.service, NOW.right - 36, middle + 28, kit.size("label"), "ink_2", align="right", room=260)

    return Part("staff:now", NOW.grown(4), (where, here, state, free), paint)


def _words(view: View, shown: StaffView) -> Part:
    """What went wrong, or where calls are made; and when the page ends."""
    trouble = view.say(*_TROUBLES[shown.trouble])
    if not trouble and shown.hub:
        trouble = view.say(*_TROUBLES["hub_is_there"])
    ends = view.say(f"{shown.ends_after_s} 秒不碰就关上", f"Closes after {shown.ends_after_s} s untouched")

    def paint(kit: Kit) -> None:
        y = WORDS.y + 28
        if trouble:
            fitted = kit.fitted(trouble, WORDS.width, kit.size("small"), True, max_lines=2)
            for row in fitted.lines:
                kit.text(row, WORDS.x, y, fitted.size, "danger" if shown.trouble else "ink", bold=True)
                y += fitted.size * 1.2
        kit.text(ends, WORDS.x, WORDS.bottom - 16, kit.size("label"), "ink_2", room=WORDS.width)

    return Part("staff:words", WORDS.grown(8), (trouble, ends), paint)
