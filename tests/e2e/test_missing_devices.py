"""No camera, microphone, loudspeaker, display or broker: the terminal starts, says so, and works by touch."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from contracts.framing import Framing
from contracts.screen import MAX_MESSAGE_BYTES, Ready, ScreenState, ToScreen, Touch
from kiosk.sync.outbox import Outbox
from tests.kiosk.sound_card import SoundCard

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parents[2]
BARE = {"ALSA_CONFIG_PATH": "/nonexistent", "PULSE_SERVER": "unix:/nonexistent", "DISPLAY": "", "WAYLAND_DISPLAY": ""}


class Glass:
    """A screen that only looks and touches, over the real socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._framing: Framing[ToScreen] = Framing(ToScreen, MAX_MESSAGE_BYTES)
        self.state: ScreenState | None = None

    def say(self, message: object) -> None:
        self._writer.write(self._framing.encode(message))

    async def until(self, *wanted: str, within_s: float = 30) -> ScreenState:
        """Look until everything wanted is there: a page, the id of a target, the name of a missing device."""
        return await self._until(
            lambda state: set(wanted) <= {state.page, *state.lights.missing, *(t.id for t in state.targets)}, within_s
        )

    async def until_lost(self, *devices: str, within_s: float) -> ScreenState:
        """Look until all of these are missing."""
        return await self._until(lambda state: set(devices) <= set(state.lights.missing), within_s)

    async def until_works(self, *devices: str, within_s: float) -> ScreenState:
        """Look until none of these is missing."""
        return await self._until(lambda state: not set(devices) & set(state.lights.missing), within_s)

    async def next(self, within_s: float) -> ScreenState:
        """The next page that is shown."""
        before = self.state
        return await self._until(lambda state: state is not before, within_s)

    async def _until(self, enough: Callable[[ScreenState], bool], within_s: float) -> ScreenState:
        async with asyncio.timeout(within_s):
            while self.state is None or not enough(self.state):
                received = await self._reader.read(65536)
                if not received:
                    raise ConnectionError("the terminal closed its screen's connection")
                for message in self._framing.feed(received):
                    if isinstance(message, ScreenState):
                        self.state = message
            return self.state

    def touch(self, target: str) -> None:
        assert self.state is not None
        self.say(Touch(self.state.revision, target, 0))


