"""The devices of a terminal, or a recorded visitor's room instead of them: how each is opened.

Beside `app.py`, which uses them; names concrete adapters as that does.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import cv2

from config.scenario import Scenario
from config.schema import Ports
from kiosk.adapters import document_camera
from kiosk.adapters.camera import VideoCamera
from kiosk.adapters.files import PortraitCamera, read_wav_16k
from kiosk.adapters.room import Acoustics, Room, RoomMicrophone, RoomSpeaker
from kiosk.adapters.sound import CardMicrophone, CardSpeaker
from kiosk.ports import Camera, Clock, Microphone, Speaker

Opener = Callable[[], Awaitable[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A recorded visitor instead of devices: the folder that `scenario.prepare` made, and where the account goes."""

    scenario: Scenario
    folder: Path
    report: Path
    sound: Path
    again_for_s: float = 0.0  # visitors come one after the other for so long; 0: one visitor


class Equipment(Protocol):
    """How to open the microphone, the speaker and the camera; each may be opened again after it was lost."""

    openers: dict[str, Opener]

    def works(self) -> dict[str, Coroutine[Any, Any, None]]:
        """What has to run beside them."""


class LiveEquipment:
    """Sound card and video device, by the names of the site."""

    def __init__(self, ports: Ports) -> None:
        loop = asyncio.get_running_loop()

        async def microphone() -> Microphone:
            return await asyncio.to_thread(CardMicrophone, ports.microphone, loop)

        async def speaker() -> Speaker:
            return await asyncio.to_thread(CardSpeaker, ports.speaker)

        async def camera() -> Camera:
            if ports.document_camera == "camera":  # a document's letters want more of it than a face does
                return await asyncio.to_thread(
                    VideoCamera, ports.camera, loop, document_camera.WIDTH_PX, document_camera.HEIGHT_PX
                )
            return await asyncio.to_thread(VideoCamera, ports.camera, loop)

        self.openers: dict[str, Opener] = {"microphone": microphone, "speaker": speaker, "camera": camera}

    def works(self) -> dict[str, Coroutine[Any, Any, None]]:
        return {}


class RecordedEquipment:
    """A simulated room and a portrait, at real pace."""

    def __init__(self, recording: Recording, clock: Clock) -> None:
        folder, lobby = recording.folder, recording.scenario.lobby
        noise = read_wav_16k(folder / "noise.wav")
        self.room = Room(
            clock,
            Acoustics(noise=noise, echo_gain=lobby.echo_gain),
            record=None if recording.again_for_s else recording.sound,
        )
        portrait = cv2.imread(str(folder / "portrait.png"))
        face = json.loads((folder / "portrait.json").read_text("utf-8"))["face_px"]
        self.portrait = PortraitCamera(clock, portrait, tuple(face), lambda: self.room.visitor_speaking)  # type: ignore[arg-type]

        async def microphone() -> Microphone:
            return RoomMicrophone(self.room)

        async def speaker() -> Speaker:
            return RoomSpeaker(self.room, clock)

        async def camera() -> Camera:
            return self.portrait

        self.openers: dict[str, Opener] = {"microphone": microphone, "speaker": speaker, "camera": camera}

    def works(self) -> dict[str, Coroutine[Any, Any, None]]:
        return {"room": self.room.run()}
