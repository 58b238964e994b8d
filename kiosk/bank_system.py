"""The bank's own system as this site has it: composed here, beside `app.py`, from its address and the card reader."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from config.schema import Site
from kiosk.adapters.card_reader import SimulatedCardReader
from kiosk.adapters.corebank import HttpCoreBank
from kiosk.adapters.passport import PassportReader
from kiosk.adapters.pcsc import PcscSlot
from kiosk.banking.acts import Banking
from kiosk.banking.ports import CardReader
from kiosk.banking.verify import BankVerifier
from kiosk.identity.chip.access import Lines
from kiosk.identity.chip.passive import now_utc, states_of
from kiosk.identity.naming import NameActs
from kiosk.ports import Clock
from kiosk.session.visit import Visit


def open_bank_system(
    site: Site, reader: CardReader, clock: Clock, local_now: Callable[[], datetime]
) -> Banking | None:  # fmt: skip
    """What the core bank does for visitors; None where the site names none. Nothing is connected yet."""
    told = site.bank_system
    if not told.url:
        return None
    bank = HttpCoreBank(told.url, told.timeout_s)
    return Banking(bank, BankVerifier(bank, clock), reader, clock, local_now)


def open_reader(site: Site, state: Path, visit: Callable[[], Visit | None]) -> SimulatedCardReader | PassportReader:
    """The reader of cards and documents that the site has. `visit`: who is served now."""
    told = site.bank_system
    if not told.slot:
        return SimulatedCardReader(Path(told.reader) if told.reader else state / "card_reader.json")
    slot = PcscSlot("" if told.slot == "any" else told.slot)
    return PassportReader(slot, lambda: lines_of(visit()), states_of(Path(told.states)), now_utc)


def lines_of(visit: Visit | None) -> Lines | None:
    """What opens the chip of the passport that was shown to the camera and read surely; None: none was."""
    read = visit.document if visit else None
    if read is None or read.kind != "passport" or read.finding.outcome != "accepted":
        return None
    known = read.values
    born, until = (known.get(name, "").replace("-", "")[2:] for name in ("born", "until"))
    return Lines(known["passport"], born, until) if "passport" in known and born and until else None


def open_names(site: Site, reader: CardReader) -> NameActs | None:
    """None where the site asks for no names."""
    return NameActs(reader.holding) if site.identity.name else None
