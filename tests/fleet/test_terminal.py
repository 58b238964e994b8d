"""A real terminal in a real fleet: it shows its code, joins, speaks TLS, carries out every order, and is out when it
is revoked. Mosquitto, hub, core and screen are processes; people use yingbinctl.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import time
import zipfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import sqlalchemy as sa

from contracts.screen import ScreenState
from hub import ctl
from hub.broker import find_mosquitto
from hub.store import Store, tickets
from kiosk.runtime.supervisor import SCREEN_ALLOCATOR, Child, Supervisor, module
from tests.e2e.test_missing_devices import BARE, Glass
from tests.fleet.world import House, open_house

pytestmark = pytest.mark.e2e
TERMINAL = "binjiang/kiosk-1"
WAIT_S = 180.0
OUT_WITHIN_S = 5.0


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed: apt-get install mosquitto")
    before, ctl.SESSION = ctl.SESSION, tmp_path / "ctl.json"
    made = open_house(tmp_path)
    yield made
    made.stop()
    ctl.SESSION = before


class Terminal:
    """The core under the small supervisor, which also does what is ordered of the parts; and whoever looks."""

    def __init__(self, house: House, supervisor: Supervisor, site: Path) -> None:
        self.house, self.supervisor, self._site = house, supervisor, site
        self.folder = house.folder / "kiosk"
        self.socket = self.folder / "screen.sock"

    async def start_core(self) -> None:
        argv = module("kiosk", "core", "--state", str(self.folder), "--socket", str(self.socket), "--tickets",
                      str(self.folder / "tickets"), "--logs", str(self.folder / "logs"), "--site",
                      str(self._site))  # fmt: skip
        await self.supervisor.start(Child(name="core", argv=argv, log=self.folder / "logs" / "core.log", env=BARE))

    @asynccontextmanager
    async def screen(self) -> AsyncIterator[Supervisor]:
        """The real one, for as long as nobody else looks: the core has one screen."""
        argv = module("kiosk.screen", "--socket", str(self.socket), "--headless")
        log = self.folder / "logs" / "screen.log"
        supervisor = Supervisor()
        following = asyncio.create_task(supervisor.follow(self.folder / "restart"))
        try:
            await supervisor.start(Child(name="screen", argv=argv, log=log, allocator=SCREEN_ALLOCATOR))
            yield supervisor
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
            await supervisor.stop()

    @asynccontextmanager
    async def glass(self) -> AsyncIterator[Glass]:
        reader, writer = await self._connected()
        yield Glass(reader, writer)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A busy machine loads the models slowly."""
        async with asyncio.timeout(WAIT_S):
            while True:
                with contextlib.suppress(FileNotFoundError, ConnectionRefusedError):
                    return await asyncio.open_unix_connection(str(self.socket), limit=2**20)
                await asyncio.sleep(0.1)

    async def ctl(self, *words: str, status: int = 0, text: str | None = None) -> Any:
        """In a thread: the tool waits for the hub."""
        return await asyncio.to_thread(lambda: self.house.ctl(*words, status=status, text=text))

    async def login(self, name: str) -> None:
        await asyncio.to_thread(self.house.login, name)

    async def order(self, *words: str, agreed: bool = False) -> int:
        """Order something; its id. What is dangerous is agreed to by the other operator."""
        made = await self.ctl("order", TERMINAL, *words, "--reason", "trying it out")
        assert (made["state"] == "waiting") is agreed
        if agreed:
            await self.login("chen")
            await self.ctl("agree", "binjiang", str(made["order"]))
            await self.login("zhou")
        return int(made["order"])

    async def stands(self, order: int) -> dict[str, Any]:
        found = await self.ctl("show", TERMINAL)
        return dict(next(one for one in found["orders"] if one["id"] == order))

    async def until(self, order: int, *states: str) -> dict[str, Any]:
        return await until(lambda: self.stands(order), lambda one: one["state"] in states, f"order {order}: {states}")

    async def fetch(self, order: dict[str, Any]) -> bytes:
        out = self.folder / "fetched"
        await self.ctl("fetch", TERMINAL, str(order["number"]), "--out", str(out))
        return out.read_bytes()


async def until(ask: Callable[[], Any], enough: Callable[[Any], bool], why: str) -> Any:
    deadline_s = time.monotonic() + WAIT_S
    while True:
        found = await ask()
        if enough(found):
            return found
        assert time.monotonic() < deadline_s, f"{why}: {found}"
        await asyncio.sleep(0.1)


