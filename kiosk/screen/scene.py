"""The backdrop of every page: morning light, the moon gate (月门) she stands in, the line that says who and where."""

from __future__ import annotations

from collections.abc import Callable

import skia

from avatar.ink import linear, oval, path, radial
from kiosk.screen.boxes import Box
from kiosk.screen.frame import MARGIN, Frame
from kiosk.screen.kit import Kit
from kiosk.screen.parts import FigureSpot, Part, View

LARGE_HEAD = 1.3  # from this size of letters on the head line takes two rows
BADGE_ENDS = 520.0  # figure units below her eyes: a badge that would be cut is left off
BADGE_FROM = 0.9  # and one that nobody could read
SHORT_DATE = 1.5  # and from this on it leaves out the date


def light_of(page: Box) -> Callable[[Kit], None]:
    """Return what fills the page with the theme's light."""

    def draw(kit: Kit) -> None:
        top, bottom = kit.theme.colours["bg_top"], kit.theme.colours["bg_bottom"]
        kit.rect(page, 0, linear(0, 0, 0, page.height, (0, top, 1), (1, bottom, 1)))

    return draw


def figure_in(stage: Box, *, badge: bool = True, centre: float | None = None) -> tuple[Part, FigureSpot]:
    """Return the gate and where she stands in it: her head whole, her eyes above the middle."""
    x = stage.x + stage.width / 2 if centre is None else centre
    radius = min(0.48 * stage.height, 0.52 * stage.width if stage.width < 800 else 0.37 * stage.width)
    y = stage.y + radius + 0.03 * stage.height
    if stage.width < 800:  # lying glass: she fills her side
        y = stage.y + stage.height * 0.52
    scale = min(1.06, radius / 352)
    eyes = y - 0.31 * radius
    whole = (stage.bottom - eyes) / scale >= BADGE_ENDS and scale >= BADGE_FROM
    spot = FigureSpot(x, eyes, scale, stage.bottom, badge=badge and whole)
    return gate_part(x, y, radius), spot


def gate_part(x: float, y: float, radius: float, *, night: bool = False) -> Part:
    """Return the gate around (x, y), to stand behind the figure."""
    reach = radius * 1.6 if night else radius + 26
    box = Box(x - reach, y - reach, 2 * reach, 2 * reach)
    return Part("gate", box, (x, y, radius), lambda kit: _draw_gate(kit, x, y, radius))


def _draw_gate(kit: Kit, x: float, y: float, radius: float) -> None:
    colours, night = kit.theme.colours, kit.theme.name == "night"
    glow, gate = colours["gate_glow"], colours["gate"]
    if night:
        halo = radial(x, y, radius * 1.6, (0, glow, 0.34), (0.62, glow, 0.10), (1, glow, 0))
        kit.circle(x, y, radius * 1.6, halo)
    kit.circle(x, y, radius + 26, "gate", 0.14 if night else 0.30)
    kit.canvas.save()
    kit.canvas.clipPath(oval(x, y, radius, radius), skia.ClipOp.kIntersect, True)
    if night:
        sky = linear(0, y - radius, 0, y + radius, (0, "#FBEFD0", 1), (0.6, "#F1D9A2", 1), (1, "#E2BF7C", 1))
    else:
        sky = linear(0, y - radius, 0, y + radius, (0, glow, 1), (0.45, gate, 0.9), (1, gate, 1))
    kit.rect(Box(x - radius, y - radius, 2 * radius, 2 * radius), 0, sky)
    if kit.theme.name != "elder":
        _draw_hills(kit, x, y, radius, night)
    kit.canvas.restore()


