"""What the tests of the wire share: real processes, killed and started again; messages to feed the hub."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from contracts import messages as m
from contracts import topics
from contracts.handover import HandoverPacket
from hub.broker import find_mosquitto
from hub.bus import Arrived

ROOT = Path(__file__).parents[2]
SITE = ROOT / "config" / "sites" / "qinghe-binjiang.toml"
BRANCH, DEVICE = "binjiang", "kiosk-1"
READY_S = 180.0  # a busy machine starts a hub slowly
STOP_S = 3.0


@dataclass(slots=True)
class Running:
    """A process of ours that has said it is ready."""

    process: subprocess.Popen[str]
    ready: dict[str, Any]

    def kill(self) -> None:
        """As the kernel does when memory runs out."""
        self.process.kill()
        self.process.wait()
        self._close()

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, float]:
        """Ask it to end; its exit status and the seconds that took (fails beyond ten)."""
        began = time.monotonic()
        self.process.send_signal(number)
        status = self.process.wait(timeout=10)
        took = time.monotonic() - began
        self._close()
        return status, took

    def _close(self) -> None:
        if self.process.stdout is not None:
            self.process.stdout.close()


def start(*arguments: str) -> Running:
    """Start `python -m …` and wait for its line of JSON; fails when it does not come."""
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        assert selector.select(READY_S), f"{arguments} did not say that it is ready"
    line = process.stdout.readline()
    assert line, f"{arguments} ended with {process.wait()}"
    return Running(process, json.loads(line))


def start_broker(folder: Path, port: int = 0, engine: str = "auto") -> Running:
    if engine == "mosquitto" and find_mosquitto() is None:
        pytest.skip("mosquitto is not installed: apt-get install mosquitto")
    return start("hub", "broker", "--dir", str(folder), "--port", str(port), "--engine", engine)


def start_hub(broker_port: int, database: Path | str, *more: str, http: str = "127.0.0.1:0") -> Running:
    """A hub for one machine; nobody has to sign in, unless `more` says otherwise. `database`: a file or a URL."""
    url = database if isinstance(database, str) else f"sqlite:///{database}"
    signing_in = () if "--sign-in" in more else ("--no-sign-in",)
    return start(
        "hub", "serve", "--broker", f"127.0.0.1:{broker_port}", "--database", url,
        "--http", http, "--site", str(SITE), *signing_in, *more,
    )  # fmt: skip


def start_worker(broker_port: int, url: str, *more: str) -> Running:
    return start("hub", "worker", "--broker", f"127.0.0.1:{broker_port}", "--database", url, *more)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text("ascii")


def until(what: Callable[[], bool], seconds: float, why: str) -> None:
    """Wait for something outside this process to become true; fails with `why`."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, why
        time.sleep(0.02)


class Sender:
    """A kiosk's outgoing messages, as bytes, numbered as an outbox numbers them."""

    def __init__(self, branch: str = BRANCH, device: str = DEVICE) -> None:
        self.branch, self.device = branch, device
        self.log = uuid.uuid4().hex
        self.seq = 0

    def event(self, body: m.Moment, *, follows: int | None = None, at: datetime | None = None) -> Arrived:
        event = m.Event(**self._head(follows, at), body=body)
        return Arrived(topics.EVENTS.at(self.branch, self.device), topics.EVENTS.encode(event))

    def handover(self, packet: HandoverPacket, *, at: datetime | None = None) -> Arrived:
        message = m.Handover(**self._head(None, at), body=packet)
        return Arrived(topics.HANDOVER.at(self.branch, self.device), topics.HANDOVER.encode(message))

    def ticket(self, body: m.TicketOperation, *, follows: int | None = None, at: datetime | None = None) -> Arrived:
        op = m.TicketOp(**self._head(follows, at), body=body)
        return Arrived(topics.TICKETS_OP.at(self.branch, self.device), topics.TICKETS_OP.encode(op))

    def issued(self, number: str, *, service: str = "personal", day: str | None = None) -> Arrived:
        day = day or datetime.now(UTC).date().isoformat()
        return self.ticket(
            m.TicketIssued(number=number, day=day, service=service, visit=f"visit-{number.lower()}", language="zh")
        )

    def skip(self, count: int) -> None:
        """The outbox dropped the next `count` messages by policy."""
        self.seq += count

    def _head(self, follows: int | None, at: datetime | None) -> dict[str, Any]:
        before = self.seq
        self.seq += 1
        return {
            "id": uuid.uuid4().hex,
            "at": at or datetime.now(UTC),
            "mono_ns": time.monotonic_ns(),
            "log": self.log,
            "seq": self.seq,
            "follows": before if follows is None else follows,
        }
