"""Holding up a document: a frame to hold it in, its outline as the camera sees it, one thing to do. No picture.

What was read is never shown here: who stands behind could read it too.
"""

from __future__ import annotations

from typing import Final

import skia

from contracts.screen import DocumentView
from kiosk.screen.boxes import Box
from kiosk.screen.buttons import choice, microphone, row_boxes
from kiosk.screen.dock import dock_parts
from kiosk.screen.kit import Kit
from kiosk.screen.pages.common import CHOICES, MIDDLE, day_theme, of_kind, sheet
from kiosk.screen.parts import FigureSpot, PageLayout, Part, View
from kiosk.screen.scene import gate_part, head_part
from kiosk.screen.theme import INNER, MARGIN

SHEET_Y: Final = 1330
ADVICE_X: Final = MARGIN + 208
ADVICE_Y: Final = 250
ADVICE_W: Final = INNER - 208
GLASS: Final = Box(MARGIN, 470, INNER, 720)
CARD: Final = 1.586  # an ID-1 card's width by its height
CHOICES_Y: Final = 1424
CHOICES_HEIGHT: Final = 132
MICROPHONE: Final = Box(MARGIN, 1588, INNER, 116)
MAX_CHIPS: Final = 3
CORNER: Final = 74  # length of the frame's corner strokes


def document(view: View) -> PageLayout:
    shown = view.state.document or DocumentView("", "")
    parts: list[Part] = [_advice(shown), _glass(shown), _promise(view), *sheet(SHEET_Y)]
    offered = of_kind(view, *CHOICES)[:MAX_CHIPS]
    boxes = row_boxes(len(offered), CHOICES_Y, CHOICES_HEIGHT)
    parts += [choice(view, target, box) for target, box in zip(offered, boxes, strict=True)]
    heard = next(iter(of_kind(view, "microphone")), None)
    parts += microphone(view, heard, MICROPHONE)
    parts += dock_parts(view)
    figure = FigureSpot(MARGIN + 92, 262, 0.24, 376, badge=False)  # she looks on from a corner: the hand is the matter
    return PageLayout(day_theme(view), (gate_part(MARGIN + 92, 286, 92), head_part(view)), figure, tuple(parts))


def _advice(shown: DocumentView) -> Part:
    """What to do, large, and in the other language below."""
    box = Box(ADVICE_X, ADVICE_Y - 84, ADVICE_W, 240)

    def paint(kit: Kit) -> None:
        fitted = kit.shrunk(shown.advice, ADVICE_W, 68, True, max_lines=2, wrapped=54)
        lead = fitted.size * 1.2
        for row, line in enumerate(fitted.lines):
            kit.text(line, ADVICE_X, ADVICE_Y + row * lead, fitted.size, bold=True)
        below = ADVICE_Y + (len(fitted.lines) - 1) * lead + 72
        kit.text(shown.advice_other, ADVICE_X, below, kit.size("small"), "ink_2", room=ADVICE_W)

    return Part("advice", box, (shown.advice, shown.advice_other), paint)


def _glass(shown: DocumentView) -> Part:
    """The camera's field, the frame within it, and the document where it is seen, as in a mirror."""
    width = min(GLASS.width, GLASS.height * shown.shape)
    height = width / shown.shape
    glass = Box(GLASS.x + (GLASS.width - width) / 2, GLASS.y + (GLASS.height - height) / 2, width, height)
    card_h = min(height * 0.72, width * 0.72 / CARD)
    frame = Box(glass.x + (width - card_h * CARD) / 2, glass.y + (height - card_h) / 2, card_h * CARD, card_h)
    good = shown.state in ("reading", "read")

    def paint(kit: Kit) -> None:
        kit.rect(glass, 32, "surface_2")
        ink = "ok" if good else "primary"
        if len(shown.corners) == 8:
            points = [
                (glass.x + shown.corners[at] * width, glass.y + shown.corners[at + 1] * height) for at in range(0, 8, 2)
            ]
            outline = "M " + " L ".join(f"{x:.1f} {y:.1f}" for x, y in points) + " Z"
            kit.canvas.save()
            kit.canvas.clipRect(skia.Rect.MakeXYWH(glass.x, glass.y, glass.width, glass.height))
            kit.shape(outline, ink, 0.16)
            kit.shape(outline, ink, stroke=6)
            kit.canvas.restore()
        else:
            kit.icon("id", *frame.centre, 190, "ink_2", 1.2)
        for x, across in ((frame.x, 1), (frame.right, -1)):
            for y, down in ((frame.y, 1), (frame.bottom, -1)):
                kit.line((x, y), (x + across * CORNER, y), ink, 10)
                kit.line((x, y), (x, y + down * CORNER), ink, 10)

    return Part("glass", GLASS.grown(8), (shown.corners, shown.state, shown.shape), paint)


def _promise(view: View) -> Part:
    text = view.say(
        "画面只在这台机器里看，不保存；办完就忘", "Seen on this machine only, not kept, and forgotten afterwards"
    )
    box = Box(MARGIN, 1254, INNER, 60)

    def paint(kit: Kit) -> None:
        kit.text(text, MIDDLE, 1284, kit.size("small"), "ink_2", align="center", room=INNER)

    return Part("promise", box, text, paint)
