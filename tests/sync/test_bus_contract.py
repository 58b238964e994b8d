"""The bus over real brokers and its twin: state is kept, wills are spoken, connections come back."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from kiosk.adapters.journal_bus import Exchange, JournalBus
from kiosk.adapters.mqtt import Pace, PahoBus
from kiosk.ports import Bus, BusDown, BusNews, Connected, Delivered, Disconnected, Will
from tests.hub.wirekit import start_broker

pytestmark = pytest.mark.contract

QUICK = Pace(tcp_s=1.0, connack_s=1.0, first_pause_s=0.05, longest_pause_s=0.2, upkeep_s=0.1)


@dataclass
class World:
    """A broker (or its twin) that can go down and come back, and clients of it that can be cut off."""

    make: Callable[[str], Bus]
    down: Callable[[], Awaitable[None]]
    up: Callable[[], Awaitable[None]]
    cut: Callable[[Bus], Awaitable[None]]


@pytest.fixture(params=["mosquitto", "embedded", "journal"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    made: list[Bus] = []
    if request.param == "journal":
        exchange = Exchange(tmp_path / "journal.jsonl")

        def journal_bus(name: str) -> Bus:
            made.append(JournalBus(exchange, client_id=name))
            return made[-1]

        async def cut_journal(bus: Bus) -> None:
            assert isinstance(bus, JournalBus)
            await bus.vanish()

        async def down_journal() -> None:
            exchange.down()

        async def up_journal() -> None:
            exchange.up()

        yield World(journal_bus, down_journal, up_journal, cut_journal)
        for bus in made:
            await bus.close()
        return

    running = await asyncio.to_thread(start_broker, tmp_path, 0, request.param)
    port = running.ready["port"]

    def paho_bus(name: str) -> Bus:
        made.append(PahoBus("127.0.0.1", port, client_id=name, pace=QUICK))
        return made[-1]

    async def down() -> None:
        os.kill(running.ready["pid"], signal.SIGKILL)
        await asyncio.to_thread(running.process.wait)

    async def up() -> None:
        nonlocal running
        assert running.process.stdout is not None
        running.process.stdout.close()
        running = await asyncio.to_thread(start_broker, tmp_path, port, request.param)

    async def cut(bus: Bus) -> None:
        """As a pulled cable does: the socket is gone, no goodbye was said."""
        assert isinstance(bus, PahoBus)
        bus._closing = True
        bus._drop_socket()
        if bus._running is not None:
            bus._running.cancel()

    yield World(paho_bus, down, up, cut)
    for bus in made:
        await bus.close()
    if running.process.poll() is None:
        await asyncio.to_thread(running.stop)
    elif running.process.stdout is not None:
        running.process.stdout.close()


async def opened(world: World, name: str, *patterns: str) -> tuple[Bus, AsyncIterator[BusNews]]:
    bus = world.make(name)
    for pattern in patterns:
        await bus.subscribe(pattern, 1)
    await bus.open(Will(f"will/{name}", b"gone"))
    news = bus.news()
    await until(news, Connected)
    return bus, news


async def until(news: AsyncIterator[BusNews], kind: type[BusNews], seconds: float = 5.0) -> BusNews:
    async with asyncio.timeout(seconds):
        async for item in news:
            if isinstance(item, kind):
                return item
    raise AssertionError(f"no {kind.__name__}")


async def delivered(news: AsyncIterator[BusNews], topic: str, payload: bytes, seconds: float = 5.0) -> Delivered:
    async with asyncio.timeout(seconds):
        async for item in news:
            if isinstance(item, Delivered) and (item.topic, item.payload) == (topic, payload):
                return item
    raise AssertionError("the bus was closed")


async def test_a_message_reaches_those_who_asked_for_it_and_nobody_else(world: World) -> None:
    one, _ = await opened(world, "one")
    _, wanting = await opened(world, "two", "a/+/c")
    other, not_wanting = await opened(world, "three", "a/x/d")
    await asyncio.sleep(0.1)
    await one.publish("a/b/c", b"hello", qos=1)
    assert (await delivered(wanting, "a/b/c", b"hello")).retained is False
    await other.publish("a/x/d", b"mine", qos=1)
    assert isinstance(first := await until(not_wanting, Delivered), Delivered)
    assert first.topic == "a/x/d"


async def test_retained_state_reaches_those_who_come_later_and_only_the_newest(world: World) -> None:
    one, _ = await opened(world, "one")
    await one.publish("state/s", b"old", qos=1, retain=True)
    await one.publish("state/s", b"new", qos=1, retain=True)
    await asyncio.sleep(0.1)
    _, late = await opened(world, "late", "state/#")
    found = await until(late, Delivered)
    assert isinstance(found, Delivered)
    assert (found.payload, found.retained) == (b"new", True)


async def test_the_will_is_spoken_when_a_client_vanishes_and_stays(world: World) -> None:
    _, watching = await opened(world, "watcher", "will/#")
    victim, _ = await opened(world, "victim")
    await asyncio.sleep(0.1)
    await world.cut(victim)
    await delivered(watching, "will/victim", b"gone")
    _, late = await opened(world, "late", "will/victim")
    await delivered(late, "will/victim", b"gone")


async def test_a_client_that_says_goodbye_leaves_no_will(world: World) -> None:
    _, watching = await opened(world, "watcher", "will/#", "other")
    leaving, _ = await opened(world, "leaving")
    await asyncio.sleep(0.1)
    await leaving.publish("other", b"last words", qos=1)
    await leaving.close()
    await delivered(watching, "other", b"last words")
    with contextlib.suppress(TimeoutError):
        await delivered(watching, "will/leaving", b"gone", seconds=0.4)
        raise AssertionError("the will was spoken")


async def test_after_an_outage_it_connects_again_and_still_hears_what_it_asked_for(world: World) -> None:
    one, one_news = await opened(world, "one")
    two, two_news = await opened(world, "two", "a/#")
    await world.down()
    await until(one_news, Disconnected)
    await until(two_news, Disconnected)
    assert not one.connected and not two.connected
    with pytest.raises(BusDown):
        await one.publish("a/b", b"lost", qos=1)
    await world.up()
    await until(one_news, Connected, 10)
    await until(two_news, Connected, 10)
    await asyncio.sleep(0.2)
    await one.publish("a/b", b"found", qos=1)
    await delivered(two_news, "a/b", b"found")


async def test_it_may_be_opened_before_there_is_a_broker(world: World) -> None:
    await world.down()
    bus = world.make("early")
    await bus.open(Will("will/early", b"gone"))
    news = bus.news()
    await until(news, Disconnected)
    await world.up()
    await until(news, Connected, 10)


async def test_messages_of_one_client_arrive_in_their_order(world: World) -> None:
    one, _ = await opened(world, "one")
    _, news = await opened(world, "two", "n")
    await asyncio.sleep(0.1)
    for number in range(60):
        await one.publish("n", str(number).encode(), qos=1)
    got = []
    async with asyncio.timeout(5):
        async for item in news:
            if isinstance(item, Delivered):
                got.append(int(item.payload))
            if len(got) == 60:
                break
    assert got == list(range(60))


async def test_closing_ends_the_news_within_a_second_even_without_a_broker(world: World) -> None:
    bus, news = await opened(world, "one")
    await world.down()
    began = time.monotonic()
    await bus.close()
    assert [item async for item in news if isinstance(item, Delivered)] == []
    assert time.monotonic() - began < 1.0
    await world.up()


async def test_a_server_that_never_answers_is_given_up_within_its_deadline() -> None:
    held: list[asyncio.StreamWriter] = []

    async def say_nothing(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    bus = PahoBus("127.0.0.1", port, client_id="k", pace=Pace(connack_s=0.2, first_pause_s=0.05, longest_pause_s=0.1))
    began = time.monotonic()
    await bus.open(Will("w", b""))
    lost = await until(bus.news(), Disconnected)
    assert isinstance(lost, Disconnected)
    assert "no answer to CONNECT" in lost.reason
    assert time.monotonic() - began < 1.0
    await bus.close()
    for writer in held:
        writer.close()
    server.close()
    await server.wait_closed()


async def test_what_a_slow_broker_does_not_take_is_refused_not_hoarded(tmp_path: Path) -> None:
    running = await asyncio.to_thread(start_broker, tmp_path, 0, "mosquitto")
    bus = PahoBus("127.0.0.1", running.ready["port"], client_id="k", pace=QUICK)
    await bus.open(Will("w", b""))
    await until(bus.news(), Connected)
    os.kill(running.ready["pid"], signal.SIGSTOP)  # it is there, but does nothing
    try:
        with pytest.raises(BusDown):
            for _ in range(2000):
                await bus.publish("t", b"x" * 100, qos=1)
    finally:
        os.kill(running.ready["pid"], signal.SIGCONT)
        await bus.close()
        await asyncio.to_thread(running.stop)
