"""What orders do, in virtual time: they wait for visitors, ask whoever supervises, send bounded parts."""

from __future__ import annotations

import asyncio
import base64
import logging
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contracts import fleet as f
from kiosk.ports import BusDown
from kiosk.remote.acts import Acts, PartLost, Reach
from kiosk.remote.closed import OutOfServiceMark
from kiosk.remote.lines import LogLines
from kiosk.remote.restarting import RestartDesk
from kiosk.remote.testing import Arrivals, DevicesTried, self_test
from kiosk.runtime.clock import LoopClock
from tests.conftest import VirtualTimeLoop

pytestmark = pytest.mark.contract


class World:
    """A terminal's edges: whether somebody is there, which parts are connected, what was sent."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.idle = True
        self.connected = {"screen": True}
        self.closed: list[bool] = []
        self.sent: list[f.DiagChunk] = []
        self.broker_away = 0
        self.drawn: bytes | None = b"png" * 9_000
        self.mark = OutOfServiceMark(folder / "out")
        self.restarts = RestartDesk(folder / "restart", folder / "restarting", LoopClock())
        self.lines = LogLines()
        (folder / "screen.log").write_text("2026-05-04 10:00:00 old\n2099-01-01 10:00:00 saw 张伟 at 6222 0210 0112\n")
        reach = Reach(
            idle=lambda: self.idle, connected={"screen": lambda: self.connected["screen"]}, self_test=self._tested,
            closed=self.closed.append, picture=self._picture, facts=lambda: {"kiosk": "1.0.0"},
            logs=lambda: [folder / "screen.log"], send=self._send,
        )  # fmt: skip
        self.table = Acts(reach, self.mark, self.restarts, self.lines, LoopClock()).table()

    async def _tested(self) -> tuple[str, ...]:
        return ("camera_missing",)

    async def _picture(self) -> bytes:
        if self.drawn is None:
            raise PartLost("away")
        return self.drawn

    async def _send(self, chunk: f.DiagChunk) -> None:
        if self.broker_away > 0:
            self.broker_away -= 1
            raise BusDown("away")
        self.sent.append(chunk)

    async def do(self, act: f.Act) -> tuple[str, tuple[str, ...]]:
        return await self.table[type(act)](7, act)

    def supervise(self, *parts: str, then: Callable[[], None] = lambda: None) -> None:
        """Take what is asked, as a path unit does, a moment later."""

        async def take() -> None:
            while not (found := [part for part in parts if (self.folder / "restart" / part).exists()]):
                await asyncio.sleep(0.1)
            (self.folder / "restart" / found[0]).unlink()
            then()

        self.taking = asyncio.ensure_future(take())


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_part_is_restarted_between_two_visits_and_is_seen_to_be_back(virtual: VirtualTimeLoop, world: World) -> None:
    async def scene() -> None:
        world.idle = False
        loop = asyncio.get_running_loop()
        loop.call_later(60, setattr, world, "idle", True)
        world.supervise("screen", then=lambda: world.connected.update(screen=False))
        loop.call_later(63, lambda: world.connected.update(screen=True))
        assert await world.do(f.RestartPart(part="screen")) == ("done", ())
        assert loop.time() > 60

    virtual.run_until_complete(scene())


@pytest.mark.parametrize(
    ("part", "taken", "said"),
    [
        ("screen", True, ("failed", ("not_back",))),
        ("screen", False, ("failed", ("not_supervised",))),
        ("updater", True, ("done", ())),
        ("updater", False, ("failed", ("not_supervised",))),
    ],
)
def test_what_does_not_come_back_or_is_nobodys_business_is_said(
    virtual: VirtualTimeLoop, world: World, part: f.Part, taken: bool, said: Any
) -> None:
    async def scene() -> None:
        if taken:
            world.supervise(part, then=lambda: world.connected.update(screen=False))
        assert await world.do(f.RestartPart(part=part)) == said
        assert not (world.folder / "restart" / part).exists()  # it does not happen an hour later

    virtual.run_until_complete(scene())


def test_the_core_after_this_one_knows_which_order_it_was_started_for(virtual: VirtualTimeLoop, world: World) -> None:
    async def scene() -> None:
        world.supervise("core")
        assert await world.do(f.RestartPart(part="core")) == ("taken", ())
        assert world.restarts.own
        after = RestartDesk(world.folder / "restart", world.folder / "restarting", LoopClock())
        assert after.came_back() == 7 and after.came_back() == 0 and not after.own
        assert await world.do(f.RestartPart(part="core")) == ("failed", ("not_supervised",))  # nobody takes it now
        assert not world.restarts.own and after.came_back() == 0

    virtual.run_until_complete(scene())


def test_a_visitor_who_stays_is_not_driven_away(virtual: VirtualTimeLoop, world: World) -> None:
    async def scene() -> None:
        world.idle = False
        assert await world.do(f.RestartPart(part="screen")) == ("failed", ("visit",))
        assert await world.do(f.SelfTest()) == ("failed", ("visit",))
        assert await world.do(f.OutOfService(on=True)) == ("done", ("visit_goes_on",))
        assert world.closed == [True] and world.mark.on and OutOfServiceMark(world.folder / "out").on
        world.idle = True
        assert await world.do(f.OutOfService(on=False)) == ("done", ())
        assert world.closed == [True, False] and not world.mark.on

    virtual.run_until_complete(scene())


def test_a_picture_goes_in_parts_also_over_a_broker_that_is_away_for_a_moment(
    virtual: VirtualTimeLoop, world: World
) -> None:
    async def scene() -> None:
        world.broker_away = 5
        assert await world.do(f.Screenshot()) == ("done", ())
        assert b"".join(base64.b64decode(part.body) for part in world.sent) == world.drawn
        assert len(world.sent) == world.sent[0].parts == 2
        world.drawn = None
        assert await world.do(f.Screenshot()) == ("failed", ("screen",))
        world.drawn, world.broker_away = b"png", 10_000
        assert await world.do(f.Screenshot()) == ("failed", ("line",))

    virtual.run_until_complete(scene())


async def test_a_bundle_has_our_lines_of_the_last_hours_and_nobodys_words(world: World) -> None:
    world.lines.handle(logging.LogRecord("kiosk.x", logging.WARNING, "", 0, "took %d ms", (12,), None))
    assert await world.do(f.Diagnostics(hours=2)) == ("done", ())
    with zipfile.ZipFile(BytesIO(b"".join(base64.b64decode(part.body) for part in world.sent))) as opened:
        own, theirs = opened.read("core.log").decode(), opened.read("0-screen.log").decode()
    assert "took 12 ms" in own
    assert "old" not in theirs and "saw <words> at <figures>" in theirs and "张" not in theirs and "6222" not in theirs


def test_the_log_is_told_as_it_is_written_in_parts_that_are_whole(virtual: VirtualTimeLoop, world: World) -> None:
    async def scene() -> None:
        loop = asyncio.get_running_loop()

        def write(text: str) -> None:
            world.lines.handle(logging.LogRecord("kiosk.x", logging.WARNING, "", 0, text, (), None))

        loop.call_later(0.5, write, "first")
        loop.call_later(3.5, write, "called 13800138000")
        loop.call_later(9.5, write, "after the end")
        assert await world.do(f.LiveTail(seconds=5)) == ("done", ())
        write("nobody listens")
        assert [(part.part, part.parts) for part in world.sent] == [(0, 1), (1, 2)]
        told = b"".join(base64.b64decode(part.body) for part in world.sent).decode()
        assert "first" in told and "<figures>" in told and "1380" not in told and "after" not in told

    virtual.run_until_complete(scene())


class Loud:
    def __init__(self, plays: bool) -> None:
        self.plays, self.samples = plays, 0

    async def write(self, pcm: Any) -> None:
        self.samples += len(pcm) if self.plays else 0

    def played(self) -> Any:
        return type("Played", (), {"samples": self.samples})()


@pytest.mark.parametrize("broken", ["", "microphone", "camera", "speaker", "printer", "screen", "call"])
def test_a_self_test_names_exactly_what_is_broken(virtual: VirtualTimeLoop, broken: str) -> None:
    codes = {"": (), "microphone": ("microphone_no_sound",), "camera": ("camera_no_pictures",),
             "speaker": ("speaker_takes_no_sound",), "printer": ("printer_not_ready",),
             "screen": ("screen_does_not_draw",), "call": ("call_missing",)}  # fmt: skip
    arrivals, speaker = Arrivals(), Loud(broken != "speaker")

    async def arrive() -> None:
        while True:
            await asyncio.sleep(0.25)
            if broken != "microphone":
                arrivals.heard(np.zeros(320))
            if broken != "camera":
                arrivals.saw(None)

    async def said(name: str) -> bool:
        return broken != name

    async def scene() -> None:
        arriving = asyncio.ensure_future(arrive())
        tested = DevicesTried(
            works=lambda: dict.fromkeys(("microphone", "camera", "speaker"), True), arrivals=arrivals,
            speaker=lambda: speaker,  # type: ignore[arg-type, return-value]
            printer=lambda: said("printer"), screen=lambda: said("screen"), call=lambda: broken != "call",
        )  # fmt: skip
        assert await self_test(tested, LoopClock()) == codes[broken]
        arriving.cancel()
        await asyncio.gather(arriving, return_exceptions=True)

    virtual.run_until_complete(scene())
