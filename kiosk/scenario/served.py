"""A made-up scene as a camera: for a terminal on a desk, without anybody in front of it. Serves until it is ended."""

from __future__ import annotations

import itertools
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from kiosk.adapters.mjpeg import MjpegServer, at_rate
from kiosk.events import Picture
from kiosk.scenario.people import cast
from kiosk.scenario.scenes import KINDS, RATE_HZ, Kind, Stage, make_scene
from models.store import Store
from models.yunet import YuNet

PAUSE_FRAMES: Final = 5 * RATE_HZ  # of an empty lobby between two times


def serve_scene(kind: str, seed: int, portraits: Path | None, say: Callable[[str], None]) -> None:
    """Say the address and serve until SIGINT or SIGTERM. Raises `ValueError`, `PortraitError`, `StoreError`."""
    chosen: Kind | None = next((one for one in KINDS if one == kind), None)
    if chosen is None:
        raise ValueError(f"no scene '{kind}'; there are: {', '.join(KINDS)}")
    people = cast(YuNet(Store().open("yunet")).detect, portraits)
    stage, made = Stage(people), make_scene(chosen, seed, len(people))

    def pictures() -> Iterator[Picture | bytes]:
        for number in itertools.count():
            at = number % (made.frames() + PAUSE_FRAMES)
            yield stage.picture(made, at) if at < made.frames() else stage.empty(number)

    ended = threading.Event()
    for sign in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sign, lambda *_: ended.set())
    server = MjpegServer(pictures, at_rate(RATE_HZ))
    say(server.address)
    ended.wait()
    server.close()
