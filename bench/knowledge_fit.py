"""Learns how much each way of finding counts, and when the best entry is good enough: `kiosk/content/weights.json`.

`python -m bench.knowledge_fit [--data FILE] [--out FILE]`, from development questions only; takes a minute. What it
prints was measured on questions that the weights of that fold had not seen.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bench.knowledge import DEVELOPMENT, Parts, Question, load_questions, open_parts
from kiosk.content.decision import FEATURES, WEIGHTS, features
from kiosk.content.finder import PackFinder
from kiosk.content.retrieval import WAYS, Ranking, standing
from kiosk.content.source import CONTENT_DIR
from kiosk.content.words import language_of

FOLDS: Final = 6
WAYS_PULL: Final = 0.01  # towards small weights
DECIDE_PULL: Final = 0.01
LEFT_OUT_COUNTS: Final = 0.3  # a question whose own entry is taken away, beside a real unanswerable one
ANYWAY_MOST: Final = 0.01  # of the held-out unanswerable questions

Rows = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Seen:
    """A question with what the index made of it. `right`: the row of its entry; -1: none."""

    question: Question
    ranking: Ranking
    wishes: list[tuple[str, float]]
    right: int


def look(parts: Parts, questions: Sequence[Question]) -> list[Seen]:
    pack = parts.knowledge.pack
    at = {entry.id: number for number, entry in enumerate(pack.entries)}
    finder: PackFinder = parts.maker(pack)
    seen = []
    for question in questions:
        wishes = parts.wishes(question)
        right = at[question.entry] if question.entry else -1
        seen.append(Seen(question, finder.index.rank(question.text, wishes), wishes, right))
    return seen


def fit_ways(rows: Sequence[Seen]) -> Rows:
    """Weights, none negative, under which the right entry stands first (softmax over entries)."""
    asked = [row for row in rows if row.right >= 0]
    ways = np.stack([standing(row.ranking.ways) for row in asked])
    right = np.array([row.right for row in asked])
    weights = np.full(len(WAYS), 0.3)
    first, second = np.zeros_like(weights), np.zeros_like(weights)
    for step in range(1, 301):
        raised = ways @ weights
        share = np.exp(raised - raised.max(axis=1, keepdims=True))
        share /= share.sum(axis=1, keepdims=True)
        share[np.arange(len(right)), right] -= 1
        slope = np.einsum("ne,new->w", share, ways) / len(right) + WAYS_PULL * weights
        first, second = 0.9 * first + 0.1 * slope, 0.99 * second + 0.01 * slope**2
        weights -= 0.05 * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.99**step)) + 1e-8)
        weights = np.maximum(weights, 0)
    return weights


def reranked(row: Seen, ways: Rows, without: int = -1) -> Ranking:
    """The same question under other weights, and as if an entry were not there."""
    scores = standing(row.ranking.ways) @ ways
    if without >= 0:
        scores[without] = -1e3
    order = np.argsort(-scores, kind="stable")
    return Ranking(row.ranking.text, order, scores, row.ranking.ways, row.ranking.odd, row.ranking.numbers)


def decision_rows(rows: Sequence[Seen], ways: Rows) -> tuple[Rows, Rows, Rows, Rows]:
    """Features, whether the best entry answers, how much each counts, and whether it is English."""
    taken: list[tuple[Rows, bool, float, bool]] = []
    for row in rows:
        ranking = reranked(row, ways)
        english = language_of(row.question.text) == "en"
        taken.append((features(ranking, row.wishes), row.right == ranking.order[0], 1.0, english))
        if row.right >= 0:
            gone = reranked(row, ways, without=row.right)
            taken.append((features(gone, row.wishes), False, LEFT_OUT_COUNTS, english))
    x, y, weight, english_rows = zip(*taken, strict=True)
    return np.stack(x), np.array(y, np.float64), np.array(weight), np.array(english_rows, np.float64)


def fit_decision(rows: Sequence[Seen], ways: Rows) -> dict[str, Any]:
    """Logistic regression by Newton's method, with a bias for each language."""
    x, y, weight, english = decision_rows(rows, ways)
    middle, spread = x.mean(axis=0), x.std(axis=0) + 1e-6
    full = np.concatenate([(x - middle) / spread, english[:, None], 1 - english[:, None]], axis=1)
    pull = np.diag([DECIDE_PULL] * len(FEATURES) + [1e-4] * 2) * len(y)
    beta = np.zeros(full.shape[1])
    for _ in range(30):
        chance = 1 / (1 + np.exp(-np.clip(full @ beta, -30, 30)))
        slope = full.T @ (weight * (chance - y)) + pull @ beta
        bend = (full * (weight * chance * (1 - chance))[:, None]).T @ full + pull
        beta -= np.linalg.solve(bend, slope)
    return {"decide": beta[: len(FEATURES)], "middle": middle, "spread": spread, "en": beta[-2], "zh": beta[-1]}


