"""Teaches the reader of conversations what a swindle sounds like: narrow matrices for its upper layers, and a head.

Low-rank adaptation (Hu et al. 2021), fitted with AdamW (Loshchilov and Hutter 2019) by jax on the processor. The lower
layers never change, so what they make of each text is written down once. Everything is seeded; what is half done is
kept in a folder, and the next call goes on from there. `bench.risk_training` brings the conversations.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

from models.convert.reader import HEADS, MAPS, TAUGHT, WIDTH
from models.sessions import open_session

Floats = npt.NDArray[np.float32]
Pieces = npt.NDArray[np.int64]
Parameters = dict[str, Any]

RANK: Final = 16
ROUNDS: Final = 3
RATE: Final = 1.5e-3
FASTER: Final = {"head": 5.0, "attend": 5.0, "bias": 5.0, "centre": 0.0}  # they begin with nothing; one is fixed
WARM: Final = 60  # steps until the rate is reached
DECAY: Final = 0.01
LOST: Final = 0.1  # of the pieces, unread each time: what hangs on one word alone is not learnt
BATCH: Final = 32
ALIKE: Final = 1600  # so many rows are sorted by length together
NAME: Final = 24  # digits of a digest that tell texts apart
STEP: Final = 16  # lengths are filled up to a multiple: few shapes to compile
SAVED_EVERY: Final = 200  # texts
KEPT_EVERY: Final = 20  # batches
THREADS: Final = 2
SEED: Final = 7
NEVER: Final = -1e9
SETTINGS: Final = (RANK, ROUNDS, RATE, WARM, DECAY, LOST, BATCH, ALIKE, SEED, TAUGHT)


@dataclass(frozen=True, slots=True)
class Lessons:
    """Rows to learn from: text `text[n]` is a swindle (1) or not (0), and counts `weight[n]`.

    Of the rows that share a `group[n]` one is drawn each round; -1 is in every round.
    """

    text: npt.NDArray[np.int64]
    label: Floats
    weight: Floats
    group: npt.NDArray[np.int64]


def load(folder: Path) -> Parameters:
    """The fetched network's layers that are taught, float32."""
    stored = {one.name: numpy_helper.to_array(one) for one in onnx.load(folder / "reader.onnx").graph.initializer}
    weights: Parameters = {}
    for name, value in stored.items():
        if name.startswith(tuple(f"l{at}." for at in TAUGHT)) and name.endswith((".w", ".b")):
            scale = stored[name.removesuffix("w") + "scale"] if value.dtype == np.int8 else np.float32(1)
            weights[name] = jnp.asarray(value.astype(np.float32) * scale)
    return weights


def lower_layers(folder: Path, work: Path) -> Any:
    """The part of the fetched network that never changes, as the terminal runs it: `pieces` to `lower`."""
    model = onnx.load(folder / "reader.onnx")
    graph = model.graph
    nodes = list(graph.node)
    nodes = nodes[: 1 + next(at for at, node in enumerate(nodes) if "lower" in node.output)]
    used = {name for node in nodes for name in node.input}
    constants = [one for one in graph.initializer if one.name in used]
    lower = onnx.helper.make_tensor_value_info("lower", onnx.TensorProto.FLOAT, [1, "n", WIDTH])
    model.graph.CopyFrom(onnx.helper.make_graph(nodes, "lower", [graph.input[0]], [lower], constants))
    path = work / "lower.onnx"
    path.write_bytes(model.SerializeToString())
    return open_session(path, THREADS, shapes="some")


def normal(weights: Parameters, scope: str, x: jax.Array) -> jax.Array:
    apart = x - x.mean(-1, keepdims=True)
    spread = jax.lax.rsqrt((apart**2).mean(-1, keepdims=True) + 1e-12)
    return jnp.asarray(apart * spread * weights[f"{scope}.w"] + weights[f"{scope}.b"])


