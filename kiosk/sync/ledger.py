"""Tickets and moments, durable: the desk and the outbox on one thread, so that order is kept and the loop is free."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any, Final, TypeVar

from contracts import messages as m
from contracts import topics
from contracts import video_messages as v
from contracts.appointments import Means
from contracts.handover import HandoverPacket
from contracts.opinions import OpinionWord
from contracts.queueing import Priority
from contracts.together import SignedPaper
from kiosk.ports import Clock
from kiosk.queueing.appointments import Booked
from kiosk.queueing.day import BusinessDay
from kiosk.queueing.desk import Ticket, TicketDesk
from kiosk.queueing.staff import StaffDesk
from kiosk.runtime.worker import ModelThread
from kiosk.sync.outbox import Outbox, OutboxFull

log = logging.getLogger(__name__)

R = TypeVar("R")
TIDY_S: Final = 600.0


class DiskLedger:
    """A `Ledger` over SQLite. `tally_lost` counts moments that a full disk refused; tickets are never among them."""

    def __init__(self, outbox: Outbox, desk: TicketDesk, day: BusinessDay) -> None:
        self._outbox = outbox
        self._desk = desk
        self._day = day
        self._thread = ModelThread("ledger")
        self._posted: set[asyncio.Task[None]] = set()
        self.tally_lost = 0

    async def issue(
        self,
        service: str,
        *,
        visit: str,
        language: m.Language,
        at: datetime,
        priority: Priority = Priority.NONE,
        booked: Booked | None = None,
        promised: tuple[int, int] | None = None,
    ) -> Ticket:
        return await self._thread.call(
            self._desk.issue, service, visit=visit, language=language, at=at, priority=priority, booked=booked,
            promised=promised,
        )  # fmt: skip

    async def booked(self, means: Means, digits: str) -> list[Booked]:
        return await self._thread.call(self._desk.appointments.find, means, digits)

    async def keep_appointments(self, told: m.Appointments) -> bool:
        return await self._thread.call(self._desk.appointments.keep, told)

    async def give_back(self, number: str, *, day: str) -> bool:
        return await self._thread.call(self._desk.give_back, number, day=day)

    async def prioritise(self, number: str, *, day: str, priority: Priority) -> bool:
        return await self._thread.call(self._desk.prioritise, number, day=day, priority=priority)

    async def owed(self, *, day: str) -> tuple[tuple[str, str], ...]:
        return await self._thread.call(self._desk.owed, day=day)

    async def catch_up(self, state: m.TicketsState) -> bool:
        return await self._thread.call(self._desk.catch_up, state)

    async def look_at_day(self, at: datetime, missing: tuple[m.DeviceKind, ...]) -> tuple[m.DayMoment, ...]:
        return await self._thread.call(self._day.look, at, missing=missing)

    async def hub_is(self, reachable: bool) -> None:
        await self._thread.call(self._desk.line.hub_is, reachable)

    async def at_staff_desk(self, work: Callable[[StaffDesk], R], at: datetime) -> R:
        """Do something at the staff's desk, on the business day of `at`; raises what it raises."""
        return await self._thread.call(lambda: work(StaffDesk(self._desk.line, self._desk.business_day(at))))

    async def note(self, moment: m.Moment) -> None:
        await self._thread.call(self._outbox.append, topics.EVENTS, moment)

    async def hand_over(self, packet: HandoverPacket) -> int:
        """For whoever takes the visitor over; on disk when it returns, with its number. Raises `OutboxFull`."""
        return await self._thread.call(self._outbox.append, topics.HANDOVER, packet)

    async def opinion(self, word: OpinionWord) -> None:
        """About an opinion; on disk when it returns. Raises `OutboxFull`."""
        await self._thread.call(self._outbox.append, topics.OPINION, word)

    async def case_op(self, body: v.CaseOperation) -> None:
        """About a remote teller; on disk when it returns. Raises `OutboxFull`."""
        await self._thread.call(self._outbox.append, topics.CASE_OP, body)

    async def signed(self, paper: SignedPaper) -> None:
        """What a visitor signed; on disk when it returns. Raises `OutboxFull`."""
        await self._thread.call(self._outbox.append, topics.SIGNED, paper)

    def post_case_op(self, body: v.CaseOperation) -> None:
        self._soon(self.case_op(body))

    async def tidy(self, clock: Clock) -> None:
        """Drop, now and then, what the outbox no longer keeps: a packet that nobody got goes within the hour."""
        while True:
            await clock.sleep(TIDY_S)
            await self._thread.call(self._outbox.prune)

    def post(self, moment: m.Moment) -> None:
        self._soon(self.note(moment))

    def _soon(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(self._post(work))
        self._posted.add(task)
        task.add_done_callback(self._posted.discard)

    async def _post(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except OutboxFull:
            self.tally_lost += 1
            log.error("outbox full: a moment was not kept")

    async def flush(self) -> None:
        """Return when everything posted is on disk."""
        while self._posted:
            await asyncio.gather(*self._posted, return_exceptions=True)

    def close(self) -> None:
        self._thread.close()
