"""A release over messages: what is lost, foreign, damaged or endless is asked for again until all of it is here."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from bench.rollout_world import NEW, World, make_world
from contracts import fleet as f
from contracts import rollout as r
from contracts import topics
from contracts.release import join_manifest, read_index, sha_of
from contracts.trust import check
from hub.bus import Arrived
from hub.release.serve import QUESTIONS_MOST, ReleaseDesk
from kiosk.ports import BusDown, BusNews, Connected, Delivered, Disconnected, Will
from kiosk.rollout.over_folder import FolderSource
from kiosk.rollout.over_mqtt import MqttSource, _envelope
from kiosk.rollout.ports import SourceLost
from kiosk.rollout.updater import Said

pytestmark = pytest.mark.contract
BRANCH, DEVICE = "binjiang", "kiosk-1"


class HurriedClock:
    """Every look at it is a second later: silence is over at once."""

    def __init__(self) -> None:
        self._now_s = 0

    def now_ns(self) -> int:
        self._now_s += 1
        return self._now_s * 1_000_000_000

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


class DeskBus:
    """The terminal's connection with the release desk at its other end. `spoil` changes each answer; None: lost."""

    def __init__(self, desk: ReleaseDesk, spoil: object = None) -> None:
        self.desk, self.spoil = desk, spoil
        self.connected = True
        self.said: list[tuple[str, bytes]] = []
        self._news: asyncio.Queue[BusNews] = asyncio.Queue(1000)
        self._news.put_nowait(Connected())

    async def open(self, will: Will | None) -> None: ...

    async def subscribe(self, pattern: str, qos: int) -> None: ...

    async def close(self) -> None: ...

    def hurry(self, hurried: bool) -> None: ...

    async def publish(self, topic: str, payload: bytes, *, qos: int, retain: bool = False) -> None:
        if not self.connected:
            raise BusDown("cut")
        self.said.append((topic, payload))
        self.desk.hear([Arrived(topic, payload)])
        while (answer := self.desk.next()) is not None:
            spoiled = self.spoil(answer.payload) if callable(self.spoil) else answer.payload
            if spoiled is not None:
                self.deliver(answer.topic, spoiled)

    def deliver(self, topic: str, payload: bytes) -> None:
        self._news.put_nowait(Delivered(topic, payload))

    def cut(self) -> None:
        self._news.put_nowait(Disconnected("cut"))

    async def news(self) -> AsyncIterator[BusNews]:
        while True:
            yield await self._news.get()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(tmp_path_factory.mktemp("mqtt"), {NEW: "good"}, seed=1, ballast_bytes=300_000)


@pytest.fixture
async def wished() -> list[tuple[str, int]]:
    return []


async def _with(bus: DeskBus, wished: list[tuple[str, int]]) -> tuple[MqttSource, asyncio.Task[None]]:
    source = MqttSource(
        bus, BRANCH, DEVICE, wished=lambda release, number: wished.append((release, number)), clock=HurriedClock()
    )
    return source, asyncio.create_task(source.run())


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def _spoiler(chance: random.Random) -> object:
    def spoil(payload: bytes) -> bytes | None:
        return chance.choice([payload, payload, None, payload[:-3], payload + b"more", payload[:-1] + b"\x00"])

    return spoil


async def test_chunks_arrive_whole_over_a_bus_that_loses_and_changes_messages(
    world: World, wished: list[tuple[str, int]]
) -> None:
    bus = DeskBus(ReleaseDesk(world.repository))
    source, running = await _with(bus, wished)
    try:
        async with asyncio.timeout(60):
            offered = await source.metadata(NEW, 1)
            index = check(NEW, root=world.root, kept={}, offered=offered).index
            stored = {chunk.sha: body async for chunk, body in FolderSource(world.repository).chunks(index.manifest)}
            wanted = join_manifest(index, stored).chunks
            bus.spoil = _spoiler(random.Random(7))
            found = {}
            async for chunk, body in source.chunks(wanted):
                assert chunk.sha not in found
                found[chunk.sha] = body
                if len(found) == 2:
                    bus.cut()
        assert set(found) == {chunk.sha for chunk in wanted}
        assert source.tally["chunk_truncated"] + source.tally["chunk_hash"] + source.tally["chunk_too_large"] > 0
    finally:
        await _end(running)


async def test_a_wish_for_another_terminal_and_what_nobody_asked_for_is_not_heard(
    world: World, wished: list[tuple[str, int]]
) -> None:
    bus = DeskBus(ReleaseDesk(world.repository))
    source, running = await _with(bus, wished)
    row = topics.ROLLOUT_WANTED

    def wish(device: str, inner: str) -> None:
        said = f.RolloutWanted(**_envelope(), branch=BRANCH, device=inner, generation=2, version=NEW)
        bus.deliver(row.at(BRANCH, device), row.encode(said))

    try:
        wish("kiosk-2", "kiosk-2")
        wish(DEVICE, "kiosk-2")  # on our topic, about somebody else
        bus.deliver(row.at(BRANCH, DEVICE), b"{}")
        chunk = topics.ROLLOUT_CHUNK
        bus.deliver(chunk.at(BRANCH, DEVICE), chunk.encode(r.RolloutChunk(**_envelope(), sha="0" * 64, body=b"x")))
        wish(DEVICE, DEVICE)
        async with asyncio.timeout(20):
            while not wished:
                await asyncio.sleep(0.01)
        assert wished == [(NEW, 2)]
        assert source.tally["not_for_us"] == 3 and source.tally["refused_type"] == 1
        source.say(Said(generation=2, release="1.0.0", state="working", reason="fetching", share=0.5))
        async with asyncio.timeout(20):
            while bus.said[-1][0] != topics.ROLLOUT_REPORT.at(BRANCH, DEVICE) or b"0.5" not in bus.said[-1][1]:
                await asyncio.sleep(0.01)
    finally:
        await _end(running)


async def test_a_release_that_the_hub_does_not_have_is_no_source(world: World, tmp_path: Path) -> None:
    source, running = await _with(DeskBus(ReleaseDesk(tmp_path)), [])
    try:
        async with asyncio.timeout(20):
            with pytest.raises(SourceLost):
                await source.metadata(NEW, 1)
    finally:
        await _end(running)


def test_the_desk_bounds_what_one_terminal_may_ask_and_serves_terminals_in_turn(world: World) -> None:
    desk = ReleaseDesk(world.repository)
    row = topics.ROLLOUT_WANT
    for round_ in range(8):
        names = tuple(sha_of(f"{round_}-{number}".encode()) for number in range(r.WINDOW_MOST))
        want = r.RolloutWant(**_envelope(), chunks=names)
        desk.hear([Arrived(row.at(BRANCH, "greedy"), row.encode(want))])
    index = read_index((world.repository / "built" / NEW).read_bytes())
    modest = r.RolloutWant(**_envelope(), chunks=(index.manifest[0].sha,))
    desk.hear([Arrived(row.at(BRANCH, "modest"), row.encode(modest)), Arrived("nonsense", b""),
               Arrived(row.at(BRANCH, "greedy"), b"{")])  # fmt: skip
    served = [desk.next(), desk.next()]
    assert [topics.find(answer.topic)[1].device for answer in served if answer] == ["greedy", "modest"]
    assert desk.tallies.crowded_out > 0 and desk.tallies.refused == {"topic": 1, "json": 1}
    rest = 0
    while desk.next() is not None:
        rest += 1
    assert rest == QUESTIONS_MOST - 1
