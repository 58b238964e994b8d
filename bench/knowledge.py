"""How well questions find their approved answer, and whether a figure was ever said wrongly.

`python -m bench knowledge [--data FILE] [--source FOLDER] [--day YYYY-MM-DD] [--json -]`; lines of
`answerable|unanswerable<TAB>language<TAB>entry id or -<TAB>question`. Without `--data` it judges the unseen test file
where that is, else the development file. `top1`: of the answerable questions, the share whose right entry is ranked
first, whether or not it was then said; `answered_right`: ranked first and said; `answered_anyway`: of the
unanswerable, the share that got an answer.
"""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from datetime import time as clock_time
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, cast

import numpy as np

from config.intents import load_intents
from config.schema import load_site
from contracts.screen import Language
from kiosk.content.figures import Figure
from kiosk.content.finder import FinderMaker, Match
from kiosk.content.pack import Entry, Pack
from kiosk.content.source import CONTENT_DIR, load_source
from kiosk.dialogue.knowledge import ApprovedKnowledge, Found
from models.intent import IntentModel
from models.intent_features import feature_names
from models.sentences import SentenceModel
from models.store import Store, cache_root

DATA: Final = Path(__file__).parent / "data"
TEST: Final = DATA / "knowledge_test.tsv"
DEVELOPMENT: Final = DATA / "knowledge_dev.tsv"
LINES_MOST: Final = 20_000
SHOWN: Final = 12
_PLACE: Final = re.compile(r"\{(\w+)\}")
_WORDS: Final = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12,
}  # fmt: skip
_SIGNS: Final = {
    "零": 0, "幺": 1, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9,
    "十": 10, "十一": 11, "十二": 12,
}  # fmt: skip
_FEW: Final = {"nothing": 0, "once": 1, "twice": 2, "零": 0, "两": 2}


@dataclass(frozen=True, slots=True)
class Question:
    """One line of a file. `entry`: the right one; None where nothing approved answers."""

    language: Language
    entry: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Judged:
    question: Question
    hit: Match | None
    found: Found | None
    delay_ms: float

    @property
    def right(self) -> bool:
        return self.hit is not None and self.hit.entry.id == self.question.entry


@dataclass(frozen=True, slots=True)
class Parts:
    """What is judged: the pack, ready for questions, and the wishes' model before it."""

    knowledge: ApprovedKnowledge
    maker: FinderMaker
    intents: IntentModel

    def wishes(self, question: Question) -> list[tuple[str, float]]:
        heard = self.intents.classify(question.text, (), question.language)
        return [(row.intent, row.probability) for row in heard.ranked]


def load_questions(path: Path) -> list[Question]:
    """Raises `ValueError` naming file and line."""
    rows: list[Question] = []
    lines = path.read_text("utf-8").splitlines()
    if len(lines) > LINES_MOST:
        raise ValueError(f"{path}: more than {LINES_MOST} lines")
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        cells = line.split("\t")
        if len(cells) != 4 or cells[0] not in ("answerable", "unanswerable") or cells[1] not in ("zh", "en"):
            raise ValueError(f"{path}:{number}: wanted answerable|unanswerable, zh|en, entry id or -, question")
        if (cells[0] == "answerable") == (cells[2] == "-"):
            raise ValueError(f"{path}:{number}: an answerable question has an entry id, any other has -")
        rows.append(Question(cast(Language, cells[1]), None if cells[2] == "-" else cells[2], cells[3]))
    if not rows:
        raise ValueError(f"{path}: no questions")
    return rows


def open_parts(source: Path, *, remember: bool = True) -> Parts:
    """The pack of `source` with the terminal's own models. Raises `ConfigError`, `StoreError`."""
    store = Store()
    encoder = SentenceModel(store.open("sentences"))
    memory = cache_root() / "bench" / "content.npz" if remember else None
    maker = FinderMaker(encoder, feature_names, name=store.folder("sentences").name, memory=memory)
    pack = load_source(source, load_intents())
    knowledge = ApprovedKnowledge(pack, load_site().branch.hours, maker)
    return Parts(knowledge, maker, IntentModel(encoder))


def judge(parts: Parts, questions: Sequence[Question], now: datetime) -> list[Judged]:
    """Ask every question, timing the search, not the wishes before it; what is loaded at first use is not counted."""
    finder = parts.maker(parts.knowledge.pack)
    parts.knowledge.find("预热 warm up", "zh", (), now)
    judged = []
    for question in questions:
        wishes = parts.wishes(question)
        started = time.perf_counter_ns()
        found = parts.knowledge.find(question.text, question.language, wishes, now)
        delay_ms = (time.perf_counter_ns() - started) / 1e6
        judged.append(Judged(question, finder.best(question.text, question.language, wishes), found, delay_ms))
    return judged


# ------------------------------------------------------------ figures, read back by rules of their own
def wrong_figures(found: Found, pack: Pack, language: Language, day: date) -> list[str]:
    """Every figure in a spoken answer that the pack does not hold at that day; each is read back from the words."""
    entry = pack.entry(found.entry)
    if entry is None:
        return [found.text]
    if day > min(entry.valid_until, pack.valid_until):
        return [f"{entry.id}: no longer valid"]
    match, names = _taken_apart(entry, found.text, language, pack.figures)
    if match is None:
        return [f"{entry.id}: not the approved sentence"]
    wrong = [
        f"{entry.id}: {name} said as {said!r}"
        for name, said in zip(names, match.groups(), strict=True)
        if not _says(said, pack.figures[name], language)
    ]
    return wrong


def _taken_apart(
    entry: Entry, text: str, language: Language, figures: Mapping[str, Figure]
) -> tuple[re.Match[str] | None, list[str]]:
    sentence = entry.answer(language)
    parts = _PLACE.split(sentence)
    pattern = "".join(
        f"({_shape(figures[part])})" if place % 2 else re.escape(part) for place, part in enumerate(parts)
    )
    return re.fullmatch(pattern, text, re.IGNORECASE), parts[1::2]


