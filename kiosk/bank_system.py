"""The bank's own system as this site has it: composed here, beside `app.py`, from its address and the card reader."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from config.schema import Site
from kiosk.adapters.card_reader import SimulatedCardReader
from kiosk.adapters.corebank import HttpCoreBank
from kiosk.banking.acts import Banking
from kiosk.banking.verify import BankVerifier
from kiosk.ports import Clock


def open_bank_system(site: Site, state: Path, clock: Clock, local_now: Callable[[], datetime]) -> Banking | None:
    """What the core bank does for visitors; None where the site names none. Nothing is connected yet."""
    told = site.bank_system
    if not told.url:
        return None
    bank = HttpCoreBank(told.url, told.timeout_s)
    reader = SimulatedCardReader(Path(told.reader) if told.reader else state / "card_reader.json")
    return Banking(bank, BankVerifier(bank, clock), reader, clock, local_now)