@asynccontextmanager
async def running(house: House) -> AsyncIterator[Terminal]:
    supervisor = Supervisor()
    made = Terminal(house, supervisor, house.site(talking="prompt_after_s = 4\nforget_after_s = 3"))
    following = asyncio.create_task(supervisor.follow(made.folder / "restart"))
    try:
        await made.start_core()
        yield made
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await supervisor.stop()


async def test_a_terminal_joins_serves_obeys_and_is_out_within_5_s_of_its_revocation(house: House) -> None:
    async with running(house) as terminal:
        await terminal.login("zhou")
        await joins(terminal)
        async with terminal.glass() as glass:
            await gives_a_ticket(house, glass)
            await takes_a_setting(terminal)
            await sends_bundle_and_log(terminal)
            await goes_out_of_service_after_the_visit(terminal, glass)
        await comes_back_out_of_service(terminal)
        await draws_itself(terminal)
        await is_out(terminal)


async def joins(terminal: Terminal) -> None:
    """Whoever sets it up touches through what can be tried here; an operator claims the code meanwhile."""
    async with terminal.glass() as glass:
        state = await glass.until("join", "join_here")
        assert state.join is not None and len(state.join.code) == 8
        assert state.join.name == ""
        glass.touch("join_here")
        # nothing is plugged in here: only paper is asked about
        state = await glass._until(lambda state: tries(state).get("paper") == "here", WAIT_S)
        assert tries(state) == {"touch": "works", "camera": "fails", "speak": "fails", "sound": "fails",
                                "paper": "here"}  # fmt: skip
        paper = lambda: asyncio.to_thread(lambda: list((terminal.folder / "tickets").glob("*test*.png")))  # noqa: E731
        await until(paper, bool, "no test ticket")
        await until(lambda: seen(glass), lambda state: state.join.stands == "asking", "it does not ask")
        await terminal.ctl("join", TERMINAL, "--code", "AAAAAAAA", status=1)
        await terminal.ctl("join", TERMINAL, "--code", glass.state.join.code)  # type: ignore[union-attr]
        state = await glass._until(lambda state: bool(state.join and state.join.stands == "joined"), WAIT_S)
        assert state.join is not None and state.join.name == TERMINAL
        glass.touch("join_yes")
        await glass._until(lambda state: tries(state).get("paper") == "works", WAIT_S)
        await closes(glass)  # and opens the page of a terminal that serves


async def closes(glass: Glass) -> None:
    with pytest.raises(ConnectionError):
        await glass._until(lambda state: False, WAIT_S)


def tries(state: ScreenState) -> dict[str, str]:
    return {one.trial: one.state for one in state.join.tries} if state.join else {}


async def seen(glass: Glass) -> ScreenState:
    """What is on the screen now, after another look at what came."""
    with contextlib.suppress(TimeoutError):
        await glass._until(lambda state: False, 0.1)
    assert glass.state is not None
    return glass.state


async def gives_a_ticket(house: House, glass: Glass) -> None:
    """Over TLS, under its own name: the hub has it."""
    await glass.until("wish_take_ticket", within_s=WAIT_S)
    await glass.until_works("hub", within_s=WAIT_S)
    glass.touch("wish_take_ticket")
    await glass.until("service_personal")
    glass.touch("service_personal")
    await glass.until("ticket")
    store = Store(f"sqlite:///{house.folder}/hub.db")
    try:
        query = sa.select(tickets.c.number, tickets.c.branch, tickets.c.device)
        found = await until(lambda: asyncio.to_thread(store.rows, query), bool, "the hub has no ticket")
    finally:
        store.close()
    assert [(row["number"], row["branch"], row["device"]) for row in found] == [("A001", "binjiang", "kiosk-1")]
    glass.touch("end")
    await glass._until(lambda state: state.page in ("outage", "attract"), WAIT_S)


async def takes_a_setting(terminal: Terminal) -> None:
    path, api = f"/api/v1/branches/binjiang/devices/{TERMINAL.split('/')[1]}/shadow", terminal.house.api()
    await asyncio.to_thread(api.post, path, {"settings": {"seeing.arrive_ms": 700}})
    reported = lambda: asyncio.to_thread(lambda: api.get(path)["reported"])  # noqa: E731
    told = await until(reported, lambda told: told and told["in_force"] == 1, "the setting was not taken")
    assert told["settings"]["seeing.arrive_ms"] == {"value": 700, "origin": "remote"}


