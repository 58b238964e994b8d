"""Live captions: the visitor's stand right, tinted and smaller; hers left, bold, their tail pointing up to her.

In large letters her last sentence stands alone, plain. For who cannot hear, more turns stay and all are larger.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import skia

from avatar.ink import path
from contracts.screen import Caption
from kiosk.screen.blocks import Block, Room, fitted_in, words
from kiosk.screen.boxes import Box
from kiosk.screen.kit import Kit
from kiosk.screen.parts import Part, View
from kiosk.screen.text import LINE_HEIGHT, Fitted, fit

PAD: Final = 32
TAIL: Final = 36
BETWEEN: Final = 40
VISITOR_SHARE: Final = 0.74  # of the column's width
MAX_LINES_WITH_TRANSLATION: Final = 3
HERS_PX: Final = 48.0
FIRST_PX: Final = 60.0  # for who cannot hear: captions come first
LARGE_PX: Final = 52.0  # in large letters, times their factor
TURNS: Final = 2
TURNS_FIRST: Final = 4
PLAIN_FROM: Final = 1.4  # from this size of letters on, her sentence stands alone
_SENTENCE_ENDS: Final = "。！？；!?;"


@dataclass(frozen=True, slots=True)
class _Plan:
    """A caption with its measures, before it has a place."""

    caption: Caption
    shown: Fitted
    translation: str
    width: float
    height: float
    said: int | None

    @property
    def hers(self) -> bool:
        return self.caption.speaker == "receptionist"


def captions(room: Room) -> Block | None:
    """What was said last: bubbles, or in large letters one plain sentence."""
    view = room.view
    if not view.state.captions:
        return None
    if (view.elder or room.theme.text >= PLAIN_FROM) and not view.captions_first:
        return _plain(room)
    turns = view.state.captions[-(TURNS_FIRST if view.captions_first else TURNS) :]
    ideal = sum(_plan(room, one, 9999.0, newest=one is turns[-1]).height for one in turns) + BETWEEN * len(turns)
    newest = _plan(room, turns[-1], 9999.0, newest=True).height
    least = min(newest, room.px(HERS_PX) * LINE_HEIGHT * 2 + 48) + 4
    return Block(least, max(least, ideal), lambda box: _bubbles(room, turns, box), grow=1.0)


def asked(room: Room) -> Block | None:
    """What she asked, plain and large: on pages where something is typed or chosen."""
    return _plain(room)


def asked_if_room(room: Room) -> Block | None:
    """The same where the page shows it in figures too."""
    return _plain(room, drop=3)


def _plain(room: Room, drop: int = 0) -> Block | None:
    caption = next((c for c in reversed(room.view.state.captions) if c.speaker == "receptionist"), None)
    if caption is None:
        return None
    measure, size = room.measure(True), room.px(LARGE_PX)
    text, said = _ended(caption), _said(room.view, caption)
    lines = len(fit(text, room.width, size, measure, max_lines=99).lines)
    least = min(lines, 3) * size * 0.8 * LINE_HEIGHT

    def make(box: Box) -> list[Part]:
        def fitted(words: str) -> Fitted:
            return fitted_in(words, box, size, measure)

        shown, spoken = fitted(text), said
        if shown.cut and said is not None:
            _, spoken, shown = _around(text, said, fitted)

        def paint(kit: Kit) -> None:
            if shown.cut and said is None:
                kit.cut.append(text)
            kit.lines(shown, box, bold=True, spoken=spoken)

        return [Part("caption:large", box.grown(6), (shown, spoken, box), paint)]

    return Block(least, max(least, lines * size * LINE_HEIGHT), make, drop, grow=1.0)


def you_said(room: Room) -> Block | None:
    """In large letters: what was heard, in one line above her answer."""
    view = room.view
    if not (view.elder or room.theme.text >= PLAIN_FROM) or view.captions_first:
        return None
    heard = next((c for c in reversed(view.state.captions) if c.speaker == "visitor"), None)
    if heard is None or not heard.text:
        return None
    text = view.say(f"您说：{heard.text}", f"You said: {heard.text}")
    return words(room, "heard", text, room.size("small"), ink="ink_2", most=1, drop=4)


def _bubbles(room: Room, turns: tuple[Caption, ...], area: Box) -> list[Part]:
    """The bubbles of the last captions, top down within `area`; the newer one gets the room."""
    plans = [_plan(room, turns[-1], area.height, newest=True)]
    for older in reversed(turns[:-1]):
        left = area.height - sum(p.height + BETWEEN for p in plans)
        plan = _plan(room, older, left, newest=False)
        if plan.height > left:  # without room for both, what was just said matters more
            break
        plans.insert(0, plan)
    parts, y = [], area.y
    first = len(room.view.state.captions) - len(plans)
    for i, plan in enumerate(plans):
        parts.append(_bubble(room, plan, area, y, f"caption:{(first + i) % 8}"))
        y += plan.height + BETWEEN
    return parts


def _plan(room: Room, caption: Caption, height: float, *, newest: bool) -> _Plan:
    view = room.view
    hers = caption.speaker == "receptionist"
    measure = room.measure(hers)
    usual = {(True, True): HERS_PX, (True, False): 36.0, (False, True): 40.0, (False, False): 36.0}[hers, newest]
    size = room.px(usual * FIRST_PX / HERS_PX if view.captions_first else usual)
    translation = caption.translation if hers and newest and room.theme.text < PLAIN_FROM else ""
    extra = room.size("small") * 1.5 if translation else 0.0
    width = room.width if hers else room.width * VISITOR_SHARE
    lines = 99 if newest else 2

    def fitted(text: str, more: float = 0.0) -> Fitted:
        return fit(text, width - 2 * PAD, size, measure, max_lines=lines, height=max(1.0, height - 48 - extra + more))

    text, said = _ended(caption), _said(view, caption) if newest else None
    shown = fitted(text)
    if translation and (shown.cut or len(shown.lines) > MAX_LINES_WITH_TRANSLATION):  # her own words first
        translation, shown, extra = "", fitted(text, extra), 0.0
    if shown.cut and said is not None:
        text, said, shown = _around(text, said, fitted)
    if not hers:
        width = max(160.0, max(measure(row, shown.size) for row in shown.lines) + 2 * PAD + 2)
    tall = len(shown.lines) * shown.size * LINE_HEIGHT + 48 + extra
    return _Plan(caption, shown, translation, width, tall, said)


def _around(text: str, said: int, fitted: Callable[[str], Fitted]) -> tuple[str, int, Fitted]:
    """Drop sentences that were said, until the rest fits or the one being said comes first."""
    shown = fitted(text)
    while shown.cut:
        end = min((i for i in (text.find(mark) for mark in _SENTENCE_ENDS) if i >= 0), default=-1) + 1
        if end <= 0 or end > said or end >= len(text):
            break
        kept = text[end:].lstrip()
        said, text = max(0, said - (len(text) - len(kept))), kept
        shown = fitted(text)
    return text, said, shown


def _ended(caption: Caption) -> str:
    """Return the text; of an interrupted caption only what was heard, and that it broke off."""
    if not caption.interrupted:
        return caption.text
    heard = caption.text if caption.spoken is None else caption.text[: caption.spoken]
    return heard.rstrip("，。、；：,.;: …") + "…"


def _said(view: View, caption: Caption) -> int | None:
    """Return how many characters are drawn dark: what the core says, else what the loudspeaker's clock says."""
    if caption.speaker != "receptionist" or caption.interrupted:
        return None
    if caption.spoken is not None:
        return caption.spoken
    return None if caption.final else view.said


