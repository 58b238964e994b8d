"""Scripted conversations, by text and by sound: what was expected of each turn and what came.

`python -m bench dialogue [--text | --sound] [--only ID,…] [--json -]`. The understanding, the brain, the watch and the
actions are the terminal's; the core bank is the simulated one, a process of its own; the clock costs nothing. By sound
the visitor's lines are spoken by the synthesiser and recognised first, in the conversations that are marked for it.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.dialogues.corebank import CoreBankProcess
from bench.dialogues.script import Dialogue, load_dialogues
from bench.dialogues.visit import NOON, Hear, ScriptedVisit
from config.flows import load_flows, load_phrases
from config.intents import load_intents
from config.persona import load_persona
from config.schema import Site, load_site
from contracts.screen import Language
from kiosk.adapters.corebank import HttpCoreBank
from kiosk.dialogue.brain import Brain
from kiosk.dialogue.flows import FlowBook
from kiosk.dialogue.meaning import Words
from kiosk.dialogue.understand import ModelUnderstanding
from kiosk.networks import finds_entries, reads_conversations
from kiosk.runtime.worker import ModelThread
from kiosk.session.watching import Watching
from models.feeling import FeelingModel
from models.intent import IntentModel
from models.risk import RiskModel
from models.sentences import SentenceModel
from models.slots import read_slots
from models.store import Store

BANK_WAITS_S = 1.0  # for an answer of the simulated core bank


async def as_written(text: str, language: Language, times: int = 0) -> Words:
    """The words, as a recogniser would give them if it made no mistakes."""
    return Words(text, language)


@dataclass(frozen=True, slots=True)
class Head:
    """What a terminal thinks with: opened once, for all conversations."""

    site: Site
    brain: Brain
    understanding: ModelUnderstanding
    watching: Watching
    plain_watch: Watching  # by plain words only: where a conversation has to be asked about whatever was learnt


def open_head(thread: ModelThread) -> Head:
    """The terminal's own understanding, knowledge, watch and brain. Raises `StoreError`, `ConfigError`."""
    site, intents, persona = load_site(), load_intents(), load_persona()
    knowledge = finds_entries(site, intents)
    store = Store()
    encoder = SentenceModel(store.open("sentences"))
    brain = Brain(site, FlowBook(load_flows()), load_phrases(), knowledge, intents, knowledge, persona)
    feeling = FeelingModel(encoder)
    judge = RiskModel(encoder, reader=reads_conversations(store))
    watching = Watching(thread, persona, lambda: NOON, judge, feeling)
    plain = Watching(thread, persona, lambda: NOON, None, feeling)
    return Head(site, brain, ModelUnderstanding(IntentModel(encoder), thread, read_slots), watching, plain)


async def play_all(
    dialogues: Sequence[Dialogue],
    head: Head,
    process: CoreBankProcess,
    hear: Hear,
    listen_for: Callable[[Sequence[str]], None] | None = None,
) -> tuple[dict[str, list[str]], dict[str, int]]:
    """Play each from the same start; what failed, and how often she asked back, by conversation."""
    failed: dict[str, list[str]] = {}
    asked: dict[str, int] = {}
    for dialogue in dialogues:
        process.begin_anew()
        watching = head.watching if dialogue.judge else head.plain_watch
        watching.forget()
        bank = HttpCoreBank(process.url, BANK_WAITS_S) if dialogue.bank else None
        with tempfile.TemporaryDirectory(prefix="yingbin-dialogue-") as folder:
            visit = ScriptedVisit(
                head.site, head.brain, head.understanding, bank, Path(folder), hear, listen_for, watching
            )
            try:
                faults = await visit.play(dialogue, process.behave)
            finally:
                visit.ledger.outbox.close()
        if faults:
            failed[dialogue.id] = faults
        if visit.asked_back:
            asked[dialogue.id] = visit.asked_back
    return failed, asked


def main(argv: Sequence[str]) -> dict[str, Any]:
    """Play them. Raises ValueError for a bad option or a conversation that is not valid."""
    parser = argparse.ArgumentParser(prog="python -m bench dialogue", exit_on_error=False)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--text", action="store_true", help="by text only")
    which.add_argument("--sound", action="store_true", help="by sound only: the marked ones, spoken and recognised")
    parser.add_argument("--only", default="", help="ids or beginnings of ids, separated by commas")
    told = parser.parse_args(list(argv))
    wanted = tuple(part for part in told.only.split(",") if part)
    dialogues = [one for one in load_dialogues() if not wanted or one.id.startswith(wanted)]
    if not dialogues:
        raise ValueError(f"no conversation begins with {told.only}")
    thread = ModelThread("understand")
    result: dict[str, Any] = {}
    try:
        head = open_head(thread)
        with CoreBankProcess(NOON.date()) as process:
            if not told.sound:
                began_s = time.monotonic()
                failed, _ = asyncio.run(play_all(dialogues, head, process, as_written))
                result |= _by_text(dialogues, failed, time.monotonic() - began_s)
            if not told.text and (marked := [one for one in dialogues if one.sound]):
                result["by_sound"] = _by_sound(marked, head, process)
    finally:
        thread.close()
    return result


def _by_sound(marked: Sequence[Dialogue], head: Head, process: CoreBankProcess) -> dict[str, Any]:
    from bench.dialogues.sound import Spoken  # opens the voice and the recogniser: seconds

    began_s = time.monotonic()
    spoken = Spoken()
    try:
        failed, asked = asyncio.run(play_all(marked, head, process, spoken.hear, spoken.expect))
    finally:
        spoken.close()
    return {
        "passed": len(marked) - len(failed),
        "failed": len(failed),
        "passed_without_asking_back": len([one for one in marked if one.id not in failed and one.id not in asked]),
        "asked_back": sum(asked.values()),
        "lines_spoken": spoken.tally_lines,
        "lines_made_now": spoken.tally_made,
        "languages": dict(Counter(dialogue.language for dialogue in marked)),
        "took_s": round(time.monotonic() - began_s, 1),
        "failures": [{"id": name, "faults": faults} for name, faults in failed.items()],
    }


def _by_text(dialogues: Sequence[Dialogue], failed: dict[str, list[str]], took_s: float) -> dict[str, Any]:
    shows = Counter(label for dialogue in dialogues for label in dialogue.shows)
    wants = (turn.expect.intent for dialogue in dialogues for turn in dialogue.turns)
    intents = {name for want in wants if want for name in ((want,) if isinstance(want, str) else want)}
    return {
        "passed": len(dialogues) - len(failed),
        "failed": len(failed),
        "turns": sum(len(dialogue.turns) for dialogue in dialogues),
        "languages": dict(Counter(dialogue.language for dialogue in dialogues)),
        "intents_expected": len(intents),
        "shows": dict(sorted(shows.items())),
        "took_s": round(took_s, 1),
        "failures": [{"id": name, "faults": faults} for name, faults in failed.items()],
    }
