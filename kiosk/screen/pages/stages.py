"""Who and what stands above the sheet: her in the gate, beside words, above a teller's picture, beside a mirror."""

from __future__ import annotations

from typing import Final

from kiosk.screen.blocks import Room, words
from kiosk.screen.boxes import Box
from kiosk.screen.kit import Kit
from kiosk.screen.pages.shell import Stage, stands_beside
from kiosk.screen.parts import FigureSpot, Part
from kiosk.screen.scene import figure_in, gate_part
from kiosk.screen.theme import Theme
from kiosk.screen.widgets.mirror import document_glass, face_ring
from kiosk.screen.widgets.paper import beside_words

FOUR_THIRDS: Final = 4 / 3
LARGE_CLOCK: Final = 1.3  # from this size of letters on
OWN_SHARE: Final = 0.26  # of the teller's picture: the visitor's own, small


def gate(room: Room, box: Box) -> Stage:
    """Her, in the middle of the gate."""
    behind, spot = figure_in(box)
    return Stage((behind,), spot)


def gate_by_night(room: Room, box: Box) -> Stage:
    """Her with the time above: nobody is here yet."""
    frame, theme = room.frame, room.theme
    if frame.lying:
        behind, spot = figure_in(box, badge=False)
        return Stage((_gate(theme, behind),), spot)
    if frame.text >= LARGE_CLOCK:  # the head line's clock is large enough
        behind, spot = figure_in(box, badge=False, centre=510.0)
        return Stage((_gate(theme, behind),), spot)
    high = 150.0
    clock = _clock(room, Box(frame.left, box.y + 12, frame.inner, high))
    left = Box(box.x, box.y + high - 12, box.width, box.height - high + 12)
    behind, spot = figure_in(left, badge=False, centre=510.0)
    return Stage((_gate(theme, behind), clock), spot)


def _gate(theme: Theme, usual: Part) -> Part:
    """The lit gate of the night."""
    if theme.name != "night":
        return usual
    radius = usual.box.width / 2 - 26
    return gate_part(*usual.box.centre, radius, night=True)


def _clock(room: Room, box: Box) -> Part:
    view, until = room.view, room.view.state.open_until

    def paint(kit: Kit) -> None:
        width = kit.text(view.clock.time, box.x - 4, box.y + box.height / 2, min(kit.px(132), box.height), bold=True)
        free = box.width - width - 32
        date = view.say(view.clock.date_zh, view.clock.date_en)
        text = view.say(f"营业中 · 今天到 {until}", f"Open today until {until}") if until else ""
        lead = kit.size("body") * 1.4 if text else 0.0
        y = box.y + box.height / 2 - lead / 2
        kit.text(date, box.right, y, kit.size("body"), align="right", room=free)
        if text:
            kit.text(text, box.right, y + lead, kit.size("small"), "ink_2", align="right", room=free)

    return Part("clock", box.grown(8), (view.clock, until, view.state.language, box), paint)


def gate_beside(room: Room, box: Box) -> Stage:
    """Her at the left with words at the right, where there is the room."""
    if not stands_beside(room.view):
        return gate(room, box)
    behind, spot = figure_in(Box(0, box.y, box.width, box.height), badge=False, centre=336.0)
    return Stage((behind,), spot, tuple(beside_words(room, Box(652, box.y + 80, 372, box.height - 200))))


def small(room: Room, box: Box) -> Stage:
    """Her, small in a corner: the page is about something else."""
    high = min(220.0, box.height - 16)
    place = Box(box.right - high * 1.5 - 40, box.y, high * 1.5, high)
    if room.frame.lying:
        place = Box(box.x, box.bottom - 420, box.width, 420)
    behind, spot = figure_in(place, badge=False)
    return Stage((behind,), spot)


