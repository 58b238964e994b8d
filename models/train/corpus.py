"""The sentences that intents are learnt from: read, filled in, and divided.

One line of `data/<language>/*.txt` is one way of putting a wish, under its `[intent]`; ` | ` parts
near variants and `{slot}` is filled from `data/slots.txt`. A line is never divided between training
and validation, so that a near-duplicate cannot flatter the figures. Every sentence was written for
this project.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

DATA: Final = Path(__file__).parent / "data"
INTENTS: Final = Path(__file__).parents[2] / "config" / "intents.tsv"
LANGUAGES: Final = ("zh", "en")
FILLS_PER_TEMPLATE: Final = 8  # more of one template teaches the template, not the wish

_SLOT: Final = re.compile(r"\{(\w+)\}")


class CorpusError(ValueError):
    """A line of the corpus that cannot be used; the text names file and line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One sentence with its label. Sentences of one `group` come from one line."""

    intent: str
    language: str
    group: str
    text: str


def intent_ids(path: Path = INTENTS) -> tuple[str, ...]:
    """The ids of `config/intents.tsv`, in its order."""
    rows = path.read_text(encoding="utf-8").splitlines()[1:]
    return tuple(row.split("\t", 1)[0] for row in rows if row.strip())


def _slots(path: Path) -> dict[str, dict[str, tuple[str, ...]]]:
    fillers: dict[str, dict[str, tuple[str, ...]]] = {}
    language = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("[") and line.endswith("]"):
            language = line[1:-1]
        elif line and not line.startswith("#"):
            name, _, values = line.partition("=")
            fillers.setdefault(language, {})[name.strip()] = tuple(v.strip() for v in values.split(","))
    return fillers


def _fill(template: str, fillers: dict[str, tuple[str, ...]], rng: random.Random) -> Iterator[str]:
    """The template as it is, or up to `FILLS_PER_TEMPLATE` different fillings of it."""
    if not _SLOT.search(template):
        yield template
        return
    seen: set[str] = set()
    for _ in range(FILLS_PER_TEMPLATE):
        filled = _SLOT.sub(lambda match: rng.choice(fillers[match.group(1)]), template)
        if filled not in seen:
            seen.add(filled)
            yield filled


def _read(path: Path, language: str, fillers: dict[str, tuple[str, ...]], known: set[str]) -> Iterator[Example]:
    rng = random.Random(f"{language}/{path.name}")
    intent = ""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        where = f"{language}/{path.name}:{number}"
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith("["):
            intent = line.strip("[] ")
            if intent not in known:
                raise CorpusError(f"{where}: no intent {intent!r} in {INTENTS.name}")
            continue
        for template in line.split(" | "):
            missing = [name for name in _SLOT.findall(template) if name not in fillers]
            if missing or not intent:
                raise CorpusError(f"{where}: {'no slot ' + missing[0] if missing else 'no [intent] above'}")
            for text in _fill(template.strip(), fillers, rng):
                yield Example(intent=intent, language=language, group=where, text=text)


def load_corpus(folder: Path = DATA) -> list[Example]:
    """Every training sentence, filled in; the same each time. Raises `CorpusError`."""
    known = set(intent_ids())
    slots = _slots(folder / "slots.txt")
    examples: list[Example] = []
    for language in LANGUAGES:
        for path in sorted((folder / language).glob("*.txt")):
            examples.extend(_read(path, language, slots[language], known))
    return examples


def filled_lines(path: Path, language: str, seed: int, folder: Path = DATA) -> Iterator[tuple[str, list[str]]]:
    """Each line of a file without intents: its name as a group, and what its filled slots make of it.

    Raises `CorpusError` for a slot that is not in `slots.txt`.
    """
    fillers, rng = _slots(folder / "slots.txt")[language], random.Random(f"{seed}/{path.name}")
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        where = f"{path.name}:{number}"
        if missing := [name for name in _SLOT.findall(line) if name not in fillers]:
            raise CorpusError(f"{where}: no slot {missing[0]}")
        yield where, list(_fill(line.strip(), fillers, rng))


def load_heard(path: Path = DATA / "heard.tsv") -> list[Example]:
    """What the recogniser made of spoken training sentences; `intent language group text` by tabs."""
    if not path.exists():
        return []
    rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines() if line]
    return [Example(intent=r[0], language=r[1], group=r[2], text=r[3]) for r in rows]


def load_labelled(path: Path) -> list[Example]:
    """A file of `intent<TAB>language<TAB>text` lines; its path and line are the groups.

    Raises `CorpusError` with file and line for a line of another shape or an unknown intent.
    """
    known = set(intent_ids())
    examples = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        parts = line.split("\t")
        if len(parts) != 3 or parts[0] not in known or parts[1] not in LANGUAGES:
            raise CorpusError(f"{path}:{number}: want intent<TAB>zh|en<TAB>text with an intent of {INTENTS.name}")
        examples.append(Example(intent=parts[0], language=parts[1], group=f"{path.name}:{number}", text=parts[2]))
    return examples


def fold_of(group: str, folds: int) -> int:
    """Which fold a line belongs to, in `[0, folds)`; decided by its name alone, so it never moves."""
    return int.from_bytes(hashlib.sha256(group.encode()).digest()[:4], "big") % folds


def corpus_hash(folder: Path = DATA) -> str:
    """SHA-256 over every file that training reads (names and bytes, in order of name)."""
    digest = hashlib.sha256(INTENTS.read_bytes())
    for path in sorted([*folder.glob("*/*.txt"), *folder.glob("slots.txt"), *folder.glob("heard.tsv")]):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
