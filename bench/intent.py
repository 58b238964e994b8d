"""How well wishes are understood: accuracy, what may be acted on at 95 % precision, and delay.

`python -m bench intent [--data FILE.tsv] [--weights FOLDER] [--json -]`; lines of
`intent<TAB>language<TAB>text`. Without `--data` it judges the project's own unseen test file.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from models.intent import WEIGHTS, IntentModel, Understanding
from models.train.corpus import DATA, Example, load_labelled

WANTED_PRECISION: Final = 0.95
CONFUSIONS: Final = 20


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


def main(argv: Sequence[str]) -> dict[str, Any]:
    """Judge a file of labelled lines. Raises `ValueError` naming file and line for a malformed one."""
    parser = argparse.ArgumentParser(prog="python -m bench intent", description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA / "test.tsv")
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    options = parser.parse_args(argv)
    examples = load_labelled(options.data)
    if not examples:
        raise ValueError(f"{options.data}: no lines to judge")
    size = sum((options.weights / name).stat().st_size for name in ("intent.onnx", "intent.json"))
    return measure(judge(IntentModel(options.weights), examples), size / 1e6)
