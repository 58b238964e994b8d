"""What the simulated core bank does with a request. No clock, no network: time is given, state is here."""

from __future__ import annotations

import hmac
import random
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

import msgspec

from contracts import corebank as c
from hub.corebank.customers import Customer, make_customers

SESSION_S: Final = 180
PIN_TRIES: Final = 3
TRANSFER_MOST_FEN: Final = 20_000_000  # a day; simulated
BOOKINGS_A_DAY: Final = 40
REMEMBERED: Final = 10_000  # keys of writes
SESSIONS_MOST: Final = 1000
WEAK: Final = frozenset(("123456", "654321", "111111", "000000", "888888", "666666"))
INCOME: Final = frozenset(("salary", "transfer_in", "cash_in", "interest"))


class Refused(Exception):
    """The request is not carried out; `error` says why."""

    def __init__(self, error: str, left: int | None = None) -> None:
        super().__init__(error)
        self.refusal = c.Refusal(error, left)


@dataclass(frozen=True, slots=True)
class _Session:
    customer: Customer
    level: c.Level
    until_s: float


class Bank:
    """Invented customers and what was done for them since the start."""

    def __init__(self, seed: int, today: date, count: int = 50) -> None:
        self._today = today
        self._customers = make_customers(seed, count, today)
        self._random = random.Random(seed + 1)
        self._alias_key = f"simulated {seed}".encode()  # a real bank keeps a secret one
        self._sessions: OrderedDict[str, _Session] = OrderedDict()
        self._written: OrderedDict[str, msgspec.Struct] = OrderedDict()
        self._bookings: dict[str, c.Booking] = {}
        self.tally_repeated = 0

    def serve(self, operation: str, request: Any, now_s: float) -> msgspec.Struct:
        """The answer, of the type that the contract's row names. Raises `Refused`, KeyError for no such operation."""
        row = c.OPERATIONS[operation]
        key = getattr(request, "key", "")
        if row.writes and key in self._written:
            self.tally_repeated += 1
            return self._written[key]
        work: Callable[..., msgspec.Struct] = getattr(self, f"_{operation}")
        if row.level is None:
            answer = work(request, now_s)
        else:
            answer = work(request, self._customer(request.session, row.level, now_s))
        if row.writes:
            self._written[key] = answer
            while len(self._written) > REMEMBERED:
                self._written.popitem(last=False)
        return answer

    # ------------------------------------------------------------ who it is
    def _customer(self, session: str, level: c.Level, now_s: float) -> Customer:
        found = self._sessions.get(session)
        if found is None or now_s > found.until_s:
            raise Refused("session_over")
        if level == "card" and found.level != "card":
            raise Refused("not_sure_enough")
        return found.customer

    def _open(self, customer: Customer, level: c.Level, now_s: float) -> c.Opened:
        token = f"{self._random.getrandbits(128):032x}"
        self._sessions[token] = _Session(customer, level, now_s + SESSION_S)
        while len(self._sessions) > SESSIONS_MOST:
            self._sessions.popitem(last=False)
        alias = hmac.digest(self._alias_key, customer.document_no.encode(), "sha256").hex()[:32]
        return c.Opened(session=token, level=level, valid_s=SESSION_S, card_tail=customer.tail, alias=alias)

    def _open_card(self, request: c.OpenByCard, now_s: float) -> c.Opened:
        customer = next((one for one in self._customers if one.card_no == request.card_no), None)
        if customer is None:
            raise Refused("unknown_card")
        if customer.lost:
            raise Refused("card_lost")
        if customer.wrong_pins >= PIN_TRIES:
            raise Refused("pin_locked")
        if request.pin != customer.pin:
            customer.wrong_pins += 1
            left = PIN_TRIES - customer.wrong_pins
            raise Refused("wrong_pin" if left else "pin_locked", left)
        customer.wrong_pins = 0
        return self._open(customer, "card", now_s)

    def _open_document(self, request: c.OpenByDocument, now_s: float) -> c.Opened:
        customer = next((one for one in self._customers if one.document_no == request.document_no), None)
        if customer is None:
            raise Refused("unknown_document")
        if customer.phone[-4:] != request.phone_tail:
            raise Refused("wrong_phone")
        return self._open(customer, "document", now_s)

    # ------------------------------------------------------------ looking
    def _balance(self, request: c.Asked, customer: Customer) -> c.Balance:
        return c.Balance(balance_fen=customer.balance_fen, card_tail=customer.tail)

    def _statement(self, request: c.AskStatement, customer: Customer) -> c.Statement:
        since = (self._today - timedelta(days=31 * request.months)).isoformat()
        entries = [entry for entry in customer.entries if entry.day >= since]
        return c.Statement(
            entries=tuple(entries[:50]),
            income_fen=sum(entry.amount_fen for entry in entries if entry.kind in INCOME),
            spending_fen=sum(entry.amount_fen for entry in entries if entry.kind not in INCOME),
        )

    def _card_bill(self, request: c.Asked, customer: Customer) -> c.CardBill:
        if customer.owed_fen is None:
            raise Refused("no_credit_card")
        return c.CardBill(owed_fen=customer.owed_fen, minimum_fen=customer.owed_fen // 10, due=customer.due)

    def _transfer_status(self, request: c.Asked, customer: Customer) -> c.TransferState:
        if not customer.sent:
            raise Refused("no_transfer")
        day, fen, tail, state = customer.sent[-1]
        return c.TransferState(day=day, amount_fen=fen, payee_tail=tail, state=state)  # type: ignore[arg-type]  # ours

    # ------------------------------------------------------------ orders
    def _transfer(self, request: c.OrderTransfer, customer: Customer) -> c.Carried:
        if request.payee_tail not in customer.payees:
            raise Refused("unknown_payee")
        if request.amount_fen > TRANSFER_MOST_FEN:
            raise Refused("over_limit")
        self._pay(customer, request.amount_fen, "transfer_out")
        customer.sent.append((self._today.isoformat(), request.amount_fen, request.payee_tail, "on_its_way"))
        return self._carried(customer)

    def _repay_card(self, request: c.OrderAmount, customer: Customer) -> c.Carried:
        if customer.owed_fen is None:
            raise Refused("no_credit_card")
        if request.amount_fen > customer.owed_fen:
            raise Refused("more_than_owed")
        self._pay(customer, request.amount_fen, "card_payment")
        customer.owed_fen -= request.amount_fen
        return replace_left(self._carried(customer), customer.owed_fen)

    def _redeem(self, request: c.OrderAmount, customer: Customer) -> c.Carried:
        if customer.product_fen == 0:
            raise Refused("no_product")
        if request.amount_fen > customer.product_fen:
            raise Refused("more_than_there_is")
        customer.product_fen -= request.amount_fen
        day = (self._today + timedelta(days=1)).isoformat()
        return c.Carried(self._reference(), customer.tail, customer.product_fen, day)

    def _switch_alerts(self, request: c.OrderSwitch, customer: Customer) -> c.Carried:
        if customer.alerts == request.on:
            raise Refused("already_so")
        customer.alerts = request.on
        return self._carried(customer)

    def _open_mobile(self, request: c.Ordered, customer: Customer) -> c.Carried:
        if customer.mobile:
            raise Refused("already_so")
        customer.mobile = True
        return self._carried(customer)

    def _change_phone(self, request: c.OrderPhone, customer: Customer) -> c.Carried:
        customer.phone = request.phone
        return self._carried(customer)

    def _activate_card(self, request: c.Ordered, customer: Customer) -> c.Carried:
        if customer.active:
            raise Refused("already_so")
        customer.active = True
        return self._carried(customer)

    def _report_loss(self, request: c.Ordered, customer: Customer) -> c.Carried:
        if customer.lost:
            raise Refused("already_so")
        customer.lost = True
        return self._carried(customer)

    def _unlock_pin(self, request: c.Ordered, customer: Customer) -> c.Carried:
        if customer.wrong_pins < PIN_TRIES:
            raise Refused("not_locked")
        customer.wrong_pins = 0
        return self._carried(customer)

    def _change_pin(self, request: c.OrderPin, customer: Customer) -> c.Carried:
        if request.pin in WEAK or len(request.pin) != 6:
            raise Refused("weak_pin")
        customer.pin, customer.wrong_pins = request.pin, 0
        return self._carried(customer)

    def _renew_document(self, request: c.Ordered, customer: Customer) -> c.Carried:
        return c.Carried(
            self._reference(), customer.tail, 0, self._today.replace(year=self._today.year + 10).isoformat()
        )

    def _pay(self, customer: Customer, fen: int, kind: str) -> None:
        if fen == 0 or fen > customer.balance_fen:
            raise Refused("not_enough_money")
        customer.balance_fen -= fen
        customer.entries.insert(0, c.Entry(day=self._today.isoformat(), kind=kind, amount_fen=fen))

    def _carried(self, customer: Customer) -> c.Carried:
        return c.Carried(self._reference(), customer.tail, customer.balance_fen)

    def _reference(self) -> str:
        return f"{self._random.randrange(10**8):08d}"

    # ------------------------------------------------------------ bookings
    def _book(self, request: c.Book, now_s: float) -> c.Booking:
        if request.day <= self._today.isoformat():
            raise Refused("too_soon")
        if date.fromisoformat(request.day).weekday() == 6:
            raise Refused("closed")
        if sum(booking.day == request.day for booking in self._bookings.values()) >= BOOKINGS_A_DAY:
            raise Refused("full")
        booking = c.Booking(self._reference(), request.day, request.amount_fen, request.service, request.hour)
        self._bookings[request.phone] = booking
        return booking

    def _find_booking(self, request: c.FindBooking, now_s: float) -> c.Booking:
        booking = self._bookings.get(request.phone)
        if booking is None:
            raise Refused("no_booking")
        return booking


def replace_left(carried: c.Carried, left_fen: int) -> c.Carried:
    return msgspec.structs.replace(carried, left_fen=left_fen)
