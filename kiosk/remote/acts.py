"""What becomes of an order that may be carried out: a part restarted, devices tried, the terminal closed or opened,
a picture, a bundle or the log sent. Each answers by codes; nothing of a visitor is in any of it.

What would disturb somebody waits until nobody is served, and for five minutes at most.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from contracts import fleet as f
from kiosk.ports import BusDown, Clock
from kiosk.remote.bundle import CHUNK_BYTES, bundle, chunks, tail_chunk
from kiosk.remote.closed import OutOfServiceMark
from kiosk.remote.lines import LogLines
from kiosk.remote.orders import Done, Performer
from kiosk.remote.restarting import RestartDesk

IDLE_WITHIN_S: Final = 280.0
LOOK_S: Final = 0.2
BACK_WITHIN_S: Final = 30.0
TELLS_EVERY_S: Final = 1.0
SAY_AGAIN_S: Final = 0.25
SAY_WITHIN_S: Final = 60.0  # the broker may be away for a moment


class PartLost(RuntimeError):
    """A screen that is away or does not answer cannot be drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What the orders get at. `connected`: whether a process of that name is there; a part that is not in it cannot be
    seen from here. `picture`: the masked page as PNG, raises `PartLost`."""

    idle: Callable[[], bool]
    connected: Mapping[str, Callable[[], bool]]
    self_test: Callable[[], Awaitable[tuple[str, ...]]]
    closed: Callable[[bool], None]
    picture: Callable[[], Awaitable[bytes]]
    facts: Callable[[], Mapping[str, object]]
    logs: Callable[[], Sequence[Path]]
    send: Callable[[f.DiagChunk], Awaitable[None]]


class Acts:
    """The performers of one terminal's orders."""

    def __init__(
        self, reach: Reach, mark: OutOfServiceMark, restarts: RestartDesk, lines: LogLines, clock: Clock
    ) -> None:
        self._reach, self._mark, self._restarts, self._lines, self._clock = reach, mark, restarts, lines, clock

    def table(self) -> dict[type[f.Act], Performer]:
        return {
            f.RestartPart: self._restart,
            f.SelfTest: self._self_test,
            f.OutOfService: self._out_of_service,
            f.Screenshot: self._screenshot,
            f.Diagnostics: self._diagnostics,
            f.LiveTail: self._tail,
        }

    async def _restart(self, number: int, act: f.Act) -> Done:
        assert isinstance(act, f.RestartPart)
        if not await self._until(self._reach.idle, IDLE_WITHIN_S):
            return "failed", ("visit",)
        if act.part == "core":  # 'done' is said by the core that comes after this one
            return ("taken", ()) if await self._restarts.ask_own(number) else ("failed", ("not_supervised",))
        connected = self._reach.connected.get(act.part)
        if connected is not None and not connected():
            connected = None  # it was not there before: whoever supervises it starts it
        if not await self._restarts.ask(act.part):
            return "failed", ("not_supervised",)
        if connected is None:
            return "done", ()
        await self._until(lambda: not connected(), BACK_WITHIN_S)
        return ("done", ()) if await self._until(connected, BACK_WITHIN_S) else ("failed", ("not_back",))

    async def _self_test(self, _number: int, _act: f.Act) -> Done:
        if not await self._until(self._reach.idle, IDLE_WITHIN_S):
            return "failed", ("visit",)
        return "done", await self._reach.self_test()

    async def _out_of_service(self, _number: int, act: f.Act) -> Done:
        assert isinstance(act, f.OutOfService)
        await asyncio.to_thread(self._mark.set, act.on)
        self._reach.closed(act.on)  # nobody new from now on; whoever is being served is served to the end
        if act.on and not await self._until(self._reach.idle, IDLE_WITHIN_S):
            return "done", ("visit_goes_on",)
        return "done", ()

    async def _screenshot(self, number: int, _act: f.Act) -> Done:
        try:
            drawn = await self._reach.picture()
        except PartLost:
            return "failed", ("screen",)
        return await self._send_all(chunks(number, "screenshot", drawn))

    async def _diagnostics(self, number: int, act: f.Act) -> Done:
        assert isinstance(act, f.Diagnostics)
        since = datetime.now() - timedelta(hours=act.hours)  # log lines have local time
        made = await asyncio.to_thread(bundle, self._reach.logs(), self._reach.facts(), own=self._lines.lines,
                                       since=since)  # fmt: skip
        return await self._send_all(chunks(number, "bundle", made))

    async def _tail(self, number: int, act: f.Act) -> Done:
        """Lines as they come; each part is whole in itself."""
        assert isinstance(act, f.LiveTail)
        tail = self._lines.follow(asyncio.get_running_loop())
        told, left_s = 0, float(act.seconds)
        try:
            while True:
                left_s -= TELLS_EVERY_S
                await self._clock.sleep(TELLS_EVERY_S)
                lines = tail.take()
                if (lines or (left_s <= 0 and not told)) and told < f.MOST_CHUNKS:
                    text = "".join(f"{line}\n" for line in lines).encode()[:CHUNK_BYTES]
                    if await self._send_all([tail_chunk(number, told, text)]) != ("done", ()):
                        return "failed", ("line",)
                    told += 1
                if left_s <= 0:
                    return "done", ()
        finally:
            tail.close()

    async def _send_all(self, parts: Iterable[f.DiagChunk]) -> Done:
        for part in parts:
            if not await keep_saying(lambda part=part: self._reach.send(part), self._clock):  # type: ignore[misc]
                return "failed", ("line",)
        return "done", ()

    async def _until(self, what: Callable[[], bool], within_s: float) -> bool:
        waited_s = 0.0
        while not what():
            if waited_s >= within_s:
                return False
            await self._clock.sleep(LOOK_S)
            waited_s += LOOK_S
        return True


async def keep_saying(say: Callable[[], Awaitable[None]], clock: Clock, within_s: float = SAY_WITHIN_S) -> bool:
    """Hand something to the broker, again while it is away or busy; whether it was taken in time."""
    waited_s = 0.0
    while True:
        try:
            await say()
            return True
        except BusDown:
            if waited_s >= within_s:
                return False
            await clock.sleep(SAY_AGAIN_S)
            waited_s += SAY_AGAIN_S
