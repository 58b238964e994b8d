"""The backdrop of every page: morning light, the moon gate (月门) she stands in, the line that says who and where."""

from __future__ import annotations

import skia

from avatar.ink import linear, oval, path, radial
from kiosk.screen.boxes import Box
from kiosk.screen.kit import Kit
from kiosk.screen.parts import Part, View
from kiosk.screen.theme import INNER, MARGIN, PAGE_HEIGHT, PAGE_WIDTH


def draw_light(kit: Kit) -> None:
    """Fill the page with the theme's light."""
    top, bottom = kit.theme.colours["bg_top"], kit.theme.colours["bg_bottom"]
    kit.rect(Box(0, 0, PAGE_WIDTH, PAGE_HEIGHT), 0, linear(0, 0, 0, PAGE_HEIGHT, (0, top, 1), (1, bottom, 1)))


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
    state = view.state
    heard = state.lights.microphone and state.listening not in ("muted", "unavailable")
    clock = view.clock if with_clock else None
    key = (state.bank, state.branch, state.language, state.lights.camera, heard, clock)
    box = Box(MARGIN - 8, 28, INNER + 16, 110)
    return Part("head", box, key, lambda kit: _draw_head(kit, view, heard=heard, with_clock=with_clock))


def _draw_head(kit: Kit, view: View, *, heard: bool, with_clock: bool) -> None:
    state = view.state
    draw_mark(kit, MARGIN + 32, 84, 64)
    text_x, right = MARGIN + 80, PAGE_WIDTH - MARGIN
    kit.text(state.bank, text_x, 68, 34, bold=True, room=480)
    who = view.say("AI 数字员工", "AI assistant")
    kit.text(f"{state.branch} · {who}", text_x, 110, kit.size("label"), "ink_2", room=500)
    light_x = right - 18.0
    if with_clock:
        width = kit.text(view.clock.time, right, 70, 52, bold=True, align="right")
        date = view.say(view.clock.date_zh, view.clock.date_en)
        kit.text(date, right, 112, kit.size("label"), "ink_2", align="right")
        light_x = right - width - 44
    for i, (icon, on) in enumerate((("camera", state.lights.camera), ("mic", heard))):
        x = light_x - i * 52  # in use: green; off: grey and struck
        kit.icon(icon, x, 70, 38, "ok" if on else "ink_2", 2.1)
        if not on:
            kit.line((x - 16, 86), (x + 16, 54), "danger", 4)
