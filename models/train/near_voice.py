"""Learns when the person in front speaks: `python -m models.train.near_voice LESSONS.npz … --dev LESSONS.npz`.

The lessons are written by `python -m bench.lessons`, which runs the terminal's own cancellers. A gated recurrent unit
(Cho et al. 2014) over stretches of twelve seconds, fitted with Adam (Kingma and Ba 2015) by jax; about ten minutes.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import typer
from rich.console import Console

from models.near_voice import BANDS, COLUMNS, HEARD, HER_FROM, INPUTS, PATH_WEIGHTS, SIGNALS, Echo

Floats = npt.NDArray[np.float32]
Parameters = dict[str, Any]

INNER: Final = 96
MEMORY: Final = 96
STRETCH: Final = 375  # blocks: 12 s
BATCH: Final = 32
RATE: Final = 3e-3
LEVEL_DB: Final = 8.0  # microphones differ: the three signals are moved together, the loudspeaker's alone
BLUR: Final = 0.12  # of every input: what two rooms have in common is kept
FORGIVEN: Final = 2  # blocks around the beginning and end of a voice, where no label is exact
HERS_COUNT: Final = 1.5
SEED: Final = 11


def with_echo(rows: npt.NDArray[np.float16]) -> npt.NDArray[np.float16]:
    """(scenes, blocks, HEARD) → (scenes, blocks, INPUTS)."""
    echo = Echo(len(rows))
    more = [echo.of(rows[:, block].astype(np.float32)).astype(np.float16) for block in range(rows.shape[1])]
    return np.concatenate((rows, np.stack(more, axis=1)), axis=2)


def begin(rows: npt.NDArray[np.float16]) -> Parameters:
    """Weights drawn anew, for inputs like `rows` (scenes, blocks, INPUTS)."""
    rng = np.random.default_rng(SEED)
    some = rows[::4].reshape(-1, INPUTS).astype(np.float32)

    def drawn(inputs: int, outputs: int) -> Floats:
        return np.asarray(rng.standard_normal((inputs, outputs)) / np.sqrt(inputs), np.float32)

    return {
        "shift": some.mean(axis=0), "scale": 1 / (some.std(axis=0) + 0.05),
        "inner": drawn(INPUTS, INNER), "inner_bias": np.zeros(INNER, np.float32),
        "gates": drawn(INNER + MEMORY, 2 * MEMORY),
        "gates_bias": np.concatenate((np.full(MEMORY, -1.0), np.ones(MEMORY))).astype(np.float32),
        "fresh": drawn(INNER + MEMORY, MEMORY), "fresh_bias": np.zeros(MEMORY, np.float32),
        "out": drawn(MEMORY, 1)[:, 0], "out_bias": np.zeros((), np.float32),
    }  # fmt: skip


def logits(weights: Parameters, rows: jax.Array) -> jax.Array:
    """(scenes, blocks, INPUTS) → (scenes, blocks); as `models.near_voice.NearVoice` does block by block."""
    inner = jnp.tanh(((rows - weights["shift"]) * weights["scale"]) @ weights["inner"] + weights["inner_bias"])

    def step(memory: jax.Array, now: jax.Array) -> tuple[jax.Array, jax.Array]:
        gates = jax.nn.sigmoid(jnp.concatenate((now, memory), 1) @ weights["gates"] + weights["gates_bias"])
        update, reset = gates[:, :MEMORY], gates[:, MEMORY:]
        fresh = jnp.tanh(jnp.concatenate((now, reset * memory), 1) @ weights["fresh"] + weights["fresh_bias"])
        memory = (1 - update) * memory + update * fresh
        return memory, memory @ weights["out"] + weights["out_bias"]

    _, found = jax.lax.scan(step, jnp.zeros((rows.shape[0], MEMORY)), inner.swapaxes(0, 1))
    whole: jax.Array = jnp.asarray(found).swapaxes(0, 1)
    return whole


def loss(weights: Parameters, rows: jax.Array, near: jax.Array, counts: jax.Array) -> jax.Array:
    fixed = weights | {name: jax.lax.stop_gradient(weights[name]) for name in ("shift", "scale")}
    value = logits(fixed, rows)
    wrong = jnp.maximum(value, 0) - value * near + jnp.log1p(jnp.exp(-jnp.abs(value)))
    return (wrong * counts).sum() / counts.sum()


@partial(jax.jit, donate_argnums=(0, 1))
def improved(
    weights: Parameters,
    moments: Any,
    rows: jax.Array,
    near: jax.Array,
    counts: jax.Array,
    rate: jax.Array,
    n: jax.Array,
) -> tuple[Parameters, Any, jax.Array]:
    """One step of Adam, gradients clipped to length one."""
    value, slope = jax.value_and_grad(loss)(weights, rows, near, counts)
    size = jnp.sqrt(sum(jnp.sum(one**2) for one in jax.tree.leaves(slope)))
    slope = jax.tree.map(lambda one: one / jnp.maximum(1.0, size), slope)
    mean = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, moments[0], slope)
    square = jax.tree.map(lambda v, g: 0.99 * v + 0.01 * g * g, moments[1], slope)
    scale = rate * jnp.sqrt(1 - 0.99**n) / (1 - 0.9**n)
    weights = jax.tree.map(lambda w, m, v: w - scale * m / (jnp.sqrt(v) + 1e-7), weights, mean, square)
    return weights, (mean, square), value


def her_talk(rows: npt.NDArray[np.float16]) -> npt.NDArray[np.bool_]:
    """(scenes, blocks): whether her echo may be heard."""
    return np.asarray(rows[..., HEARD : HEARD + BANDS].max(axis=-1) > HER_FROM, np.bool_)


def counts_of(rows: npt.NDArray[np.float16], near: npt.NDArray[np.uint8]) -> Floats:
    """(scenes, blocks): what each block weighs. Her echo taken for a visitor is worst: it stops her for nothing.
    Little where a voice has just ended, and no label is exact."""
    counts = 1.0 + near + HERS_COUNT * (her_talk(rows) & (near == 0))
    ends = (near[:, :-1] == 1) & (near[:, 1:] == 0)
    for scene, block in zip(*np.nonzero(ends), strict=True):
        counts[scene, block : block + 1 + FORGIVEN] = 0.2
    return np.asarray(counts, np.float32)


def moved(rows: Floats, rng: np.random.Generator) -> Floats:
    """The same as other microphones and loudspeakers would have given it."""
    moved = rows.copy()
    bands = moved[..., : SIGNALS * COLUMNS * BANDS].reshape(*rows.shape[:2], SIGNALS, COLUMNS * BANDS)
    bands[:, :, :3] += (rng.uniform(-LEVEL_DB, LEVEL_DB, (len(rows), 1, 1, 1)) / 10).astype(np.float32)
    louder = (rng.uniform(-LEVEL_DB, LEVEL_DB, (len(rows), 1, 1, 1)) / 10).astype(np.float32)
    bands[:, :, 3:] += louder
    moved[..., HEARD : HEARD + BANDS] += louder[..., 0]
    moved += rng.standard_normal(moved.shape, np.float32) * np.float32(BLUR)
    return moved


def figures(weights: Parameters, rows: npt.NDArray[np.float16], near: npt.NDArray[np.uint8]) -> dict[str, float]:
    """Blocks that are wrong at 0.5, with her talking and without, and the area under the curve."""
    value = np.concatenate(
        [np.asarray(logits(weights, jnp.asarray(rows[i : i + 16], jnp.float32))) for i in range(0, len(rows), 16)]
    )
    yes = value > 0
    far = her_talk(rows)
    early = far & (np.cumsum(far, axis=1) < 125)
    order = np.argsort(value, axis=None)
    ranks = np.empty(value.size)
    ranks[order] = np.arange(value.size)
    one = near.reshape(-1) == 1
    area = (ranks[one].mean() - (one.sum() - 1) / 2) / max(1, (~one).sum())
    return {
        "missed": float(np.mean(~yes[near == 1])),
        "false": float(np.mean(yes[near == 0])),
        "missed_over_her": float(np.mean(~yes[(near == 1) & far])),
        "false_over_her": float(np.mean(yes[(near == 0) & far])),
        "false_in_her_first_4_s": float(np.mean(yes[(near == 0) & early])),
        "area": float(area),
    }


def main(
    lessons: list[Path],
    dev: Annotated[Path, typer.Option(help="Lessons of other voices and rooms, to watch.")],
    out: Annotated[Path, typer.Option(help="Where the weights go.")] = PATH_WEIGHTS,
    rounds: Annotated[int, typer.Option(min=1, max=500)] = 60,
) -> None:
    """Fit, show the figures on `dev`, and write the weights."""
    console = Console(stderr=True)
    stored = [np.load(path) for path in lessons]
    near = np.concatenate([one["near"] for one in stored])
    rows = with_echo(np.concatenate([one["rows"] for one in stored]))
    with np.load(dev) as other:
        dev_rows, dev_near = with_echo(other["rows"]), other["near"]
    counts = counts_of(rows, near)
    rng = np.random.default_rng(SEED)
    weights = begin(rows)
    moments = (jax.tree.map(np.zeros_like, weights), jax.tree.map(np.zeros_like, weights))
    steps = rounds * (len(rows) // BATCH)
    n = 0
    for number in range(rounds):
        total = 0.0
        order = rng.permutation(len(rows))
        for start in range(0, len(order) - BATCH + 1, BATCH):
            n += 1
            chosen = order[start : start + BATCH]
            at = int(rng.integers(0, rows.shape[1] - STRETCH + 1)) if rng.random() < 0.7 else 0
            part = moved(rows[chosen, at : at + STRETCH].astype(np.float32), rng)
            rate = RATE * min(1.0, n / 50) * (0.5 + 0.5 * np.cos(np.pi * n / steps))
            weights, moments, value = improved(
                weights, moments, part, near[chosen, at : at + STRETCH].astype(np.float32),
                counts[chosen, at : at + STRETCH], np.float32(rate), np.float32(n),
            )  # fmt: skip
            total += float(value)
        if number % 5 == 4 or number == rounds - 1:
            shown = {name: round(v, 4) for name, v in figures(weights, dev_rows, dev_near).items()}
            console.print(f"round {number + 1}: {total / max(1, len(order) // BATCH):.4f} {shown}")
    with out.open("wb") as file:
        kept = {name: np.asarray(w, np.float16 if w.ndim > 1 else np.float32) for name, w in weights.items()}
        np.savez_compressed(file, allow_pickle=False, **kept)


if __name__ == "__main__":
    typer.run(main)
