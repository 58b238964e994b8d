"""The `Bus` without a network: an exchange in this process, and a journal of everything that was published.

The twin of the MQTT adapter, for tests and for a demonstration on a machine without a broker. It behaves
as MQTT does where it matters: retained state, wildcards, a last will, and an exchange that can go down.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import msgspec
from paho.mqtt.client import topic_matches_sub

from kiosk.ports import BusDown, BusNews, Connected, Delivered, Disconnected, Will
from kiosk.runtime.buffer import Buffer

MAX_NEWS: Final = 1024
MAX_JOURNAL_BYTES: Final = 64 * 1024 * 1024


class Exchange:
    """What a broker is to its clients. `journal`: a file that gets one JSON line per published message."""

    def __init__(self, journal: Path | None = None) -> None:
        self._clients: dict[str, JournalBus] = {}
        self._retained: dict[str, bytes] = {}
        self._journal = journal
        self.is_up = True
        self.tally_published = 0
        self.tally_unjournaled = 0

    def down(self) -> None:
        """The broker is gone: no wills, everybody is disconnected. Retained state stays, as on its disk."""
        self.is_up = False
        for client in list(self._clients.values()):
            client.lose("the exchange went down")

    def up(self) -> None:
        """The broker is back: its clients reconnect."""
        self.is_up = True
        for client in list(self._clients.values()):
            client.find()

    def attach(self, name: str, client: JournalBus) -> None:
        """A client of the same name is displaced, as MQTT does."""
        before = self._clients.get(name)
        if before is not None:
            before.lose("another client took this name")
        self._clients[name] = client

    def detach(self, name: str, client: JournalBus) -> None:
        if self._clients.get(name) is client:
            del self._clients[name]

    def publish(self, topic: str, payload: bytes, *, retain: bool) -> None:
        """Deliver to everybody who asked for it; an empty retained message forgets the one before."""
        self.tally_published += 1
        self._write(topic, payload, retain)
        if retain and payload:
            self._retained[topic] = payload
        elif retain:
            self._retained.pop(topic, None)
        for client in list(self._clients.values()):
            client.offer(Delivered(topic, payload, retained=False))

    def retained(self, pattern: str) -> list[Delivered]:
        """The state that a new subscription gets at once."""
        return [
            Delivered(topic, payload, retained=True)
            for topic, payload in self._retained.items()
            if topic_matches_sub(pattern, topic)
        ]

    def _write(self, topic: str, payload: bytes, retain: bool) -> None:
        if self._journal is None:
            return
        if self._journal.exists() and self._journal.stat().st_size > MAX_JOURNAL_BYTES:
            self.tally_unjournaled += 1
            return
        try:
            body = {"text": payload.decode()}
        except UnicodeDecodeError:
            body = {"base64": base64.b64encode(payload).decode()}
        with self._journal.open("ab") as file:
            file.write(msgspec.json.encode({"topic": topic, "retain": retain, **body}) + b"\n")


class JournalBus:
    """One client of an `Exchange`."""

    def __init__(self, exchange: Exchange, *, client_id: str) -> None:
        self._exchange = exchange
        self._client_id = client_id
        self._news: Buffer[BusNews] = Buffer(MAX_NEWS, "drop_oldest")
        self._wanted: set[str] = set()
        self._will: Will | None = None
        self._connected = False

    @property
    def connected(self) -> bool:
        return self._connected

    async def open(self, will: Will | None) -> None:
        if self._will is not None:
            raise RuntimeError("already open")
        self._will = will
        self._exchange.attach(self._client_id, self)
        if self._exchange.is_up:
            self.find()
        else:
            self._news.offer(Disconnected("the exchange is down"))

    async def subscribe(self, pattern: str, qos: int) -> None:
        self._wanted.add(pattern)
        if self._connected:
            self._take_retained(pattern)

    async def publish(self, topic: str, payload: bytes, *, qos: int, retain: bool = False) -> None:
        if not self._connected:
            raise BusDown("no connection to the exchange")
        self._exchange.publish(topic, payload, retain=retain)

    def hurry(self, hurried: bool) -> None:
        """There is no line to wait for."""

    def news(self) -> AsyncIterator[BusNews]:
        return self._news.__aiter__()

    async def close(self) -> None:
        self._connected = False
        self._exchange.detach(self._client_id, self)
        self._news.close()

    async def vanish(self) -> None:
        """End as a killed process does: the exchange publishes the will."""
        await self.close()
        if self._will is not None and self._exchange.is_up:
            self._exchange.publish(self._will.topic, self._will.payload, retain=True)

    # --- called by the exchange -----------------------------------------------------------------

    def find(self) -> None:
        self._connected = True
        self._news.offer(Connected())
        for pattern in self._wanted:
            self._take_retained(pattern)

    def lose(self, reason: str) -> None:
        if self._connected:
            self._connected = False
            self._news.offer(Disconnected(reason))

    def offer(self, message: Delivered) -> None:
        if self._connected and any(topic_matches_sub(pattern, message.topic) for pattern in self._wanted):
            self._news.offer(message)

    def _take_retained(self, pattern: str) -> None:
        for message in self._exchange.retained(pattern):
            self._news.offer(message)
