"""The same face from look to look, and what it is doing: coming, passing, standing, facing the screen, leaving.

Pure: places and sizes in, a state for each face out, by one table. It knows a face by where it was a moment ago, not by
whose it is, and keeps nothing longer than the face is in view.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Final

from config.schema import Seeing
from kiosk.vision.faces import Pose, SeenFace

MS: Final = 1_000_000
MOST_TRACKS: Final = 12  # the nearest; the others are counted
KEPT_NS: Final = 2_500 * MS  # of each face's way
MOST_PLACES: Final = 64
UNSEEN_NS: Final = 700 * MS  # a face that blinks away for less is the same one
REACH: Final = 0.6  # face widths from where it was expected
SIZES: Final = (0.72, 1.38)  # of a face from one look to the next
STILL_WIDTHS: Final = 0.35  # who stands sways by less than this
STILL_SIZE: Final = 0.07
GROWS: Final = 0.10  # in a second: coming closer


class Standing(Enum):
    """What somebody in view is doing."""

    FAR = auto()
    APPROACHING = auto()
    PASSING = auto()  # near, and walking by
    STOPPED = auto()  # near, standing, looking elsewhere
    FACING = auto()  # near, standing, looking at the screen
    LEAVING = auto()
    UNSEEN = auto()  # not found in the last looks


class Sign(Enum):
    """What the last looks show of a face."""

    DISTANT = auto()
    CLOSER = auto()
    ACROSS = auto()
    AWAY = auto()
    STILL = auto()
    STILL_FACING = auto()
    HIDDEN = auto()


_S, _G = Standing, Sign
# Whoever stood may turn, sway and step back without having left; whoever never stood is passing until standing.
TABLE: Final[dict[tuple[Standing, Sign], Standing]] = {
    **{(state, _G.DISTANT): _S.FAR for state in Standing},
    **{(state, _G.HIDDEN): _S.UNSEEN for state in Standing},
    **{(state, _G.CLOSER): _S.APPROACHING for state in Standing},
    **{(state, _G.STILL): _S.STOPPED for state in Standing},
    **{(state, _G.STILL_FACING): _S.FACING for state in Standing},
    **{(state, _G.ACROSS): _S.PASSING for state in (_S.FAR, _S.APPROACHING, _S.PASSING, _S.UNSEEN)},
    **{(state, _G.ACROSS): _S.LEAVING for state in (_S.STOPPED, _S.FACING, _S.LEAVING)},
    **{(state, _G.AWAY): _S.LEAVING for state in Standing},
}  # fmt: skip


@dataclass(slots=True)
class Track:
    """One face over time."""

    id: int
    face: SeenFace
    first_ns: int
    seen_ns: int
    state: Standing = Standing.FAR
    came: bool = True  # False: was there from the beginning, as a poster is; it has to move first
    faced_ns: int | None = None  # since when it faces the screen, without a pause
    misses: int = 0  # looks in a row that it did not face it
    places: deque[tuple[int, float, float, float]] = field(default_factory=lambda: deque(maxlen=MOST_PLACES))

    def still_ns(self) -> int:
        """For how long it has stood where it is now."""
        _, x, y, near = self.places[-1]
        since = self.seen_ns
        for at, px, py, pn in reversed(self.places):
            if max(abs(px - x), abs(py - y)) > STILL_WIDTHS * near or abs(pn / near - 1) > STILL_SIZE:
                break
            since = at
        return self.seen_ns - since

    def growth(self) -> float:
        """How much nearer it got in the last half second, as a share a second."""
        last_at, _, _, last = self.places[-1]
        for at, _, _, near in reversed(self.places):
            if last_at - at >= 450 * MS:
                return (last / near - 1) * 1e9 / (last_at - at)
        return 0.0

    def jumped(self) -> float:
        """How far it came from one look to the last, in its widths, or how much it grew, whichever is more."""
        if len(self.places) < 2:
            return 0.0
        (_, px, py, pn), (_, x, y, near) = self.places[-2], self.places[-1]
        return max(abs(x - px) / near, abs(y - py) / near, abs(near / pn - 1))

    def facing_ns(self) -> int:
        return 0 if self.faced_ns is None else self.seen_ns - self.faced_ns

    def expected(self, at_ns: int) -> tuple[float, float]:
        """Where it should be at `at_ns`, going on as in its last two looks."""
        at, x, y, _ = self.places[-1]
        if len(self.places) < 2:
            return x, y
        before, px, py, _ = self.places[-2]
        ahead = min(1.5, (at_ns - at) / max(1, at - before))
        return x + (x - px) * ahead, y + (y - py) * ahead

    def sign(self, seeing: Seeing, at_ns: int) -> Sign:
        """What its last looks say."""
        if at_ns - self.seen_ns > UNSEEN_NS // 2:
            return Sign.HIDDEN
        stands = self.state in (Standing.STOPPED, Standing.FACING, Standing.LEAVING)
        needed = seeing.far_face_share if stands else seeing.near_face_share
        grows = self.growth()
        if self.face.near < needed:
            return Sign.CLOSER if grows > GROWS and self.face.near >= seeing.far_face_share else Sign.DISTANT
        if self.still_ns() >= seeing.arrive_ms * MS:
            return Sign.STILL_FACING if self.facing_ns() >= seeing.arrive_ms * MS else Sign.STILL
        if grows > GROWS:
            return Sign.CLOSER
        return Sign.AWAY if grows < -GROWS else Sign.ACROSS


class Tracks:
    """All faces in view. `tally_beyond` counts those that were further than the nearest MOST_TRACKS."""

    def __init__(self, seeing: Seeing) -> None:
        self.seeing = seeing
        self.all: dict[int, Track] = {}
        self._next = 1
        self.tally_beyond = 0

    def forget(self) -> None:
        self.all.clear()

    def update(self, faces: Sequence[SeenFace], at_ns: int) -> None:
        """Take all faces of one picture."""
        faces = sorted(faces, key=lambda face: -face.near)
        self.tally_beyond += max(0, len(faces) - MOST_TRACKS)
        faces = faces[:MOST_TRACKS]
        left = set(range(len(faces)))
        pairs = []
        for track in self.all.values():
            x, y = track.expected(at_ns)
            for number, face in enumerate(faces):
                far = max(abs(face.x - x), 0.75 * abs(face.y - y)) / max(1e-6, max(face.near, track.face.near))
                slack = 1 + min(1.0, (at_ns - track.seen_ns) / 250e6)  # the longer unseen, the further it may be
                if far <= REACH * slack and SIZES[0] / slack <= face.near / track.face.near <= SIZES[1] * slack:
                    pairs.append((far + abs(face.near / track.face.near - 1), track.id, number))
        matched: set[int] = set()
        for _, id_, number in sorted(pairs):
            if id_ not in matched and number in left:
                matched.add(id_)
                left.discard(number)
                self._saw(self.all[id_], faces[number], at_ns)
        for number in sorted(left):
            self._begin(faces[number], at_ns)
        for track in list(self.all.values()):
            if at_ns - track.seen_ns > UNSEEN_NS:
                del self.all[track.id]
            else:
                track.state = TABLE[track.state, track.sign(self.seeing, at_ns)]
        for track in sorted(self.all.values(), key=lambda track: -track.face.near)[MOST_TRACKS:]:
            del self.all[track.id]

    def posed(self, id_: int, pose: Pose | None, at_ns: int) -> None:
        """The points of one face, in the picture of the last look or one since; None: there was no face after all."""
        track = self.all.get(id_)
        if track is None or pose is None:
            return
        track.face = replace(track.face, pose=pose)
        self._faces(track, at_ns)

    def _begin(self, face: SeenFace, at_ns: int) -> None:
        track = Track(self._next, face, at_ns, at_ns)
        self._next += 1
        track.places.append((at_ns, face.x, face.y, face.near))
        self.all[track.id] = track
        self._faces(track, at_ns)

    def _saw(self, track: Track, face: SeenFace, at_ns: int) -> None:
        pose = track.face.pose if at_ns - track.seen_ns < UNSEEN_NS // 2 else None
        track.face = replace(face, pose=face.pose or pose)
        track.seen_ns = at_ns
        track.places.append((at_ns, face.x, face.y, face.near))
        while track.places[0][0] < at_ns - KEPT_NS:
            track.places.popleft()
        self._faces(track, at_ns)

    def _faces(self, track: Track, at_ns: int) -> None:
        """One look that is off does not end a gaze; two do."""
        if track.face.facing(self.seeing):
            track.misses = 0
            track.faced_ns = at_ns if track.faced_ns is None else track.faced_ns
        else:
            track.misses += 1
            if track.misses >= 2:
                track.faced_ns = None
