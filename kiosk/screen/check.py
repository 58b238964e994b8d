"""Looks at a page as it is drawn and lists what a visitor would trip over.

Words that are cut, covered, too pale or in the wrong language; targets that are too small, too near each other, out of
reach or without a spoken label. It measures the picture, not the intention: contrast is taken from the pixels around
each line of text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Final

import numpy as np
import numpy.typing as npt
import pygame

from contracts.screen import ScreenState
from kiosk.screen.boxes import Box
from kiosk.screen.composer import Composer
from kiosk.screen.frame import GAP
from kiosk.screen.kit import Written
from kiosk.screen.parts import PageLayout, Part
from kiosk.screen.raster import Drawn, pixel_rect
from kiosk.screen.theme import contrast
from kiosk.screen.widgets.choosing import CHOICES
from kiosk.screen.widgets.dock import DOCK_IDS

# others lie on these on purpose
GROUND: Final = frozenset(
    {"flash", "own", "gate", "sheet", "sheet:edge", "sheet:band", "paper", "veil", "veil:fade", "veil:band"}
) | {"glass:field"}
TOGETHER: Final = frozenset({frozenset({"microphone", "wave"}), frozenset({"ticket", "paper"})})
INK_ALPHA: Final = 90  # above which a pixel is ink and not shadow
SLACK: Final = 0.6  # units: rounding is no fault
USUAL_CONTRAST: Final = 4.5  # WCAG 2.2, 1.4.3; large text may have 3, and does not here
STRONG_CONTRAST: Final = 7.0  # 1.4.6
SMALLEST_PX: Final = 19.5  # 7.2 mm on 32 inches
_HAN: Final = re.compile(r"[一-鿿]")
_WORD: Final = re.compile(r"[A-Za-z]{2,}")
_FREE: Final = re.compile(r"^[\s\d:.,·—–+•*X#A-Z-]*$")  # times, numbers, ticket numbers
NAMES: Final = frozenset({"English", "中文", "AI", "QR", "PIN", "OK", "VIP", "ATM", "ID"})


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: what kind, where, and in words."""

    kind: str
    where: str
    detail: str


def problems_of(composer: Composer, layout: PageLayout, state: ScreenState) -> list[Problem]:
    """Everything that is wrong with a page. Draws it into `composer`."""
    composer.show(layout)
    composer.compose()
    drawn = [(part, composer.draw(layout.theme, part)) for part in (*layout.behind, *layout.parts)]
    found = [*_targets(layout), *_reachable(layout, state), *_spoken(state)]
    found += _words(drawn, layout, state)
    found += _pictures(drawn, composer)
    found += _pale(drawn, layout, composer)
    found += _tongues(drawn, state)
    return found


# ---------------------------------------------------------------------- what is pressed
def _targets(layout: PageLayout) -> Iterator[Problem]:
    frame, hits = layout.frame, layout.hits()
    for hit in hits:
        box = hit.box
        if hit.target not in DOCK_IDS and box.y < frame.act_y - SLACK:
            yield Problem("reach", hit.target, f"begins at {box.y:.0f}, above {frame.act_y:.0f}")
        if min(box.width, box.height) < frame.finger - SLACK:
            least_mm = min(box.width, box.height) / frame.units_per_mm
            yield Problem("small target", hit.target, f"{least_mm:.1f} mm")
        if box.x < 0 or box.y < 0 or box.right > frame.width or box.bottom > frame.height:
            yield Problem("off the page", hit.target, f"{box}")
    for a, b in combinations(hits, 2):
        if a.box.gap_to(b.box) < GAP - SLACK:
            yield Problem("too near", f"{a.target}, {b.target}", f"{a.box.gap_to(b.box):.0f} apart")


