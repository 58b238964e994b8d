"""The running core before a recorded camera: a visitor is greeted, a hand on the lens is told, both end."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from kiosk.adapters.files import CAMERA_HZ, PortraitCamera, noisy, sensor_noise
from kiosk.adapters.mjpeg import MjpegServer, at_rate
from kiosk.events import Picture
from kiosk.runtime.clock import SystemClock
from kiosk.scenario.people import astronaut
from models.store import Store
from models.yunet import YuNet
from tests.e2e.test_missing_devices import BARE, missing, terminal

pytestmark = pytest.mark.e2e


async def test_a_visitor_is_greeted_and_a_covered_lens_is_told_to_visitor_and_hub(tmp_path: Path) -> None:
    portrait = astronaut()
    face = YuNet(Store().open("yunet")).detect(portrait)[0]
    walking = PortraitCamera(SystemClock(), portrait, (round(face.x), round(face.y), round(face.w), round(face.h)))
    covered = asyncio.Event()
    sheet = sensor_noise(640, 480)

    def pictures() -> Iterator[Picture | bytes]:
        for number in itertools.count():
            dark = np.full((480, 640, 3), 4, np.uint8)
            yield noisy(dark, sheet, number) if covered.is_set() else walking.picture()

    server = await asyncio.to_thread(MjpegServer, pictures, at_rate(CAMERA_HZ))
    try:
        async with terminal(tmp_path, BARE, server.address) as glass:
            state = await glass.until("outage", within_s=60)  # nobody can be heard; the camera works
            await glass.until_works("camera", within_s=30)
            walking.walk(to_share=0.24, seconds=1.5)
            state = await glass.until("conversation", within_s=60)
            assert state.captions
            covered.set()
            await glass.until_lost("camera", within_s=30)
            covered.clear()
            await glass.until_works("camera", within_s=30)
            assert glass.state is not None and glass.state.page == "conversation"  # nobody was sent away for it
            walking.walk(to_share=0.0, seconds=1.0, to_x=1.3)
            await glass.until("outage", within_s=60)
    finally:
        await asyncio.to_thread(server.close)
    assert missing(tmp_path)["camera"] == "covered"
