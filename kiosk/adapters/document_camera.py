"""Cameras for documents: the one that sees visitors, one of its own, and picture files in its place.

None of them looks while no document is asked for: the shared one lets pictures go, its own is closed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from kiosk.adapters.camera import VideoCamera
from kiosk.events import CameraFrame
from kiosk.ports import Clock, DeviceLost
from kiosk.runtime.buffer import Buffer, Closed

WIDTH_PX: Final = 1280
HEIGHT_PX: Final = 720
PICTURES_HZ: Final = 8
PICTURES_MOST: Final = 64  # of a folder
MOST_FILE_BYTES: Final = 16 * 1024 * 1024
MOST_SIDE_PX: Final = 4096
SUFFIXES: Final = frozenset({".png", ".jpg", ".jpeg"})


class SharedDocumentCamera:
    """Looks at the frames it is shown, while it is asked to. Nothing is kept of them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._frames: Buffer[CameraFrame] | None = None

    @property
    def wanted(self) -> bool:
        """Whether somebody shows a document just now."""
        return self._frames is not None

    def show(self, frame: CameraFrame) -> None:
        """A picture of the camera, while it is wanted."""
        if self._frames is not None:
            self._frames.offer(frame)

    async def frames(self, within_s: float) -> AsyncIterator[CameraFrame]:
        frames: Buffer[CameraFrame] = Buffer(1, "latest_only")
        self._frames = frames
        ends = asyncio.create_task(_close_after(self._clock, frames, within_s), name="document-camera")
        try:
            while True:
                yield await frames.get()
        except Closed:
            return
        finally:
            ends.cancel()
            if self._frames is frames:
                self._frames = None

    def stop(self) -> None:
        if self._frames is not None:
            self._frames.close()


class OwnDocumentCamera:
    """A video device above the reading area, or a stream: opened for one document, closed after it."""

    def __init__(self, name: str, clock: Clock) -> None:
        self._name, self._clock = name, clock
        self._stopped = asyncio.Event()

    async def frames(self, within_s: float) -> AsyncIterator[CameraFrame]:
        self._stopped = stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        camera = await asyncio.to_thread(VideoCamera, self._name, loop, WIDTH_PX, HEIGHT_PX)
        until_ns = self._clock.now_ns() + int(within_s * 1e9)
        frames = camera.frames()
        try:
            async for frame in frames:
                if stopped.is_set() or self._clock.now_ns() >= until_ns:
                    return
                yield frame
        finally:
            await frames.aclose()  # type: ignore[attr-defined]  # a generator
            await camera.close()

    def stop(self) -> None:
        self._stopped.set()


class PictureDocumentCamera:
    """The twin: what is held up stands in a picture file, or in those of a folder, one after the other by name."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path, self._clock = path, clock
        self._stopped = False

    async def frames(self, within_s: float) -> AsyncIterator[CameraFrame]:
        self._stopped = False
        until_ns = self._clock.now_ns() + int(within_s * 1e9)
        shown = 0
        while not self._stopped and self._clock.now_ns() < until_ns:
            files = self._files()
            if files:
                yield CameraFrame(_picture(files[shown % len(files)]), self._clock.now_ns())
                shown += 1
            await self._clock.sleep(1 / PICTURES_HZ)

    def stop(self) -> None:
        self._stopped = True

    def _files(self) -> list[Path]:
        if self._path.is_dir():
            found = sorted(path for path in self._path.iterdir() if path.suffix.lower() in SUFFIXES)
            return found[:PICTURES_MOST]
        return [self._path] if self._path.exists() else []


def _picture(path: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """A picture file as (h, w, 3). Raises `DeviceLost` naming file and fault."""
    if path.stat().st_size > MOST_FILE_BYTES:
        raise DeviceLost(f"{path}: larger than {MOST_FILE_BYTES} bytes")
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise DeviceLost(f"{path}: no picture that can be read")
    if max(picture.shape[:2]) > MOST_SIDE_PX or min(picture.shape[:2]) < 64:
        raise DeviceLost(f"{path}: {picture.shape[1]} x {picture.shape[0]} pixels, at most {MOST_SIDE_PX} a side")
    return np.asarray(picture, np.uint8)


async def _close_after(clock: Clock, frames: Buffer[CameraFrame], within_s: float) -> None:
    await clock.sleep(within_s)
    frames.close()
