"""The camera's field: a document to be held into a frame, a face in an oval. The picture comes from shared memory.

Where there is no picture the outline alone is shown, as the camera sees it. What was read is never shown: who stands
behind could read it too.
"""

from __future__ import annotations

from typing import Final

import skia

from contracts.screen import DocumentView, FaceView
from kiosk.screen.blocks import Room
from kiosk.screen.boxes import Box
from kiosk.screen.kit import Kit
from kiosk.screen.parts import Part

CARD: Final = 1.586  # an ID-1 card's width by its height
CORNER: Final = 0.1  # length of the frame's corner strokes, of its width
RING: Final = 14.0
LIT_INK: Final = "#000000"  # on every colour of the light at least 7:1
FACE_SHAPE: Final = 0.8  # width by height of the oval
TURN_DEG: Final = 300.0  # the ring is open at the bottom, where the shoulders are


def document_glass(room: Room, box: Box) -> tuple[list[Part], Box]:
    """Return the frame and outline over the camera's field, and where the picture goes."""
    shown = room.view.state.document or DocumentView("", "")
    margin = 56.0 if not room.frame.lying else 32.0
    width = min(box.width - 2 * margin, box.height * shown.shape)
    height = width / shown.shape
    glass = Box(box.x + (box.width - width) / 2, box.y + (box.height - height) / 2, width, height)
    card = min(height * 0.72, width * 0.72 / CARD)
    frame = Box(glass.x + (width - card * CARD) / 2, glass.y + (height - card) / 2, card * CARD, card)
    pictured = bool(room.view.state.mirror_pictures)
    ink = "ok" if shown.state in ("reading", "read") else "primary"

    def paint_field(kit: Kit) -> None:
        kit.rect(glass, 32, "surface_2")

    def paint(kit: Kit) -> None:
        if len(shown.corners) == 8:
            points = [
                (glass.x + shown.corners[i] * width, glass.y + shown.corners[i + 1] * height) for i in range(0, 8, 2)
            ]
            outline = "M " + " L ".join(f"{x:.1f} {y:.1f}" for x, y in points) + " Z"
            kit.canvas.save()
            kit.canvas.clipRect(skia.Rect.MakeXYWH(glass.x, glass.y, glass.width, glass.height))
            kit.shape(outline, ink, 0.16)
            kit.shape(outline, ink, stroke=6)
            kit.canvas.restore()
        elif not pictured:
            kit.icon("id", *frame.centre, min(190.0, frame.height * 0.6), "ink_2", 1.2)
        stroke = frame.width * CORNER
        for x, across in ((frame.x, 1), (frame.right, -1)):
            for y, down in ((frame.y, 1), (frame.bottom, -1)):
                kit.line((x, y), (x + across * stroke, y), ink, 10)
                kit.line((x, y), (x, y + down * stroke), ink, 10)

    field = Part("glass:field", glass.grown(2), (shown.shape, glass), paint_field)
    over = Part("glass", glass.grown(8), (shown.corners, shown.state, pictured, glass), paint)
    return ([over] if pictured else [field, over]), glass


def face_light(room: Room) -> list[Part]:
    """The whole page in one colour that lights the face, with the sentence in its middle; nothing where it is off."""
    shown, page = room.view.state.face, room.frame.page
    if shown is None or not shown.light:
        return []

    def paint(kit: Kit) -> None:
        kit.rect(page, 0, shown.light)
        text = kit.fitted(shown.advice, page.width - 160, kit.px(52), bold=True, max_lines=4)
        box = Box(page.x + 80, page.y + page.height * 0.4, page.width - 160, page.height * 0.4)
        kit.lines(text, box, LIT_INK, bold=True, align="center")

    return [Part("light", page, (shown.light, shown.advice), paint)]


def face_ring(room: Room, box: Box) -> tuple[list[Part], Box]:
    """Return the oval with an arc for each step that is behind, and where the picture goes."""
    shown = room.view.state.face or FaceView("", "")
    height = min(box.height - 2 * RING - 12, (box.width - 240) / FACE_SHAPE)
    width = height * FACE_SHAPE
    oval = Box(box.x + (box.width - width) / 2, box.y + (box.height - height) / 2, width, height)
    pictured = bool(room.view.state.mirror_pictures)

    def paint(kit: Kit) -> None:
        ring = oval.grown(RING)
        rect = skia.Rect.MakeXYWH(ring.x, ring.y, ring.width, ring.height)
        if not pictured:
            inner = skia.Rect.MakeXYWH(oval.x, oval.y, oval.width, oval.height)
            kit.canvas.drawOval(inner, kit.paint("surface_2"))
            kit.icon("face", *oval.centre, oval.width * 0.4, "ink_2", 1.2)
        steps = max(1, shown.steps)
        each = TURN_DEG / steps
        for i in range(steps):
            done = i < shown.done or shown.state == "done"
            ink = "ok" if done else "primary" if i == shown.done else "line_strong"
            start = 120 + i * each + 3
            kit.canvas.drawArc(
                rect, start, each - 6, False, kit.paint(ink, 1.0 if done or i == shown.done else 0.5, 10)
            )

    place = oval.grown(RING + 8)
    return [Part("glass", place, (shown.done, shown.steps, shown.state, pictured, oval), paint)], oval
