"""The face on, in the whole running terminal: somebody who agrees, does what is asked and is verified with the document
in the simulated reader and the number; and somebody who refuses, and gets as far by the number alone.

The camera's scene is a public-domain portrait that turns and blinks as the page tells it to.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from bench.dialogues.corebank import CoreBankProcess
from bench.dialogues.visit import customer_numbers
from bench.liveness import astronaut, open_eyes
from bench.portraits.puppet import Pose, Puppet
from kiosk.adapters.card_reader import SimulatedCardReader
from kiosk.adapters.files import noisy, sensor_noise
from kiosk.adapters.mjpeg import MjpegServer, at_rate
from kiosk.banking.ports import Held
from kiosk.events import Picture
from kiosk.identity.consent import ConsentLedger
from tests.e2e.test_missing_devices import BARE, Glass, terminal

pytestmark = pytest.mark.e2e
RATE_HZ = 12.0
WIDE, HIGH = 640, 480
SHEET = sensor_noise(WIDE, HIGH)
TURN_DEG = 26
POSES = {
    "rest": Pose(), "turn_left": Pose(yaw_deg=TURN_DEG), "turn_right": Pose(yaw_deg=-TURN_DEG),
    "half_left": Pose(yaw_deg=TURN_DEG / 2), "half_right": Pose(yaw_deg=-TURN_DEG / 2), "blink": Pose(blink=1.0),
    "half_blink": Pose(blink=0.5),
}  # fmt: skip
WATCHED = 24  # pictures that were taken: more than opening a camera and a first look need
SHUT_FRAMES = 8  # at 12 a second: slowly, as it is asked for


@dataclass(slots=True)
class Visitor:
    """Stands before the camera; does what the page last said, from a moment after it said so."""

    frames: dict[str, Picture]
    column: npt.NDArray[np.float32]  # (1, WIDE, 1), 1 where the visitor is, 0 where the lobby is
    told: str = ""
    since: int = 0
    number: int = field(default=0)

    def hear(self, told: str) -> None:
        if told != self.told:
            self.told, self.since = told, self.number

    async def watched(self, within_s: float) -> None:
        """Until the terminal takes the camera's pictures."""
        async with asyncio.timeout(within_s):
            while self.number < WATCHED:
                await asyncio.sleep(0.05)

    def pictures(self) -> Iterator[Picture | bytes]:
        for _ in itertools.count():
            self.number += 1
            yield noisy(self._swaying(self.frames[self._pose(self.number - self.since)]), SHEET, self.number)

    def _swaying(self, picture: Picture) -> Picture:
        """Nobody stands as still as a picture on a wall, and the lobby behind them does not sway with them."""
        x, y = 3.0 * np.sin(self.number / 7), 2.0 * np.sin(self.number / 9)
        moved = cv2.warpAffine(
            picture, np.array([[1, 0, x], [0, 1, y]], np.float32), (WIDE, HIGH), borderMode=cv2.BORDER_REPLICATE
        )
        return np.asarray(picture + (moved.astype(np.float32) - picture) * self.column, np.uint8)

    def _pose(self, into: int) -> str:
        """A third of a second to understand it, then by way of the half."""
        for side in ("left", "right"):
            if f"to your {side}" in self.told and into > 4:
                return f"turn_{side}" if into > 6 else f"half_{side}"
        if "close your eyes" in self.told and into > 4:
            shut = (into - 5) % (3 * SHUT_FRAMES)  # again, should it not have been seen
            return "blink" if 0 < shut < SHUT_FRAMES else "half_blink" if shut in (0, SHUT_FRAMES) else "rest"
        return "rest"


@pytest.fixture(scope="module")
def drawn() -> dict[str, Picture]:
    eyes = open_eyes()
    puppet = Puppet(astronaut(), eyes.detector, eyes.mesh)
    return {
        name: np.asarray(cv2.resize(puppet.draw(pose), (WIDE, HIGH), interpolation=cv2.INTER_CUBIC), np.uint8)
        for name, pose in POSES.items()
    }


