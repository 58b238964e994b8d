"""The camera's newest frame is handed on while somebody waits, and only then; the document's photo is bounded."""

from __future__ import annotations

import asyncio
from pathlib import Path

import cv2
import numpy as np
import pytest

from kiosk.adapters.identity import PASSED_MOST, FilePhoto, LatestFrame
from kiosk.banking.ports import Held
from kiosk.events import CameraFrame

pytestmark = pytest.mark.unit
BLACK = np.zeros((4, 4, 3), np.uint8)


async def test_a_frame_is_handed_on_once_and_an_older_one_never() -> None:
    latest = LatestFrame()
    assert not latest.wanted
    waiting = asyncio.create_task(latest.newer(5, 60.0))
    await asyncio.sleep(0)
    assert latest.wanted
    latest.show(CameraFrame(BLACK, 5))
    assert not waiting.done()
    latest.show(CameraFrame(BLACK, 6))
    latest.show(CameraFrame(BLACK, 7))
    frame = await waiting
    assert frame is not None and frame.at_ns == 6
    for at in range(PASSED_MOST):
        latest.show(CameraFrame(BLACK, 8 + at))
    assert not latest.wanted


async def test_where_no_frame_comes_it_says_so() -> None:
    assert await LatestFrame().newer(0, 0.01) is None


def test_a_photo_is_there_for_a_document_only_and_no_other_file_is_one(tmp_path: Path) -> None:
    path = tmp_path / "document.png"
    photo = FilePhoto(path)
    document = Held("document", "110101199003078515")
    assert photo.photo(document) is None
    path.write_bytes(b"\x89PNG cut off")
    assert photo.photo(document) is None
    cv2.imwrite(str(path), BLACK)
    found = photo.photo(document)
    assert found is not None and found.shape == (4, 4, 3)
    assert photo.photo(Held("card", "6222")) is None
