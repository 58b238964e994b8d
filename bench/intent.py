"""How well wishes are understood: accuracy, what may be acted on at 95 % precision, and delay.

`python -m bench intent [--data FILE.tsv] [--weights FOLDER] [--asr [--lines N]] [--curves FOLDER] [--json -]`; lines of
`intent<TAB>language<TAB>text`. Without `--data` it judges the project's own unseen test file. `--asr` speaks each line
with the product's voices, with noise, and recognises it first; N lines are drawn evenly, all of them with `--full`.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from bench.intent_curves import write_curves
from bench.intent_spoken import Heard, heard_lines
from config.schema import load_site
from models.intent import WEIGHTS, IntentModel, Understanding
from models.store import Store
from models.train.corpus import DATA, Example, load_labelled

WANTED_PRECISION: Final = 0.95
CONFUSIONS: Final = 20
SPOKEN_LINES: Final = 400  # speaking and recognising one takes about a second and a half
NOT_UNDERSTOOD: Final = Understanding(ranked=(), decision="unsure")


@dataclass(frozen=True, slots=True)
class Judged:
    """One line with what was made of it."""

    example: Example
    heard: Understanding
    delay_ms: float

    @property
    def first(self) -> str:
        """The likeliest intent; empty for a text without words."""
        return self.heard.ranked[0].intent if self.heard.ranked else ""

    @property
    def right(self) -> bool:
        return self.first == self.example.intent

    @property
    def in_top_two(self) -> bool:
        return self.example.intent in [ranked.intent for ranked in self.heard.ranked[:2]]

    @property
    def clarified(self) -> bool:
        """Right, or asked 'this or that?' with the right one on offer."""
        return self.right or (self.heard.decision == "ask" and self.in_top_two)

    @property
    def probability(self) -> float:
        return self.heard.ranked[0].probability if self.heard.ranked else 0.0


def judge(model: IntentModel, examples: Sequence[Example]) -> list[Judged]:
    """Classify every line, timing each; the first call (which loads tables) is not counted."""
    model.classify("预热 warm up")
    judged = []
    for example in examples:
        started = time.perf_counter_ns()
        heard = model.classify(example.text, (), example.language)
        judged.append(Judged(example, heard, (time.perf_counter_ns() - started) / 1e6))
    return judged


def judge_heard(model: IntentModel, lines: Iterable[Heard]) -> list[Judged]:
    """Classify what was recognised, with its other readings; what the recogniser does not believe is unsure."""
    judged = []
    for line in lines:
        started = time.perf_counter_ns()
        found = model.classify(line.text, line.alternatives, line.language)
        delay_ms = (time.perf_counter_ns() - started) / 1e6
        judged.append(Judged(line.example, found if line.clear else NOT_UNDERSTOOD, delay_ms))
    return judged


def coverage_at_precision(rows: Sequence[Judged], wanted: float) -> float:
    """Largest share of lines that could be acted on, most certain first, with at least `wanted` right."""
    order = sorted(rows, key=lambda row: -row.probability)
    right = 0
    best = 0
    for number, row in enumerate(order, start=1):
        right += row.right
        # Equal certainty cannot be told apart by a threshold: it goes in together.
        last_of_tie = number == len(order) or order[number].probability < row.probability
        if last_of_tie and right >= wanted * number:
            best = number
    return best / len(order) if order else 0.0


def decisions(rows: Sequence[Judged]) -> dict[str, float]:
    """What the shipped thresholds do: share acted on and right in it, share asked and offered rightly, share unsure."""
    acted = [row for row in rows if row.heard.decision == "act"]
    asked = [row for row in rows if row.heard.decision == "ask"]
    offered = [row for row in asked if row.in_top_two]
    return {
        "act": len(acted) / len(rows),
        "act_precision": sum(row.right for row in acted) / len(acted) if acted else 0.0,
        "ask": len(asked) / len(rows),
        "ask_top2": len(offered) / len(asked) if asked else 0.0,
        "unsure": 1.0 - (len(acted) + len(asked)) / len(rows),
    }


def _accuracy(rows: Sequence[Judged]) -> float:
    return sum(row.right for row in rows) / len(rows) if rows else 0.0


def measure(rows: Sequence[Judged], size_mb: float) -> dict[str, Any]:
    """Every figure of the bench as one JSON-ready object."""
    by_language: defaultdict[str, list[Judged]] = defaultdict(list)
    by_intent: defaultdict[str, list[Judged]] = defaultdict(list)
    for row in rows:
        by_language[row.example.language].append(row)
        by_intent[row.example.intent].append(row)
    confused = Counter((row.example.intent, row.first) for row in rows if not row.right)
    delays = np.array([row.delay_ms for row in rows])
    return {
        "lines": len(rows),
        "accuracy": _accuracy(rows),
        "accuracy_top2": sum(row.example.intent in [r.intent for r in row.heard.ranked[:2]] for row in rows)
        / len(rows),
        "accuracy_with_clarify": sum(row.clarified for row in rows) / len(rows),
        "per_language": {name: _accuracy(some) for name, some in sorted(by_language.items())},
        "coverage_at_precision_95": coverage_at_precision(rows, WANTED_PRECISION),
        "coverage_at_precision_95_per_language": {
            name: coverage_at_precision(some, WANTED_PRECISION) for name, some in sorted(by_language.items())
        },
        "decisions": decisions(rows),
        "decisions_per_language": {name: decisions(some) for name, some in sorted(by_language.items())},
        "per_intent": {name: _accuracy(some) for name, some in sorted(by_intent.items())},
        "confusions": [
            {"wanted": wanted, "understood": understood, "lines": count}
            for (wanted, understood), count in confused.most_common(CONFUSIONS)
        ],
        "latency_ms": {
            "p50": float(np.percentile(delays, 50)),
            "p95": float(np.percentile(delays, 95)),
            "max": float(delays.max()),
            "n": len(rows),
        },
        "size_mb": size_mb,
    }


def _curves(judged: Sequence[Judged], folder: Path) -> dict[str, Any]:
    """Reliability and risk-coverage of each language, drawn into `folder`."""
    names = {"zh": "Mandarin", "en": "English"}
    sets = {name: [row for row in judged if row.example.language == language] for language, name in names.items()}
    told = write_curves({name: rows for name, rows in sets.items() if rows}, folder)
    return {"curves": told}


def main(argv: Sequence[str]) -> dict[str, Any]:
    """Judge a file of labelled lines. Raises `ValueError` naming file and line for a malformed one."""
    parser = argparse.ArgumentParser(prog="python -m bench intent", description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA / "test.tsv")
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--asr", action="store_true", help="speak and recognise each line first")
    parser.add_argument("--lines", type=int, default=SPOKEN_LINES, help="so many of them with --asr, drawn evenly")
    parser.add_argument("--full", action="store_true", help="all of them with --asr")
    parser.add_argument("--site", type=Path, default=None, help="whose hot words are used with --asr")
    parser.add_argument("--curves", type=Path, default=None, help="a folder for the curves of honesty, drawn")
    parser.add_argument("--seed", type=int, default=20)
    options = parser.parse_args(argv)
    examples = load_labelled(options.data)
    if not examples:
        raise ValueError(f"{options.data}: no lines to judge")
    parts = [
        *(options.weights / name for name in ("intent.onnx", "intent.json")),
        *Store().open("sentences").glob("*.*"),
    ]
    size_mb = sum(part.stat().st_size for part in parts) / 1e6
    model = IntentModel.open(folder=options.weights)
    if not options.asr:
        judged = judge(model, examples)
        told = measure(judged, size_mb)
        return told | _curves(judged, options.curves) if options.curves else told
    if not options.full and len(examples) > options.lines:
        examples = random.Random(options.seed).sample(examples, options.lines)
    model.classify("预热 warm up")
    told = measure(judge_heard(model, heard_lines(examples, load_site(options.site), options.seed)), size_mb)
    return {**told, "condition": "synthetic voices, white noise 12 to 30 dB below, no room; hot words of the site"}