def column_of(picture: Picture) -> npt.NDArray[np.float32]:
    """The visitor's share of each column: their face and a little beside it, with soft edges."""
    face = max(open_eyes().detector.detect(picture), key=lambda found: found.w)
    soft, x = 0.2 * face.w, np.arange(WIDE, dtype=np.float32)
    left, right = face.x - 0.3 * face.w, face.x + 1.3 * face.w
    inside = np.clip((x - left) / soft, 0, 1) * np.clip((right - x) / soft, 0, 1)
    return np.asarray(inside[None, :, None], np.float32)


@asynccontextmanager
async def lobby(tmp_path: Path, drawn: dict[str, Picture]) -> AsyncIterator[tuple[Glass, Visitor]]:
    """A core bank, a document in the reader, its photo, and somebody before the camera."""
    (tmp_path / "reader").mkdir()
    SimulatedCardReader(tmp_path / "reader" / "in.json").insert(Held("document", customer_numbers(0)[1]))
    photo = drawn["rest"][20:460, 120:520]
    cv2.imwrite(str(tmp_path / "reader" / "document.png"), cv2.resize(photo, None, fx=0.8, fy=0.8))
    visitor = Visitor(drawn, column_of(drawn["rest"]))
    server = await asyncio.to_thread(MjpegServer, visitor.pictures, at_rate(RATE_HZ))
    try:
        with CoreBankProcess(date(2026, 11, 30)) as bank:
            extra = (
                f'[bank_system]\nurl = "{bank.url}"\nreader = "{tmp_path}/reader/in.json"\n[identity]\nface = true\n'
            )
            async with terminal(tmp_path, BARE, server.address, extra) as glass:
                yield glass, visitor
    finally:
        await asyncio.to_thread(server.close)


async def type_number(glass: Glass, digits: str) -> None:
    for digit in digits:
        glass.touch(f"key_{digit}")
    glass.touch("key_ok")


def consents(tmp_path: Path) -> list[tuple[str, str]]:
    return [(e.act, e.purpose) for e in ConsentLedger(tmp_path / "state" / "identity" / "consents").entries()]


def pictures_left(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "state").rglob("*") if path.suffix in (".png", ".jpg", ".npy")]


async def test_who_agrees_and_follows_the_challenge_is_verified_with_the_document(
    tmp_path: Path, drawn: dict[str, Picture]
) -> None:
    async with lobby(tmp_path, drawn) as (glass, visitor):
        await visitor.watched(within_s=30)
        await glass.until_works("camera", within_s=30)
        glass.touch("wish_pin_unlock")
        await glass.until("agree", "without_face", "by_person", within_s=30)
        assert consents(tmp_path) == []
        glass.touch("agree")
        asked = set()
        while True:
            state = await glass.next(within_s=40)
            if state.face is not None:
                visitor.hear(state.face.advice + state.face.advice_other)
                asked.add(state.face.advice)
            elif "key_ok" in {target.id for target in state.targets} or (state.page == "conversation" and asked):
                break
        state = await glass.until("key_ok", within_s=30)
        assert any("是您本人" in caption.text for caption in state.captions), state.captions
        assert len(asked) >= 4, "look here, and three steps"
        await type_number(glass, "0000")
        await glass.until("stop", within_s=30)  # 'unlock the PIN of the card ending …?'
        assert consents(tmp_path) == [("granted", "compare_with_document")]
    assert pictures_left(tmp_path) == []
    scores = json.loads((tmp_path / "state" / "identity" / "scores.json").read_text("utf-8"))
    assert sum(scores) == 1


async def test_who_refuses_is_looked_at_by_nobody_and_gets_as_far_by_number(
    tmp_path: Path, drawn: dict[str, Picture]
) -> None:
    async with lobby(tmp_path, drawn) as (glass, visitor):
        await visitor.watched(within_s=30)
        await glass.until_works("camera", within_s=30)
        glass.touch("wish_pin_unlock")
        await glass.until("agree", "without_face", within_s=30)
        glass.touch("without_face")
        await glass.until("key_ok", within_s=30)
        await type_number(glass, "0000")
        state = await glass.until("stop", within_s=30)
        assert state.face is None
        assert consents(tmp_path) == [("refused", "compare_with_document")]
    assert not (tmp_path / "state" / "identity" / "scores.json").exists() and pictures_left(tmp_path) == []
