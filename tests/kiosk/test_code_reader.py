"""One suite for both readers of QR codes: the camera's frames, and a picture file."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import segno

from kiosk.adapters.code_reader import LONGEST_TEXT, CameraCodeReader, PictureCodeReader
from kiosk.events import CameraFrame, Picture
from kiosk.ports import CodeReader, DeviceLost
from kiosk.runtime.clock import SystemClock

pytestmark = pytest.mark.contract


def phone(text: str, folder: Path, *, mirrored: bool = False, noise: float = 6.0) -> Picture:
    """A lobby's picture, 640 × 480, in which somebody holds up a code, a little turned."""
    segno.make(text, micro=False).save(str(folder / "code.png"), scale=4, border=4)
    code = cv2.imread(str(folder / "code.png"))
    side = 220
    code = cv2.resize(code, (side, side), interpolation=cv2.INTER_AREA)
    picture = np.full((480, 640, 3), 120, np.uint8)
    matrix = cv2.getRotationMatrix2D((side / 2, side / 2), 8, 1.0)
    matrix[:, 2] += (210, 130)
    cv2.warpAffine(code, matrix, (640, 480), dst=picture, borderMode=cv2.BORDER_TRANSPARENT)
    blurred = cv2.GaussianBlur(picture, (0, 0), 0.7).astype(np.float32)
    seen = np.clip(blurred + np.random.default_rng(1).normal(0, noise, blurred.shape), 0, 255).astype(np.uint8)
    return np.ascontiguousarray(seen[:, ::-1]) if mirrored else seen


def empty() -> Picture:
    return np.full((480, 640, 3), 120, np.uint8)


class Camera:
    """Shows a picture fifteen times a second, while it is wanted."""

    def __init__(self) -> None:
        self.reader = CameraCodeReader(SystemClock())
        self.shown = 0

    def hold_up(self, picture: Picture) -> None:
        self.picture = picture

    async def read(self, within_s: float) -> str | None:
        async def frames() -> None:
            while True:
                if self.reader.wanted:
                    self.shown += 1
                    self.reader.show(CameraFrame(self.picture, 0))
                await asyncio.sleep(1 / 15)

        running = asyncio.create_task(frames())
        try:
            return await self.reader.read(within_s)
        finally:
            running.cancel()
            await asyncio.wait([running])


class File:
    def __init__(self, folder: Path) -> None:
        self._path = folder / "held_up.png"
        self.reader = PictureCodeReader(self._path, SystemClock())

    def hold_up(self, picture: Picture) -> None:
        cv2.imwrite(str(self._path), picture)

    async def read(self, within_s: float) -> str | None:
        return await self.reader.read(within_s)


@pytest.fixture(params=["camera", "file"])
def eye(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    return Camera() if request.param == "camera" else File(tmp_path)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("text", ["482913", "https://qinghe.example/a/482913"])
async def test_a_code_that_is_held_up_is_read(eye: Any, tmp_path: Path, text: str, mirrored: bool) -> None:
    eye.hold_up(phone(text, tmp_path, mirrored=mirrored))
    assert await eye.read(20.0) == text


async def test_where_no_code_is_the_time_ends_with_none(eye: Any) -> None:
    eye.hold_up(empty())
    assert await eye.read(0.6) is None


async def test_a_code_that_says_too_much_is_none(eye: Any, tmp_path: Path) -> None:
    eye.hold_up(phone("a" * (LONGEST_TEXT + 1), tmp_path, noise=0))
    assert await eye.read(0.6) is None


async def test_the_camera_is_looked_at_only_while_it_is_asked_for(tmp_path: Path) -> None:
    camera = Camera()
    camera.hold_up(phone("482913", tmp_path))
    assert not camera.reader.wanted
    camera.reader.show(CameraFrame(camera.picture, 0))  # nobody asked: it is not kept
    assert await camera.read(20.0) == "482913"
    assert not camera.reader.wanted and camera.shown >= 1


async def test_nothing_held_up_is_no_fault_and_a_huge_file_is(tmp_path: Path) -> None:
    reader: CodeReader = PictureCodeReader(tmp_path / "held_up.png", SystemClock())
    assert await reader.read(0.1) is None
    (tmp_path / "held_up.png").write_bytes(b"\0" * (9 * 1024 * 1024))
    with pytest.raises(DeviceLost, match=r"held_up\.png"):
        await reader.read(0.1)
    (tmp_path / "held_up.png").write_bytes(b"no picture at all")
    assert await reader.read(0.1) is None