def layer(weights: Parameters, narrow: Parameters, at: int, x: jax.Array, there: jax.Array) -> jax.Array:
    """`x (b, t, 384)` through one layer; `there (b, t)`: which pieces are read."""

    def linear(name: str, x: jax.Array) -> jax.Array:
        scope = f"l{at}.{name}"
        y = x @ weights[f"{scope}.w"] + weights[f"{scope}.b"]
        if f"{scope}.down" in narrow:
            y = y + (x @ narrow[f"{scope}.down"]) @ narrow[f"{scope}.up"]
        return jnp.asarray(y)

    def heads(x: jax.Array) -> jax.Array:
        return x.reshape(*x.shape[:2], HEADS, WIDTH // HEADS).transpose(0, 2, 1, 3)

    q, k, v = (heads(linear(name, x)) for name in "qkv")
    scores = jnp.einsum("bhqd,bhkd->bhqk", q, k) * (WIDTH // HEADS) ** -0.5
    shares = jax.nn.softmax(jnp.where(there[:, None, None, :], scores, NEVER), -1)
    mixed = jnp.einsum("bhqk,bhkd->bhqd", shares, v).transpose(0, 2, 1, 3).reshape(x.shape)
    x = normal(weights, f"l{at}.aln", x + linear("ao", mixed))
    inner = jax.nn.gelu(linear("fi", x), approximate=False)
    return normal(weights, f"l{at}.oln", x + linear("fo", inner))


def logits(weights: Parameters, taught: Parameters, states: jax.Array, there: jax.Array) -> jax.Array:
    """`(b,)` from `states (b, t, 384)` after the lower layers; as `models.reader.Reader` has it."""
    x = states.astype(jnp.float32)
    for at in TAUGHT:
        x = layer(weights, taught, at, x, there)
    known = there[..., None]
    mean = (x * known).sum(1) / known.sum(1)
    shares = jax.nn.softmax(jnp.where(there, x @ taught["attend"], NEVER), -1)
    both = jnp.concatenate([mean, (shares[..., None] * x).sum(1)], -1) - jax.lax.stop_gradient(taught["centre"])
    return jnp.asarray(both @ taught["head"] + taught["bias"])


def loss(
    taught: Parameters, weights: Parameters, states: jax.Array, there: jax.Array, label: jax.Array, count: jax.Array
) -> jax.Array:
    value = logits(weights, taught, states, there)
    return ((jnp.logaddexp(0.0, value) - value * label) * count).sum() / BATCH


@jax.jit
def improved(
    taught: Parameters, moments: Any, weights: Parameters, states: jax.Array, there: jax.Array,
    label: jax.Array, count: jax.Array, rate: jax.Array, n: jax.Array,
) -> tuple[Parameters, Any, jax.Array]:  # fmt: skip
    """One step of AdamW, gradients clipped to length one."""
    value, slope = jax.value_and_grad(loss)(taught, weights, states, there, label, count)
    size = jnp.sqrt(sum(jnp.sum(one**2) for one in jax.tree.leaves(slope)))
    slope = jax.tree.map(lambda one: one / jnp.maximum(1.0, size), slope)
    mean = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, moments[0], slope)
    square = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, moments[1], slope)
    scale = jnp.sqrt(1 - 0.999**n) / (1 - 0.9**n)
    taught = {
        name: w - rate * FASTER.get(name, 1.0) * (scale * mean[name] / (jnp.sqrt(square[name]) + 1e-8) + DECAY * w)
        for name, w in taught.items()
    }
    return taught, (mean, square), value


scored = jax.jit(logits)


def begin(centre: Floats) -> Parameters:
    """What is taught, drawn anew: at first it changes nothing."""
    rng = np.random.default_rng(SEED)
    taught: Parameters = {}
    for at in TAUGHT:
        for name, (inputs, outputs) in MAPS.items():
            drawn = rng.standard_normal((inputs, RANK)) / np.sqrt(inputs)
            taught[f"l{at}.{name}.down"] = np.asarray(drawn, np.float32)
            taught[f"l{at}.{name}.up"] = np.zeros((RANK, outputs), np.float32)
    return taught | {
        "attend": np.zeros(WIDTH, np.float32), "head": np.zeros(2 * WIDTH, np.float32),
        "bias": np.zeros((), np.float32), "centre": centre,
    }  # fmt: skip


def centre_of(weights: Parameters, states: States, texts: Sequence[int]) -> Floats:
    """What BATCH of `texts` mean on average, twice `(768,)`: all texts have most of it in common."""
    found, there = states.batch(texts[:BATCH])
    x = jnp.asarray(found, jnp.float32)
    for at in TAUGHT:
        x = layer(weights, {}, at, x, jnp.asarray(there))
    mean = np.asarray((x * there[..., None]).sum((0, 1)) / there.sum(), np.float32)
    return np.concatenate([mean, mean])


