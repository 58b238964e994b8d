"""The bank's blazer over a blouse, and a silk scarf knotted at the side: gold, because she is the way to a person."""

from __future__ import annotations

from typing import Final

import skia

from avatar.clothes.cloth import draw_cuff, draw_fold, sleeve_of
from avatar.ink import Pen, Point, both_sides, linear, mixed, oval, path, smooth
from avatar.neck import draw_neck
from avatar.personas import Persona

_BODY: Final[tuple[Point, ...]] = (
    (0, 262), (62, 264), (92, 288), (138, 306), (190, 322), (230, 346), (256, 388), (270, 450), (280, 530), (288, 640),
)  # fmt: skip


def draw(pen: Pen, persona: Persona, bottom: float) -> None:
    draw_neck(pen, persona)
    _draw_blouse(pen, persona)
    _draw_coat(pen, persona, bottom)
    _draw_scarf(pen, persona)


def _draw_blouse(pen: Pen, persona: Persona) -> None:
    lit, base, shade = persona.uniform.shirt
    front = path("M -66 276 C -60 320 -36 380 0 446 C 36 380 60 320 66 276 L 96 330 L 60 660 L -60 660 L -96 330 Z")
    pen.fill(front, linear(-60, 300, 60, 560, (0, lit, 1), (0.5, base, 1), (1, shade, 1)))
    for x, lean, alpha in ((-30, 10, 0.5), (-8, 4, 0.35), (26, -12, 0.6)):
        draw_fold(pen, [(x, 380), (x + lean, 460), (x + lean * 1.2, 560)], shade, 6, alpha, front)
    pen.line("M 3 436 L 3 640", mixed(shade, "#8AA39A", 0.5), 2, 0.7, clip=front)


def _draw_coat(pen: Pen, persona: Persona, bottom: float) -> None:
    lit, base, shade = persona.uniform.coat
    body = smooth(both_sides([*_BODY, (292, bottom), (0, bottom)]), True)
    opening = path("M -64 250 C -62 330 -32 440 0 588 C 32 440 62 330 64 250 Z")
    coat = skia.Op(body, opening, skia.kDifference_PathOp)
    pen.fill(
        coat,
        linear(
            -250, 280, 260, 660, (0, mixed(lit, "#FFFFFF", 0.06), 1), (0.38, lit, 1), (0.68, base, 1), (1, shade, 1)
        ),
    )
    pen.fill(oval(-150, 340, 110, 34), "#FFFFFF", 0.10, 22, clip=coat)  # light on the near shoulder
    pen.fill(oval(176, 340, 90, 24), "#FFFFFF", 0.05, 18, clip=coat)
    for side in (-1, 1):
        _draw_sleeve_of_body(pen, side, (lit, base, shade), coat, bottom)
    for side in (-1, 1):
        pen.canvas.save()
        pen.canvas.scale(side, 1)
        _draw_lapel(pen, side, (lit, base, shade), coat)
        pen.canvas.restore()
    pen.fill(smooth([(0, 586), (10, 640), (12, bottom), (40, bottom), (26, 660)], True), shade, 0.5, 6, clip=coat)
    pen.line(f"M 0 586 C 3 620 4 700 4 {bottom}", mixed(shade, "#000000", 0.4), 2.4, 0.85, clip=coat)
    draw_fold(pen, [(-150, 560), (-110, 590), (-40, 606)], shade, 9, 0.40, coat)
    draw_fold(pen, [(160, 556), (110, 596), (40, 612)], shade, 10, 0.5, coat)
    pocket = smooth([(-156, 486), (-130, 478), (-92, 476)])
    pen.line(pocket, shade, 3.4, 0.65, 0.6, clip=coat)
    pen.line(smooth([(-156, 489.5), (-130, 481.5), (-92, 479.5)]), lit, 1.6, 0.55, 0.4, clip=coat)
    pen.fill(oval(15, 628, 9, 9), "#021514", 0.4, 3)
    pen.fill(
        oval(13, 626, 8, 8),
        linear(6, 618, 20, 634, (0, persona.uniform.accent[0], 1), (1, persona.uniform.accent[2], 1)),
    )


