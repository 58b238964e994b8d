"""Somebody came, somebody left: faces and times in, presence out."""

from __future__ import annotations

import pytest

from config.schema import Seeing
from kiosk.events import FaceMoved, PersonArrived, PersonLeft
from kiosk.vision.presence import MS, Presence, SeenFace

pytestmark = pytest.mark.unit

SEEING = Seeing()
NEAR = SeenFace(0.5, 0.4, 0.2)
BETWEEN = SeenFace(0.5, 0.4, (SEEING.near_face_share + SEEING.far_face_share) / 2)
FAR = SeenFace(0.5, 0.4, 0.05)


def play(*looks: tuple[SeenFace | None, int]) -> list[tuple[type, int]]:
    """(face, milliseconds it stays) looked at four times a second → what was told, and when (ms)."""
    presence, now_ms, told = Presence(SEEING), 0, []
    for face, duration_ms in looks:
        for _ in range(duration_ms // 250):
            now_ms += 250
            events = presence.step([face] if face else [], now_ms * MS)
            told += [(type(event), now_ms) for event in events if not isinstance(event, FaceMoved)]
    return told


def test_who_stops_in_front_has_arrived_within_a_second() -> None:
    told = play((None, 1000), (NEAR, 2000))
    assert [kind for kind, _ in told] == [PersonArrived]
    assert told[0][1] - 1000 <= 1000


def test_who_walks_past_is_not_greeted() -> None:
    assert play((FAR, 1000), (NEAR, 500), (FAR, 2000), (None, 5000)) == []


def test_a_turned_head_is_not_leaving_but_three_seconds_away_are() -> None:
    told = play((NEAR, 2000), (None, 1500), (NEAR, 1000), (None, 4000))
    assert [kind for kind, _ in told] == [PersonArrived, PersonLeft]
    assert told[1][1] >= 4500 + 3000 - 250


def test_stepping_back_a_little_neither_leaves_nor_arrives_again() -> None:
    assert [kind for kind, _ in play((NEAR, 2000), (BETWEEN, 10_000), (NEAR, 2000))] == [PersonArrived]


def test_the_nearest_of_several_faces_is_followed() -> None:
    presence = Presence(SEEING)
    moved = []
    for look in range(1, 8):
        moved += list(presence.step([SeenFace(0.1, 0.5, 0.08), SeenFace(0.9, 0.5, 0.25)], look * 250 * MS))
    faces = [event for event in moved if isinstance(event, FaceMoved)]
    assert faces and all(face.x == pytest.approx(0.8) for face in faces)
