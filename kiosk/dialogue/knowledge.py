"""Approved answers: what may be said about hours, places, papers, fees and rates, and nothing else.

Two ways lead to an answer: a wish with its slots (`answer`), and a question in the visitor's own words (`find`). A
figure stands once in the pack, typed, and is filled into the sentence; opening hours are the site's. What has expired
is not said. It never composes an answer of its own.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Protocol

from config.intents import IntentRow
from config.schema import Hours, Site, Weekday
from contracts.screen import Language
from kiosk.content.chosen import pack_for
from kiosk.content.opening import DAYS, HOURS_FACTS, Spoken, hours_facts
from kiosk.content.pack import Entry, Pack, Product, Variant, placeholders

ASKED: Final = ("", "tomorrow", "day_after", *DAYS, "weekend")  # values of a `date` slot that change what is said
PARTS_OF_DAY: Final = (5, 12, 22)  # hours before, within and after those of any branch


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """An answer that may be said, in the visitor's language and in the other."""

    text: str
    translation: str
    source: str
    valid_until: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An approved answer to a question, which entry it is, and how surely it answers, in [0, 1]."""

    text: str
    translation: str
    source: str
    valid_until: date
    entry: str
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What a service takes, in one language: documents, fees as they are said, the counter's service, what follows."""

    name: str
    documents: tuple[str, ...]
    fees: tuple[str, ...]
    done_at: str | None
    leads_to: tuple[str, ...]


class Hit(Protocol):
    """The entry that answers best. `sure`: well enough to be said."""

    @property
    def entry(self) -> Entry: ...
    @property
    def score(self) -> float: ...
    @property
    def sure(self) -> bool: ...


class Finder(Protocol):
    """Finds the entry of one pack that answers a question: `kiosk/content/finder.py`."""

    def best(self, text: str, language: Language, ranked_intents: Sequence[tuple[str, float]]) -> Hit | None: ...


class MakesFinder(Protocol):
    """Makes a pack ready for questions; takes seconds the first time."""

    def __call__(self, pack: Pack) -> Finder: ...


@dataclass(slots=True)
class KnowledgeTallies:
    """How often an answer was there, missing, past its day, or not surely right; and how often the pack changed."""

    answered: int = 0
    missing: int = 0
    expired: int = 0
    unsure: int = 0
    swapped: int = 0


@dataclass(frozen=True, slots=True)
class _InForce:
    """A pack with its figures as they are said and its finder: replaced whole, so that no answer mixes two packs."""

    pack: Pack
    said: Mapping[str, Spoken]
    finder: Finder | None


