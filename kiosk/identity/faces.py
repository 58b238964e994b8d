"""The face at the terminal against a photo or a template: several frames, the best of them, one cosine.

Frames are looked at, and forgotten; what is kept of one is a template in memory, until `forget`. It says how alike two
faces are and how good the pictures were; whether somebody is who they say follows elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final, Literal, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from kiosk.identity.quality import HARD, Advice, Picture, Quality, judge, measure
from models.mesh import Mesh
from models.sface import SIDE_PX, TEMPLATE_PX, similarity_transform
from models.thresholds import load
from models.yunet import Face

Template = npt.NDArray[np.float32]
BEST: Final = 3  # frames whose templates are averaged
KEPT: Final = 12  # frames of which the best are taken
TURNED_DEG: Final = 8.0  # beyond, the picture is turned upright and looked at anew
RELIT_BELOW: Final = 70.0  # mean light of a face that is lifted before it is compared
WHITE: Final = 235.0  # what the brightest hundredth of a face is lifted to
LIFT_MOST: Final = 12.0
SECOND_SHARE: Final = 0.6  # of the first face's width: a second one as near as that is a second person

SaysSame = Literal["same", "other", "unsure"]


class Detector(Protocol):
    def detect(self, bgr: Picture) -> tuple[Face, ...]: ...


class Points(Protocol):
    def look(self, bgr: Picture, face: Face) -> Mesh | None: ...


class Embedder(Protocol):
    def template(self, bgr: Picture, face: Face) -> Template: ...


@dataclass(frozen=True, slots=True)
class Seen:
    """The nearest face of one picture, with everything that follows from looking at it. Private, short-lived."""

    face: Face = field(repr=False)
    mesh: Mesh = field(repr=False)
    quality: Quality
    advice: tuple[Advice, ...]
    upright: Picture = field(repr=False, compare=False)  # the picture in which face and mesh are


@dataclass(frozen=True, slots=True)
class Match:
    """How a comparison came out. `score` is a cosine; None: nothing could be compared."""

    says: SaysSame
    score: float | None
    advice: tuple[Advice, ...]
    frames: int


class FaceReader:
    """Looks at faces and makes templates; one thread calls it."""

    def __init__(self, detector: Detector, points: Points, embedder: Embedder) -> None:
        self._detector = detector
        self._points = points
        self._embedder = embedder

    def see(self, bgr: Picture, *, anywhere: bool = False) -> Seen | tuple[Advice, ...]:
        """The nearest face of a picture, or why there is none. `anywhere`: other people do not matter (a document)."""
        faces = self._detector.detect(bgr)
        if not faces:
            lifted, _ = relit(bgr)
            faces = self._detector.detect(lifted)
        if not faces:
            return ("no_face",)
        first, *others = sorted(faces, key=lambda face: -face.w * face.h)
        if not anywhere and any(other.w > SECOND_SHARE * first.w for other in others):
            return ("one_person",)
        return self.look_at(bgr, first)

    def look_at(self, bgr: Picture, face: Face) -> Seen | tuple[Advice, ...]:
        """Look closely at a face that was found."""
        visible, lifted = relit(bgr) if _light(bgr, face) < RELIT_BELOW else (bgr, 1.0)
        mesh = self._points.look(visible, face)
        if mesh is None:
            return ("no_face",)
        picture, turned = bgr, 0.0
        if abs(mesh.roll_deg) > TURNED_DEG and (again := self._upright(visible, face, mesh)) is not None:
            turned = mesh.roll_deg
            picture = _turned(bgr, face, turned) if lifted > 1.0 else again[0]
            visible, face, mesh = again
        quality = measure(picture, mesh)
        if lifted > 1.0:  # covered parts are looked for where there is light
            lit = measure(visible, mesh)
            quality = replace(lit, light=quality.light)
        quality = replace(quality, roll_deg=turned + quality.roll_deg)
        return Seen(face, mesh, quality, judge(quality), visible)

    def template(self, seen: Seen) -> Template:
        """(128,) of length one: the mean of the face and of its mirror image."""
        mirrored = np.ascontiguousarray(seen.upright[:, ::-1])
        both = self._embedder.template(seen.upright, seen.face) + self._embedder.template(
            mirrored, _mirror(seen.face, seen.upright.shape[1])
        )
        return np.asarray(both / np.linalg.norm(both), np.float32)

    def quick(self, bgr: Picture, mesh: Mesh) -> Template:
        """(128,) of a face as it is, by its mesh: for asking whether it is still the same."""
        return self._embedder.template(bgr, mesh.around())

    def _upright(self, bgr: Picture, face: Face, mesh: Mesh) -> tuple[Picture, Face, Mesh] | None:
        """The picture turned so that the eyes are level, with the face found again in it: detectors learnt upright
        faces, and their landmarks drift with the turn. By the mesh, which knows the angle better than they do."""
        turned = _turned(bgr, face, mesh.roll_deg)
        centre = (face.x + face.w / 2, face.y + face.h / 2)
        again = [one for one in self._detector.detect(turned) if _holds(one, centre)]
        if not again:
            return None
        upright = max(again, key=lambda one: one.score)
        straight = self._points.look(turned, upright)
        return (turned, upright, straight) if straight is not None else None


def _turned(bgr: Picture, face: Face, degrees: float) -> Picture:
    """Turned about the middle of the face."""
    turn = cv2.getRotationMatrix2D((face.x + face.w / 2, face.y + face.h / 2), degrees, 1.0)
    size = (bgr.shape[1], bgr.shape[0])
    return np.asarray(cv2.warpAffine(bgr, turn, size, borderMode=cv2.BORDER_REFLECT), np.uint8)


class Comparison:
    """Frames of one visitor, gathered until they are compared; nothing of them is left after `forget`."""

    def __init__(self, reader: FaceReader) -> None:
        self._reader = reader
        self._best: list[tuple[float, Template]] = []
        self.advice: tuple[Advice, ...] = ("no_face",)  # of the last frame
        self.frames = 0

    def frame(self, bgr: Picture) -> tuple[Advice, ...]:
        """Take a frame into account; what the visitor should do, if anything."""
        seen = self._reader.see(bgr)
        if isinstance(seen, tuple):
            self.advice = seen
            return seen
        self.take(seen)
        return seen.advice

    def take(self, seen: Seen) -> None:
        """Take a face that was seen into account."""
        self.frames += 1
        self.advice = seen.advice
        if HARD & set(seen.advice):
            return
        worth = seen.quality.worth - (10.0 if seen.advice else 0.0)
        if len(self._best) >= BEST and worth <= self._best[-1][0]:
            return
        self._best.append((worth, self._reader.template(seen)))
        self._best.sort(key=lambda row: -row[0])
        del self._best[BEST:]

    def template(self) -> Template | None:
        """(128,) of the best frames together; None: there is none that may be compared."""
        if not self._best:
            return None
        mean = np.mean([template for _, template in self._best], axis=0)
        return np.asarray(mean / np.linalg.norm(mean), np.float32)

    def match(self, reference: Template) -> Match:
        """Against a photo's or an enrolled template."""
        mine = self.template()
        if mine is None:
            return Match("unsure", None, self.advice, self.frames)
        good = self._best[0][0] > 0
        return Match(says(float(mine @ reference), good), float(mine @ reference), () if good else self.advice,
                     self.frames)  # fmt: skip

    def forget(self) -> None:
        for _, template in self._best:
            template.fill(0)
        self._best.clear()
        self.frames = 0


