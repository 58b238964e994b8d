"""Short hair, parted on the left and brushed over to the right, close at the sides."""

from __future__ import annotations

import random
from typing import Final

import skia

from avatar.hairdos.strands import draw_shine, draw_strands
from avatar.ink import Pen, Point, both_sides, linear, lock, mixed, smooth
from avatar.personas import Persona

Guide = tuple[Point, Point, Point, Point]
_TOP: Final[tuple[Guide, Guide]] = (
    ((-84, -146), (-30, -166), (60, -150), (128, -92)),
    ((-76, -190), (-46, -256), (92, -258), (148, -124)),
)
_BESIDE: Final[tuple[Guide, Guide]] = (  # what falls to the left of the parting
    ((-90, -150), (-104, -146), (-122, -136), (-134, -100)),
    ((-62, -232), (-112, -232), (-146, -190), (-149, -120)),
)
_LOCKS: Final[tuple[tuple[Guide, float], ...]] = (  # from the parting over the forehead, the hindmost first
    (((-62, -206), (-10, -254), (100, -246), (148, -132)), 42),
    (((-76, -190), (-20, -238), (90, -230), (145, -106)), 42),
    (((-84, -176), (-30, -220), (76, -210), (140, -86)), 40),
    (((-86, -164), (-36, -206), (58, -192), (126, -94)), 38),
    (((-88, -158), (-44, -186), (36, -172), (98, -112)), 34),
    (((-88, -150), (-54, -172), (4, -164), (58, -124)), 28),
    (((-92, -148), (-70, -162), (-24, -160), (22, -132)), 22),
)


def draw_back(pen: Pen, persona: Persona) -> None:
    _, base, deep = persona.look.hair
    back = smooth(
        both_sides([(0, -222), (84, -206), (138, -150), (151, -76), (150, -8), (143, 30), (112, 60), (0, 70)]), True
    )
    pen.fill(back, linear(0, -180, 0, 100, (0, base, 1), (1, deep, 1)))


def draw_front(pen: Pen, persona: Persona, face: skia.Path) -> None:
    sheen, base, deep = persona.look.hair
    sides = [
        smooth(
            [
                (side * x, y)
                for x, y in (
                    (96, -136),
                    (118, -104),
                    (128, -66),
                    (133, -22),
                    (136, 26),
                    (141, 44),
                    (147, 26),
                    (151, -20),
                    (154, -84),
                    (146, -136),
                    (122, -182),
                    (86, -196),
                )
            ],
            True,
        )
        for side in (-1, 1)
    ]
    crown = smooth(
        [
            (-92, -140),
            (-108, -130),
            (-124, -112),
            (-135, -84),
            (-146, -86),
            (-148, -126),
            (-134, -178),
            (-98, -218),
            (-40, -243),
            (30, -247),
            (92, -228),
            (134, -186),
            (152, -132),
            (149, -90),
            (136, -70),
            (124, -98),
            (94, -116),
            (50, -126),
            (0, -134),
            (-50, -139),
        ],
        True,
    )
    for shape, dx, dy in ((crown, 4, 9), (sides[0], 5, 2), (sides[1], -2, 2)):
        shadow = skia.Path(shape)
        shadow.offset(dx, dy)
        pen.fill(shadow, mixed(persona.look.skin[3], "#3A160A", 0.4), 0.38, 7, clip=face)
    for side, shape in zip((-1, 1), sides, strict=True):
        tone = linear(0, -140, 0, 46, (0, base, 1), (0.55, mixed(base, deep, 0.4), 0.98), (1, base, 0.80))
        pen.fill(shape, tone, 1, 0.8)
        chance = random.Random(20 + side)
        for _ in range(70):  # cropped hair: short strokes, downwards and back
            x, y = chance.uniform(120, 154), chance.uniform(-150, 36)
            guide: Guide = ((side * x, y), (side * (x + 1), y + 6), (side * (x + 3), y + 12), (side * (x + 5), y + 20))
            pen.fill(lock(guide, 1.8), sheen if chance.random() < 0.35 else deep, 0.32, 0.3, clip=shape)
    pen.fill(crown, linear(-60, -250, 60, -90, (0, mixed(base, sheen, 0.28), 1), (0.45, base, 1), (1, deep, 1)))
    draw_strands(pen, _TOP, persona.look.hair, 31, count=40, clip=crown)
    draw_strands(pen, _BESIDE, persona.look.hair, 32, count=34, clip=crown)
    draw_shine(pen, _BESIDE, persona.look.hair, 34, at=0.5, length=0.3, clip=crown, strength=0.7)
    for number, (guide, width) in enumerate(_LOCKS):
        tuft = lock(guide, width, (-0.02, 1.04), fullest=0.42)
        shadow = skia.Path(tuft)
        shadow.offset(1, 6)
        pen.fill(shadow, deep, 0.55, 5, clip=crown)
        lit = mixed(base, sheen, 0.30 - 0.02 * number)
        pen.fill(tuft, linear(-60, -230, 130, -90, (0, base, 1), (0.4, lit, 1), (1, deep, 1)))
        chance = random.Random(40 + number)
        for _ in range(13):
            off = chance.uniform(-0.36, 0.36) * width
            moved: Guide = tuple((x + off * 0.35, y + off) for x, y in guide)  # type: ignore[assignment]
            span = (chance.uniform(0.04, 0.25), chance.uniform(0.7, 0.97))
            light = chance.random() < 0.45
            pen.fill(
                lock(moved, 1.0 + 1.8 * chance.random(), span),
                sheen if light else deep,
                0.30 if light else 0.55,
                0.3,
                clip=tuft,
            )
        pen.fill(lock(guide, width * 0.34, (0.22, 0.66)), mixed(sheen, "#FFFFFF", 0.15), 0.20, 3, clip=tuft)
    draw_shine(pen, _TOP, persona.look.hair, 33, at=0.42, length=0.22, clip=crown, strength=0.6)
    pen.line(smooth([(-92, -142), (-92, -166), (-84, -196), (-70, -216)]), deep, 4, 0.7, 1.5)
