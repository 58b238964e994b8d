"""Kill -9 of the hub, of the broker, of the terminal, in the middle of traffic: nothing lost, nothing doubled."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from contracts import messages as m
from contracts import topics
from hub.store import Store, events, tickets
from kiosk.adapters.mqtt import Pace, PahoBus
from kiosk.queueing.desk import ServiceView, TicketDesk
from kiosk.sync.link import Link, LinkPace
from kiosk.sync.outbox import Outbox
from tests.hub.wirekit import BRANCH, DEVICE, ROOT, Running, start_broker, start_hub

pytestmark = pytest.mark.e2e


class Traffic:
    """A terminal in this process that takes tickets and notes moments until it is told to stop."""

    def __init__(self, folder: Path, port: int) -> None:
        self.outbox = Outbox(folder / "kiosk.db")
        self.desk = TicketDesk(self.outbox, [ServiceView("personal", "A")], kiosk_digit=0)
        bus = PahoBus("127.0.0.1", port, client_id=DEVICE, pace=Pace(first_pause_s=0.05, longest_pause_s=0.3))
        self.link = Link(bus, self.outbox, branch=BRANCH, device=DEVICE, versions={}, pace=LinkPace(resend_s=0.5))
        self.numbers: list[str] = []
        self.event_seqs: list[int] = []
        self._tasks = [asyncio.create_task(self.link.run()), asyncio.create_task(self._take())]

    async def _take(self) -> None:
        while True:
            visit = f"visit-{len(self.numbers)}"
            now = datetime.now().astimezone()
            ticket = await asyncio.to_thread(self.desk.issue, "personal", visit=visit, language="zh", at=now)
            self.numbers.append(ticket.number)
            moment = m.OpinionGiven(visit=visit, score=5)
            for _ in range(5):  # tickets come slower: more than 600 a minute of one terminal are refused as a flood
                self.event_seqs.append(await asyncio.to_thread(self.outbox.append, topics.EVENTS, moment))
                await asyncio.sleep(0.025)

    async def drain(self) -> None:
        """No more visitors; wait until the hub has everything."""
        self._tasks[1].cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._tasks[1]
        # a ticket whose number was cut off on its way here is on disk all the same
        deadline_s = time.monotonic() + 60
        while self.outbox.tallies().pending:
            assert time.monotonic() < deadline_s, f"still owed: {self.outbox.tallies()}, {self.link.tallies}"
            await asyncio.sleep(0.05)

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self.outbox.close()


def rows_of(database: Path) -> tuple[list[str], list[int]]:
    """Ticket numbers and moments' numbers in the hub's database, each as often as it is there."""
    store = Store(f"sqlite:///{database}")
    numbers = [row["number"] for row in store.rows(sa.select(tickets.c.number))]
    seqs = [row["seq"] for row in store.rows(sa.select(events.c.seq).order_by(events.c.id))]
    store.close()
    return numbers, seqs


async def kill_broker(broker: Running, folder: Path) -> Running:
    os.kill(broker.ready["pid"], signal.SIGKILL)
    await asyncio.to_thread(broker.process.wait)
    assert broker.process.stdout is not None
    broker.process.stdout.close()
    await asyncio.sleep(0.2)
    return await asyncio.to_thread(start_broker, folder, broker.ready["port"], "mosquitto")


async def test_hub_and_broker_killed_three_times_each_in_traffic_lose_and_double_nothing(tmp_path: Path) -> None:
    broker = await asyncio.to_thread(start_broker, tmp_path / "broker", 0, "mosquitto")
    database, port = tmp_path / "hub.db", broker.ready["port"]
    hub = await asyncio.to_thread(start_hub, port, database)
    traffic = Traffic(tmp_path, port)
    called: list[str] = []
    try:
        for _ in range(3):
            await asyncio.sleep(0.4)
            hub.kill()
            await asyncio.sleep(0.1)
            hub = await asyncio.to_thread(start_hub, port, database)
            await asyncio.sleep(0.4)
            broker = await kill_broker(broker, tmp_path / "broker")
            async with httpx.AsyncClient(base_url=hub.ready["http"]) as desk:  # a clerk works on meanwhile
                answer = await desk.post(f"/api/v1/branches/{BRANCH}/call", json={"service": "personal"})
                called.append(answer.json()["number"])
        await traffic.drain()
        numbers, seqs = rows_of(database)
        assert len(seqs) > 60
        assert sorted(numbers) == sorted(set(numbers)) and set(traffic.numbers) <= set(numbers)
        assert seqs == sorted(set(seqs)) and set(traffic.event_seqs) <= set(seqs)
        # the numbers of both together have no gap: everything that was appended is there
        assert len(numbers) + len(seqs) == traffic.outbox.tallies().acknowledged

        # and the other way: what the clerk did is what the terminal shows
        def shows_all() -> bool:
            queue = traffic.link.queue
            states = {line.number: line.state for line in queue.tickets} if queue else {}
            return all(states.get(number) == "called" for number in called)

        deadline_s = time.monotonic() + 10
        while not (shows_all() and traffic.link.hub_reachable):
            assert time.monotonic() < deadline_s, "the terminal does not know what the hub knows"
            await asyncio.sleep(0.05)
        assert len(set(called)) == 3
    finally:
        await traffic.end()
        hub.stop()
        broker.stop()


def test_a_terminal_killed_five_times_gives_every_ticket_once_and_the_hub_has_them_all(tmp_path: Path) -> None:
    broker = start_broker(tmp_path / "broker")
    hub = start_hub(broker.ready["port"], tmp_path / "hub.db")
    chance, printed = random.Random(5), []
    command = [sys.executable, "-m", "tests.hub.kiosk_process", str(tmp_path / "kiosk.db"), str(broker.ready["port"])]
    try:
        for count in ("0", "0", "0", "0", "0", "10"):
            kiosk = subprocess.Popen([*command, count], cwd=ROOT, stdout=subprocess.PIPE, text=True)
            assert kiosk.stdout is not None
            printed.append(kiosk.stdout.readline().strip())
            if count == "0":
                time.sleep(chance.uniform(0.1, 0.5))
                kiosk.kill()
            printed += kiosk.stdout.read().split()
            kiosk.wait(60)
            kiosk.stdout.close()
        assert kiosk.returncode == 0
        numbers, seqs = rows_of(tmp_path / "hub.db")
        assert len(printed) > 30 and "" not in printed
        assert len(set(printed)) == len(printed)
        assert len(set(numbers)) == len(numbers) and set(printed) <= set(numbers)
        assert len(set(seqs)) == len(seqs)
    finally:
        hub.stop()
        broker.stop()


def test_the_embedded_broker_carries_the_same_traffic(tmp_path: Path) -> None:
    broker = start_broker(tmp_path / "broker", 0, "embedded")
    hub = start_hub(broker.ready["port"], tmp_path / "hub.db")
    command = [sys.executable, "-m", "tests.hub.kiosk_process", str(tmp_path / "kiosk.db"), str(broker.ready["port"])]
    try:
        kiosk = subprocess.run([*command, "30"], cwd=ROOT, capture_output=True, text=True, timeout=60)
        assert kiosk.returncode == 0, kiosk.stderr
        numbers, seqs = rows_of(tmp_path / "hub.db")
        assert sorted(numbers) == sorted(kiosk.stdout.split()) and len(seqs) == 30
        branch = httpx.get(f"{hub.ready['http']}/api/v1/branches/{BRANCH}").json()
        assert [(device["device"], device["online"]) for device in branch["devices"]] == [(DEVICE, False)]
    finally:
        hub.stop()
        broker.stop()