def chance(card: dict[str, Any], ranking: Ranking, row: Seen) -> float:
    total = float(((features(ranking, row.wishes) - card["middle"]) / card["spread"]) @ card["decide"])
    return float(1 / (1 + np.exp(-(total + card[language_of(row.question.text)]))))


def held_out(rows: Sequence[Seen]) -> list[tuple[float, bool]]:
    """For each question, by weights that did not see it: the chance, and whether the first entry was right."""
    fold = np.random.default_rng(7).permutation(len(rows)) % FOLDS
    found: list[tuple[float, bool]] = [(0.0, False)] * len(rows)
    for this in range(FOLDS):
        others = [row for row, number in zip(rows, fold, strict=True) if number != this]
        ways = fit_ways(others)
        card = fit_decision(others, ways)
        for number in np.flatnonzero(fold == this).tolist():
            ranking = reranked(rows[number], ways)
            found[number] = (chance(card, ranking, rows[number]), bool(ranking.order[0] == rows[number].right))
    return found


def threshold(rows: Sequence[Seen], found: Sequence[tuple[float, bool]]) -> float:
    """The lowest at which hardly any held-out question without an answer gets one."""
    turned_away = sorted((p for row, (p, _) in zip(rows, found, strict=True) if row.right < 0), reverse=True)
    allowed = int(ANYWAY_MOST * len(turned_away))
    return max(0.5, min(0.99, turned_away[allowed] + 0.005)) if turned_away else 0.5


def learn(parts: Parts, questions: Sequence[Question]) -> tuple[dict[str, Any], list[str]]:
    """The card to be written, and the held-out questions that went to the wrong entry."""
    rows = look(parts, questions)
    found = held_out(rows)
    limits = dict.fromkeys(("zh", "en"), threshold(rows, found))
    ways = fit_ways(rows)
    decided = fit_decision(rows, ways)
    entries = parts.knowledge.pack.entries
    card = {
        "learned_from": {"questions": len(rows), **_figures(rows, found, limits)},
        "ways": dict(zip(WAYS, ways.round(4).tolist(), strict=True)),
        "bias": {language: round(float(decided[language]), 4) for language in ("zh", "en")},
        "threshold": {language: round(limit, 4) for language, limit in limits.items()},
        "decide": {
            name: [round(float(decided[part][n]), 5) for part in ("decide", "middle", "spread")]
            for n, name in enumerate(FEATURES)
        },
    }
    wrong = [
        f"{row.question.text} | {row.question.entry} | {entries[int(reranked(row, ways).order[0])].id} | {p:.2f}"
        for row, (p, right) in zip(rows, found, strict=True)
        if (row.right >= 0 and not right) or (row.right < 0 and p >= 0.9 * limits[language_of(row.question.text)])
    ]
    return card, wrong


def _figures(rows: Sequence[Seen], found: Sequence[tuple[float, bool]], limits: dict[str, float]) -> dict[str, Any]:
    said = [p >= limits[language_of(row.question.text)] for row, (p, _) in zip(rows, found, strict=True)]
    asked = [n for n, row in enumerate(rows) if row.right >= 0]
    unasked = [n for n, row in enumerate(rows) if row.right < 0]
    return {
        "held_out_top1": round(sum(found[n][1] for n in asked) / len(asked), 4),
        "held_out_answered_right": round(sum(found[n][1] and said[n] for n in asked) / len(asked), 4),
        "held_out_answered_wrong": round(sum(not found[n][1] and said[n] for n in asked) / len(asked), 4),
        "held_out_answered_anyway": round(sum(said[n] for n in unasked) / len(unasked), 4),
    }


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.knowledge_fit", description=__doc__)
    parser.add_argument("--data", type=Path, default=DEVELOPMENT)
    parser.add_argument("--source", type=Path, default=CONTENT_DIR / "qinghe")
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    options = parser.parse_args(argv)
    card, wrong = learn(open_parts(options.source), load_questions(options.data))
    options.out.write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write("\n".join([*wrong, json.dumps(card["learned_from"])]) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