async def tells_what_fails(terminal: Terminal) -> None:
    done = await terminal.until(await terminal.order("self_test"), "done", "failed")
    assert done["state"] == "done"
    assert set(done["codes"]) == {"microphone_missing", "camera_missing", "speaker_missing"}


async def sends_bundle_and_log(terminal: Terminal) -> None:
    done = await terminal.until(await terminal.order("diagnostics", "--hours", "2"), "done", "failed")
    with zipfile.ZipFile(io.BytesIO(await terminal.fetch(done))) as opened:
        facts = json.loads(opened.read("facts.json"))
        names = opened.namelist()
    assert facts["works"]["microphone"] is False and facts["kiosk"]
    assert any(name.endswith("-core.log") for name in names)
    tail = await terminal.order("live_tail", "--seconds", "5")
    await terminal.until(tail, "taken", "done")
    done = await terminal.until(tail, "done", "failed")
    assert done["state"] == "done"
    assert isinstance(await terminal.fetch(done), bytes)


async def goes_out_of_service_after_the_visit(terminal: Terminal, glass: Glass) -> None:
    glass.touch("wish_business_hours")
    await glass.until("conversation")
    order = await terminal.order("out_of_service", "--on", agreed=True)
    await terminal.until(order, "taken")
    assert (await seen(glass)).page == "conversation"  # whoever is being served is served to the end
    glass.touch("end")
    state = await glass._until(lambda state: state.headline == "本机暂停服务", WAIT_S)
    assert state.page == "outage" and not [one for one in state.targets if one.enabled and one.id != "language"]
    assert (await terminal.until(order, "done", "failed"))["state"] == "done"
    glass.touch("human")
    assert (await seen(glass)).page == "outage"


async def comes_back_out_of_service(terminal: Terminal) -> None:
    """Another core, which knows that it is out of service and which order it was started again for."""
    before = terminal.supervisor.pid("core")
    order = await terminal.order("restart_part", "--part", "core", agreed=True)
    assert (await terminal.until(order, "done", "failed"))["state"] == "done"
    assert terminal.supervisor.pid("core") != before
    async with terminal.glass() as glass:
        await glass._until(lambda state: state.headline == "本机暂停服务", WAIT_S)
        order = await terminal.order("out_of_service", "--off", agreed=True)
        assert (await terminal.until(order, "done", "failed"))["state"] == "done"
        await glass.until("wish_take_ticket")


async def draws_itself(terminal: Terminal) -> None:
    """The real screen: its page as a picture, and started again."""

    async def picture() -> dict[str, Any]:
        return await terminal.until(await terminal.order("screenshot", agreed=True), "done", "failed")

    async with terminal.screen() as supervisor:
        done = await until(picture, lambda one: one["state"] == "done", "no picture")  # until it has come up
        drawn = cv2.imdecode(np.frombuffer(await terminal.fetch(done), np.uint8), cv2.IMREAD_COLOR)
        assert drawn is not None and drawn.shape == (960, 540, 3) and drawn.std() > 20
        await tells_what_fails(terminal)
        before = supervisor.pid("screen")
        order = await terminal.order("restart_part", "--part", "screen", agreed=True)
        assert (await terminal.until(order, "done", "failed"))["state"] == "done"
        assert supervisor.pid("screen") != before
    order = await terminal.order("restart_part", "--part", "updater", agreed=True)
    assert (await terminal.until(order, "done", "failed"))["codes"] == ["not_supervised"]  # there is none here


async def is_out(terminal: Terminal) -> None:
    revoked = lambda state: state.join is not None and state.join.stands == "revoked"  # noqa: E731
    async with terminal.glass() as glass:
        await glass._until(lambda state: state.page in ("attract", "outage"), WAIT_S)
        await terminal.ctl("revoke", TERMINAL, "--reason", "stolen")
        began_s = time.monotonic()
        await glass._until(revoked, WAIT_S)
        took_s = time.monotonic() - began_s
        assert glass.state is not None and glass.state.targets == ()
        await closes(glass)  # the terminal's own screen ends …
    async with terminal.glass() as glass:  # … and whoever looks now is told the same
        await glass._until(revoked, WAIT_S)
    assert took_s < OUT_WITHIN_S