def _shape(figure: Figure) -> str:
    """What a figure can look like; two may follow one another without a word between."""
    if figure.unit != "phone":
        return ".+?"
    digit = "(?:zero|one|two|three|four|five|six|seven|eight|nine)"
    return f"[{''.join(_SIGNS)}]+|{digit}(?: {digit})*"


def _says(said: str, figure: Figure, language: Language) -> bool:
    """Whether these words are this figure."""
    said = said.strip().lower()
    match figure.unit:
        case "name":
            return said == str(figure.zh if language == "zh" else figure.en).lower()
        case "phone":
            heard = [_SIGNS.get(sign) for sign in said] if language == "zh" else [_WORDS.get(w) for w in said.split()]
            return heard == [int(sign) for sign in str(figure.value) if sign.isdigit()]
        case "clock":
            return _minutes(said, language) == _minute_of(clock_time.fromisoformat(str(figure.value)))
    return _number(said) == Decimal(str(figure.value))


def _number(said: str) -> Decimal | None:
    for word, value in _FEW.items():
        if re.search(rf"(?<![\w.]){word}(?![\d])", said) or (len(word) == 1 and word in said):
            return Decimal(value)
    found = re.search(r"(\d[\d,]*(?:\.\d+)?)(万|亿)?", said)
    if found is None:
        return None
    times = {"万": 10**4, "亿": 10**8}.get(found[2] or "", 1)
    return Decimal(found[1].replace(",", "")) * times


def _minute_of(moment: clock_time) -> int:
    return moment.hour * 60 + moment.minute


def _minutes(said: str, language: Language) -> int | None:
    """Minutes since midnight of a time of day as it is spoken."""
    if language == "zh":
        found = re.fullmatch(r"(凌晨|上午|中午|下午|晚上)([一两三四五六七八九十]+)点(半|(\d+)分)?", said)
        if found is None:
            return None
        hour, part = _SIGNS[found[2]], found[1]
        minute = 30 if found[3] == "半" else int(found[4] or 0)
        late = part in ("中午", "下午", "晚上")
    else:
        found = re.fullmatch(r"(half past )?(\w+)(?: (\d+))? in the (morning|afternoon|evening)", said)
        if found is None:
            return None
        hour = _WORDS[found[2]]
        minute = 30 if found[1] else int(found[3] or 0)
        late = found[4] != "morning"
    return (hour % 12 + (12 if late else 0)) * 60 + minute


# ------------------------------------------------------------ figures of the bench
def measure(rows: Sequence[Judged], pack: Pack, day: date) -> dict[str, Any]:
    """Every figure as one JSON-ready object."""
    wrong = [
        problem
        for row in rows
        if row.found is not None
        for problem in wrong_figures(row.found, pack, row.question.language, day)
    ]
    delays = np.array([row.delay_ms for row in rows])
    return {
        **_shares(rows),
        "wrong_figures": len(wrong),
        "wrong_figures_are": wrong[:SHOWN],
        "per_language": {
            lang: _shares([row for row in rows if row.question.language == lang]) for lang in ("zh", "en")
        },
        "entries": len(pack.entries),
        "day": day.isoformat(),
        "latency_ms": {
            "p50": float(np.percentile(delays, 50)),
            "p95": float(np.percentile(delays, 95)),
            "max": float(delays.max()),
            "n": len(rows),
        },
        "missed": [
            {"entry": row.question.entry, "found": row.hit.entry.id if row.hit else None, "said": row.found is not None}
            for row in rows
            if row.question.entry is not None and not row.right
        ][:SHOWN],
        "said_anyway": [
            {"entry": row.found.entry, "score": round(row.found.score, 3)}
            for row in rows
            if row.question.entry is None and row.found is not None
        ][:SHOWN],
    }


def _shares(rows: Sequence[Judged]) -> dict[str, Any]:
    asked = [row for row in rows if row.question.entry is not None]
    unasked = [row for row in rows if row.question.entry is None]
    said = [row for row in asked if row.found is not None]
    return {
        "questions": len(asked),
        "unanswerable": len(unasked),
        "top1": sum(row.right for row in asked) / len(asked) if asked else None,
        "answered_right": sum(row.right for row in said) / len(asked) if asked else None,
        "answered_wrong": sum(not row.right for row in said) / len(asked) if asked else None,
        "answered_anyway": sum(row.found is not None for row in unasked) / len(unasked) if unasked else None,
    }


def main(argv: Sequence[str]) -> dict[str, Any]:
    """Judge a file of questions. Raises `ValueError` for a malformed one, `OSError` for a missing one."""
    parser = argparse.ArgumentParser(prog="python -m bench knowledge", description=__doc__)
    parser.add_argument("--data", type=Path, default=TEST if TEST.exists() else DEVELOPMENT)
    parser.add_argument("--source", type=Path, default=CONTENT_DIR / "qinghe", help="folder of the pack")
    parser.add_argument("--day", type=date.fromisoformat, help="day of the questions; otherwise the pack's first")
    options = parser.parse_args(argv)
    questions = load_questions(options.data)
    parts = open_parts(options.source)
    day = options.day or parts.knowledge.pack.issued
    unknown = {q.entry for q in questions if q.entry} - {entry.id for entry in parts.knowledge.pack.entries}
    if unknown:
        raise ValueError(f"{options.data}: no such entry: {', '.join(sorted(unknown)[:SHOWN])}")
    rows = judge(parts, questions, datetime.combine(day, clock_time(10)))
    return {"data": options.data.name, **measure(rows, parts.knowledge.pack, day)}
