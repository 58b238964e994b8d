"""The bus over an MQTT 3.1.1 broker: one connection, in and out; several workers share one subscription.

A message is acknowledged to the broker only when it is in the database, so the broker holds back what a worker
has no time for. paho's network thread reconnects for ever with a bounded pause, going round the brokers it
was given. The kiosks' sign that the hub is there is this connection's last will.
"""

from __future__ import annotations

import logging
import queue as threads
import socket
import ssl
import time
import uuid
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final, Literal

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from contracts import messages as m
from contracts import topics
from hub.bus import MAX_KIOSK_BYTES, MAX_WAITING, Arrived, BusTallies, HostPort, Outgoing

log = logging.getLogger(__name__)

CONNECT_S: Final = 2.0
KEEPALIVE_S: Final = 15
FIRST_PAUSE_S: Final = 1
LONGEST_PAUSE_S: Final = 10
STOP_S: Final = 1.0
MAX_INFLIGHT: Final = 1_000  # answers on their way to the broker
Part = Literal["worker", "presence", "sender", "releases"]
ON_THEIR_WAY: Final = 16  # answers of `releases` that paho has not written yet


class MqttBus:
    """A worker's connection. `shared_by` names the group that shares what comes; empty: this one gets all of it.

    `part` is `worker` (what kiosks send comes here), `presence` (it only stands for a worker whose messages come
    another way), `sender` (a web process: it applies nothing, and its end means nothing to kiosks) or `releases` (it
    hears what updaters ask for, and stands for nobody).
    """

    def __init__(
        self, brokers: Sequence[HostPort], *, version: str, shared_by: str = "", part: Part = "worker",
        tls: ssl.SSLContext | None = None,
    ) -> None:  # fmt: skip
        self._brokers, self._broker = list(brokers), 0
        self._version, self._shared_by, self._part = version, shared_by, part
        self._since = datetime.now(UTC)
        self._speaks = part in ("worker", "presence")  # for the hub being there
        self._online = self._speaks
        self._unwritten: deque[paho.MQTTMessageInfo] = deque()
        self._written_on = 0  # the connection that these belong to
        self._waiting: threads.Queue[Arrived] = threads.Queue(MAX_WAITING)
        self._back: deque[Arrived] = deque()  # to be tried again; the worker's own, no longer than what it took
        self._connection = 0  # an acknowledgement belongs to the connection that brought the message
        self._told = 0
        self._stopping = False
        self.tallies = BusTallies()
        # a clean session: the broker keeps nothing for an absent hub, the kiosks' outboxes do
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"hub-{uuid.uuid4().hex[:12]}",
            clean_session=True,
            protocol=paho.MQTTv311,
            manual_ack=True,
        )
        if tls is not None:
            self._client.tls_set_context(tls)
        self._client.connect_timeout = CONNECT_S
        self._client.reconnect_delay_set(FIRST_PAUSE_S, LONGEST_PAUSE_S)
        self._client.max_inflight_messages_set(MAX_INFLIGHT)
        self._client.max_queued_messages_set(MAX_WAITING)
        self._client.on_connect = self._on_connect
        self._client.on_connect_fail = self._on_connect_fail
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = self._on_message
        self._client.on_socket_open = self._on_socket_open

    @property
    def is_connected(self) -> bool:
        return bool(self._client.is_connected())

    def start(self) -> None:
        if self._speaks:
            row = topics.HUB_PRESENCE
            self._client.will_set(row.at(), self._presence(online=False), qos=row.qos, retain=row.retain)
        self._client.connect_async(*self._brokers[0], KEEPALIVE_S)
        self._client.loop_start()

    def connected_again(self) -> bool:
        told, self._told = self._told, self._connection
        return told != self._told

    def take(self, most: int, wait_s: float) -> list[Arrived]:
        batch: list[Arrived] = []
        while self._back and len(batch) < most:
            batch.append(self._back.popleft())
        try:
            if not batch:
                batch.append(self._waiting.get(timeout=wait_s))
            while len(batch) < most:
                batch.append(self._waiting.get_nowait())
        except threads.Empty:
            pass
        return batch

    def done(self, batch: Sequence[Arrived]) -> None:
        for arrived in batch:
            self._acknowledge(arrived.token)

    def again(self, batch: Sequence[Arrived]) -> None:
        self._back.extendleft(reversed(batch))

    def send(self, message: Outgoing) -> None:
        sent = None
        if self._client.is_connected():
            sent = self._client.publish(message.topic, message.payload, qos=message.qos, retain=message.retain)
        if sent is None or sent.rc != paho.MQTT_ERR_SUCCESS:
            self.tallies.unsent += 1

    def send_written(self, message: Outgoing, within_s: float) -> bool:
        """As `send`, but no further ahead than a few messages of what the connection takes; False: not sent."""
        if self._written_on != self._connection:
            self._written_on = self._connection
            self._unwritten.clear()  # lost with the connection before
        while self._unwritten and self._unwritten[0].is_published():
            self._unwritten.popleft()
        if len(self._unwritten) >= ON_THEIR_WAY:
            try:
                self._unwritten[0].wait_for_publish(within_s)
            except (RuntimeError, ValueError):  # lost with its connection
                self._unwritten.clear()
                return False
            if not self._unwritten[0].is_published():
                return False
        if not self._client.is_connected():
            self.tallies.unsent += 1
            return False
        self._unwritten.append(self._client.publish(message.topic, message.payload, message.qos, message.retain))
        return True

    def present(self, online: bool) -> None:
        if online and not self._online:
            self._since = datetime.now(UTC)  # kiosks send again what they sent meanwhile
        self._online = online
        self._say_presence()

    def stop(self) -> None:
        if self._stopping:
            return
        self._stopping = True
        if self._speaks and self._client.is_connected():
            row = topics.HUB_PRESENCE
            goodbye = self._client.publish(row.at(), self._presence(online=False), qos=row.qos, retain=row.retain)
            try:
                goodbye.wait_for_publish(STOP_S / 2)
            except (RuntimeError, ValueError) as err:  # the connection ended in this moment
                log.info("no goodbye: %s", err)
        self._client.disconnect()
        self._client.loop_stop()

    def _presence(self, *, online: bool) -> bytes:
        said = m.HubPresence(
            id=uuid.uuid4().hex,
            at=datetime.now(UTC),
            mono_ns=time.monotonic_ns(),
            online=online,
            since=self._since,
            version=self._version,
        )
        return topics.HUB_PRESENCE.encode(said)

    def _say_presence(self) -> None:
        row = topics.HUB_PRESENCE
        if self._client.is_connected() and self._speaks:
            self._client.publish(row.at(), self._presence(online=self._online), qos=row.qos, retain=row.retain)

    def _acknowledge(self, token: tuple[int, int, int] | None) -> None:
        if token is None:
            return
        connection, mid, qos = token
        if connection == self._connection and qos:
            self._client.ack(mid, qos)

    # --- paho's callbacks, in its thread ----------------------------------------------------------

    def _on_socket_open(self, _client: paho.Client, _userdata: object, sock: Any) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _on_connect(
        self, client: paho.Client, _userdata: object, _flags: object, code: ReasonCode, _properties: object
    ) -> None:
        if code.is_failure:
            log.error("the broker refused: %s", code)
            return
        self._connection += 1
        self.tallies.connections += 1
        group = f"$share/{self._shared_by}/" if self._shared_by else ""
        if self._part == "releases":
            client.subscribe([(group + topic, qos) for topic, qos in topics.release_subscriptions()])
        if not self._speaks:
            return
        wanted: list[tuple[str, int]] = [(topics.HUB_PRESENCE.at(), topics.HUB_PRESENCE.qos)]
        if self._part == "worker":
            wanted += [(group + topic, qos) for topic, qos in topics.hub_subscriptions()]
        client.subscribe(wanted)
        self._say_presence()

    def _on_connect_fail(self, _client: paho.Client, _userdata: object) -> None:
        self._next_broker()

    def _on_disconnect(self, *_: object) -> None:
        if not self._stopping:
            self._next_broker()

    def _next_broker(self) -> None:
        if len(self._brokers) == 1:
            return
        self._broker = (self._broker + 1) % len(self._brokers)
        self._client.connect_async(*self._brokers[self._broker], KEEPALIVE_S)  # only notes where to go next

    def _on_message(self, _client: paho.Client, _userdata: object, message: paho.MQTTMessage) -> None:
        token = (self._connection, message.mid, message.qos)
        if message.topic == topics.HUB_PRESENCE.at():
            self._acknowledge(token)
            self._hear_presence(bytes(message.payload))
            return
        if len(message.payload) > MAX_KIOSK_BYTES:  # not even queued: what waits is bounded in bytes, too
            self.tallies.oversized += 1
            self._acknowledge(token)
            return
        try:
            self._waiting.put_nowait(Arrived(message.topic, bytes(message.payload), token))
        except threads.Full:
            self.tallies.dropped += 1
            self._acknowledge(token)  # the kiosk sends it again; the broker must not wait for us

    def _hear_presence(self, payload: bytes) -> None:
        """Another worker's last will or goodbye must not make kiosks believe that nobody is there any more."""
        try:
            said = topics.HUB_PRESENCE.decode(payload)
        except topics.WireError:
            return
        if not said.online and said.since != self._since and self._online and not self._stopping:
            self._since = max(self._since, datetime.now(UTC))  # kiosks send again what the other one had in hand
            self._say_presence()
