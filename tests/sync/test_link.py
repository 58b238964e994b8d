"""The link between outbox and hub: nothing is lost, nothing is sent for ever, nobody is called reachable who is not."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from contracts import messages as m
from contracts import topics
from contracts import video_messages as v
from contracts.video import CaseState
from kiosk.adapters.journal_bus import Exchange, JournalBus
from kiosk.ports import Delivered, Will
from kiosk.sync.link import WINDOW, Condition, Link, LinkPace
from kiosk.sync.outbox import Outbox
from kiosk.sync.vitals import VitalsProbe
from tests.hub.wirekit import BRANCH, DEVICE

pytestmark = pytest.mark.contract

PACE = LinkPace(resend_s=0.15, longest_resend_s=0.3, overdue_s=0.5, tick_s=0.02, telemetry_s=0.1)


class ScriptedHub:
    """The other end: keeps what arrives; acknowledges when it is told to."""

    def __init__(self, exchange: Exchange) -> None:
        self._bus = JournalBus(exchange, client_id="hub")
        self.seqs: list[int] = []
        self.said: list[tuple[str, m.Message]] = []
        self.log = ""
        self.applied = 0
        self.acknowledges = False
        self._task: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        row = topics.HUB_PRESENCE
        await self._bus.open(Will(row.at(), row.encode(self._presence(online=False))))
        for pattern, qos in topics.hub_subscriptions():
            await self._bus.subscribe(pattern, qos)
        await self.say_present(online=True)
        self._task = asyncio.create_task(self._listen())

    async def end(self) -> None:
        await self._bus.close()
        if self._task is not None:
            await self._task

    async def vanish(self) -> None:
        await self._bus.vanish()

    async def say_present(self, *, online: bool) -> None:
        row = topics.HUB_PRESENCE
        await self._bus.publish(row.at(), row.encode(self._presence(online=online)), qos=1, retain=True)

    async def acknowledge(self, applied: int, log: str | None = None) -> None:
        ack = m.Ack(**head(), log=self.log if log is None else log, applied=applied)
        await self._bus.publish(topics.ACK.at(BRANCH, DEVICE), topics.ACK.encode(ack), qos=1)

    async def publish(self, topic: str, payload: bytes) -> None:
        await self._bus.publish(topic, payload, qos=1)

    async def say_queue(self, revision: int, store: str = "s", branch: str = BRANCH) -> None:
        row = topics.TICKETS_STATE
        state = m.TicketsState(
            **head(), branch=branch, store=store, revision=revision, day="2026-11-21", services=(), tickets=(),
            open_tickets=0, issued={},
        )  # fmt: skip
        await self._bus.publish(row.at(BRANCH), row.encode(state), qos=1, retain=True)

    async def _listen(self) -> None:
        async for news in self._bus.news():
            if not isinstance(news, Delivered):
                continue
            row, _ = topics.find(news.topic)
            message = row.decode(news.payload)
            self.said.append((row.key, message))
            if isinstance(message, m.Numbered):
                self.log = message.log
                self.seqs.append(message.seq)
                if message.follows <= self.applied:
                    self.applied = max(self.applied, message.seq)
                if self.acknowledges:
                    await self.acknowledge(self.applied)

    def _presence(self, *, online: bool) -> m.HubPresence:
        return m.HubPresence(**head(), online=online, since=datetime.now(UTC), version="0")


def head() -> dict[str, Any]:
    return {"id": "1", "at": datetime.now(UTC), "mono_ns": 0}


SLOW = {"recogniser": m.ModelTiming(calls=3, p50_ms=400.0, p95_ms=900.0)}


class Bench:
    """A kiosk's link on an exchange with a scripted hub."""

    def __init__(self, folder: Path) -> None:
        self.exchange = Exchange()
        self.outbox = Outbox(folder / "kiosk.db")
        self.hub = ScriptedHub(self.exchange)
        self.changes = 0
        self.standings: list[v.CaseStanding] = []
        self.link = Link(
            JournalBus(self.exchange, client_id="kiosk"), self.outbox, branch=BRANCH, device=DEVICE,
            versions={"software": "0"}, vitals=VitalsProbe(folder), pace=PACE, on_change=self._changed,
            condition=lambda: Condition(missing=("camera",), hearing={"ears.capped": 2}, models=lambda: SLOW),
            on_standing=lambda standing: self.standings.append(standing),
        )  # fmt: skip
        self.running = asyncio.create_task(self.link.run())

    def _changed(self) -> None:
        self.changes += 1

    def append(self, count: int = 1) -> None:
        for _ in range(count):
            self.outbox.append(topics.EVENTS, m.Touched(visit="v", target="chip_1"))

    async def stop(self) -> None:
        self.running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.running


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    made = Bench(tmp_path)
    yield made
    await made.stop()
    await made.hub.end()
    made.outbox.close()


