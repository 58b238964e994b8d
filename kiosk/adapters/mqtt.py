"""MQTT 3.1.1 over TCP by paho, driven from the event loop: no thread of its own, except while connecting.

It reconnects for ever with a bounded, growing pause; what is published while there is no connection is
refused at once (`BusDown`), because the outbox, not this buffer, keeps what must not be lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from contracts.topics import MAX_MESSAGE_BYTES
from kiosk.ports import BusDown, BusNews, Connected, Delivered, Disconnected, Will
from kiosk.runtime.buffer import Buffer

log = logging.getLogger(__name__)

MAX_ON_THEIR_WAY: Final = 128  # published, not yet acknowledged by the broker
MAX_NEWS: Final = 1024  # arrived, not yet read; the oldest goes, because state and acks are sent again
GOODBYE_S: Final = 0.5
KEEP_IDLE_S: Final = 4
KEEP_EVERY_S: Final = 2
UNANSWERED_MS: Final = 10_000
WRITE_POLL_S: Final = 0.01  # only while saying goodbye: paho has no event for 'all written'
STEADY_S: Final = 5.0  # a connection that lasted this long was a good one: the next pause starts short again


@dataclass(frozen=True, slots=True)
class Pace:
    """How long to wait for the broker, and between two attempts (doubling, with jitter)."""

    tcp_s: float = 2.0
    connack_s: float = 5.0
    first_pause_s: float = 0.25
    longest_pause_s: float = 15.0
    upkeep_s: float = 0.5
    hurried_pause_s: float = 0.7


class PahoBus:
    """A `Bus` to the broker at `host`:`port`. `client_id` must be the device's own: the broker keeps one each.

    `kept_while_away`: the broker keeps what comes while this client is gone; without, who comes back asks anew.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        client_id: str,
        keepalive_s: int = 20,
        pace: Pace | None = None,
        kept_while_away: bool = True,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._host, self._port, self._keepalive_s = host, port, keepalive_s
        self._pace = pace or Pace()
        self._news: Buffer[BusNews] = Buffer(MAX_NEWS, "drop_oldest")
        self._wanted: dict[str, int] = {}
        self._answered = asyncio.Event()
        self._lost = asyncio.Event()
        self._refused = ""
        self._running: asyncio.Task[None] | None = None
        self._connected = False
        self._closing = False
        self._hurried = asyncio.Event()
        self.tally_connections = 0
        self.tally_oversized = 0
        self.tally_denied = 0
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=not kept_while_away, protocol=paho.MQTTv311
        )
        if tls is not None:
            self._client.tls_set_context(tls)
        self._client.connect_timeout = self._pace.tcp_s
        self._client.max_inflight_messages_set(MAX_ON_THEIR_WAY)
        self._client.max_queued_messages_set(MAX_ON_THEIR_WAY)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        self._client.on_socket_open = self._on_socket_open
        self._client.on_socket_close = self._on_socket_close
        self._client.on_socket_register_write = self._on_write_wanted
        self._client.on_socket_unregister_write = self._on_write_done

    @property
    def connected(self) -> bool:
        return self._connected

    @property
    def tally_dropped(self) -> int:
        """News that nobody read in time."""
        return self._news.tally_dropped

    async def open(self, will: Will | None) -> None:
        """Begin connecting. Call once."""
        if self._running is not None:
            raise RuntimeError("already open")
        self._loop = asyncio.get_running_loop()
        if will is not None:
            self._client.will_set(will.topic, will.payload, qos=1, retain=True)
        self._running = asyncio.create_task(self._keep_connected(), name="mqtt")

    async def subscribe(self, pattern: str, qos: int) -> None:
        self._wanted[pattern] = qos
        if self._connected:
            self._client.subscribe(pattern, qos)

    async def publish(self, topic: str, payload: bytes, *, qos: int, retain: bool = False) -> None:
        if not self._connected or self._closing:
            raise BusDown("no connection to the broker")
        sent = self._client.publish(topic, payload, qos=qos, retain=retain)
        if sent.rc == paho.MQTT_ERR_QUEUE_SIZE:
            raise BusDown(f"{MAX_ON_THEIR_WAY} messages wait for the broker's answer")
        if sent.rc != paho.MQTT_ERR_SUCCESS:
            raise BusDown(paho.error_string(sent.rc))

    def news(self) -> AsyncIterator[BusNews]:
        return self._news.__aiter__()

    async def close(self) -> None:
        if self._running is None or self._closing:
            return
        self._closing = True
        if self._connected:
            for _ in range(int(GOODBYE_S / WRITE_POLL_S)):
                if not (self._client.want_write() and self._connected):
                    break
                await asyncio.sleep(WRITE_POLL_S)
            self._client.disconnect()  # a clean goodbye: the broker keeps the will to itself
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(GOODBYE_S):
                    await self._lost.wait()
        self._running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._running
        self._news.close()

    # --- the connection -----------------------------------------------------------------------

    async def _keep_connected(self) -> None:
        pause_s = self._pace.first_pause_s
        while True:
            self._answered.clear()
            self._lost.clear()
            self._refused = ""
            began_s = self._loop.time()
            try:
                reason = await self._one_connection()
            finally:
                self._drop_socket()
            if self._closing:
                return
            # a broker that drops us at once (another client with our name?) must not be pestered
            if self._connected and self._loop.time() - began_s > STEADY_S:
                pause_s = self._pace.first_pause_s
            self._connected = False
            self._news.offer(Disconnected(reason))
            # jitter, so that a branch's kiosks do not all come back in the same moment
            await self._pause(pause_s * random.uniform(0.7, 1.3))
            pause_s = min(pause_s * 2, self._pace.longest_pause_s)

    async def _pause(self, pause_s: float) -> None:
        """Shorter where it is in a hurry, also when that comes about meanwhile."""
        if not self._hurried.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._hurried.wait()
            if not self._hurried.is_set():
                return
        await asyncio.sleep(min(pause_s, self._pace.hurried_pause_s))

    def hurry(self, hurried: bool) -> None:
        if hurried:
            self._hurried.set()
        else:
            self._hurried.clear()

    def anew(self) -> None:
        """End this connection and make another: what is shown or checked of certificates has changed."""
        if self._connected:
            self._client.disconnect()

    async def _one_connection(self) -> str:
        """Connect, serve until the connection is lost, and say why it ended."""
        try:
            # a thread, because paho resolves names and connects with blocking calls
            await asyncio.to_thread(self._client.connect, self._host, self._port, self._keepalive_s)
        except OSError as err:
            return f"{type(err).__name__}: {err}"
        except ValueError as err:  # an impossible host name
            return f"cannot connect: {err}"
        self._watch_socket()
        try:
            async with asyncio.timeout(self._pace.connack_s):
                await self._answered.wait()
        except TimeoutError:
            return f"no answer to CONNECT within {self._pace.connack_s} s"
        if self._refused:
            return self._refused
        while not self._lost.is_set():
            self._client.loop_misc()  # keep-alive
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._pace.upkeep_s):
                    await self._lost.wait()
        return self._refused or "connection lost"

    def _watch_socket(self) -> None:
        sock: Any = self._client.socket()
        if sock is not None and sock.fileno() >= 0:
            self._loop.add_reader(sock, self._read)
            if self._client.want_write():
                self._loop.add_writer(sock, self._client.loop_write)

    def _read(self) -> None:
        """All that came: what TLS has decrypted already wakes no reader any more."""
        self._client.loop_read()
        for _ in range(MAX_NEWS):
            sock: Any = self._client.socket()
            if sock is None or not hasattr(sock, "pending") or not sock.pending():
                return
            self._client.loop_read()

    def _drop_socket(self) -> None:
        """Forget a half-open connection, whatever state paho believes in. The next `connect` starts anew."""
        sock: Any = self._client.socket()
        if sock is not None and sock.fileno() >= 0:
            self._loop.remove_reader(sock)
            self._loop.remove_writer(sock)
            sock.close()

    # --- paho's callbacks; all but _on_socket_open run in the event loop ------------------------

    def _on_socket_open(self, _client: paho.Client, _userdata: object, sock: Any) -> None:
        if self._closing:  # closed while this thread was still connecting
            sock.close()
            return
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # small messages; do not wait to fill a packet
        # a line that was cut is given up and called anew, instead of waiting for TCP's doubling pauses (half a minute)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEP_IDLE_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEP_EVERY_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNANSWERED_MS)

    def _on_socket_close(self, _client: paho.Client, _userdata: object, sock: Any) -> None:
        if sock.fileno() >= 0:
            self._loop.remove_reader(sock)
            self._loop.remove_writer(sock)

    def _on_write_wanted(self, _client: paho.Client, _userdata: object, sock: Any) -> None:
        self._loop.call_soon_threadsafe(self._watch_writable, sock)

    def _watch_writable(self, sock: socket.socket) -> None:
        if sock.fileno() >= 0 and self._client.want_write():
            self._loop.add_writer(sock, self._client.loop_write)

    def _on_write_done(self, _client: paho.Client, _userdata: object, sock: Any) -> None:
        if sock.fileno() >= 0:
            self._loop.remove_writer(sock)

    def _on_connect(
        self, client: paho.Client, _userdata: object, _flags: object, code: ReasonCode, _properties: object
    ) -> None:
        if code.is_failure:
            self._refused = f"the broker refused: {code}"
        else:
            self._connected = True
            self.tally_connections += 1
            # the broker may have lost the session with its disk: ask again, it costs nothing
            for pattern, qos in self._wanted.items():
                client.subscribe(pattern, qos)
            self._news.offer(Connected())
        self._answered.set()

    def _on_subscribe(
        self, client: paho.Client, _userdata: object, _mid: int, codes: list[ReasonCode], _properties: object
    ) -> None:
        """A broker that grants nothing may not know a terminal yet that has just joined: called again, with pauses."""
        if any(code.is_failure for code in codes):
            self.tally_denied += 1
            self._refused = "the broker granted no subscription"
            client.disconnect()

    def _on_disconnect(
        self, _client: paho.Client, _userdata: object, _flags: object, code: ReasonCode, _properties: object
    ) -> None:
        self._refused = self._refused or str(code)
        self._answered.set()
        self._lost.set()

    def _on_message(self, _client: paho.Client, _userdata: object, message: paho.MQTTMessage) -> None:
        if len(message.payload) > MAX_MESSAGE_BYTES:
            self.tally_oversized += 1
            return
        self._news.offer(Delivered(message.topic, bytes(message.payload), retained=bool(message.retain)))
