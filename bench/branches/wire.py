"""The same branch through the real wire and the real hub: terminals' desks and outboxes, bytes, ingest, queue, store.

Virtual time. A terminal that is cut off keeps what it owes on its disk and tells it when it is reconnected. `days`
moves a simulated day to another date, so that a desk can be opened on a day that was simulated.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from bench.branches.arrivals import Visitor
from bench.branches.house import LETTERS, ZONE, Seen, note
from contracts import messages as m
from contracts import topics
from contracts.queueing import Lane
from contracts.tickets import TicketEvent
from hub import queue
from hub.bus import Arrived, Outgoing
from hub.foresight.posts import set_post
from hub.foresight.records import midnight
from hub.foresight.roster import Roster, keep_roster
from hub.ingest import Ingest
from hub.store import Store
from kiosk.queueing.desk import ServiceView, TicketDesk
from kiosk.sync.hub_clock import Timekeeper
from kiosk.sync.outbox import Outbox

WINDOW: Final = 256
SERVICES: Final = tuple(ServiceView(service, letter) for service, letter in LETTERS.items())


class Kiosk:
    """One simulated terminal: the product's own desk, line and outbox on disk, with a clock that is given."""

    def __init__(self, house: WireHouse, digit: int) -> None:
        self.house, self.device = house, f"kiosk-{digit}"
        keeper = Timekeeper(wall=house.wall, mono_ns=house.mono_ns, boot=f"{house.branch}-{digit}")
        self.outbox = Outbox(house.folder / f"{house.branch}-{digit}.db", keeper=keeper)
        self.desk = TicketDesk(self.outbox, SERVICES, kiosk_digit=digit, device=self.device)

    def deliver(self) -> None:
        """What is owed goes over the wire, as bytes; the hub's answers come back."""
        while owed := self.outbox.pending(limit=WINDOW):
            sent_ns = self.house.mono_ns()
            self.house.acks.clear()
            self.house.ingest.take([Arrived(one.topic.at(self.house.branch, self.device), one.payload) for one in owed])
            before = len(owed)
            for outgoing in self.house.acks:
                ack = topics.ACK.decode(outgoing.payload)
                self.outbox.acknowledged(ack.applied, sent_ns=sent_ns, hub_at=ack.at)
            if len(self.outbox.pending(limit=WINDOW)) >= before:
                raise RuntimeError("the hub takes nothing of a simulated terminal")


class WireHouse:
    """A `House` over a store. `answer` tells a terminal what will stand on the paper."""

    def __init__(
        self, store: Store, folder: Path, branch: str, kiosks: int, *, zone: timezone = ZONE,
        days: timedelta = timedelta(0),
    ) -> None:  # fmt: skip
        self.store, self.folder, self.branch, self.zone, self.moved = store, folder, branch, zone, days
        self.tickets: dict[str, Seen] = {}
        self.acks: list[Outgoing] = []
        self.day = date(2026, 1, 1)
        self.now_s = 0.0
        self.promise: Callable[[str], tuple[int, int] | None] | None = None
        self.ingest = Ingest(store, acknowledge=self.acks.append, queue_moved=_ignore, changed=_ignore, now=self.wall)
        self.kiosks = [Kiosk(self, digit) for digit in range(kiosks)]
        self._visits = 0
        self.refused = 0

    @property
    def zone_min(self) -> int:
        return round((self.zone.utcoffset(None) or timedelta(0)) / timedelta(minutes=1))

    @property
    def business_day(self) -> str:
        """The business day as the branch's tickets have it."""
        return (self.day + self.moved).isoformat()

    def at(self, now_s: float) -> datetime:
        """A second of the simulated day as a time in UTC."""
        return midnight(self.business_day, self.zone_min) + timedelta(seconds=now_s)

    def wall(self) -> datetime:
        return self.at(self.now_s)

    def mono_ns(self) -> int:
        return int((self.wall() - datetime(2026, 1, 1, tzinfo=UTC)).total_seconds() * 1e9)

    def begin(self, day: date) -> None:
        self.day, self.tickets, self.now_s = day, {}, 0.0

    def issue(self, visitor: Visitor, kiosk: int, now_s: float, *, cut: bool) -> str:
        self.now_s = now_s
        self._visits += 1
        promised = None if self.promise is None or cut else self.promise(visitor.service)
        ticket = self.kiosks[kiosk].desk.issue(
            visitor.service, visit=uuid.UUID(int=self._visits).hex, language="zh",
            at=self.wall().astimezone(self.zone), priority=visitor.priority, promised=promised,
        )  # fmt: skip
        self.tickets[ticket.number] = Seen(ticket.number, visitor.service, visitor.priority, now_s)
        if not cut:
            self.kiosks[kiosk].deliver()
            self.tickets[ticket.number].known_s = now_s
        return ticket.number

    def reconnect(self, kiosk: int, now_s: float) -> None:
        self.now_s = now_s
        self.kiosks[kiosk].deliver()
        for seen in self.tickets.values():
            if seen.known_s < 0 and seen.number[1] == str(kiosk):
                seen.known_s = now_s

    def call_next(self, services: tuple[str, ...], counter: str, now_s: float, lane: Lane) -> str | None:
        self.now_s = now_s
        now = self.wall()

        def work(db: sa.Connection) -> str | None:
            return queue.call_next(db, self.branch, services, counter, lane=lane, now=now)

        number = self.store.apply(work)
        if number is not None:
            note(self.tickets[number], TicketEvent.CALLED, now_s, counter, "", None)
        return number

    def event(
        self, number: str, event: TicketEvent, now_s: float, *, counter: str = "", service: str = "",
        lane: Lane | None = None,
    ) -> bool:  # fmt: skip
        self.now_s = now_s
        seen = self.tickets[number]
        if seen.known_s < 0:
            if event is not TicketEvent.GIVEN_BACK:
                return False
            self.kiosks[int(number[1])].desk.give_back(number, day=self.business_day)
            note(seen, event, now_s, counter, service, lane)
            return True

        def work(db: sa.Connection) -> None:
            queue.change(
                db, self.branch, self.business_day, number, event, counter=counter or None,
                service=service or None, lane=lane, now=self.wall(),
            )  # fmt: skip

        try:
            self.store.apply(work)
        except queue.NotPossible:
            self.refused += 1
            return False
        note(seen, event, now_s, counter, service, lane)
        return True

    def stand(self, counter: str, services: tuple[str, ...], doing: str, now_s: float, back_s: float = -1.0) -> None:
        """The clerk tells the desk: open, pause (and until when), closed."""
        self.now_s = now_s
        back = self.at(back_s) if back_s > now_s else None
        self.store.apply(lambda db: set_post(db, self.branch, counter, services, doing, self.wall(), back))

    def plan(self, roster: Roster) -> None:
        """The branch's roster, as its manager would have set it."""
        keep_roster(self.store, self.branch, roster, "simulated", self.wall())

    def state(self) -> m.TicketsState:
        """The queue as it goes over the wire."""
        return queue.state_of(self.store, self.branch, self.wall())

    def close(self) -> None:
        """Close the terminals' disks."""
        for kiosk in self.kiosks:
            kiosk.outbox.close()
        self.ingest.close()


def _ignore(_branch: str) -> None:
    return None
