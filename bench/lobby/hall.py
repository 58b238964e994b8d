"""The empty hall: numbers are called, nobody is served, and everything that is heard might begin a visit.

The terminal is blind here, so that its ears are always open: the harder way. What it announces comes back from the
room through its own cancellers and judges; a visitor may say something meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from bench.lobby.driver import EMPTY_S, NOON, HearingUnderTest, _all_ended, _Core
from bench.lobby.scenes import Scene
from bench.lobby.virtual import VirtualLoop
from config.schema import Calling
from contracts import messages as m
from kiosk.events import PersonLeft
from kiosk.session.announcer import Announcer, AnnouncerPorts

LOOK_S: Final = 0.02
AFTER_S: Final = 6.0  # a late utterance still has its time
LONGEST_S: Final = 120.0
TOLD: Final = Calling(announces=True, waits_s=60, late_s=300)


@dataclass(slots=True)
class HallAccount:
    """What became of a scene's calls. `visits`: how often something heard began one."""

    calls: int = 0
    said: int = 0
    voices: int = 0  # utterances that the ears made out
    held_back: int = 0  # of those, weighed and found to be nobody's wish
    visits: int = 0

    tally: dict[str, int] = field(default_factory=dict)


class _Hall(_Core):
    """One blind terminal in an empty hall. Build it inside the running loop's task."""

    def __init__(self, test: HearingUnderTest, scene: Scene, numbers: Sequence[tuple[str, str]]) -> None:
        super().__init__(replace(test, camera=False), scene)
        self._numbers = numbers
        self.hall = HallAccount(calls=len(numbers))

    def _is_open(self) -> bool:
        return True

    def _now(self) -> datetime:
        return NOON + timedelta(microseconds=self._clock.now_ns() // 1000)

    def _build(self) -> None:
        super()._build()
        turns = self._session.turns
        assert turns is not None
        self._calls = Announcer(
            TOLD,
            AnnouncerPorts(
                voice=lambda: turns.voice, playback=lambda: turns.playback, floor=turns.floor,
                conversing=lambda: self._session.visit is not None, hub_now=self._now, changed=self._session.show,
                note=self._recorder.note,
            ),
            self._clock,
        )  # fmt: skip
        self._session.calls = self._calls

    async def _stage(self) -> None:
        """Call all numbers; the scene's sound begins with her first word. A visit that begins is counted and ended."""
        await self._clock.sleep(EMPTY_S)
        calling = asyncio.create_task(self._calls.run(), name="calls")
        for order, (number, counter) in enumerate(self._numbers, start=1):
            self._calls.heard(self._call(order, number, counter))
        began, waited_s, quiet_s = False, 0.0, 0.0
        try:
            while waited_s < LONGEST_S and quiet_s < AFTER_S:
                await self._clock.sleep(LOOK_S)
                waited_s += LOOK_S
                if not began and self._card.played().samples > 0:
                    began = True
                    self._card.begin()
                if self._session.visit is not None:
                    self.hall.visits += 1
                    self._session.tell(PersonLeft(self._clock.now_ns()))
                    await self._clock.sleep(0.5)
                ended = self._calls.tally["said"] == len(self._numbers) and self._calls.now is None
                quiet_s = quiet_s + LOOK_S if ended else 0.0
        finally:
            calling.cancel()
            with suppress(asyncio.CancelledError):
                await calling
        if not began:
            self._card.begin()

    def _call(self, order: int, number: str, counter: str) -> m.NumberCalled:
        return m.NumberCalled(
            id=str(order), at=self._now(), mono_ns=0, branch="binjiang", order=order, day=NOON.date().isoformat(),
            number=number, counter=counter, again=False, show_at=self._now(), show_ms=8000,
        )  # fmt: skip

    async def run_hall(self) -> HallAccount:
        account = await self.run()
        hall = self.hall
        hall.said = self._calls.tally["said"]
        hall.voices = len(account.heard)
        hall.held_back = self._session.tallies().get("beside.not_for_us", 0)
        hall.tally = dict(self._calls.tally)
        return hall


def call_in(test: HearingUnderTest, scene: Scene, numbers: Sequence[tuple[str, str]]) -> HallAccount:
    """Call these numbers in a scene. Raises `RuntimeError` when a part of the terminal broke."""
    loop, broken = VirtualLoop(), list[str]()
    loop.set_exception_handler(lambda _, context: broken.append(repr(context.get("exception", context["message"]))))
    asyncio.set_event_loop(loop)
    try:
        account = loop.run_until_complete(_Hall(test, scene, numbers).run_hall())
        loop.run_until_complete(_all_ended())
        loop.run_until_complete(loop.shutdown_asyncgens())
        if broken:
            raise RuntimeError(f"{scene.name}: a part of the terminal broke: {broken[0]}")
        return account
    finally:
        loop.close()
        asyncio.set_event_loop(None)
