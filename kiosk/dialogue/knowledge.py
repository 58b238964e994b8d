"""Approved answers: what may be said about hours, places, papers, fees and rates, and nothing else.

A figure stands once in the pack's `facts` and is filled into the sentence; opening hours are the
site's. What has expired is not said. It never composes an answer of its own.
"""

from __future__ import annotations

import itertools
import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field, StringConstraints

from config.intents import IntentRow
from config.load import ConfigError, load_yaml, yaml_lines
from config.schema import CONFIG_DIR, Hours, Section, Site, Weekday
from contracts.screen import Language
from kiosk.dialogue.opening import DAYS, HOURS_FACTS, Spoken, hours_facts

CONTENT_DIR: Final = CONFIG_DIR / "content"
CONDITIONS: Final = frozenset(
    ["place", "item", "date", "term", "currency", "topic", "how", "amount", "day_open", "now", "ever_open"]
)
ASKED: Final = ("", "tomorrow", "day_after", *DAYS, "weekend")  # values of a `date` slot that change what is said
PARTS_OF_DAY: Final = (5, 12, 22)  # hours before, within and after those of any branch
Id = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


class Fact(Section):
    """One figure or name in both languages, as it is spoken."""

    zh: str = Field(min_length=1, max_length=80)
    en: str = Field(min_length=1, max_length=120)


class Variant(Section):
    """An answer; the first of an intent whose `when` all holds is said. Without `when` it always holds."""

    when: dict[Id, str] = Field(default_factory=dict, max_length=4, description="slot or state and its value")
    zh: str = Field(min_length=1, max_length=240)
    en: str = Field(min_length=1, max_length=400)
    source: str | None = Field(default=None, max_length=120, description="otherwise the pack's")
    approved_by: str | None = Field(default=None, max_length=120, description="otherwise the pack's")
    valid_until: date | None = Field(default=None, description="last day it may be said; otherwise the pack's")


class Pack(Section):
    """A bank's approved answers. `valid_until` is the last day on which they may be said."""

    bank: Id
    branch: Id
    version: int = Field(ge=1, le=1_000_000)
    source: str = Field(min_length=1, max_length=120)
    approved_by: str = Field(min_length=1, max_length=120)
    valid_until: date
    facts: dict[Id, Fact] = Field(default_factory=dict, max_length=2000)
    answers: dict[Id, tuple[Variant, ...]] = Field(min_length=1, max_length=400)


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """An answer that may be said, in the visitor's language and in the other."""

    text: str
    translation: str
    source: str
    valid_until: date


@dataclass(slots=True)
class KnowledgeTallies:
    """How often an answer was there, missing, or past its day."""

    answered: int = 0
    missing: int = 0
    expired: int = 0


def load_pack(path: Path, intents: Mapping[str, IntentRow]) -> Pack:
    """Read a content pack. Raises `ConfigError` naming file, line, key and what is allowed."""
    pack = load_yaml(path, Pack)
    for key, problem in _problems(pack, intents):
        lines = yaml_lines(path.read_text("utf-8"))
        line = next((lines[key[:n]] for n in range(len(key), 0, -1) if key[:n] in lines), 1)
        raise ConfigError(f"{path}:{line}: {'.'.join(map(str, key))}: {problem}")
    return pack


def _problems(pack: Pack, intents: Mapping[str, IntentRow]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """What the schema alone cannot say: unknown intents, conditions and placeholders, unreachable answers."""
    known = pack.facts.keys() | HOURS_FACTS
    for intent, variants in pack.answers.items():
        if intent not in intents:
            yield ("answers", intent), "no such intent in config/intents.tsv"
        for number, variant in enumerate(variants):
            here = ("answers", intent, number)
            for condition in sorted(variant.when.keys() - CONDITIONS):
                yield (*here, "when", condition), f"unknown condition; allowed: {', '.join(sorted(CONDITIONS))}"
            if not variant.when and number < len(variants) - 1:
                yield here, "always holds, so the answers after it are never said"
            for language in ("zh", "en"):
                names = placeholders(getattr(variant, language))
                if names is None:
                    yield (*here, language), "braces do not match"
                for name in sorted(set(names or ()) - known):
                    yield (*here, language), f"{{{name}}}: no such fact"


def placeholders(sentence: str) -> list[str] | None:
    """The names in braces, or None when the braces do not match."""
    try:
        return [name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None]
    except ValueError:
        return None


def _holds(variant: Variant, known: Mapping[str, str]) -> bool:
    return all(known.get(name) == value for name, value in variant.when.items())


class ApprovedKnowledge:
    """The pack in force with the branch's hours. Pure but for its tallies."""

    def __init__(self, pack: Pack, hours: Mapping[Weekday, Hours]) -> None:
        self._pack = pack
        self._hours = dict(hours)
        self.tallies = KnowledgeTallies()

    @classmethod
    def for_site(cls, site: Site, intents: Mapping[str, IntentRow], folder: Path = CONTENT_DIR) -> ApprovedKnowledge:
        """The pack of the site's bank. Raises `ConfigError`."""
        return cls(load_pack(folder / f"{site.bank.id}.yaml", intents), site.branch.hours)

    def answer(self, intent: str, language: Language, slots: Mapping[str, str], now: datetime) -> Approved | None:
        """The approved answer to a wish, or None if there is none, none fits, or it expired before `now`."""
        state, facts = hours_facts(self._hours, slots.get("date", ""), now)
        known = {**slots, **state}
        variant = next((row for row in self._pack.answers.get(intent, ()) if _holds(row, known)), None)
        if variant is None:
            self.tallies.missing += 1
            return None
        valid_until = min(variant.valid_until or self._pack.valid_until, self._pack.valid_until)
        if now.date() > valid_until:
            self.tallies.expired += 1
            return None
        self.tallies.answered += 1
        other: Language = "en" if language == "zh" else "zh"
        return Approved(
            text=self._filled(variant, language, facts),
            translation=self._filled(variant, other, facts),
            source=variant.source or self._pack.source,
            valid_until=valid_until,
        )

    def sayable(self, now: datetime) -> Iterator[tuple[str, str]]:
        """Every answer that may be said in the week from `now` on, in Mandarin and in English; some come twice."""
        moments = [now.replace(hour=hour, minute=0) + timedelta(days=day) for day in range(7) for hour in PARTS_OF_DAY]
        for variants in self._pack.answers.values():
            for variant in variants:
                if now.date() > min(variant.valid_until or self._pack.valid_until, self._pack.valid_until):
                    continue
                if not HOURS_FACTS & set(placeholders(variant.zh + variant.en) or ()):
                    yield self._filled(variant, "zh", {}), self._filled(variant, "en", {})
                    continue
                for asked, moment in itertools.product(ASKED, moments):
                    state, hours = hours_facts(self._hours, asked, moment)
                    known = {**variant.when, "date": asked, **state}
                    if next(filter(lambda row: _holds(row, known), variants), None) is variant:
                        yield self._filled(variant, "zh", hours), self._filled(variant, "en", hours)

    def _filled(self, variant: Variant, language: Language, hours: Mapping[str, Spoken]) -> str:
        values = {name: fact.zh if language == "zh" else fact.en for name, fact in self._pack.facts.items()}
        values |= {name: zh if language == "zh" else en for name, (zh, en) in hours.items()}
        return (variant.zh if language == "zh" else variant.en).format_map(values)