class ApprovedKnowledge:
    """The pack in force with the branch's hours. Pure but for its tallies and `swap`."""

    def __init__(self, pack: Pack, hours: Mapping[Weekday, Hours], make_finder: MakesFinder | None = None) -> None:
        """Without `make_finder` only wishes are answered, not questions."""
        self._hours = dict(hours)
        self._make_finder = make_finder
        self.tallies = KnowledgeTallies()
        self._now = self._ready(pack)

    @classmethod
    def for_site(
        cls,
        site: Site,
        intents: Mapping[str, IntentRow],
        make_finder: MakesFinder | None = None,
    ) -> ApprovedKnowledge:
        """The pack that the site names: signed where it has public keys. Raises `ConfigError`."""
        return cls(pack_for(site, intents), site.branch.hours, make_finder)

    @property
    def pack(self) -> Pack:
        """The pack in force."""
        return self._now.pack

    def _ready(self, pack: Pack) -> _InForce:
        said = {name: figure.said() for name, figure in pack.figures.items()}
        return _InForce(pack, said, self._make_finder(pack) if self._make_finder and pack.entries else None)

    def swap(self, pack: Pack) -> None:
        """Take a new pack. It is made ready first; until then the old one answers, also from other threads."""
        self._now = self._ready(pack)
        self.tallies.swapped += 1

    def adopt(self, hours: Mapping[Weekday, Hours]) -> None:
        """Other opening hours in the next answer."""
        self._hours = dict(hours)

    # ------------------------------------------------------------ by wish
    def answer(self, intent: str, language: Language, slots: Mapping[str, str], now: datetime) -> Approved | None:
        """The approved answer to a wish, or None if there is none, none fits, or it expired before `now`."""
        force = self._now
        state, facts = hours_facts(self._hours, slots.get("date", ""), now)
        known = {**slots, **state}
        variant = next((row for row in force.pack.answers.get(intent, ()) if _holds(row, known)), None)
        if variant is None:
            self.tallies.missing += 1
            return None
        valid_until = force.pack.last_day(variant)
        if now.date() > valid_until:
            self.tallies.expired += 1
            return None
        self.tallies.answered += 1
        text, translation = _filled(variant, language, {**force.said, **facts})
        return Approved(
            text=text, translation=translation, source=variant.source or force.pack.source, valid_until=valid_until
        )

    # ------------------------------------------------------------ by question
    def find(
        self, text: str, language: Language, ranked_intents: Sequence[tuple[str, float]], now: datetime
    ) -> Found | None:
        """The entry that surely answers these words, in `language`; None if none does or it expired before `now`.

        `ranked_intents`: the wishes behind the words with probabilities, best first.
        """
        force = self._now
        hit = force.finder.best(text, language, ranked_intents) if force.finder else None
        if hit is None:
            self.tallies.missing += 1
            return None
        if not hit.sure:
            self.tallies.unsure += 1
            return None
        valid_until = force.pack.last_day(hit.entry)
        if now.date() > valid_until:
            self.tallies.expired += 1
            return None
        self.tallies.answered += 1
        said, translation = _filled(hit.entry, language, force.said)
        return Found(
            text=said,
            translation=translation,
            source=hit.entry.source,
            valid_until=valid_until,
            entry=hit.entry.id,
            score=hit.score,
        )

    def entry(self, name: str, language: Language, now: datetime) -> tuple[str, Approved] | None:
        """One entry by its id, as a teller asks for it: a question that it answers, and the answer; None if there is
        none or it expired before `now`."""
        force = self._now
        row = next((row for row in force.pack.entries if row.id == name), None)
        if row is None or now.date() > force.pack.last_day(row):
            return None
        text, translation = _filled(row, language, force.said)
        said = Approved(text=text, translation=translation, source=row.source, valid_until=force.pack.last_day(row))
        return row.expected(language)[0], said

    # ------------------------------------------------------------ what a service takes
    def needs(self, intent: str, language: Language, now: datetime) -> Needs | None:
        """What the service behind a wish requires and costs; None if the pack does not say or has expired."""
        force = self._now
        products = force.pack.products
        product = next((row for row in products.values() if intent in row.intents), None)
        if product is None or now.date() > force.pack.valid_until:
            return None
        side = 0 if language == "zh" else 1
        documents = [force.pack.documents[name] for name in product.requires]
        return Needs(
            name=_named(product, language),
            documents=tuple(thing.zh if language == "zh" else thing.en for thing in documents),
            fees=tuple(force.said[name][side] for name in product.costs),
            done_at=product.done_at,
            leads_to=tuple(_named(products[name], language) for name in product.leads_to),
        )

    def sayable(self, now: datetime) -> Iterator[tuple[str, str]]:
        """Every answer to a wish that may be said in the week from `now` on, Mandarin and English; some come twice.

        Answers to questions are not among them: several hundred, each seldom asked, of which `answers` gives all.
        """
        force = self._now
        moments = [now.replace(hour=hour, minute=0) + timedelta(days=day) for day in range(7) for hour in PARTS_OF_DAY]
        for variants in force.pack.answers.values():
            for variant in variants:
                if now.date() > force.pack.last_day(variant):
                    continue
                if not HOURS_FACTS & set(placeholders(variant.zh + variant.en) or ()):
                    yield _filled(variant, "zh", force.said)
                    continue
                for asked, moment in itertools.product(ASKED, moments):
                    state, hours = hours_facts(self._hours, asked, moment)
                    known = {**variant.when, "date": asked, **state}
                    if next(filter(lambda row: _holds(row, known), variants), None) is variant:
                        yield _filled(variant, "zh", {**force.said, **hours})

    def answers(self, now: datetime) -> Iterator[tuple[str, str]]:
        """Every answer to a free question that may be said at `now`, Mandarin and English."""
        force = self._now
        for row in force.pack.entries:
            if now.date() <= force.pack.last_day(row):
                yield _filled(row, "zh", force.said)


def _holds(variant: Variant, known: Mapping[str, str]) -> bool:
    return all(known.get(name) == value for name, value in variant.when.items())


def _filled(sentence: Variant | Entry, language: Language, said: Mapping[str, Spoken]) -> tuple[str, str]:
    """The sentence in `language`, and in the other."""
    zh = sentence.zh.format_map({name: spoken[0] for name, spoken in said.items()})
    en = sentence.en.format_map({name: spoken[1] for name, spoken in said.items()})
    en = en[:1].upper() + en[1:]  # a figure may come first
    return (zh, en) if language == "zh" else (en, zh)


def _named(product: Product, language: Language) -> str:
    return product.zh if language == "zh" else product.en
