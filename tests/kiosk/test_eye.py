"""The eye between camera and presence: gears, troubles, whose lips, whose face is compared; networks are scripted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import numpy as np
import pytest

from config.schema import Seeing
from kiosk.events import CameraFrame, PersonArrived, PersonLeft
from kiosk.vision.eye import Eye, watch
from kiosk.vision.lips import LipWatch
from kiosk.vision.picture import MS, Trouble
from kiosk.vision.presence import Presence
from models.landmarks import Landmarks
from models.yunet import Face

pytestmark = pytest.mark.unit
HZ = 15
MARK = 250
SHEET = np.random.default_rng(0).integers(60, 200, (480, 640, 3)).astype(np.uint8)


def face(x: float, w: float, score: float = 0.95) -> Face:
    eyes = np.array(
        [[x + 0.28 * w, 150], [x + 0.72 * w, 150], [x + 0.5 * w, 180], [x + 0.3 * w, 210], [x + 0.7 * w, 210]]
    )
    return Face(x=x, y=100, w=w, h=1.25 * w, landmarks=eyes.astype(np.float32), score=score)


class Networks:
    """What is found, by the frame's number (in the picture's first pixels); each call is counted."""

    def __init__(self, faces: Callable[[int], tuple[Face, ...]]) -> None:
        self._faces = faces
        self.searched = self.compared = 0
        self.pointed: list[float] = []

    async def call(self, work: Callable[..., Any], *args: Any) -> Any:
        return work(*args)

    def detect(self, bgr: np.ndarray) -> tuple[Face, ...]:
        if bgr[0, 0, 2] != MARK:  # the other way up
            return ()
        self.searched += 1
        return self._faces(int(bgr[0, 0, 0]) + 256 * int(bgr[0, 0, 1]))

    def look(self, bgr: np.ndarray, face: Face) -> Landmarks:
        self.pointed.append(face.x)
        return Landmarks(lip_gap=0.05 + 0.04 * (len(self.pointed) % 4 < 2), yaw_deg=0, pitch_deg=12)

    def template(self, bgr: np.ndarray, face: Face) -> np.ndarray:
        self.compared += 1
        return np.eye(1, 128, int(face.w), dtype=np.float32)[0]  # who is as broad is the same

    def eye(self, presence: Presence, lips: LipWatch, found: list[Trouble | None]) -> Eye:
        return Eye(self, self, self, self, presence, lips, found=found.append)


def frame(number: int) -> CameraFrame:
    bgr = np.roll(SHEET, number * 17, axis=1)
    bgr[0, 0] = number % 256, number // 256, MARK
    return CameraFrame(bgr, round(number * 1e9 / HZ))


Ran = tuple[Eye, list[Any], list[Trouble | None], LipWatch]


async def run(networks: Networks, seconds: float, draw: Callable[[int], CameraFrame] = frame) -> Ran:
    found: list[Trouble | None] = []
    lips = LipWatch()
    eye = networks.eye(Presence(Seeing()), lips, found)

    async def frames() -> AsyncIterator[CameraFrame]:
        for number in range(round(seconds * HZ)):
            yield draw(number)
            await asyncio.sleep(0)

    told = [e async for e in watch(frames(), eye, lambda: eye.wanted_hz(Seeing())) if not hasattr(e, "x")]
    return eye, told, found, lips


async def test_an_empty_lobby_is_looked_at_four_times_a_second_a_visitor_fifteen() -> None:
    networks = Networks(lambda number: ())
    await run(networks, 10)
    assert 30 <= networks.searched <= 52 and networks.pointed == []
    networks = Networks(lambda number: (face(250, 120),) if number > 30 else ())
    _, told, _, _ = await run(networks, 12)
    assert [type(event) for event in told] == [PersonArrived]
    assert len(networks.pointed) >= 0.85 * (12 * HZ - 45)  # the points in each picture
    assert networks.searched < 0.75 * 12 * HZ  # the others' faces in every second one
    assert networks.compared <= 3 + 10 / 1.5 + 1


async def test_the_lips_are_those_of_who_is_served_not_of_who_is_nearest() -> None:
    def faces(number: int) -> tuple[Face, ...]:
        return (face(60, 110),) if number < 60 else (face(60, 110), face(400, 170))

    networks = Networks(lambda number: faces(number) if number > 30 else ())
    eye, _, _, lips = await run(networks, 8)
    assert set(networks.pointed) == {60}
    assert (lips.share(6 * 1000 * MS, 8 * 1000 * MS) or 0) > 0.5 and eye.presence.waiting == 1


async def test_a_covered_camera_is_told_ends_no_visit_and_is_over_when_it_is_over() -> None:
    def draw(number: int) -> CameraFrame:
        if 90 <= number < 180:
            return CameraFrame(np.full((480, 640, 3), number % 3, np.uint8), round(number * 1e9 / HZ))
        return frame(number)

    networks = Networks(lambda number: (face(250, 120),) if number > 30 else ())
    eye, told, found, _ = await run(networks, 20, draw)
    assert [one.code if one else "" for one in found] == ["covered", ""] and found[0] and found[0].tamper
    assert [type(event) for event in told] == [PersonArrived]
    assert eye.tallies()["covered"] == 1


async def test_broken_pictures_are_passed_over_and_counted() -> None:
    def draw(number: int) -> CameraFrame:
        return (
            CameraFrame(np.zeros((0, 0, 3), np.uint8), round(number * 1e9 / HZ)) if number % 5 == 0 else frame(number)
        )

    networks = Networks(lambda number: (face(250, 120),) if number > 30 else ())
    eye, told, found, _ = await run(networks, 8, draw)
    assert PersonLeft not in [type(event) for event in told] and [type(event) for event in told] == [PersonArrived]
    assert eye.tallies()["not_a_picture_frames"] > 5 and found == []
