"""What the intent model is made of, and how it is fitted.

Two views of a sentence, added up as logits: hashed pieces of its spelling and sound (an embedding row per bucket,
summed, a rectifier; Joulin et al. 2016), and what the sentence encoder thinks of it (`models/sentences.py`; a hidden
layer and a linear path beside it). Fitted together with Adam (Kingma and Ba 2015) and decoupled weight decay
(Loshchilov and Hutter 2019). The encoder itself stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from models.intent_features import BUCKETS, Features

Floats = npt.NDArray[np.float32]
Array = Any  # jax.Array; numpy's are taken too

WINDOW: Final = 160  # of a sentence's features count in training, strongest first; hardly one has more
BETA1: Final = 0.9
BETA2: Final = 0.99


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a network is fitted. Chosen on writers left out, never on the test file."""

    hidden: int = 512
    bag_hidden: int = 128
    epochs: int = 5
    batch: int = 256
    rate: float = 0.002
    bag_rate: float = 0.004
    decay: float = 0.03
    feature_dropout: float = 0.3  # share of a sentence's features hidden: what noise will do later
    meaning_dropout: float = 0.2
    hidden_dropout: float = 0.4
    bag_dropout: float = 0.2
    smoothing: float = 0.1  # label smoothing, keeps probabilities honest
    seed: int = 20


@dataclass(frozen=True, slots=True)
class Rows:
    """Sentences as the network takes them.

    `buckets (n, WINDOW)` int32, BUCKETS where there is none; `shares (n, WINDOW)`; `meanings (n, m)` as the encoder
    gives them.
    """

    buckets: npt.NDArray[np.int32]
    shares: Floats
    meanings: Floats

    def __len__(self) -> int:
        return len(self.buckets)


class Weights(NamedTuple):
    """`embedding (BUCKETS + 1, b)`, whose last row is nothing; the rest as `logits_of` multiplies it.

    `middle (m,)` and `scale (m,)` bring the encoder's numbers to one reach; they are measured, not learnt. Folded into
    `inward` they would make rows of very different size, which eight bits a column cannot hold.
    """

    embedding: Array
    bag_bias: Array
    bag_output: Array
    inward: Array
    inward_bias: Array
    outward: Array
    straight: Array
    bias: Array
    middle: Array
    scale: Array


def to_rows(features: Sequence[Features], meanings: Floats) -> Rows:
    """What the network takes, from hashed features and the encoder's `(n, m)`."""
    buckets = np.full((len(features), WINDOW), BUCKETS, np.int32)
    shares = np.zeros((len(features), WINDOW), np.float32)
    for row, (ids, weights) in enumerate(features):
        kept = np.argsort(-weights, kind="stable")[:WINDOW]
        buckets[row, : len(kept)] = ids[kept]
        shares[row, : len(kept)] = weights[kept]
    return Rows(buckets, shares, np.asarray(meanings, np.float32))


