"""Made-up people for recorded cameras: heads cut from a portrait, turned, moved and told apart by shape and colour.

For tests, benches and demonstrations, so that none of them needs a private picture. What it makes is synthetic and is
named so wherever it is measured: a turned head is the portrait on a rounded surface, not another photograph.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from kiosk.events import Picture
from models.yunet import Face

FACE_PX: Final = 150  # width of every portrait's face after cutting
HEAD_W_PX, HEAD_H_PX = 330, 390  # of a cut-out: the head with hair, throat
CENTRE_PX: Final = (165.0, 190.0)  # of the face within it
TURNS_DEG: Final = tuple(range(-50, 51, 10))
SIDE_DEG: Final = 55.0  # further turned, only hair is seen
# Of sixty drawn, five whom SFace keeps below 0.30 of each other: so they count as different people.
CAST: Final = (52, 12, 56, 51, 32)
LEAST_CAST, MOST_CAST = 4, 12
PICTURES: Final = (".png", ".jpg", ".jpeg")
MOST_FILE_BYTES: Final = 20_000_000
_DEPTH: Final = 0.66  # of the face's width: how far the middle of a face stands before its ears
_NOSE: Final = 0.14  # and its tip before that
Floats = npt.NDArray[np.float32]


class PortraitError(ValueError):
    """A portrait cannot be used; the message names it and says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What makes one made-up person unlike another; lengths are shares of the face's width."""

    jaw: float = 0.0  # wider or narrower below
    eyes: float = 0.0  # further apart
    eye_size: float = 0.0
    nose: float = 0.0  # longer
    nose_width: float = 0.0
    mouth: float = 0.0  # wider
    mouth_drop: float = 0.0  # lower
    brow: float = 0.0  # higher
    light: float = 0.0  # of the skin, steps of L*
    red: float = 0.0  # a*
    yellow: float = 0.0  # b*
    mirrored: bool = False
    bend_seed: int = 0  # of a smooth bend of everything; 0: none
    glasses: bool = False
    beard: bool = False

    @classmethod
    def drawn(cls, seed: int) -> Look:
        """Somebody, the same for the same seed; far from the portrait as it is."""
        rng = np.random.default_rng(seed)

        def either(low: float, high: float) -> float:
            return float(rng.uniform(low, high) * rng.choice((-1, 1)))

        return cls(
            jaw=either(0.05, 0.12), eyes=either(0.03, 0.07), eye_size=either(0.02, 0.06), nose=either(0.04, 0.1),
            nose_width=either(0.02, 0.06), mouth=either(0.03, 0.08), mouth_drop=either(0.02, 0.07),
            brow=either(0.02, 0.06), light=float(rng.uniform(-60, 5)), red=either(2, 8), yellow=either(2, 10),
            mirrored=bool(rng.integers(2)), bend_seed=seed + 1, glasses=bool(rng.random() < 0.35),
            beard=bool(rng.random() < 0.35),
        )  # fmt: skip


AS_IS: Final = Look()


@dataclass(frozen=True, slots=True)
class Person:
    """A head at every turn, and what it wears. `source` says what the pictures are made from."""

    name: str
    source: str
    heads: tuple[Picture, ...] = field(repr=False)  # (HEAD_H_PX, HEAD_W_PX, 4), one for each of TURNS_DEG
    clothes: tuple[int, int, int] = (90, 70, 60)  # blue, green, red

    def head(self, yaw_deg: float) -> Picture | None:
        """The picture for the nearest turn; None further than SIDE_DEG: hair is all that is seen."""
        if abs(yaw_deg) > SIDE_DEG:
            return None
        nearest = min(range(len(TURNS_DEG)), key=lambda at: abs(TURNS_DEG[at] - yaw_deg))
        return self.heads[nearest]


def make_person(name: str, source: str, portrait: Picture, face: Face, look: Look = AS_IS) -> Person:
    """Somebody from a portrait (h, w, 3) and the face that the detector found in it."""
    flat, points = _cut(portrait, face)
    if look is not AS_IS:
        flat = _dressed(_coloured(_reshaped(flat, points, look), look), points, look)
    if look.mirrored:
        flat = np.ascontiguousarray(flat[:, ::-1])
        points = np.array([[HEAD_W_PX - x, y] for x, y in points], np.float32)
    rng = np.random.default_rng(sum(name.encode()))
    clothes = tuple(int(value) for value in rng.integers(30, 150, 3))
    mask, depth = _mask(), _depth(points[2])
    heads = tuple(_turned(flat, mask, depth, float(turn)) for turn in TURNS_DEG)
    return Person(name, source, heads, clothes)  # type: ignore[arg-type]


