"""What a member of staff may do at a terminal that is cut off from the hub: see its line, call, recall, finish.

From the command line it runs beside the terminal, on the same outbox; the page on the terminal's own screen
(`kiosk/session/staff_page.py`) does the same inside it. While the hub is there it refuses: then the counter's desk
calls, and a second caller would only make clashes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

from config.schema import Site
from contracts.tickets import TicketEvent, TicketState
from kiosk.queueing.desk import ServiceView, TicketDesk
from kiosk.queueing.own_line import OwnLine, OwnTicket
from kiosk.sync.outbox import Outbox, OutboxFull

DISK_TROUBLE: Final = (OutboxFull, sqlite3.Error)
"""What a desk's work raises when the disk, or somebody beside us, did not let it be done: nothing was."""
Act = Literal["recall", "serve", "finish", "miss", "requeue", "park"]
EVENTS: Final[dict[Act, TicketEvent]] = {
    "recall": TicketEvent.RECALLED,
    "serve": TicketEvent.SERVING_BEGAN,
    "finish": TicketEvent.FINISHED,
    "miss": TicketEvent.MISSED,
    "requeue": TicketEvent.REQUEUED,
    "park": TicketEvent.PARKED,
}


class HubIsThere(RuntimeError):
    """The hub can be reached: call from the counter's desk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How the terminal's own line stands at one moment."""

    tickets: tuple[OwnTicket, ...]  # in line in the order of calling, then the others
    now: datetime  # on the hub's clock, as `came` of a ticket is
    hub: bool
    owed: int  # messages in the outbox


@dataclass(frozen=True, slots=True)
class StaffDesk:
    """The staff's side of one terminal's own line, on one business day. Blocking."""

    line: OwnLine
    day: str

    def look(self) -> Look:
        """Everything that staff see at once."""
        return Look(
            tickets=tuple(self.waiting()), now=self.line.hub_now(), hub=self.line.hub_reachable(), owed=self.line.owed()
        )

    def waiting(self) -> list[OwnTicket]:
        """This terminal's open tickets; those in line in the order of calling, then the others."""
        return self.line.waiting(self.day)

    def call(self, services: Sequence[str], counter: str) -> str | None:
        """Call the next; None when nobody of this terminal waits. Raises `HubIsThere`, `OutboxFull`."""
        self._alone()
        return self.line.call_next(services, counter, day=self.day)

    def act(self, what: Act, number: str, counter: str = "") -> TicketState:
        """Do something with a number. Raises `HubIsThere`, `NotHere`, `NotNow`, `OutboxFull`."""
        self._alone()
        return self.line.handle(self.day, number, EVENTS[what], counter=counter)

    def _alone(self) -> None:
        if self.line.hub_reachable():
            raise HubIsThere("the hub can be reached: call from the counter's desk")


@contextmanager
def open_staff_desk(site: Site, state: Path) -> Iterator[StaffDesk]:
    """The desk over the outbox in `state`, which must be there. Raises FileNotFoundError."""
    file = state / "outbox.sqlite"
    if not file.exists():
        raise FileNotFoundError(f"{file}: no terminal keeps its outbox there")
    outbox = Outbox(file)
    try:
        services = [ServiceView(service.id, service.letter) for service in site.services]
        desk = TicketDesk(outbox, services, kiosk_digit=site.device.kiosk_digit, device=site.device.id)
        yield StaffDesk(desk.line, desk.business_day(datetime.now().astimezone()))
    finally:
        outbox.close()
