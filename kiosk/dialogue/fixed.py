"""The sentences that are known before anybody comes: rendered ahead, so that they are spoken at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, Protocol

from config.flows import Flow, Phrases
from config.intents import IntentRow
from config.persona import Persona
from contracts.screen import Language
from kiosk.dialogue.clauses import clauses, opening

SPOKEN: Final = (
    "greeting",
    "greeting_morning",
    "greeting_afternoon",
    "did_not_catch",
    "still_there",
    "still_there_last",
    "leaving",
    "anything_else",
    "corrected",
    "not_aloud",
    "told",
    "take_card",
    "take_document",
    "companion_welcome",
    "sorry",
    "language_switched",
    "slower",
    "faster",
    "louder",
    "quieter",
    "from_the_start",
    "no_way_back",
)
NAMING: Final = ("clarify", "and_then", "instead", "dropped")  # phrases in which a wish is named
QUEUE_SAID: Final = 10  # places in a queue up to this are rendered ahead
_FIGURES: Final = {"ticket": "A000", "amount": "100", "ahead": "0", "wait_low": "10", "wait_high": "20"}
_FIGURE: Final = re.compile(r"\{(" + "|".join(_FIGURES) + r")\}")
_LANGUAGES: Final[tuple[Language, ...]] = ("zh", "en")

Clause = tuple[str, Language]


class Approved(Protocol):
    """Every answer that may be said in the week from `now` on: Mandarin, English."""

    def sayable(self, now: datetime) -> Iterator[tuple[str, str]]: ...


def fixed_clauses(flows: Sequence[Flow], phrases: Phrases, intents: Mapping[str, IntentRow]) -> list[Clause]:
    """What nothing of the visitor changes in flows and phrases, each clause once, most needed first.

    A clause that names the wish is spoken for each wish that begins the flow. Of a clause with a figure in it, and of a
    phrase that names whatever wish, what stands before is there: it is heard while the rest is made.
    """
    found: dict[Clause, None] = dict.fromkeys(_cut(_phrases(phrases)))
    found |= dict.fromkeys(fillers(phrases))
    pairs = list(_lines(flows, intents))
    found |= dict.fromkeys(clause for clause in _cut(pairs) if "{" not in clause[0])
    found |= dict.fromkeys(_carriers(pairs))
    found |= dict.fromkeys(_before_wishes(phrases, intents))
    return list(found)


def everything(
    flows: Sequence[Flow], phrases: Phrases, intents: Mapping[str, IntentRow], approved: Approved, now: datetime
) -> list[Clause]:
    """All that is worth rendering ahead, most needed first: what is fixed, then approved answers, then questions."""
    found: dict[Clause, None] = dict.fromkeys(fixed_clauses(flows, phrases, intents))
    found |= dict.fromkeys(_cut(approved.sayable(now)))
    found |= dict.fromkeys(_places(_lines(flows, intents)))
    confirm = phrases.confirm
    asked = (
        (confirm.zh.format(first=row.zh), confirm.en.format(first=row.en.lower()))
        for row in intents.values()
        if row.route != "act" and row.id != "other"
    )
    found |= dict.fromkeys(_cut(asked))
    return list(found)


def first_clauses(answers: Iterable[tuple[str, str]]) -> list[Clause]:
    """What is heard first of each answer, each once."""
    found: dict[Clause, None] = {}
    for pair in answers:
        for text, language in zip(pair, _LANGUAGES, strict=True):
            found |= dict.fromkeys((clause, language) for clause in clauses(text, language)[:1])
    return list(found)


def first_words(answers: Iterable[tuple[str, str]]) -> list[Clause]:
    """How answers begin, each beginning once: while it is heard, the rest is made."""
    return list(dict.fromkeys((opening(clause, language)[0], language) for clause, language in first_clauses(answers)))


def openings(persona: Persona) -> list[Clause]:
    """What is said before an answer to the bereaved, the angry and the frightened."""
    return list(_cut((both.zh, both.en) for both in persona.openings.values()))


def fillers(phrases: Phrases) -> list[Clause]:
    """'One moment', in variants."""
    return list(_cut((both.zh, both.en) for both in phrases.fillers))


def _cut(pairs: Iterable[tuple[str, str]]) -> Iterator[Clause]:
    for pair in pairs:
        for text, language in zip(pair, _LANGUAGES, strict=True):
            for clause in clauses(text, language):
                yield clause, language


def _carriers(pairs: Iterable[tuple[str, str]]) -> Iterator[Clause]:
    """What is said before the first figure of a clause."""
    for pair in pairs:
        for text, language in zip(pair, _LANGUAGES, strict=True):
            for clause in clauses(_FIGURE.sub(lambda match: _FIGURES[match[1]], text), language):
                first, *rest = opening(clause, language)
                figures = any(sign.isdigit() for sign in clause)
                if figures and rest and not any(sign.isdigit() for sign in first) and "{" not in first:
                    yield first, language


def _before_wishes(phrases: Phrases, intents: Mapping[str, IntentRow]) -> Iterator[Clause]:
    """How phrases begin that name a wish, where that is the same for two of them."""
    one, other = list(intents.values())[:2]
    for name in NAMING:
        both = getattr(phrases, name)
        for text, language in zip((both.zh, both.en), _LANGUAGES, strict=True):
            said = [
                opening(
                    clauses(text.format(**dict.fromkeys(("wish", "first", "second"), wish)), language)[0], language
                )[0]
                for wish in ((one.zh, other.zh) if language == "zh" else (one.en.lower(), other.en.lower()))
            ]
            if said[0] == said[1]:
                yield said[0], language


def _places(pairs: Iterable[tuple[str, str]]) -> Iterator[Clause]:
    """Clauses in which the place in the queue is the only figure, for each place that is often said."""
    for clause, language in _cut(pairs):
        if re.findall(r"\{(\w+)\}", clause) == ["ahead"]:
            for place in range(QUEUE_SAID + 1):
                yield clause.replace("{ahead}", str(place)), language


def _phrases(phrases: Phrases) -> Iterator[tuple[str, str]]:
    for name in SPOKEN:
        both = getattr(phrases, name)
        yield both.zh, both.en


def _lines(flows: Iterable[Flow], intents: Mapping[str, IntentRow]) -> Iterator[tuple[str, str]]:
    for flow in flows:
        begun = [intents[intent] for begin in flow.begins for intent in begin.intents if intent in intents]
        wishes = begun or list(intents.values())[:1]  # other flows lead here: what names no wish is said all the same
        for step in flow.steps.values():
            for line in (*step.say, *step.again):
                named = "{wish}" in line.zh or "{wish}" in line.en
                if named and not begun:
                    continue
                for wish in wishes if named else wishes[:1]:
                    yield line.zh.replace("{wish}", wish.zh), line.en.replace("{wish}", wish.en)