def _draw_sleeve_of_body(pen: Pen, side: int, cloth: tuple[str, str, str], coat: skia.Path, bottom: float) -> None:
    """The hanging upper arm is set off from the body by a seam, a shadow and folds at the armpit and the elbow."""
    lit, _, shade = cloth
    dark = mixed(shade, "#000000", 0.25)

    def at(*points: Point) -> list[Point]:
        return [(side * x, y) for x, y in points]

    gap = smooth(
        at(
            (214, 436),
            (206, 500),
            (206, 580),
            (210, 660),
            (212, bottom),
            (232, bottom),
            (228, 660),
            (222, 560),
            (222, 480),
        ),
        True,
    )
    pen.fill(gap, dark, 0.62 if side > 0 else 0.48, 7, clip=coat)
    pen.line(smooth(at((190, 322), (206, 356), (214, 400), (215, 446))), dark, 2.4, 0.45, 0.8, clip=coat)
    pen.line(smooth(at((187, 324), (203, 358), (211, 400), (212, 440))), lit, 2.0, 0.50, 0.8, clip=coat)
    pen.fill(
        smooth(at((250, 376), (272, 460), (284, 600), (286, bottom), (310, bottom), (300, 420)), True),
        dark,
        0.40,
        14,
        clip=coat,
    )
    if side < 0:
        pen.fill(
            smooth(at((232, 360), (250, 420), (256, 520), (246, 600), (236, 500), (228, 420)), True),
            "#FFFFFF",
            0.10,
            9,
            clip=coat,
        )
    draw_fold(pen, at((218, 446), (240, 462), (266, 456)), dark, 7, 0.40, coat)
    draw_fold(pen, at((216, 470), (236, 494), (258, 500)), dark, 6, 0.34, coat)
    draw_fold(pen, at((224, 600), (250, 588), (280, 600)), dark, 8, 0.36, coat)
    draw_fold(pen, at((204, 450), (176, 452), (150, 436)), shade, 9, 0.42, coat)


def _draw_lapel(pen: Pen, side: int, cloth: tuple[str, str, str], coat: skia.Path) -> None:
    lit, base, shade = cloth
    dark = mixed(shade, "#000000", 0.3)
    top = mixed(lit, "#FFFFFF", 0.10) if side < 0 else mixed(lit, base, 0.25)
    collar = path("M 60 256 C 70 266 82 276 96 288 C 122 306 142 330 150 352 L 112 372 C 92 340 74 304 60 256 Z")
    lapel = path(
        "M 64 268 C 78 306 96 342 114 372 L 150 352 L 172 412 C 132 488 66 548 0 620 L 0 588 C 30 470 60 366 64 268 Z"
    )
    for piece in (lapel, collar):
        shadow = skia.Path(piece)
        shadow.offset(5, 8)
        pen.fill(shadow, "#01100F", 0.42, 8, clip=coat)
    pen.fill(lapel, linear(20, 300, 170, 520, (0, mixed(top, base, 0.3), 1), (0.55, top, 1), (1, base, 1)))
    pen.fill(collar, linear(60, 256, 150, 370, (0, base, 1), (0.6, top, 1), (1, mixed(top, base, 0.5), 1)))
    pen.line("M 112 372 L 150 352", dark, 2.2, 0.7, 0.5)
    pen.line("M 150 353 L 171 412 C 132 487 66 546 2 618", mixed(lit, "#FFFFFF", 0.30), 1.6, 0.55, 0.3)
    pen.line("M 145 360 L 164 411 C 128 478 72 532 16 590", dark, 1.0, 0.45, 0.2)  # the stitching
    pen.line("M 66 290 C 62 366 34 466 6 576", dark, 5, 0.45, 3, clip=lapel)  # the roll


