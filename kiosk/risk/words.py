"""Reads the words that give a swindle away (`words/*.txt`) and finds them in what was said. Pure after loading."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

from contracts.screen import Language

FOLDER: Final = Path(__file__).parent / "words"
_SECTION: Final = re.compile(r"\[(?:(let|unless|sign|sound|danger) )?([a-z_]+)\]")
_PLACE: Final = re.compile(r"<([a-z_]+)>")
_SINGLE: Final = ("reported", "trusted", "orders", "calm")
SOUND_SYLLABLES: Final = 3  # shorter phrases sound like too much else

Sounds = Callable[[str], tuple[str, ...]]
"""The syllables of a Mandarin text, without tones, sounds that are confused made one."""


class WordsError(ValueError):
    """A file of words that cannot be used; the text names file and line."""


@dataclass(frozen=True, slots=True)
class Book:
    """The words of one language. `said` and `unless` by indicator, `signs` by name, cries for help by danger."""

    said: Mapping[str, re.Pattern[str]]
    unless: Mapping[str, re.Pattern[str]]
    signs: Mapping[str, re.Pattern[str]]
    sounds: Mapping[str, tuple[str, ...]]
    reported: re.Pattern[str]
    trusted: re.Pattern[str]
    orders: re.Pattern[str]
    dangers: Mapping[str, re.Pattern[str]]
    calm: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Found:
    """What one turn gave away. `spans`: indicator to the place `[start, end)` in the tidied text; never logged.

    `orders`: it tells a machine what to be; of the visitor's errand it says nothing.
    """

    spans: Mapping[str, tuple[int, int]] = field(repr=False)
    signs: frozenset[str]
    reported: bool
    trusted: bool
    orders: bool = False


@cache
def load_book(language: Language, folder: Path = FOLDER) -> Book:
    """Raises `WordsError` with file and line for an unknown section or a pattern that is none."""
    path = folder / f"{language}.txt"
    sections: dict[tuple[str, str], list[str]] = {}
    where: list[str] | None = None
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        if head := _SECTION.fullmatch(line):
            where = sections.setdefault((head[1] or "", head[2]), [])
            continue
        if where is None:
            raise WordsError(f"{path}:{number}: a pattern before the first [section]")
        lets = {name: "|".join(rows) for (kind, name), rows in sections.items() if kind == "let"}
        if unknown := [name for name in _PLACE.findall(line) if name not in lets]:
            raise WordsError(f"{path}:{number}: <{unknown[0]}> has no [let {unknown[0]}] above")
        filled = _PLACE.sub(lambda place, lets=lets: lets[place[1]], line)  # type: ignore[misc]
        try:
            re.compile(filled)
        except re.error as err:
            raise WordsError(f"{path}:{number}: {err}") from err
        where.append(filled)
    if missing := [name for name in _SINGLE if not sections.get(("", name))]:
        raise WordsError(f"{path}: no [{missing[0]}] section")

    def patterns(kind: str) -> dict[str, re.Pattern[str]]:
        return {
            name: re.compile("|".join(rows))
            for (its, name), rows in sections.items()
            if its == kind and rows and name not in _SINGLE
        }

    return Book(
        said=patterns(""),
        unless=patterns("unless"),
        signs=patterns("sign"),
        sounds={name: tuple(rows) for (kind, name), rows in sections.items() if kind == "sound"},
        reported=re.compile("|".join(sections["", "reported"])),
        trusted=re.compile("|".join(sections["", "trusted"])),
        orders=re.compile("|".join(sections["", "orders"])),
        dangers=patterns("danger"),
        calm=re.compile("|".join(sections["", "calm"])),
    )


def find(text: str, book: Book, sounds: Sounds | None = None) -> Found:
    """What `text`, tidied, gives away. Somebody who tells of a swindle ('the poster says …') gives nothing away."""
    signs = frozenset(name for name, pattern in book.signs.items() if pattern.search(text))
    trusted = book.trusted.search(text) is not None
    if book.reported.search(text):
        return Found({}, signs, reported=True, trusted=trusted)
    spans: dict[str, tuple[int, int]] = {}
    for name, pattern in book.said.items():
        if (hit := pattern.search(text)) and not _taken_back(text, name, book):
            spans[name] = hit.span()
    if sounds is not None and book.sounds:
        heard = " ".join(("", *sounds(text), ""))
        for name, phrases in book.sounds.items():
            if name not in spans and not _taken_back(text, name, book) and _heard(heard, phrases, sounds):
                spans[name] = (0, len(text))
    return Found(spans, signs, reported=False, trusted=trusted, orders=book.orders.search(text) is not None)


def _taken_back(text: str, name: str, book: Book) -> bool:
    unless = book.unless.get(name)
    return unless is not None and unless.search(text) is not None


def _heard(heard: str, phrases: tuple[str, ...], sounds: Sounds) -> bool:
    return any(wanted in heard for wanted in _sounded(phrases, sounds))


@lru_cache(maxsize=256)
def _sounded(phrases: tuple[str, ...], sounds: Sounds) -> tuple[str, ...]:
    """The phrases as they sound, those that are long enough. Only the book is kept, never what a visitor said."""
    wanted = (sounds(phrase) for phrase in phrases)
    return tuple(" ".join(("", *its, "")) for its in wanted if len(its) >= SOUND_SYLLABLES)
