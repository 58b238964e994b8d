"""The shadow on the wire: what a hub, a forger or a broken sender says, and what the hub hears of it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from contracts import messages as m
from contracts import topics
from kiosk.adapters.journal_bus import Exchange, JournalBus
from kiosk.ports import Delivered, Will
from kiosk.sync.link import Link, LinkPace
from kiosk.sync.outbox import Outbox
from tests.shadow.kit import BRANCH, DEVICE, HERE, SITE, Terminal, desired

pytestmark = pytest.mark.contract
TOPIC = topics.SHADOW_DESIRED.at(BRANCH, DEVICE)
GOOD = {"voice.gain_max_db": 3, "branch.hours": {"monday": {"opens": "08:30", "closes": "18:00"}}}


class Wire:
    """A terminal's link and shadow on an exchange, and a hub that says what the test says."""

    def __init__(self, folder: Path) -> None:
        self.exchange = Exchange()
        self.hub = JournalBus(self.exchange, client_id="hub")
        self.outbox = Outbox(folder / "kiosk.db")
        self.terminal = Terminal(folder)
        self.link = Link(
            JournalBus(self.exchange, client_id="kiosk"), self.outbox, branch=BRANCH, device=DEVICE, versions={},
            pace=LinkPace(tick_s=0.02), shadow=self.terminal.shadow,
        )  # fmt: skip
        self.reports: list[m.ShadowReported] = []

    async def begin(self) -> None:
        self._tasks = [
            asyncio.create_task(self.link.run()),
            asyncio.create_task(self.terminal.shadow.run(self.terminal.around(), self.link.say_shadow)),
        ]
        row = topics.HUB_PRESENCE
        await self.hub.open(Will(row.at(), b""))
        await self.hub.subscribe(topics.SHADOW_REPORTED.everywhere, 1)
        self._tasks.append(asyncio.create_task(self._listen()))
        await self.until(lambda: bool(self.reports))

    async def _listen(self) -> None:
        async for news in self.hub.news():
            if isinstance(news, Delivered):
                row, address = topics.find(news.topic)
                assert (row, address) == (topics.SHADOW_REPORTED, HERE)
                self.reports.append(row.decode(news.payload))

    async def say(self, payload: bytes, topic: str = TOPIC) -> None:
        await self.hub.publish(topic, payload, qos=1, retain=True)

    async def want(self, version: int, settings: dict[str, Any], **more: str) -> None:
        await self.say(topics.SHADOW_DESIRED.encode(desired(version, settings, **more)))

    async def until(self, what: Callable[[], bool], seconds: float = 20.0) -> None:
        deadline_s = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < deadline_s, f"not in time: {self.reports[-1:]}"
            await asyncio.sleep(0.005)

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self.hub.close()
        self.outbox.close()


@pytest.fixture
async def wire(tmp_path: Path) -> AsyncIterator[Wire]:
    made = Wire(tmp_path)
    await made.begin()
    yield made
    await made.end()


async def test_a_terminal_says_what_it_is_set_to_takes_what_the_hub_wants_and_says_so(wire: Wire) -> None:
    assert (wire.reports[0].state, wire.reports[0].version) == ("local", 0)
    await wire.want(1, GOOD)
    await wire.until(lambda: wire.reports[-1].in_force == 1)
    assert (wire.reports[-1].state, wire.reports[-1].on_trial) == ("applied", True)
    assert f"{wire.terminal.shadow.site.branch.hours['monday'].opens:%H:%M}" == "08:30"


async def test_what_was_wanted_while_the_terminal_was_away_is_taken_when_it_is_back(wire: Wire) -> None:
    wire.exchange.down()
    wire.exchange.up()
    await wire.want(4, GOOD)
    await wire.until(lambda: wire.reports[-1].in_force == 4)
    count = len(wire.reports)
    wire.exchange.down()
    wire.exchange.up()  # it says again what it is set to, and hears the retained version again
    await wire.until(lambda: len(wire.reports) > count)
    await wire.until(lambda: wire.terminal.shadow.refused["repeated"] >= 1)
    assert wire.reports[-1].in_force == 4


def raw(**changed: Any) -> bytes:
    """A message as a sender that does not keep to the contract would write it."""
    whole = {
        "id": "1", "at": datetime.now(UTC).isoformat(), "mono_ns": 1, "v": 1, "branch": BRANCH, "device": DEVICE,
        "version": 1, "settings": GOOD,
    }  # fmt: skip
    return json.dumps({**whole, **changed}).encode()


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"", "json"),
        (b"{", "json"),
        (b"\xff\xfe", "json"),
        (b'{"x":' * 1_500, "json"),
        (b"x" * 10_000_000, "size"),
        (raw(more="y" * 9_000), "size"),
        (b"[]", "type"),
        (b"null", "type"),
        (raw(v=2, version="next"), "version"),
        (raw(v=2), "version"),
        (raw(version=0), "type"),
        (raw(version=-1), "type"),
        (raw(version=2**60), "type"),
        (raw(version="2"), "type"),
        (raw(settings=[]), "type"),
        (raw(settings={"voice.gain_max_db": None}), "type"),
        (raw(settings={"voice.gain_max_db": [3]}), "type"),
        (raw(settings={"voice.persona": "free text of somebody"}), "type"),
        (raw(settings={"../etc/passwd": 1}), "type"),
        (raw(settings={"branch.hours": {"monday": {"opens": "08:30", "closes": "18:00", "x": 1}}}), "type"),
        (raw(settings={f"a.{'b' * at}": 1 for at in range(1, 31)} | {f"c.{'b' * at}": 1 for at in range(1, 31)}
             | {"d.e": 1}), "type"),
        (raw(branch="jiefang"), "addressee"),
        (raw(device="kiosk-9"), "addressee"),
        (raw(settings={**GOOD, "voice.gain_max_db": 99}), "invalid"),
        (raw(settings={**GOOD, "hub.host": 1}), "invalid"),
        (raw(version=2_000_000), "too_far_ahead"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_refused_and_counted_nothing_of_it_is_taken_and_the_next_good_one_is(
    wire: Wire, payload: bytes, code: str
) -> None:
    await wire.say(payload)
    await wire.until(lambda: wire.terminal.shadow.refused[code] == 1)
    assert sum(wire.terminal.shadow.refused.values()) == 1
    assert (wire.terminal.taken, wire.terminal.shadow.site, wire.terminal.now.in_force) == ([], SITE, 0)
    await wire.want(2, GOOD)
    await wire.until(lambda: wire.reports[-1].in_force == 2)
    assert wire.reports[-1].refused == {code: 1}


async def test_what_is_meant_for_another_branch_or_terminal_does_not_even_arrive(wire: Wire) -> None:
    for branch, device in (("jiefang", DEVICE), (BRANCH, "kiosk-9")):
        await wire.say(topics.SHADOW_DESIRED.encode(desired(9, GOOD)), topics.SHADOW_DESIRED.at(branch, device))
    await wire.want(1, GOOD)
    await wire.until(lambda: wire.reports[-1].in_force == 1)
    assert wire.reports[-1].refused == {}