def says(score: float, good: bool) -> SaysSame:
    """What a cosine says. A poor picture may say yes, never no."""
    gates = load("face")
    if score >= gates["same"].value:
        return "same"
    return "other" if good and score < gates["other"].value else "unsure"


def relit(bgr: Picture) -> tuple[Picture, float]:
    """A dark picture lifted so that its brightest hundredth is nearly white, and by how much."""
    lift = min(LIFT_MOST, WHITE / max(1.0, float(np.percentile(bgr, 99))))
    if lift <= 1.1:
        return bgr, 1.0
    return np.asarray(np.clip(bgr.astype(np.float32) * lift, 0, 255), np.uint8), lift


def _light(bgr: Picture, face: Face) -> float:
    x, y = max(0, int(face.x)), max(0, int(face.y))
    inside = bgr[y : y + max(1, int(face.h)), x : x + max(1, int(face.w))]
    return float(inside.mean()) if inside.size else 0.0


def _holds(face: Face, point: tuple[float, float]) -> bool:
    return face.x <= point[0] <= face.x + face.w and face.y <= point[1] <= face.y + face.h


def _mirror(face: Face, width_px: int) -> Face:
    points = face.landmarks[[1, 0, 2, 4, 3]].copy()
    points[:, 0] = width_px - 1 - points[:, 0]
    return Face(x=width_px - face.x - face.w, y=face.y, w=face.w, h=face.h, landmarks=points, score=face.score)


def crop_of(bgr: Picture, face: Face) -> Picture:
    """The aligned (112, 112, 3) picture that is compared."""
    return np.asarray(
        cv2.warpAffine(bgr, similarity_transform(face.landmarks, TEMPLATE_PX), (SIDE_PX, SIDE_PX)), np.uint8
    )
