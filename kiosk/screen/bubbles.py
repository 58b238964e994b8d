"""Live captions: the visitor's stand right, tinted and smaller; hers left, bold, their tail pointing up to her."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import skia

from avatar.ink import path
from contracts.screen import Caption
from kiosk.screen.boxes import Box
from kiosk.screen.kit import Kit
from kiosk.screen.parts import Part, View
from kiosk.screen.text import Fitted, family, fit, measurer
from kiosk.screen.theme import INNER, MARGIN, PAGE_WIDTH, Theme

PAD: Final = 32
TAIL: Final = 36
BETWEEN: Final = 40
VISITOR_WIDTH: Final = 720
MAX_LINES_WITH_TRANSLATION: Final = 3
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


def caption_parts(view: View, theme: Theme, area: Box) -> tuple[Part, ...]:
    """Return the bubbles of the last two captions, top down within `area`; the newer one gets the room."""
    captions = view.state.captions[-2:]
    if not captions:
        return ()
    plans = [_plan(view, theme, captions[-1], area.height, newest=True)]
    if len(captions) == 2:
        older = _plan(view, theme, captions[0], area.height - plans[0].height - BETWEEN, newest=False)
        # Without room for both, what was just said matters more.
        if older.height + BETWEEN + plans[0].height <= area.height:
            plans.insert(0, older)
    parts, y = [], area.y
    first = len(view.state.captions) - len(plans)
    for i, plan in enumerate(plans):
        parts.append(_bubble(view, plan, y, f"caption:{(first + i) % 4}"))
        y += plan.height + BETWEEN
    return tuple(parts)


def _plan(view: View, theme: Theme, caption: Caption, room: float, *, newest: bool) -> _Plan:
    hers = caption.speaker == "receptionist"
    measure = measurer(family(theme.family).found, hers)
    size = {(True, True): 48.0, (True, False): 36.0, (False, True): 40.0, (False, False): 36.0}[hers, newest]
    translation = caption.translation if hers and newest else ""
    extra = theme.sizes["small"] * 1.5 if translation else 0.0
    width: float = INNER if hers else VISITOR_WIDTH
    lines = 99 if newest else 2

    def fitted(text: str, more: float = 0.0) -> Fitted:
        return fit(text, width - 2 * PAD, size, measure, max_lines=lines, height=room - 48 - extra + more)

    text, said = _ended(caption), _said(view, caption) if newest else None
    shown = fitted(text)
    if translation and (shown.cut or len(shown.lines) > MAX_LINES_WITH_TRANSLATION):  # her own words first
        translation, shown, extra = "", fitted(text, extra), 0.0
    if shown.cut and said is not None:
        text, said, shown = _around(text, said, fitted)
    if not hers:
        width = max(160.0, max(measure(row, shown.size) for row in shown.lines) + 2 * PAD + 2)
    height = len(shown.lines) * shown.size * theme.line_height + 48 + extra
    return _Plan(caption, shown, translation, width, height, said)


def large_caption(view: View, theme: Theme, area: Box, size: float) -> tuple[Part, ...]:
    """Return the last thing she said as large plain text, for eyes that need it."""
    caption = next((c for c in reversed(view.state.captions) if c.speaker == "receptionist"), None)
    if caption is None:
        return ()
    measure = measurer(family(theme.family).found, True)

    def fitted(words: str) -> Fitted:
        return fit(words, area.width, size, measure, max_lines=99, height=area.height, shrink_to=0.66)

    text, said = _ended(caption), _said(view, caption)
    shown = fitted(text)
    if shown.cut and said is not None:
        _, said, shown = _around(text, said, fitted)

    def paint(kit: Kit) -> None:
        kit.lines(shown, area, bold=True, spoken=said)

    return (Part("caption:large", area.grown(6), (shown, said), paint),)


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


def _bubble(view: View, plan: _Plan, y: float, name: str) -> Part:
    hers = plan.hers
    x = MARGIN if hers else PAGE_WIDTH - MARGIN - plan.width
    box = Box(x, y, plan.width, plan.height)
    label = "" if hers else view.say("您说", "You said")

    def paint(kit: Kit) -> None:
        outline = _outline(box, hers)
        kit.shape(outline, "surface" if hers else "said")
        kit.shape(outline, "primary" if hers else "line", 0.9, stroke=3)
        top = box.y + (18 if plan.translation else 24)
        inside = Box(box.x + PAD, top, box.width - 2 * PAD, box.height)
        ink = "ink" if hers or plan.caption.final else "ink_2"
        below = kit.lines(plan.shown, inside, ink, bold=hers, spoken=plan.said)
        if plan.translation:
            small = kit.size("small")
            kit.text(plan.translation, inside.x, below + small * 0.72, small, "ink_2", room=inside.width)
        if label:
            kit.text(label, box.x - 24, box.y + min(49, box.height / 2), kit.size("small"), "ink_2", align="right")

    key = (plan.shown, plan.translation, plan.said, plan.caption.final, label, box)
    reach = Box(
        box.x - (150 if label else 4), box.y - TAIL - 4, box.width + (154 if label else 8), box.height + TAIL + 8
    )
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