def read_portraits(folder: Path) -> list[tuple[str, Picture]]:
    """The pictures of a folder, by name. Raises `PortraitError` naming what cannot be read."""
    files = sorted(path for path in folder.glob("*") if path.suffix.lower() in PICTURES)
    if not files:
        raise PortraitError(f"{folder}: no portraits ({', '.join(PICTURES)})")
    found = []
    for path in files:
        if path.stat().st_size > MOST_FILE_BYTES:
            raise PortraitError(f"{path}: larger than {MOST_FILE_BYTES} bytes")
        picture = cv2.imread(str(path))
        if picture is None:
            raise PortraitError(f"{path}: not a picture that can be read")
        found.append((path.stem, np.asarray(picture, np.uint8)))
    return found


def _cut(portrait: Picture, face: Face) -> tuple[Picture, Floats]:
    """The head at its one size, upright, and the five landmarks in it."""
    right, left = face.landmarks[0], face.landmarks[1]
    angle = float(np.arctan2(left[1] - right[1], left[0] - right[0]))
    scale = FACE_PX / face.w
    cos, sin = scale * np.cos(-angle), scale * np.sin(-angle)
    x, y = face.x + face.w / 2, face.y + face.h / 2
    matrix = np.array(
        [[cos, -sin, CENTRE_PX[0] - cos * x + sin * y], [sin, cos, CENTRE_PX[1] - sin * x - cos * y]], np.float64
    )
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    flat = cv2.warpAffine(portrait, matrix, (HEAD_W_PX, HEAD_H_PX), flags=how, borderMode=cv2.BORDER_REPLICATE)
    points = face.landmarks @ matrix[:, :2].T.astype(np.float32) + matrix[:, 2].astype(np.float32)
    return np.asarray(flat, np.uint8), np.asarray(points, np.float32)


def _grid() -> tuple[Floats, Floats]:
    columns, rows = np.meshgrid(np.arange(HEAD_W_PX, dtype=np.float32), np.arange(HEAD_H_PX, dtype=np.float32))
    return columns, rows


def _reshaped(flat: Picture, points: Floats, look: Look) -> Picture:
    """Features moved and stretched by smooth bumps around them; what lies between follows."""
    columns, rows = _grid()
    dx, dy = np.zeros_like(columns), np.zeros_like(rows)
    right, left, nose, mouth_right, mouth_left = points
    mouth, unit = (mouth_right + mouth_left) / 2, float(FACE_PX)

    def bump(at: Floats, size: float) -> Floats:
        far = ((columns - at[0]) ** 2 + (rows - at[1]) ** 2) / (2 * (size * unit) ** 2)
        return np.asarray(np.exp(-far), np.float32)

    for eye, side in ((right, -1.0), (left, 1.0)):
        near = bump(eye, 0.13)
        dx += near * (side * look.eyes * unit + (columns - eye[0]) * look.eye_size * 5)
        dy += near * (rows - eye[1]) * look.eye_size * 5
        dy -= bump(eye - np.array([0, 0.17 * unit], np.float32), 0.13) * look.brow * unit
    dy += bump(nose, 0.14) * look.nose * unit
    dx += bump(nose, 0.10) * (columns - nose[0]) * look.nose_width * 6
    dx += bump(mouth, 0.16) * (columns - mouth[0]) * look.mouth * 4
    dy += bump(mouth, 0.18) * look.mouth_drop * unit
    chin = mouth + np.array([0, 0.18 * unit], np.float32)
    dx += bump(chin, 0.35) * (columns - chin[0]) * look.jaw * 3
    if look.bend_seed:
        rng = np.random.default_rng(look.bend_seed)
        for bend in (dx, dy):
            coarse = rng.normal(0, 0.035 * unit, (7, 6)).astype(np.float32)
            bend += cv2.resize(coarse, (HEAD_W_PX, HEAD_H_PX), interpolation=cv2.INTER_CUBIC)
    moved = cv2.remap(flat, columns - dx, rows - dy, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.uint8)


def _coloured(flat: Picture, look: Look) -> Picture:
    lab = cv2.cvtColor(flat, cv2.COLOR_BGR2LAB).astype(np.float32)
    lab += np.array([look.light * 1.2, look.red, look.yellow], np.float32)
    return np.asarray(cv2.cvtColor(np.clip(lab, 0, 255).astype(np.uint8), cv2.COLOR_LAB2BGR), np.uint8)


