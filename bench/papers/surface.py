"""What a document, or what is held up in its place, is made of; and how it looks in a pose under the lobby's lamps.

Genuine ones carry what is printed about them: an ID card's portrait side a wall that shifts its colour where the sex
stands and an oval of gratings below the portrait; a passport's page rosettes of gratings over the portrait's edge; a
bank card a chip of metal and, most of them, a hologram. An ID card's emblem side carries nothing of the kind. How
strongly they show is drawn at random, down to a third of a new one's. Copies are paper, photo paper, paper in a
sleeve, or glass that shines by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from bench.papers.drawn import CARD_W, CHIP, Kind
from bench.papers.light import Floats, Grating, Lamps, gloss, irradiance, metal, sent_on

Picture = npt.NDArray[np.uint8]
Plane = npt.NDArray[np.float32]
TRANSPARENT: Final = 0.18  # of the light, to both first orders of a relief under a clear film of high index
METALLISED: Final = 0.4  # of one with metal behind it
GRID: Final = (10, 16)  # points at which light is worked out; in between it is smooth
FINE: Final = (40, 64)  # of a sleeve, which has folds
WHITE: Final = 0.94  # where white paper lies, of the brightest that a camera gives
EXPOSED: Final = 0.8  # how much of a change of light a camera's exposure takes back
_LINEAR: Final = ((np.arange(256) / 255.0) ** 2).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Patch:
    """A place with light of its own. `mask` (h, w) 0..1 in the box at `left`, `top`; `made` None: a chip's metal."""

    left: int
    top: int
    mask: Plane = field(repr=False)
    made: Grating | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """`rough` radians; `folds` radians of slope; `shines`: a screen, whose picture no lamp lights."""

    rough: float
    folds: float = 0.0
    shines: bool = False
    patches: tuple[Patch, ...] = ()
    bend: Floats = field(default_factory=lambda: np.zeros((*FINE, 2)), repr=False)


def card_of(kind: Kind, width: int, height: int, rng: np.random.Generator) -> Surface:
    """A genuine one."""
    worn = float(rng.uniform(0.35, 1.0))  # of a new one's strength
    match kind:
        case "id_front":
            rough, patches = rng.uniform(4, 10), [*_wall(width, height, worn, rng), *_oval(width, height, worn, rng)]
        case "passport":
            rough, patches = rng.uniform(3, 8), _rosettes(width, height, worn, rng)
        case "bank_card":
            rough, patches = rng.uniform(1.5, 5), [_chip(width, height)]
            if rng.random() < 0.7:
                patches += _hologram(width, height, worn, rng)
        case _:
            rough, patches = rng.uniform(4, 10), []
    return Surface(rough=float(np.deg2rad(rough)), patches=tuple(patches))


def paper(rng: np.random.Generator) -> Surface:
    """Plain paper: hardly any gloss."""
    return Surface(rough=float(np.deg2rad(rng.uniform(18, 30))))


def photo_paper(rng: np.random.Generator) -> Surface:
    """Glossy or with a silken finish."""
    low, high = (0.7, 2.5) if rng.random() < 0.6 else (4.0, 9.0)
    return Surface(rough=float(np.deg2rad(rng.uniform(low, high))))


def sleeve(rng: np.random.Generator) -> Surface:
    """Paper in a plastic sleeve or laminated at home: smooth, and never quite even."""
    coarse = rng.normal(0, 1, (5, 8, 2)) + 0.5 * cv2.resize(rng.normal(0, 1, (10, 16, 2)), (8, 5))
    bend = cv2.resize(coarse, (FINE[1], FINE[0]), interpolation=cv2.INTER_CUBIC)
    folds = float(np.deg2rad(rng.uniform(0.5, 4.0)))
    return Surface(rough=float(np.deg2rad(rng.uniform(0.6, 2.0))), folds=folds, bend=np.asarray(bend, np.float64))


def glass(rng: np.random.Generator) -> Surface:
    """A telephone or a tablet."""
    return Surface(rough=float(np.deg2rad(rng.uniform(0.4, 1.5))), shines=True)


