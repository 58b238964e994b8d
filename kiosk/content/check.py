"""What a writer should look at before a pack is built: expired, contradictory, double, unfindable, unused.

What makes a pack unusable (an unknown name, a figure in prose, the same question twice) is refused when it is read;
here stands what only a person can decide.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal

import numpy as np

from kiosk.content.opening import HOURS_FACTS
from kiosk.content.pack import LANGUAGES, Entry, Pack, placeholders, prose
from kiosk.content.retrieval import Encoder, Index

SOON_DAYS: Final = 30
SAME: Final = 0.97  # cosine from which two questions are the same
ALIKE: Final = 0.9  # from which different figures in their answers are suspicious
_HAN: Final = re.compile(r"[\u4e00-\u9fff]")

Kind = Literal[
    "expired", "expires_soon", "contradictory", "duplicate", "unanswerable", "missing_translation", "unused_figure"
]


@dataclass(frozen=True, slots=True)
class Finding:
    kind: Kind
    where: str
    what: str


def check(pack: Pack, today: date) -> Iterator[Finding]:
    """Everything that can be told without models."""
    yield from _days(pack, today)
    yield from _texts(pack)
    used = {name for entry in pack.entries for name in placeholders(entry.zh) or ()}
    used |= {
        name
        for variants in pack.answers.values()
        for variant in variants
        for name in placeholders(variant.zh + variant.en) or ()
    }
    used |= {name for product in pack.products.values() for name in product.costs}
    for name in sorted(pack.figures.keys() - used - HOURS_FACTS):
        yield Finding("unused_figure", name, "no answer names it")


def _days(pack: Pack, today: date) -> Iterator[Finding]:
    named = [("pack", pack.valid_until), *((entry.id, entry.valid_until) for entry in pack.entries)]
    named += [
        (f"{intent} {number + 1}", variant.valid_until)
        for intent, variants in pack.answers.items()
        for number, variant in enumerate(variants)
        if variant.valid_until
    ]
    for where, last in named:
        if last < today:
            yield Finding("expired", where, f"since {last.isoformat()}")
        elif last <= today + timedelta(days=SOON_DAYS):
            yield Finding("expires_soon", where, f"on {last.isoformat()}")


def _texts(pack: Pack) -> Iterator[Finding]:
    sayings: dict[str, str] = {}
    for entry in pack.entries:
        if not _HAN.search(entry.zh):
            yield Finding("missing_translation", entry.id, "the Mandarin answer has no Mandarin in it")
        if _HAN.search(prose(entry.en)):
            yield Finding("missing_translation", entry.id, "there is Mandarin in the English answer")
        for language in LANGUAGES:
            for ask in entry.expected(language):
                if bool(_HAN.search(ask)) != (language == "zh"):
                    yield Finding("missing_translation", entry.id, f"not in the language it stands under: {ask}")
        if entry.zh in sayings:
            yield Finding("duplicate", entry.id, f"the same answer as {sayings[entry.zh]}")
        sayings[entry.zh] = entry.id


def check_meaning(pack: Pack, encoder: Encoder, index: Index) -> Iterator[Finding]:
    """What needs models: questions that mean the same, and questions whose best entry is another."""
    for language in LANGUAGES:
        asks = [(number, ask) for number, entry in enumerate(pack.entries) for ask in entry.expected(language)]
        if not asks:
            continue
        rows = np.stack([encoder.embed(ask) for _, ask in asks])
        for first, (number, ask) in enumerate(asks):
            yield from _alike(pack, asks, first, rows[first + 1 :] @ rows[first])
            best = pack.entries[int(index.rank(ask, ()).order[0])]
            if best.id != pack.entries[number].id:
                yield Finding("unanswerable", pack.entries[number].id, f"'{ask}' finds {best.id}")


def _alike(
    pack: Pack, asks: Sequence[tuple[int, str]], first: int, near: np.ndarray[tuple[int], np.dtype[np.float32]]
) -> Iterator[Finding]:
    number, ask = asks[first]
    for offset in np.flatnonzero(near >= ALIKE).tolist():
        other, same = asks[first + 1 + offset]
        if other == number:
            continue
        one, two = pack.entries[number], pack.entries[other]
        if differ := _figures_differ(pack, one, two):
            yield Finding("contradictory", one.id, f"{differ} ('{ask}', and {two.id}: '{same}')")
        elif near[offset] >= SAME:
            yield Finding("duplicate", one.id, f"'{ask}' means the same as '{same}' of {two.id}")


def _figures_differ(pack: Pack, one: Entry, two: Entry) -> str | None:
    """Two answers to nearly one question with different figures of one unit."""
    mine, yours = set(placeholders(one.zh) or ()), set(placeholders(two.zh) or ())
    for a in sorted(mine - yours):
        for b in sorted(yours - mine):
            left, right = pack.figures[a], pack.figures[b]
            if left.unit == right.unit != "name" and left.said() != right.said():
                return f"{{{a}}} is {left.said()[1]}, {{{b}}} is {right.said()[1]}"
    return None
