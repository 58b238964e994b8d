"""One suite for the cameras: OpenCV's on a video file and over HTTP, and the walking portrait."""

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
from kiosk.adapters.mjpeg import MjpegServer, at_rate
from kiosk.events import CameraFrame
from kiosk.ports import DeviceLost
from kiosk.runtime.clock import SystemClock
from kiosk.runtime.worker import ModelThread
from kiosk.vision.eye import Eye, watch
from kiosk.vision.lips import LipWatch
from kiosk.vision.picture import Trouble
from kiosk.vision.presence import Presence
from models.landmarks import FaceLandmarks
from models.sface import SFace
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


@pytest.fixture(params=["opencv", "http", "portrait"])
async def camera(
    request: pytest.FixtureRequest, clip: Path, portrait: np.ndarray, face_box: tuple[int, int, int, int]
) -> Any:
    if request.param == "opencv":
        camera: Any = await asyncio.to_thread(VideoCamera, str(clip), asyncio.get_running_loop())
        yield camera
        await camera.close()
        return
    walking = PortraitCamera(SystemClock(), portrait, face_box)
    walking.walk(to_share=0.2, seconds=0.5)
    if request.param == "portrait":
        yield walking
        await walking.close()
        return
    server = MjpegServer(lambda: (walking.picture() for _ in itertools.count()), at_rate(CAMERA_HZ))
    camera = await asyncio.to_thread(VideoCamera, server.address, asyncio.get_running_loop())
    yield camera
    await camera.close()
    server.close()


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


async def test_no_more_pictures_are_converted_than_are_wanted(clip: Path) -> None:
    camera = await asyncio.to_thread(VideoCamera, str(clip), asyncio.get_running_loop())
    camera.wanted_hz = lambda: 4.0
    seen: list[CameraFrame] = []
    with pytest.raises(DeviceLost):
        async for frame in camera.frames():
            seen.append(frame)  # noqa: PERF401  # it ends by raising
    assert 4 <= len(seen) <= 15  # of thirty in two seconds
    await camera.close()


async def test_a_stream_that_stops_is_lost_and_one_that_sends_rubbish_is_no_crash(portrait: np.ndarray) -> None:
    pictures = [portrait, portrait[:100], cv2.imencode(".jpg", portrait)[1].tobytes()[:3000], portrait]
    server = MjpegServer(lambda: (pictures[at % len(pictures)] for at in range(30)), at_rate(30))
    camera = await asyncio.to_thread(VideoCamera, server.address, asyncio.get_running_loop())
    seen: list[CameraFrame] = []
    with pytest.raises(DeviceLost):
        async for frame in camera.frames():
            seen.append(frame)  # noqa: PERF401  # it ends by raising
    assert seen and all(frame.bgr.dtype == np.uint8 and frame.bgr.ndim == 3 for frame in seen)
    await camera.close()
    server.close()


async def test_the_approaching_portrait_arrives_and_leaves_through_the_real_eye(
    portrait: np.ndarray, face_box: tuple[int, int, int, int]
) -> None:
    camera, store, thread = PortraitCamera(SystemClock(), portrait, face_box), Store(), ModelThread("see")
    presence, lips, troubles = Presence(Seeing(leave_ms=600, arrive_ms=400)), LipWatch(), list[Trouble | None]()
    eye = Eye(
        thread, YuNet(store.open("yunet")), FaceLandmarks(store.open("face-landmarks")), SFace(store.open("sface")),
        presence, lips, found=troubles.append,
    )  # fmt: skip
    told: list[str] = []

    async def watching() -> None:
        async for event in watch(camera.frames(), eye, lambda: eye.wanted_hz(Seeing())):
            told.append(type(event).__name__)  # noqa: PERF401  # seen while it goes on

    async def until(kind: str) -> None:
        async with asyncio.timeout(40):
            while kind not in told:
                await asyncio.sleep(0.05)

    task = asyncio.create_task(watching())
    camera.walk(to_share=0.24, seconds=1)
    await until("PersonArrived")
    await until("FaceMoved")
    assert presence.hurried and eye.wanted_hz(Seeing()) == 15
    camera.walk(to_share=0.0, seconds=0.5, to_x=1.2)
    await until("PersonLeft")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    thread.close()
    assert presence.remembers == 0 and troubles == []
    assert CAMERA_HZ == 15 and CAMERA_W_PX == 640
