"""The invented customers of the simulated core bank, the same ones from the same seed."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from contracts.corebank import Entry

CARD_PREFIX: Final = "990000"  # no bank's: the range is not given to card issuers
PIN: Final = "246810"  # of every invented card; simulated
ENTRIES: Final = 60
INCOME: Final = ("salary", "transfer_in", "cash_in", "interest")
SPENDING: Final = ("card_payment", "transfer_out", "cash_out", "fee")


@dataclass(slots=True)
class Customer:
    """One invented customer with one card. Money in fen."""

    card_no: str
    document_no: str
    phone: str
    pin: str = PIN
    balance_fen: int = 0
    owed_fen: int | None = None  # None: no credit card
    due: str = ""
    product_fen: int = 0
    wrong_pins: int = 0
    lost: bool = False
    active: bool = True
    alerts: bool = False
    mobile: bool = False
    entries: list[Entry] = field(default_factory=list)
    payees: tuple[str, ...] = ()
    sent: list[tuple[str, int, str, str]] = field(default_factory=list)  # day, fen, payee tail, state

    @property
    def tail(self) -> str:
        return self.card_no[-4:]


def make_customers(seed: int, count: int, today: date) -> list[Customer]:
    """`count` customers; the first ones have known traits: 0 everything, 1 a locked PIN, 2 no credit card and little
    money, 3 a card that is not active yet, 4 a lost card."""
    chance = random.Random(seed)
    customers = [_customer(chance, number, today) for number in range(max(5, count))]
    customers[0].balance_fen, customers[0].owed_fen, customers[0].product_fen = 8_652_040, 326_180, 5_000_000
    customers[0].sent = [((today - timedelta(days=1)).isoformat(), 300_000, "1234", "arrived")]
    customers[1].wrong_pins = 3
    customers[2].balance_fen, customers[2].owed_fen, customers[2].product_fen = 21_050, None, 0
    customers[2].sent = []
    customers[3].active = False
    customers[4].lost = True
    return customers


def _customer(chance: random.Random, number: int, today: date) -> Customer:
    entries = []
    day = today
    for _ in range(ENTRIES):
        day -= timedelta(days=chance.randint(0, 4))
        kind = chance.choice(SPENDING if chance.random() < 0.75 else INCOME)
        fen = chance.randint(500, 80_000) if kind != "salary" else chance.randint(500_000, 1_500_000)
        entries.append(Entry(day=day.isoformat(), kind=kind, amount_fen=fen))
    return Customer(
        card_no=f"{CARD_PREFIX}{number:06d}{1000 + number:04d}",
        document_no=f"99{number:06d}0000{number:06d}",
        phone=f"199{number:08d}",
        balance_fen=chance.randint(10_000, 30_000_000),
        owed_fen=chance.choice((None, chance.randint(5_000, 900_000))),
        due=(today + timedelta(days=chance.randint(3, 25))).isoformat(),
        product_fen=chance.choice((0, 5_000_000)),
        entries=entries,
        payees=("1234", "8866"),
        sent=[((today - timedelta(days=2)).isoformat(), 120_000, "8866", "on_its_way")],
    )