async def until(what: Callable[[], bool], seconds: float = 3.0) -> None:
    deadline_s = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline_s, "it did not become true in time"
        await asyncio.sleep(0.005)


async def test_a_called_number_of_this_branch_is_handed_on_and_no_other(tmp_path: Path) -> None:
    exchange, outbox, heard = Exchange(), Outbox(tmp_path / "kiosk.db"), []
    link = Link(
        JournalBus(exchange, client_id="kiosk"), outbox, branch=BRANCH, device=DEVICE, versions={}, pace=PACE,
        on_called=heard.append,
    )  # fmt: skip
    running, hub = asyncio.create_task(link.run()), JournalBus(exchange, client_id="hub")
    await hub.open(Will("yb/v1/all/hub/presence", b""))
    row = topics.ANNOUNCEMENTS
    try:
        for order in range(1, 200):  # until the terminal has subscribed
            called = m.NumberCalled(
                **head(), branch=BRANCH, order=order, day="2026-11-20", number="A037", counter="3", again=False,
                show_at=datetime.now(UTC), show_ms=8000,
            )  # fmt: skip
            elsewhere = msgspec.structs.replace(called, branch="elsewhere", number="B001")
            await hub.publish(row.at(BRANCH), row.encode(elsewhere), qos=1)  # says another branch than its topic
            await hub.publish(row.at("elsewhere"), row.encode(elsewhere), qos=1)
            await hub.publish(row.at(BRANCH), row.encode(called), qos=1)
            if heard:
                break
            await asyncio.sleep(0.05)
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        await hub.close()
        outbox.close()
    assert {called.number for called in heard} == {"A037"}


async def test_what_was_owed_before_the_hub_came_arrives_in_order_and_is_forgotten_after_its_word(
    bench: Bench,
) -> None:
    bench.hub.acknowledges = True
    bench.append(200)
    await bench.hub.begin()
    await until(lambda: bench.outbox.tallies().pending == 0)
    first_arrivals = list(dict.fromkeys(bench.hub.seqs))
    assert first_arrivals == list(range(1, 201))


async def test_something_new_is_sent_within_half_a_second_of_being_appended(bench: Bench) -> None:
    bench.hub.acknowledges = True
    await bench.hub.begin()
    await until(lambda: bench.link.hub_reachable)
    began = time.monotonic()
    bench.append()
    await until(lambda: bench.hub.seqs == [1])
    assert time.monotonic() - began < 0.5


async def test_without_an_acknowledgement_it_is_sent_again_with_growing_pauses_and_never_too_much_at_once(
    bench: Bench,
) -> None:
    await bench.hub.begin()
    bench.append(WINDOW * 2)
    await until(lambda: bench.hub.seqs.count(1) >= 4, 5)
    assert max(bench.hub.seqs) == WINDOW
    assert bench.link.tallies.resends >= 3
    await asyncio.sleep(1.0)
    assert bench.hub.seqs.count(1) <= 9  # 0.15, 0.3, 0.3 …: no storm
    bench.hub.acknowledges = True
    await until(lambda: bench.outbox.tallies().pending == 0)


async def test_a_hub_that_does_not_acknowledge_is_not_called_reachable(bench: Bench) -> None:
    await bench.hub.begin()
    await until(lambda: bench.link.hub_reachable)
    bench.append()
    bench.hub.acknowledges = True
    await until(lambda: bench.outbox.tallies().pending == 0)
    assert bench.link.hub_reachable
    await bench.hub.vanish()
    await until(lambda: not bench.link.hub_reachable)


async def test_nothing_is_sent_to_a_hub_that_said_goodbye_and_all_of_it_when_it_is_back(bench: Bench) -> None:
    await bench.hub.begin()
    await until(lambda: bench.link.hub_reachable)
    await bench.hub.say_present(online=False)
    await until(lambda: not bench.link.hub_reachable)
    bench.append(3)
    await asyncio.sleep(0.3)
    assert bench.hub.seqs == []
    bench.hub.acknowledges = True
    await bench.hub.say_present(online=True)
    await until(lambda: bench.outbox.tallies().pending == 0)


