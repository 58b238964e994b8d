"""A simulated branch around the terminal: another kiosk that issues tickets. Named as simulated everywhere.

    python -m bench.simulate --broker 127.0.0.1:1883 --branch binjiang --service personal --letter A --tickets 3

Uses the terminal's own desk, outbox and link, so what the hub sees is what a kiosk would send.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from datetime import datetime
from pathlib import Path

from kiosk.adapters.mqtt import PahoBus
from kiosk.queueing.desk import ServiceView, TicketDesk
from kiosk.sync.link import Link
from kiosk.sync.outbox import Outbox

HUB_TAKES_S = 15.0
SIMULATED_DIGIT = 9


async def issue(broker: str, branch: str, service: str, letter: str, tickets: int, folder: Path) -> bool:
    """Issue `tickets` tickets of a simulated kiosk and wait until the hub has them."""
    host, _, port = broker.rpartition(":")
    outbox = Outbox(folder / "outbox.sqlite")
    desk = TicketDesk(outbox, [ServiceView(service, letter)], kiosk_digit=SIMULATED_DIGIT)
    for number in range(tickets):
        desk.issue(service, visit=f"simulated-{number}", language="zh", at=datetime.now().astimezone())
    bus = PahoBus(host, int(port), client_id=f"{branch}.simulated-kiosk")
    link = Link(bus, outbox, branch=branch, device="simulated-kiosk", versions={"kiosk": "simulated"})
    running = asyncio.create_task(link.run())
    waited_s = 0.0
    while outbox.tallies().pending and waited_s < HUB_TAKES_S:
        await asyncio.sleep(0.05)
        waited_s += 0.05
    running.cancel()
    await asyncio.wait([running])
    return not outbox.tallies().pending


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--broker", required=True)
    arguments.add_argument("--branch", required=True)
    arguments.add_argument("--service", required=True)
    arguments.add_argument("--letter", required=True)
    arguments.add_argument("--tickets", type=int, required=True)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        taken = asyncio.run(issue(given.broker, given.branch, given.service, given.letter, given.tickets, Path(folder)))
    return 0 if taken else 1


if __name__ == "__main__":
    sys.exit(main())