def _reachable(layout: PageLayout, state: ScreenState) -> Iterator[Problem]:
    """What the core offers can be pressed; on a conversation in large letters only the first two answers are."""
    shown = {hit.target for hit in layout.hits()}
    for name in ("language", "text_size", "end", "human"):
        if name not in shown:
            yield Problem("missing target", name, "the dock is not whole")
    if state.page == "conversation":
        return
    for target in state.targets:
        if target.id not in shown and target.kind in (*CHOICES, "key", "smiley", "score"):
            yield Problem("missing target", target.id, "offered, and not drawn")


def _spoken(state: ScreenState) -> Iterator[Problem]:
    for target in state.targets:
        if not target.spoken_label.strip():
            yield Problem("no spoken label", target.id, "a blind visitor hears nothing")
        if not target.label.strip() and not target.icon:
            yield Problem("no label", target.id, "nothing stands on it")


# ---------------------------------------------------------------------- what is read
def _words(drawn: list[tuple[Part, Drawn]], layout: PageLayout, state: ScreenState) -> Iterator[Problem]:
    page = layout.frame.page
    lines: list[tuple[str, Written]] = []
    for part, picture in drawn:
        for text in picture.cut:
            yield Problem("lost words", part.id, text)
        for line in picture.written:
            if not line.text.strip():
                continue
            lines.append((part.id, line))
            body = _body(line)
            if not _within(body, part.box):
                yield Problem("clipped", part.id, line.text)
            if not _within(body, page):
                yield Problem("off the page", part.id, line.text)
            if line.size < SMALLEST_PX * min(1.0, layout.theme.text):
                yield Problem("small text", part.id, f"{line.size:.0f} px: {line.text}")
    for (a, first), (b, second) in pairwise(lines):
        if a == b and (word := _broken(first.text, second.text, state)):
            yield Problem("broken word", a, word)
    for (a, first), (b, second) in combinations(lines, 2):
        if _overlap(_body(first), _body(second)):
            yield Problem("overlap", f"{a}, {b}", f"{first.text} / {second.text}")


def _broken(first: str, second: str, state: ScreenState) -> str:
    """The word of a label that a line's end cuts in two; empty: none."""
    if not all(sign.isascii() and sign.isalpha() for sign in (first[-1:], second[:1])):  # between scripts one may break
        return ""
    word = first.split(" ")[-1] + second.split(" ")[0]
    return word if any(word in target.label.split(" ") for target in state.targets) else ""


def _body(line: Written) -> Box:
    """The part of a line's box where there is ink: between the tops and the feet of its letters."""
    return Box(line.box.x, line.box.y + line.size * 0.12, line.box.width, line.size * 0.88)


def _within(inner: Box, outer: Box) -> bool:
    return (
        inner.x >= outer.x - SLACK
        and inner.y >= outer.y - SLACK
        and inner.right <= outer.right + SLACK
        and inner.bottom <= outer.bottom + SLACK
    )


def _overlap(a: Box, b: Box) -> bool:
    return min(a.right, b.right) - max(a.x, b.x) > 1.0 and min(a.bottom, b.bottom) - max(a.y, b.y) > 1.0


# ---------------------------------------------------------------------- the picture
def _pictures(drawn: list[tuple[Part, Drawn]], composer: Composer) -> Iterator[Problem]:
    """Whether a part's ink leaves the page or lies on another's."""
    boxes = []
    page = composer.frame.get_rect()
    for part, picture in drawn:
        ink = ink_box(picture)
        if ink is None or part.id in GROUND:
            continue
        boxes.append((part, ink))
        if not page.contains(ink):
            yield Problem("off the page", part.id, f"{tuple(ink)}")
    for (a, first), (b, second) in combinations(boxes, 2):
        if frozenset({a.id, b.id}) not in TOGETHER and first.inflate(-4, -4).colliderect(second.inflate(-4, -4)):
            yield Problem("overlap", f"{a.id}, {b.id}", "one lies on the other")


