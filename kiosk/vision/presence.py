"""Somebody came, looks away, left, was replaced: faces in, presence out. Pure; keeps no picture.

One visitor is served at a time, and stays the one who is served however near others come; the next waits until they
have gone. What becomes of a visit by what is seen is one table. Whose face it is decides nothing but whether it is
still the visitor who was greeted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from enum import Enum, auto
from typing import Final

from config.schema import Seeing
from kiosk.events import AttentionLost, FaceMoved, PersonArrived, PersonLeft
from kiosk.vision.faces import Pose, SeenFace
from kiosk.vision.likeness import Judged, Likeness, Vector
from kiosk.vision.stillness import BEGAN_NS, MOVED, MOVED_SIZE, Spots, Stillness
from kiosk.vision.tracks import Standing, Track, Tracks

MS: Final = 1_000_000
LEARN_EVERY_NS: Final = 300 * MS
CHECK_EVERY_NS: Final = 1_500 * MS  # is it still them?
AGAIN_NS: Final = 250 * MS  # after a look that said otherwise
OTHERS: Final = 2  # looks in a row that say 'somebody else'
CLEAR: Final = 0.75  # a detector less sure than this gives no face worth comparing
STRAIGHT_DEG: Final = 15.0  # a face turned further is compared when it looks ahead again
JUMPS: Final = 0.10  # of its size or width, from one look to the next: is it still the same face?
GAP_NS: Final = 1_000 * MS
BACK_PLACE: Final = 0.8  # without templates: face widths from where the visitor was lost
BACK_WITHIN_NS: Final = 1_200 * MS

PresenceEvent = PersonArrived | PersonLeft | FaceMoved | AttentionLost


class Seat(Enum):
    """The visit, as the camera sees it."""

    EMPTY = auto()
    TAKEN = auto()
    TURNED = auto()  # they stand there and look elsewhere
    HIDDEN = auto()  # they are not seen: stepped aside, bent down, somebody is in front of them


class Seen(Enum):
    """What the last look means for the visit."""

    CAME = auto()
    ATTENDS = auto()
    TURNS_AWAY = auto()
    STAYS_AWAY = auto()  # for as long as a warning takes, again and again
    VANISHES = auto()
    STAYS_GONE = auto()
    OTHER = auto()  # somebody else stands in their place


class Said(Enum):
    ARRIVED = auto()
    WARN = auto()
    LEFT = auto()


_S, _N = Seat, Seen
TABLE: Final[dict[tuple[Seat, Seen], tuple[Seat, Said | None]]] = {
    (_S.EMPTY, _N.CAME): (_S.TAKEN, Said.ARRIVED),
    (_S.TAKEN, _N.TURNS_AWAY): (_S.TURNED, None),
    (_S.TURNED, _N.ATTENDS): (_S.TAKEN, None),
    (_S.TURNED, _N.STAYS_AWAY): (_S.TURNED, Said.WARN),
    (_S.TAKEN, _N.VANISHES): (_S.HIDDEN, None),
    (_S.TURNED, _N.VANISHES): (_S.HIDDEN, None),
    (_S.HIDDEN, _N.ATTENDS): (_S.TAKEN, None),
    (_S.HIDDEN, _N.TURNS_AWAY): (_S.TURNED, None),
    (_S.HIDDEN, _N.STAYS_GONE): (_S.EMPTY, Said.LEFT),
    **{(seat, _N.OTHER): (_S.EMPTY, Said.LEFT) for seat in (_S.TAKEN, _S.TURNED, _S.HIDDEN)},
}  # fmt: skip


class Presence:
    """Who is served, from look to look. `tally` counts what became of faces, by name."""

    def __init__(self, seeing: Seeing) -> None:
        self._set = seeing
        self.tracks = Tracks(seeing)
        self.seat = Seat.EMPTY
        self.served: int | None = None  # the track of who is served
        self.near = 0  # faces that are near, at the last look
        self.tally: Counter[str] = Counter()
        self._likeness = Likeness()
        self._still = Stillness()
        self._spots = Spots()
        self._began_ns: int | None = None
        self._looked_ns = 0
        self._lost_ns = 0  # when the visitor was last seen
        self._lost_face: SeenFace | None = None
        self._turned_ns = 0
        self._warned = 0
        self._others: dict[int, int] = {}  # looks in a row that say 'somebody else', by track
        self._asked_ns: dict[int, int] = {}  # when each track was last compared

    # ------------------------------------------------------------ what others ask
    @property
    def here(self) -> bool:
        """Somebody is served."""
        return self.seat is not Seat.EMPTY

    @property
    def hurried(self) -> bool:
        """Somebody is near or served: to be looked at often."""
        return self.here or any(track.face.near >= self._set.far_face_share for track in self.tracks.all.values())

    @property
    def waiting(self) -> int:
        """Others who stand near, in front of the screen, while somebody is served."""
        standing = (Standing.STOPPED, Standing.FACING)
        return sum(t.state in standing for t in self.tracks.all.values() if t.id != self.served) if self.here else 0

    @property
    def followed(self) -> Track | None:
        """The face whose points are worth a look: the visitor's; before there is one, the nearest that may be."""
        if self.here:
            return self.tracks.all.get(self.served or 0)
        near = [track for track in self.tracks.all.values() if track.face.near >= self._set.far_face_share]
        return max(near, key=lambda track: track.face.near, default=None)

    def adopt(self, seeing: Seeing) -> None:
        """Other times and distances from the next picture on."""
        self._set = self.tracks.seeing = seeing

    def blinked(self) -> None:
        """The camera is new, or was away: whoever is in view now was not seen to come."""
        self._began_ns = None
        self.tracks.forget()

    def attends(self, at_ns: int) -> None:
        """The visitor spoke or touched: that is attention, wherever they look."""
        self._turned_ns, self._warned = at_ns, 0

    # ------------------------------------------------------------ a look
    def step(self, faces: Sequence[SeenFace], at_ns: int) -> Iterator[PresenceEvent]:
        """Take the faces of one picture; yield what changed."""
        if self._began_ns is None:
            self._began_ns = at_ns
        if at_ns - self._looked_ns > GAP_NS:  # nobody looked: nobody can have been seen to leave
            self._lost_ns += at_ns - self._looked_ns
        self._looked_ns = at_ns
        self.tracks.update(faces, at_ns)
        self._lives(at_ns)
        self.near = sum(track.face.near >= self._set.far_face_share for track in self.tracks.all.values())
        if self.served is not None and self.served not in self.tracks.all:
            self.served = None
        if self.here and self.served is None and not self._set.tells_visitors_apart:
            self.served = self._back_in_place(at_ns)
        for seen in self._seen(at_ns):
            yield from self._take(seen, at_ns)
        track = self.tracks.all.get(self.served or 0)
        if self.here and track is not None:
            yield FaceMoved(track.face.x * 2 - 1, track.face.y * 2 - 1, at_ns)

    def posed(self, id_: int, pose: Pose | None, at_ns: int) -> None:
        """The points of that face."""
        self.tracks.posed(id_, pose, at_ns)

    def _take(self, seen: Seen, at_ns: int) -> Iterator[PresenceEvent]:
        self.seat, said = TABLE.get((self.seat, seen), (self.seat, None))
        if seen is Seen.TURNS_AWAY and said is None:
            self._turned_ns, self._warned = at_ns, 0
        match said:
            case Said.ARRIVED:
                self._begin(at_ns)
                yield PersonArrived(at_ns)
            case Said.WARN:
                self._warned += 1
                yield AttentionLost(self._warned, at_ns)
            case Said.LEFT:
                self.tally["replaced" if seen is Seen.OTHER else "left"] += 1
                self.forget()
                yield PersonLeft(at_ns)

    def _seen(self, at_ns: int) -> Iterator[Seen]:
        """What this look means, at most two things: somebody left, and the next one came."""
        if self.here:
            seen = self._of_visitor(at_ns)
            if seen is not None:
                yield seen
        if not self.here:
            ready = [track for track in self.tracks.all.values() if track.state is Standing.FACING and track.came]
            if ready:
                self.served = max(ready, key=lambda track: track.face.near).id
                yield Seen.CAME

    def _of_visitor(self, at_ns: int) -> Seen | None:
        track = self.tracks.all.get(self.served or 0)
        if track is None or track.state is Standing.UNSEEN or track.face.near < self._set.far_face_share:
            if track is not None and self._others.get(track.id, 0) >= OTHERS:
                self.served = None  # somebody far behind where the visitor was: their lips are not the visitor's
            if self.seat is not Seat.HIDDEN:
                return Seen.VANISHES
            if any(self._stands_instead(other) for other in self.tracks.all.values()):
                return Seen.OTHER
            return Seen.STAYS_GONE if at_ns - self._lost_ns >= self._set.leave_ms * MS else None
        if self._others.get(track.id, 0) >= OTHERS:
            return Seen.OTHER
        self._lost_ns, self._lost_face = at_ns, track.face
        if track.seen_ns == at_ns and track.jumped() > JUMPS:
            self._asked_ns.pop(track.id, None)  # somebody may have stepped in between: compare at once
        self._still.saw(track.face, at_ns)
        if self._still.lifeless:
            self._spots.remember(track.face)
            track.came = False
            self.tally["picture"] += 1
            return Seen.OTHER
        if track.face.facing(self._set) or track.faced_ns is not None:
            return Seen.ATTENDS
        if self.seat is not Seat.TURNED:
            return Seen.TURNS_AWAY
        waited = at_ns - self._turned_ns >= (self._warned + 1) * self._set.turned_s * 1e9
        return Seen.STAYS_AWAY if waited else None

    def _stands_instead(self, other: Track) -> bool:
        """Somebody who was compared and is not the visitor stands and looks at the screen, while they are gone."""
        if other.state is not Standing.FACING or other.id == self.served:
            return False
        if not self._set.tells_visitors_apart:
            return True
        return self._others.get(other.id, 0) >= OTHERS or not len(self._likeness)

    def _lives(self, at_ns: int) -> None:
        """Faces that were there from the beginning, or where a picture hangs, have to move first."""
        assert self._began_ns is not None
        for track in self.tracks.all.values():
            if track.first_ns == at_ns:
                track.came = at_ns - self._began_ns >= BEGAN_NS
                if not track.came:
                    self.tally["there from the beginning"] += 1
                    self._spots.remember(track.face)
            elif not track.came:
                _, x, y, near = track.places[0]
                moved = max(abs(track.face.x - x), abs(track.face.y - y)) > MOVED * near
                track.came = moved or abs(track.face.near / near - 1) > MOVED_SIZE
            if track.id != self.served and self._spots.hold(track.face):
                track.came = False  # whoever passed before a picture is not what hangs there

    # ------------------------------------------------------------ whose face
    def wants(self, at_ns: int) -> Track | None:
        """The face that should be compared now, if any: few looks need it."""
        if not self.here or not self._set.tells_visitors_apart:
            return None
        served = self.tracks.all.get(self.served or 0)
        if served is not None and served.seen_ns == at_ns:
            doubted = self._others.get(served.id, 0) > 0
            pause = AGAIN_NS if doubted else CHECK_EVERY_NS if self._likeness.full else LEARN_EVERY_NS
            return served if at_ns - self._asked_ns.get(served.id, 0) >= pause and self._clear(served) else None
        if served is None:
            for track in sorted(self.tracks.all.values(), key=lambda track: -track.face.near):
                near = track.face.near >= self._set.far_face_share and self._others.get(track.id, 0) < OTHERS
                waited = at_ns - self._asked_ns.get(track.id, 0) >= AGAIN_NS
                if near and waited and track.seen_ns == at_ns and self._clear(track):
                    return track
        return None

    def _clear(self, track: Track) -> bool:
        straight = track.face.pose is None or abs(track.face.pose.yaw_deg) <= STRAIGHT_DEG
        return straight and track.face.facing(self._set) and track.face.score >= CLEAR

    def compared(self, id_: int, vector: Vector, at_ns: int) -> Judged | None:
        """The template of that face. Learnt, judged and let go."""
        track = self.tracks.all.get(id_)
        if track is None or not self.here:
            return None
        self._asked_ns[id_] = at_ns
        judged = self._likeness.judge(vector)
        if id_ == self.served and judged != "other" and not self._likeness.full:
            self._likeness.learn(vector)
            return "same"
        self._others[id_] = self._others.get(id_, 0) + 1 if judged == "other" else 0
        self.tally[f"compared {judged}"] += 1
        if self.served is None and judged == "same":
            self.served = id_
        return judged

    def _back_in_place(self, at_ns: int) -> int | None:
        """Without comparing: who stands where the visitor was a moment ago is taken for them."""
        lost = self._lost_face
        if lost is None or at_ns - self._lost_ns > BACK_WITHIN_NS:
            return None
        for track in self.tracks.all.values():
            far = max(abs(track.face.x - lost.x), abs(track.face.y - lost.y)) / lost.near
            if track.first_ns > self._lost_ns and far <= BACK_PLACE and abs(track.face.near / lost.near - 1) < 0.3:
                return track.id
        return None

    # ------------------------------------------------------------ forgetting
    def _begin(self, at_ns: int) -> None:
        self._likeness.forget()
        self._still.forget()
        self._others.clear()
        self._asked_ns.clear()
        self._lost_ns, self._turned_ns, self._warned = at_ns, at_ns, 0
        self.tally["arrived"] += 1

    def forget(self) -> None:
        """Nothing of the visitor stays: no template, no track that was theirs."""
        self._likeness.forget()
        self._still.forget()
        self._others.clear()
        self._asked_ns.clear()
        self.served, self._lost_face = None, None
        self.seat = Seat.EMPTY

    @property
    def remembers(self) -> int:
        """Templates that are held."""
        return len(self._likeness)
