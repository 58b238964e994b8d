"""Who came, looks away, left, was replaced: faces and times in, presence out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from config.schema import Seeing
from kiosk.events import AttentionLost, FaceMoved, PersonArrived, PersonLeft
from kiosk.vision.faces import Pose, SeenFace
from kiosk.vision.likeness import OTHER, SAME, Likeness
from kiosk.vision.presence import MS, Presence, PresenceEvent, Seat
from kiosk.vision.tracks import MOST_TRACKS, Standing

pytestmark = pytest.mark.unit

SEEING = Seeing()
NEAR = SeenFace(0.5, 0.4, 0.2)
ASIDE = SeenFace(0.5, 0.4, 0.2, aside=0.6)
BETWEEN = SeenFace(0.5, 0.4, (SEEING.near_face_share + SEEING.far_face_share) / 2)
FAR = SeenFace(0.5, 0.4, 0.05)


def template(seed: int) -> np.ndarray:
    vector = np.random.default_rng(seed).normal(size=128)
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


class Lobby:
    """A presence that is shown faces ten times a second; `owner` says whose each of them is."""

    def __init__(self, seeing: Seeing = SEEING, empty_ms: int = 1500) -> None:
        self.presence = Presence(seeing)
        self.now_ms = 0
        self.told: list[tuple[str, int]] = []
        self.shown((), empty_ms)

    def shown(self, faces: Sequence[SeenFace] | SeenFace, for_ms: int, owner: Sequence[int] = ()) -> None:
        faces = [faces] if isinstance(faces, SeenFace) else list(faces)
        for _ in range(for_ms // 100):
            self.now_ms += 100
            sway = 0.004 * np.sin(self.now_ms / 300)
            there = [SeenFace(f.x + sway, f.y, f.share, f.eyes, f.aside, f.score, f.pose) for f in faces]
            self._note(self.presence.step(there, self.now_ms * MS))
            wanted = self.presence.wants(self.now_ms * MS)
            if wanted is not None and owner:
                whose = min(range(len(faces)), key=lambda at: abs(faces[at].x - wanted.face.x))
                self.presence.compared(wanted.id, template(owner[whose]), self.now_ms * MS)

    def walks(self, from_x: float, to_x: float, for_ms: int, face: SeenFace = NEAR) -> None:
        steps = for_ms // 100
        for step in range(steps):
            x = from_x + (to_x - from_x) * step / steps
            self.now_ms += 100
            self._note(self.presence.step([SeenFace(x, face.y, face.share, aside=face.aside)], self.now_ms * MS))

    def _note(self, events: Sequence[PresenceEvent] | object) -> None:
        for event in events:  # type: ignore[attr-defined]
            if not isinstance(event, FaceMoved):
                self.told.append((type(event).__name__, self.now_ms))

    @property
    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.told]


def test_who_stops_in_front_and_faces_the_screen_has_arrived_within_a_second() -> None:
    lobby = Lobby()
    lobby.shown(NEAR, 2000)
    assert lobby.kinds == ["PersonArrived"]
    assert lobby.told[0][1] - 1500 <= 1000


def test_who_walks_past_is_not_greeted_even_when_looking_at_the_screen() -> None:
    lobby = Lobby()
    lobby.walks(-0.1, 1.1, 1600)
    lobby.shown((), 3000)
    assert lobby.told == []


def test_who_stands_near_and_looks_elsewhere_is_greeted_only_when_facing_the_screen() -> None:
    lobby = Lobby()
    lobby.shown(ASIDE, 6000)
    assert lobby.told == []
    (track,) = lobby.presence.tracks.all.values()
    assert track.state is Standing.STOPPED
    lobby.shown(NEAR, 1000)
    assert lobby.kinds == ["PersonArrived"] and track.state is Standing.FACING


def test_the_points_of_the_face_and_the_eyes_decide_where_somebody_looks() -> None:
    def facing(yaw: float, gaze: float = 0.0, pitch: float = 12.0) -> bool:
        return SeenFace(0.5, 0.4, 0.2, pose=Pose(yaw, pitch, gaze)).facing(SEEING)

    assert facing(0) and facing(15) and facing(-15)
    assert not facing(40) and not facing(-40) and not facing(0, pitch=50)
    assert not facing(15, gaze=0.6)  # both to the same side
    assert facing(20, gaze=-0.4)  # the head is turned, the eyes come back
    assert SeenFace(0.5, 0.4, 0.1, eyes=0.08).near > SeenFace(0.5, 0.4, 0.1).near


def test_a_turned_head_is_not_leaving_but_three_seconds_away_are() -> None:
    lobby = Lobby()
    lobby.shown(NEAR, 2000, owner=[1])
    lobby.shown((), 1500)
    lobby.shown(NEAR, 1000, owner=[1])
    assert lobby.kinds == ["PersonArrived"]
    gone_ms = lobby.now_ms
    lobby.shown((), 4500)
    assert lobby.kinds == ["PersonArrived", "PersonLeft"]
    assert 3000 <= lobby.told[1][1] - gone_ms <= 3600


def test_stepping_back_a_little_neither_leaves_nor_arrives_again() -> None:
    lobby = Lobby()
    for face in (NEAR, BETWEEN, NEAR):
        before = lobby.presence.followed
        for share in np.linspace(before.face.share if before else face.share, face.share, 6):
            lobby.shown(SeenFace(0.5, 0.4, float(share)), 300, owner=[1])
        lobby.shown(face, 3000, owner=[1])
    assert lobby.kinds == ["PersonArrived"]


def test_the_visitor_stays_the_visitor_however_near_another_comes_and_the_next_waits() -> None:
    lobby = Lobby()
    visitor, other = SeenFace(0.35, 0.4, 0.16), SeenFace(0.75, 0.4, 0.22)
    lobby.shown(visitor, 2000, owner=[1])
    lobby.shown((visitor, other), 4000, owner=[1, 2])
    served = lobby.presence.tracks.all[lobby.presence.served or 0]
    assert served.face.share == pytest.approx(0.16) and lobby.presence.waiting == 1
    assert lobby.kinds == ["PersonArrived"]
    lobby.shown((other,), 2500, owner=[2])  # the visitor goes; the next is greeted as somebody else
    assert lobby.kinds == ["PersonArrived", "PersonLeft", "PersonArrived"]
    assert lobby.presence.tally["replaced"] == 1


def test_somebody_who_takes_the_place_in_one_moment_does_not_go_on_with_the_visit() -> None:
    lobby = Lobby()
    lobby.shown(NEAR, 3000, owner=[1])
    swapped_ms = lobby.now_ms
    lobby.shown(SeenFace(0.52, 0.4, 0.22), 3000, owner=[2])  # same place, same size: only the face tells
    assert lobby.kinds == ["PersonArrived", "PersonLeft", "PersonArrived"]
    assert lobby.told[1][1] - swapped_ms <= 2000


def test_the_same_visitor_back_after_a_moment_out_of_sight_goes_on() -> None:
    lobby = Lobby()
    lobby.shown(NEAR, 3000, owner=[1])
    lobby.shown((), 1800)
    lobby.shown(SeenFace(0.7, 0.4, 0.17), 3000, owner=[1])  # elsewhere
    assert lobby.kinds == ["PersonArrived"] and lobby.presence.seat is Seat.TAKEN


def test_somebody_far_behind_where_the_visitor_was_is_not_taken_for_them() -> None:
    lobby = Lobby()
    lobby.shown(NEAR, 3000, owner=[1])
    for share in (0.15, 0.11, 0.085):  # the visitor turns and is not found; the face behind them is
        lobby.shown(SeenFace(0.5, 0.4, share), 100, owner=[2])
    lobby.shown(SeenFace(0.5, 0.4, 0.085), 600, owner=[2])
    assert lobby.presence.seat is Seat.HIDDEN and lobby.presence.served is None
    assert lobby.presence.followed is None  # nobody's lips are the visitor's now
    lobby.shown((SeenFace(0.5, 0.4, 0.085), SeenFace(0.7, 0.4, 0.19)), 1000, owner=[2, 1])  # there they are again
    served = lobby.presence.tracks.all[lobby.presence.served or 0]
    assert served.face.share == pytest.approx(0.19)
    assert lobby.kinds == ["PersonArrived"] and lobby.presence.seat is Seat.TAKEN


def test_without_comparing_faces_the_place_decides_and_nothing_is_asked_for() -> None:
    lobby = Lobby(SEEING.model_copy(update={"tells_visitors_apart": False}))
    lobby.shown(NEAR, 3000)
    lobby.shown((), 900)
    lobby.shown(NEAR, 2000)
    assert lobby.kinds == ["PersonArrived"]
    lobby.shown((), 900)
    lobby.shown(SeenFace(0.15, 0.4, 0.3), 2000)
    assert lobby.kinds == ["PersonArrived", "PersonLeft", "PersonArrived"]
    assert lobby.presence.remembers == 0


def test_attention_lost_warns_again_and_again_and_speaking_is_attention() -> None:
    lobby = Lobby()
    lobby.shown(NEAR, 2000, owner=[1])
    turned_ms = lobby.now_ms
    lobby.shown(ASIDE, 12_000, owner=[1])
    assert lobby.kinds == ["PersonArrived", "AttentionLost"]
    assert abs(lobby.told[1][1] - turned_ms - 1000 * SEEING.turned_s) <= 400
    lobby.presence.attends(lobby.now_ms * MS)
    lobby.shown(ASIDE, 9_000, owner=[1])
    assert lobby.kinds.count("AttentionLost") == 1
    lobby.shown(ASIDE, 12_000, owner=[1])
    assert lobby.kinds.count("AttentionLost") == 3
    levels = [event for event in lobby.presence.step([ASIDE], lobby.now_ms * MS) if isinstance(event, AttentionLost)]
    assert levels == []  # once for each stretch of time


def test_a_poster_that_hangs_there_from_the_beginning_is_not_greeted_but_a_person_beside_it_is() -> None:
    lobby = Lobby(empty_ms=0)
    poster = SeenFace(0.2, 0.4, 0.18)
    for _ in range(100):
        lobby.now_ms += 100
        lobby._note(lobby.presence.step([poster], lobby.now_ms * MS))
    assert lobby.told == [] and lobby.presence.tally["there from the beginning"] == 1
    lobby.shown((poster, SeenFace(0.6, 0.4, 0.2)), 1500)
    assert lobby.kinds == ["PersonArrived"]


def test_what_is_put_up_and_never_moves_is_let_go_and_not_greeted_again() -> None:
    lobby = Lobby()
    standee = SeenFace(0.5, 0.4, 0.2)
    for _ in range(400):
        lobby.now_ms += 100
        lobby._note(lobby.presence.step([standee], lobby.now_ms * MS))
    assert lobby.kinds == ["PersonArrived", "PersonLeft"] and lobby.presence.tally["picture"] == 1
    lobby.shown((), 2000)
    lobby.shown(standee, 3000)
    assert lobby.kinds == ["PersonArrived", "PersonLeft"]


def test_a_crowd_is_followed_to_its_bound_and_the_others_are_counted() -> None:
    lobby = Lobby()
    lobby.shown([SeenFace(0.05 * number, 0.4, 0.04) for number in range(20)], 300)
    assert len(lobby.presence.tracks.all) == MOST_TRACKS and lobby.presence.tracks.tally_beyond > 0
    assert not lobby.presence.hurried  # all are far off


def test_nothing_of_a_visit_is_left_when_it_is_over() -> None:
    lobby = Lobby()
    lobby.shown(NEAR, 3000, owner=[1])
    assert lobby.presence.remembers == 3 and lobby.presence.hurried
    kept = list(lobby.presence._likeness._kept)
    lobby.shown((), 5000)
    assert lobby.presence.remembers == 0 and not any(vector.any() for vector in kept)  # overwritten, not only let go
    assert lobby.presence.tracks.all == {} and lobby.presence.followed is None and not lobby.presence.hurried


def test_a_likeness_between_the_two_thresholds_is_unsure_and_nothing_is_learnt_from_it() -> None:
    likeness, first = Likeness(), template(1)
    likeness.learn(first)
    across = template(2) - (template(2) @ first) * first
    across /= np.linalg.norm(across)

    def at(cosine: float) -> np.ndarray:
        return np.asarray(cosine * first + np.sqrt(1 - cosine**2) * across, np.float32)

    assert likeness.judge(at(SAME + 0.01)) == "same"
    assert likeness.judge(at((SAME + OTHER) / 2)) == "unsure"
    assert likeness.judge(at(OTHER - 0.01)) == "other"
    assert len(likeness) == 1


def test_events_carry_where_the_visitor_is() -> None:
    lobby = Lobby()
    lobby.shown(SeenFace(0.9, 0.5, 0.25), 1500)
    moved = [e for e in lobby.presence.step([SeenFace(0.9, 0.5, 0.25)], lobby.now_ms * MS) if isinstance(e, FaceMoved)]
    assert moved and moved[0].x == pytest.approx(0.8, abs=0.02)
    assert PersonArrived.__name__ in lobby.kinds and PersonLeft.__name__ not in lobby.kinds
