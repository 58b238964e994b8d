"""The real camera, through OpenCV, on a thread of its own: a driver that hangs freezes nothing else.

A number, a path or an address: what delivers JPEG pictures over HTTP (see `mjpeg.py`) is a camera like any other.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from typing import Final

import cv2
import numpy as np

from kiosk.events import CameraFrame
from kiosk.ports import DeviceLost
from kiosk.runtime.buffer import Buffer, Closed

WIDTH_PX: Final = 640
HEIGHT_PX: Final = 480
FIRST_S: Final = 5.0  # a camera may take so long to its first picture
STALLED_S: Final = 1.0  # and not this long between two later ones
CLOSE_S: Final = 1.0
EARLY_S: Final = 0.02  # pictures come when the camera has them


class VideoCamera:
    """A camera, a video file or a stream that OpenCV opens: pictures of 640×480 where it can choose.

    `wanted_hz` says how many pictures a second are worth converting; the others are taken from the driver and let go.
    """

    def __init__(
        self, name: str, loop: asyncio.AbstractEventLoop, width_px: int = WIDTH_PX, height_px: int = HEIGHT_PX
    ) -> None:
        source: int | str = 0 if name == "auto" else int(name) if name.isdigit() else name
        is_stream = isinstance(source, str) and "://" in source
        # one thread: two would hold each picture back until the next has come
        self._device = cv2.VideoCapture(source, cv2.CAP_ANY, [cv2.CAP_PROP_N_THREADS, 1] if is_stream else [])
        if not self._device.isOpened():
            raise DeviceLost(f"no camera at '{name}': check the cable and that /dev/video* may be read")
        self._device.set(cv2.CAP_PROP_FRAME_WIDTH, width_px)
        self._device.set(cv2.CAP_PROP_FRAME_HEIGHT, height_px)
        self._device.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        is_file = isinstance(source, str) and not is_stream
        rate_hz = self._device.get(cv2.CAP_PROP_FPS) if is_file else 0
        self._pace_s = 1 / rate_hz if rate_hz > 0 else 0.0  # a file is read at its own pace, a camera waits itself
        self._loop = loop
        self._buffer: Buffer[CameraFrame] = Buffer(1, "latest_only")
        self.wanted_hz: Callable[[], float] = lambda: 30.0
        self.tally_undecoded = 0
        self._grabbed_s = time.monotonic()
        self._stalled_s = FIRST_S
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._grab, name="camera", daemon=True)
        self._thread.start()

    def _grab(self) -> None:
        given_s = 0.0
        while not self._stop.is_set() and self._device.grab():
            self._grabbed_s, self._stalled_s = time.monotonic(), STALLED_S
            if self._grabbed_s - given_s >= 1 / self.wanted_hz() - EARLY_S:
                there, bgr = self._device.retrieve()
                if there and bgr is not None:
                    given_s = self._grabbed_s
                    frame = CameraFrame(np.asarray(bgr, np.uint8), time.monotonic_ns())
                    self._loop.call_soon_threadsafe(self._buffer.offer, frame)
                else:
                    self.tally_undecoded += 1
            if self._pace_s:
                self._stop.wait(self._pace_s)
        self._device.release()
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._buffer.close)

    async def frames(self) -> AsyncIterator[CameraFrame]:
        while True:
            try:
                async with asyncio.timeout(STALLED_S / 2):  # wait_for of Python 3.11 can swallow a cancellation
                    frame = await self._buffer.get()
            except Closed:
                if self._stop.is_set():
                    return
                raise DeviceLost("the camera stopped delivering pictures") from None
            except TimeoutError as err:
                if time.monotonic() - self._grabbed_s >= self._stalled_s:
                    raise DeviceLost("the camera hangs") from err
                continue
            yield frame

    async def close(self) -> None:
        self._stop.set()
        await asyncio.to_thread(self._thread.join, CLOSE_S)