def _draw_hills(kit: Kit, x: float, y: float, r: float, night: bool) -> None:
    hill = kit.theme.colours["hill"]
    far, near = (("#E3C88F", 0.75), ("#CFAE6C", 0.75)) if night else ((hill, 0.55), (hill, 0.9))
    base = f"L {x + r} {y + r} L {x - r} {y + r} Z"
    behind = (
        f"M {x - r} {y + r * 0.10} C {x - r * 0.7} {y - r * 0.22} {x - r * 0.45} {y - r * 0.20} "
        f"{x - r * 0.2} {y + r * 0.06} C {x + r * 0.1} {y - r * 0.30} {x + r * 0.42} {y - r * 0.34} "
        f"{x + r} {y + r * 0.12} {base}"
    )
    before = (
        f"M {x - r} {y + r * 0.36} C {x - r * 0.6} {y + r * 0.10} {x - r * 0.3} {y + r * 0.28} {x} {y + r * 0.40} "
        f"C {x + r * 0.4} {y + r * 0.10} {x + r * 0.7} {y + r * 0.14} {x + r} {y + r * 0.38} {base}"
    )
    kit.shape(behind, far[0], far[1])
    kit.shape(before, near[0], near[1])


def draw_mark(kit: Kit, x: float, y: float, size: float) -> None:
    """Draw the bank's mark: a seedling in a round gate. The bank is invented."""
    kit.circle(x, y, size / 2, "primary")
    kit.canvas.save()
    kit.canvas.translate(x, y)
    kit.canvas.scale(size / 48, size / 48)
    leaf = (
        "M -1.6 15 L -1.6 2 C -10 2 -14 -3 -14 -10 C -6 -10 -1 -6 0 0 C 1 -8 6 -13 14 -14 C 14 -6 10 0 1.6 2 L 1.6 15 Z"
    )
    kit.canvas.drawPath(path(leaf), kit.paint("ink_on_primary"))
    kit.canvas.restore()


def head_part(view: View, *, with_clock: bool = True) -> Part:
    """Return the line that says who and where, which devices are in use, and on every page that she is an AI."""
    state, head = view.state, view.frame.head
    heard = state.lights.microphone and state.listening not in ("muted", "unavailable")
    clock = view.clock if with_clock and not view.frame.lying else None
    key = (state.bank, state.branch, state.language, state.lights.camera, heard, clock, head)
    box = Box(head.x - 8, head.y - 12, head.width + 16, head.height + 24)
    return Part("head", box, key, lambda kit: _draw_head(kit, view, head, heard=heard, clock=clock is not None))


def _draw_head(kit: Kit, view: View, head: Box, *, heard: bool, clock: bool) -> None:
    state, large = view.state, kit.theme.text >= LARGE_HEAD
    bank, label, time = kit.px(34), kit.size("label"), kit.px(52)
    first, second = head.y + head.height * 0.30, head.y + head.height * 0.80
    mark = min(64.0 * kit.theme.text, head.height * (0.52 if large else 0.72))
    draw_mark(kit, head.x + mark / 2, first if large else head.y + head.height / 2, mark)
    text_x, right = head.x + mark + 16, head.right
    left = right
    if clock:
        width = kit.text(view.clock.time, right, first, time, bold=True, align="right")
        left = right - width - 24
        date = view.say(view.clock.date_zh, view.clock.date_en)
        if kit.theme.text < SHORT_DATE:
            kit.text(date, right, second, label, "ink_2", align="right")
    size = min(64.0, 38.0 * kit.theme.text)
    for icon, on in (("camera", state.lights.camera), ("mic", heard)):
        x = left - size / 2
        kit.icon(icon, x, first, size, "ok" if on else "ink_2", 2.1)  # in use: green; off: grey and struck
        if not on:
            kit.line((x - size * 0.42, first + size * 0.42), (x + size * 0.42, first - size * 0.42), "danger", 4)
        left -= size + 14
    kit.text(state.bank, text_x, first, bank, bold=True, room=left - text_x - 12)
    who = view.say("AI 数字员工", "AI assistant")
    dated = clock and kit.theme.text < SHORT_DATE
    end = right - (kit.measure(view.say(view.clock.date_zh, view.clock.date_en), label) + 24 if dated else 0)
    start = head.x if large else text_x
    kit.text(f"{state.branch} · {who}", start, second, label, "ink_2", room=end - start)