async def test_an_outage_of_the_broker_loses_nothing(bench: Bench) -> None:
    bench.hub.acknowledges = True
    await bench.hub.begin()
    await until(lambda: bench.link.hub_reachable)
    bench.exchange.down()
    await until(lambda: not bench.link.hub_reachable)
    bench.append(5)
    bench.exchange.up()
    await bench.hub.say_present(online=True)
    await until(lambda: bench.outbox.tallies().pending == 0)
    assert bench.hub.applied == 5


async def test_acknowledgements_of_another_log_or_of_the_past_change_nothing(bench: Bench) -> None:
    await bench.hub.begin()
    bench.append(3)
    await until(lambda: len(bench.hub.seqs) >= 3)
    await bench.hub.acknowledge(3, log="another")
    await bench.hub.acknowledge(0)
    await asyncio.sleep(0.05)
    assert bench.outbox.tallies().pending == 3
    await bench.hub.acknowledge(2)
    await until(lambda: bench.outbox.tallies().pending == 1)
    await bench.hub.acknowledge(1)
    await asyncio.sleep(0.05)
    assert bench.outbox.tallies().acknowledged == 2


async def test_a_hub_that_knows_more_than_this_disk_makes_it_begin_a_new_log(bench: Bench) -> None:
    await bench.hub.begin()
    bench.append(2)
    await until(lambda: len(bench.hub.seqs) >= 2)
    old = bench.outbox.log
    await bench.hub.acknowledge(90)
    await until(lambda: bench.hub.log not in ("", old))
    bench.hub.applied = 0
    bench.hub.acknowledges = True
    await until(lambda: bench.outbox.tallies().pending == 0)


async def test_bad_messages_from_the_hub_are_counted_and_the_next_good_one_is_taken(bench: Bench) -> None:
    await bench.hub.begin()
    await until(lambda: bench.link.hub_reachable)
    ack = topics.ACK.at(BRANCH, DEVICE)
    for payload in (b"{", b"[]", b'{"v": 2}', b"x" * 2000):
        await bench.hub.publish(ack, payload)
    await bench.hub.say_queue(1)
    await until(lambda: bench.link.queue is not None)
    assert bench.link.tallies.refused == {"json": 1, "type": 1, "version": 1, "size": 1}


async def test_an_older_queue_never_replaces_a_newer_one_but_a_new_store_does(bench: Bench) -> None:
    await bench.hub.begin()
    await until(lambda: bench.link.hub_reachable)
    for revision, store, branch in ((5, "s", BRANCH), (4, "s", BRANCH), (9, "s", "other"), (6, "s", BRANCH)):
        await bench.hub.say_queue(revision, store, branch)
    await until(lambda: bench.link.queue is not None and bench.link.queue.revision == 6)
    await bench.hub.say_queue(1, "a-new-store")
    await until(lambda: bench.link.queue is not None and bench.link.queue.revision == 1)
    assert bench.changes >= 4


async def test_the_device_is_online_while_it_runs_and_offline_after_a_clean_end(bench: Bench) -> None:
    await bench.hub.begin()
    await until(lambda: any(key == "availability" for key, _ in bench.hub.said))
    await bench.stop()
    await asyncio.sleep(0.05)
    said = [message for _, message in bench.hub.said if isinstance(message, m.Availability)]
    assert [message.online for message in (said[0], said[-1])] == [True, False]
    assert said[0].since == said[-1].since


async def test_telemetry_says_what_is_owed_and_what_is_missing(bench: Bench) -> None:
    await bench.hub.begin()
    bench.append(3)
    await until(lambda: any(key == "telemetry" for key, _ in bench.hub.said))
    report = next(message for _, message in bench.hub.said if isinstance(message, m.Telemetry))
    assert report.missing == ("camera",)
    assert report.pending == 3
    assert report.hearing == {"ears.capped": 2} and report.models == SLOW
    assert report.rss_bytes > 1_000_000 and report.free_disk_bytes > 0


async def test_where_a_visitor_stands_with_the_tellers_is_heard_and_that_they_are_there_is_said(bench: Bench) -> None:
    await bench.hub.begin()
    await until(lambda: bench.link.hub_reachable)
    await bench.link.say_case_here("case-0001", "none")
    await until(lambda: any(key == "call/here" for key, _ in bench.hub.said))
    row = topics.CASE_STANDING
    for branch in ("elsewhere", BRANCH):
        told = v.CaseStanding(
            **head(), branch=branch, case="case-0001", store="s", revision=1, state=CaseState.WAITING, outcome="nobody"
        )
        await bench.hub.publish(row.at(BRANCH, DEVICE), row.encode(told))
    await until(lambda: bool(bench.standings))
    assert [one.branch for one in bench.standings] == [BRANCH]
