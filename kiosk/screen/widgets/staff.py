"""The staff's page: this terminal's line above, what may be done at one counter below. Nobody else comes here."""

from __future__ import annotations

from typing import Final

from contracts.screen import StaffRow, StaffTrouble, StaffView
from contracts.tickets import TicketState
from kiosk.screen.blocks import TIGHT_GAP, Block, Room, in_columns, words
from kiosk.screen.boxes import Box
from kiosk.screen.kit import Kit
from kiosk.screen.parts import Part, View
from kiosk.screen.widgets.buttons import button, chip
from kiosk.screen.widgets.choosing import of_kind

COLUMNS: Final = (0.0, 0.165, 0.50, 0.70, 0.86)  # number, service, state, counter, minutes: shares of the width
NARROW: Final = (0.0, 0.26, 0.70, 0.70, 0.70)  # in large letters: number, service, minutes
LARGE: Final = 1.4
COUNTERS_MOST: Final = 6
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


EMPTY: Final = StaffView((), 0, False, 0, "", None, 0)


def staff_status(room: Room) -> Block | None:
    """Whether the hub can be reached, what is owed to it, and who waits."""
    view, shown = room.view, room.view.state.staff or EMPTY
    title = view.say("本机队列", "This terminal's line")
    hub = view.say("中心连得上", "Hub reachable") if shown.hub else view.say("中心连不上", "Hub not reachable")
    owed = view.say(f"待上报 {shown.owed} 条", f"{shown.owed} messages owed to it")
    waiting = view.say(f"{shown.waiting} 位在等", f"{shown.waiting} waiting")
    body, small = room.size("lead"), room.size("small")

    def make(box: Box) -> list[Part]:
        def paint(kit: Kit) -> None:
            first, second = box.y + body * 0.75, box.bottom - small * 0.95
            free = box.width - kit.measure(waiting, small, True) - 32
            kit.text(title, box.x, first, body, bold=True, room=free)
            kit.text(waiting, box.right, first, small, bold=True, align="right")
            wide = kit.measure(hub, small, True) + 92
            badge = Box(box.x, second - small * 0.95, wide, small * 1.9)
            kit.rect(badge, small * 0.95, "ok_soft" if shown.hub else "surface_2")
            kit.icon("check" if shown.hub else "cross", badge.x + 34, second, 34, "ok" if shown.hub else "danger", 2.8)
            kit.text(hub, badge.x + 62, second, small, bold=True)
            if kit.measure(owed, small * 0.8) < box.right - badge.right - 28:
                kit.text(owed, badge.right + 28, second, small, "ink_2", room=box.right - badge.right - 28)

        return [Part("staff:status", box.grown(4), (title, hub, owed, waiting, box), paint)]

    return Block(body * 1.3 + small * 1.9, body * 1.6 + small * 2.1, make, drop=1)