def clock_part(view: View) -> Part:
    """Lying glass: the clock stands above the sheet's words, at the right."""
    frame = view.frame
    text = frame.text
    box = Box(frame.left, 32, frame.inner, 60 * max(1.0, text))

    def paint(kit: Kit) -> None:
        y = box.y + box.height / 2
        width = kit.text(view.clock.time, box.right, y, kit.px(52), bold=True, align="right")
        date = view.say(view.clock.date_zh, view.clock.date_en)
        kit.text(date, box.right - width - 24, y + 2, kit.size("label"), "ink_2", align="right")

    return Part("clock", box.grown(4), (view.clock, view.state.language, text), paint)


def sheet_parts(frame: Frame, y: float) -> tuple[Part, ...]:
    """The surface that rises from the bottom edge, or stands at the right: what is touched lives on it."""
    if frame.lying:
        left = frame.left - MARGIN
        edge = Box(left - 40, 0, 40, frame.height)
        parts = [
            Part("sheet:edge", edge, (left,), lambda kit: _draw_side(kit, left, frame.height)),
            _solid("sheet", Box(left, 0, frame.width - left, frame.height)),
        ]
        if frame.stacked:
            band = Box(0, frame.dock.y - 24, left, frame.height - frame.dock.y + 24)
            parts.append(_solid("sheet:band", band))
        return tuple(parts)
    body = Box(0, y + SHEET_RADIUS, frame.width, frame.height - y - SHEET_RADIUS)
    edge = Box(0, y - SHEET_SHADOW, frame.width, SHEET_SHADOW + SHEET_RADIUS)
    return (
        Part("sheet:edge", edge, (y,), lambda kit: _draw_edge(kit, Box(0, y, frame.width, frame.height - y + 80))),
        _solid("sheet", body),
    )


SHEET_RADIUS = 56.0
SHEET_SHADOW = 96.0  # how far the sheet's shadow reaches above it


def _solid(name: str, box: Box) -> Part:
    return Part(name, box, (), lambda kit: kit.rect(box, 0, "surface"), solid="surface")


def _draw_edge(kit: Kit, whole: Box) -> None:
    kit.shadow(whole, SHEET_RADIUS, "high")
    kit.rect(whole, SHEET_RADIUS, "surface")
    if kit.theme.name == "elder":
        kit.line((0, whole.y + 2), (whole.width, whole.y + 2), "line_strong", 4)


def _draw_side(kit: Kit, left: float, height: float) -> None:
    if kit.theme.name == "elder":
        kit.line((left - 2, 0), (left - 2, height), "line_strong", 4)
        return
    kit.rect(Box(left - 40, 0, 40, height), 0, linear(left - 40, 0, left, 0, (0, "#0A2A28", 0), (1, "#0A2A28", 0.10)))


def veil_parts(frame: Frame, top: float) -> tuple[Part, ...]:
    """By night the figure fades into the lower half, or into her own side's edge."""
    if frame.lying:
        left = frame.left - MARGIN
        fade, rest = Box(left - 120, 0, 120, frame.height), Box(left, 0, frame.width - left, frame.height)
        end = (left - 120, 0.0, left, 0.0)
    else:
        high = 120 * min(1.0, (top - frame.head.bottom) / 600)  # a small figure is not drowned
        fade, rest = Box(0, top - high, frame.width, high), Box(0, top, frame.width, frame.height - top)
        end = (0.0, top - high, 0.0, top)

    def paint_fade(kit: Kit) -> None:
        kit.rect(fade, 0, linear(*end, (0, "#0B4443", 0), (0.8, "#0B4443", 0.97), (1, "#0B4443", 1)))

    def paint_rest(kit: Kit) -> None:
        below = linear(0, rest.y, 0, frame.height, (0, "#0B4443", 1), (1, "#062F30", 1))
        kit.rect(rest, 0, "#0B4443" if frame.lying else below)

    parts = [Part("veil:fade", fade, (), paint_fade), Part("veil", rest, (), paint_rest)]
    if frame.lying and frame.stacked:
        band = Box(0, frame.dock.y - 24, left, frame.height - frame.dock.y + 24)
        parts.append(Part("veil:band", band, (), lambda kit: kit.rect(band, 0, "#0B4443")))
    return tuple(parts)
