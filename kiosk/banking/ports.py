"""What banking needs of the world: the core bank, the card reader, and somebody who says who stands here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeVar

import msgspec

from contracts.corebank import Level, Request

A = TypeVar("A", bound=msgspec.Struct)


class BankTrouble(RuntimeError):
    """The core bank did not do it. `code` is stable: 'slow', 'down', 'session_over', or why it refused."""

    def __init__(self, code: str, left: int | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.left = left


class CoreBank(Protocol):
    async def call(self, operation: str, request: Request, answer: type[A]) -> A:
        """Ask or order one thing. Raises `BankTrouble` within a few seconds."""


@dataclass(frozen=True, slots=True)
class Held:
    """What lies in the reader. `name` and `born` (ISO) of its holder: '' where they are not read."""

    kind: Literal["card", "document"]
    number: str = field(repr=False)
    name: str = field(default="", repr=False)
    born: str = field(default="", repr=False)


class CardReader(Protocol):
    """The slot for cards and the glass for documents."""

    def holding(self) -> Held | None: ...


@dataclass(frozen=True, slots=True)
class Identified:
    """Who stands here, as far as that was checked. `reason`: by what."""

    level: Level
    reason: Literal["card_and_pin", "document_and_phone"]
    session: str = field(repr=False)
    card_tail: str = field(repr=False)
    until_ns: int
    alias: str = field(default="", repr=False)  # the bank's, towards the hub: 'the same as before', no more


class Verifier(Protocol):
    """Checks who the visitor is. Raises `BankTrouble` with the reason when that is not clear."""

    async def by_card(self, held: Held, pin: str) -> Identified: ...

    async def by_document(self, held: Held, phone_tail: str) -> Identified: ...