def ink_box(drawn: Drawn) -> pygame.Rect | None:
    """Return the bounds of what is really drawn, in page pixels, without soft shadows."""
    if drawn.surface.get_size() == (1, 1):
        return None
    alpha = pygame.surfarray.pixels_alpha(drawn.surface)  # (w, h)
    columns, rows = np.flatnonzero((alpha > INK_ALPHA).any(axis=1)), np.flatnonzero((alpha > INK_ALPHA).any(axis=0))
    if not len(columns):
        return None
    left, top = drawn.rect.x + int(columns[0]), drawn.rect.y + int(rows[0])
    return pygame.Rect(left, top, int(columns[-1] - columns[0]) + 1, int(rows[-1] - rows[0]) + 1)


def _pale(drawn: list[tuple[Part, Drawn]], layout: PageLayout, composer: Composer) -> Iterator[Problem]:
    """Whether each line stands out from what is around it, as the composed picture has it."""
    least = STRONG_CONTRAST if layout.theme.name == "elder" else USUAL_CONTRAST
    pixels = pygame.surfarray.pixels3d(composer.frame)  # (w, h, 3)
    for part, picture in drawn:
        for line in picture.written:
            if not line.text.strip():
                continue
            ground = ground_of(pixels, line, composer.factor)
            if ground is None:
                continue
            ratio = contrast(line.ink, ground)
            if ratio < least - 0.05:
                yield Problem("pale", part.id, f"{ratio:.1f}:1 {line.ink} on {ground}: {line.text}")


def ground_of(pixels: npt.NDArray[np.uint8], line: Written, factor: float) -> str | None:
    """Return the colour behind a line as '#RRGGBB': the commonest of its box that is none of its own ink."""
    rect = pixel_rect(line.box, factor).clip(pygame.Rect(0, 0, *pixels.shape[:2]))
    if rect.width < 2 or rect.height < 2:
        return None
    patch = pixels[rect.left : rect.right, rect.top : rect.bottom].reshape(-1, 3).astype(np.int16)
    ink = np.array([int(line.ink[i : i + 2], 16) for i in (1, 3, 5)], np.int16)
    away = patch[np.abs(patch - ink).sum(axis=1) > 24]
    if len(away) < 4:
        return line.ink  # nothing but ink: the text cannot be seen
    coarse = (away >> 3) @ np.array([1, 32, 1024])
    values, counts = np.unique(coarse, return_counts=True)
    common = away[coarse == values[counts.argmax()]].mean(axis=0).round().astype(int)
    return "#{:02X}{:02X}{:02X}".format(*common)


# ---------------------------------------------------------------------- languages
def _tongues(drawn: list[tuple[Part, Drawn]], state: ScreenState) -> Iterator[Problem]:
    """Whether everything is there in the page's language, and what is meant to be in both is in both."""
    english = state.language == "en"
    other = " ".join(
        (state.headline_translation, *(c.translation for c in state.captions), *(t.detail for t in state.targets),
         *((state.document.advice_other,) if state.document else ()),
         *((state.face.advice_other,) if state.face else ()),
         *(c.text for c in state.captions if c.speaker == "visitor"))
    )  # fmt: skip
    for part, picture in drawn:
        if part.id in ("called", "headline:other", "advice:other"):  # both languages on purpose
            continue
        for line in picture.written:
            text = line.text.strip()
            if not text or text in NAMES or _FREE.match(text) or text.rstrip("…") in other:
                continue
            wrong = _HAN.search(text) if english else (not _HAN.search(text) and _WORD.search(text))
            if wrong and not (english and _name(text, state)):
                yield Problem("missing translation", part.id, text)
    if state.headline and not state.headline_translation:
        yield Problem("missing translation", "headline", state.headline)


def _name(text: str, state: ScreenState) -> bool:
    """What a visitor or a document is called stays in its own letters."""
    rows = (*((row.shown for row in state.form.rows) if state.form else ()),
            *((row.shown for row in state.confirm.rows) if state.confirm else ()))  # fmt: skip
    return any(text in row for row in rows)
