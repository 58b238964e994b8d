"""The receipt of a talk: on the printer's paper, bounded, and a printer that cannot says why."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

import pytest

from config.schema import load_site
from kiosk.ports import Bitmap, PrinterFault, PrinterReason
from kiosk.queueing.paper import MAX_HEIGHT_DOTS, WIDTH_DOTS
from kiosk.queueing.receipt import MOST_LINES, PrintedReceipts, draw_receipt

pytestmark = pytest.mark.contract
AT = datetime(2026, 11, 21, 10, 26)
NAMES = ("青禾银行", "Qinghe Bank"), ("滨江路支行", "Binjiang Road")


class Printer:
    def __init__(self, fault: PrinterReason | None = None) -> None:
        self.fault, self.papers = fault, list[Bitmap]()

    async def check(self) -> None: ...

    async def print(self, name: str, paper: Bitmap) -> None:
        if self.fault:
            raise PrinterFault(self.fault)
        self.papers.append(paper)

    async def close(self) -> None: ...


def test_more_lines_make_a_longer_paper_up_to_a_bound_and_a_long_one_shrinks() -> None:
    few = draw_receipt(*NAMES, "调整限额", ("姓名: 王小明",), AT)
    more = draw_receipt(*NAMES, "调整限额", ("姓名: 王小明", "限额: 50,000"), AT)
    most = draw_receipt(*NAMES, "调整限额", ("限额: 50,000" * 20,) * (MOST_LINES + 50), AT)
    assert few.shape[1] == WIDTH_DOTS and few.shape[0] < more.shape[0] < most.shape[0] <= MAX_HEIGHT_DOTS
    assert few.any() and not most[:, :4].any() and not most[:, -4:].any()


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [(None, "done"), ("no_paper", "no_paper"), ("missing", "not_available"), ("offline", "failed")],
)
def test_each_end_of_printing_is_told(fault: Any, outcome: str) -> None:
    printer = Printer(fault)
    receipts = PrintedReceipts(load_site(), printer, lambda: AT)
    assert asyncio.run(receipts.print("调整限额", ("姓名: 王小明",))) == outcome
    assert (len(printer.papers), receipts.tally_failed) == ((1, 0) if fault is None else (0, 1))
