"""Long hair, parted on the left and combed back to a low bun; a thin tuft falls before each ear."""

from __future__ import annotations

import math
import random
from typing import Final

import skia

from avatar.hairdos.strands import draw_shine, draw_strands
from avatar.ink import Pen, Point, between, bezier, both_sides, linear, lock, mixed, oval, smooth, union
from avatar.personas import Persona

Guide = tuple[Point, Point, Point, Point]
_RIGHT: Final[tuple[Guide, Guide]] = (
    ((-40, -156), (14, -104), (122, -96), (145, 40)),
    ((-26, -228), (86, -244), (168, -150), (158, 14)),
)
_LEFT: Final[tuple[Guide, Guide]] = (
    ((-42, -156), (-66, -130), (-128, -106), (-145, 40)),
    ((-30, -229), (-112, -230), (-166, -140), (-158, 14)),
)


def draw_back(pen: Pen, persona: Persona) -> None:
    sheen, base, deep = persona.look.hair
    back = smooth(
        both_sides(
            [(0, -231), (84, -214), (140, -154), (161, -74), (161, 6), (150, 66), (124, 112), (66, 140), (0, 146)]
        ),
        True,
    )
    pen.fill(back, linear(0, -200, 0, 140, (0, base, 1), (1, deep, 1)))
    bun = smooth(
        [(84, 96), (112, 80), (146, 84), (168, 110), (170, 146), (150, 176), (116, 184), (88, 168), (74, 134)], True
    )
    pen.fill(bun, "#1A0C08", 0.30, 8)
    pen.fill(bun, linear(88, 86, 160, 186, (0, mixed(base, sheen, 0.25), 1), (0.5, base, 1), (1, deep, 1)))
    chance = random.Random(3)
    for i in range(64):  # hair wound round the middle of the bun
        radius, begin = 8 + 44 * chance.random() ** 0.7, chance.uniform(0, 2 * math.pi)
        sweep = chance.uniform(0.7, 1.5)
        (ax, ay), (bx, by) = ((120 + radius * math.cos(a), 134 + radius * math.sin(a)) for a in (begin, begin + sweep))
        far = radius * 4 / 3 * math.tan(sweep / 4)  # of a cubic that is nearly an arc
        coil: Guide = (
            (ax, ay),
            (ax - far * math.sin(begin), ay + far * math.cos(begin)),
            (bx + far * math.sin(begin + sweep), by - far * math.cos(begin + sweep)),
            (bx, by),
        )
        colour = sheen if i % 3 == 0 else deep
        pen.fill(lock(coil, 1.2 + 2.4 * chance.random()), colour, 0.30 if colour == sheen else 0.5, 0.3, clip=bun)
    pen.fill(oval(96, 108, 20, 16), mixed(sheen, "#FFFFFF", 0.2), 0.20, 9, clip=bun)
    pen.fill(oval(152, 168, 24, 18), deep, 0.45, 9, clip=bun)
    pen.line(
        smooth([(100, 104), (124, 94), (148, 104), (158, 126)]), mixed(sheen, "#FFFFFF", 0.3), 5, 0.22, 3, clip=bun
    )


def draw_front(pen: Pen, persona: Persona, face: skia.Path) -> None:
    sheen, base, deep = persona.look.hair
    right = smooth(
        [
            (-40, -158),
            (-12, -127),
            (36, -106),
            (84, -86),
            (116, -56),
            (134, -14),
            (141, 34),
            (143, 66),
            (150, 46),
            (158, 18),
            (163, -40),
            (158, -104),
            (132, -170),
            (84, -212),
            (24, -231),
            (-16, -231),
            (-28, -228),
            (-34, -196),
        ],
        True,
    )
    left = smooth(
        [
            (-40, -158),
            (-56, -142),
            (-84, -122),
            (-112, -92),
            (-130, -50),
            (-138, -8),
            (-141, 34),
            (-143, 64),
            (-150, 46),
            (-158, 18),
            (-163, -40),
            (-158, -104),
            (-132, -170),
            (-88, -212),
            (-50, -227),
            (-26, -229),
            (-33, -196),
        ],
        True,
    )
    for mass, dx in ((right, 3), (left, 7)):
        shadow = skia.Path(mass)
        shadow.offset(dx, 9)
        pen.fill(shadow, mixed(persona.look.skin[3], "#4A1A10", 0.5), 0.42, 8, clip=face)
    for side in (1, -1):
        _draw_tuft(pen, persona, side, face)
    for mass, guides, seed in ((left, _LEFT, 11), (right, _RIGHT, 12)):
        pen.fill(mass, linear(-70, -236, 70, 60, (0, mixed(base, sheen, 0.30), 1), (0.4, base, 1), (1, deep, 1)))
        draw_strands(pen, guides, persona.look.hair, seed, count=64, clip=mass)
        draw_shine(pen, guides, persona.look.hair, seed, at=0.40, length=0.26, clip=mass)
        edge = [bezier(guides[0], i / 10) for i in range(11)]
        pen.line(smooth(edge), deep, 6, 0.40, 3.5, clip=mass)
    part = smooth([(-40, -157), (-35, -182), (-31, -206), (-25, -228)])
    pen.line(part, deep, 5, 0.75, 1.6, clip=union(left, right))
    pen.line(part, mixed(persona.look.skin[2], deep, 0.35), 1.3, 0.8, clip=union(left, right))
    chance = random.Random(5)
    for share in (0.93, 0.97, 1.02):  # single hairs that the comb did not catch
        for guides in (_LEFT, _RIGHT):
            start = 0.1 + 0.3 * chance.random()
            pen.fill(lock(between(*guides, share + 0.012), 1.1, (start, start + 0.4)), base, 0.6)


def _draw_tuft(pen: Pen, persona: Persona, side: int, face: skia.Path) -> None:
    sheen, base, deep = persona.look.hair
    longer = 12 if side > 0 else 0
    for number, (dx, width, low) in enumerate(((0, 9.5, 112.0), (4, 5.5, 92.0), (-3, 4.0, 74.0))):
        guide: Guide = (
            (side * (139 + dx * 0.5), -48),
            (side * (150 + dx), 4),
            (side * (136 + dx), low - 44),
            (side * (129 + dx * 1.6), low + longer),
        )
        tuft = lock(guide, width, fullest=0.35)
        if number == 0:
            shadow = skia.Path(tuft)
            shadow.offset(5, 3)
            pen.fill(shadow, persona.look.skin[3], 0.35, 3, clip=face)
        pen.fill(tuft, linear(0, -50, 0, low, (0, deep, 1), (0.55, mixed(base, sheen, 0.35), 1), (1, base, 1)))
        pen.fill(lock(guide, width * 0.3, (0.25, 0.8)), sheen, 0.5, 0.4)
