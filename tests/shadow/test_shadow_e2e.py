"""A terminal's shadow against a real broker and a real hub that is killed meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from kiosk.adapters.mqtt import Pace, PahoBus
from kiosk.sync.link import Link, LinkPace
from kiosk.sync.outbox import Outbox
from tests.hub.wirekit import start_broker, start_hub
from tests.shadow.kit import BRANCH, DEVICE, Terminal

pytestmark = pytest.mark.e2e
HERE = f"/api/v1/branches/{BRANCH}/devices/{DEVICE}/shadow"
WITHIN_S = 60.0


class Lobby:
    """One terminal of the branch: its link and its shadow, in this process."""

    def __init__(self, folder: Path, port: int, trial_s: float = 0.3) -> None:
        self.terminal = Terminal(folder, trial_s=trial_s)
        self.outbox = Outbox(folder / "kiosk.db")
        bus = PahoBus("127.0.0.1", port, client_id=DEVICE, pace=Pace(first_pause_s=0.05, longest_pause_s=0.3))
        self.link = Link(
            bus, self.outbox, branch=BRANCH, device=DEVICE, versions={}, pace=LinkPace(resend_s=0.5),
            shadow=self.terminal.shadow,
        )  # fmt: skip
        self._tasks = [
            asyncio.create_task(self.link.run()),
            asyncio.create_task(self.terminal.shadow.run(self.terminal.around(), self.link.say_shadow)),
        ]

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self.outbox.close()


async def seen(address: str, what: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """What the API says of the terminal, when it has become so."""
    deadline_s = time.monotonic() + WITHIN_S
    async with httpx.AsyncClient(base_url=address) as web:
        while True:
            answer = await web.get(HERE)
            if answer.status_code == 200 and what(answer.json()):
                return dict(answer.json())
            assert time.monotonic() < deadline_s, f"not in time: {answer.text[:500]}"
            await asyncio.sleep(0.05)


def want(address: str, settings: dict[str, Any]) -> int:
    answer = httpx.post(address + HERE, json={"settings": settings})
    assert answer.status_code == 202, answer.text
    return int(answer.json()["version"])


async def test_a_wish_is_taken_over_the_wire_also_by_who_was_away_and_where_the_hub_lost_everything(
    tmp_path: Path,
) -> None:
    broker = await asyncio.to_thread(start_broker, tmp_path / "broker")
    port = broker.ready["port"]
    hub = await asyncio.to_thread(start_hub, port, tmp_path / "hub.db")
    lobby = Lobby(tmp_path, port)
    try:
        address = hub.ready["http"]
        found = await seen(address, lambda one: one["reported"] is not None)
        assert (found["reported"]["state"], found["in_step"]) == ("local", True)
        assert want(address, {"voice.gain_max_db": 3}) == 1
        found = await seen(address, lambda one: one["in_step"] and not one["reported"]["on_trial"])
        assert (found["reported"]["version"], found["reported"]["state"]) == (1, "applied")
        assert lobby.terminal.has("voice.gain_max_db") == 3
        # the terminal is away while two more versions are set, and the hub is killed and started again
        await lobby.end()
        want(address, {"voice.gain_max_db": 4})
        want(address, {"voice.gain_max_db": 5, "branch.hours": {"monday": {"opens": "08:30", "closes": "18:00"}}})
        hub.kill()
        lobby = Lobby(tmp_path, port)
        await lobby.terminal.until(lambda said: said.in_force == 3, WITHIN_S)  # kept by the broker
        hub = await asyncio.to_thread(start_hub, port, tmp_path / "hub.db")
        address = hub.ready["http"]
        found = await seen(address, lambda one: one["in_step"] and one["reported"]["version"] == 3)
        assert found["differing"] == [] and lobby.terminal.has("voice.gain_max_db") == 5
        # a hub that lost its database goes on with the numbers that the terminal knows
        hub.kill()
        hub = await asyncio.to_thread(start_hub, port, tmp_path / "new.db")
        address = hub.ready["http"]
        await seen(address, lambda one: one["reported"] is not None and one["reported"]["version"] == 3)
        assert want(address, {}) == 4
        await seen(address, lambda one: one["in_step"] and one["reported"]["version"] == 4)
        assert lobby.terminal.has("voice.gain_max_db") == 6
    finally:
        await lobby.end()
        hub.stop()
        broker.stop()


async def test_one_that_gets_worse_takes_it_back_by_itself_and_the_hub_learns_why(tmp_path: Path) -> None:
    broker = await asyncio.to_thread(start_broker, tmp_path / "broker")
    hub = await asyncio.to_thread(start_hub, broker.ready["port"], tmp_path / "hub.db")
    lobby = Lobby(tmp_path, broker.ready["port"], trial_s=60)
    try:
        address = hub.ready["http"]
        await seen(address, lambda one: one["reported"] is not None)
        want(address, {"hearing.pause_ms": 900})
        await seen(address, lambda one: one["reported"]["on_trial"])
        for _ in range(3):
            lobby.terminal.health.broke()
        found = await seen(address, lambda one: one["reported"]["state"] == "rolled_back")
        found = await seen(address, lambda one: one["reported"]["in_force"] == 0)
        assert found["reported"]["reasons"] == [{"why": "turns_failed", "what": ""}]
        assert found["differing"] == [{"setting": "hearing.pause_ms", "desired": 900, "reported": 1300}]
        assert lobby.terminal.has("hearing.pause_ms") == 1300
    finally:
        await lobby.end()
        hub.stop()
        broker.stop()
