"""The recorded visitor's lips move while they speak, as the real networks see them; and rest otherwise."""

from __future__ import annotations

from collections.abc import AsyncIterator

import cv2
import numpy as np
import pytest
import skimage.data

from kiosk.adapters.files import PortraitCamera
from kiosk.vision.lips import LipWatch
from models.landmarks import FaceLandmarks
from models.store import Store
from models.yunet import YuNet

pytestmark = pytest.mark.e2e

SECONDS = 5
LOOKS_HZ = 8


class FastClock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.at_ns = 10**9

    def now_ns(self) -> int:
        return self.at_ns

    async def sleep(self, seconds: float) -> None:
        self.at_ns += int(seconds * 1e9)


@pytest.fixture(scope="module")
def detector() -> YuNet:
    return YuNet(Store().open("yunet"))


@pytest.fixture(scope="module")
def landmarks() -> FaceLandmarks:
    return FaceLandmarks(Store().open("face-landmarks"))


async def share_of(camera: PortraitCamera, clock: FastClock, detector: YuNet, landmarks: FaceLandmarks) -> float | None:
    watch, next_ns, start_ns = LipWatch(), 0, clock.now_ns()
    frames: AsyncIterator = camera.frames()
    async for frame in frames:
        if frame.at_ns > start_ns + SECONDS * 10**9:
            break
        if frame.at_ns < next_ns:
            continue
        next_ns = frame.at_ns + 10**9 // LOOKS_HZ
        face = max(detector.detect(frame.bgr), key=lambda found: found.w, default=None)
        seen = landmarks.look(frame.bgr, face) if face else None
        watch.saw(frame.at_ns, seen.lip_gap if seen else None, seen.yaw_deg if seen else 0.0)
    return watch.share(start_ns + 10**9, start_ns + (SECONDS - 1) * 10**9)


@pytest.mark.parametrize("face_share", [0.13, 0.25])
async def test_lips_move_in_four_fifths_of_speech_and_in_a_tenth_of_silence_at_most(
    detector: YuNet, landmarks: FaceLandmarks, face_share: float
) -> None:
    portrait = cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2BGR)
    face = detector.detect(portrait)[0]
    box = (round(face.x), round(face.y), round(face.w), round(face.h))
    shares = {}
    for speaking in (True, False):
        clock = FastClock()
        camera = PortraitCamera(clock, portrait, box, speaking=lambda speaking=speaking: speaking)  # type: ignore[misc]
        camera.walk(to_share=face_share, seconds=0)
        await clock.sleep(0.1)
        shares[speaking] = await share_of(camera, clock, detector, landmarks)
    assert shares[True] is not None and shares[True] >= 0.8
    assert shares[False] is not None and shares[False] <= 0.1


def test_a_wall_is_no_face_even_where_a_detector_says_so(detector: YuNet, landmarks: FaceLandmarks) -> None:
    portrait = cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2BGR)
    face = detector.detect(portrait)[0]
    assert landmarks.look(portrait, face) is not None
    assert landmarks.look(np.full_like(portrait, 127), face) is None


def test_an_open_mouth_has_a_wider_gap(detector: YuNet, landmarks: FaceLandmarks) -> None:
    from kiosk.adapters.files import open_mouth

    portrait = cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2BGR)
    face = detector.detect(portrait)[0]
    box = (round(face.x), round(face.y), round(face.w), round(face.h))
    gaps = []
    for how_far in (0.0, 0.5, 1.0):
        seen = landmarks.look(open_mouth(portrait, box, how_far), face)
        assert seen is not None
        gaps.append(seen.lip_gap)
    assert gaps[0] < gaps[1] < gaps[2] and gaps[2] > gaps[0] + 0.06
