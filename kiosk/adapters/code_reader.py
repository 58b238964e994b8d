"""QR codes before the camera (OpenCV's detector), and from a picture file: the same detector, another eye."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from kiosk.events import CameraFrame, Picture
from kiosk.ports import Clock, DeviceLost
from kiosk.runtime.buffer import Buffer, Closed

LONGEST_TEXT: Final = 300
MOST_PX: Final = 1_280  # wider pictures are looked at smaller
MOST_FILE_BYTES: Final = 8 * 1024 * 1024
POLL_S: Final = 0.25


def decoded(picture: Picture, detector: cv2.QRCodeDetector) -> str | None:
    """The text of a code in `picture` (h, w, 3) uint8; None: none can be read. Blocking, 5 to 30 ms at 640 × 480."""
    height, width = picture.shape[:2]
    if width > MOST_PX:
        smaller = cv2.resize(picture, (MOST_PX, height * MOST_PX // width), interpolation=cv2.INTER_AREA)
        picture = np.asarray(smaller, np.uint8)
    for seen in (picture, picture[:, ::-1]):  # some cameras give a mirror's picture
        try:
            text, _, _ = detector.detectAndDecode(np.ascontiguousarray(seen))
        except cv2.error:  # of shapes that its own checks did not expect: no code
            continue
        if text and len(text) <= LONGEST_TEXT:
            return str(text)
    return None


class CameraCodeReader:
    """Looks at the frames it is shown, while it is asked to: `wanted` says when. Nothing is kept of them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._frames: Buffer[CameraFrame] | None = None
        self._detector = cv2.QRCodeDetector()

    @property
    def wanted(self) -> bool:
        """Whether somebody shows a code just now."""
        return self._frames is not None

    def show(self, frame: CameraFrame) -> None:
        """A picture of the camera, while it is wanted."""
        if self._frames is not None:
            self._frames.offer(frame)

    async def read(self, within_s: float) -> str | None:
        frames: Buffer[CameraFrame] = Buffer(1, "latest_only")
        self._frames = frames
        ends = asyncio.create_task(self._close_after(frames, within_s), name="code-reader")
        try:
            while True:
                frame = await frames.get()
                if text := await asyncio.to_thread(decoded, frame.bgr, self._detector):
                    return text
        except Closed:
            return None
        finally:
            ends.cancel()
            self._frames = None

    async def _close_after(self, frames: Buffer[CameraFrame], within_s: float) -> None:
        await self._clock.sleep(within_s)
        frames.close()


class PictureCodeReader:
    """The twin: what is held up stands in a picture file; no file: nothing is."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path, self._clock = path, clock
        self._detector = cv2.QRCodeDetector()

    async def read(self, within_s: float) -> str | None:
        waited_s = 0.0
        while True:
            if self._path.exists():
                if self._path.stat().st_size > MOST_FILE_BYTES:
                    raise DeviceLost(f"{self._path}: larger than {MOST_FILE_BYTES} bytes")
                picture = cv2.imread(str(self._path))
                if picture is not None and (text := decoded(np.asarray(picture, np.uint8), self._detector)):
                    return text
            if waited_s >= within_s:
                return None
            await self._clock.sleep(POLL_S)
            waited_s += POLL_S