def mean_of(readers: Sequence[Parameters]) -> Parameters:
    """One reader whose layers have changed as those of `readers` have on average (Wortsman et al. 2022).

    The product of the narrow matrices, laid side by side, is the mean of their products. The readers began alike.
    """
    found: Parameters = {}
    for name in readers[0]:
        values = [np.asarray(reader[name], np.float32) for reader in readers]
        if name.endswith(".down"):
            found[name] = np.concatenate(values, axis=1)
        elif name.endswith(".up"):
            found[name] = np.concatenate(values, axis=0) / len(readers)
        else:
            found[name] = np.mean(values, axis=0, dtype=np.float32)
    begun = [float(reader["bias"]) - float(np.dot(reader["head"], reader["centre"])) for reader in readers]
    found["bias"] = np.asarray(np.mean(begun) + float(found["head"] @ found["centre"]), np.float32)
    return found


def finished(taught: Parameters) -> dict[str, npt.NDArray[Any]]:
    """What `models.reader.Reader` loads: narrow matrices in 16 bits, the centre moved into the bias."""
    kept = {name: np.asarray(value, np.float16 if np.ndim(value) > 1 else np.float32) for name, value in taught.items()}
    centre = np.asarray(taught["centre"], np.float32)
    del kept["centre"]
    bias = float(taught["bias"]) - float(np.asarray(taught["head"], np.float32) @ centre)
    return kept | {"bias": np.asarray(bias, np.float32)}


class States:
    """What the lower layers make of each text, kept on disk one after another: `(pieces, 384)` float16 each.

    A text that was read once is never read again, whatever conversations come or go.
    """

    def __init__(self, texts: Sequence[Pieces], folder: Path) -> None:
        self.texts = texts
        self.sizes = np.array([len(text) for text in texts])
        self._names = [hashlib.sha256(text.tobytes()).hexdigest()[:NAME] for text in texts]
        self._path, self._index = folder / "states.f16", folder / "states.txt"
        folder.mkdir(parents=True, exist_ok=True)

    def make(self, lower: Any, say: Callable[[str], None]) -> None:
        """Fill in what is not there yet. `lower`: `lower_layers`."""
        starts = self._known()
        end = sum(self._sizes_kept)
        self._index.write_text("".join(f"{name} {size}\n" for name, size in zip(starts, self._sizes_kept, strict=True)))
        wanted = {name: text for name, text in zip(self._names, self.texts, strict=True) if name not in starts}
        named: list[str] = []
        with self._path.open("ab") as states, self._index.open("a", encoding="ascii") as index:
            states.truncate(end * WIDTH * 2)  # what was not named yet is read again
            for at, (name, text) in enumerate(wanted.items(), start=1):
                (found,) = lower.run(["lower"], {"pieces": text})
                states.write(np.asarray(found[0], np.float16).tobytes())
                named.append(f"{name} {len(text)}\n")
                if at % SAVED_EVERY == 0 or at == len(wanted):
                    states.flush()
                    index.write("".join(named))
                    index.flush()
                    named.clear()
                    say(f"lower layers: {at} of {len(wanted)} texts")
        starts = self._known()
        self._starts = np.array([starts[name] for name in self._names])
        self._kept = np.memmap(self._path, np.float16, "r").reshape(-1, WIDTH)

    def _known(self) -> dict[str, int]:
        """Where each text that was read begins, in pieces."""
        lines = self._index.read_text("ascii").splitlines(keepends=True) if self._index.exists() else []
        rows = [line.split() for line in lines if line.endswith("\n")]  # the last may be half written
        self._sizes_kept = [int(row[1]) for row in rows]
        begins = np.concatenate([[0], np.cumsum(self._sizes_kept, dtype=np.int64)])
        return {row[0]: int(begin) for row, begin in zip(rows, begins, strict=False)}

    def batch(self, chosen: Sequence[int]) -> tuple[npt.NDArray[np.float16], npt.NDArray[np.bool_]]:
        """`(BATCH, t, 384)` and which pieces are there; rows that are not wanted hold one piece of zeros."""
        length = filled(int(self.sizes[list(chosen)].max()))
        states = np.zeros((BATCH, length, WIDTH), np.float16)
        there = np.zeros((BATCH, length), np.bool_)
        there[:, 0] = True
        for at, text in enumerate(chosen):
            size = self.sizes[text]
            states[at, :size] = self._kept[self._starts[text] :][:size]
            there[at, :size] = True
        return states, there


