"""Simulated days of a branch, in a hub's database: for looking at the manager's pages. Named so wherever it is shown.

    python -m bench.opinions_days DATABASE_FILE [VISITS_A_DAY]

Two weeks that end today; in the second one more of what visitors say is about waiting, and fewer are content.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from bench.opinions_terminal import BRANCH, ZONE, Terminal, World
from hub.bus import Arrived
from hub.ingest import Ingest
from hub.opinions.tables import opinion_tasks
from hub.store import Store

DEVICE: Final = "kiosk-1"
BATCH: Final = 400


def build(database: Path, a_day: int, now: datetime) -> int:
    """Fill a hub's database; how many visits. The terminal's outbox is emptied into the real ingest, day by day."""
    world = World(a_day=a_day, waiting_rises=True, tagged=False, content=0.86, later=0.7)
    today = now.astimezone(ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
    begins = today - timedelta(days=world.days - 1)
    store = Store(f"sqlite:///{database}")
    clock = [begins]
    ingest = Ingest(
        store, acknowledge=lambda _: None, queue_moved=lambda _: None, changed=lambda _: None, now=lambda: clock[0]
    )
    played = 0
    with tempfile.TemporaryDirectory(dir=database.parent) as folder:
        terminal = Terminal(Path(folder), DEVICE, begins, world, say=lambda _: None)
        for day in range(world.days):
            for number in range(day * a_day, (day + 1) * a_day):
                asyncio.run(terminal.play(number))
                played += 1
            clock[0] = min(begins + timedelta(days=day + 1), now)
            after = 0
            while owed := terminal.outbox.pending(after, BATCH):
                ingest.take([Arrived(one.topic.at(BRANCH, DEVICE), one.payload) for one in owed])
                after = owed[-1].seq
                terminal.outbox.acknowledged(after)
        terminal.outbox.close()
    _close_some(store)
    store.close()
    return played


def _close_some(store: Store) -> None:
    """The manager has been at it: all but the last few are closed, some late."""
    rows = store.rows(sa.select(opinion_tasks).order_by(opinion_tasks.c.id))
    outcomes = ("spoke", "mended", "explained", "passed_on", "nothing")
    with store.write() as db:
        for at, row in enumerate(rows[:-5]):
            took = timedelta(hours=2 + (at * 7) % 30)
            values = {"closed_at": row["opened_at"] + took, "closed_by": "zhou", "outcome": outcomes[at % 5]}
            db.execute(sa.update(opinion_tasks).where(opinion_tasks.c.id == row["id"]).values(values))


if __name__ == "__main__":
    count = build(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 60, datetime.now().astimezone())
    print(f"{count} simulated visits")