def staff_table(room: Room) -> Block | None:
    """The open tickets, as many as there is room for; their number says how many there are."""
    view, shown = room.view, room.view.state.staff or EMPTY
    heads = view.say("号码|业务|状态|窗口|等了", "Number|Service|State|Counter|Waited").split("|")
    nobody = view.say("没有人在等", "Nobody waits")
    each, head = room.size("body") * 1.7, room.size("label") * 1.8

    def make(box: Box) -> list[Part]:
        rows = shown.rows[: max(1, int((box.height - head) // (each * 0.86)))]
        shares = NARROW if room.theme.text >= LARGE else COLUMNS

        def paint(kit: Kit) -> None:
            kept = [i for i in range(5) if i in (0, 1, 4) or shares is COLUMNS]
            ends = {0: shares[1], 1: shares[2], 2: shares[3], 3: shares[4], 4: 1.0}
            for i in kept:
                free = (ends[i] - shares[i]) * box.width - 12
                kit.text(
                    heads[i], box.x + shares[i] * box.width, box.y + head * 0.45, kit.size("label"), "ink_2", room=free
                )
            kit.line((box.x, box.y + head * 0.95), (box.right, box.y + head * 0.95), "line", 2)
            if not rows:
                kit.text(
                    nobody, box.x + box.width / 2, box.y + box.height / 2, kit.size("lead"), "ink_2", align="center"
                )
            high = min(each, (box.height - head) / max(1, len(rows)))
            for n, row in enumerate(rows):
                y = box.y + head + (n + 0.5) * high
                if shown.now is not None and shown.now.number == row.number:
                    kit.rect(Box(box.x - 14, y - high * 0.47, box.width + 28, high * 0.94), 16, "primary_soft")
                cells = _cells(view, row)
                for i in kept:
                    size = kit.size("body") if i == 0 else kit.size("small")
                    free = (ends[i] - shares[i]) * box.width - 14
                    kit.text(cells[i], box.x + shares[i] * box.width, y, size, bold=i == 0, room=free)

        return [Part("staff:table", box.grown(18), (rows, shown.now, view.state.language, box), paint)]

    most = max(3, len(shown.rows))
    return Block(head + 2 * each * 0.86, head + most * each, make, grow=1.0)


def _cells(view: View, row: StaffRow) -> tuple[str, ...]:
    state = view.say(*_STATES.get(row.state, (row.state.value, row.state.value)))
    return row.number, row.service, state, row.counter or "–", view.say(f"{row.waited_min} 分", f"{row.waited_min} min")


def staff_now(room: Room) -> Block | None:
    """Who is at the counter, in large."""
    view, shown = room.view, room.view.state.staff or EMPTY
    where = view.say(f"{shown.counter} 号窗口", f"Counter {shown.counter}")
    here = shown.now
    state = "" if here is None else view.say(*_STATES.get(here.state, (here.state.value, here.state.value)))
    free = view.say("空着，可以叫下一位", "Free: call the next one") if not shown.hub else view.say("空着", "Free")
    body, display = room.size("body"), room.size("display")

    def make(box: Box) -> list[Part]:
        def paint(kit: Kit) -> None:
            kit.rect(box, 28, "surface_2")
            middle, wide = box.y + box.height / 2, box.width / 3 - 40
            kit.text(where, box.x + 32, middle, body, bold=True, room=wide)
            if here is None:
                kit.text(free, box.right - 32, middle, body, "ink_2", align="right", room=2 * wide)
                return
            size = min(display, box.height * 0.8)
            kit.text(here.number, box.x + box.width / 2, middle, size, "primary", bold=True, align="center", room=wide)
            both = body * 1.3 + kit.size("label") * 1.3 < box.height
            y = middle - (kit.size("label") * 0.7 if both else 0)
            kit.text(state, box.right - 32, y, body, bold=True, align="right", room=wide)
            if both:
                kit.text(
                    here.service, box.right - 32, y + body * 1.25, kit.size("label"), "ink_2", align="right", room=wide
                )

        return [Part("staff:now", box.grown(4), (where, here, state, free, box), paint)]

    return Block(body * 1.6, max(132.0, body * 2.2), make, drop=1)


def staff_words(room: Room) -> Block | None:
    """What went wrong, or where calls are made; and when the page ends."""
    view, shown = room.view, room.view.state.staff or EMPTY
    trouble = view.say(*_TROUBLES[shown.trouble])
    if not trouble and shown.hub:
        trouble = view.say(*_TROUBLES["hub_is_there"])
    ends = view.say(f"{shown.ends_after_s} 秒不碰就关上", f"Closes after {shown.ends_after_s} s untouched")
    if trouble:
        ink = "danger" if shown.trouble else "ink"
        return words(room, "staff:words", trouble, room.size("small"), bold=True, ink=ink, most=2, drop=2)
    return words(room, "staff:words", ends, room.size("label"), ink="ink_2", most=1, drop=3)


def staff_acts(room: Room) -> Block | None:
    """Which counter, and what may be done there: as many beside each other as fingers and words allow."""
    view = room.view
    offered = {target.id: target for target in of_kind(view, "chip", "primary", "quiet")}
    counters = [t for t in offered.values() if t.id.startswith("staff_counter_")][:COUNTERS_MOST]
    call, close = offered.get("staff_call"), offered.get("staff_close")
    acts = [t for t in offered.values() if t.kind == "quiet" and t is not close]
    large = room.theme.text >= LARGE and not room.frame.lying
    rows: list[list[tuple[str, float]]] = []
    if counters:
        rows.append([(t.id, 1.0) for t in counters])
    if room.frame.lying:
        rows.append([(t.id, 1.0) for t in (call, *acts, close) if t is not None][:3])
        rows.append([(t.id, 1.0) for t in (call, *acts, close) if t is not None][3:])
    elif large:
        rows += [[(t.id, 1.0) for t in acts[:2]], [(t.id, 1.0) for t in acts[2:]]]
        rows.append([(t.id, 1.0) for t in (call, close) if t is not None])
    else:
        rows += [[(call.id, 1.0)]] if call else []
        rows.append([(t.id, 1.0) for t in acts])
        rows.append([(close.id, 1.0)] if close else [])
    rows = [row for row in rows if row]
    if not rows:
        return None
    least, ideal = max(room.frame.finger, room.px(34) * 1.3), 112.0

    def make(box: Box) -> list[Part]:
        parts: list[Part] = []
        for row, line in zip(rows, in_columns(len(rows), 1, box, TIGHT_GAP), strict=True):
            for (name, _), one in zip(row, in_columns(len(row), len(row), line, TIGHT_GAP), strict=True):
                target = offered[name]
                counter = name.startswith("staff_counter_")
                drawn = (
                    chip(view, target, one) if counter else button(view, target, one, 38, filled=name == "staff_call")
                )
                parts.append(drawn)
        return parts

    count = len(rows)
    return Block(count * least + (count - 1) * TIGHT_GAP, count * ideal + (count - 1) * TIGHT_GAP, make)
