"""A terminal of the tests, as a process of its own: takes tickets, notes moments, says each number on its output.

`python -m tests.hub.kiosk_process DATABASE PORT COUNT`: with COUNT 0 it takes tickets until it is killed;
otherwise it takes COUNT and ends when the hub has everything.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from datetime import datetime
from pathlib import Path

from contracts import messages as m
from contracts import topics
from kiosk.adapters.mqtt import Pace, PahoBus
from kiosk.queueing.desk import ServiceView, TicketDesk
from kiosk.sync.link import Link, LinkPace
from kiosk.sync.outbox import Outbox
from tests.hub.wirekit import BRANCH, DEVICE

DRAIN_S = 60.0


async def main(database: Path, port: int, count: int) -> None:
    outbox = Outbox(database)
    desk = TicketDesk(outbox, [ServiceView("personal", "A")], kiosk_digit=0)
    bus = PahoBus("127.0.0.1", port, client_id=DEVICE, pace=Pace(first_pause_s=0.1, longest_pause_s=0.5))
    link = Link(bus, outbox, branch=BRANCH, device=DEVICE, versions={}, pace=LinkPace(resend_s=0.5))
    running = asyncio.create_task(link.run())
    taken = 0
    while not count or taken < count:
        ticket = await asyncio.to_thread(
            desk.issue, "personal", visit=f"visit-{taken}", language="zh", at=datetime.now().astimezone()
        )
        await asyncio.to_thread(
            outbox.append,
            topics.EVENTS,
            m.TicketTaken(visit=f"visit-{taken}", number=ticket.number, service="personal"),
        )
        print(ticket.number, flush=True)
        taken += 1
        await asyncio.sleep(0.01)
    for _ in range(int(DRAIN_S / 0.05)):
        if not (await asyncio.to_thread(outbox.tallies)).pending:
            break
        await asyncio.sleep(0.05)
    else:
        sys.exit(f"still owed: {outbox.tallies()}")
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    outbox.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
