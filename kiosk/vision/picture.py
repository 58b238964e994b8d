"""Is the camera's picture one that can be looked at? Covered, frozen, upside down, too bright: said within a second.

Pure: a picture in, a stated trouble out. It looks at light, detail and change of a small copy, and keeps the small copy
of the last picture only. A trouble has to last LASTS_NS before it is told, and to be gone as long before it is over.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import cv2
import numpy as np
import numpy.typing as npt

from models.yunet import Face

MS: Final = 1_000_000
Code = Literal[
    "not_a_picture", "covered", "dark", "overexposed", "frozen", "torn",
    "upside_down", "colours_swapped", "slow", "small",
]  # fmt: skip
TAMPER: Final = frozenset(("covered", "frozen", "upside_down"))  # somebody may have done it on purpose
BLIND: Final = frozenset(("not_a_picture", "covered", "overexposed", "frozen", "torn"))  # nothing can be seen
LASTED: Final = frozenset(("frozen", "upside_down", "colours_swapped"))  # it took several looks to find out
LASTS_NS: Final = 400 * MS
FROZEN_NS: Final = 600 * MS  # and at least two looks; told at once
MOVED_BY: Final = 25  # of 255: a pixel of the small copy that somebody walked through
MOVED_SHARE: Final = 0.004
SMALL_W, SMALL_H = 80, 60
LEAST_PX: Final = 32  # of a side: less is no picture
MOST_PX: Final = 8_192
COARSE_PX: Final = 200  # narrower pictures show only whoever is near
SLOW_NS: Final = 350 * MS
COVERED_LIGHT: Final = 28.0  # mean of 255, and
COVERED_DETAIL: Final = 7.0  # deviation: a hand, a cap, tape
FLAT_DETAIL: Final = 2.5  # so little is no lobby, however bright
DARK_LIGHT: Final = 18.0
BRIGHT: Final = 250
BRIGHT_SHARE: Final = 0.65
TORN_ROWS: Final = 0.2  # of the height, below: all one colour, as decoders leave what did not arrive
DOUBTS_BELOW: Final = 0.88  # a detector's score from which on a face stands upright for certain
DOUBT_EVERY_NS: Final = 250 * MS
BETTER: Final = 0.07  # a face upside down is found, less surely
TURNED_LOOKS: Final = 2
BLUER: Final = 12.0  # skin is redder than blue, in every light that a lobby has
SWAPPED_LOOKS: Final = 3


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with the pictures, by a stable code."""

    code: Code

    @property
    def blind(self) -> bool:
        """Faces cannot be looked for."""
        return self.code in BLIND

    @property
    def useless(self) -> bool:
        """The camera counts as missing until it is over."""
        return self.blind or self.code == "upside_down"

    @property
    def tamper(self) -> bool:
        return self.code in TAMPER


