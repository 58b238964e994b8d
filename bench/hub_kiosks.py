"""Simulated kiosks for the hub's benches, many in one process: `python -m bench.hub_kiosks` (one JSON object out).

Each is a device of its own on the wire: numbered messages, its own log, resent until the hub acknowledges. They
share a few connections to the broker, because thousands of sockets would measure this process and not the hub;
what that leaves out (the broker's cost of a connection) is said where the figures are. A stage's delays are
from publishing a message to the hub's acknowledgement (sent after the database has it), on one clock.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import threading
import time
import uuid
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from contracts import messages as m
from contracts import topics

CONNECTIONS: Final = 8
RESEND_S: Final = 5.0
LONGEST_RESEND_S: Final = 60.0
SUBSCRIBED_S: Final = 60.0
DRAIN_S: Final = 150.0
KIOSKS_PER_BRANCH: Final = 4
TICKET_EVERY: Final = 8  # of a kiosk's messages one is a ticket, the others are moments; each begins anywhere in that


@dataclass(slots=True)
class Owed:
    """A message that the hub has not acknowledged yet; times of the monotonic clock, seconds."""

    seq: int
    topic: str
    payload: bytes
    sent_s: float
    again_s: float
    pause_s: float = RESEND_S


@dataclass(slots=True)
class SimulatedKiosk:
    """What one device has said and what of it the hub has."""

    branch: str
    device: str
    log: str
    digit: int
    phase: int = 0  # which of its first `TICKET_EVERY` messages is a ticket
    seq: int = 0
    applied: int = 0
    tickets: int = 0
    owed: deque[Owed] = field(default_factory=deque)


class Crowd:
    """All kiosks of one process, over `CONNECTIONS` connections."""

    def __init__(self, port: int, kiosks: int, first: int, seed: int, *, together: bool = False) -> None:
        self._chance = random.Random(seed)
        self._together = together
        self._lock = threading.Lock()
        self.kiosks = [self._kiosk(first + number) for number in range(kiosks)]
        self._by_device = {(kiosk.branch, kiosk.device): kiosk for kiosk in self.kiosks}
        self.delays_s: list[float] = []
        self.sent = self.resent = 0
        self._clients = [self._client(port, part) for part in range(min(CONNECTIONS, kiosks))]

    def _kiosk(self, number: int) -> SimulatedKiosk:
        branch = f"branch-{number // KIOSKS_PER_BRANCH}"
        digit = number % KIOSKS_PER_BRANCH
        log = uuid.UUID(int=self._chance.getrandbits(128)).hex
        phase = 0 if self._together else self._chance.randrange(TICKET_EVERY)
        return SimulatedKiosk(branch, f"kiosk-{digit}", log, digit, phase)

    def _client(self, port: int, part: int) -> paho.Client:
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id=f"crowd-{uuid.uuid4().hex[:8]}-{part}")
        client.max_inflight_messages_set(1000)
        client.on_message = self._on_message
        mine = self.kiosks[part :: min(CONNECTIONS, len(self.kiosks))]
        wanted = [(topics.ACK.at(kiosk.branch, kiosk.device), 1) for kiosk in mine]

        waiting = -(-len(wanted) // 200)
        subscribed = threading.Event()

        def subscribe(client: paho.Client, *_: Any) -> None:
            for at in range(0, len(wanted), 200):
                client.subscribe(wanted[at : at + 200])

        def granted(*_: Any) -> None:
            nonlocal waiting
            waiting -= 1
            if waiting == 0:
                subscribed.set()

        client.on_connect, client.on_subscribe = subscribe, granted
        client.connect("127.0.0.1", port, keepalive=60)
        client.loop_start()
        if not subscribed.wait(SUBSCRIBED_S):  # before the first word, or its acknowledgement is missed
            raise OSError("the broker did not grant the subscriptions")
        return client

    def _on_message(self, _client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        now_s = time.monotonic()
        row, address = topics.find(message.topic)
        ack = row.decode(bytes(message.payload))
        kiosk = self._by_device.get((address.branch, address.device))
        if kiosk is None or ack.log != kiosk.log:
            return
        with self._lock:
            kiosk.applied = max(kiosk.applied, ack.applied)
            while kiosk.owed and kiosk.owed[0].seq <= ack.applied:
                self.delays_s.append(now_s - kiosk.owed.popleft().sent_s)

    def say(self, place: int) -> None:
        """The next message of one kiosk."""
        kiosk = self.kiosks[place]
        kiosk.seq += 1
        now = datetime.now(UTC)
        head: dict[str, Any] = {
            "id": f"{kiosk.log[:8]}{kiosk.seq}", "at": now, "mono_ns": time.monotonic_ns(), "log": kiosk.log,
            "seq": kiosk.seq, "follows": kiosk.seq - 1,
        }  # fmt: skip
        if (kiosk.seq - 1) % TICKET_EVERY == kiosk.phase:
            kiosk.tickets += 1
            body = m.TicketIssued(
                number=f"A{kiosk.digit}{kiosk.tickets:02d}", day=now.date().isoformat(), service="personal",
                visit=f"v{kiosk.tickets}", language="zh", clock=m.ClockReading(offset_ms=0, within_ms=5),
            )  # fmt: skip
            payload = topics.TICKETS_OP.encode(m.TicketOp(**head, body=body))
            address = topics.TICKETS_OP.at(kiosk.branch, kiosk.device)
        else:
            moment = m.Touched(visit=f"v{kiosk.tickets}", target="chip_1")
            payload = topics.EVENTS.encode(m.Event(**head, body=moment))
            address = topics.EVENTS.at(kiosk.branch, kiosk.device)
        with self._lock:
            now_s = time.monotonic()
            kiosk.owed.append(Owed(kiosk.seq, address, payload, now_s, now_s + RESEND_S))
        self._clients[place % len(self._clients)].publish(address, payload, 1)
        self.sent += 1

    def resend(self) -> None:
        """What the hub has not acknowledged goes out again, with the pauses of a kiosk's link: 5 s, doubling to 60."""
        now_s = time.monotonic()
        for place, kiosk in enumerate(self.kiosks):
            with self._lock:
                late = [one for one in kiosk.owed if one.again_s < now_s]
            for one in late:
                one.pause_s = min(one.pause_s * 2, LONGEST_RESEND_S)
                one.again_s = now_s + one.pause_s
                self._clients[place % len(self._clients)].publish(one.topic, one.payload, 1)
                self.resent += 1

    def run(self, seconds: float, every_s: float) -> float:
        """Each kiosk speaks once in `every_s`, evenly spread; returns how late the last one was sent, seconds."""
        order = list(range(len(self.kiosks)))
        self._chance.shuffle(order)
        count = int(len(order) * seconds / every_s)
        began_s = time.monotonic()
        late_s = 0.0
        next_resend_s = began_s + RESEND_S
        for number in range(count):
            due_s = began_s + number * every_s / len(order)
            pause_s = due_s - time.monotonic()
            if pause_s > 0:
                time.sleep(pause_s)
            late_s = max(late_s, -pause_s)
            self.say(order[number % len(order)])
            if time.monotonic() > next_resend_s:
                next_resend_s = time.monotonic() + 1.0
                self.resend()
        return late_s

    def drain(self) -> int:
        """Wait for the rest; how many the hub never acknowledged."""
        deadline_s = time.monotonic() + DRAIN_S
        while time.monotonic() < deadline_s:
            with self._lock:
                owed = sum(len(kiosk.owed) for kiosk in self.kiosks)
            if not owed:
                return 0
            time.sleep(0.2)
            self.resend()
        return owed

    def close(self) -> None:
        """Say goodbye."""
        for client in self._clients:
            client.disconnect()
            client.loop_stop()


def main(argv: list[str]) -> int:
    """Run a crowd and write what it saw."""
    parser = argparse.ArgumentParser()
    for name, kind in (("port", int), ("kiosks", int), ("first", int), ("seconds", float), ("every-s", float)):
        parser.add_argument(f"--{name}", type=kind, required=True)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--together", action="store_true", help="all take their tickets in the same few seconds")
    told = parser.parse_args(argv)
    crowd = Crowd(told.port, told.kiosks, told.first, told.seed, together=told.together)
    late_s = crowd.run(told.seconds, told.every_s)
    lost = crowd.drain()
    crowd.close()
    found = {
        "sent": crowd.sent,
        "resent": crowd.resent,
        "never_acknowledged": lost,
        "late_sending_s": late_s,
        "tickets": sum(kiosk.tickets for kiosk in crowd.kiosks),
        "delays_ms": [round(delay_s * 1000, 1) for delay_s in crowd.delays_s],
    }
    sys.stdout.write(json.dumps(found) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
