"""What a content pack holds: a bank's approved answers, the figures in them, and what each service needs.

A pack belongs to one bank and branch and has a version and a last day. Sentences are approved text; figures stand
beside them, typed. A pack says nothing that it does not hold.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator, Mapping, Sequence, Set
from datetime import date
from typing import Annotated, Final

from pydantic import Field, StringConstraints

from config.intents import IntentRow
from config.schema import Section, WireName
from contracts.screen import Language
from kiosk.content.figures import Figure
from kiosk.content.opening import HOURS_FACTS

FORMAT: Final = 1
CONDITIONS: Final = frozenset(
    ["place", "item", "date", "term", "currency", "topic", "how", "amount", "day_open", "now", "ever_open"]
)
LANGUAGES: Final[tuple[Language, ...]] = ("zh", "en")
Id = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Ask = Annotated[str, StringConstraints(min_length=1, max_length=160)]
KeyPath = tuple[str | int, ...]
Problem = tuple[KeyPath, str]
"""Where in the pack, and what is wrong there."""

_FIGURE_IN_PROSE: Final = re.compile(
    r"[0-9０-９%％]|[百千万亿]分之|百分|[一二两三四五六七八九十]+[十百千万亿]|[十百千万亿]+[一二三四五六七八九]"
    r"|\b(?:eleven|twelve|(?:thir|four|fif|six|seven|eigh|nine)teen|twenty|thirty|forty|fifty|sixty|seventy|eighty"
    r"|ninety|hundred|thousand|million|percent)\b",
    re.IGNORECASE,
)


class Variant(Section):
    """An answer to an intent; the first whose `when` all holds is said. Without `when` it always holds."""

    when: dict[Id, str] = Field(default_factory=dict, max_length=4, description="slot or state and its value")
    zh: str = Field(min_length=1, max_length=240)
    en: str = Field(min_length=1, max_length=400)
    source: str | None = Field(default=None, max_length=120, description="otherwise the pack's")
    approved_by: str | None = Field(default=None, max_length=120, description="otherwise the pack's")
    valid_until: date | None = Field(default=None, description="last day it may be said; otherwise the pack's")


class Asks(Section):
    """How visitors ask it, as the writer expects; never said."""

    zh: tuple[Ask, ...] = Field(min_length=1, max_length=40)
    en: tuple[Ask, ...] = Field(min_length=1, max_length=40)


class Entry(Section):
    """One question with one answer, and who stands behind it until when."""

    id: Id
    intents: tuple[Id, ...] = Field(
        min_length=1, max_length=8, description="wishes behind the question, likeliest first"
    )
    about: tuple[Id, ...] = Field(default=(), max_length=8, description="wishes of the services that it is about")
    asks: Asks
    zh: str = Field(min_length=1, max_length=240)
    en: str = Field(min_length=1, max_length=400)
    source: str = Field(min_length=1, max_length=120)
    approved_by: str | None = Field(default=None, max_length=120, description="otherwise the pack's")
    valid_until: date

    def expected(self, language: Language) -> Sequence[str]:
        return self.asks.zh if language == "zh" else self.asks.en

    def answer(self, language: Language) -> str:
        return self.zh if language == "zh" else self.en


class Thing(Section):
    """A document or a form that a service may need, by name."""

    zh: str = Field(min_length=1, max_length=40)
    en: str = Field(min_length=1, max_length=80)


class Product(Section):
    """A service or product, and its edges: what it requires, costs, where it is done, what comes after it."""

    zh: str = Field(min_length=1, max_length=40)
    en: str = Field(min_length=1, max_length=80)
    intents: tuple[Id, ...] = Field(min_length=1, max_length=8)
    requires: tuple[Id, ...] = Field(default=(), max_length=12, description="documents")
    costs: tuple[Id, ...] = Field(default=(), max_length=8, description="figures")
    done_at: WireName | None = Field(default=None, description="a service of the site; none: not at a counter")
    leads_to: tuple[Id, ...] = Field(default=(), max_length=12, description="products that often follow")
    explained_by: tuple[Id, ...] = Field(default=(), max_length=24, description="entries")


class Head(Section):
    """Whose pack it is and how long it may be used."""

    bank: WireName
    branch: WireName
    version: int = Field(ge=1, le=1_000_000)
    issued: date
    source: str = Field(min_length=1, max_length=120)
    approved_by: str = Field(min_length=1, max_length=120)
    valid_until: date = Field(description="the last day on which anything of it may be said")


class Pack(Head):
    """Everything approved, whole and checked against itself."""

    figures: dict[Id, Figure] = Field(default_factory=dict, max_length=2000)
    answers: dict[Id, tuple[Variant, ...]] = Field(min_length=1, max_length=400)
    entries: tuple[Entry, ...] = Field(default=(), max_length=2000)
    documents: dict[Id, Thing] = Field(default_factory=dict, max_length=400)
    products: dict[Id, Product] = Field(default_factory=dict, max_length=400)

    def entry(self, entry_id: str) -> Entry | None:
        return next((entry for entry in self.entries if entry.id == entry_id), None)

    def last_day(self, said: Variant | Entry) -> date:
        """No answer outlives its pack."""
        return min(said.valid_until or self.valid_until, self.valid_until)


def placeholders(sentence: str) -> list[str] | None:
    """The names in braces, or None when the braces do not match."""
    try:
        return [name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None]
    except ValueError:
        return None


def prose(sentence: str) -> str:
    """The sentence without its placeholders."""
    return re.sub(r"\{\w*\}", " ", sentence)


def figure_in_prose(sentence: str) -> str | None:
    """A digit or a word that looks like a figure outside the placeholders; such a figure would escape checking."""
    found = _FIGURE_IN_PROSE.search(prose(sentence))
    return found[0] if found else None


def problems(pack: Pack, intents: Mapping[str, IntentRow]) -> Iterator[Problem]:
    """What the schema alone cannot say: what is named and is not there, what can never be said, figures in prose."""
    yield from _answer_problems(pack, intents)
    yield from _entry_problems(pack, intents)
    yield from _product_problems(pack, intents)


def _answer_problems(pack: Pack, intents: Mapping[str, IntentRow]) -> Iterator[Problem]:
    known = pack.figures.keys() | HOURS_FACTS
    for intent, variants in pack.answers.items():
        if intent not in intents:
            yield ("answers", intent), "no such intent in config/intents.tsv"
        for number, variant in enumerate(variants):
            here = ("answers", intent, number)
            for condition in sorted(variant.when.keys() - CONDITIONS):
                yield (*here, "when", condition), f"unknown condition; allowed: {', '.join(sorted(CONDITIONS))}"
            if not variant.when and number < len(variants) - 1:
                yield here, "always holds, so the answers after it are never said"
            yield from _sentence_problems(here, variant.zh, variant.en, known)


def _sentence_problems(here: KeyPath, zh: str, en: str, known: Set[str]) -> Iterator[Problem]:
    for language, sentence in (("zh", zh), ("en", en)):
        names = placeholders(sentence)
        if names is None:
            yield (*here, language), "braces do not match"
        for name in sorted(set(names or ()) - known):
            yield (*here, language), f"{{{name}}}: no such figure"
        if found := figure_in_prose(sentence):
            yield (*here, language), f"'{found.strip()}' looks like a figure: write it in figures and name it"


def _entry_problems(pack: Pack, intents: Mapping[str, IntentRow]) -> Iterator[Problem]:
    seen: set[str] = set()
    asked: dict[str, str] = {}
    for number, entry in enumerate(pack.entries):
        here: KeyPath = ("entries", number)
        if entry.id in seen:
            yield (*here, "id"), f"'{entry.id}' stands twice"
        seen.add(entry.id)
        for part in ("intents", "about"):
            for intent in getattr(entry, part):
                if intent not in intents:
                    yield (*here, part), f"'{intent}': no such intent in config/intents.tsv"
        yield from _sentence_problems(here, entry.zh, entry.en, pack.figures.keys())
        if set(placeholders(entry.zh) or ()) != set(placeholders(entry.en) or ()):
            yield (*here, "en"), "the two languages do not name the same figures"
        for language in LANGUAGES:
            for at, ask in enumerate(entry.expected(language)):
                same = re.sub(r"[\W_]", "", ask.lower())
                if same in asked:
                    yield (*here, "asks", language, at), f"the same question stands at '{asked[same]}'"
                asked[same] = entry.id


def _product_problems(pack: Pack, intents: Mapping[str, IntentRow]) -> Iterator[Problem]:
    entries = {entry.id for entry in pack.entries}
    for name, product in pack.products.items():
        edges: tuple[tuple[str, tuple[str, ...], set[str], str], ...] = (
            ("intents", product.intents, set(intents), "intent"),
            ("requires", product.requires, set(pack.documents), "document"),
            ("costs", product.costs, set(pack.figures), "figure"),
            ("leads_to", product.leads_to, set(pack.products) - {name}, "other product"),
            ("explained_by", product.explained_by, entries, "entry"),
        )
        for edge, ends, allowed, what in edges:
            for end in ends:
                if end not in allowed:
                    yield ("products", name, edge), f"'{end}': no such {what}"
