"""The actions of a conversation that the core bank carries out, and what is known after each.

Nothing here is logged but codes. Facts go into the conversation's place, which the visit forgets.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Final

from config.flows import Action
from contracts import corebank as c
from kiosk.banking.ports import BankTrouble, CardReader, CoreBank, Held, Verifier
from kiosk.dialogue.flows import Place
from kiosk.dialogue.reply import Done
from kiosk.ports import Clock
from kiosk.session.visit import Visit

LINES_SAID: Final = 3  # of a statement; more nobody remembers
MONTHS: Final = {"1m": 1, "this_month": 1, "last_month": 2, "3m": 3, "6m": 6, "1y": 12}
DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
FIRST_HOUR: Final = 9

Facts = dict[str, str]


class Banking:
    """Does what flows ask of the bank. Tallies count outcomes by action."""

    def __init__(
        self,
        bank: CoreBank,
        verifier: Verifier,
        reader: CardReader,
        clock: Clock,
        local_now: Callable[[], datetime],
    ) -> None:
        self._bank = bank
        self._verifier = verifier
        self._reader = reader
        self._clock = clock
        self._local_now = local_now
        self.tally: Counter[str] = Counter()

    def facts(self, visit: Visit) -> Facts:
        """What the conversation may know at any moment."""
        held = self._reader.holding()
        known = {"bank": "connected", "in_reader": held.kind if held else ""}
        if visit.bank and self._clock.now_ns() < visit.bank.until_ns:
            known |= {"verified": visit.bank.level, "card_tail": visit.bank.card_tail}
        return known

    async def do(self, visit: Visit, action: Action, place: Place) -> Done:
        """Carry it out; an outcome other than 'done' says why not."""
        try:
            result = await self._do(visit, action, place.slots)
        except BankTrouble as err:
            if err.code == "session_over":
                visit.bank = None
            result = Done(err.code, {"tries_left": str(err.left)} if err.left is not None else {})
        self.tally[f"{action} {result.outcome}"] += 1
        return result

    async def _do(self, visit: Visit, action: Action, slots: Mapping[str, str]) -> Done:
        match action:
            case "read_card" | "read_document":
                held = self._reader.holding()
                return Done() if held and held.kind == action.removeprefix("read_") else Done("nothing_there")
            case "verify_card" | "verify_document":
                return await self._verify(visit, action, slots)
            case "book_cash" | "book_visit" | "check_in":
                return Done("done", await self._booking(action, slots))
        if visit.bank is None:
            return Done("session_over")
        session = visit.bank.session
        match action:
            case "balance" | "statement" | "card_bill" | "transfer_status":
                return Done("done", await self._look(action, session, slots))
        return Done("done", await self._order(action, session, slots))

    async def _verify(self, visit: Visit, action: Action, slots: Mapping[str, str]) -> Done:
        held = self._reader.holding() or (shown_number(visit) if action == "verify_document" else None)
        if held is None:
            return Done("nothing_there")
        if action == "verify_card":
            visit.bank = await self._verifier.by_card(held, slots.get("pin", ""))
        else:
            visit.bank = await self._verifier.by_document(held, slots.get("phone_tail", ""))
        return Done()

    # ------------------------------------------------------------ looking
    async def _look(self, action: Action, session: str, slots: Mapping[str, str]) -> Facts:
        asked = c.Asked(session)
        match action:
            case "balance":
                balance = await self._bank.call("balance", asked, c.Balance)
                return {"balance": yuan(balance.balance_fen), "card_tail": balance.card_tail}
            case "card_bill":
                bill = await self._bank.call("card_bill", asked, c.CardBill)
                return {"owed": yuan(bill.owed_fen), "minimum": yuan(bill.minimum_fen), "due": bill.due}
            case "transfer_status":
                sent = await self._bank.call("transfer_status", asked, c.TransferState)
                known = {"sent_day": sent.day, "sent": yuan(sent.amount_fen), "sent_tail": sent.payee_tail}
                return {**known, "sent_state": sent.state}
        months = MONTHS.get(slots.get("period", ""), 1)
        statement = await self._bank.call("statement", c.AskStatement(session, months), c.Statement)
        facts = {"income": yuan(statement.income_fen), "spending": yuan(statement.spending_fen)}
        for number, entry in enumerate(statement.entries[:LINES_SAID], start=1):
            facts |= {f"day_{number}": entry.day, f"kind_{number}": entry.kind, f"sum_{number}": yuan(entry.amount_fen)}
        return {**facts, "lines": str(len(statement.entries)) if statement.entries else ""}

    # ------------------------------------------------------------ orders
    async def _order(self, action: Action, session: str, slots: Mapping[str, str]) -> Facts:
        if action == "change_pin" and slots.get("new_pin") != slots.get("new_pin_again"):
            raise BankTrouble("not_the_same")
        key = uuid.uuid4().hex  # one order, however often it has to be sent
        fen = int(slots.get("amount", "0")) * 100
        request: c.Request
        match action:
            case "transfer":
                request = c.OrderTransfer(session, key, slots.get("payee_tail", "0"), fen)
            case "repay_card" | "redeem":
                request = c.OrderAmount(session, key, fen)
            case "change_pin":
                request = c.OrderPin(session, key, slots.get("new_pin", "0"))
            case "change_phone":
                request = c.OrderPhone(session, key, slots.get("phone", "0"))
            case "switch_alerts":
                request = c.OrderSwitch(session, key, slots.get("switch") != "off")
            case _:
                request = c.Ordered(session, key)
        carried = await self._bank.call(action, request, c.Carried)
        return {
            "reference": carried.reference,
            "card_tail": carried.card_tail,
            "left": yuan(carried.left_fen),
            "arrives": carried.day,
        }

    # ------------------------------------------------------------ bookings
    async def _booking(self, action: Action, slots: Mapping[str, str]) -> Facts:
        today = self._local_now().date()
        phone = slots.get("phone", "0")
        if action == "check_in":
            found = await self._bank.call("find_booking", c.FindBooking(phone, today.isoformat()), c.Booking)
        else:
            request = c.Book(
                key=uuid.uuid4().hex,
                phone=phone,
                day=day_of(slots.get("date", "tomorrow"), today).isoformat(),
                amount_fen=int(slots.get("amount", "0")) * 100 if action == "book_cash" else 0,
                service=slots.get("service", "") if action == "book_visit" else "",
                hour=int(slots.get("time", FIRST_HOUR)),
            )
            found = await self._bank.call("book", request, c.Booking)
        return {"reference": found.reference, "booked_day": found.day, "booked_hour": str(found.hour)}


def shown_number(visit: Visit) -> Held | None:
    """The number of a resident ID card that was held up and found good; None: there was none."""
    document = visit.document
    if document is None or document.kind != "id_front" or document.finding.outcome != "accepted":
        return None
    return Held("document", document.values["number"])


def yuan(fen: int) -> str:
    """Money as it is read: '86520.40'."""
    return f"{fen // 100}.{fen % 100:02d}"


def day_of(named: str, today: date) -> date:
    """The date that a day's name means, the next one if it is a weekday."""
    try:
        return date.fromisoformat(named)
    except ValueError:
        pass
    if named in DAYS:
        return today + timedelta(days=(DAYS.index(named) - today.weekday() - 1) % 7 + 1)
    if named == "weekend":
        return day_of("saturday", today)
    return today + timedelta(days={"today": 0, "tomorrow": 1, "day_after": 2}.get(named, 1))
