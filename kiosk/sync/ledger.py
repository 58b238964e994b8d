"""Tickets and moments, durable: the desk and the outbox on one thread, so that order is kept and the loop is free."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime

from contracts import messages as m
from contracts import topics
from kiosk.queueing.desk import Ticket, TicketDesk
from kiosk.runtime.worker import ModelThread
from kiosk.sync.outbox import Outbox, OutboxFull

log = logging.getLogger(__name__)


class DiskLedger:
    """A `Ledger` over SQLite. `tally_lost` counts moments that a full disk refused; tickets are never among them."""

    def __init__(self, outbox: Outbox, desk: TicketDesk) -> None:
        self._outbox = outbox
        self._desk = desk
        self._thread = ModelThread("ledger")
        self._posted: set[asyncio.Task[None]] = set()
        self.tally_lost = 0

    async def issue(self, service: str, *, visit: str, language: m.Language, at: datetime) -> Ticket:
        return await self._thread.call(self._desk.issue, service, visit=visit, language=language, at=at)

    async def give_back(self, number: str, *, day: str) -> bool:
        return await self._thread.call(self._desk.give_back, number, day=day)

    async def owed(self, *, day: str) -> tuple[tuple[str, str], ...]:
        return await self._thread.call(self._desk.owed, day=day)

    async def catch_up(self, state: m.TicketsState) -> bool:
        return await self._thread.call(self._desk.catch_up, state)

    async def note(self, moment: m.Moment) -> None:
        await self._thread.call(self._outbox.append, topics.EVENTS, moment)

    def post(self, moment: m.Moment) -> None:
        task = asyncio.get_running_loop().create_task(self._post(moment))
        self._posted.add(task)
        task.add_done_callback(self._posted.discard)

    async def _post(self, moment: m.Moment) -> None:
        try:
            await self.note(moment)
        except OutboxFull:
            self.tally_lost += 1
            log.error("outbox full: a moment was not kept")

    async def flush(self) -> None:
        """Return when everything posted is on disk."""
        while self._posted:
            await asyncio.gather(*self._posted, return_exceptions=True)

    def close(self) -> None:
        self._thread.close()
