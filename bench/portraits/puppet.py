"""A still portrait that turns its head and blinks: its 478 points in three dimensions, textured by the picture.

The head is turned about an axis behind the face and seen in perspective; hair and neck follow less the farther they
are, the background stays. Lids close by moving their points. A puppet has no back of the head: beyond 35 degrees it
tears. Drawn by skia, triangles from far to near.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
import skia

from models.mesh import FaceMesh
from models.yunet import YuNet

WIDTH_PX: Final = 480
HEIGHT_PX: Final = 360
FACE_PX: Final = 124  # width of the face as it stands at the terminal
LIDS: Final = (
    ((246, 161, 160, 159, 158, 157, 173), (7, 163, 144, 145, 153, 154, 155)),
    ((466, 388, 387, 386, 385, 384, 398), (249, 390, 373, 374, 380, 381, 382)),
)  # of each eye: points of the upper and the lower lid, from the outer corner to the inner
CORNERS: Final = ((33, 133), (263, 362))
ABOVE: Final = ((27, 28, 29, 56, 222, 223), (257, 258, 259, 286, 442, 443))  # skin between lid and brow
RINGS: Final = ((1.25, 0.9), (1.6, 0.45))  # of the outline: how far out, how much it follows the head
AXIS: Final = 0.55  # behind the face, of its width
AWAY: Final = 4.0  # from the camera, of the face's width

Picture = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]


class NoFace(ValueError):
    """There is no face in the portrait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pose:
    """What the puppet does in one frame. Degrees; positive yaw is the person's left, positive pitch is down."""

    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    blink: float = 0.0
    x_px: float = 0.0  # the head sways, the background does not
    y_px: float = 0.0


class Puppet:
    """One portrait, cut so that its face has the size it would have at the terminal."""

    def __init__(self, portrait: Picture, detector: YuNet, mesh: FaceMesh, face_px: float = FACE_PX) -> None:
        self.still = _framed(portrait, detector, mesh, face_px)
        found = detector.detect(self.still)
        look = mesh.look(self.still, max(found, key=lambda face: face.w)) if found else None
        if look is None:
            raise NoFace("no face was found in the portrait")
        self.points = look.points
        self._width = float(np.ptp(look.points[:468, 0]))
        self._rest, self._follows = self._grid()
        self._triangles = triangles_of(self._rest[:, :2])
        self._shader = shader_of(self.still)

    def draw(self, pose: Pose) -> Picture:
        """(HEIGHT_PX, WIDTH_PX, 3) blue first."""
        moved = self._moved(pose)
        depth = moved[self._triangles, 2].mean(axis=1)
        order = self._triangles[np.argsort(-depth, kind="stable")]
        drawn = textured(moved[:, :2], self._rest[:, :2], order, self._shader, self.still)
        if pose.blink > 0:
            self._cover_eyes(drawn, moved[:, :2], pose.blink)
        return drawn

    def _grid(self) -> tuple[Floats, Floats]:
        """Points (n, 3) at rest, and how much each follows the head."""
        face = self.points
        outline = cv2.convexHull(face[:468, :2].astype(np.float32))[:, 0].astype(np.float64)
        middle, back = face[:468, :2].mean(axis=0), float(np.percentile(face[:468, 2], 95))
        rows, follows = [face], [np.ones(len(face))]
        for out, much in RINGS:
            ring = middle + (outline[::2] - middle) * out
            rows.append(np.column_stack([ring, np.full(len(ring), back + (out - 1) * 0.5 * self._width)]))
            follows.append(np.full(len(ring), much))
        xs, ys = np.linspace(0, WIDTH_PX - 1, 9), np.linspace(0, HEIGHT_PX - 1, 7)
        edge = [(x, y) for x in xs for y in ys if x in (xs[0], xs[-1]) or y in (ys[0], ys[-1])]
        rows.append(np.array([(x, y, back + self._width) for x, y in edge]))
        follows.append(np.zeros(len(edge)))
        grid = np.vstack(rows)
        inside = np.all((grid[:, :2] >= -2) & (grid[:, :2] <= (WIDTH_PX + 1, HEIGHT_PX + 1)), axis=1)
        return grid[inside], np.concatenate(follows)[inside]

    def _moved(self, pose: Pose) -> Floats:
        points = self._rest.copy()
        if pose.blink > 0:
            self._close_lids(points, pose.blink)
        middle = self.points[:468].mean(axis=0)
        centre = np.array([middle[0], middle[1], middle[2] + AXIS * self._width])
        yaw, pitch = np.radians(pose.yaw_deg), np.radians(pose.pitch_deg)
        turn_y = np.array([[np.cos(yaw), 0, -np.sin(yaw)], [0, 1, 0], [np.sin(yaw), 0, np.cos(yaw)]])
        turn_x = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
        turned = (points - centre) @ (turn_x @ turn_y).T + centre
        seen = _perspective(turned, middle, self._width)
        rest = _perspective(points, middle, self._width)
        points[:, :2] += self._follows[:, None] * (seen[:, :2] - rest[:, :2] + (pose.x_px, pose.y_px))
        points[:, 2] = turned[:, 2]
        return points

    def _close_lids(self, points: Floats, blink: float) -> None:
        """The outlines of both eyes meet near the lower lid."""
        rest = self._rest
        for upper, lower in LIDS:
            for above, below in zip(upper, lower, strict=True):
                meet = rest[below] * 0.9 + rest[above] * 0.1
                points[above] = rest[above] + (meet - rest[above]) * blink
                points[below] = rest[below] + (meet - rest[below]) * blink

    def _cover_eyes(self, drawn: Picture, flat: Floats, blink: float) -> None:
        """The lid that came down has the colour of the skin above it, and ends in lashes."""
        open_at = flat + (self._rest[:, :2] - self._lids_at(blink))
        for (upper, _), corners, skin in zip(LIDS, CORNERS, ABOVE, strict=True):
            colour = np.median([drawn[_inside(flat[i])] for i in skin], axis=0)
            lid = np.vstack([open_at[corners[:1]], open_at[list(upper)], open_at[corners[1:]], flat[list(upper)][::-1]])
            over = np.zeros(drawn.shape[:2], np.float32)
            cv2.fillPoly(over, [np.round(lid * 16).astype(np.int32)], 1.0, cv2.LINE_AA, shift=4)
            soft = np.asarray(cv2.GaussianBlur(over, (0, 0), 0.8))[:, :, None]
            drawn[:] = np.asarray(drawn * (1 - soft) + colour * 0.94 * soft, np.uint8)
            edge = np.vstack([open_at[corners[:1]], flat[list(upper)], open_at[corners[1:]]])
            line = np.zeros(drawn.shape[:2], np.float32)
            cv2.polylines(line, [np.round(edge * 16).astype(np.int32)], False, 1.0, 2, cv2.LINE_AA, shift=4)
            lashes = 0.75 * np.asarray(cv2.GaussianBlur(line, (0, 0), 0.7))[:, :, None]
            drawn[:] = np.asarray(drawn * (1 - lashes) + colour * 0.35 * lashes, np.uint8)

    def _lids_at(self, blink: float) -> Floats:
        points = self._rest.copy()
        self._close_lids(points, blink)
        return points[:, :2]


