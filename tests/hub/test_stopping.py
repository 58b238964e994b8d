"""Starting and stopping hub and broker: one line when ready, gone in three seconds, nobody left behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest

from tests.hub.wirekit import ROOT, STOP_S, alive, start_broker, start_hub, until

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_hub_stops_within_three_seconds_also_with_a_page_open_and_no_broker(tmp_path: Path, number: int) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        hub = start_hub(nobody.getsockname()[1], tmp_path / "hub.db")
    opened = threading.Event()

    def keep_page_open() -> None:
        with httpx.stream("GET", f"{hub.ready['http']}/api/v1/branches/binjiang/live", timeout=20) as answer:
            for _ in answer.iter_raw():
                opened.set()

    page = threading.Thread(target=keep_page_open)
    page.start()
    assert opened.wait(5)
    status, took_s = hub.stop(number)
    page.join(5)
    assert (status, page.is_alive()) == (0, False)
    assert took_s < STOP_S


@pytest.mark.parametrize("engine", ["mosquitto", "embedded"])
def test_the_broker_stops_with_its_child_within_three_seconds(tmp_path: Path, engine: str) -> None:
    broker = start_broker(tmp_path, 0, engine)
    with socket.create_connection(("127.0.0.1", broker.ready["port"]), 1):
        pass
    status, took_s = broker.stop()
    assert status == 0
    assert took_s < STOP_S
    assert not alive(broker.ready["pid"])


def test_mosquitto_ends_when_the_process_that_started_it_is_killed(tmp_path: Path) -> None:
    broker = start_broker(tmp_path, 0, "mosquitto")
    broker.kill()
    until(lambda: not alive(broker.ready["pid"]), 3, "mosquitto was left behind")


def test_a_broker_that_is_killed_is_reported_by_its_runner(tmp_path: Path) -> None:
    broker = start_broker(tmp_path, 0, "mosquitto")
    os.kill(broker.ready["pid"], signal.SIGKILL)
    assert broker.process.wait(3) != 0
    assert broker.process.stdout is not None
    broker.process.stdout.close()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["serve", "--http", "127.0.0.1:{taken}"], "127.0.0.1:{taken}"),
        (["serve", "--http", "nonsense"], "not HOST:PORT"),
        (["serve", "--http", "127.0.0.1:0", "--database", "sqlite:////nowhere/hub.db"], "cannot be opened"),
        (["serve", "--http", "127.0.0.1:0", "--database", "nonsense"], "cannot be opened"),
        (["serve", "--http", "127.0.0.1:0", "--database", "oracle://user:secret@host/db"], "driver is not installed"),
        (["serve", "--http", "127.0.0.1:0", "--site", "no-such-site.toml"], "no-such-site.toml"),
        (["broker", "--dir", "{folder}", "--port", "{taken}"], "{taken}"),
        (["broker", "--dir", "{folder}", "--port", "{taken}", "--engine", "embedded"], "{taken}"),
        (["broker", "--dir", "/proc/nowhere"], "/proc/nowhere"),
        (["broker", "--dir", "{folder}", "--engine", "pigeon"], "mosquitto"),
    ],
)
def test_what_cannot_be_started_says_why_in_a_sentence_without_a_traceback(
    tmp_path: Path, arguments: list[str], says: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        words = {"taken": str(taken.getsockname()[1]), "folder": str(tmp_path)}
        ended = subprocess.run(
            [sys.executable, "-m", "hub", *(part.format(**words) for part in arguments)],
            cwd=ROOT, capture_output=True, text=True, timeout=20,
        )  # fmt: skip
    assert ended.returncode not in (0, None)
    assert ended.stdout == ""
    assert says.format(**words) in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "secret" not in ended.stderr
