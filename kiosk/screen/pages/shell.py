"""How a page is put together from its data: who stands above, what is said, what is touched, and the dock.

The sheet's edge depends on page, mode and size of letters, never on the words: she does not jump while people talk.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from kiosk.screen.blocks import BLOCK_GAP, Block, Room, Widget, ideal_of, least_of, made, stacked
from kiosk.screen.boxes import Box
from kiosk.screen.parts import FigureSpot, PageLayout, Part, View
from kiosk.screen.scene import clock_part, head_part, sheet_parts, veil_parts
from kiosk.screen.theme import Theme, theme
from kiosk.screen.widgets.dock import dock_parts
from kiosk.screen.widgets.mirror import face_light
from kiosk.screen.widgets.wording import ending

FLASH: Final = 24.0  # how wide the frame is that flashes
PAD_TOP: Final = 40.0
SHEET_HIGHEST: Final = 200.0  # least height of the stage
RISES: Final = 600.0  # the sheet rises so much for twice the size of letters
CAPTIONS_SHEET: Final = 560.0  # for who cannot hear, captions have the room


@dataclass(frozen=True, slots=True)
class Stage:
    """What stands above the sheet, or beside it."""

    behind: tuple[Part, ...]
    figure: FigureSpot
    parts: tuple[Part, ...] = ()
    teller: Box | None = None
    mirror: Box | None = None
    round_mirror: bool = False


MakeStage = Callable[[Room, Box], Stage]


@dataclass(frozen=True, slots=True)
class PageData:
    """One page as data: widgets that are read, that are touched, who stands above, where the sheet begins."""

    says: tuple[Widget, ...]
    acts: tuple[Widget, ...]
    stage: MakeStage
    sheet: float = 984.0
    ground: Literal["sheet", "veil"] = "sheet"
    beside: tuple[Widget, ...] = ()  # words that the stage shows itself where it has the room


def look(view: View, *, night: bool) -> Theme:
    """Return the palette at the size of letters that this visitor needs."""
    return theme("elder" if view.strong else "night" if night else "light", view.frame.text)


def lay_out_page(view: View, page: PageData) -> PageLayout:
    """Return the page with everything in its place."""
    frame, palette = view.frame, look(view, night=page.ground == "veil")
    room = Room(view, palette, frame.inner)
    acts = made(room, page.acts)
    area = frame.acts
    used = min(ideal_of(acts), area.height) if acts else 0.0
    top = area.bottom - used if acts else frame.dock.y - 8.0
    beside = page.beside if stands_beside(view) else ()
    says = made(room, (ending, *(page.says if beside else (*page.beside, *page.says))))
    sheet_y = _sheet(view, page, says, top)
    parts: list[Part] = []
    if page.ground == "veil" and not view.strong:
        parts += veil_parts(frame, sheet_y)
    else:
        parts += sheet_parts(frame, sheet_y)
    if frame.lying:
        parts.append(clock_part(view))
        y = 32 + 60 * max(1.0, frame.text) + 24
        stage_bottom = frame.dock.y - 24 if frame.stacked else frame.height
        stage_box = Box(0, frame.head.bottom, frame.left - 56, stage_bottom - frame.head.bottom)
    else:
        y = sheet_y + PAD_TOP
        stage_box = Box(0, frame.head.bottom, frame.width, sheet_y - frame.head.bottom)
    stage = page.stage(room, stage_box)
    parts += stage.parts
    parts += _said(says, Box(frame.left, y, frame.inner, top - BLOCK_GAP - y))
    parts += stacked(acts, area, bottom=True)
    parts += dock_parts(view)
    parts += face_light(room)
    if view.captions_first and view.state.called:
        parts.append(_flash(view))
    return PageLayout(
        palette, (*stage.behind, head_part(view)), stage.figure, tuple(parts), teller=stage.teller,
        mirror=stage.mirror, round_mirror=stage.round_mirror, frame=frame,
    )  # fmt: skip


def _flash(view: View) -> Part:
    """For who cannot hear: a slow golden frame while a number is called, on and off less than once a second."""
    page, on = view.frame.page, view.beat % 2 == 0
    ink = "human" if on else "line"
    inner = Box(page.x + FLASH / 2, page.y + FLASH / 2, page.width - FLASH, page.height - FLASH)
    return Part("flash", page, on, lambda kit: kit.rect(inner, 8, ink, stroke=FLASH / 2))


def stands_beside(view: View) -> bool:
    """Whether the stage has room for words beside her: upright, usual letters."""
    return not view.frame.lying and view.frame.text < 1.2 and not view.captions_first


def _sheet(view: View, page: PageData, says: list[Block], top: float) -> float:
    """Return where the sheet begins: fixed by the page, higher where what must be said needs it."""
    frame = view.frame
    wanted = page.sheet - max(0.0, frame.text - 1.0) * RISES
    if view.captions_first:
        wanted = min(wanted, CAPTIONS_SHEET)
    if frame.low:
        wanted = max(wanted, min(640.0, page.sheet))
    needed = top - BLOCK_GAP - least_of(says) - PAD_TOP if says else wanted
    return max(frame.head.bottom + SHEET_HIGHEST, min(wanted, needed))


def _said(says: list[Block], box: Box) -> list[Part]:
    """What is read stands from the top; a short word in much room stands in its middle."""
    if any(block.grow for block in says):
        return stacked(says, box)
    spare = max(0.0, box.height - ideal_of(says))
    return stacked(says, Box(box.x, box.y + spare / 2, box.width, box.height - spare))