def _inside(point: Floats) -> tuple[int, int]:
    return int(np.clip(point[1], 0, HEIGHT_PX - 1)), int(np.clip(point[0], 0, WIDTH_PX - 1))


def _perspective(points: Floats, middle: Floats, width: float) -> Floats:
    """Seen by a camera AWAY face widths before the middle of the face."""
    away = AWAY * width
    near = away / np.maximum(0.2 * away, away + points[:, 2] - middle[2])
    return np.column_stack([middle[0] + (points[:, 0] - middle[0]) * near,
                            middle[1] + (points[:, 1] - middle[1]) * near, points[:, 2]])  # fmt: skip


def _framed(portrait: Picture, detector: YuNet, mesh: FaceMesh, face_px: float) -> Picture:
    """The portrait upright, its face `face_px` wide and in the middle. Raises `NoFace`."""
    found = detector.detect(portrait)
    if not found:
        raise NoFace("no face was found in the portrait")
    middle = np.array(portrait.shape[1::-1]) / 2
    face = min(found, key=lambda one: float(np.hypot(*(np.array([one.x + one.w / 2, one.y + one.h / 2]) - middle))))
    look = mesh.look(portrait, face)
    if look is None:
        raise NoFace("no face was found in the portrait")
    flat = look.points[:468, :2]
    scale, centre = face_px / max(1.0, float(np.ptp(flat[:, 0]))), (flat.min(0) + flat.max(0)) / 2
    matrix = cv2.getRotationMatrix2D((float(centre[0]), float(centre[1])), look.roll_deg, scale)
    matrix[:, 2] += np.array([WIDTH_PX / 2, HEIGHT_PX * 0.47]) - centre
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(
        cv2.warpAffine(portrait, matrix, (WIDTH_PX, HEIGHT_PX), flags=how, borderMode=cv2.BORDER_REFLECT), np.uint8
    )


def triangles_of(flat: Floats) -> npt.NDArray[np.int64]:
    """(n, 3) indices of the Delaunay triangles."""
    division = cv2.Subdiv2D((-8, -8, WIDTH_PX + 16, HEIGHT_PX + 16))
    place: dict[tuple[float, float], int] = {}
    for index, (x, y) in enumerate(flat):
        key = (round(float(np.float32(x)), 2), round(float(np.float32(y)), 2))
        if key not in place:
            place[key] = index
            division.insert((float(x), float(y)))
    found = []
    for row in division.getTriangleList():
        corners = [place.get((round(float(row[i]), 2), round(float(row[i + 1]), 2))) for i in (0, 2, 4)]
        if None not in corners and len(set(corners)) == 3:
            found.append(corners)
    return np.asarray(found, np.int64)


def shader_of(bgr: Picture) -> skia.Shader:
    """The picture as skia's paint."""
    rgba = np.ascontiguousarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGBA))
    image = skia.Image.fromarray(rgba, colorType=skia.kRGBA_8888_ColorType)
    return image.makeShader(skia.TileMode.kClamp, skia.TileMode.kClamp, skia.SamplingOptions(skia.FilterMode.kLinear))


def textured(
    where: Floats, texture: Floats, triangles: npt.NDArray[np.int64], shader: skia.Shader, under: Picture
) -> Picture:
    """`under` with triangles drawn over it: corners `where` (n, 2) show the shader at `texture` (n, 2)."""
    canvas_rgba = np.ascontiguousarray(cv2.cvtColor(under, cv2.COLOR_BGR2RGBA))
    canvas = skia.Surface(canvas_rgba, colorType=skia.kRGBA_8888_ColorType).getCanvas()
    vertices = skia.Vertices(
        skia.Vertices.kTriangles_VertexMode,
        [skia.Point(float(x), float(y)) for x, y in where],
        [skia.Point(float(x), float(y)) for x, y in texture],
        None,
        [int(i) for i in triangles.ravel()],
    )
    paint = skia.Paint(Shader=shader, AntiAlias=False)
    canvas.drawVertices(vertices, paint)
    return np.asarray(cv2.cvtColor(canvas_rgba, cv2.COLOR_RGBA2BGR), np.uint8)