# ------------------------------------------------------------------ what is seen of it
def lit(flat: Picture, surface: Surface, at: Floats, room: Lamps) -> Picture:
    """The document `flat` (h, w, 3) as it looks with its corners `at` (4, 3) before the camera at the origin.

    A camera's curve is taken as a square root. White paper that faces the camera is white in the picture.
    """
    height, width = flat.shape[:2]
    rows, columns = FINE if surface.folds else GRID
    across, down = _unit(at[1] - at[0]), _unit(at[3] - at[0])
    plain = _facing(across, down)
    normal = np.broadcast_to(plain, (rows, columns, 3))
    if surface.folds:
        slope = surface.bend * surface.folds
        normal = plain + slope[..., :1] * across + slope[..., 1:] * down
        normal = normal / np.linalg.norm(normal, axis=-1, keepdims=True)
    out = _towards_camera(at, rows, columns, (0, 0, 1, 1))
    light = np.ones((rows, columns, 3)) if surface.shines else irradiance(room, normal)
    mirrored = gloss(room, normal, out, surface.rough)
    shown = np.asarray(cv2.multiply(_LINEAR[flat], _spread(light, width, height)), np.float32)
    cv2.add(shown, _spread(mirrored, width, height), shown)
    for patch in surface.patches:
        _lay_on(shown, patch, plain, across, down, at, room)
    shown *= WHITE / float((light + mirrored).mean()) ** EXPOSED
    return np.asarray(np.minimum(np.sqrt(shown), 1) * 255, np.uint8)


def brightest(room: Lamps, at: Floats) -> float:
    """What a smooth sheet in this place mirrors most, by white paper."""
    across, down = _unit(at[1] - at[0]), _unit(at[3] - at[0])
    out = _towards_camera(at, *GRID, (0, 0, 1, 1))
    return float(gloss(room, np.broadcast_to(_facing(across, down), out.shape), out, 0.02).max())


def _facing(across: Floats, down: Floats) -> Floats:
    """The side that the camera sees."""
    plain = np.cross(down, across)
    return np.asarray(plain if plain[2] < 0 else -plain)


def _lay_on(
    shown: Plane, patch: Patch, normal: Floats, across: Floats, down: Floats, at: Floats, room: Lamps
) -> None:  # fmt: skip
    h, w = patch.mask.shape
    height, width = shown.shape[:2]
    box = (patch.left / width, patch.top / height, (patch.left + w) / width, (patch.top + h) / height)
    out = _towards_camera(at, 4, 5, box)
    there = shown[patch.top : patch.top + h, patch.left : patch.left + w]
    mask = patch.mask[:, :, None]
    if patch.made is None:
        there *= 1 - 0.96 * mask
        there += mask * _spread(metal(room, np.broadcast_to(normal, out.shape), out, 0.09), w, h)
    else:
        there += mask * _spread(sent_on(room, normal, across, down, out, patch.made), w, h)


def _unit(vector: Floats) -> Floats:
    return np.asarray(vector / np.linalg.norm(vector))


def _towards_camera(at: Floats, rows: int, columns: int, box: tuple[float, float, float, float]) -> Floats:
    """(rows, columns, 3) unit vectors from points of the document in `box` (shares of it) to the camera."""
    x = np.linspace(box[0], box[2], columns)[None, :, None]
    y = np.linspace(box[1], box[3], rows)[:, None, None]
    points = (at[0] * (1 - x) + at[1] * x) * (1 - y) + (at[3] * (1 - x) + at[2] * x) * y
    return np.asarray(-points / np.linalg.norm(points, axis=-1, keepdims=True))


def _spread(grid: Floats, width: int, height: int) -> Plane:
    return np.asarray(cv2.resize(grid.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


# ------------------------------------------------------------------ what genuine ones carry
def _patch(mask: Plane, made: Grating | None) -> Patch:
    """Only the box that a mask fills."""
    rows, columns = np.nonzero(mask > 0.01)
    top, left = int(rows.min()), int(columns.min())
    return Patch(left, top, mask[top : rows.max() + 1, left : columns.max() + 1], made)


def _shape(width: int, height: int, points: list[tuple[float, float]]) -> Plane:
    mask = np.zeros((height, width), np.float32)
    corners = np.array([(x * width, y * height) for x, y in points], np.int32)
    cv2.fillPoly(mask, [corners], 1.0, cv2.LINE_8)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), 1.0), np.float32)


