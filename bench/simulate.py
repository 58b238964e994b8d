"""Simulated branches: whole days in virtual time, or a kiosk beside a real one. Named as simulated everywhere.

    python -m bench.simulate --branches 3 --kiosks 2 --days 5 --first 2026-03-02 --seed 1 [--database sqlite:///PATH]
    python -m bench.simulate --broker 127.0.0.1:1883 --branch binjiang --service personal --letter A --tickets 3

Days go through the terminals' own desks and outboxes, the wire's bytes, the hub's ingest, queue and store; who comes,
who works and what fails is `bench/branches`. `--rules` leaves wire and hub out: the same days by the rules alone. With
a broker a simulated kiosk issues a few tickets through the terminal's own desk, outbox and link.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import sys
import tempfile
from collections import Counter
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from bench.branches.arrivals import days
from bench.branches.house import RuleHouse
from bench.branches.looks import roster
from bench.branches.parameters import BranchWorld, load
from bench.branches.wire import WireHouse
from bench.branches.world import World
from hub.store import Store
from kiosk.adapters.mqtt import PahoBus
from kiosk.queueing.desk import ServiceView, TicketDesk
from kiosk.sync.link import Link
from kiosk.sync.outbox import Outbox

HUB_TAKES_S = 15.0
SIMULATED_DIGIT = 9
MOST_BRANCHES: Final = 200
MOST_DAYS: Final = 400


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


def branch_named(which: int, kiosks: int) -> BranchWorld:
    """The `which`th simulated branch: those of the parameters in turn, each name once. `kiosks` 0: as it has."""
    every = list(load().branches.values())
    kind = every[which % len(every)]
    name = kind.name if which < len(every) else f"{kind.name}-{which // len(every) + 1}"
    return replace(kind, name=name, kiosks=kiosks or kind.kiosks)


def live(store: Store | None, folder: Path, branch: BranchWorld, first: date, count: int, seed: int) -> dict[str, Any]:
    """`count` open days of one branch from `first` on; what came of them. Without a store by the rules alone."""
    parameters = load()
    house: RuleHouse | WireHouse
    house = RuleHouse() if store is None else WireHouse(store, folder, branch.name, branch.kiosks)
    world = World(parameters, branch, house, seed=seed)
    ways: Counter[str] = Counter()
    waits: list[float] = []
    lived = []
    try:
        for day in itertools.islice(days(parameters, branch, first, seed), count):
            ended = world.run(day)
            if isinstance(house, WireHouse):
                house.plan(roster(world))
            lived.append(day.date.isoformat())
            ways.update(one.way for one in ended)
            waits += [one.wait_s / 60 for one in ended if one.way in ("counter", "video")]
    finally:
        if isinstance(house, WireHouse):
            house.close()
    p50, p90 = np.percentile(waits, (50, 90)) if waits else (0.0, 0.0)
    return {
        "branch": branch.name,
        "kiosks": branch.kiosks,
        "days": len(lived),
        "from": lived[0] if lived else None,
        "to": lived[-1] if lived else None,
        "visitors": sum(ways.values()),
        "ways": dict(sorted(ways.items())),
        "wait_min": {"p50": round(float(p50), 2), "p90": round(float(p90), 2)},
    }


def simulate(given: argparse.Namespace, folder: Path) -> list[dict[str, Any]]:
    """Every branch one after the other into one store. Raises ValueError for what cannot be meant."""
    if not (1 <= given.branches <= MOST_BRANCHES and 1 <= given.days <= MOST_DAYS and 0 <= given.kiosks <= 10):
        raise ValueError(f"--branches 1-{MOST_BRANCHES}, --days 1-{MOST_DAYS}, --kiosks 0-10 (0: as the branch has)")
    first = date.fromisoformat(given.first)
    store = None if given.rules else Store(given.database or f"sqlite:///{folder}/hub.db")
    try:
        return [
            live(store, folder, branch_named(which, given.kiosks), first, given.days, given.seed)
            for which in range(given.branches)
        ]
    finally:
        if store is not None:
            store.close()


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--broker", default="")
    arguments.add_argument("--branch")
    arguments.add_argument("--service")
    arguments.add_argument("--letter")
    arguments.add_argument("--tickets", type=int, default=1)
    arguments.add_argument("--branches", type=int, default=1)
    arguments.add_argument("--kiosks", type=int, default=0)
    arguments.add_argument("--days", type=int, default=1)
    arguments.add_argument("--first", default="2026-03-02")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--database", default="")
    arguments.add_argument("--rules", action="store_true")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if given.broker:
            taken = issue(given.broker, given.branch, given.service, given.letter, given.tickets, Path(folder))
            return 0 if asyncio.run(taken) else 1
        try:
            found = simulate(given, Path(folder))
        except ValueError as err:
            print(f"bench.simulate: {err}", file=sys.stderr)
            return 2
    print(json.dumps({"simulated": True, "branches": found}, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
