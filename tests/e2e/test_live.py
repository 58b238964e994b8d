"""The terminal on real devices: a sound card, a camera device, a display, a broker and a hub; a visit by voice.

The card is PulseAudio's, the camera an OpenCV device (a video file), the display Xvfb's. What the visitor says is
played into the lobby that the microphone hears; what she answers is recorded from the loudspeaker.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import soundfile

from config.scenario import find_scenario, load_scenario
from kiosk.adapters.files import PortraitCamera
from kiosk.runtime.clock import LoopClock
from kiosk.scenario.prepare import prepare
from tests.conftest import VirtualTimeLoop
from tests.kiosk.sound_card import SoundCard

pytestmark = pytest.mark.e2e

CARD_HZ = 44_100
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def recording() -> Path:
    return prepare(load_scenario(find_scenario("withdraw_zh")), lambda line: None)


@pytest.fixture
def camera(tmp_path: Path, recording: Path) -> Path:
    """A minute of video: somebody walks up and stays. Drawn under virtual time, so in seconds."""
    path = tmp_path / "camera.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 15, (640, 480))
    face = json.loads((recording / "portrait.json").read_text())["face_px"]

    async def film() -> None:
        camera = PortraitCamera(LoopClock(), cv2.imread(str(recording / "portrait.png")), tuple(face))
        camera.walk(to_share=0.24, seconds=2)
        frames = 0
        async for frame in camera.frames():
            writer.write(frame.bgr)
            frames += 1
            if frames == 900:
                break

    loop = VirtualTimeLoop()
    loop.run_until_complete(film())
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()
    asyncio.set_event_loop(None)
    writer.release()
    return path


@pytest.fixture
def display() -> Iterator[str]:
    reader, writer = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writer), "-screen", "0", "1080x1920x24", "-nolisten", "tcp"],
        pass_fds=(writer,), stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(writer)
    with os.fdopen(reader) as numbers:
        number = numbers.readline().strip()
    yield f":{number}"
    server.terminate()
    server.wait(5)


def rows(hub: str) -> dict[str, list[dict[str, Any]]]:
    with urllib.request.urlopen(f"{hub}/api/v1/branches/binjiang/devices/kiosk-1/rows", timeout=3) as answer:
        return dict(json.load(answer))


def until(hub: str, wanted: Callable[[dict[str, list[dict[str, Any]]]], bool], within_s: float) -> None:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        with suppress(OSError):
            if wanted(rows(hub)):
                return
        time.sleep(0.2)
    kinds = [row["kind"] for row in rows(hub)["events"]]
    raise AssertionError(f"not within {within_s} s; the hub has {kinds}")


def until_silent(answers: Path, since: int, within_s: float) -> None:
    """Wait until the loudspeaker has played something loud after byte `since` of the recording, then nothing for 1 s.

    `since` is taken before what she answers: on a busy machine the hub may learn of it after she has said it.
    """
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        time.sleep(0.2)
        now = np.frombuffer(answers.read_bytes()[max(since, 44) & ~3 :], "<i2")  # 16 bit stereo, as the card's
        loud = np.flatnonzero(np.abs(now) > 650)
        if len(loud) and len(now) - loud[-1] > 2 * CARD_HZ:
            return
    raise AssertionError(f"she did not speak and fall silent within {within_s} s")


def has(kind: str, **facts: object) -> Callable[[dict[str, list[dict[str, Any]]]], bool]:
    def wanted(found: dict[str, list[dict[str, Any]]]) -> bool:
        return any(
            row["kind"] == kind and all(row["body"].get(key) == value for key, value in facts.items())
            for row in found["events"]
        )

    return wanted


def test_a_visit_by_voice_through_card_camera_and_display_ends_in_a_ticket(
    tmp_path: Path, recording: Path, camera: Path, display: str
) -> None:
    site = (ROOT / "config/sites/qinghe-binjiang.toml").read_text("utf-8")
    (tmp_path / "site.toml").write_text(f'{site}\n[hub]\nport = 18933\n[ports]\ncamera = "{camera}"\n', "utf-8")
    card = SoundCard(tmp_path / "card", lobby=True)
    card.plug_in()
    answers = tmp_path / "answers.wav"
    heard = card.record(answers)
    folders = ("--state", str(tmp_path / "state"), "--site", str(tmp_path / "site.toml"))
    terminal = subprocess.Popen(
        [sys.executable, "-m", "kiosk", "run", *folders],
        cwd=ROOT, env={**os.environ, **card.environment, "DISPLAY": display}, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert terminal.stderr is not None
        address = re.search(r"http://\S+", terminal.stderr.readline())
        assert address is not None
        hub = address[0].rstrip("/")
        until(hub, has("greeted", language="zh"), 60)
        until_silent(answers, 0, 30)
        asked = answers.stat().st_size
        card.play(recording / "say0.wav")
        until(hub, has("understood", intent="withdraw_cash", language="zh"), 15)
        until_silent(answers, asked, 30)
        agreed = answers.stat().st_size
        card.play(recording / "say1.wav")
        until(hub, lambda found: bool(found["tickets"]), 15)
        assert rows(hub)["tickets"][0]["number"] == "A001"
        assert not any(row["kind"] == "device_missing" for row in rows(hub)["events"])
        until_silent(answers, agreed, 30)
    finally:
        terminal.terminate()
        _, said = terminal.communicate(timeout=10)
        heard.terminate()
        heard.wait(5)
        card.unplug()
    assert terminal.returncode == 0, said
    said_by_her, rate_hz = soundfile.read(answers)
    mono = said_by_her.mean(axis=1) if said_by_her.ndim == 2 else said_by_her
    loud = np.sqrt(np.convolve(mono**2, np.ones(rate_hz // 10) * 10 / rate_hz, "same"))
    assert np.sum(loud > 0.02) / rate_hz > 5  # she spoke for more than five seconds
