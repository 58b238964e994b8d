"""Talking in large letters: one thing said, two stacked answers, no second language, nothing that moves by itself."""

from __future__ import annotations

from typing import Final

from kiosk.screen.boxes import Box
from kiosk.screen.bubbles import large_caption
from kiosk.screen.buttons import button, microphone
from kiosk.screen.dock import dock_parts
from kiosk.screen.kit import Kit
from kiosk.screen.pages.common import CHOICES, MIDDLE, of_kind, sheet
from kiosk.screen.parts import FigureSpot, PageLayout, Part, View
from kiosk.screen.scene import gate_part, head_part
from kiosk.screen.theme import INNER, MARGIN, theme

SHEET_Y: Final = 640
TEXT_Y: Final = 752
TEXT_PX: Final = 84
ANSWER_HEIGHT: Final = 176
ANSWERS_END: Final = 1416
MICROPHONE: Final = Box(MARGIN, 1440, INNER, 160)
MAX_ANSWERS: Final = 2


def large_conversation(view: View) -> PageLayout:
    answers = of_kind(view, *CHOICES)[:MAX_ANSWERS]
    top = ANSWERS_END - len(answers) * (ANSWER_HEIGHT + 24)
    parts: list[Part] = [*sheet(SHEET_Y), *_heard(view)]
    parts += large_caption(view, theme("elder"), Box(MARGIN, TEXT_Y, INNER, top - TEXT_Y - 8), TEXT_PX)
    for i, target in enumerate(answers):
        box = Box(MARGIN, top + 24 + i * (ANSWER_HEIGHT + 24), INNER, ANSWER_HEIGHT)
        parts.append(button(view, target, box, theme("elder").sizes["title"], filled=i == 0))
    parts += microphone(view, next(iter(of_kind(view, "microphone")), None), MICROPHONE, "title")
    parts.append(_patience(view))
    behind = (gate_part(540, 436, 256), head_part(view))
    return PageLayout("elder", behind, FigureSpot(540, 352, 0.76, SHEET_Y, badge=False), (*parts, *dock_parts(view)))


def _heard(view: View) -> tuple[Part, ...]:
    heard = next((c.text for c in reversed(view.state.captions) if c.speaker == "visitor"), "")
    if not heard:
        return ()
    text = view.say(f"您说：{heard}", f"You said: {heard}")

    def paint(kit: Kit) -> None:
        kit.text(text, MARGIN, 704, 42, "ink_2", room=INNER)

    return (Part("heard", Box(MARGIN - 4, 668, INNER + 8, 76), (text,), paint),)


def _patience(view: View) -> Part:
    text = view.say("不着急，没有时间限制", "Take your time, there is no limit")

    def paint(kit: Kit) -> None:
        kit.text(text, MIDDLE, 1664, 40, "ink_2", align="center", room=INNER)

    return Part("patience", Box(MARGIN, 1624, INNER, 80), (text,), paint)
