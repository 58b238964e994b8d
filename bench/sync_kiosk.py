"""A simulated terminal as a process of its own, for being killed: takes tickets and opinions, staff work on some.

    python -m bench.sync_kiosk DATABASE PORT DIGIT SECONDS

One line of output for each thing that was on disk: `ticket DAY NUMBER`, `opinion LOG SEQ`, `finished DAY NUMBER`.
With SECONDS 0 it goes on until it is killed; else it ends when the hub has everything.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Final

from contracts import messages as m
from contracts import topics
from contracts.queueing import Priority
from contracts.tickets import TicketEvent
from kiosk.adapters.mqtt import Pace, PahoBus
from kiosk.queueing.desk import ServiceView, TicketDesk
from kiosk.sync.link import Link, LinkPace
from kiosk.sync.outbox import Outbox
from kiosk.sync.samples import Samples
from kiosk.sync.vitals import VitalsProbe

BRANCH: Final = "binjiang"
DRAIN_S: Final = 180.0
PAUSE_S: Final = (0.02, 0.12)
SERVICES: Final = (ServiceView("personal", "A"), ServiceView("corporate", "B"))


class Kiosk:
    """One start of the terminal."""

    def __init__(self, database: Path, port: int, digit: int) -> None:
        device = f"kiosk-{digit}"
        self.outbox = Outbox(database)
        self.desk = TicketDesk(self.outbox, SERVICES, kiosk_digit=digit, device=device)
        self.counter = f"k{digit}"
        bus = PahoBus(
            "127.0.0.1", port, client_id=f"{BRANCH}.{device}", pace=Pace(first_pause_s=0.05, longest_pause_s=0.5)
        )
        self.link = Link(
            bus, self.outbox, branch=BRANCH, device=device, versions={"kiosk": "simulated"},
            vitals=VitalsProbe(database.parent), pace=LinkPace(resend_s=0.5, longest_resend_s=2.0, telemetry_s=1.0),
            live=lambda: self.desk.live(datetime.now().astimezone()), samples=Samples(self.outbox),
        )  # fmt: skip
        self.chance = random.Random(time.time_ns())

    def work(self) -> None:
        """One visitor, or one act of staff."""
        now = datetime.now().astimezone()
        visit = f"v{self.chance.getrandbits(60):x}"
        what = self.chance.random()
        if what < 0.5:
            service = self.chance.choice(SERVICES).id
            priority = self.chance.choice([Priority.NONE] * 4 + [Priority.ELDER])
            ticket = self.desk.issue(service, visit=visit, language="zh", at=now, priority=priority)
            print("ticket", ticket.day, ticket.number, flush=True)
        elif what < 0.75:
            seq = self.outbox.append(topics.EVENTS, m.OpinionGiven(visit=visit, score=self.chance.randint(1, 5)))
            print("opinion", self.outbox.log, seq, flush=True)
        elif what < 0.9:
            self.outbox.append(topics.EVENTS, m.Touched(visit=visit, target="chip_1"))
        elif not self.link.hub_reachable:
            self.staff(self.desk.business_day(now))

    def staff(self, day: str) -> None:
        """The hub is away: somebody is called here and served."""
        number = self.desk.line.call_next([service.id for service in SERVICES], self.counter, day=day)
        if number is not None:
            self.desk.line.handle(day, number, TicketEvent.SERVING_BEGAN)
            self.desk.line.handle(day, number, TicketEvent.FINISHED)
            print("finished", day, number, flush=True)

    async def run(self, seconds: float) -> None:
        """Work for `seconds` (0: for ever), then wait until the hub has everything."""
        running = asyncio.create_task(self.link.run())
        ends_s = time.monotonic() + seconds
        while not seconds or time.monotonic() < ends_s:
            await asyncio.to_thread(self.work)
            if self.link.queue is not None:
                await asyncio.to_thread(self.desk.catch_up, self.link.queue)
            await asyncio.sleep(self.chance.uniform(*PAUSE_S))
        deadline_s = time.monotonic() + DRAIN_S
        while (await asyncio.to_thread(self.outbox.tallies)).pending:
            if time.monotonic() > deadline_s:
                sys.exit(f"still owed: {self.outbox.tallies()}")
            await asyncio.sleep(0.05)
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        self.outbox.close()


async def _main(database: Path, port: int, digit: int, seconds: float) -> None:
    await Kiosk(database, port, digit).run(seconds)


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])))
