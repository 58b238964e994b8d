"""After 72 hours without network: how soon the hub shows what is true now, with the whole backlog still to come.

The three days are simulated (the terminal's clocks say so); terminal, broker and hub are the real ones.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import sqlite3
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from bench.sync_kiosk import BRANCH, SERVICES
from contracts import messages as m
from contracts import topics
from kiosk.adapters.mqtt import Pace, PahoBus
from kiosk.queueing.desk import TicketDesk
from kiosk.sync.hub_clock import Timekeeper
from kiosk.sync.link import Link, LinkPace
from kiosk.sync.outbox import Outbox
from kiosk.sync.samples import Samples
from kiosk.sync.vitals import VitalsProbe

HOURS: Final = 72
TICKETS_A_DAY: Final = 300
MOMENTS_A_TICKET: Final = 9  # 3,000 moments a day: a busy branch
TODAY: Final = 40  # tickets of the last hour: those people stand in the lobby
LOOK_S: Final = 0.005
PATIENCE_S: Final = 300.0


class CutOff:
    """A terminal that has been alone for three days."""

    def __init__(self, folder: Path, port: int, digit: int) -> None:
        self.back = timedelta(hours=HOURS, minutes=62)
        self.device = f"kiosk-{digit}"
        keeper = Timekeeper(
            wall=lambda: datetime.now(UTC) - self.back,
            mono_ns=lambda: time.monotonic_ns() - int(self.back.total_seconds() * 1e9),
        )
        self.outbox = Outbox(folder / f"{self.device}.db", keeper=keeper)
        self.desk = TicketDesk(self.outbox, SERVICES, kiosk_digit=digit, device=self.device)
        self.samples = Samples(self.outbox)
        with self.outbox.transaction() as db:  # it spoke with the hub three days ago
            self.outbox.hub_clock.observe(db, sent_ns=keeper.mono_ns(), hub_at=keeper.wall())
        self._chance = random.Random(digit)
        self._folder, self._port = folder, port
        self.today: list[tuple[str, str]] = []
        self.given: list[tuple[str, str]] = []

    def live_alone(self) -> None:
        """Three days of visitors, and the lobby as it is now. One commit: the disk is not what is measured."""
        steps = HOURS // 24 * TICKETS_A_DAY
        with self.outbox.transaction():
            for step in range(steps):
                self.back = timedelta(hours=HOURS * (1 - step / steps)) + timedelta(minutes=61)
                self._visitor()
            for step in range(TODAY):
                self.back = timedelta(minutes=60 * (1 - step / TODAY))
                self.today.append(self._visitor())
            self.back = timedelta(0)

    def _visitor(self) -> tuple[str, str]:
        at = (datetime.now(UTC) - self.back).astimezone()
        visit = f"v{self._chance.getrandbits(60):x}"
        ticket = self.desk.issue(self._chance.choice(SERVICES).id, visit=visit, language="zh", at=at)
        for _ in range(MOMENTS_A_TICKET - 1):
            self.outbox.append(topics.EVENTS, m.Touched(visit=visit, target="chip_1"))
        self.outbox.append(topics.EVENTS, m.OpinionGiven(visit=visit, score=5))
        self.given.append((ticket.day, ticket.number))
        return ticket.day, ticket.number

    def link(self) -> tuple[Link, PahoBus]:
        bus = PahoBus("127.0.0.1", self._port, client_id=f"{BRANCH}.{self.device}", pace=Pace(first_pause_s=0.05))
        link = Link(
            bus, self.outbox, branch=BRANCH, device=self.device, versions={"kiosk": "simulated"},
            vitals=VitalsProbe(self._folder), pace=LinkPace(telemetry_s=1.0), samples=self.samples,
            live=lambda: self.desk.live(datetime.now().astimezone()),
        )  # fmt: skip
        return link, bus


async def reconnect(folder: Path, port: int, database: Path, digit: int) -> dict[str, Any]:
    """One terminal comes back: milliseconds to its live state at the hub, and to the last of its backlog."""
    terminal = CutOff(folder, port, digit)
    await asyncio.to_thread(terminal.live_alone)
    backlog = terminal.outbox.tallies().pending
    link, bus = terminal.link()
    running = asyncio.create_task(link.run())
    wanted = {
        number for day, number in terminal.today if day == terminal.desk.business_day(datetime.now().astimezone())
    }
    day = terminal.desk.business_day(datetime.now().astimezone())
    with contextlib.closing(sqlite3.connect(database, timeout=5)) as eyes:
        while not bus.connected:  # noqa: ASYNC110  # the link reads the bus's news; it is looked at from outside
            await asyncio.sleep(LOOK_S)
        began = time.perf_counter()
        live_ms = drained_s = -1.0
        while drained_s < 0 and time.perf_counter() - began < PATIENCE_S:
            if live_ms < 0:
                shown = eyes.execute(
                    "SELECT number FROM tickets WHERE device = ? AND line_day = ? AND in_line", (terminal.device, day)
                ).fetchall()
                if wanted <= {row[0] for row in shown}:
                    live_ms = (time.perf_counter() - began) * 1000
                    owed_then = terminal.outbox.tallies().pending
            if live_ms >= 0 and not (await asyncio.to_thread(terminal.outbox.tallies)).pending:
                drained_s = time.perf_counter() - began
            await asyncio.sleep(LOOK_S)
        rows = eyes.execute("SELECT day, number FROM tickets WHERE device = ?", (terminal.device,)).fetchall()
        scores = eyes.execute("SELECT count(*) FROM opinions WHERE device = ?", (terminal.device,)).fetchone()[0]
        refused = eyes.execute("SELECT count(*) FROM refused WHERE device = ?", (terminal.device,)).fetchone()[0]
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    terminal.outbox.close()
    return {
        "live_ms": round(live_ms, 1),
        "backlog": backlog,
        "owed_when_live": owed_then if live_ms >= 0 else backlog,
        "backlog_applied_s": round(drained_s, 2),
        "lost": len(set(terminal.given) - set(rows)) + (drained_s < 0) + max(len(terminal.given) - scores, 0) + refused,
        "applied_twice": len(rows) - len(set(rows)) + max(scores - len(terminal.given), 0),
    }
