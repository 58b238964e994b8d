"""What several pages share: a gate with its head line, the sheet, the headline, targets by kind."""

from __future__ import annotations

from typing import Final

from contracts.screen import Target, TargetKind
from kiosk.screen.boxes import Box
from kiosk.screen.dock import DOCK_IDS
from kiosk.screen.kit import Kit
from kiosk.screen.parts import Part, View
from kiosk.screen.theme import INNER, MARGIN, PAGE_HEIGHT, PAGE_WIDTH, ThemeName

SHEET_RADIUS: Final = 56
SHEET_SHADOW: Final = 96  # how far the sheet's shadow reaches above it
CHOICES: Final[tuple[TargetKind, ...]] = ("chip", "primary", "quiet", "human", "card")  # what a visitor picks from
MIDDLE: Final = PAGE_WIDTH / 2


def of_kind(view: View, *kinds: TargetKind) -> tuple[Target, ...]:
    """Return the offered targets of these kinds, dock left out, in the core's order."""
    return tuple(t for t in view.state.targets if t.kind in kinds and t.id not in DOCK_IDS)


def day_theme(view: View) -> ThemeName:
    return "elder" if view.state.mode == "elder" else "light"


def sheet(y: float) -> tuple[Part, Part]:
    """The surface that rises from the bottom edge: everything that can be touched lives on it."""
    whole = Box(0, y, PAGE_WIDTH, PAGE_HEIGHT - y + 80)
    body = Box(0, y + SHEET_RADIUS, PAGE_WIDTH, PAGE_HEIGHT - y - SHEET_RADIUS)

    def paint_edge(kit: Kit) -> None:
        kit.shadow(whole, SHEET_RADIUS, "high")
        kit.rect(whole, SHEET_RADIUS, "surface")
        if kit.theme.name == "elder":
            kit.line((0, y + 2), (PAGE_WIDTH, y + 2), "line_strong", 4)

    edge = Box(0, y - SHEET_SHADOW, PAGE_WIDTH, SHEET_SHADOW + SHEET_RADIUS)
    return (
        Part("sheet:edge", edge, (y,), paint_edge),
        Part("sheet", body, (y,), lambda kit: kit.rect(body, 0, "surface"), solid="surface"),
    )


def headline(view: View, y: float, size: float, default: tuple[str, str], *, max_lines: int = 1) -> Part:
    """The page's one sentence around `y`, its other language below. It shrinks before it takes a second line."""
    text = view.state.headline or view.say(*default)
    other = view.state.headline_translation or ("" if view.state.headline else default[1 if view.chinese else 0])

    def paint(kit: Kit) -> None:
        shown = kit.shrunk(text, INNER, size, True, max_lines=max_lines)
        lead = shown.size * 1.3
        top = y - lead * (len(shown.lines) - 1) / 2
        for i, row in enumerate(shown.lines):
            kit.text(row, MIDDLE, top + i * lead, shown.size, bold=True, align="center")
        if other:
            below = top + (len(shown.lines) - 0.5) * lead + 26
            kit.text(other, MIDDLE, below, kit.size("small"), "ink_2", align="center", room=INNER)

    return Part("headline", Box(MARGIN - 4, y - size * 1.5, INNER + 8, size * 3.0 + 52), (text, other, y, size), paint)


def note(view: View, y: float, *, size: str = "small", max_lines: int = 2) -> tuple[Part, ...]:
    """The snapshot's note in the middle, if there is one."""
    text = view.state.note
    if not text:
        return ()

    def paint(kit: Kit) -> None:
        shown = kit.fitted(text, INNER, kit.size(size), max_lines=max_lines)
        height = len(shown.lines) * shown.size * kit.theme.line_height
        kit.lines(shown, Box(MARGIN, y - height / 2, INNER, height), "ink_2", align="center")

    return (Part("note", Box(MARGIN, y - 36 * max_lines, INNER, 72 * max_lines), (text, y, size), paint),)
