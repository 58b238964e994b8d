"""The sentences that are always the same: rendered ahead, so that they are spoken at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from config.flows import Flow, Phrases
from config.intents import IntentRow
from contracts.screen import Language
from kiosk.dialogue.clauses import clauses

SPOKEN: Final = (
    "greeting",
    "greeting_morning",
    "greeting_afternoon",
    "did_not_catch",
    "still_there",
    "sorry",
    "language_switched",
)


def fixed_clauses(
    flows: Sequence[Flow], phrases: Phrases, intents: Mapping[str, IntentRow]
) -> list[tuple[str, Language]]:
    """Every clause of flows and phrases that nothing of the visitor changes, each once, most needed first.

    A clause that names the wish is spoken for each wish that begins the flow.
    """
    found: dict[tuple[str, Language], None] = {}
    for zh, en in _lines(flows, phrases, intents):
        for clause in clauses(zh, "zh"):
            found.setdefault((clause, "zh"))
        for clause in clauses(en, "en"):
            found.setdefault((clause, "en"))
    return [(clause, language) for clause, language in found if "{" not in clause]


def _lines(flows: Iterable[Flow], phrases: Phrases, intents: Mapping[str, IntentRow]) -> Iterator[tuple[str, str]]:
    for name in SPOKEN:
        both = getattr(phrases, name)
        yield both.zh, both.en
    for flow in flows:
        wishes = [intents[intent] for begin in flow.begins for intent in begin.intents if intent in intents]
        for step in flow.steps.values():
            for line in step.say:
                named = "{wish}" in line.zh or "{wish}" in line.en
                for wish in wishes if named else wishes[:1]:
                    yield line.zh.replace("{wish}", wish.zh), line.en.replace("{wish}", wish.en)
