"""What the terminal asks of a core bank and what it answers: one request type an operation, one answer type.

Sent as `POST /v1/<operation>` with a JSON body. A write carries a `key`: the same key is carried out once, however
often it arrives. Money is in fen (1/100 yuan), days are ISO dates. What is refused comes as `Refusal` with status 409.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final, Literal

import msgspec

MAX_BODY_BYTES: Final = 16 * 1024
Level = Literal["document", "card"]
"""How surely the customer is known: a document and a phone number, or a card and its PIN."""
Code = Annotated[str, msgspec.Meta(pattern=r"^[a-z_]{1,40}$")]
Digits = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,19}$")]
DocumentNo = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Z]{6,20}$")]
Key = Annotated[str, msgspec.Meta(min_length=8, max_length=64)]
Fen = Annotated[int, msgspec.Meta(ge=0, le=10**14)]
Day = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
Token = Annotated[str, msgspec.Meta(max_length=80)]
Alias = Annotated[str, msgspec.Meta(pattern=r"^([0-9a-f]{32})?$")]


class Refusal(msgspec.Struct, frozen=True):
    """It was understood and not done. `left`: tries that remain, where that is what matters."""

    error: Code
    left: int | None = None


# --- who it is ----------------------------------------------------------------------------------
class OpenByCard(msgspec.Struct, frozen=True):
    card_no: Digits
    pin: Digits


class OpenByDocument(msgspec.Struct, frozen=True):
    document_no: DocumentNo
    phone_tail: Digits


class Opened(msgspec.Struct, frozen=True):
    session: Token
    level: Level
    valid_s: int
    card_tail: str
    alias: Alias = ""  # the same for the same customer, made by the bank with a key of its own; empty: it gives none


class Asked(msgspec.Struct, frozen=True):
    """A request that needs no more than to know who asks."""

    session: Token


class Ordered(msgspec.Struct, frozen=True):
    """A write that needs no more than to know who orders it."""

    session: Token
    key: Key


# --- looking ------------------------------------------------------------------------------------
class Balance(msgspec.Struct, frozen=True):
    balance_fen: Fen
    card_tail: str


class AskStatement(msgspec.Struct, frozen=True):
    session: Token
    months: Annotated[int, msgspec.Meta(ge=1, le=12)] = 1


class Entry(msgspec.Struct, frozen=True):
    day: Day
    kind: Code  # salary, transfer_in, transfer_out, card_payment, cash_in, cash_out, fee, interest
    amount_fen: Fen


class Statement(msgspec.Struct, frozen=True):
    entries: tuple[Entry, ...]  # newest first, at most 50
    income_fen: Fen
    spending_fen: Fen


class CardBill(msgspec.Struct, frozen=True):
    owed_fen: Fen
    minimum_fen: Fen
    due: Day


class TransferState(msgspec.Struct, frozen=True):
    day: Day
    amount_fen: Fen
    payee_tail: str
    state: Literal["arrived", "on_its_way", "returned"]


# --- orders -------------------------------------------------------------------------------------
class OrderTransfer(msgspec.Struct, frozen=True):
    session: Token
    key: Key
    payee_tail: Digits
    amount_fen: Fen


class OrderAmount(msgspec.Struct, frozen=True):
    session: Token
    key: Key
    amount_fen: Fen


class OrderPin(msgspec.Struct, frozen=True):
    session: Token
    key: Key
    pin: Digits


class OrderPhone(msgspec.Struct, frozen=True):
    session: Token
    key: Key
    phone: Digits


class OrderSwitch(msgspec.Struct, frozen=True):
    session: Token
    key: Key
    on: bool


class Carried(msgspec.Struct, frozen=True):
    """It was done. What does not apply is empty."""

    reference: str
    card_tail: str = ""
    left_fen: Fen = 0
    day: str = ""


# --- bookings: anybody may make one -----------------------------------------------------------------
class Book(msgspec.Struct, frozen=True):
    """Cash to be ready (`amount_fen`) or a visit (`service`) on a day; `phone` finds it again."""

    key: Key
    phone: Digits
    day: Day
    amount_fen: Fen = 0
    service: str = ""
    hour: int = 0


class FindBooking(msgspec.Struct, frozen=True):
    phone: Digits
    day: Day


class Booking(msgspec.Struct, frozen=True):
    reference: str
    day: Day
    amount_fen: Fen = 0
    service: str = ""
    hour: int = 0


Request = (
    OpenByCard | OpenByDocument | Asked | Ordered | AskStatement | OrderTransfer | OrderAmount | OrderPin | OrderPhone
    | OrderSwitch | Book | FindBooking
)  # fmt: skip
Answer = Opened | Balance | Statement | CardBill | TransferState | Carried | Booking


@dataclass(frozen=True, slots=True)
class Operation:
    """One row: what is sent, what comes back, and how surely the customer must be known for it."""

    request: type[msgspec.Struct]
    answer: type[msgspec.Struct]
    level: Level | None = None
    writes: bool = False


OPERATIONS: Final[dict[str, Operation]] = {
    "open_card": Operation(OpenByCard, Opened),
    "open_document": Operation(OpenByDocument, Opened),
    "balance": Operation(Asked, Balance, "card"),
    "statement": Operation(AskStatement, Statement, "card"),
    "card_bill": Operation(Asked, CardBill, "card"),
    "transfer_status": Operation(Asked, TransferState, "card"),
    "transfer": Operation(OrderTransfer, Carried, "card", writes=True),
    "repay_card": Operation(OrderAmount, Carried, "card", writes=True),
    "redeem": Operation(OrderAmount, Carried, "card", writes=True),
    "switch_alerts": Operation(OrderSwitch, Carried, "card", writes=True),
    "open_mobile": Operation(Ordered, Carried, "card", writes=True),
    "change_phone": Operation(OrderPhone, Carried, "card", writes=True),
    "activate_card": Operation(Ordered, Carried, "document", writes=True),
    "report_loss": Operation(Ordered, Carried, "document", writes=True),
    "unlock_pin": Operation(Ordered, Carried, "document", writes=True),
    "change_pin": Operation(OrderPin, Carried, "document", writes=True),
    "renew_document": Operation(Ordered, Carried, "document", writes=True),
    "book": Operation(Book, Booking, writes=True),
    "find_booking": Operation(FindBooking, Booking),
}
