"""What a terminal does by itself, now and then: looks at its printer, begins and ends the day, renders sentences,
gives back memory."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Final

from config.schema import Site
from contracts import messages as m
from kiosk.dialogue.manner import Manner
from kiosk.dialogue.voice import Voice
from kiosk.events import DeviceChanged
from kiosk.networks import sentences_ahead
from kiosk.ports import Clock, Printer, PrinterFault
from kiosk.runtime.memory import give_back
from kiosk.session.session import Session
from kiosk.standing import Standing
from kiosk.sync.ledger import DiskLedger
from kiosk.sync.outbox import OutboxFull

log = logging.getLogger(__name__)

DAY_LOOK_S: Final = 30.0
PRINTER_LOOK_S: Final = 30.0  # at least
SETTLED_S: Final = 0.5  # after a visit: what hung on it is let go by then
QUIET_S: Final = 20.0  # nobody near for so long: sentences may be rendered


async def look_at_printer(
    printer: Printer, session: Session, standing: Standing, clock: Clock, site: Callable[[], Site]
) -> None:
    """Say whether a ticket could be printed, and whether the paper lasts. Runs until cancelled."""
    while True:
        try:
            standing.paper = await printer.check()
            session.tell(DeviceChanged("printer", works=True))
        except PrinterFault as err:
            standing.paper = ""
            session.tell(DeviceChanged("printer", works=False, reason=err.reason))
        await clock.sleep(max(PRINTER_LOOK_S, site().ports.retry_s))


async def look_at_day(
    ledger: DiskLedger, standing: Standing, clock: Clock, local_now: Callable[[], datetime]
) -> None:  # fmt: skip
    """Before opening test what tickets need, after closing settle what was not served; each once a day."""
    while True:
        await clock.sleep(DAY_LOOK_S)
        try:
            done = await ledger.look_at_day(local_now(), standing.condition().missing)
        except OutboxFull:
            log.error("outbox full: the day was neither tested nor settled")
            continue
        for moment in done:
            failed = moment.failed if isinstance(moment, m.SelfTested) else ()
            log.log(logging.WARNING if failed else logging.INFO, "%s %s", type(moment).__name__, failed)


async def render_ahead(voice: Voice, busy: Callable[[], bool], clock: Clock, site: Callable[[], Site]) -> None:
    """While nobody is here, make the sentences that may be needed: one at a time, until all are there.

    `busy`: whether anybody is here, or near, or heard.
    """
    since_ns = clock.now_ns()

    def quiet() -> bool:
        nonlocal since_ns
        if busy():
            since_ns = clock.now_ns()
        return clock.now_ns() - since_ns >= QUIET_S * 1e9

    while True:
        await clock.sleep(QUIET_S / 4)
        for wanted, manner in sentences_ahead(site(), everything=True) if quiet() else []:
            if manner == Manner():  # a machine too slow for her own voice needs these
                await voice.fill_small(wanted, quiet)
            await voice.fill(wanted, quiet, manner)


class GivesBack:
    """Gives free memory back after each visit. `visit_ended` says that one was; `tally_given`: how often some was."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ended = asyncio.Event()
        self.tally_given = 0

    def visit_ended(self) -> None:
        self._ended.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._ended.wait()
            await self._clock.sleep(SETTLED_S)
            self._ended.clear()
            gc.collect()  # now, while nobody waits, and what a visit left in cycles is gone with it
            self.tally_given += await asyncio.to_thread(give_back)
