"""One worker of the hub: applies what kiosks send, without a web server, until it is told to stop.

On one machine `serve` does everything. Where it grows, `serve --no-ingest` answers browsers and as many
`worker` processes as there are cores apply what comes; they meet in the database alone.
"""

from __future__ import annotations

import asyncio
import json
import signal
import ssl
from dataclasses import dataclass
from pathlib import Path

from hub.bus import SHARED_BY, Bus, HostPort
from hub.bus_mqtt import MqttBus
from hub.fleet.authority import Authority, client_context
from hub.service import VERSION, Hub
from hub.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class BusOptions:
    """Where the bus is. With `nats` servers, messages come from their stream and `brokers` are their MQTT ports."""

    brokers: tuple[HostPort, ...]
    nats: tuple[str, ...] = ()
    replicas: int = 1
    shared: bool = False  # with other workers, over an MQTT broker
    authority: Path | None = None  # whose certificates both ends show

    def worker(self) -> Bus:
        """A connection that takes what kiosks send."""
        if self.nats:
            from hub.bus_nats import NatsBus  # only where it is used: nats-py is a second library of asyncio

            return NatsBus(self.nats, self.brokers, version=VERSION, replicas=self.replicas)
        shared_by = SHARED_BY if self.shared else ""
        return MqttBus(self.brokers, version=VERSION, shared_by=shared_by, tls=self._tls())

    def sender(self) -> Bus:
        """A connection that only sends."""
        return MqttBus(self.brokers, version=VERSION, part="sender", tls=self._tls())

    def trust(self) -> Authority | None:
        """The authority, where its folder was named."""
        return None if self.authority is None else Authority(self.authority)

    def _tls(self) -> ssl.SSLContext | None:
        if self.authority is None:
            return None
        if not (self.authority / "hub.pem").exists():
            Authority(self.authority).service("hub", ())
        return client_context(self.authority, "hub")


async def work(options: BusOptions, database: str, *, alarm_hook: str = "") -> None:
    """Apply what comes until SIGTERM or SIGINT."""
    hub = Hub(Store(database), options.worker(), authority=options.trust(), hook=alarm_hook)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    hub.start()
    print(json.dumps({"ready": True, "worker": True, "store": hub.store.id}), flush=True)
    try:
        await stop.wait()
    finally:
        await asyncio.to_thread(hub.stop)
