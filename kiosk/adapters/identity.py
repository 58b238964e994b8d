"""File-backed twin of the document's photo, the latest frame of the camera, and a prompter that shows."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from kiosk.banking.ports import Held
from kiosk.events import CameraFrame
from kiosk.identity.quality import Picture

PASSED_MOST: Final = 8  # frames that nobody asked for, after which nobody wants any
MOST_BYTES: Final = 8 * 1024 * 1024


class FilePhoto:
    """The photo of the simulated document: a picture beside the simulated card reader's file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def photo(self, held: Held) -> Picture | None:
        try:
            if held.kind != "document" or self._path.stat().st_size > MOST_BYTES:
                return None
        except OSError:
            return None
        picture = cv2.imread(str(self._path), cv2.IMREAD_COLOR)
        return None if picture is None else np.asarray(picture, np.uint8)


class LatestFrame:
    """Hands on the camera's newest frame while somebody waits for it; keeps none otherwise."""

    def __init__(self) -> None:
        self._waiting: asyncio.Future[CameraFrame] | None = None
        self._than_ns = 0
        self._passed = PASSED_MOST

    @property
    def wanted(self) -> bool:
        """Whether somebody waits for frames, or did a moment ago: then the camera is looked at oftener."""
        return self._passed < PASSED_MOST

    def show(self, frame: CameraFrame) -> None:
        """A frame that the camera took."""
        self._passed = min(PASSED_MOST, self._passed + 1)
        if self._waiting is not None and not self._waiting.done() and frame.at_ns > self._than_ns:
            self._waiting.set_result(frame)

    async def newer(self, than_ns: int, within_s: float) -> CameraFrame | None:
        self._than_ns, self._passed = than_ns, 0
        self._waiting = asyncio.get_running_loop().create_future()
        try:
            return await asyncio.wait_for(self._waiting, within_s)
        except TimeoutError:
            return None
        finally:
            self._waiting = None
