"""Making probabilities honest, and finding below which of them she asks or hands over.

Temperature: Guo et al. 2017. A threshold is the lowest probability at which, on sentences that the
network never saw, acting was right as often as asked for.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from models.train.network import Floats, softmax

ACT_PRECISION: Final = 0.975  # of the wishes she acts on, at most one in forty misunderstood
ASK_RECALL: Final = 0.85  # when she asks 'this or that?', the right one is usually offered
NEVER: Final = 1.01  # a threshold that no probability reaches


def negative_log_likelihood(probabilities: Floats, labels: npt.NDArray[np.int64], share: Floats) -> float:
    """Mean over rows, weighted by `share (n,)`."""
    right = np.clip(probabilities[np.arange(len(labels)), labels], 1e-9, 1.0)
    return float(-(np.log(right) * share).sum() / share.sum())


def find_temperature(logits: Floats, labels: npt.NDArray[np.int64], share: Floats) -> float:
    """The divisor of the logits, between 0.3 and 3, with the best likelihood."""
    grid = np.geomspace(0.3, 3.0, 120)
    losses = [negative_log_likelihood(softmax(logits / float(t)), labels, share) for t in grid]
    return float(grid[int(np.argmin(losses))])


def lowest_score(score: Floats, right: npt.NDArray[np.bool_], share: Floats, wanted: float) -> float:
    """The lowest threshold at which rows with `score >= threshold` are right in `wanted` of cases.

    `NEVER` if none is. The whole tail above the threshold counts, so one lucky row sets nothing:
    a threshold needs at least thirty rows' worth of share above it.
    """
    order = np.argsort(-score, kind="stable")
    mass = np.cumsum(share[order])
    precision = np.cumsum(share[order] * right[order]) / np.maximum(mass, 1e-9)
    good = np.flatnonzero((precision >= wanted) & (mass >= 30.0))
    return float(score[order][good[-1]]) if good.size else NEVER


def thresholds(probabilities: Floats, labels: npt.NDArray[np.int64], share: Floats) -> dict[str, float]:
    """`act` on the best intent's probability and `ask` on the sum of the best two, with what they achieve."""
    ranked = np.sort(probabilities, axis=1)
    best = probabilities.argmax(axis=1)
    first = ranked[:, -1]
    both = ranked[:, -1] + ranked[:, -2]
    right = best == labels
    second = probabilities.argsort(axis=1)[:, -2] == labels
    act = lowest_score(first, right, share, ACT_PRECISION)
    left = first < act
    ask = lowest_score(both[left], (right | second)[left], share[left], ASK_RECALL)
    asked = left & (both >= ask)

    def part(mask: npt.NDArray[np.bool_]) -> float:
        return float(share[mask].sum() / share.sum())

    def mean(values: npt.NDArray[np.bool_], mask: npt.NDArray[np.bool_]) -> float:
        return float((values * share)[mask].sum() / max(float(share[mask].sum()), 1e-9))

    return {
        "act": act,
        "ask": ask,
        "accuracy": mean(right, np.ones_like(right)),
        "act_coverage": part(first >= act),
        "act_precision": mean(right, first >= act),
        "ask_coverage": part(asked),
        "ask_recall": mean(right | second, asked),
    }
