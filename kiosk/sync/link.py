"""The terminal's side of the wire: what it owes goes out until the hub says it has it; the queue comes in.

Everything here may stop at any moment, kill included: what counts is in the outbox. The broker's word is
not enough; only the hub's `ack` removes a message. While the hub is away nothing is sent, nothing grows
but the outbox, and the terminal works on.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from contracts import call as c
from contracts import call_help as h
from contracts import fleet as f
from contracts import messages as m
from contracts import together as t
from contracts import topics
from contracts import video_messages as v
from kiosk.ports import Bus, BusDown, Connected, Delivered, Disconnected, ShadowEnd, Will
from kiosk.sync.live import LiveTickets
from kiosk.sync.outbox import Outbox, OutboxFull
from kiosk.sync.samples import Samples
from kiosk.sync.vitals import VitalsProbe

log = logging.getLogger(__name__)

WINDOW: Final = 64  # sent, not yet acknowledged by the hub
LIVE_EVERY_S: Final = 0.5  # while there is a backlog, what is new goes ahead of it this often at most
SAMPLE_EVERY_S: Final = 600.0  # a look that is kept also while the hub is there
TELEMETRY_EVERY_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class LinkPace:
    """When to send again what the hub has not acknowledged (doubling up to the longest), and how often to look."""

    resend_s: float = 5.0
    longest_resend_s: float = 60.0
    overdue_s: float = 10.0  # no acknowledgement for this long: the hub counts as away
    tick_s: float = 0.25
    telemetry_s: float = TELEMETRY_EVERY_S


@dataclass(slots=True)
class LinkTallies:
    """What the link did; for telemetry, doctor and tests."""

    sent: int = 0
    resends: int = 0  # times it went back to the last acknowledged number
    connections: int = 0
    refused: Counter[str] = field(default_factory=Counter)  # not what their topic promises, by code


@dataclass(frozen=True, slots=True)
class Condition:
    """What telemetry cannot see from here: the devices that are missing, the screen's pace, what hearing counted."""

    missing: tuple[m.DeviceKind, ...] = ()
    troubles: tuple[str, ...] = ()  # why they are, and paper that is low: 'device.reason'
    frame_p95_ms: float | None = None
    hearing: Mapping[str, int] = field(default_factory=dict)
    models: Callable[[], Mapping[str, m.ModelTiming]] = dict
    """How long the models took since this was called last: called once a report."""


def envelope() -> dict[str, Any]:
    """What every message begins with."""
    return {"id": uuid.uuid4().hex, "at": datetime.now(UTC), "mono_ns": time.monotonic_ns()}