def filled(size: int) -> int:
    return -(-size // STEP) * STEP


def batches_of(lessons: Lessons, sizes: npt.NDArray[np.int64], number: int) -> list[npt.NDArray[np.int64]]:
    """Rows of `lessons` for one round, BATCH at a time, those of like length together."""
    rng = np.random.default_rng((SEED, number))
    mixed = rng.permutation(len(lessons.text))
    groups = lessons.group[mixed]
    _, first = np.unique(groups, return_index=True)
    drawn = np.zeros(len(mixed), np.bool_)
    drawn[first] = True
    rows = mixed[drawn | (groups < 0)]
    found = []
    for start in range(0, len(rows), ALIKE):
        some = rows[start : start + ALIKE]
        some = some[np.argsort(sizes[lessons.text[some]], kind="stable")]
        found += [some[at : at + BATCH] for at in range(0, len(some), BATCH)]
    return [found[at] for at in rng.permutation(len(found))]


def teach(weights: Parameters, states: States, lessons: Lessons, kept: Path, say: Callable[[str], None]) -> Parameters:
    """Learn. `kept`: where what is half learnt lies, and in the end what was learnt."""
    taught, rounds, at, n = begin(centre_of(weights, states, lessons.text.tolist())), 0, 0, 0
    moments: Any = (jax.tree.map(np.zeros_like, taught), jax.tree.map(np.zeros_like, taught))
    if kept.exists():
        taught, moments, (rounds, at, n) = _restored(kept)
    steps = ROUNDS * len(batches_of(lessons, states.sizes, 0))
    while rounds < ROUNDS:
        rng = np.random.default_rng((SEED, rounds, at, 1))
        batches = batches_of(lessons, states.sizes, rounds)
        wrong = []
        for rows in batches[at:]:
            found, there = states.batch(lessons.text[rows].tolist())
            there &= (rng.random(there.shape) >= LOST) | (np.arange(there.shape[1]) == 0)
            label, count = np.zeros((2, BATCH), np.float32)
            label[: len(rows)], count[: len(rows)] = lessons.label[rows], lessons.weight[rows]
            n += 1
            at += 1
            rate = RATE * min(1.0, n / WARM) * (0.01 + 0.99 * (0.5 + 0.5 * np.cos(np.pi * min(1.0, n / steps))))
            taught, moments, value = improved(
                taught, moments, weights, found, there, label, count, np.float32(rate), np.float32(n)
            )
            wrong.append(float(value))
            if at % KEPT_EVERY == 0:
                say(f"{kept.stem}: round {rounds + 1}, {at} of {len(batches)}: {np.mean(wrong[-KEPT_EVERY:]):.4f}")
                _keep(kept, taught, moments, (rounds, at, n))
                rng = np.random.default_rng((SEED, rounds, at, 1))
        rounds, at = rounds + 1, 0
        _keep(kept, taught, moments, (rounds, at, n))
    return taught


def scores(weights: Parameters, taught: Parameters, states: States, texts: Sequence[int]) -> dict[int, float]:
    """The logit of each of `texts`."""
    wanted = sorted(set(texts), key=lambda text: int(states.sizes[text]))
    found: dict[int, float] = {}
    for start in range(0, len(wanted), BATCH):
        some = wanted[start : start + BATCH]
        values = np.asarray(scored(weights, taught, *states.batch(some)))
        found.update(zip(some, values.tolist(), strict=False))
    return found


def _keep(path: Path, taught: Parameters, moments: Any, where: tuple[int, int, int]) -> None:
    arrays = {f"{part} {name}": np.asarray(value) for part, tree in zip("wmv", (taught, *moments), strict=True)
              for name, value in tree.items()}  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".new").open("wb") as file:
        np.savez(file, allow_pickle=False, where=np.array(where), **arrays)
    path.with_suffix(".new").replace(path)


def _restored(path: Path) -> tuple[Parameters, Any, tuple[int, int, int]]:
    with np.load(path) as held:
        trees: dict[str, Parameters] = {part: {} for part in "wmv"}
        for name in held.files:
            part, _, rest = name.partition(" ")
            if rest:
                trees[part][rest] = held[name]
        rounds, at, n = (int(number) for number in held["where"])
    return trees["w"], (trees["m"], trees["v"]), (rounds, at, n)
