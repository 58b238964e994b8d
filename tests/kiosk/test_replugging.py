"""Microphone and loudspeaker pulled out and put back in mid-sentence, each alone and both, through a real PortAudio."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator

import numpy as np
import pytest

from kiosk.adapters.sound import CardMicrophone, CardSpeaker
from kiosk.events import DeviceChanged
from kiosk.ports import DeviceLost
from kiosk.runtime.clock import SystemClock
from kiosk.runtime.devices import keep
from tests.kiosk.sound_card import TwoPlugs

pytestmark = pytest.mark.contract

TOLD_S = 2.0
BACK_S = 5.0
OUT_S = 1.5
SENTENCE = np.full(2400, 1000, np.int16)  # a tenth of a second of it


@pytest.fixture(scope="module")
def plugs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoPlugs]:
    plugs = TwoPlugs(tmp_path_factory.mktemp("plugs"))
    before = dict(os.environ)
    os.environ.update(plugs.environment)
    for plug in plugs.plugs.values():
        plug.plug_in()
    yield plugs
    for plug in plugs.plugs.values():
        plug.unplug()
    os.environ.clear()
    os.environ.update(before)


class Terminal:
    """Listens and speaks all the time, as `kiosk/app.py` keeps its devices; notes when each last worked."""

    def __init__(self) -> None:
        self.worked_s = {TwoPlugs.MICROPHONE: 0.0, TwoPlugs.LOUDSPEAKER: 0.0}
        self.lost_s: dict[str, float] = {}

    async def hear(self, microphone: CardMicrophone) -> None:
        async for _ in microphone.frames():
            self.worked_s[TwoPlugs.MICROPHONE] = time.monotonic()

    async def speak(self, speaker: CardSpeaker) -> None:
        speaking = asyncio.create_task(self._say(speaker))
        try:
            await speaker.lost()
        finally:
            speaking.cancel()
            await asyncio.gather(speaking, return_exceptions=True)
        raise DeviceLost("the loudspeaker is gone")

    async def _say(self, speaker: CardSpeaker) -> None:
        played = 0
        while True:
            await speaker.write(SENTENCE)
            if speaker.played().samples != played:
                played = speaker.played().samples
                self.worked_s[TwoPlugs.LOUDSPEAKER] = time.monotonic()

    def tell(self, event: DeviceChanged) -> None:
        if not event.works:
            name = TwoPlugs.MICROPHONE if event.device == "microphone" else TwoPlugs.LOUDSPEAKER
            self.lost_s.setdefault(name, time.monotonic())

    async def until_all_work_after(self, names: list[str], moment_s: float, within_s: float) -> None:
        async with asyncio.timeout(within_s):
            while any(self.worked_s[name] <= moment_s for name in names):
                await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    "pulled",
    [[TwoPlugs.MICROPHONE], [TwoPlugs.LOUDSPEAKER], [TwoPlugs.MICROPHONE, TwoPlugs.LOUDSPEAKER]],
    ids=["microphone", "loudspeaker", "both"],
)
async def test_a_pulled_plug_is_told_within_2_s_and_works_again_5_s_after_it_is_back(
    plugs: TwoPlugs, pulled: list[str]
) -> None:
    terminal, clock, loop = Terminal(), SystemClock(), asyncio.get_running_loop()

    async def microphone() -> CardMicrophone:
        return await asyncio.to_thread(CardMicrophone, TwoPlugs.MICROPHONE, loop)

    async def speaker() -> CardSpeaker:
        return await asyncio.to_thread(CardSpeaker, TwoPlugs.LOUDSPEAKER)

    kept = [
        asyncio.create_task(keep("microphone", microphone, terminal.hear, terminal.tell, clock, 3.0)),
        asyncio.create_task(keep("speaker", speaker, terminal.speak, terminal.tell, clock, 3.0)),
    ]
    try:
        await terminal.until_all_work_after(list(terminal.worked_s), 0.0, within_s=15)
        terminal.lost_s.clear()
        out_s = time.monotonic()
        for name in pulled:
            plugs.plugs[name].unplug()
        await asyncio.sleep(OUT_S)
        assert sorted(terminal.lost_s) == sorted(pulled)  # and the other one goes on
        assert max(terminal.lost_s.values()) - out_s <= TOLD_S
        for name in pulled:
            await asyncio.to_thread(plugs.plugs[name].plug_in)
        await terminal.until_all_work_after(list(terminal.worked_s), time.monotonic(), within_s=BACK_S)
    finally:
        for task in kept:
            task.cancel()
        await asyncio.gather(*kept, return_exceptions=True)
