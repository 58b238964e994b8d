"""What a conversation can have done: a ticket issued or given back, staff called, an opinion recorded.

Each leaves its trace in the outbox before it is said, so that what the visitor was told is what the hub learns.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from config.flows import Action
from config.schema import Service, Site
from contracts import messages as m
from contracts.screen import TicketView
from kiosk.dialogue.flows import Place
from kiosk.queueing.desk import NumbersExhausted, Ticket, UnknownService
from kiosk.queueing.waiting import ahead_of, wait_range
from kiosk.session.visit import Visit
from kiosk.sync.outbox import OutboxFull

log = logging.getLogger(__name__)


class Ledger(Protocol):
    """Durable: tickets and moments, on disk before anything is said."""

    async def issue(self, service: str, *, visit: str, language: m.Language, at: datetime) -> Ticket: ...

    async def give_back(self, number: str, *, day: str) -> bool: ...

    async def note(self, moment: m.Moment) -> None:
        """On disk when it returns. Raises `OutboxFull`."""

    def post(self, moment: m.Moment) -> None:
        """To disk soon, in order; a full disk is counted and logged."""

    async def owed(self, *, day: str) -> tuple[tuple[str, str], ...]: ...


class Paper(Protocol):
    """Prints a ticket. Returns False when there is no paper or no printer; the number stays valid."""

    async def print(
        self, ticket: Ticket, service: Service, ahead: int | None, wait_min: tuple[int, int] | None, qr: str
    ) -> bool: ...


class Actions:
    def __init__(
        self,
        site: Site,
        ledger: Ledger,
        paper: Paper,
        queue: Callable[[], m.TicketsState | None],
        hub_reachable: Callable[[], bool],
        local_now: Callable[[], datetime],
        note: Callable[..., None],
    ) -> None:
        self._site = site
        self._ledger = ledger
        self._paper = paper
        self._queue = queue
        self._hub_reachable = hub_reachable
        self._local_now = local_now
        self._note = note

    async def do(self, visit: Visit, action: Action, place: Place) -> bool:
        """Carry it out. False: it could not be done, and nothing was."""
        try:
            match action:
                case "issue_ticket":
                    return await self._issue(visit, place.slots.get("service", ""))
                case "give_ticket_back":
                    return await self._give_back(visit)
                case "call_staff":
                    return await self._call_staff(visit, place.wish)
                case "record_opinion":
                    return await self._opinion(visit, place.slots.get("score", ""))
        except OutboxFull:
            log.error("the outbox is full: %s not done", action)
            return False

    async def _issue(self, visit: Visit, service_id: str) -> bool:
        service = next((s for s in self._site.services if s.id == service_id), None)
        if service is None:
            return False
        if visit.ticket is not None:  # one visit, one number
            return True
        now = self._local_now()
        try:
            ticket = await self._ledger.issue(service.id, visit=visit.id, language=visit.language, at=now)
        except (UnknownService, NumbersExhausted) as err:
            log.warning("no ticket: %s", type(err).__name__)
            return False
        visit.ticket = ticket
        visit.outcome = "ticket"
        await self._ledger.note(m.TicketTaken(visit=visit.id, number=ticket.number, service=service.id))
        view = visit.ticket_view = await self._view(visit, service, ticket)
        visit.printed = await self._paper.print(ticket, service, view.ahead, view.wait_min, view.qr)
        self._note("ticket", number=ticket.number, service=service.id, printed=visit.printed)
        return True

    async def _view(self, visit: Visit, service: Service, ticket: Ticket) -> TicketView:
        owed = await self._ledger.owed(day=ticket.day)
        ahead = ahead_of(ticket.number, service.id, self._queue(), owed)
        stamp, hub = ticket.issued_at, self._site.hub.public_url
        return TicketView(
            number=ticket.number,
            service=service.name_zh if visit.language == "zh" else service.name_en,
            issued_at=f"{stamp.month}月{stamp.day}日 {stamp:%H:%M}"
            if visit.language == "zh"
            else f"{stamp:%-d %b %H:%M}",
            ahead=ahead,
            wait_min=wait_range(ahead, service.minutes_typical, service.counters) if ahead else None,
            qr=f"{hub.rstrip('/')}/t/{self._site.branch.id}/{ticket.day}/{ticket.number}" if hub else "",
        )

    async def _give_back(self, visit: Visit) -> bool:
        if visit.ticket is None:
            return False
        back = await self._ledger.give_back(visit.ticket.number, day=visit.ticket.day)
        visit.ticket, visit.ticket_view = None, None
        return back

    async def _call_staff(self, visit: Visit, wish: str) -> bool:
        """Staff read the hub's page: without the hub nobody would come, so it is not promised."""
        if not self._hub_reachable():
            return False
        await self._ledger.note(m.StaffCalled(visit=visit.id, reason=wish or "other"))
        visit.outcome = "handed_over"
        return True

    async def _opinion(self, visit: Visit, score: str) -> bool:
        if score not in {"1", "2", "3", "4", "5"}:
            return False
        visit.opinion = int(score)
        await self._ledger.note(m.OpinionGiven(visit=visit.id, score=visit.opinion))
        self._note("opinion", score=visit.opinion)
        return True


def spoken_facts(site: Site, visit: Visit, queue: m.TicketsState | None, service_id: str | None) -> dict[str, str]:
    """What the brain may say of ticket and queue; what is not known is absent."""
    facts: dict[str, str] = {}
    if visit.ticket:
        facts["ticket"] = visit.ticket.number
        facts["printed"] = "yes" if visit.printed else ""
        if visit.ticket_view and visit.ticket_view.ahead is not None:
            facts["ahead"] = str(visit.ticket_view.ahead)
        return facts
    service = next((s for s in site.services if s.id == service_id), None)
    if service is None or queue is None:
        return facts
    ahead = next((line.waiting for line in queue.services if line.service == service.id), 0)
    low, high = wait_range(ahead, service.minutes_typical, service.counters)
    return {"ahead": str(ahead), "wait_low": str(low), "wait_high": str(high)}
