"""Hair as many hairs: tapered strands between two guides, and the band of light that lies across them."""

from __future__ import annotations

import random
from typing import Final

import skia

from avatar.ink import Pen, Point, between, lock, mixed

Guide = tuple[Point, Point, Point, Point]
_WIDTH: Final = (0.9, 3.4)  # bust units


def draw_strands(
    pen: Pen,
    guides: tuple[Guide, Guide],
    hair: tuple[str, str, str],
    seed: int,
    *,
    count: int,
    clip: skia.Path | None = None,
    strength: float = 1.0,
) -> None:
    """Draw `count` strands that run between the two guides, dark and light in turn."""
    sheen, base, deep = hair
    chance = random.Random(seed)
    inks = ((deep, 0.50), (mixed(base, sheen, 0.35), 0.40), (deep, 0.36), (sheen, 0.20), (base, 0.6))
    for i in range(count):
        share = (i + chance.uniform(-0.6, 0.6)) / count
        guide = between(guides[0], guides[1], min(1.05, max(-0.03, share)))
        start, end = chance.uniform(-0.02, 0.22), chance.uniform(0.72, 1.03)
        colour, alpha = inks[chance.randrange(len(inks))]
        width = chance.uniform(*_WIDTH)
        pen.fill(lock(guide, width, (start, end)), colour, alpha * strength, 0.25, clip=clip)


def draw_shine(
    pen: Pen,
    guides: tuple[Guide, Guide],
    hair: tuple[str, str, str],
    seed: int,
    *,
    at: float,
    length: float,
    clip: skia.Path | None = None,
    strength: float = 1.0,
) -> None:
    """Draw light across the hair: short bright strands around `at` (0..1 along the guides), ragged at both ends."""
    sheen = hair[0]
    chance = random.Random(seed + 100)
    for i in range(46):
        share = 0.06 + 0.86 * (i + chance.uniform(-0.5, 0.5)) / 46
        guide = between(guides[0], guides[1], share)
        fade = 1 - abs(share - 0.52) * 1.25
        middle = at + 0.05 * chance.uniform(-1, 1)
        half = length / 2 * chance.uniform(0.45, 1.0)
        tuft = lock(guide, chance.uniform(1.6, 5.0), (middle - half, middle + half), fullest=0.5)
        light = mixed(sheen, "#FFF1E0", chance.uniform(0.0, 0.35))
        pen.fill(tuft, light, 0.34 * fade * strength, 1.1, clip=clip)