class PictureWatch:
    """The camera's pictures, one after the other. `tally` counts troubles that were told, and what was no picture."""

    def __init__(self) -> None:
        self.trouble: Trouble | None = None  # as told
        self.tally: Counter[str] = Counter()
        self._last: npt.NDArray[np.uint8] | None = None
        self._last_ns = 0
        self._first_ns: int | None = None
        self._changed_ns = 0
        self._equal = 0  # looks in a row with the same picture
        self._moved = False
        self._candidate: Code | None = None
        self._since_ns = 0
        self._periods: deque[int] = deque(maxlen=4)
        self._turned = 0
        self._swapped = 0
        self._doubted_ns = -4 * DOUBT_EVERY_NS

    def blinked(self) -> None:
        """Another camera, or the same after it was away."""
        self._last, self._first_ns, self._candidate, self.trouble = None, None, None, None
        self._periods.clear()
        self._turned = self._swapped = 0

    def look(self, bgr: npt.NDArray[np.uint8], at_ns: int) -> Trouble | None:
        """Take one picture, (h, w, 3) uint8 or whatever came instead; the trouble as it is told now."""
        code = self._code(bgr, at_ns)
        if code == "not_a_picture":
            self.tally["not_a_picture_frames"] += 1
        if code != self._candidate:
            self._candidate, self._since_ns = code, at_ns
        told = self.trouble.code if self.trouble else None
        if code != told and (at_ns - self._since_ns >= LASTS_NS or code in LASTED):
            self.trouble = Trouble(code) if code else None
            if code:
                self.tally[code] += 1
        if code == "not_a_picture":  # not to be looked at, told or not
            return Trouble(code)
        return self.trouble

    def _code(self, bgr: npt.NDArray[np.uint8], at_ns: int) -> Code | None:
        if not _is_picture(bgr):
            return "not_a_picture"
        if self._first_ns is None:
            self._first_ns = self._changed_ns = at_ns
        elif at_ns > self._last_ns:
            self._periods.append(at_ns - self._last_ns)
        self._last_ns = at_ns
        small = _small(bgr)
        differs = None if self._last is None else cv2.absdiff(small, self._last)
        self._last = small
        self._moved = differs is not None and float(np.mean(differs > MOVED_BY)) >= MOVED_SHARE
        if differs is None or differs.any():
            self._changed_ns, self._equal = at_ns, 0
        else:
            self._equal += 1
        if self._equal >= 2 and at_ns - self._changed_ns >= FROZEN_NS:
            return "frozen"  # no sensor gives the same noise twice
        light, detail = float(small.mean()), float(small.std())
        if (light < COVERED_LIGHT and detail < COVERED_DETAIL) or detail < FLAT_DETAIL:
            return "overexposed" if light >= BRIGHT else "covered"
        if float(np.mean(small >= BRIGHT)) >= BRIGHT_SHARE:
            return "overexposed"
        if _torn(bgr):
            return "torn"
        return self._doubtful(bgr, light)

    def _doubtful(self, bgr: npt.NDArray[np.uint8], light: float) -> Code | None:
        """What can still be looked at."""
        if self._turned >= TURNED_LOOKS:
            return "upside_down"
        if self._swapped >= SWAPPED_LOOKS:
            return "colours_swapped"
        if light < DARK_LIGHT:
            return "dark"
        if bgr.shape[1] < COARSE_PX:
            return "small"
        return "slow" if len(self._periods) >= 2 and min(self._periods) >= SLOW_NS else None

    # ------------------------------------------------------------ by the faces in it
    def doubts_upright(self, surest: float, at_ns: int) -> bool:
        """Should the picture be searched the other way up as well? `surest`: of the faces that are near, 0 for none."""
        if surest >= DOUBTS_BELOW:
            self._turned = 0
            return False
        seldom = surest == 0 and self._turned == 0
        if at_ns - self._doubted_ns < DOUBT_EVERY_NS * (4 if seldom else 1) or (seldom and not self._moved):
            return False  # in an empty lobby nobody can be upside down
        self._doubted_ns = at_ns
        return True

    def upright(self, faces: Sequence[Face], turned: Sequence[Face]) -> None:
        """The faces as the picture came and as it is the other way up."""
        as_is = max((face.score for face in faces), default=0.0)
        other = max((face.score for face in turned), default=0.0)
        if other >= 0.8 and other > as_is + BETTER:
            self._turned += 1
        elif as_is > other:
            self._turned = 0

    def colours(self, bgr: npt.NDArray[np.uint8], faces: Sequence[Face]) -> None:
        """Is the skin of the surest face blue?"""
        if not faces or faces[0].w < 24:
            return
        face = faces[0]
        x, y = int(face.x + face.w * 0.3), int(face.y + face.h * 0.45)
        skin = bgr[max(0, y) : y + max(2, int(face.h * 0.2)), max(0, x) : x + max(2, int(face.w * 0.4))]
        if skin.size == 0:
            return
        blue, _, red = skin.reshape(-1, 3).mean(axis=0)
        self._swapped = self._swapped + 1 if blue - red > BLUER else 0


def _is_picture(bgr: object) -> bool:
    return (
        isinstance(bgr, np.ndarray)
        and bgr.dtype == np.uint8
        and bgr.ndim == 3
        and bgr.shape[2] == 3
        and min(bgr.shape[:2]) >= LEAST_PX
        and max(bgr.shape[:2]) <= MOST_PX
    )


def _small(bgr: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """(SMALL_H, SMALL_W) grey. Single pixels, not means: noise is what tells a live picture from a frozen one."""
    small = cv2.resize(bgr, (SMALL_W, SMALL_H), interpolation=cv2.INTER_NEAREST)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.uint8)


def _torn(bgr: npt.NDArray[np.uint8]) -> bool:
    """The rows below are one colour throughout, those above are not."""
    rows = max(2, int(bgr.shape[0] * TORN_ROWS))
    below = bgr[-rows :: max(1, rows // 8), ::8]
    return bool((below == below[0, 0]).all())
