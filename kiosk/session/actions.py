"""What a conversation can have done: a ticket issued or given back, staff called, an opinion recorded.

Each leaves its trace in the outbox before it is said, so that what the visitor was told is what the hub learns.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final, Protocol, get_args

from msgspec.structs import replace as structs_replace

from config.flows import Action
from config.schema import Service, Site
from contracts import messages as m
from contracts.appointments import Means
from contracts.handover import HandoverPacket
from contracts.opinions import OpinionWord
from contracts.queueing import Priority
from contracts.screen import Need, TicketView
from kiosk.banking.acts import Banking
from kiosk.call.acts import ACTIONS as TELLERS
from kiosk.call.acts import TellerActs
from kiosk.dialogue.caution import RISK
from kiosk.dialogue.flows import Later, Place
from kiosk.dialogue.reply import Done
from kiosk.dialogue.wording import ASKED
from kiosk.identity.acts import ACTIONS as FACE_ACTIONS
from kiosk.identity.acts import FaceActs
from kiosk.identity.naming import ACTIONS as NAME_ACTIONS
from kiosk.identity.naming import NameActs
from kiosk.identity.verdict import concluded
from kiosk.opinion.asking import Opinions
from kiosk.queueing.appointments import Booked
from kiosk.queueing.desk import AppointmentUsed, NumbersExhausted, Ticket, TooFast, UnknownService
from kiosk.queueing.waiting import ahead_of, wait_of
from kiosk.risk.indicators import QUESTIONS
from kiosk.session.checking_in import CheckIn
from kiosk.session.handing import packet_of
from kiosk.session.papers import Papers
from kiosk.session.visit import Visit
from kiosk.session.watching import Watching
from kiosk.sync.outbox import OutboxFull

log = logging.getLogger(__name__)

STOPS: Final = frozenset({RISK, "fraud_report"})  # reasons for which money stays where it is
NEEDS: Final[tuple[Need, ...]] = get_args(Need)
LARGEST_PERCENT: Final = 200
MAX_PACKETS: Final = 5  # of one visit: who comes has read the first ones


class Ledger(Protocol):
    """Durable: tickets and moments, on disk before anything is said."""

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
    ) -> Ticket: ...

    async def booked(self, means: Means, digits: str) -> list[Booked]:
        """Appointments of this terminal's list with that code, or that end of a document's number."""

    async def give_back(self, number: str, *, day: str) -> bool: ...

    async def prioritise(self, number: str, *, day: str, priority: Priority) -> bool: ...

    async def note(self, moment: m.Moment) -> None:
        """On disk when it returns. Raises `OutboxFull`."""

    async def opinion(self, word: OpinionWord) -> None:
        """About an opinion; on disk when it returns. Raises `OutboxFull`."""

    async def hand_over(self, packet: HandoverPacket) -> int:
        """For whoever takes the visitor over; on disk when it returns, with its number. Raises `OutboxFull`."""

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
        banking: Banking | None = None,
        now_ns: Callable[[], int] = time.monotonic_ns,
        checking_in: CheckIn | None = None,
    ) -> None:
        self._site = site
        self._ledger = ledger
        self._paper = paper
        self._queue = queue
        self._hub_reachable = hub_reachable
        self._local_now = local_now
        self._note = note
        self._banking = banking
        self._now_ns = now_ns
        self._checking_in = checking_in
        self.opinions = Opinions(site.opinions, ledger.opinion, ledger.note)
        self.papers: Papers | None = None
        self.watching: Watching | None = None
        self.tellers: TellerActs | None = None
        self.faces: FaceActs | None = None
        self.names: NameActs | None = None

    async def do(self, visit: Visit, action: Action, place: Place) -> Done:
        """Carry it out. 'failed': it could not be done, and nothing was; other outcomes are the bank's."""
        try:
            match action:
                case "issue_ticket":
                    return _done(await self._issue(visit, place.slots.get("service", ""), _priority(place)))
                case "give_ticket_back":
                    return _done(await self._give_back(visit))
                case "prioritise_ticket":
                    return _done(await self._prioritise(visit, _priority(place)))
                case "call_staff":
                    return _done(await self._call_staff(visit, place.wish))
                case "weigh_answer":
                    return await self._weigh_answer(visit, place.slots)
                case "record_opinion":
                    return await self._opinion(visit, place.slots.get("score", ""))
                case "record_recommendation":
                    return _done(await self.opinions.recommended(visit, place.slots.get("recommend", "")))
                case "keep_comment":
                    return _done(await self.opinions.commented(visit, place.slots.get("comment", "")))
                case "keep_unheard":
                    return _done(await self.opinions.taught(visit))
                case "scan_code" | "find_appointment":
                    return await self._check_in(visit, action, place)
                case "look_at_document":
                    return await self.papers.look(visit) if self.papers else Done("no_camera")
                case "look_at_queue":
                    return self._look_at_queue(visit, place.slots.get("service", ""))
                case "adapt_page":
                    return _done(adapt(visit, place.slots.get("way", "")))
                case _ if action in TELLERS:
                    return await self.tellers.do(visit, action, place) if self.tellers else Done("failed")
        except OutboxFull:
            log.error("the outbox is full: %s not done", action)
            return Done("failed")
        if action in FACE_ACTIONS:
            return await self.faces.do(visit, action) if self.faces else Done("failed")
        if self._banking is None:
            return Done("down")
        by_chip = bool(self._banking.facts(visit).get("in_reader"))  # now: it may be taken out while the bank answers
        if action in NAME_ACTIONS:
            done = self.names.do(visit, action, place.slots) if self.names else Done("failed")
        else:
            done = await self._banking.do(visit, action, place)
        visit.identity = concluded(
            visit.identity, visit.face, action, done.outcome, by_chip=by_chip, name=visit.name
        )  # fmt: skip
        return done

    def facts(self, visit: Visit) -> dict[str, str]:
        """What the brain may know of the bank, the reader and the appointments."""
        banking = self._banking.facts(visit) if self._banking else {}
        appointments = self._checking_in.facts() if self._checking_in else {}
        faces = {**(self.faces.facts(visit) if self.faces else {}), **(self.names.facts(visit) if self.names else {})}
        papers = self.papers.facts(visit) if self.papers else {}
        tellers = self.tellers.facts(visit) if self.tellers else {}
        return {**banking, **faces, **papers, **appointments, **tellers}

    def cut(self) -> None:
        """The turn was cut: nobody waits for a document any longer."""
        if self.papers:
            self.papers.stop()

    async def _check_in(self, visit: Visit, action: Action, place: Place) -> Done:
        if self._checking_in is None:
            return Done("failed")
        if action == "scan_code":
            return await self._checking_in.scan()
        return await self._checking_in.find(visit, place.slots)

    def teller_place(self, visit: Visit) -> Place | None:
        """Where news of the remote tellers are told; None: they are none, or can wait until they are asked for."""
        if self.tellers is None or not visit.case:
            return None
        place = visit.place
        if place is not None and place.flow == "teller":
            return replace(place, step="look")
        if not self.tellers.line.is_pressing:
            return None
        there = Place("teller", "look", "call_remote_teller")
        return there.also(Later(place.wish, place), *place.later) if place and place.wish else there

    async def hand_over(self, visit: Visit, reason: str) -> tuple[HandoverPacket, int | None]:
        """The packet for whoever takes over now, on disk, with its number; after `MAX_PACKETS` only the packet."""
        packet = packet_of(visit, reason, self._now_ns())
        if visit.story.packets >= MAX_PACKETS:
            return packet, None
        visit.story.packets += 1
        return packet, await self._ledger.hand_over(packet)

    def _look_at_queue(self, visit: Visit, service_id: str) -> Done:
        """How long the queue is now: for the visitor's number, else for a service, else for the first one."""
        queue, ticket = self._queue(), visit.ticket
        service = next((s for s in self._site.services if s.id == service_id), self._site.services[0])
        if queue is None:
            return Done("failed")
        if ticket is None:
            wish = visit.place.wish if visit.place else ""
            return Done("done", queue_facts(service, queue, wish, visit.language))
        ahead = ahead_of(ticket.number, ticket.service, queue, ())
        service = next((s for s in self._site.services if s.id == ticket.service), service)
        if ahead is None:
            return Done("failed")
        wait = wait_of(service, queue, ahead, ticket.number)
        if visit.ticket_view:  # the page that shows the number tells the same
            visit.ticket_view = structs_replace(visit.ticket_view, ahead=ahead, wait_min=wait if ahead else None)
        return Done("done", _wait_facts(ahead, wait))

    async def _issue(self, visit: Visit, service_id: str, priority: Priority) -> bool:
        service = next((s for s in self._site.services if s.id == service_id), None)
        if service is None:
            return False
        if visit.ticket is not None:  # one visit, one number
            return True
        now = self._local_now()
        booked, visit.booked = visit.booked, None
        if booked is not None and booked.service != service.id:
            booked = None  # the visitor came to want something else
        try:
            ticket = await self._ledger.issue(
                service.id, visit=visit.id, language=visit.language, at=now, priority=priority, booked=booked,
                promised=await self._promise(service),
            )  # fmt: skip
        except (UnknownService, NumbersExhausted, TooFast, AppointmentUsed) as err:
            log.warning("no ticket: %s", type(err).__name__)
            return False
        visit.ticket = ticket
        visit.outcome = "ticket"
        await self._ledger.note(m.TicketTaken(visit=visit.id, number=ticket.number, service=service.id))
        view = visit.ticket_view = await self._view(visit, service, ticket)
        visit.printed = await self._paper.print(ticket, service, view.ahead, view.wait_min, view.qr)
        self._note("ticket", number=ticket.number, service=service.id, printed=visit.printed)
        return True

    async def _promise(self, service: Service) -> tuple[int, int] | None:
        """What will stand on the paper, so that the hub can hold it against what came."""
        queue = self._queue()
        if queue is None:
            return None
        owed = await self._ledger.owed(day=queue.day)
        ahead = ahead_of("", service.id, queue, owed)
        return wait_of(service, queue, ahead) if ahead else None

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
            wait_min=wait_of(service, self._queue(), ahead, ticket.number) if ahead else None,
            qr=f"{hub.rstrip('/')}/t/{self._site.branch.id}/{ticket.day}/{ticket.number}" if hub else "",
        )

    async def _give_back(self, visit: Visit) -> bool:
        if visit.ticket is None:
            return False
        back = await self._ledger.give_back(visit.ticket.number, day=visit.ticket.day)
        visit.ticket, visit.ticket_view = None, None
        return back

    async def _prioritise(self, visit: Visit, priority: Priority) -> bool:
        """The visitor says why they should not wait long; it is believed, as a person at the door would."""
        if visit.ticket is None or priority is Priority.NONE:
            return False
        return await self._ledger.prioritise(visit.ticket.number, day=visit.ticket.day, priority=priority)

    async def _call_staff(self, visit: Visit, wish: str) -> bool:
        """Staff read the hub's page: without the hub nobody would come, so it is not promised."""
        if not self._hub_reachable():
            return False
        reason = wish or "other"
        await self._ledger.note(m.StaffCalled(visit=visit.id, reason=reason))
        await self.hand_over(visit, reason)
        if reason in STOPS:
            visit.concern = replace(visit.concern, warned=True)
        visit.outcome = "handed_over"
        return True

    async def _weigh_answer(self, visit: Visit, slots: Mapping[str, str]) -> Done:
        """A question that breaks the spell was answered; what that means for the money is the watch's business."""
        question = slots.get("question", "").removeprefix(ASKED)
        if self.watching is None or question not in QUESTIONS:
            return Done("failed")
        outcome = await self.watching.answered(visit, question, slots.get("answer") == "yes")
        following = {"question": ASKED + visit.concern.question, "asked": "1"} if visit.concern.question else {}
        return Done(outcome, following)

    async def opinion_asked(self, visit: Visit) -> None:
        """The five faces are shown."""
        wish = visit.story.wish[0] if visit.story.wish else None
        try:
            await self.opinions.asked(
                visit, service=visit.ticket.service if visit.ticket else None, wish=wish,
                alias=visit.bank.alias if visit.bank else "",
            )  # fmt: skip
        except OutboxFull:
            log.error("the outbox is full: that an opinion was asked for is not kept")

    async def _opinion(self, visit: Visit, score: str) -> Done:
        following = await self.opinions.scored(visit, score)
        if following is None:
            return Done("failed")
        self._note("opinion", score=visit.opinion)
        return Done(following)


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
    return queue_facts(service, queue, visit.place.wish if visit.place else "", visit.language)


