"""The real camera, through OpenCV, on a thread of its own: a driver that hangs freezes nothing else."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from typing import Final

import cv2
import numpy as np

from kiosk.events import CameraFrame
from kiosk.ports import DeviceLost
from kiosk.runtime.buffer import Buffer

WIDTH_PX: Final = 640
HEIGHT_PX: Final = 480
HANGS_S: Final = 5.0
CLOSE_S: Final = 1.0


class VideoCamera:
    """A camera, a video file or a stream that OpenCV opens: pictures of 640×480 where it can choose."""

    def __init__(
        self, name: str, loop: asyncio.AbstractEventLoop, width_px: int = WIDTH_PX, height_px: int = HEIGHT_PX
    ) -> None:
        source: int | str = 0 if name == "auto" else int(name) if name.isdigit() else name
        self._device = cv2.VideoCapture(source)
        if not self._device.isOpened():
            raise DeviceLost(f"no camera at '{name}': check the cable and that /dev/video* may be read")
        self._device.set(cv2.CAP_PROP_FRAME_WIDTH, width_px)
        self._device.set(cv2.CAP_PROP_FRAME_HEIGHT, height_px)
        self._device.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        rate_hz = self._device.get(cv2.CAP_PROP_FPS) if isinstance(source, str) else 0
        self._pace_s = 1 / rate_hz if rate_hz > 0 else 0.0  # a file is read at its own pace, a camera waits itself
        self._loop = loop
        self._buffer: Buffer[CameraFrame] = Buffer(1, "latest_only")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._grab, name="camera", daemon=True)
        self._thread.start()

    def _grab(self) -> None:
        while not self._stop.is_set():
            there, bgr = self._device.read()
            if not there:
                break
            self._loop.call_soon_threadsafe(
                self._buffer.offer, CameraFrame(np.asarray(bgr, np.uint8), time.monotonic_ns())
            )
            if self._pace_s:
                self._stop.wait(self._pace_s)
        self._device.release()
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._buffer.close)

    async def frames(self) -> AsyncIterator[CameraFrame]:
        iterator = aiter(self._buffer)
        while True:
            try:
                async with asyncio.timeout(HANGS_S):  # wait_for of Python 3.11 can swallow a cancellation
                    frame = await anext(iterator)
            except StopAsyncIteration:
                if self._stop.is_set():
                    return
                raise DeviceLost("the camera stopped delivering pictures") from None
            except TimeoutError as err:
                raise DeviceLost("the camera hangs") from err
            yield frame

    async def close(self) -> None:
        self._stop.set()
        await asyncio.to_thread(self._thread.join, CLOSE_S)
