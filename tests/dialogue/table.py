"""A visit whose words mean what a test says: the real brain, turns and actions, and a core bank of the test's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.dialogue import as_written
from bench.dialogues.script import Dialogue, Turn
from bench.dialogues.visit import ScriptedVisit
from config.flows import load_flows, load_phrases
from config.intents import load_intents
from config.schema import load_site
from contracts import corebank as c
from kiosk.banking.ports import BankTrouble
from kiosk.dialogue.brain import Brain
from kiosk.dialogue.flows import FlowBook
from kiosk.dialogue.meaning import Meaning, Words
from kiosk.dialogue.several import wishes_apart
from models.slots import read_slots

MEANT = {
    "转账": "transfer_domestic", "查余额": "account_balance", "开户": "open_account", "取款": "withdraw_cash",
    "对": "affirm", "好": "affirm", "不用": "deny", "不": "deny", "算了": "cancel", "上一步": "cancel",
    "再见": "goodbye", "挂失": "card_loss_report", "几点关门": "business_hours",
}  # fmt: skip


class Approved:
    text, translation = "今天下午五点关门。", "We close at five today."


class Hours:
    """One approved answer."""

    def answer(self, intent: str, language: str, slots: Any, now: Any) -> Approved | None:
        return Approved() if intent == "business_hours" else None


class Table:
    """Words that the test knows; anything else is not understood."""

    async def understand(self, words: Words) -> Meaning:
        slots = read_slots(words.text, words.language)
        wishes = [MEANT[part] for part in wishes_apart(words.text) if part in MEANT]
        if len(wishes) > 1:
            return Meaning([(wishes[0], 1.0)], "act", slots, words.text, tuple(wishes[1:]))
        intent = MEANT.get(words.text)
        ranked = [(intent, 0.95)] if intent else [("other", 0.3)]
        return Meaning(ranked, "act" if intent else "unsure", slots, words.text)


class InventedBank:
    """A `CoreBank` of a few answers; `trouble` by operation."""

    def __init__(self) -> None:
        self.trouble: dict[str, str] = {}
        self.asked: list[tuple[str, Any]] = []

    async def call(self, operation: str, request: Any, answer: Any) -> Any:
        self.asked.append((operation, request))
        if operation in self.trouble:
            raise BankTrouble(self.trouble[operation], 1 if self.trouble[operation] == "wrong_pin" else None)
        made = {
            c.Opened: lambda: c.Opened("s" * 32, "card" if operation == "open_card" else "document", 180, "1000"),
            c.Balance: lambda: c.Balance(8_652_040, "1000"),
            c.Carried: lambda: c.Carried("00000001", "1000", 100),
            c.Booking: lambda: c.Booking("00000002", "2026-11-21"),
        }
        return made[answer]()


class Stage:
    """Plays turns one after the other."""

    def __init__(self, folder: Path, *, bank: bool = True) -> None:
        self.bank = InventedBank()
        site, intents = load_site(), load_intents()
        brain = Brain(site, FlowBook(load_flows()), load_phrases(), Hours(), intents)
        self.scripted = ScriptedVisit(site, brain, Table(), self.bank if bank else None, folder, as_written)

    @property
    def visit(self) -> Any:
        return self.scripted.visit

    @property
    def at(self) -> str:
        return self.visit.place.way if self.visit.place else ""

    @property
    def text(self) -> str:
        return str(self.visit.last.text)

    async def play(self, turns: Sequence[dict[str, Any]], *, appointments: bool = False) -> None:
        made = tuple(Turn(**turn) for turn in turns)
        dialogue = Dialogue(id="t", title="t", turns=made, appointments=appointments)
        faults = await self.scripted.play(dialogue, lambda **_: None)
        assert not faults, faults

    async def say(self, text: str) -> None:
        """Any text at all, also one that no file could hold."""
        turn = Turn.model_construct(**{**Turn(say="x").__dict__, "say": text})
        dialogue = Dialogue(id="t", title="t", turns=(Turn(greet=True),)).model_copy(update={"turns": (turn,)})
        await self.scripted.play(dialogue, lambda **_: None)

    def close(self) -> None:
        self.scripted.ledger.outbox.close()
