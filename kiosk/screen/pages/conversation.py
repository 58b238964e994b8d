"""Talking: both captions, up to three things one could say, the microphone."""

from __future__ import annotations

from typing import Final

from kiosk.screen.boxes import Box
from kiosk.screen.bubbles import caption_parts
from kiosk.screen.buttons import choice, microphone, row_boxes
from kiosk.screen.dock import dock_parts
from kiosk.screen.pages.common import CHOICES, day_theme, headline, of_kind, sheet
from kiosk.screen.pages.large import large_conversation
from kiosk.screen.parts import FigureSpot, PageLayout, Part, View
from kiosk.screen.scene import gate_part, head_part
from kiosk.screen.theme import INNER, MARGIN, theme

SHEET_Y: Final = 984
TELLER_Y: Final = 356  # top of a teller's picture (`kiosk/screen/teller.py`)
CAPTIONS: Final = Box(MARGIN, 1018, INNER, 386)
CHOICES_Y: Final = 1424
CHOICES_HEIGHT: Final = 132
MICROPHONE: Final = Box(MARGIN, 1588, INNER, 116)
MAX_CHIPS: Final = 3


def conversation(view: View) -> PageLayout:
    if view.state.mode == "elder":
        return large_conversation(view)
    name = day_theme(view)
    figure = FigureSpot(540, 424, 1.06, SHEET_Y)
    behind: tuple[Part, ...] = (gate_part(540, 520, 390), head_part(view))
    if view.state.teller_pictures:  # she stays, small, above the teller's picture
        figure, behind = FigureSpot(540, 246, 0.34, TELLER_Y), (head_part(view),)
    parts: list[Part] = [*sheet(SHEET_Y)]
    choices = _choices(view)
    area = CAPTIONS
    if not choices:  # captions may use the room
        area = Box(area.x, area.y, area.width, CHOICES_Y + CHOICES_HEIGHT - area.y)
    if view.state.captions:
        parts += caption_parts(view, theme(name), area)
    elif view.state.headline:
        parts.append(headline(view, 1190, 60, ("", ""), max_lines=2))
    parts += choices
    heard = next(iter(of_kind(view, "microphone")), None)
    parts += microphone(view, heard, MICROPHONE)
    parts += dock_parts(view)
    return PageLayout(name, behind, figure, tuple(parts))


def _choices(view: View) -> list[Part]:
    offered = of_kind(view, *CHOICES)[:MAX_CHIPS]
    boxes = row_boxes(len(offered), CHOICES_Y, CHOICES_HEIGHT)
    return [choice(view, target, box) for target, box in zip(offered, boxes, strict=True)]