def queue_facts(service: Service, queue: m.TicketsState, wish: str = "", language: m.Language = "zh") -> dict[str, str]:
    """How many wait for a service, and how long that takes."""
    ahead = next((line.waiting for line in queue.services if line.service == service.id), 0)
    return {**_wait_facts(ahead, wait_of(service, queue, ahead)), **instead_facts(service, queue, wish, language)}


INSTEAD: Final[dict[str, tuple[str, str]]] = {
    "self_service": ("这件事大堂的自助机也能办，不用排队。", "A machine in the lobby does this too, without a line."),
    "video": ("视频柜员现在有空，在这里就能办。", "A teller on video is free now, right here."),
    "later": ("今天{at}左右人少，那时来更快。", "It is quieter around {at} today."),
}
"""What is said besides while a branch's line is long: what the hub offers, if it suits the wish."""


def instead_facts(service: Service, queue: m.TicketsState, wish: str, language: m.Language) -> dict[str, str]:
    """The first offer that suits: a machine only for a wish that it does. Nothing where nothing is offered."""
    line = next((line for line in queue.services if line.service == service.id), None)
    for offer in line.offers if line is not None else ():
        if offer == "self_service" and wish not in service.machine_intents:
            continue
        if offer == "later" and line is not None and line.later_at is None:
            continue
        words = INSTEAD[offer][language == "en"]
        at = "" if line is None or line.later_at is None else f"{line.later_at.astimezone():%H:%M}"
        return {"instead": words.format(at=at)}
    return {}


def _wait_facts(ahead: int, wait: tuple[int, int] | None) -> dict[str, str]:
    """What may be said: without a range only how many are ahead."""
    if wait is None:
        return {"ahead": str(ahead)}
    return {"ahead": str(ahead), "wait_low": str(wait[0]), "wait_high": str(wait[1])}


def adapt(visit: Visit, way: str) -> bool:
    """Show and speak as the visitor asks; asked for a second time it is taken back."""
    if way == "usual":
        visit.needs, visit.text_percent, visit.mode = (), 0, "standard"
    elif way == "larger":
        visit.text_percent = LARGEST_PERCENT
    elif way in NEEDS:
        need: Need = way
        visit.needs = tuple(n for n in visit.needs if n != need) if need in visit.needs else (*visit.needs, need)
    else:
        return False
    return True


SAID: Final = {"elder": Priority.ELDER, "disabled": Priority.DISABLED, "pregnant": Priority.PREGNANT}
"""What a visitor may say of themselves; the other priorities are the branch's to give."""


def _priority(place: Place) -> Priority:
    return SAID.get(place.slots.get("priority", ""), Priority.NONE)


def _done(succeeded: bool) -> Done:
    return Done("done" if succeeded else "failed")