def softmax(logits: Floats) -> Floats:
    """Rows of probabilities `(n, labels)`."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True), dtype=np.float32)


def one_hot(labels: npt.NDArray[np.int64], label_count: int) -> Floats:
    """`(n, labels)` with a one where the label is."""
    return np.eye(label_count, dtype=np.float32)[labels]


def _forward(w: Weights, buckets: Array, shares: Array, meanings: Array, recipe: Recipe, key: Array | None) -> Array:
    if key is not None:
        keys = jax.random.split(key, 4)
        shares = _dropped(shares, recipe.feature_dropout, keys[0])
        meanings = _dropped(meanings, recipe.meaning_dropout, keys[1])
    bag = jax.nn.relu(jnp.einsum("nw,nwd->nd", shares, w.embedding[buckets]) + w.bag_bias)
    hidden = jax.nn.relu(meanings @ w.inward + w.inward_bias)  # meanings are scaled already
    if key is not None:
        bag, hidden = _dropped(bag, recipe.bag_dropout, keys[2]), _dropped(hidden, recipe.hidden_dropout, keys[3])
    return hidden @ w.outward + meanings @ w.straight + bag @ w.bag_output + w.bias


def _dropped(x: Array, share: float, key: Array) -> Array:
    return x * jax.random.bernoulli(key, 1.0 - share, x.shape) / (1.0 - share)


def _started(rows: Rows, label_count: int, recipe: Recipe) -> Weights:
    middle, scale = rows.meanings.mean(axis=0), 1.0 / (rows.meanings.std(axis=0) + 1e-6)
    width = rows.meanings.shape[1]
    keys = jax.random.split(jax.random.PRNGKey(recipe.seed), 5)

    def normal(key: Array, shape: tuple[int, ...], reach: float) -> Array:
        return jax.random.normal(key, shape, jnp.float32) * reach

    # A bucket that training never saw must say nothing later.
    seen = np.zeros(BUCKETS + 1, np.float32)
    seen[rows.buckets.ravel()] = 1.0
    seen[BUCKETS] = 0.0
    return Weights(
        embedding=normal(keys[0], (BUCKETS + 1, recipe.bag_hidden), 0.25) * seen[:, None],
        bag_bias=jnp.zeros(recipe.bag_hidden),
        bag_output=normal(keys[1], (recipe.bag_hidden, label_count), recipe.bag_hidden**-0.5),
        inward=normal(keys[2], (width, recipe.hidden), (2.0 / width) ** 0.5),
        inward_bias=jnp.zeros(recipe.hidden),
        outward=normal(keys[3], (recipe.hidden, label_count), recipe.hidden**-0.5),
        straight=jnp.zeros((width, label_count)),
        bias=jnp.zeros(label_count),
        middle=jnp.asarray(middle),
        scale=jnp.asarray(scale),
    )


def fit(rows: Rows, targets: Floats, emphasis: Floats, recipe: Recipe) -> Weights:
    """Fit on `rows`, probabilities `targets (n, labels)` and the weight `emphasis (n,)` of each row.

    Deterministic.
    """
    label_count = targets.shape[1]
    weights = _started(rows, label_count, recipe)
    meanings = _scaled(weights, rows.meanings)
    special = {"embedding": recipe.bag_rate, "middle": 0.0, "scale": 0.0}
    rates = Weights(*[special.get(name, recipe.rate) for name in Weights._fields])
    decays = Weights(*[0.0 if name in special else recipe.decay for name in Weights._fields])

    def loss(w: Weights, batch: tuple[Array, ...], key: Array) -> Array:
        buckets, shares, meaning, target, weight = batch
        smooth = target * (1.0 - recipe.smoothing) + recipe.smoothing / label_count
        logits = _forward(w, buckets, shares, meaning, recipe, key)
        return -((smooth * jax.nn.log_softmax(logits)).sum(axis=1) * weight).mean()

    @jax.jit
    def step(
        w: Weights, mean: Weights, square: Weights, batch: tuple[Array, ...], key: Array, count: Array, share: Array
    ) -> tuple[Weights, Weights, Weights]:
        gradient = jax.grad(loss)(w, batch, key)
        mean = jax.tree.map(lambda old, new: BETA1 * old + (1 - BETA1) * new, mean, gradient)
        square = jax.tree.map(lambda old, new: BETA2 * old + (1 - BETA2) * new * new, square, gradient)
        scale = jnp.sqrt(1 - BETA2**count) / (1 - BETA1**count) * share
        moved = jax.tree.map(
            lambda x, m, v, rate, decay: x * (1 - rate * share * decay) - rate * scale * m / (jnp.sqrt(v) + 1e-6),
            w, mean, square, rates, decays,
        )  # fmt: skip
        return moved, mean, square

    mean = square = jax.tree.map(jnp.zeros_like, weights)
    rng = np.random.default_rng(recipe.seed)
    key = jax.random.PRNGKey(recipe.seed + 1)
    total = recipe.epochs * -(-len(rows) // recipe.batch)
    count = 0
    for _ in range(recipe.epochs):
        order = rng.permutation(len(rows))
        for start in range(0, len(order), recipe.batch):
            chosen = order[start : start + recipe.batch]
            count += 1
            key, now = jax.random.split(key)
            batch = (rows.buckets[chosen], rows.shares[chosen], meanings[chosen], targets[chosen], emphasis[chosen])
            weights, mean, square = step(weights, mean, square, batch, now, count, 1.0 - (count - 1) / total)
    return Weights(*[np.asarray(array, np.float32) for array in weights])


def _scaled(weights: Weights, meanings: Floats) -> Floats:
    return np.asarray((meanings - np.asarray(weights.middle)) * np.asarray(weights.scale), np.float32)


def logits_of(weights: Weights, rows: Rows) -> Floats:
    """`(n, labels)` before temperature."""
    meanings = _scaled(weights, rows.meanings)
    held = Weights(*[jnp.asarray(array) for array in weights])
    forward = jax.jit(lambda b, s, m: _forward(held, b, s, m, Recipe(), None))
    parts = [
        np.asarray(forward(rows.buckets[at : at + 512], rows.shares[at : at + 512], meanings[at : at + 512]))
        for at in range(0, len(rows), 512)
    ]
    return np.concatenate(parts).astype(np.float32)
