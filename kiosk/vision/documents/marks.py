"""Does it carry what no print carries: something whose colour changes as it is tilted? Pure.

Serves the moment after everything was read and nothing spoke against it. Genuine documents carry such a mark: an ID
card's portrait side a wall and an oval in its film, a passport's page a kinegram, a bank card a hologram or at least
a chip of metal. Paper, photo paper and paper in plastic do not: near any place of them, a lamp does nothing but scale
what is printed and lay its own light over it. So each frame is explained, near each block and in each colour, as the
middle frame times a number plus a number; what is left over, in colour, is what a mark does within its borders and
not beside them. It refuses to say that a document is genuine: whoever has such a film can stick it on a print.

Of each frame 32 x 20 blocks of mean colour stay until the look is over: nothing can be read in them, nobody known.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from kiosk.vision.documents.corners import Corners, Picture, flattened
from kiosk.vision.documents.layout import Kind

Blocks = npt.NDArray[np.float32]  # (ROWS, COLUMNS, 3) linear light
Plane = npt.NDArray[np.float32]

COLUMNS: Final = 32
ROWS: Final = 20
FLAT_W_PX: Final = 512
NEAR: Final = 7  # blocks across in which scaling and overlay count as one
QUIET: Final = 0.004  # of brightness: noise of a block's colour
UNSTEADY: Final = 0.05  # of a block's own step in colour that corners found amiss make of it
PLAIN: Final = 0.2  # of frames: a block's own colour is that of its less coloured ones, in which a mark rests
REGULAR: Final = 2e-4
LIKE: Final = 0.85  # correlation with the middle frame: below, the corners were found elsewhere
BURNT: Final = 250
BURNT_MOST: Final = 0.03  # of a block, or of one beside it: what is burnt out has lost its colour
FRAMES_LEAST: Final = 6
FRAMES_ANYWHERE: Final = 12  # where it is not known in which place a mark would be
IN_A_ROW: Final = 2  # frames after each of which the mark shows
TILTED: Final = 0.05  # change of how opposite sides compare: some 6 degrees
OFTEN: Final = 0.9  # of frames: what is seen in one alone counts for nothing
FEW: Final = 0.97  # of blocks: those that change most
MANY: Final = 0.75  # and those that anything odd about light, corners or dots changes as well


PLACES: Final[dict[Kind, tuple[tuple[float, float, float, float], ...]]] = {
    "id_front": ((0.08, 0.2, 0.44, 0.4), (0.65, 0.66, 0.91, 0.84)),
}
"""Where a mark lies, if that is known: left, top, right, bottom. An ID card's wall lies over sex and nation, its oval
below the portrait."""
STRETCH: Final = (5, 2)  # blocks that a part of a mark fills: what they have in common counts
TOP_BLOCKS: Final = 6  # of its places
ELSEWHERE: Final = 0.9  # of the blocks beside them: what anything odd about light, corners or dots makes of them
LOUDEST: Final = 6.0  # more than that of one block counts as that
MARKED: Final[dict[Kind, float]] = {"id_front": 1.6, "passport": 7.0, "bank_card": 20.0}
"""From which change on a mark is seen; the kinds that carry one. An ID card's emblem side carries none."""


class Watched:
    """What was seen of one document while it was tilted."""

    def __init__(self) -> None:
        self._seen: list[Blocks] = []
        self._burnt: list[Plane] = []
        self._slants: list[tuple[float, float]] = []
        self._shown = 0
        self.change = 0.0  # how much some of it changes in colour as nothing printed does

    def add(self, picture: Picture, corners: Corners, kind: Kind, *, turned: bool = False) -> None:
        """One more frame (h, w, 3) of a document of this kind. Some 10 ms."""
        flat = flattened(picture, corners, FLAT_W_PX)
        small = cv2.resize(flat, (COLUMNS * 4, ROWS * 4), interpolation=cv2.INTER_AREA)
        if turned:
            small = cv2.rotate(small, cv2.ROTATE_180)
        light = (small.astype(np.float32) / 255) ** 2  # near enough to a camera's curve
        burnt = (small.max(axis=2) >= BURNT).astype(np.float32)
        self._burnt.append(np.asarray(cv2.resize(burnt, (COLUMNS, ROWS), interpolation=cv2.INTER_AREA), np.float32))
        self._seen.append(np.asarray(cv2.resize(light, (COLUMNS, ROWS), interpolation=cv2.INTER_AREA), np.float32))
        self._slants.append(_slant(corners))
        if self.tilted:
            self.change = change(self._seen, self._burnt, kind)
        self._shown = self._shown + 1 if self.change > MARKED[kind] else 0

    @property
    def marked(self) -> bool:
        """Whether a mark was seen."""
        return self._shown >= IN_A_ROW

    @property
    def frames(self) -> int:
        """How many frames were seen."""
        return len(self._seen)

    @property
    def tilted(self) -> bool:
        """Whether it was tilted enough for a mark to show."""
        if self.frames < FRAMES_LEAST:
            return False
        told = np.array(self._slants)
        return bool(np.ptp(np.sort(told, axis=0)[1:-1], axis=0).max() > TILTED)  # without one odd frame each way


