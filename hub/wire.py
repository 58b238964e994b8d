"""The hub's connection to the broker: what kiosks say goes to one worker thread, answers go out.

paho's network thread reconnects for ever with a bounded pause. Between it and the worker stands a
bounded queue; what does not fit is dropped and counted, because kiosks resend what is not acknowledged.
"""

from __future__ import annotations

import logging
import queue as threads
import socket
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, ParamSpec

import paho.mqtt.client as paho
import sqlalchemy as sa
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from contracts import messages as m
from contracts import topics
from hub.ingest import Arrived, Outgoing

log = logging.getLogger(__name__)
P = ParamSpec("P")

MAX_WAITING: Final = 4_096  # arrived, not yet applied
MAX_KIOSK_BYTES: Final = max(row.limit_bytes for row in topics.CONTRACT if row.sender == "kiosk")
BATCH: Final = 64  # applied in one transaction
CONNECT_S: Final = 2.0
KEEPALIVE_S: Final = 15
FIRST_PAUSE_S: Final = 1
LONGEST_PAUSE_S: Final = 10
DATABASE_PAUSE_S: Final = 1.0
STOP_S: Final = 1.0
SETTLE_S: Final = 0.25


class HubWire:
    """`take` gets batches in the worker thread; `connected` is called there after each (re)connection.

    `settled` is called there when nothing more waits, or a quarter of a second after the last time: what
    depends on many messages (a branch's whole queue) is made once for all of them.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        version: str,
        take: Callable[[Sequence[Arrived]], None],
        connected: Callable[[], None],
        settled: Callable[[], None],
    ) -> None:
        self._host, self._port, self._version = host, port, version
        self._take, self._connected, self._settled = take, connected, settled
        self._since = datetime.now(UTC)
        self._waiting: threads.Queue[Arrived] = threads.Queue(MAX_WAITING)
        self._greet = threading.Event()
        self._stop = threading.Event()
        self.tally_dropped = 0
        self.tally_failed_batches = 0
        self.tally_unsent = 0
        # a clean session: the broker keeps nothing for an absent hub, the kiosks' outboxes do
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"hub-{uuid.uuid4().hex[:12]}",
            clean_session=True,
            protocol=paho.MQTTv311,
        )
        self._client.connect_timeout = CONNECT_S
        self._client.reconnect_delay_set(FIRST_PAUSE_S, LONGEST_PAUSE_S)
        self._client.max_queued_messages_set(MAX_WAITING)
        self._client.on_connect = self._on_connect
        self._client.on_message = self._on_message
        self._client.on_socket_open = self._on_socket_open
        self._worker = threading.Thread(target=self._work, name="hub-ingest")

    @property
    def is_connected(self) -> bool:
        """Whether the broker answers."""
        return self._client.is_connected()

    def start(self) -> None:
        """Begin; a broker that is not there yet is waited for."""
        row = topics.HUB_PRESENCE
        self._client.will_set(row.at(), self._presence(online=False), qos=row.qos, retain=row.retain)
        self._client.connect_async(self._host, self._port, KEEPALIVE_S)
        self._worker.start()
        self._client.loop_start()

    def send(self, message: Outgoing) -> None:
        """Give a message to the broker's connection; while there is none it is dropped (state follows later)."""
        sent = None
        if self._client.is_connected():
            sent = self._client.publish(message.topic, message.payload, qos=message.qos, retain=message.retain)
        if sent is None or sent.rc != paho.MQTT_ERR_SUCCESS:
            self.tally_unsent += 1

    def stop(self) -> None:
        """Apply what has arrived (a second at most), say goodbye, end both threads."""
        self._stop.set()
        if self._worker.is_alive():
            self._worker.join(STOP_S)
        if self._client.is_connected():
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

    # --- the worker -----------------------------------------------------------------------------

    def _work(self) -> None:
        settled_s = time.monotonic()
        while not self._stop.is_set():
            if self._greet.is_set():
                self._greet.clear()
                self._try(self._connected)
            batch = self._next_batch()
            if batch and not self._try(self._take, batch):
                self.tally_failed_batches += 1
                self._stop.wait(DATABASE_PAUSE_S)
                for arrived in batch:  # one bad message must not hold up the others
                    self._try(self._take, [arrived])
            if self._waiting.empty() or time.monotonic() - settled_s > SETTLE_S:
                self._try(self._settled)
                settled_s = time.monotonic()

    def _next_batch(self) -> list[Arrived]:
        batch: list[Arrived] = []
        try:
            batch.append(self._waiting.get(timeout=0.1))
            while len(batch) < BATCH:
                batch.append(self._waiting.get_nowait())
        except threads.Empty:
            pass
        return batch

    def _try(self, work: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> bool:
        """Whether `work` ended well. A database that fails or a bug must not end the ingest: kiosks resend."""
        try:
            work(*args, **kwargs)
        except sa.exc.SQLAlchemyError as err:
            log.error("database: %s", type(err).__name__)
            return False
        except Exception:  # the message handler: log the traceback, count, go on
            log.exception("ingest failed")
            return False
        return True

    # --- paho's callbacks, in its thread ----------------------------------------------------------

    def _on_socket_open(self, _client: paho.Client, _userdata: object, sock: Any) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _on_connect(
        self, client: paho.Client, _userdata: object, _flags: object, code: ReasonCode, _properties: object
    ) -> None:
        if code.is_failure:
            log.error("the broker refused: %s", code)
            return
        client.subscribe(list(topics.hub_subscriptions()))
        row = topics.HUB_PRESENCE
        client.publish(row.at(), self._presence(online=True), qos=row.qos, retain=row.retain)
        self._greet.set()

    def _on_message(self, _client: paho.Client, _userdata: object, message: paho.MQTTMessage) -> None:
        if len(message.payload) > MAX_KIOSK_BYTES:  # not even queued: what waits is bounded in bytes, too
            self.tally_dropped += 1
            return
        try:
            self._waiting.put_nowait(Arrived(message.topic, bytes(message.payload)))
        except threads.Full:
            self.tally_dropped += 1
