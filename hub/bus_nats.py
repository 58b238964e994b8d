"""The bus over NATS JetStream, for many machines: kiosks speak MQTT to the cluster, workers pull from one stream.

What kiosks publish arrives as subjects; one stream keeps what is for the hub until a worker has it in the
database, and one durable consumer hands each message to whichever worker asks. A worker that dies in between
leaves its messages unacknowledged, and another gets them after `ACK_WAIT_S`. Answers go out over the same
cluster's MQTT port, since only there retained state and the last will are kept.

nats-py is asyncio: it runs in a thread of its own, and the worker's thread asks it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Coroutine, Sequence
from typing import Any, Final, TypeVar

from nats import errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext, api
from nats.js import errors as js_errors

from contracts import topics
from hub.bus import MAX_KIOSK_BYTES, SHARED_BY, Arrived, HostPort, Outgoing
from hub.bus_mqtt import MqttBus

log = logging.getLogger(__name__)
T = TypeVar("T")

STREAM: Final = "yingbin"
KEEP_S: Final = 3 * 86_400.0  # longer than that nobody waits; the kiosks' outboxes keep theirs
KEEP_BYTES: Final = 1 << 30
ACK_WAIT_S: Final = 5.0  # a worker that does not finish in time is taken for dead
AGAIN_S: Final = 1.0
MAX_ACK_PENDING: Final = 8_192
CALL_S: Final = 5.0
PAUSE_S: Final = 0.5
RECONNECT_S: Final = 1
STOP_S: Final = 1.0


class NatsBus:
    """A worker's connection to the cluster at `servers`, answering over MQTT at `brokers`."""

    def __init__(self, servers: Sequence[str], brokers: Sequence[HostPort], *, version: str, replicas: int = 1) -> None:
        self._servers, self._replicas = list(servers), replicas
        self._out = MqttBus(brokers, version=version, part="presence")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="hub-nats", daemon=True)
        self._client = Client()
        self._pull: JetStreamContext.PullSubscription | None = None
        self._stopping = False
        self.tallies = self._out.tallies

    @property
    def is_connected(self) -> bool:
        return self._client.is_connected and self._pull is not None and self._out.is_connected

    def start(self) -> None:
        self._thread.start()
        self._out.start()
        asyncio.run_coroutine_threadsafe(self._connect(), self._loop)

    def connected_again(self) -> bool:
        return self._out.connected_again()

    def take(self, most: int, wait_s: float) -> list[Arrived]:
        if self._pull is None:
            time.sleep(wait_s)
            return []
        try:
            messages = self._call(self._fetch(most, wait_s), wait_s + CALL_S)
        except (errors.Error, TimeoutError) as err:
            log.info("nothing from the stream: %s", type(err).__name__)
            time.sleep(wait_s)
            return []
        return [kept for message in messages if (kept := self._kept(message)) is not None]

    def done(self, batch: Sequence[Arrived]) -> None:
        self._tell([arrived.token.ack() for arrived in batch if arrived.token is not None])

    def again(self, batch: Sequence[Arrived]) -> None:
        self._tell([arrived.token.nak(delay=AGAIN_S) for arrived in batch if arrived.token is not None])

    def send(self, message: Outgoing) -> None:
        self._out.send(message)

    def present(self, online: bool) -> None:
        self._out.present(online)

    def stop(self) -> None:
        if self._stopping:
            return
        self._stopping = True
        with contextlib.suppress(errors.Error, TimeoutError):
            self._call(self._close(), STOP_S)
        self._out.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(STOP_S)

    # --- in the thread of nats-py ------------------------------------------------------------------

    async def _connect(self) -> None:
        while not self._stopping:
            try:
                if not self._client.is_connected:
                    await self._client.connect(
                        self._servers, name="yingbin-hub", max_reconnect_attempts=-1, reconnect_time_wait=RECONNECT_S,
                        connect_timeout=2, ping_interval=5, max_outstanding_pings=2, error_cb=self._note,
                    )  # fmt: skip
                self._pull = await self._subscribe(self._client.jetstream(timeout=CALL_S))
            except (errors.Error, OSError, TimeoutError) as err:
                log.info("no stream yet: %s", type(err).__name__)
                await asyncio.sleep(PAUSE_S)
            else:
                return

    async def _subscribe(self, stream: JetStreamContext) -> JetStreamContext.PullSubscription:
        wanted = api.StreamConfig(
            name=STREAM,
            subjects=list(topics.hub_subjects()),
            retention=api.RetentionPolicy.WORK_QUEUE,  # done is gone
            discard=api.DiscardPolicy.OLD,
            max_age=KEEP_S,
            max_bytes=KEEP_BYTES,
            num_replicas=self._replicas,
        )
        try:
            await stream.add_stream(wanted)
        except js_errors.BadRequestError:  # there, with other settings: another version of us made it
            await stream.update_stream(wanted)
        consumer = api.ConsumerConfig(
            durable_name=SHARED_BY,
            ack_policy=api.AckPolicy.EXPLICIT,
            ack_wait=ACK_WAIT_S,
            max_ack_pending=MAX_ACK_PENDING,
        )
        with contextlib.suppress(js_errors.BadRequestError):  # the other workers made it
            await stream.add_consumer(STREAM, consumer)
        return await stream.pull_subscribe_bind(consumer=SHARED_BY, stream=STREAM)

    async def _fetch(self, most: int, wait_s: float) -> list[Msg]:
        assert self._pull is not None
        try:
            return await self._pull.fetch(most, timeout=wait_s)
        except TimeoutError:
            return []

    async def _close(self) -> None:
        if self._client.is_connected:
            await self._client.flush(1)
        await self._client.close()

    async def _note(self, err: Exception) -> None:
        log.info("nats: %s", type(err).__name__)

    # --- between the threads -----------------------------------------------------------------------

    def _call(self, work: Coroutine[Any, Any, T], within_s: float) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(within_s)

    def _tell(self, told: Sequence[Coroutine[Any, Any, None]]) -> None:
        """Acknowledge; what does not reach the cluster is delivered again and found to be applied."""

        async def all_of_them() -> None:
            for one in told:
                with contextlib.suppress(errors.Error):
                    await one

        if told:
            with contextlib.suppress(TimeoutError):
                self._call(all_of_them(), CALL_S)

    def _kept(self, message: Msg) -> Arrived | None:
        if len(message.data) > MAX_KIOSK_BYTES:
            self.tallies.oversized += 1
            self._tell([message.ack()])
            return None
        return Arrived(topics.from_subject(message.subject), bytes(message.data), message)