def change(seen: list[Blocks], burnt: list[Plane], kind: Kind) -> float:
    """Of frames (n, ROWS, COLUMNS, 3) and the share of each block (n, ROWS, COLUMNS) that is burnt out: how much the
    places of a mark change by what is beside them; or, where they are not known, how much the blocks that change most
    do, times how much more that is than what the many do. 0 for too few frames."""
    frames = np.array(seen, np.float32)
    middle = np.median(frames, axis=0)
    kept = np.array([_alike(frame, middle) > LIKE for frame in frames])
    if kept.sum() < (FRAMES_LEAST if kind in PLACES else FRAMES_ANYWHERE):
        return 0.0
    left = _left_over(frames[kept], np.array(burnt, np.float32)[kept])
    places = PLACES.get(kind)
    if places is None:
        told = np.quantile(np.linalg.norm(left, axis=3), OFTEN, axis=0)
        most, many = np.quantile(told[1:-1, 1:-1], (FEW, MANY))
        return float(most * most / (many + 0.3))
    common = np.array([cv2.blur(np.clip(one, -LOUDEST, LOUDEST), STRETCH) for one in left])
    told = np.quantile(np.linalg.norm(common, axis=3), OFTEN, axis=0)
    there = _blocks_of(places)
    beside = cv2.dilate(there.astype(np.uint8), np.ones((3, 5), np.uint8)) == 0
    beside[[0, -1]] = beside[:, [0, -1]] = False  # where the background looks in
    most = float(np.sort(told[there])[-TOP_BLOCKS:].mean())
    return most / (float(np.quantile(told[beside], ELSEWHERE)) + 0.3)


def _blocks_of(places: tuple[tuple[float, float, float, float], ...]) -> npt.NDArray[np.bool_]:
    """(ROWS, COLUMNS) the blocks that lie in places."""
    found = np.zeros((ROWS, COLUMNS), np.bool_)
    for left, top, right, bottom in places:
        found[round(top * ROWS) : round(bottom * ROWS), round(left * COLUMNS) : round(right * COLUMNS)] = True
    return found


def _left_over(frames: npt.NDArray[np.float32], burnt: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """(n - 1, ROWS, COLUMNS, 3) what printed matter under lamps does not explain, without what is grey of it, in units
    of what noise and unsteady corners make; what is burnt out has none."""
    middle = np.asarray(np.median(frames, axis=0), np.float32)
    bright = cv2.blur(middle.mean(axis=2), (NEAR, NEAR))[:, :, None] + 1e-4
    wide = np.ones((3, 3), np.uint8)
    left = np.array([
        _unexplained(frame, middle) / bright * (cv2.dilate(lost, wide) <= BURNT_MOST)[:, :, None]
        for frame, lost in zip(frames, burnt, strict=True)
    ])  # fmt: skip
    left = (left[:-1] + left[1:]) / 2  # a mark changes smoothly with the hand
    left -= left.mean(axis=3, keepdims=True)
    own = _own(frames)
    step = np.linalg.norm(cv2.dilate(own, wide) - cv2.erode(own, wide), axis=2)
    return np.asarray(left / (QUIET + UNSTEADY * step)[None, :, :, None], np.float32)


def _unexplained(frame: Blocks, middle: Blocks) -> Blocks:
    """What scaling and overlay, near each block and in each colour, leave over (He, Sun and Tang, "Guided Image
    Filtering", 2010, without its second averaging)."""
    near = (NEAR, NEAR)
    gain = float(np.median(frame) / max(float(np.median(middle)), 1e-4))
    of_middle, of_frame = cv2.blur(middle, near), cv2.blur(frame, near)
    together = cv2.blur(middle * frame, near) - of_middle * of_frame
    spread = cv2.blur(middle * middle, near) - of_middle * of_middle
    scale = (together + REGULAR * gain) / (spread + REGULAR)
    return np.asarray(frame - of_frame - scale * (middle - of_middle), np.float32)


def _own(frames: npt.NDArray[np.float32]) -> Blocks:
    """Each block's own colour, by the brightness around it."""
    bright = np.array([cv2.blur(frame.mean(axis=2), (NEAR, NEAR)) for frame in frames])[..., None] + 1e-4
    colours = (frames - frames.mean(axis=3, keepdims=True)) / bright
    order = np.argsort(np.linalg.norm(colours, axis=3), axis=0)[int(PLAIN * len(frames))]
    return np.asarray(np.take_along_axis(colours, order[None, :, :, None], axis=0)[0], np.float32)


def _alike(frame: Blocks, middle: Blocks) -> float:
    a, b = frame.mean(axis=2).ravel(), middle.mean(axis=2).ravel()
    a, b = a - a.mean(), b - b.mean()
    return float((a @ b) / max(float(np.linalg.norm(a) * np.linalg.norm(b)), 1e-6))


def _slant(corners: Corners) -> tuple[float, float]:
    """How the upper side compares with the lower one, and the left with the right."""
    top, right, bottom, left = (float(np.linalg.norm(corners[i] - corners[(i + 1) % 4])) for i in range(4))
    return float(np.log(max(top, 1.0) / max(bottom, 1.0))), float(np.log(max(left, 1.0) / max(right, 1.0)))