def call(room: Room, box: Box) -> Stage:
    """The teller large, the visitor's own picture small within, her above or below."""
    state = room.view.state
    if not state.teller_pictures:
        return gate(room, box)
    if room.frame.lying:
        width = min(box.width - 56, (box.height - 260) * FOUR_THIRDS)
        teller = Box(box.x + (box.width - width) / 2, box.y + 16, width, width / FOUR_THIRDS)
        left = Box(box.x, teller.bottom + 16, box.width, box.bottom - teller.bottom - 16)
    else:
        high = min(190.0, box.height * 0.24)
        height = min(box.height - high - 8, 820 / FOUR_THIRDS)
        width = height * FOUR_THIRDS
        teller = Box(box.x + (box.width - width) / 2, box.y + high, width, height)
        left = Box(box.x, box.y, box.width, high)
    behind, spot = figure_in(left, badge=False)
    own = None
    if state.mirror_pictures:
        wide = teller.width * OWN_SHARE
        own = Box(teller.right - wide - 16, teller.bottom - wide / FOUR_THIRDS - 16, wide, wide / FOUR_THIRDS)
    return Stage((behind,), spot, (_rim(own),) if own else (), teller, own)


def _rim(box: Box) -> Part:
    """A light edge, so that the small picture stands out from the large one."""
    return Part("own", box.grown(6), box, lambda kit: kit.rect(box.grown(3), 10, "#FFFDF8", stroke=6))


def beside_teller(room: Room, box: Box) -> Stage:
    """A form or a text is the matter: the teller at the left, her beside; her alone without one."""
    if not room.view.state.teller_pictures:
        return gate(room, box)
    if room.frame.lying:
        return call(room, box)
    height = min(324.0, box.height - 24)
    teller = Box(box.x + 56, box.y + 8, height * FOUR_THIRDS, height)
    behind, spot = figure_in(Box(teller.right, box.y, box.right - teller.right, box.height), badge=False)
    return Stage((behind,), spot, (), teller)


def mirror(room: Room, box: Box) -> Stage:
    """Holding up a document: what to do above, the camera's field below, her looking on."""
    shown = room.view.state.document
    behind, spot, above, left = _advised(room, box, shown.advice if shown else "", shown.advice_other if shown else "")
    parts, glass = document_glass(room, left)
    return Stage(behind, spot, (*above, *parts), None, glass)


def face(room: Room, box: Box) -> Stage:
    """Looking at the visitor's face: what to do above, the mirror in an oval, an arc for each step that is behind."""
    shown = room.view.state.face
    behind, spot, above, left = _advised(room, box, shown.advice if shown else "", shown.advice_other if shown else "")
    parts, glass = face_ring(room, left)
    return Stage(behind, spot, (*above, *parts), None, glass, round_mirror=True)


def _advised(room: Room, box: Box, text: str, other: str) -> tuple[tuple[Part, ...], FigureSpot, tuple[Part, ...], Box]:
    """Her in a corner, what to do beside her, and the room that is left below; on lying glass the sheet says it."""
    if room.frame.lying:
        high = min(300.0, box.height * 0.32)
        behind, spot = figure_in(Box(box.x, box.bottom - high, box.width, high), badge=False)
        return (behind,), spot, (), Box(box.x, box.y + 8, box.width, box.height - high - 24)
    high = min(max(250.0, room.px(68) * 2.6), box.height * (0.38 if room.theme.text < 1.5 else 0.48))
    corner = Box(box.x + 40, box.y, 208, high)
    behind, spot = figure_in(Box(corner.x, corner.y, corner.width, min(high, 230)), badge=False)
    beside = Box(corner.right + 24, box.y + 8, box.right - corner.right - 64, high - 16)
    narrow = Room(room.view, room.theme, beside.width)
    both = bool(other) and room.theme.text < 1.3 and not room.view.elder
    main = words(narrow, "advice", text, room.px(60), bold=True, most=3)
    share = 0.68 if both else 1.0
    parts = list(main.make(Box(beside.x, beside.y, beside.width, beside.height * share)))
    if both:
        below = words(narrow, "advice:other", other, room.size("small"), ink="ink_2", most=2)
        top = beside.y + beside.height * share
        parts += below.make(Box(beside.x, top, beside.width, beside.bottom - top))
    left = Box(box.x, box.y + high + 8, box.width, box.height - high - 24)
    return (behind,), spot, tuple(parts), left
