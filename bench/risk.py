"""How many swindles are noticed and how many harmless visitors are troubled.

`python -m bench risk [--data FILE.tsv] [--show-errors] [--without-reader] [--json -]`; lines of
`scam|harmless<TAB>language<TAB>turns`, the visitor's turns separated by ' / '. Raised: any turn gives medium, high or
an emergency. Without `--data` it judges the project's unseen test file, of which it never shows a line.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from contracts.screen import Language
from kiosk.risk.watch import Judge, Level, RiskWatch, Turn
from models.reader import Reader
from models.risk import RiskModel
from models.sentences import SentenceModel
from models.store import Store

TEST: Final = Path(__file__).parent / "data" / "risk_test.tsv"
RAISED: Final[tuple[Level, ...]] = ("medium", "high", "emergency")


@dataclass(frozen=True, slots=True)
class Conversation:
    """One visitor's turns and what they are. `source`: the file's name."""

    scam: bool
    language: Language
    turns: tuple[str, ...] = field(repr=False)
    source: str
    line: int


@dataclass(frozen=True, slots=True)
class Judged:
    """`raised`, `stopped`: the turn, from 1, at which the level became medium or more, and high; None if never."""

    talk: Conversation
    raised: int | None
    stopped: int | None
    delays_ms: tuple[float, ...]


def load_conversations(path: Path) -> list[Conversation]:
    """Raises `ValueError` naming file and line for a malformed one; never quotes it."""
    talks = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        parts = line.split("\t")
        if len(parts) != 3 or parts[0] not in ("scam", "harmless") or parts[1] not in ("zh", "en"):
            raise ValueError(f"{path}:{number}: want scam|harmless<TAB>zh|en<TAB>turn / turn / …")
        turns = tuple(turn.strip() for turn in parts[2].split(" / ") if turn.strip())
        if not turns:
            raise ValueError(f"{path}:{number}: no turn")
        language: Language = "zh" if parts[1] == "zh" else "en"
        talks.append(Conversation(parts[0] == "scam", language, turns, path.name, number))
    return talks


def judge_all(talks: Sequence[Conversation], judge: Judge | None) -> list[Judged]:
    """Each conversation with a watch of its own, turn by turn."""
    judged = []
    for talk in talks:
        watch = RiskWatch(judge)
        raised: int | None = None
        stopped: int | None = None
        delays = []
        for number, text in enumerate(talk.turns, start=1):
            began = time.perf_counter()
            found = watch.heard(Turn(text=text, language=talk.language))
            delays.append((time.perf_counter() - began) * 1e3)
            if found.level in RAISED and raised is None:
                raised = number
            if found.level in ("high", "emergency") and stopped is None:
                stopped = number
        judged.append(Judged(talk, raised, stopped, tuple(delays)))
    return judged


def _share(rows: Sequence[Judged], *, stopped: bool = False) -> float:
    hits = sum((row.stopped if stopped else row.raised) is not None for row in rows)
    return hits / len(rows) if rows else 0.0


def _figures(rows: Sequence[Judged]) -> dict[str, Any]:
    scams, harmless = [r for r in rows if r.talk.scam], [r for r in rows if not r.talk.scam]
    turns = [row.raised for row in scams if row.raised is not None]
    return {
        "conversations": len(rows),
        "scams": len(scams),
        "harmless": len(harmless),
        "recall": _share(scams),
        "false_alarms": _share(harmless),
        "high": {"recall": _share(scams, stopped=True), "false_alarms": _share(harmless, stopped=True)},
        "raised_at_turn_median": statistics.median(turns) if turns else None,
    }


def measure(rows: Sequence[Judged]) -> dict[str, Any]:
    """Every figure as one JSON-ready object."""
    delays = sorted(delay for row in rows for delay in row.delays_ms)
    return {
        **_figures(rows),
        "per_language": {name: _figures([r for r in rows if r.talk.language == name]) for name in ("zh", "en")},
        "latency_ms": {"p50": delays[len(delays) // 2], "p95": delays[int(len(delays) * 0.95)], "n": len(delays)},
    }


def main(argv: Sequence[str]) -> dict[str, Any]:
    """Judge a file. Raises `ValueError` for a malformed one, and when lines of the unseen test are asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench risk", description=__doc__)
    parser.add_argument("--data", type=Path, default=TEST)
    parser.add_argument("--show-errors", action="store_true")
    parser.add_argument("--without-reader", action="store_true", help="judge as a terminal without that model does")
    options = parser.parse_args(argv)
    if options.show_errors and options.data.resolve().name == TEST.name:
        raise ValueError(f"{TEST.name} is the unseen test: its lines are not shown")
    talks = load_conversations(options.data)
    if not talks:
        raise ValueError(f"{options.data}: no conversation to judge")
    store = Store()
    reader = Reader(store.open("reader")) if store.is_stamped("reader") and not options.without_reader else None
    rows = judge_all(talks, RiskModel(SentenceModel(store.open("sentences")), reader=reader))
    result = {**measure(rows), "reader": reader is not None}
    if options.show_errors:
        wrong = [row for row in rows if (row.raised is not None) != row.talk.scam]
        result["errors"] = [
            f"{'missed' if row.talk.scam else 'false alarm'}: {row.talk.source}:{row.talk.line}" for row in wrong
        ]
    return result