def _wall(width: int, height: int, worn: float, rng: np.random.Generator) -> list[Patch]:
    """A wall with battlements over the sex and the nation, in two parts whose lines lie across each other."""
    found = []
    period, turn = rng.uniform(345, 395), rng.uniform(-0.3, 0.3)
    for part, (low, high) in enumerate(((0.08, 0.25), (0.25, 0.44))):
        steps = np.linspace(low, high, 17)
        top = [(x, 0.27 - 0.05 * (x - 0.08) + 0.02 * (place % 2)) for place, x in enumerate(steps)]
        ground = [(x, 0.37 - 0.06 * (x - 0.08)) for x in steps[::-1]]
        made = Grating(kind="zero_order", period_nm=period, azimuth=turn + np.pi / 2 * (1 + part),
                       strength=0.55 * worn, rough=0.09)  # fmt: skip
        found.append(_patch(_shape(width, height, top + ground), made))
    return found


def _oval(width: int, height: int, worn: float, rng: np.random.Generator) -> list[Patch]:
    """Below the portrait: letters, and what surrounds them, of other gratings."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    away = ((x / width - 0.78) / 0.125) ** 2 + ((y / height - 0.745) / 0.062) ** 2
    written = np.zeros((height, width), np.uint8)
    cv2.putText(written, "CHINA", (int(0.70 * width), int(0.765 * height)), cv2.FONT_HERSHEY_SIMPLEX,
                1.6 * width / CARD_W, 255, max(1, round(6 * width / CARD_W)))  # fmt: skip
    letters = np.asarray(written / 255, np.float32)
    base = rng.uniform(0, np.pi)
    found = []
    for ring, (low, high) in enumerate(((0.0, 0.45), (0.45, 0.75), (0.75, 1.0))):
        mask = np.asarray(((away >= low) & (away < high)) * (1 - letters), np.float32)
        found.append(_patch(mask, _first(rng, base + ring * 0.5, TRANSPARENT * worn)))
    found.append(_patch(letters, _first(rng, base + np.pi / 2, TRANSPARENT * worn)))
    return found


def _rosettes(width: int, height: int, worn: float, rng: np.random.Generator) -> list[Patch]:
    """A passport's: rings and stripes across the portrait's edge and over the lines beside it."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    found = []
    for cx, cy, size in ((0.33, 0.5, 0.13), (0.58, 0.62, 0.1), (0.22, 0.28, 0.07)):
        away = np.hypot((x - cx * width), (y - cy * height)) / (size * width)
        base = rng.uniform(0, np.pi)
        for ring in range(3):
            mask = ((away >= ring / 3) & (away < (ring + 0.8) / 3)).astype(np.float32)
            found.append(_patch(mask, _first(rng, base + ring * 0.45, TRANSPARENT * worn)))
    return found


def _hologram(width: int, height: int, worn: float, rng: np.random.Generator) -> list[Patch]:
    """A bank card's, at its right: metallised, so stronger than what lies over print."""
    found = []
    base = rng.uniform(0, np.pi)
    for part in range(3):
        left, top = 0.755 + 0.06 * part, 0.5
        found.append(_patch(_shape(width, height, [(left, top), (left + 0.06, top), (left + 0.06, top + 0.22),
                                                   (left, top + 0.22)]),
                            _first(rng, base + part * 0.4, METALLISED * worn)))  # fmt: skip
    return found


def _first(rng: np.random.Generator, azimuth: float, strength: float) -> Grating:
    return Grating(kind="first_order", period_nm=float(rng.uniform(700, 1300)), azimuth=float(azimuth),
                   strength=strength, rough=float(rng.uniform(0.02, 0.06)))  # fmt: skip


def _chip(width: int, height: int) -> Patch:
    """Contacts, with the gaps between them."""
    mask = np.zeros((height, width), np.float32)
    left, top, right, bottom = (round(v * width / CARD_W) for v in CHIP)
    mask[top:bottom, left:right] = 1.0
    for share in (1 / 3, 2 / 3):
        row, column = round(top + (bottom - top) * share), round(left + (right - left) * share)
        mask[row - 1 : row + 2, left:right] = 0
        mask[top:bottom, column - 1 : column + 2] = 0
    return _patch(mask, None)
