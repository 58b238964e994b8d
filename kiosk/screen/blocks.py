"""A column of blocks: each says how high it must and would like to be, and draws itself where it is put.

Room that is short is taken from everybody's wishes first; then what can be missed is left out. Nothing overlaps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from kiosk.screen.boxes import Box
from kiosk.screen.frame import Frame
from kiosk.screen.kit import SMALL, Align, Kit
from kiosk.screen.parts import Part, View
from kiosk.screen.text import LINE_HEIGHT, SHRINK_TO, Fitted, Measure, by_phrase, family, fit, measurer, wrap
from kiosk.screen.theme import Theme

BLOCK_GAP: Final = 24.0
TIGHT_GAP: Final = 16.0
MANY_LINES: Final = 99
BALANCE: Final = (0.52, 0.58, 0.64, 0.70, 0.76, 0.84, 0.92)


@dataclass(frozen=True, slots=True)
class Room:
    """What a widget is made for: the snapshot, the palette, and how wide the column is."""

    view: View
    theme: Theme
    width: float

    @property
    def frame(self) -> Frame:
        return self.view.frame

    def measure(self, bold: bool = False) -> Measure:
        return measurer(family(self.theme.family).found, bold)

    def px(self, size: float) -> float:
        """A size of text as the visitor wants it."""
        return size * self.theme.text

    def size(self, name: str) -> float:
        return self.theme.size(name)


@dataclass(frozen=True, slots=True)
class Block:
    """One piece of a column. `drop`: what is left out first has the highest; 0 is never left out."""

    least: float
    ideal: float
    make: Callable[[Box], Sequence[Part]]
    drop: int = 0
    grow: float = 0.0  # its share of room that nobody asked for


Widget = Callable[[Room], "Block | None"]


def made(room: Room, widgets: Sequence[Widget]) -> list[Block]:
    """Return the blocks of those widgets that have something to show."""
    return [block for block in (widget(room) for widget in widgets) if block is not None]


def least_of(blocks: Sequence[Block], gap: float = BLOCK_GAP) -> float:
    return sum(block.least for block in blocks) + gap * max(0, len(blocks) - 1)


def ideal_of(blocks: Sequence[Block], gap: float = BLOCK_GAP) -> float:
    return sum(block.ideal for block in blocks) + gap * max(0, len(blocks) - 1)


def stacked(blocks: Sequence[Block], box: Box, gap: float = BLOCK_GAP, *, bottom: bool = False) -> list[Part]:
    """Return the parts of a column within `box`, from its top, or ending at its bottom."""
    kept = list(blocks)
    while least_of(kept, gap) > box.height and any(block.drop for block in kept):
        kept.remove(max(kept, key=lambda block: block.drop))
    if kept and least_of(kept, gap) > box.height:
        gap = TIGHT_GAP
    heights = _heights(kept, box.height - gap * max(0, len(kept) - 1))
    y = box.bottom - sum(heights) - gap * max(0, len(kept) - 1) if bottom else box.y
    parts: list[Part] = []
    for block, height in zip(kept, heights, strict=True):
        parts += block.make(Box(box.x, y, box.width, height))
        y += height + gap
    return parts


def _heights(blocks: Sequence[Block], height: float) -> list[float]:
    wanted, least = sum(b.ideal for b in blocks), sum(b.least for b in blocks)
    if wanted <= height:
        grow = sum(block.grow for block in blocks)
        spare = height - wanted if grow else 0.0
        return [block.ideal + spare * block.grow / (grow or 1) for block in blocks]
    if least >= height:  # too much even so: whoever checks pages will say so
        return [block.least * height / max(1.0, least) for block in blocks]
    share = (height - least) / max(1.0, wanted - least)
    return [block.least + (block.ideal - block.least) * share for block in blocks]


def words(
    room: Room,
    name: str,
    text: str,
    size: float,
    *,
    bold: bool = False,
    ink: str = "ink",
    align: Align = "left",
    most: int = 2,
    drop: int = 0,
    grow: float = 0.0,
) -> Block:
    """A text in up to `most` lines; a long one shrinks before it loses words."""
    measure = room.measure(bold)
    small = size * SHRINK_TO
    if measure(text, size) > room.width:  # lines end where a voice would pause
        text = by_phrase(text, room.width, size, measure)
    usual = len(fit(text, room.width, size, measure, max_lines=most).lines) * size * LINE_HEIGHT
    least = min(most, len(wrap(text, room.width, small, measure))) * small * LINE_HEIGHT
    ideal = max(usual, least)

    def make(box: Box) -> list[Part]:
        def paint(kit: Kit) -> None:
            shown = fitted_in(text, box, size, measure)
            if shown.cut:
                kit.cut.append(text)
            if align == "center" and len(shown.lines) == 2 and "\n" not in text:
                shown = balanced(text, box.width, shown, measure)
            height = len(shown.lines) * shown.size * LINE_HEIGHT
            place = Box(box.x, box.y + (box.height - height) / 2, box.width, height)
            kit.lines(shown, place, ink, bold=bold, align=align)

        return [Part(name, box.grown(3), (text, size, bold, ink, align, box), paint)]

    return Block(least + 2, ideal + 2, make, drop, grow)


def balanced(text: str, width: float, shown: Fitted, measure: Measure) -> Fitted:
    """Return the same words in as many lines of about the same length: none of them is a single sign."""
    for share in BALANCE:
        lines = wrap(text, width * share, shown.size, measure)
        if len(lines) == len(shown.lines):
            return Fitted(tuple(lines), shown.size, shown.cut)
    return shown


def pair(main: Block, below: Block, drop: int = 0) -> Block:
    """Two blocks without a gap, left out together."""

    def make(box: Box) -> list[Part]:
        upper, lower = _heights([main, below], box.height)
        return [
            *main.make(Box(box.x, box.y, box.width, upper)),
            *below.make(Box(box.x, box.y + upper, box.width, lower)),
        ]

    return Block(main.least + below.least, main.ideal + below.ideal, make, drop)


def fitted_in(text: str, box: Box, size: float, measure: Measure) -> Fitted:
    """Return `text` within a box: shrunk a little, then more, before it loses words; never higher than the box."""
    shown = fit(text, box.width, size, measure, max_lines=MANY_LINES, height=box.height + 1)
    if shown.cut:
        shown = fit(text, box.width, size, measure, max_lines=MANY_LINES, height=box.height + 1, shrink_to=SMALL)
    if len(shown.lines) == 1 and shown.size * LINE_HEIGHT > box.height:
        return Fitted(shown.lines, min(shown.size, box.height / 1.15), shown.cut)
    return shown


def in_columns(count: int, columns: int, box: Box, gap: float, row: float | None = None) -> list[Box]:
    """Return `count` equal boxes in `columns`, row by row; rows share the height unless `row` says how high."""
    if count <= 0:
        return []
    rows = -(-count // columns)
    high = row if row is not None else (box.height - (rows - 1) * gap) / rows
    width = (box.width - (columns - 1) * gap) / columns
    return [
        Box(box.x + i % columns * (width + gap), box.y + i // columns * (high + gap), width, high) for i in range(count)
    ]
