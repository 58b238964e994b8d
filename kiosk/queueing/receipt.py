"""What a visitor takes along from a talk with a teller: the form's lines on paper, without anything that was masked."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Final, Literal

import skia

from config.schema import Site
from kiosk.ports import Bitmap, Printer, PrinterFault
from kiosk.queueing.paper import MARGIN, MAX_HEIGHT_DOTS, WIDTH_DOTS, Pair, Pen, head

log = logging.getLogger(__name__)

MOST_LINES: Final = 30
LINE_DOTS: Final = 42
Outcome = Literal["done", "no_paper", "failed", "not_available"]
OUTCOMES: Final[dict[str, Outcome]] = {"no_paper": "no_paper", "missing": "not_available"}


def draw_receipt(bank: Pair, branch: Pair, title: str, lines: tuple[str, ...], at: datetime) -> Bitmap:
    """The paper: (height, 576), True is black. What is too wide shrinks; beyond `MOST_LINES` nothing is drawn."""
    surface = skia.Surface(WIDTH_DOTS, MAX_HEIGHT_DOTS)
    pen = Pen(surface.getCanvas())
    pen.canvas.clear(skia.ColorWHITE)
    room = WIDTH_DOTS - 2 * MARGIN
    y = head(pen, bank, branch, 30.0) + 54
    pen.text(title, WIDTH_DOTS / 2, y, 36, bold=True, width=room, align=0.5)
    y += 24
    for line in lines[:MOST_LINES]:
        y += LINE_DOTS
        pen.text(line, MARGIN, y, 27, width=room)
    pen.rule(y + 26, dotted=True)
    pen.text(f"{at:%Y-%m-%d %H:%M}", WIDTH_DOTS / 2, y + 62, 24, width=room, align=0.5)
    height = min(int(y) + 96, MAX_HEIGHT_DOTS)
    grey = surface.makeImageSnapshot().toarray(colorType=skia.kGray_8_ColorType)[:height]
    black: Bitmap = grey < 140
    return black


class PrintedReceipts:
    """Receipts over the terminal's printer. `tally_failed`: that are not on paper."""

    def __init__(self, site: Site, printer: Printer, local_now: Callable[[], datetime]) -> None:
        self._site, self._printer, self._local_now = site, printer, local_now
        self.tally_failed = 0

    async def print(self, title: str, lines: tuple[str, ...]) -> Outcome:
        """Within the printer's bound."""
        bank, branch = self._site.bank, self._site.branch
        drawn = await asyncio.to_thread(
            draw_receipt, (bank.name_zh, bank.name_en), (branch.name_zh, branch.name_en), title, lines,
            self._local_now(),
        )  # fmt: skip
        try:
            await self._printer.print(f"receipt-{uuid.uuid4().hex[:12]}", drawn)
        except PrinterFault as fault:
            self.tally_failed += 1
            log.warning("receipt not on paper: %s", fault.reason)
            return OUTCOMES.get(fault.reason, "failed")
        return "done"