def _draw_scarf(pen: Pen, persona: Persona) -> None:
    pale, gold, deep = persona.uniform.accent
    brown = mixed(deep, "#3A2404", 0.5)
    band = smooth(
        [
            (-76, 254),
            (-50, 284),
            (-10, 300),
            (34, 296),
            (66, 276),
            (78, 252),
            (88, 270),
            (86, 296),
            (60, 326),
            (16, 344),
            (-34, 338),
            (-72, 314),
            (-88, 286),
            (-86, 266),
        ],
        True,
    )
    shadow = skia.Path(band)
    shadow.offset(3, 9)
    pen.fill(shadow, "#2A1804", 0.38, 8)
    pen.fill(band, linear(-80, 260, 70, 350, (0, gold, 1), (0.30, pale, 1), (0.55, gold, 1), (1, deep, 1)))
    for folds in (
        [(-82, 272), (-50, 300), (-8, 316), (34, 312), (72, 284)],
        [(-80, 290), (-46, 318), (-6, 330), (28, 328)],
        [(-60, 276), (-30, 294), (6, 302), (40, 296)],
    ):
        pen.line(smooth(folds), brown, 2.6, 0.42, 1.0, clip=band)
        pen.line(smooth([(x, y - 4) for x, y in folds]), mixed(pale, "#FFFFFF", 0.4), 2.6, 0.55, 1.2, clip=band)
    tails = (
        smooth(
            [
                (36, 332),
                (60, 352),
                (84, 384),
                (98, 420),
                (106, 452),
                (88, 462),
                (62, 460),
                (54, 420),
                (40, 376),
                (24, 346),
            ],
            True,
        ),
        smooth(
            [
                (28, 334),
                (34, 370),
                (32, 412),
                (20, 450),
                (10, 478),
                (-8, 470),
                (-30, 462),
                (-14, 420),
                (2, 376),
                (12, 344),
            ],
            True,
        ),
    )
    for number, tail in enumerate(tails):
        shadow = skia.Path(tail)
        shadow.offset(5, 8)
        pen.fill(shadow, "#01100F", 0.36, 7)
        tones = ((0, deep, 1), (0.25, gold, 1), (0.5, pale, 1), (0.75, gold, 1), (1, deep, 1))
        start, end = ((34, 370), (106, 420)) if number == 0 else ((-24, 420), (38, 430))
        pen.fill(tail, linear(*start, *end, *tones))
    for line, tail, width in (
        ([(34, 344), (56, 376), (70, 416), (76, 460)], tails[0], 2.4),
        ([(40, 340), (70, 376), (88, 416), (96, 456)], tails[0], 2.0),
        ([(24, 346), (22, 388), (6, 430), (-10, 468)], tails[1], 2.4),
        ([(20, 344), (8, 384), (-6, 424), (-22, 464)], tails[1], 2.0),
    ):
        pen.line(smooth(line), brown, width, 0.40, 0.9, clip=tail)
        pen.line(smooth([(x + 4, y) for x, y in line]), "#FFFFFF", width, 0.28, 1.2, clip=tail)
    pen.line(smooth([(102, 447), (84, 455), (63, 453)]), brown, 1.4, 0.5, 0.3, clip=tails[0])
    pen.line(smooth([(8, 471), (-8, 463), (-28, 455)]), brown, 1.4, 0.5, 0.3, clip=tails[1])
    knot = smooth([(6, 318), (24, 306), (46, 312), (54, 328), (46, 346), (26, 354), (8, 346), (0, 332)], True)
    pen.fill(oval(30, 340, 27, 20), "#2A1804", 0.40, 6)
    pen.fill(knot, linear(4, 310, 50, 352, (0, mixed(pale, "#FFFFFF", 0.3), 1), (0.45, gold, 1), (1, deep, 1)))
    pen.line(smooth([(8, 328), (24, 336), (46, 332)]), brown, 2.2, 0.45, 0.9, clip=knot)
    pen.line(smooth([(12, 342), (28, 345), (44, 340)]), brown, 1.8, 0.35, 0.9, clip=knot)
    pen.line(smooth([(14, 318), (28, 314), (42, 320)]), "#FFFFFF", 3, 0.5, 1.4, clip=knot)


def draw_sleeve(pen: Pen, persona: Persona, elbow: Point, wrist: Point) -> None:
    sleeve = sleeve_of(elbow, wrist, 58, 41)
    draw_cuff(pen, persona.uniform.shirt, elbow, wrist, 33, out=20)
    _draw_forearm(pen, persona.uniform.coat, sleeve, elbow, wrist)


def _draw_forearm(pen: Pen, cloth: tuple[str, str, str], sleeve: skia.Path, elbow: Point, wrist: Point) -> None:
    lit, base, shade = cloth
    dark = mixed(shade, "#000000", 0.2)
    shadow = skia.Path(sleeve)
    shadow.offset(5, 6)
    pen.fill(shadow, "#01100F", 0.30, 10)
    dx, dy = wrist[0] - elbow[0], wrist[1] - elbow[1]
    length = (dx * dx + dy * dy) ** 0.5
    across = (-dy / length, dx / length)  # towards the lower right for an arm that points up
    sign = 1 if across[0] >= 0 else -1
    x, y = (elbow[0] + wrist[0]) / 2, (elbow[1] + wrist[1]) / 2
    ends = (x - sign * across[0] * 52, y - sign * across[1] * 52, x + sign * across[0] * 52, y + sign * across[1] * 52)
    pen.fill(
        sleeve, linear(*ends, (0, base, 1), (0.30, mixed(lit, "#FFFFFF", 0.08), 1), (0.62, base, 1), (1, shade, 1))
    )
    for t, bow in ((0.18, 14), (0.34, -12), (0.56, 10), (0.74, -8)):
        cx, cy = elbow[0] + dx * t, elbow[1] + dy * t
        along = (dx / length, dy / length)
        fold = [
            (cx - across[0] * 44, cy - across[1] * 44),
            (cx + along[0] * bow, cy + along[1] * bow),
            (cx + across[0] * 40 + along[0] * bow * 0.5, cy + across[1] * 40 + along[1] * bow * 0.5),
        ]
        draw_fold(pen, fold, dark, 6, 0.34, sleeve)
