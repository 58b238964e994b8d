"""A release over MQTT alone: questions out, metadata and chunks in, a few at a time, for days if it must be.

Also the hub's wish and our report. Nothing that comes is believed: a message of another terminal, another release, the
wrong size or hash is counted and asked for again; what nobody asked for is dropped.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

from contracts import fleet as f
from contracts import rollout as r
from contracts import topics
from contracts.release import Chunk, ReleaseRefused, open_chunk
from kiosk.ports import Bus, BusDown, Clock, Connected, Delivered, Disconnected
from kiosk.rollout.ports import SourceLost
from kiosk.rollout.updater import Said
from kiosk.rollout.window import WIDEST, Window

log = logging.getLogger(__name__)

ANSWER_S: Final = 30.0  # for metadata; doubled each time it is asked again
ASKED_MOST: Final = 6  # times that metadata is asked for before something else may be done
TICK_S: Final = 0.5
HELD_MOST: Final = 2 * r.WINDOW_MOST  # chunks that arrived and are not written yet


def _envelope() -> dict[str, Any]:
    return {"id": uuid.uuid4().hex, "at": datetime.now(UTC), "mono_ns": time.monotonic_ns()}


class MqttSource:
    """The updater's connection, its own. Run `run` beside; `wished` is called with a release and its generation.

    `widest`: how many chunks may be on their way just now.
    """

    def __init__(
        self, bus: Bus, branch: str, device: str, *, wished: Callable[[str, int], None], clock: Clock,
        widest: Callable[[], int] = lambda: WIDEST,
    ) -> None:  # fmt: skip
        self._bus, self._branch, self._device = bus, topics.check_name(branch), topics.check_name(device)
        self._wished, self._clock, self._widest = wished, clock, widest
        self._since = datetime.now(UTC)
        self._said = Said(generation=0, release="installed", state="idle")
        self._metadata: asyncio.Queue[r.RolloutMetadata] = asyncio.Queue(4)
        self._arrived: asyncio.Queue[r.RolloutChunk | None] = asyncio.Queue(HELD_MOST)  # None: the connection was lost
        self._fetching = False
        self._telling: set[asyncio.Task[None]] = set()
        self.tally: Counter[str] = Counter()

    async def run(self) -> None:
        """Connect and listen until cancelled."""
        await self._bus.open(None)
        try:
            for pattern, qos in topics.updater_subscriptions(self._branch, self._device):
                await self._bus.subscribe(pattern, qos)
            async for news in self._bus.news():
                match news:
                    case Connected():
                        await self._report()
                    case Disconnected():
                        self._offer(self._arrived, None)
                    case Delivered(topic, payload):
                        self._take(topic, payload)
        finally:
            await self._bus.close()

    def say(self, said: Said) -> None:
        """Tell the hub; without a connection the next one does."""
        self._said = said
        task = asyncio.get_running_loop().create_task(self._report(), name="rollout-report")
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _report(self) -> None:
        row, said = topics.ROLLOUT_REPORT, self._said
        message = f.RolloutReport(
            **_envelope(), since=self._since, generation=said.generation, version=said.release, state=said.state,
            reason=said.reason, share=round(said.share, 3),
        )  # fmt: skip
        with suppress(BusDown):
            payload = row.encode(message)
            await self._bus.publish(row.at(self._branch, self._device), payload, qos=row.qos, retain=row.retain)

    def _take(self, topic: str, payload: bytes) -> None:
        try:
            row, address = topics.find(topic)
            message = row.decode(payload)
        except topics.WireError as err:
            self.tally[f"refused_{err.code}"] += 1
            log.warning("message refused: %s", err)
            return
        ours = (address.branch, address.device) == (self._branch, self._device)
        match message:
            case f.RolloutWanted() if ours and (message.branch, message.device) == (self._branch, self._device):
                self._wished(message.version, message.generation)
            case r.RolloutMetadata() if ours:
                self._offer(self._metadata, message)
            case r.RolloutChunk() if ours and self._fetching:
                self._offer(self._arrived, message)
            case _:
                self.tally["not_for_us"] += 1

    def _offer(self, queue: asyncio.Queue[Any], item: object) -> None:
        if queue.full():
            self.tally["crowded_out"] += 1
            queue.get_nowait()
        queue.put_nowait(item)

    async def _ask(self, want: r.RolloutWant) -> None:
        row = topics.ROLLOUT_WANT
        await self._bus.publish(row.at(self._branch, self._device), row.encode(want), qos=row.qos)

    async def metadata(self, release: str, root: int) -> Mapping[str, bytes]:
        while not self._metadata.empty():
            self._metadata.get_nowait()
        wait_s = ANSWER_S
        for _ in range(ASKED_MOST):
            with suppress(BusDown):
                await self._ask(r.RolloutWant(**_envelope(), release=release, root=root))
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s if self._bus.connected else TICK_S):
                    while True:
                        answer = await self._metadata.get()
                        if answer.release == release:
                            if not answer.files:
                                raise SourceLost(f"the hub has no release {release}")
                            return answer.files
            wait_s *= 2 if self._bus.connected else 1
        raise SourceLost("no metadata came")

    async def chunks(self, wanted: Sequence[Chunk]) -> AsyncIterator[tuple[Chunk, bytes]]:
        by_name = {chunk.sha: chunk for chunk in wanted}
        window = Window(by_name, widest=self._widest())
        while not self._arrived.empty():
            self._arrived.get_nowait()
        self._fetching = True
        try:
            while not window.done:
                window.narrow(min(self._widest(), r.WINDOW_MOST))
                await self._ask_more(window)
                answer: r.RolloutChunk | None = None
                try:
                    async with asyncio.timeout(TICK_S):
                        answer = await self._arrived.get()
                except TimeoutError:
                    continue
                if answer is None:
                    window.lost()
                    continue
                self.tally["received_bytes"] += len(answer.body)
                chunk = by_name.get(answer.sha)
                if chunk is None or not await self._is_good(chunk, answer.body):
                    window.refused(answer.sha, self._now_s())
                elif window.arrived(chunk.sha, self._now_s()):
                    yield chunk, answer.body
                else:
                    self.tally["twice"] += 1
        finally:
            self._fetching = False

    async def _ask_more(self, window: Window) -> None:
        if not self._bus.connected:
            return
        names = window.ask(self._now_s())
        if names:
            try:
                await self._ask(r.RolloutWant(**_envelope(), chunks=names[: r.WINDOW_MOST]))
            except BusDown:
                window.lost()

    async def _is_good(self, chunk: Chunk, body: bytes) -> bool:
        try:
            await asyncio.to_thread(open_chunk, body, chunk)
        except ReleaseRefused as err:
            self.tally[f"chunk_{err.reason}"] += 1
            return False
        return True

    def _now_s(self) -> float:
        return self._clock.now_ns() / 1e9
