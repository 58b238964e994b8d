"""The ticket goes to paper: drawn, printed, and a printer that cannot is told about, not waited for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from config.schema import Service, Site
from kiosk.events import DeviceChanged
from kiosk.ports import Printer, PrinterFault
from kiosk.queueing.desk import Ticket
from kiosk.queueing.paper import PaperTicket, draw_ticket

log = logging.getLogger(__name__)


class PrintedPaper:
    """A `Paper` over a printer. `tally_failed` counts tickets that stayed on the screen only."""

    def __init__(self, site: Site, printer: Printer, tell: Callable[[DeviceChanged], None]) -> None:
        self._site = site
        self._printer = printer
        self._tell = tell
        self.tally_failed = 0

    async def print(
        self, ticket: Ticket, service: Service, ahead: int | None, wait_min: tuple[int, int] | None, qr: str
    ) -> bool:
        """Print it. False: it is not on paper, and the visitor must be told the number."""
        bank, branch = self._site.bank, self._site.branch
        drawn = await asyncio.to_thread(
            draw_ticket,
            PaperTicket(
                bank=(bank.name_zh, bank.name_en),
                branch=(branch.name_zh, branch.name_en),
                service=(service.name_zh, service.name_en),
                number=ticket.number,
                issued_at=ticket.issued_at,
                ahead=ahead,
                wait_min=wait_min,
                qr=qr,
            ),
        )
        try:
            await self._printer.print(f"{ticket.day}-{ticket.number}", drawn)
        except PrinterFault as fault:
            self.tally_failed += 1
            log.warning("ticket not on paper: %s", fault.reason)
            self._tell(DeviceChanged("printer", False, fault.reason))
            return False
        return True
