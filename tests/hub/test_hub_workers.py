"""Several workers, killed at any moment; a database gone or full: nothing lost, nothing twice, and it is said."""

from __future__ import annotations

import random
import resource
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from bench.hub_servers import Postgres, ServerMissing, postgres
from contracts import messages as m
from hub.bus import Arrived
from hub.ingest import Ingest
from hub.store import Store, early, events, tickets
from tests.hub.wirekit import BRANCH, ROOT, Running, Sender, start_broker, start_hub, start_worker, until

pytestmark = pytest.mark.e2e


def rows_of(url: str) -> tuple[list[str], list[tuple[str, int]]]:
    """Ticket numbers, and moments as (device, number), each as often as it is in the database."""
    store = Store(url)
    numbers = [row["number"] for row in store.rows(sa.select(tickets.c.number))]
    moments = [(row["device"], row["seq"]) for row in store.rows(sa.select(events.c.device, events.c.seq))]
    store.close()
    return numbers, moments


def kiosk(folder: Path, port: int, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.hub.kiosk_process", str(folder / "kiosk.db"), str(port), str(count)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_two_workers_killed_in_turn_lose_and_double_nothing(
    bus: tuple[int, tuple[str, ...]], database: str, tmp_path: Path
) -> None:
    port, more = bus
    Store(database).close()
    workers = [start_worker(port, database, *more) for _ in range(2)]
    chance = random.Random(7)
    visitor = kiosk(tmp_path, port, 150)
    try:
        for turn in range(4):
            time.sleep(chance.uniform(0.2, 0.8))
            workers[turn % 2].kill()
            workers[turn % 2] = start_worker(port, database, *more)
        printed, complaints = visitor.communicate(timeout=90)
        assert visitor.returncode == 0, complaints
        numbers, moments = rows_of(database)
        assert sorted(numbers) == sorted(printed.split()) and len(set(numbers)) == 150
        assert len(moments) == len(set(moments)) == 150
        store = Store(database)
        assert store.rows(sa.select(early)) == []  # nothing is left waiting for a gap
        store.close()
    finally:
        visitor.kill()
        visitor.communicate()
        for worker in workers:
            worker.stop()


def test_two_workers_that_get_one_devices_messages_in_any_order_apply_each_once(database: str) -> None:
    """Straight into two workers' ingests, in threads: what a bus without order would do."""
    import threading

    store = Store(database)
    chance = random.Random(3)
    senders = [Sender(device=f"kiosk-{number}") for number in range(4)]
    sent: list[Arrived] = []
    for sender in senders:
        day = [sender.issued(f"A{sender.device[-1]}{number:02d}") for number in range(1, 31)]
        sent += day + [sender.event(m.OpinionGiven(visit="v", score=5)) for _ in range(30)]
    wrong: list[BaseException] = []

    def work(seed: int) -> None:
        ingest = Ingest(store, acknowledge=lambda _: None, queue_moved=lambda _: None, changed=lambda _: None)
        mine = sent[:]
        random.Random(seed).shuffle(mine)
        try:
            for at in range(0, len(mine), 16):
                ingest.take(mine[at : at + 16])
        except BaseException as err:
            wrong.append(err)

    threads = [threading.Thread(target=work, args=(chance.random(),)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    count = [
        store.rows(sa.select(sa.func.count().label("n")).select_from(table))[0]["n"] for table in (tickets, events)
    ]
    assert count == [120, 120]
    assert store.rows(sa.select(early)) == []
    store.close()


def health(hub: Running) -> dict[str, object]:
    return dict(httpx.get(f"{hub.ready['http']}/healthz", timeout=15).json())


def test_a_database_that_is_gone_is_said_and_everything_is_caught_up(tmp_path: Path) -> None:
    try:
        with postgres() as server:
            _gone(server, tmp_path)
    except ServerMissing as missing:
        pytest.skip(str(missing))


def _gone(server: Postgres, folder: Path) -> None:
    broker = start_broker(folder / "broker", 0, "mosquitto")
    url = server.database("gone")
    hub = start_hub(broker.ready["port"], url)
    visitor = kiosk(folder, broker.ready["port"], 120)
    try:
        time.sleep(1.0)
        server.kill()
        until(lambda: health(hub)["database"] is False, 20, "the hub does not say that its database is gone")
        assert httpx.get(f"{hub.ready['http']}/api/v1/branches/{BRANCH}", timeout=15).status_code == 503
        server.start()
        until(lambda: health(hub)["ok"] is True, 20, "the hub does not say that it is back")
        printed, complaints = visitor.communicate(timeout=90)
        assert visitor.returncode == 0, complaints
        numbers, moments = rows_of(url)
        assert sorted(numbers) == sorted(printed.split()) and len(moments) == 120
    finally:
        visitor.kill()
        visitor.communicate()
        hub.stop()
        broker.stop()


def test_a_full_disk_is_said_and_everything_is_caught_up(tmp_path: Path) -> None:
    """Simulated by a limit on the size of files that the hub may write; lifted later."""
    broker = start_broker(tmp_path / "broker", 0, "mosquitto")
    database = tmp_path / "hub.db"
    hub = start_hub(broker.ready["port"], database)
    pid = hub.process.pid
    _, most = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    visitor = kiosk(tmp_path, broker.ready["port"], 120)
    try:
        time.sleep(0.5)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, most))
        until(lambda: health(hub)["database"] is False, 20, "the hub does not say that its disk is full")
        time.sleep(1.0)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, most))
        until(lambda: health(hub)["ok"] is True, 20, "the hub does not say that it writes again")
        printed, complaints = visitor.communicate(timeout=90)
        assert visitor.returncode == 0, complaints
        numbers, moments = rows_of(f"sqlite:///{database}")
        assert sorted(numbers) == sorted(printed.split()) and len(moments) == 120
    finally:
        visitor.kill()
        visitor.communicate()
        hub.stop()
        broker.stop()
