"""Looks at a page as drawn and lists what is wrong with it: reach, size, spacing, clipping, overlap, lost words."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pygame

from kiosk.screen.composer import Composer
from kiosk.screen.parts import PageLayout, Part
from kiosk.screen.raster import Drawn
from kiosk.screen.theme import GAP, MIN_TARGET, PAGE_HEIGHT, PAGE_WIDTH, REACH_Y

GROUND = frozenset({"gate", "sheet", "sheet:edge", "paper", "veil", "veil:fade"})  # others lie on these on purpose
BELONG_TOGETHER = frozenset({frozenset({"microphone", "wave"})})
INK = 90  # alpha above which a pixel is ink and not shadow


def ink_box(drawn: Drawn) -> pygame.Rect | None:
    """Return the bounds of what is really drawn, in page pixels, without soft shadows."""
    alpha = pygame.surfarray.pixels_alpha(drawn.surface)  # (w, h)
    columns, rows = np.flatnonzero((alpha > INK).any(axis=1)), np.flatnonzero((alpha > INK).any(axis=0))
    if not len(columns):
        return None
    left, top = drawn.rect.x + int(columns[0]), drawn.rect.y + int(rows[0])
    return pygame.Rect(left, top, int(columns[-1] - columns[0]) + 1, int(rows[-1] - rows[0]) + 1)


def target_faults(layout: PageLayout) -> list[str]:
    faults, hits = [], layout.hits()
    for hit in hits:
        box = hit.box
        if box.y < REACH_Y:
            faults.append(f"{hit.target}: begins at y {box.y:.0f}, above the reachable line")
        if min(box.width, box.height) < MIN_TARGET:
            faults.append(f"{hit.target}: {box.width:.0f} x {box.height:.0f} is too small")
        if box.x < 0 or box.right > PAGE_WIDTH or box.bottom > PAGE_HEIGHT:
            faults.append(f"{hit.target}: off the page")
    for a, b in combinations(hits, 2):
        if a.box.gap_to(b.box) < GAP - 0.5:
            faults.append(f"{a.target} and {b.target}: {a.box.gap_to(b.box):.0f} apart")
    return faults


def picture_faults(composer: Composer, layout: PageLayout) -> list[str]:
    """Draw each part and see whether its ink is cut by its own box, leaves the page, or lies on another's."""
    faults, boxes = [], []
    page = composer.frame.get_rect()
    for part in (*layout.behind, *layout.parts):
        drawn = composer.draw(layout.theme, part)
        faults += [f"{part.id}: lost words of {text!r}" for text in drawn.cut]
        ink = ink_box(drawn)
        if ink is None or part.id in GROUND:
            continue
        boxes.append((part, ink))
        if not page.contains(ink):
            faults.append(f"{part.id}: leaves the page")
        if touches_edge(part, drawn, ink):
            faults.append(f"{part.id}: cut off by its box")
    for (a, first), (b, second) in combinations(boxes, 2):
        if first.colliderect(second) and frozenset({a.id, b.id}) not in BELONG_TOGETHER:
            faults.append(f"{a.id} lies on {b.id}")
    return faults


def touches_edge(part: Part, drawn: Drawn, ink: pygame.Rect) -> bool:
    """A box of one colour may end at its edge; words that reach the edge are cut."""
    if part.id in ("queue", "missing", "ticket"):
        return False
    rect = drawn.rect
    return ink.top <= rect.top or ink.bottom >= rect.bottom or ink.left <= rect.left or ink.right >= rect.right