async def connected(address: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A busy machine takes its time to load the models; and the socket's file is there before it listens."""
    for _ in range(900):
        with suppress(FileNotFoundError, ConnectionRefusedError):
            return await asyncio.open_unix_connection(str(address), limit=2**20)
        await asyncio.sleep(0.1)
    raise AssertionError("the terminal did not open its socket within 90 s")


@asynccontextmanager
async def terminal(
    tmp_path: Path, devices: Mapping[str, str] = BARE, camera: str = "/dev/no-camera", extra: str = ""
) -> AsyncIterator[Glass]:
    site = (ROOT / "config/sites/qinghe-binjiang.toml").read_text("utf-8")
    (tmp_path / "site.toml").write_text(f'{site}\n[hub]\nport = 9\n[ports]\ncamera = "{camera}"\n{extra}', "utf-8")
    command = [sys.executable, "-m", "kiosk", "core", "--state", str(tmp_path / "state"), "--socket",
               str(tmp_path / "screen.sock"), "--tickets", str(tmp_path / "tickets"), "--site",
               str(tmp_path / "site.toml")]  # fmt: skip
    core = await asyncio.to_thread(
        subprocess.Popen, command, cwd=ROOT, env={**os.environ, **BARE, **devices}, stderr=subprocess.PIPE
    )
    try:
        reader, writer = await connected(tmp_path / "screen.sock")
        glass = Glass(reader, writer)
        glass.say(Ready(1080, 1920, "dummy", os.getpid()))
        yield glass
        writer.close()
    finally:
        core.terminate()
        _, said = await asyncio.to_thread(core.communicate, timeout=10)
        assert core.returncode == 0, said.decode()[-800:]


async def test_with_nothing_attached_a_visitor_gets_a_ticket_by_touch(tmp_path: Path) -> None:
    async with terminal(tmp_path) as glass:
        state = await glass.until("outage")
        assert "听不见" in state.headline
        await glass.until("wish_take_ticket", "camera", "microphone", "speaker", "hub")
        glass.touch("wish_take_ticket")
        await glass.until("service_personal")
        glass.touch("service_personal")
        state = await glass.until("ticket")
        assert state.ticket is not None and state.ticket.number == "A001"
        assert state.ticket.ahead is None and state.ticket.wait_min is None  # no hub: no figure is invented
    owed = Outbox(tmp_path / "state" / "outbox.sqlite").pending(limit=100)
    bodies = [type(row.topic.decode(row.payload).body).__name__ for row in owed]
    assert "TicketIssued" in bodies
    assert list((tmp_path / "tickets").glob("*A001.png"))


async def test_a_microphone_that_gives_only_zeros_is_told_while_she_greets_and_touch_leads_to_a_ticket(
    tmp_path: Path,
) -> None:
    card = SoundCard(tmp_path / "card", lobby=True, noise=False)
    await asyncio.to_thread(card.plug_in)
    try:
        async with terminal(tmp_path, card.environment) as glass:
            state = await glass.until("attract", "camera", "hub")
            assert state.lights.microphone  # it opened, and a silent room is no fault
            glass.touch("wish_business_hours")
            state = await glass.until_lost("microphone", within_s=60)
            assert state.listening == "unavailable" and not state.lights.microphone
            assert any("听不见" in target.label for target in state.targets)
            glass.touch("wish_take_ticket")
            await glass.until("service_personal")
            glass.touch("service_personal")
            assert (await glass.until("ticket")).ticket is not None
    finally:
        await asyncio.to_thread(card.unplug)
    assert missing(tmp_path)["microphone"] == "only_zeros"


async def test_a_sound_card_that_hangs_for_ever_is_told_within_10_s_touch_works_and_it_is_used_again(
    tmp_path: Path,
) -> None:
    card = SoundCard(tmp_path / "card", lobby=True)
    await asyncio.to_thread(card.plug_in)
    try:
        async with terminal(tmp_path, card.environment) as glass:
            await glass.until("attract", "camera", "hub")
            glass.touch("wish_business_hours")
            await glass.until("conversation")
            card.freeze()
            state = await glass.until_lost("microphone", "speaker", within_s=10)
            assert state.listening == "unavailable"
            glass.touch("wish_take_ticket")
            await glass.until("service_personal", within_s=5)
            glass.touch("service_personal")
            assert (await glass.until("ticket", within_s=15)).ticket is not None
            card.thaw()
            await glass.until_works("microphone", "speaker", within_s=30)
    finally:
        card.thaw()
        await asyncio.to_thread(card.unplug)
    assert set(missing(tmp_path)) >= {"microphone", "speaker"}


def missing(tmp_path: Path) -> dict[str, str]:
    """The devices that the hub will learn were missing, and why."""
    owed = Outbox(tmp_path / "state" / "outbox.sqlite").pending(limit=100)
    bodies = [row.topic.decode(row.payload).body for row in owed]
    return {body.device: body.reason for body in bodies if type(body).__name__ == "DeviceMissing"}


def test_the_doctor_names_what_is_missing_and_what_to_do() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "kiosk", "doctor", "--json", "-"],
        cwd=ROOT, env={**os.environ, **BARE}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    told = json.loads(ran.stdout)
    findings = {finding["what"]: finding for finding in told["findings"]}
    for device in ("microphone", "loudspeaker", "display"):
        assert findings[device]["works"] is False and findings[device]["advice"]
    for there in ("models", "intent model", "Chinese font", "printer", "echo cancellation"):
        assert findings[there]["works"] is True
    assert ran.returncode == 1 and told["ok"] is False


def test_the_doctor_finds_a_sound_card(tmp_path: Path) -> None:
    card = SoundCard(tmp_path)
    card.plug_in()
    try:
        ran = subprocess.run(
            [sys.executable, "-m", "kiosk", "doctor", "--json", "-"],
            cwd=ROOT, env={**os.environ, **card.environment}, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
    finally:
        card.unplug()
    findings = {finding["what"]: finding for finding in json.loads(ran.stdout)["findings"]}
    assert findings["loudspeaker"]["works"] is True, findings["loudspeaker"]
    assert "microphone" in findings and findings["microphone"]["found"].startswith("'auto'")