class Link:
    """Runs until cancelled. `on_change` is called in the loop when the queue or `hub_reachable` changed.

    `on_called`: a number was called in the branch; it may come more than once.
    """

    def __init__(
        self,
        bus: Bus,
        outbox: Outbox,
        *,
        branch: str,
        device: str,
        versions: Mapping[str, str],
        vitals: VitalsProbe | None = None,
        condition: Callable[[], Condition] = Condition,
        on_change: Callable[[], None] | None = None,
        on_standing: Callable[[v.CaseStanding], None] = lambda standing: None,
        pace: LinkPace | None = None,
        live: Callable[[], LiveTickets] | None = None,
        samples: Samples | None = None,
        shadow: ShadowEnd | None = None,
        on_called: Callable[[m.NumberCalled], None] | None = None,
        on_appointments: Callable[[m.Appointments], None] | None = None,
        on_call: Callable[[c.CallDown], None] | None = None,
        on_together: Callable[[t.TogetherAsked], None] = lambda message: None,
        on_fleet: Callable[[f.Command | f.RenewAnswer], None] = lambda message: None,
    ) -> None:
        self._bus, self._outbox = bus, outbox
        self._branch, self._device = topics.check_name(branch), topics.check_name(device)
        self._versions = dict(versions)
        self._vitals, self._condition = vitals, condition
        self._on_change, self._on_called, self._on_appointments = on_change, on_called, on_appointments
        self._on_standing, self._on_call, self._on_together = on_standing, on_call, on_together
        self._on_fleet = on_fleet
        self._pace = pace or LinkPace()
        self._since = datetime.now(UTC)
        self._presence: m.HubPresence | None = None
        self._in_flight: deque[int] = deque()
        self._acknowledged = 0
        self._rewinds = 0
        self._progress_s = 0.0
        self._resend_s = self._pace.resend_s
        self._wake = asyncio.Event()
        self._live, self._samples, self._shadow = live, samples, shadow
        self._live_told = False  # since this connection began: nothing of the backlog goes before it
        self._live_due_s: float | None = None
        self._sampled_s = 0.0
        self._sent_ns: dict[int, int] = {}  # when each message of this start was sent first; at most `WINDOW`
        self._first_own_seq = 0
        self._was_reachable = False
        self.queue: m.TicketsState | None = None
        self.tallies = LinkTallies()

    @property
    def hub_reachable(self) -> bool:
        """The broker answers, the hub says it is there, and it acknowledges in time."""
        if not self._bus.connected or self._presence is None or not self._presence.online:
            return False
        return not self._in_flight or time.monotonic() - self._progress_s < self._pace.overdue_s

    async def run(self) -> None:
        """Connect, pump and listen until cancelled; then say goodbye (about a second at most)."""
        loop = asyncio.get_running_loop()
        self._outbox.listen(lambda: self._wake_from(loop))
        self._acknowledged = (await asyncio.to_thread(self._outbox.tallies)).acknowledged
        self._first_own_seq = await asyncio.to_thread(self._outbox.highest) + 1
        await self._bus.open(Will(topics.AVAILABILITY.at(self._branch, self._device), self._availability(online=False)))
        try:
            for pattern, qos in topics.kiosk_subscriptions(self._branch, self._device):
                await self._bus.subscribe(pattern, qos)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._listen(), name="link-listen")
                group.create_task(self._pump(), name="link-pump")
                if self._vitals is not None:
                    group.create_task(self._report(self._vitals), name="link-telemetry")
        finally:
            with contextlib.suppress(BusDown):
                await self._say_availability(online=False)
            await self._bus.close()

    def _wake_from(self, loop: asyncio.AbstractEventLoop) -> None:
        if not loop.is_closed():  # something may still be appended while the terminal stops
            loop.call_soon_threadsafe(self._appended)

    def _appended(self) -> None:
        if len(self._in_flight) >= WINDOW and self._live_due_s is None:
            self._live_due_s = time.monotonic() + LIVE_EVERY_S  # it would wait behind the backlog
        self._wake.set()

    async def _tell_live(self) -> None:
        """What the hub should see now, ahead of what is owed from before."""
        self._live_due_s = None
        if self._live is None:
            self._live_told = True
            return
        live = await asyncio.to_thread(self._live)
        if live.owed:
            row = topics.KIOSK_QUEUE
            said = m.KioskQueue(**envelope(), log=self._outbox.log, day=live.day, tickets=live.tickets, owed=live.owed)
            try:
                await self._bus.publish(row.at(self._branch, self._device), row.encode(said), qos=row.qos)
            except BusDown:
                return  # the next connection tells it
        self._live_told = True

    # --- outwards -------------------------------------------------------------------------------

    async def _pump(self) -> None:
        """Keep up to `WINDOW` messages on their way; go back when the hub is silent for too long."""
        while True:
            # not wait_for: on Python 3.11 it forgets a cancellation that comes together with the result
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._pace.tick_s):
                    await self._wake.wait()
            self._wake.clear()
            self._tell_changes()
            if not self._bus.connected or not self._live_told:
                continue
            if self._presence is not None and not self._presence.online:
                continue
            if self._live_due_s is not None and time.monotonic() >= self._live_due_s:
                await self._tell_live()
            if self._in_flight and time.monotonic() - self._progress_s > self._resend_s:
                self._rewind()
                self._resend_s = min(self._resend_s * 2, self._pace.longest_resend_s)
            await self._send_more()

    async def _send_more(self) -> None:
        room = WINDOW - len(self._in_flight)
        if room <= 0:
            return
        after = self._in_flight[-1] if self._in_flight else self._acknowledged
        rewinds = self._rewinds
        batch = await asyncio.to_thread(self._outbox.pending, after, room)
        for owed in batch:
            if rewinds != self._rewinds:
                return  # it went back while the disk was being read, or the broker was being told
            if owed.seq <= self._acknowledged:
                continue
            try:
                await self._bus.publish(owed.topic.at(self._branch, self._device), owed.payload, qos=owed.topic.qos)
            except BusDown:
                return  # the tick, or the next connection, tries again
            if not self._in_flight:
                self._progress_s = time.monotonic()
            if owed.seq >= self._first_own_seq and owed.seq not in self._sent_ns and len(self._sent_ns) < WINDOW:
                self._sent_ns[owed.seq] = time.monotonic_ns()
            self._in_flight.append(owed.seq)
            self.tallies.sent += 1
        if len(batch) == room:
            self._wake.set()  # there may be more

    def _rewind(self) -> None:
        """Send everything again that the hub has not acknowledged; it applies each once."""
        self.tallies.resends += bool(self._in_flight)
        self._rewinds += 1
        self._in_flight.clear()
        self._progress_s = time.monotonic()
        self._wake.set()

    async def _report(self, vitals: VitalsProbe) -> None:
        while True:
            await asyncio.sleep(self._pace.telemetry_s)
            report = await self._say_telemetry(vitals)
            with contextlib.suppress(OutboxFull):  # said when something that counts does not fit
                await asyncio.to_thread(self._outbox.anchor_clock)
            if self._samples is not None:
                await self._keep_or_tell(self._samples, report)

    async def _say_telemetry(self, vitals: VitalsProbe) -> m.Telemetry:
        owed = await asyncio.to_thread(self._outbox.tallies)
        look, condition = vitals.look(), self._condition()
        report = m.Telemetry(
            **envelope(),
            uptime_s=look.uptime_s,
            pending=owed.pending,
            dropped=owed.dropped,
            free_disk_bytes=look.free_disk_bytes,
            rss_bytes=look.rss_bytes,
            cpu_share=look.cpu_share,
            frame_p95_ms=condition.frame_p95_ms,
            missing=condition.missing,
            troubles=condition.troubles[: m.MOST_TROUBLES],
            temperature_c=look.temperature_c,
            waiting=None if self.queue is None else sum(line.waiting for line in self.queue.services),
            clock=self._outbox.hub_clock.reading(),
            hearing=dict(sorted(condition.hearing.items())[: m.TALLIES_LIMIT]),
            models=dict(condition.models()),
            versions=self._versions,
        )
        with contextlib.suppress(BusDown):  # the next one replaces it
            row = topics.TELEMETRY
            await self._bus.publish(row.at(self._branch, self._device), row.encode(report), qos=row.qos)
        return report

    async def _keep_or_tell(self, samples: Samples, report: m.Telemetry) -> None:
        """A look that nobody heard, or that is due, is kept; what was kept is told when the hub is there."""
        now_s = time.monotonic()
        if not self.hub_reachable or now_s - self._sampled_s > SAMPLE_EVERY_S:
            self._sampled_s = now_s
            try:
                await asyncio.to_thread(samples.keep, sample_of(report))
            except OutboxFull:
                log.error("outbox full: a look at the terminal was not kept")
        if not self.hub_reachable:
            return
        batch = await asyncio.to_thread(samples.latest)
        if not batch:
            return
        row = topics.TELEMETRY_BATCH
        said = m.TelemetryBatch(**envelope(), samples=batch, thinned=await asyncio.to_thread(samples.thinned))
        with contextlib.suppress(BusDown):
            await self._bus.publish(row.at(self._branch, self._device), row.encode(said), qos=row.qos)
            await asyncio.to_thread(samples.told, batch)

    async def say_case_here(self, case: str, media: v.Media) -> None:
        """The visitor of this case is still there. Raises `BusDown`."""
        row = topics.CASE_HERE
        said = v.CaseHere(**envelope(), case=case, media=media)
        await self._bus.publish(row.at(self._branch, self._device), row.encode(said), qos=row.qos)

    def _availability(self, *, online: bool) -> bytes:
        said = m.Availability(**envelope(), online=online, since=self._since, versions=self._versions)
        return topics.AVAILABILITY.encode(said)

    async def say_call(self, message: c.CallUp) -> None:
        """Hand a call's signalling to the broker, now or not at all. Raises `BusDown`."""
        await self._say_now(topics.CALL_UP, message)

    async def say_heard(self, message: h.CaseHeard) -> None:
        """Hand a caption of a call to the broker, now or not at all. Raises `BusDown`."""
        await self._say_now(topics.CASE_HEARD, message)

    async def say_together(self, message: t.TogetherStands) -> None:
        """Hand what stands on the screen of a talk to the broker, now or not at all. Raises `BusDown`."""
        await self._say_now(topics.TOGETHER_STANDS, message)

    async def say_fleet(self, message: f.CommandReply | f.DiagChunk | f.RenewRequest) -> None:
        """Hand an answer to an order, a part of what it asked for, or a renewal to the broker. Raises `BusDown`."""
        rows: dict[type[m.Message], topics.Topic[Any]] = {
            f.CommandReply: topics.COMMAND_REPLY, f.DiagChunk: topics.DIAG, f.RenewRequest: topics.RENEW_REQUEST,
        }  # fmt: skip
        await self._say_now(rows[type(message)], message)

    async def _say_now(self, row: topics.Topic[Any], message: m.Message) -> None:
        await self._bus.publish(row.at(self._branch, self._device), row.encode(message), qos=row.qos)

    def hurry(self, hurried: bool) -> None:
        """While somebody talks to a teller, a broker that is lost is looked for without long pauses."""
        self._bus.hurry(hurried)

    async def _say_availability(self, *, online: bool) -> None:
        await self._bus.publish(
            topics.AVAILABILITY.at(self._branch, self._device),
            self._availability(online=online),
            qos=topics.AVAILABILITY.qos,
            retain=True,
        )

    async def say_shadow(self) -> None:
        """Tell the hub what the terminal is set to now; without a broker the next connection does."""
        if self._shadow is not None:
            row = topics.SHADOW_REPORTED
            with contextlib.suppress(BusDown):
                payload = row.encode(self._shadow.report())
                await self._bus.publish(row.at(self._branch, self._device), payload, qos=row.qos, retain=row.retain)

    # --- inwards --------------------------------------------------------------------------------

    async def _listen(self) -> None:
        async for news in self._bus.news():
            match news:
                case Connected():
                    self.tallies.connections += 1
                    self._live_told = False
                    self._rewind()
                    with contextlib.suppress(BusDown):
                        await self._say_availability(online=True)
                    await self._tell_live()
                    await self.say_shadow()
                    if self._vitals is not None:
                        await self._say_telemetry(self._vitals)
                case Disconnected(reason):
                    log.info("no broker: %s", reason)
                    self._presence = None  # what the hub said before may no longer be true
                    self._live_told = False
                case Delivered(topic, payload):
                    await self._take(topic, payload)
            self._tell_changes()

    async def _take(self, topic: str, payload: bytes) -> None:
        """One message from the hub. A bad one is counted and forgotten."""
        row: topics.Topic[Any] | None = None
        try:
            row, address = topics.find(topic)
            message = row.decode(payload)
        except topics.WireError as err:
            self.tallies.refused[err.code] += 1
            if row is topics.SHADOW_DESIRED and self._shadow is not None:
                self._shadow.misheard(err.code)
            log.warning("message refused: %s", err)
            return
        match message:
            case m.Ack():
                await self._acknowledge(message)
            case v.CaseStanding() if address.branch == message.branch:
                self._on_standing(message)
            case m.TicketsState() if address.branch == message.branch:
                self._take_queue(message)
            case m.NumberCalled() if address.branch == message.branch and self._on_called is not None:
                self._on_called(message)
            case m.Appointments() if address.branch == message.branch and self._on_appointments is not None:
                self._on_appointments(message)
            case m.HubPresence():
                await self._take_presence(message)
            case m.ShadowDesired() if self._shadow is not None:
                self._shadow.hear(address, message)
            case c.CallDown() if self._on_call is not None:
                self._on_call(message)
            case t.TogetherAsked():
                self._on_together(message)
            case f.Command() | f.RenewAnswer():
                self._on_fleet(message)

    async def _acknowledge(self, ack: m.Ack) -> None:
        if ack.log != self._outbox.log or ack.applied <= self._acknowledged:
            return
        sent_ns = self._sent_ns.get(ack.applied)
        self._sent_ns = {seq: at for seq, at in self._sent_ns.items() if seq > ack.applied}
        self._acknowledged = await asyncio.to_thread(
            lambda: self._outbox.acknowledged(ack.applied, sent_ns=sent_ns, hub_at=ack.at)
        )
        if ack.log != self._outbox.log:
            log.warning("the hub knows more than this disk ever sent: a new log was begun")
            self._rewind()
            return
        while self._in_flight and self._in_flight[0] <= ack.applied:
            self._in_flight.popleft()
        self._progress_s = time.monotonic()
        self._resend_s = self._pace.resend_s
        self._wake.set()

    def _take_queue(self, state: m.TicketsState) -> None:
        known = self.queue
        if known is not None and known.store == state.store and state.revision < known.revision:
            return  # a late copy of an older one
        self.queue = state
        if self._on_change is not None:
            self._on_change()

    async def _take_presence(self, presence: m.HubPresence) -> None:
        before = self._presence
        self._presence = presence
        if presence.online and (before is None or before.since != presence.since):
            self._resend_s = self._pace.resend_s
            self._rewind()  # a hub that has just come up may have lost what was on its way
            await self._tell_live()

    def _tell_changes(self) -> None:
        reachable = self.hub_reachable
        if reachable != self._was_reachable:
            self._was_reachable = reachable
            log.info("hub %s", "reachable" if reachable else "not reachable")
            if self._on_change is not None:
                self._on_change()


def sample_of(report: m.Telemetry) -> m.Sample:
    """What is kept of a look."""
    return m.Sample(
        at_s=int(report.at.timestamp()),
        pending=report.pending,
        free_disk_bytes=report.free_disk_bytes,
        rss_bytes=report.rss_bytes,
        cpu_share=report.cpu_share,
        temperature_c=report.temperature_c,
        waiting=report.waiting,
        missing=report.missing,
    )