def _dressed(flat: Picture, points: Floats, look: Look) -> Picture:
    """Glasses, a beard: drawn."""
    out = flat.copy()
    right, left, _, mouth_right, mouth_left = (tuple(int(value) for value in point) for point in points)
    if look.beard:
        shade = np.zeros(flat.shape[:2], np.uint8)
        x, y = (mouth_right[0] + mouth_left[0]) // 2, (mouth_right[1] + mouth_left[1]) // 2
        cv2.ellipse(shade, (x, y + 6), (52, 44), 0, -15, 195, 255, -1)
        cv2.ellipse(shade, (x, y), (24, 9), 0, 0, 360, 0, -1)
        soft = cv2.GaussianBlur(shade, (0, 0), 3).astype(np.float32)[:, :, None] / 255 * 0.85
        out = np.asarray(out * (1 - soft) + np.array([30, 34, 42], np.float32) * soft, np.uint8)
    if look.glasses:
        for eye in (right, left):
            cv2.ellipse(out, eye, (25, 18), 0, 0, 360, (28, 24, 22), 4, cv2.LINE_AA)
        cv2.line(out, (right[0] + 25, right[1]), (left[0] - 25, left[1]), (28, 24, 22), 4, cv2.LINE_AA)
    return out


def _mask() -> Floats:
    """(HEAD_H_PX, HEAD_W_PX) 0 to 1: head and throat, soft at the edge."""
    mask = np.zeros((HEAD_H_PX, HEAD_W_PX), np.uint8)
    x, y = round(CENTRE_PX[0]), round(CENTRE_PX[1])
    cv2.ellipse(mask, (x, y - 12), (118, 158), 0, 0, 360, 255, -1)
    cv2.rectangle(mask, (x - 58, y + 100), (x + 58, HEAD_H_PX), 255, -1)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), 4).astype(np.float32) / 255, np.float32)


def _depth(nose: Floats) -> Floats:
    """(HEAD_H_PX, HEAD_W_PX) how far before the ears each point lies: an ellipsoid with a nose, in pixels."""
    columns, rows = _grid()
    around = ((columns - CENTRE_PX[0]) / 104) ** 2 + ((rows - CENTRE_PX[1] + 10) / 175) ** 2
    head = _DEPTH * FACE_PX * np.sqrt(np.clip(1 - around, 0, 1))
    tip = ((columns - nose[0]) ** 2 + (rows - nose[1]) ** 2) / (2 * (0.09 * FACE_PX) ** 2)
    return np.asarray(head + _NOSE * FACE_PX * np.exp(-tip), np.float32)


def _turned(flat: Picture, mask: Floats, depth: Floats, yaw_deg: float) -> Picture:
    """The head turned to the picture's right by `yaw_deg`, with its mask as a fourth plane.

    Each row is a curve in depth; what the turned curve hides is passed over.
    """
    angle = np.radians(yaw_deg)
    columns = np.arange(HEAD_W_PX, dtype=np.float32)
    sources = np.zeros((HEAD_H_PX, HEAD_W_PX), np.float32)
    for row in range(HEAD_H_PX):
        there = CENTRE_PX[0] + (columns - CENTRE_PX[0]) * np.cos(angle) + depth[row] * np.sin(angle)
        seen = np.maximum.accumulate(there) if angle <= 0 else np.minimum.accumulate(there[::-1])[::-1]
        seen = seen + np.arange(HEAD_W_PX) * 1e-4
        sources[row] = np.interp(columns, seen, columns, left=0, right=HEAD_W_PX - 1)
    _, rows = _grid()
    four = np.dstack([flat, (mask * 255).astype(np.uint8)])
    out = cv2.remap(four, sources, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(out, np.uint8)


def astronaut() -> Picture:
    """Eileen Collins, photographed by NASA, public domain; from scikit-image. (512, 512, 3)."""
    from skimage import data

    return np.ascontiguousarray(data.astronaut()[:, :, ::-1])  # type: ignore[no-untyped-call]


def cast(detect: Callable[[Picture], Sequence[Face]], folder: Path | None = None) -> list[Person]:
    """The people of a scene: five made from one public-domain portrait, or one for each person of `folder`.

    In a folder a person is what stands before the last underscore of a file's name. Raises `PortraitError`.
    """
    if folder is None:
        portrait = astronaut()
        face = _surest("astronaut", portrait, detect)
        return [make_person(f"made {seed}", "synthetic", portrait, face, Look.drawn(seed)) for seed in CAST]
    first: dict[str, Picture] = {}
    for name, picture in read_portraits(folder):
        first.setdefault(name.rpartition("_")[0] or name, picture)
    if len(first) < LEAST_CAST:
        raise PortraitError(f"{folder}: portraits of {len(first)} people, at least {LEAST_CAST} are needed")
    return [
        make_person(name, folder.name, picture, _surest(name, picture, detect))
        for name, picture in list(first.items())[:MOST_CAST]
    ]


def _surest(name: str, picture: Picture, detect: Callable[[Picture], Sequence[Face]]) -> Face:
    faces = detect(picture)
    if not faces:
        raise PortraitError(f"{name}: no face is found in it")
    return faces[0]
