"""A small classifier over hashed features alone, fitted with numpy: what `models.train.endings` is made with.

An embedding row per bucket, summed, a rectifier, and a linear layer; a linear path runs beside it.
Rows are updated only when their bucket was seen (Adam, lazily), so a step costs what its sentences
hold. Method: Kingma and Ba 2015 (Adam); Joulin et al. 2016 for the bag of hashed n-grams.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from models.intent_features import BUCKETS, Features

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a network is fitted. Chosen on validation groups, never on the test file."""

    hidden: int = 128
    epochs: int = 4
    batch: int = 256
    rate: float = 0.004
    feature_dropout: float = 0.3  # share of a sentence's features hidden: what noise will do later
    hidden_dropout: float = 0.2
    smoothing: float = 0.05  # label smoothing, keeps probabilities honest
    seed: int = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """`embedding (BUCKETS, hidden)`, `hidden_bias (hidden,)`, `output (hidden, labels)`, `bias (labels,)`."""

    embedding: Floats
    hidden_bias: Floats
    output: Floats
    bias: Floats


def to_matrix(rows: Sequence[Features]) -> csr_matrix:
    """Sparse `(len(rows), BUCKETS)` float32."""
    lengths = [len(ids) for ids, _ in rows]
    return csr_matrix(
        (
            np.concatenate([shares for _, shares in rows]).astype(np.float32),
            np.concatenate([ids for ids, _ in rows]),
            np.concatenate([[0], np.cumsum(lengths)]),
        ),
        shape=(len(rows), BUCKETS),
    )


def softmax(logits: Floats) -> Floats:
    """Rows of probabilities `(n, labels)`."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True), dtype=np.float32)


def logits_of(weights: Weights, matrix: csr_matrix) -> Floats:
    """`(n, labels)` before temperature."""
    hidden = np.maximum(matrix @ weights.embedding + weights.hidden_bias, 0.0)
    return np.asarray(hidden @ weights.output + weights.bias, dtype=np.float32)


class _Adam:
    """Adam for one array; with `rows`, only those rows move."""

    BETA1: Final = 0.9
    BETA2: Final = 0.99

    def __init__(self, array: Floats) -> None:
        self.array = array
        self._mean = np.zeros_like(array)
        self._square = np.zeros_like(array)

    def step(self, gradient: Floats, rate: float, count: int, rows: npt.NDArray[np.int64] | slice) -> None:
        mean = self._mean[rows] * self.BETA1 + (1 - self.BETA1) * gradient
        square = self._square[rows] * self.BETA2 + (1 - self.BETA2) * gradient * gradient
        self._mean[rows], self._square[rows] = mean, square
        scale = rate * np.sqrt(1 - self.BETA2**count) / (1 - self.BETA1**count)
        self.array[rows] -= (scale * mean / (np.sqrt(square) + 1e-6)).astype(np.float32)


def one_hot(labels: npt.NDArray[np.int64], label_count: int) -> Floats:
    """`(n, labels)` with a one where the label is."""
    return np.eye(label_count, dtype=np.float32)[labels]


def fit(matrix: csr_matrix, targets: Floats, emphasis: Floats, recipe: Recipe) -> Weights:
    """Fit on `matrix (n, BUCKETS)`, probabilities `targets (n, labels)` and the weight `emphasis (n,)` of each row.

    Deterministic.
    """
    rng = np.random.default_rng(recipe.seed)
    label_count = targets.shape[1]
    shape = (BUCKETS, recipe.hidden)
    embedding = _Adam((rng.standard_normal(shape) * 0.25).astype(np.float32))
    hidden_bias = _Adam(np.zeros(recipe.hidden, np.float32))
    output = _Adam((rng.standard_normal((recipe.hidden, label_count)) / np.sqrt(recipe.hidden)).astype(np.float32))
    bias = _Adam(np.zeros(label_count, np.float32))
    # A bucket that training never saw must say nothing later.
    seen = np.zeros(BUCKETS, bool)
    seen[matrix.indices] = True
    embedding.array[~seen] = 0.0
    total = recipe.epochs * -(-matrix.shape[0] // recipe.batch)
    count = 0
    for _ in range(recipe.epochs):
        order = rng.permutation(matrix.shape[0])
        for start in range(0, len(order), recipe.batch):
            chosen = order[start : start + recipe.batch]
            count += 1
            rate = recipe.rate * (1.0 - (count - 1) / total)
            batch = matrix[chosen]
            batch.data = batch.data * (rng.random(len(batch.data)) >= recipe.feature_dropout).astype(np.float32)
            batch.data /= 1.0 - recipe.feature_dropout
            columns, inverse = np.unique(batch.indices, return_inverse=True)
            compact = csr_matrix((batch.data, inverse, batch.indptr), shape=(len(chosen), len(columns)))

            raw = compact @ embedding.array[columns] + hidden_bias.array
            kept = (rng.random(raw.shape) >= recipe.hidden_dropout).astype(np.float32) / (1.0 - recipe.hidden_dropout)
            hidden = np.maximum(raw, 0.0) * kept
            predicted = softmax(hidden @ output.array + bias.array)
            target = targets[chosen] * (1.0 - recipe.smoothing) + recipe.smoothing / label_count
            error = (predicted - target) * emphasis[chosen, None] / len(chosen)

            back = (error @ output.array.T) * kept * (raw > 0)
            output.step(hidden.T @ error, rate, count, slice(None))
            bias.step(error.sum(axis=0), rate, count, slice(None))
            hidden_bias.step(back.sum(axis=0), rate, count, slice(None))
            embedding.step(np.asarray(compact.T @ back, dtype=np.float32), rate, count, columns)
    return Weights(embedding=embedding.array, hidden_bias=hidden_bias.array, output=output.array, bias=bias.array)
