"""Simulated terminals for the bench of the fleet: each has a release, hears which is wanted, and says what came of it.

They share a few connections to a real broker; nothing is installed, an update is a pause and an outcome that was drawn
beforehand. What a real terminal's updater does is measured elsewhere; here is only how a fleet is led.
"""

from __future__ import annotations

import heapq
import random
import threading
import time
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from contracts import fleet as f
from contracts import messages as m
from contracts import topics

CONNECTIONS: Final = 8
SUBSCRIBED_S: Final = 60.0
PER_BRANCH: Final = 4
REPEATED: Final = 0.05  # of all reports are said twice, as a broker may deliver them
REPEAT_S: Final = 60.0  # each says again how it stands: a broker drops what a slow hub does not take
AT_ONCE: Final = 100  # say that they are online, then a breath
SHORTEST_S, LONGEST_S = 0.05, 0.6  # for one update


@dataclass(slots=True)
class SimulatedTerminal:
    """One terminal as it is: what it runs, the newest wish it knows, what came of it."""

    branch: str
    device: str
    version: str
    generation: int = 0
    state: f.RolloutState = "idle"
    reason: str = ""
    wanted: str = ""
    updates: int = 0


class Fleet:
    """All simulated terminals. `bad`: pairs (terminal's number, release) that fail and go back by themselves."""

    def __init__(self, port: int, count: int, version: str, bad: Collection[tuple[int, str]], seed: int) -> None:
        self._chance, self._bad = random.Random(seed), set(bad)
        self.terminals = [
            SimulatedTerminal(f"branch-{number // PER_BRANCH}", f"kiosk-{number % PER_BRANCH}", version)
            for number in range(count)
        ]
        self._number = {(one.branch, one.device): number for number, one in enumerate(self.terminals)}
        self._since = datetime.now(UTC)
        self._lock = threading.Condition()
        self._due: list[tuple[float, int, int, str]] = []  # when, terminal, generation, what
        self._hub_since: datetime | None = None
        self._stopping = False
        self.said = self.repeated = 0
        self._clients = [self._client(port, part) for part in range(min(CONNECTIONS, count))]
        self._worker = threading.Thread(target=self._work, name="simulated-terminals", daemon=True)
        self._worker.start()

    def _client(self, port: int, part: int) -> paho.Client:
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id=f"fleet-{uuid.uuid4().hex[:8]}-{part}")
        client.max_inflight_messages_set(1000)
        client.on_message = self._on_message
        mine = self.terminals[part :: min(CONNECTIONS, len(self.terminals))]
        wanted = [(topics.ROLLOUT_WANTED.at(one.branch, one.device), 1) for one in mine]
        if part == 0:
            wanted.append((topics.HUB_PRESENCE.at(), 1))
        waiting, subscribed = -(-len(wanted) // 200), threading.Event()

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
        if not subscribed.wait(SUBSCRIBED_S):
            raise OSError("the broker did not grant the subscriptions")
        return client

    # --- what a terminal hears --------------------------------------------------------------------

    def _on_message(self, _client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        row, address = topics.find(message.topic)
        heard = row.decode(bytes(message.payload))
        if isinstance(heard, m.HubPresence):
            self._hub(heard)
            return
        number = self._number[(address.branch, address.device)]
        with self._lock:
            one = self.terminals[number]
            if heard.generation <= one.generation:
                return  # each is worked on at most once
            one.generation, one.wanted, one.state, one.reason = heard.generation, heard.version, "working", ""
            pause_s = self._chance.uniform(SHORTEST_S, LONGEST_S)
            heapq.heappush(self._due, (time.monotonic() + pause_s, number, heard.generation, "end"))
            self._lock.notify()
        self._say(number)

    def _hub(self, heard: m.HubPresence) -> None:
        """A hub that was not there before may have missed something: everybody says again how it stands."""
        if not heard.online or heard.since == self._hub_since:
            return
        self._hub_since = heard.since
        with self._lock:
            now_s = time.monotonic()
            for number in range(len(self.terminals)):
                heapq.heappush(self._due, (now_s + self._chance.uniform(0, 0.5), number, 0, "say"))
            self._lock.notify()

    def _work(self) -> None:
        while True:
            with self._lock:
                while not self._stopping and (not self._due or self._due[0][0] > time.monotonic()):
                    self._lock.wait(self._due[0][0] - time.monotonic() if self._due else None)
                if self._stopping:
                    return
                _, number, generation, what = heapq.heappop(self._due)
                if what == "end":
                    self._end(number, generation)
                elif what == "again":
                    heapq.heappush(self._due, (time.monotonic() + REPEAT_S, number, 0, "again"))
            self._say(number)

    def _end(self, number: int, generation: int) -> None:
        one = self.terminals[number]
        if one.generation != generation or one.state != "working":
            return  # something newer is wanted meanwhile
        one.updates += 1
        if (number, one.wanted) in self._bad:
            one.state, one.reason = "failed", "not_healthy"
        else:
            one.state, one.version = "done", one.wanted

    # --- what it says -----------------------------------------------------------------------------

    def appear(self) -> None:
        """Every terminal says that it is online, and what it runs."""
        for number, one in enumerate(self.terminals):
            here = m.Availability(
                id=uuid.uuid4().hex, at=datetime.now(UTC), mono_ns=time.monotonic_ns(), online=True, since=self._since,
                versions={"kiosk": one.version},
            )  # fmt: skip
            row = topics.AVAILABILITY
            self._of(number).publish(row.at(one.branch, one.device), row.encode(here), 1, retain=True)
            self._say(number)
            if number % AT_ONCE == AT_ONCE - 1:
                time.sleep(0.2)
        with self._lock:
            for number in range(len(self.terminals)):
                when_s = time.monotonic() + REPEAT_S * (1 + self._chance.random())
                heapq.heappush(self._due, (when_s, number, 0, "again"))
            self._lock.notify()

    def _say(self, number: int) -> None:
        one, row = self.terminals[number], topics.ROLLOUT_REPORT
        with self._lock:
            report = f.RolloutReport(
                id=uuid.uuid4().hex, at=datetime.now(UTC), mono_ns=time.monotonic_ns(), since=self._since,
                generation=one.generation, version=one.version, state=one.state, reason=one.reason,
            )  # fmt: skip
            again = self._chance.random() < REPEATED
        for _ in range(2 if again else 1):
            self._of(number).publish(row.at(one.branch, one.device), row.encode(report), 1, retain=True)
        self.said += 1
        self.repeated += again

    def _of(self, number: int) -> paho.Client:
        return self._clients[number % len(self._clients)]

    def running(self, version: str) -> int:
        """How many terminals run a release, as they are."""
        return sum(one.version == version for one in self.terminals)

    def close(self) -> None:
        """Say goodbye."""
        with self._lock:
            self._stopping = True
            self._lock.notify()
        self._worker.join()
        for client in self._clients:
            client.disconnect()
            client.loop_stop()
