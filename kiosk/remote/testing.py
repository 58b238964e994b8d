"""The self-test that an order asks for: every device is tried while nobody is there; what fails is told by codes.

Nothing is heard or seen by anybody: a picture and a frame of sound must arrive, a fifth of a second of silence must be
played, the printer must say that it could print, the screen must draw.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from kiosk.events import SPEECH_RATE_HZ
from kiosk.ports import Clock, DeviceLost, Speaker

ARRIVES_S: Final = 4.0  # a busy terminal looks four times a second
PLAYS_S: Final = 4.0
LOOK_S: Final = 0.1


class Arrivals:
    """Counts what comes from a device."""

    def __init__(self) -> None:
        self.sounds = self.pictures = 0

    def heard(self, _frame: object) -> None:
        self.sounds += 1

    def saw(self, _frame: object) -> None:
        self.pictures += 1


@dataclass(frozen=True, slots=True, kw_only=True)
class DevicesTried:
    """What is tried. `works`: what the terminal knows of its devices; a name that is not there is not wanted."""

    works: Callable[[], Mapping[str, bool]]
    arrivals: Arrivals
    speaker: Callable[[], Speaker | None]
    printer: Callable[[], Awaitable[bool]]
    screen: Callable[[], Awaitable[bool]]
    call: Callable[[], bool] | None  # whether the process for calls is there; None: no calls here


async def self_test(tested: DevicesTried, clock: Clock) -> tuple[str, ...]:
    """What fails, by codes; nothing: all work."""
    works = tested.works()
    failed = []
    for name, code, count in (
        ("microphone", "microphone_no_sound", lambda: tested.arrivals.sounds),
        ("camera", "camera_no_pictures", lambda: tested.arrivals.pictures),
    ):
        if name not in works:
            continue
        if not works[name]:
            failed.append(f"{name}_missing")
        elif not await _grows(count, clock, ARRIVES_S):
            failed.append(code)
    if "speaker" in works:
        failed += await _speaker(tested.speaker(), clock)
    if not await tested.printer():
        failed.append("printer_not_ready")
    if not await tested.screen():
        failed.append("screen_does_not_draw")
    if tested.call is not None and not tested.call():
        failed.append("call_missing")
    return tuple(failed)


async def _speaker(speaker: Speaker | None, clock: Clock) -> list[str]:
    if speaker is None:
        return ["speaker_missing"]
    before = speaker.played().samples
    try:
        await speaker.write(np.zeros(SPEECH_RATE_HZ // 5, np.int16))
        played = await _grows(lambda: speaker.played().samples, clock, PLAYS_S, before)
    except DeviceLost:
        played = False
    return [] if played else ["speaker_takes_no_sound"]


async def _grows(count: Callable[[], int], clock: Clock, within_s: float, before: int | None = None) -> bool:
    first = count() if before is None else before
    waited_s = 0.0
    while count() <= first:
        if waited_s >= within_s:
            return False
        await clock.sleep(LOOK_S)
        waited_s += LOOK_S
    return True
