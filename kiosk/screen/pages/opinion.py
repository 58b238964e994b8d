"""Five faces, one touch; or the one question that may follow, in full. Refusing is as easy as answering."""

from __future__ import annotations

from typing import Final

from contracts.screen import Target
from kiosk.screen.boxes import Box
from kiosk.screen.buttons import button, microphone, row_boxes, score, smiley
from kiosk.screen.dock import dock_parts
from kiosk.screen.kit import Kit
from kiosk.screen.pages.common import day_theme, headline, note, of_kind, sheet
from kiosk.screen.parts import FigureSpot, PageLayout, Part, View
from kiosk.screen.scene import gate_part, head_part
from kiosk.screen.theme import GAP, INNER, MARGIN

SHEET_Y: Final = 880
MICROPHONE: Final = Box(MARGIN, 1588, INNER, 116)
QUESTION: Final = Box(MARGIN, 930, INNER, 420)
QUESTION_LINES: Final = 5
QUESTION_SIZE: Final = 52
SMILEYS: Final = 5
SCORES: Final = 11


def opinion(view: View) -> PageLayout:
    behind = (gate_part(540, 496, 370), head_part(view))
    faces, scores = of_kind(view, "smiley")[:SMILEYS], of_kind(view, "score")[:SCORES]
    asked = headline(view, 960, 60, ("谢谢您！今天办得满意吗？", "How was it today?")) if faces else _question(view)
    parts: list[Part] = [*sheet(SHEET_Y), asked]
    y, radius = (1152, 78) if scores else (1190, 84)
    for i, target in enumerate(faces):
        centre = (MARGIN + INNER * (i + 0.5) / max(1, len(faces)), y)
        parts.append(smiley(view, target, centre, radius, _level(target, i)))
    if scores:
        width = (INNER - (len(scores) - 1) * GAP) / len(scores)
        parts += [score(view, t, Box(MARGIN + i * (width + GAP), 1402, width, 108)) for i, t in enumerate(scores)]
    else:
        parts += note(view, 1390, max_lines=1)
    offered, heard = of_kind(view, "quiet", "primary")[:2], of_kind(view, "microphone")
    parts += microphone(view, heard[0], MICROPHONE) if heard and not scores else ()
    boxes = row_boxes(len(offered), 1580 if scores or not heard else 1440, 120)
    parts += [button(view, target, box) for target, box in zip(offered, boxes, strict=True)]
    parts += dock_parts(view)
    spot = FigureSpot(540, 386, 0.90, SHEET_Y, badge=False)
    return PageLayout(day_theme(view), behind, spot, tuple(parts))


def _question(view: View) -> Part:
    """What is asked after the faces, and what the answer is for: a few lines, nearly as large as a headline."""
    text = view.state.headline

    def paint(kit: Kit) -> None:
        shown = kit.fitted(text, INNER, QUESTION_SIZE, max_lines=QUESTION_LINES)
        kit.lines(shown, QUESTION, "ink", align="center")

    return Part("question", QUESTION, (text,), paint)


def _level(target: Target, position: int) -> int:
    """Return 0 (worst) .. 4 from an id like 'rate_3', else from the position."""
    last = target.id.rpartition("_")[2]
    return min(4, max(0, int(last) - 1)) if last.isdecimal() else min(4, position)
