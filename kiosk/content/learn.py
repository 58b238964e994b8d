"""From sentences that got no answer to a better pack: heaps of those that want the same, and a source with what an
editor accepted.

Nothing is answered because of this: a heap is a proposal, and what is accepted goes through checks, a regression and a
second person before any terminal says it.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
import numpy as np
import yaml

from contracts.screen import Language
from kiosk.content.pack import LANGUAGES, Pack
from kiosk.content.retrieval import Encoder, Floats, Index

ALIKE: Final = 0.62  # cosine to the middle of a heap from which a sentence belongs to it
LINES_MOST: Final = 2_000  # of one look
KEPT_LINES: Final = 12  # of one heap
NEAR: Final = 3  # entries named beside a heap
ASKS_MOST: Final = 40  # of an entry, in one language: the pack's own bound
LEARNED: Final = "learned.yaml"
_MASK: Final = re.compile(r"〔\w+〕")


class Heard(msgspec.Struct, frozen=True):
    """One sentence, scrubbed."""

    id: int
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=160)]
    language: Language


class Near(msgspec.Struct, frozen=True):
    """An entry that comes near; `score` 0..1 as the pack's own decision has it, the nearest question's cosine."""

    entry: str
    score: float
    zh: str
    en: str


class Heap(msgspec.Struct, frozen=True):
    """Sentences that want the same: `lines` differ, the middle one first."""

    ids: tuple[int, ...]
    language: Language
    lines: tuple[str, ...]
    near: tuple[Near, ...]


class Lesson(msgspec.Struct, frozen=True, kw_only=True):
    """What an editor accepted: further ways of asking `entry`, or a new entry with its answer in both languages."""

    kind: Literal["asks", "entry"]
    entry: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
    language: Language
    lines: Annotated[tuple[str, ...], msgspec.Meta(max_length=KEPT_LINES)]
    zh: Annotated[str, msgspec.Meta(max_length=240)] = ""
    en: Annotated[str, msgspec.Meta(max_length=400)] = ""
    asks_zh: Annotated[str, msgspec.Meta(max_length=160)] = ""
    asks_en: Annotated[str, msgspec.Meta(max_length=160)] = ""


@dataclass(slots=True)
class Taught:
    """What became of the lessons."""

    version: int
    lines: int = 0
    entries: int = 0
    passed_over: list[str] = field(default_factory=list)  # why, by lesson


def heaps(heard: Sequence[Heard], pack: Pack, encoder: Encoder, index: Index) -> list[Heap]:
    """The sentences by what they want, the largest heap first; each language for itself."""
    found: list[Heap] = []
    for language in LANGUAGES:
        mine = [one for one in heard[:LINES_MOST] if one.language == language]
        found += [_heap(members, language, pack, encoder, index) for members in _grouped(mine, encoder)]
    return sorted(found, key=lambda heap: (-len(heap.ids), heap.ids))


def _grouped(heard: Sequence[Heard], encoder: Encoder) -> Iterator[list[Heard]]:
    """Each sentence joins the heap whose middle is nearest, if it is near enough; then once more, with all middles."""
    rows = [(one, encoder.embed(plain(one.text))) for one in heard]
    middles: list[Floats] = []
    for _ in range(2):
        groups: list[list[int]] = [[] for _ in middles]
        for at, (_, row) in enumerate(rows):
            likes = [float(row @ middle) for middle in middles]
            best = int(np.argmax(likes)) if likes else -1
            if best < 0 or likes[best] < ALIKE:
                middles.append(row)
                groups.append([at])
            else:
                groups[best].append(at)
        groups = [group for group in groups if group]
        middles = [_middle([rows[at][1] for at in group]) for group in groups]
    for group in groups:
        yield [rows[at][0] for at in group]


def _middle(rows: Sequence[Floats]) -> Floats:
    mean = np.mean(np.stack(rows), axis=0)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-9), np.float32)


def _heap(members: Sequence[Heard], language: Language, pack: Pack, encoder: Encoder, index: Index) -> Heap:
    rows = np.stack([encoder.embed(plain(one.text)) for one in members])
    order = np.argsort(-(rows @ _middle(list(rows))), kind="stable")
    lines = tuple(dict.fromkeys(members[at].text for at in order))[:KEPT_LINES]
    ranking = index.rank(plain(lines[0]), ())
    near = []
    for at in ranking.order[:NEAR].tolist():
        entry = pack.entries[at]
        near.append(Near(entry.id, round(float(ranking.ways[at][0]), 3), entry.zh, entry.en))
    return Heap(tuple(sorted(one.id for one in members)), language, lines, tuple(near))


def plain(text: str) -> str:
    """A sentence without the places where something was scrubbed."""
    return " ".join(_MASK.sub(" ", text).split())


def teach(source: Path, out: Path, lessons: Sequence[Lesson], pack: Pack, today: date, version: int) -> Taught:
    """Write a copy of `source` with the lessons in it to the new folder `out`. Raises OSError; ValueError for a lesson
    that names an entry that is not there, or makes one that is."""
    shutil.copytree(source, out)
    told = Taught(version)
    asked = {_same(ask) for entry in pack.entries for side in LANGUAGES for ask in entry.expected(side)}
    room = {(entry.id, side): ASKS_MOST - len(entry.expected(side)) for entry in pack.entries for side in LANGUAGES}
    rows: list[str] = []
    made = []
    for number, lesson in enumerate(lessons):
        fresh = []
        for line in map(plain, lesson.lines):
            if len(line) < 3 or _same(line) in asked:
                told.passed_over.append(f"{lesson.entry}: stands there already, or says nothing (lesson {number + 1})")
                continue
            asked.add(_same(line))
            fresh.append(line)
        if lesson.kind == "entry":
            if pack.entry(lesson.entry) is not None:
                raise ValueError(f"{lesson.entry}: there is such an entry already")
            made.append(_entry(lesson, fresh, pack))
            told.entries += 1
            continue
        if pack.entry(lesson.entry) is None:
            raise ValueError(f"{lesson.entry}: there is no such entry")
        for line in fresh:
            if room[lesson.entry, lesson.language] <= 0:
                told.passed_over.append(f"{lesson.entry}: {ASKS_MOST} ways of asking are known already")
                break
            room[lesson.entry, lesson.language] -= 1
            rows.append(f"{lesson.entry}\t{lesson.language}\t{line}")
            told.lines += 1
    if rows:
        with (out / "asked.tsv").open("a", encoding="utf-8") as file:
            file.write("\n".join(rows) + "\n")
    if made:
        text = yaml.safe_dump({"entries": made}, allow_unicode=True, sort_keys=False)
        (out / "entries" / LEARNED).write_text(text, encoding="utf-8")
    head = yaml.safe_load((out / "pack.yaml").read_text("utf-8"))
    head |= {"version": version, "issued": today}
    (out / "pack.yaml").write_text(yaml.safe_dump(head, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return told


def _entry(lesson: Lesson, fresh: Sequence[str], pack: Pack) -> dict[str, object]:
    """A new entry as the source holds them."""
    if not (lesson.zh and lesson.en and lesson.asks_zh and lesson.asks_en):
        raise ValueError(f"{lesson.entry}: a new entry wants an answer and a question in both languages")
    asks = {"zh": [lesson.asks_zh], "en": [lesson.asks_en]}
    asks[lesson.language] += [line for line in fresh if _same(line) != _same(asks[lesson.language][0])]
    return {
        "id": lesson.entry, "intents": ["other"], "about": [], "asks": asks, "zh": lesson.zh, "en": lesson.en,
        "source": "visitors' questions", "valid_until": pack.valid_until,
    }  # fmt: skip


def _same(ask: str) -> str:
    return re.sub(r"[\W_]", "", ask.lower())
