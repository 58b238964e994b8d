"""One suite for both cameras: OpenCV's, on a video file in place of a device, and the walking portrait."""

from __future__ import annotations

import asyncio
import itertools
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from config.schema import Seeing
from kiosk.adapters.camera import VideoCamera
from kiosk.adapters.files import CAMERA_HZ, CAMERA_W_PX, PortraitCamera
from kiosk.events import CameraFrame
from kiosk.ports import DeviceLost
from kiosk.runtime.clock import SystemClock
from kiosk.vision.presence import Presence, SeenFace, watch
from models.store import Store
from models.yunet import YuNet

pytestmark = pytest.mark.contract


@pytest.fixture(scope="module")
def portrait() -> np.ndarray:
    from skimage import data

    return np.ascontiguousarray(data.astronaut()[:, :, ::-1])


@pytest.fixture(scope="module")
def face_box(portrait: np.ndarray) -> tuple[int, int, int, int]:
    face = max(YuNet(Store().open("yunet")).detect(portrait), key=lambda found: found.score)
    return round(face.x), round(face.y), round(face.w), round(face.h)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of a moving square, as a file that OpenCV opens like a device."""
    path = tmp_path_factory.mktemp("clip") / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 15, (640, 480))
    for number in range(30):
        picture = np.full((480, 640, 3), 90, np.uint8)
        picture[100:200, 10 * number : 10 * number + 100] = 255
        writer.write(picture)
    writer.release()
    return path


@pytest.fixture(params=["opencv", "portrait"])
async def camera(
    request: pytest.FixtureRequest, clip: Path, portrait: np.ndarray, face_box: tuple[int, int, int, int]
) -> Any:
    if request.param == "opencv":
        camera: Any = await asyncio.to_thread(VideoCamera, str(clip), asyncio.get_running_loop())
    else:
        camera = PortraitCamera(SystemClock(), portrait, face_box)
        camera.walk(to_share=0.2, seconds=0.5)
    yield camera
    await camera.close()


async def look(camera: Any, pictures: int) -> list[CameraFrame]:
    seen: list[CameraFrame] = []
    async for frame in camera.frames():
        seen.append(frame)
        if len(seen) == pictures:
            break
    return seen


async def test_pictures_are_colour_of_one_size_in_order(camera: Any) -> None:
    seen = await look(camera, 8)
    assert all(frame.bgr.shape == (480, 640, 3) and frame.bgr.dtype == np.uint8 for frame in seen)
    times = [frame.at_ns for frame in seen]
    assert times == sorted(times) and len(set(times)) == len(times)


async def test_pictures_move_and_come_at_the_cameras_own_pace(camera: Any) -> None:
    began = time.monotonic()
    seen = await look(camera, 10)
    assert 0.3 < time.monotonic() - began < 1.5
    assert any(not np.array_equal(a.bgr, b.bgr) for a, b in itertools.pairwise(seen))


async def test_a_slow_reader_gets_the_newest_picture_not_the_oldest(camera: Any) -> None:
    await look(camera, 1)
    await asyncio.sleep(0.5)
    (late,) = await look(camera, 1)
    assert time.monotonic_ns() - late.at_ns < 250_000_000


async def test_closing_takes_less_than_a_second(camera: Any) -> None:
    await look(camera, 1)
    began = time.monotonic()
    await camera.close()
    assert time.monotonic() - began < 1


async def test_a_camera_that_ends_is_lost(clip: Path) -> None:
    camera = await asyncio.to_thread(VideoCamera, str(clip), asyncio.get_running_loop())
    with pytest.raises(DeviceLost, match="stopped delivering"):
        await look(camera, 1000)
    await camera.close()


async def test_a_camera_that_is_not_there_is_named() -> None:
    with pytest.raises(DeviceLost, match="/dev/no-such-camera"):
        VideoCamera("/dev/no-such-camera", asyncio.get_running_loop())


async def test_the_approaching_portrait_arrives_and_leaves_by_the_real_detector(
    portrait: np.ndarray, face_box: tuple[int, int, int, int]
) -> None:
    camera, detector = PortraitCamera(SystemClock(), portrait, face_box), YuNet(Store().open("yunet"))

    async def faces(bgr: np.ndarray) -> list[SeenFace]:
        return [SeenFace((f.x + f.w / 2) / 640, (f.y + f.h / 2) / 480, f.w / 640) for f in detector.detect(bgr)]

    told: list[str] = []

    async def watching() -> None:
        presence = Presence(Seeing(leave_ms=600, arrive_ms=400))
        async for event in watch(camera.frames(), lambda frame: faces(frame.bgr), presence, lambda: 8):
            told.append(type(event).__name__)  # noqa: PERF401  # seen while it goes on

    task = asyncio.create_task(watching())
    camera.walk(to_share=0.24, seconds=1)
    await asyncio.sleep(2.2)
    assert "PersonArrived" in told
    camera.walk(to_share=0.0, seconds=0.5, to_x=1.2)
    await asyncio.sleep(2)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert "PersonLeft" in told
    assert CAMERA_HZ == 15 and CAMERA_W_PX == 640
