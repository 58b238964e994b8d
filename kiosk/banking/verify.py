"""Who stands here: today by card and PIN, or by document and phone number, as the core bank knows them.

A face is a third way of the same port; it is not here.
"""

from __future__ import annotations

from contracts.corebank import OpenByCard, OpenByDocument, Opened
from kiosk.banking.ports import CoreBank, Held, Identified
from kiosk.ports import Clock


class BankVerifier:
    """A `Verifier` that lets the core bank compare."""

    def __init__(self, bank: CoreBank, clock: Clock) -> None:
        self._bank = bank
        self._clock = clock

    async def by_card(self, held: Held, pin: str) -> Identified:
        opened = await self._bank.call("open_card", OpenByCard(held.number, pin), Opened)
        return Identified("card", "card_and_pin", opened.session, opened.card_tail, self._until(opened),
                          opened.alias)  # fmt: skip

    async def by_document(self, held: Held, phone_tail: str) -> Identified:
        opened = await self._bank.call("open_document", OpenByDocument(held.number, phone_tail), Opened)
        return Identified("document", "document_and_phone", opened.session, opened.card_tail, self._until(opened),
                          opened.alias)  # fmt: skip

    def _until(self, opened: Opened) -> int:
        return self._clock.now_ns() + opened.valid_s * 1_000_000_000