def _bubble(room: Room, plan: _Plan, area: Box, y: float, name: str) -> Part:
    view, hers = room.view, plan.hers
    x = area.x if hers else area.right - plan.width
    box = Box(x, y, plan.width, plan.height)
    label = "" if hers else view.say("您说", "You said")
    if label and room.measure()(label, room.size("small")) > box.x - area.x - 32:
        label = ""

    def paint(kit: Kit) -> None:
        outline = _outline(box, hers)
        kit.shape(outline, "surface" if hers else "said")
        kit.shape(outline, "primary" if hers else "line", 0.9, stroke=3)
        top = box.y + (18 if plan.translation else 24)
        inside = Box(box.x + PAD, top, box.width - 2 * PAD, box.height)
        ink = "ink" if hers or plan.caption.final else "ink_2"
        if plan.shown.cut:
            kit.cut.append(plan.caption.text)
        below = kit.lines(plan.shown, inside, ink, bold=hers, spoken=plan.said)
        if plan.translation:
            small = kit.size("small")
            kit.text(plan.translation, inside.x, below + small * 0.72, small, "ink_2", room=inside.width)
        if label:
            kit.text(label, box.x - 24, box.y + min(49, box.height / 2), kit.size("small"), "ink_2", align="right")

    key = (plan.shown, plan.translation, plan.said, plan.caption.final, label, box)
    left = box.x - area.x if label else 4
    reach = Box(box.x - left, box.y - TAIL - 4, box.width + left + 4, box.height + TAIL + 8)
    return Part(name, reach, key, paint)


def _outline(box: Box, hers: bool) -> skia.Path:
    """A rounded box; hers with a tail, the visitor's with one pointed corner on the visitor's side."""
    radii = [skia.Point(r, r) for r in (32, 32, 32 if hers else 8, 32)]
    shape, rounded = skia.Path(), skia.RRect()
    rounded.setRectRadii(skia.Rect.MakeXYWH(box.x, box.y, box.width, box.height), radii)
    shape.addRRect(rounded)
    if not hers:
        return shape
    x, y = box.x, box.y
    tail = path(
        f"M {x + 90} {y + 4} C {x + 100} {y - 14} {x + 112} {y - 26} {x + 132} {y - 34} "
        f"C {x + 130} {y - 18} {x + 138} {y - 4} {x + 150} {y + 4} Z"
    )
    return skia.Op(shape, tail, skia.kUnion_PathOp)
