"""Learns to tell a backchannel from the beginning of words: `python -m models.train.onset`.

Many voices say both, in rooms, over babble, with what a canceller leaves of the receptionist and what it
takes from the visitor. silero finds the onsets, as in the terminal. Thresholds come from voices that
the fitted part did not hear; the figures from voices and rooms that no part heard, half of them with
lines of their own. Ten minutes after `models.train.sayings`.
"""

from __future__ import annotations

import random
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import numpy.typing as npt
import typer
from rich.console import Console
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from models.onset import EARLIEST_MS, LATEST_MS, LEAD_MS, PATH_WEIGHTS, RATE_HZ, STEP_MS, SoundsOfSpeech, chance
from models.silero import SileroVad
from models.store import Store
from models.train.onset_scenes import Onset, Stage
from models.train.sayings import Speakers, Split, clips

Floats = npt.NDArray[np.float32]
Network = list[tuple[Floats, Floats]]

STEPS: Final = tuple(range(EARLIEST_MS, LATEST_MS, STEP_MS))
BUDGETS: Final = (0.02, 0.05, 0.1, 0.2)  # of backchannels of voices that were not fitted: may stop her
SPENT_BY_MS: Final = 256  # of voice: early stops are worth more than late ones
ROOMS: Final[dict[Split, int]] = {"train": 12, "test": 6}
SEEDS: Final[dict[Split, int]] = {"train": 214, "test": 9211}
FOLDS: Final = 4
KEPT: Final = 128  # directions of the encoder's space
HIDDEN: Final = (48,)
EPOCHS: Final = 25


def onsets(split: Split, rounds: int, speakers: Speakers, vad: SileroVad) -> list[Onset]:
    """Each clip of `split` `rounds` times, each time elsewhere; with coughs, and with words after a hum."""
    rng, dice = np.random.default_rng(SEEDS[split]), random.Random(SEEDS[split])
    stage = Stage(list(clips(speakers, split, ("sentence", "chat"))), ROOMS[split], vad, rng)
    found: list[Onset | None] = []
    short = list(clips(speakers, split, ("backchannel", "words")))
    for _ in range(rounds):
        for clip in short:
            found.append(stage.play(clip))
            if clip.saying.kind == "backchannel" and dice.random() < 0.2:
                more = [other for other in short if other.voice == clip.voice and other.saying.kind == "words"]
                found.append(stage.play(clip, dice.choice(more)))
        found += [stage.cough() for _ in range(len(short) // 25)]
    return [onset for onset in found if onset is not None]


@dataclass(frozen=True, slots=True)
class Asked:
    """One onset with what the network is shown at each step of voice."""

    onset: Onset
    rows: dict[int, Floats]  # by milliseconds of voice


def asked(found: list[Onset], sounds: SoundsOfSpeech) -> list[Asked]:
    """Every moment at which the rule is asked, as rows."""
    return [
        Asked(o, {ms: sounds.row(o.pcm[:count], ms).astype(np.float16) for count, ms in o.moments if ms in STEPS})
        for o in found
    ]


def is_words(onset: Onset, samples: int) -> bool:
    """Whether she should stop, after `samples` from LEAD_MS before the onset."""
    elapsed_ms = samples * 1000 // RATE_HZ - LEAD_MS
    return onset.what == "words" or (onset.what == "both" and elapsed_ms > onset.words_from_ms)


def fit(found: list[Asked], seed: int) -> Network:
    """Main directions, then a perceptron; both answers weigh the same."""
    rows, right = [], []
    for one in found:
        for count, voiced_ms in one.onset.moments:
            if voiced_ms in one.rows:
                rows.append(one.rows[voiced_ms])
                right.append(is_words(one.onset, count))
    table, labels = np.stack(rows).astype(np.float32), np.array(right)
    rng = np.random.default_rng(seed)
    main = PCA(KEPT, whiten=True, random_state=seed, svd_solver="randomized").fit(table)
    project = np.asarray(main.components_.T / np.sqrt(main.explained_variance_), np.float32)
    shift = np.asarray(-main.mean_ @ project, np.float32)
    few, many = sorted((np.flatnonzero(labels), np.flatnonzero(~labels)), key=len)
    order = rng.permutation(np.concatenate((many, few, rng.choice(few, len(many) - len(few)))))
    network = MLPClassifier(
        HIDDEN, alpha=0.3, batch_size=128, learning_rate_init=1e-3, max_iter=EPOCHS, random_state=seed, tol=0.0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the number of rounds is the regulariser
        network.fit(table[order] @ project + shift, labels[order])
    layers = zip(network.coefs_, network.intercepts_, strict=True)
    return [(project, shift), *((c.astype(np.float32), b.astype(np.float32)) for c, b in layers)]


def chances(network: Network, found: list[Asked]) -> list[dict[int, float]]:
    """For each onset the network's probability at each step, by milliseconds of voice."""
    return [{ms: chance(network, row.astype(np.float32)) for ms, row in one.rows.items()} for one in found]


def find_thresholds(found: list[Onset], at: list[dict[int, float]], spend: float) -> Floats:
    """(len(STEPS),) such that backchannels that ever reach theirs are a share of `spend`, most of it early."""
    calm = [chance for onset, chance in zip(found, at, strict=True) if onset.what == "backchannel"]
    stopped = np.zeros(len(calm), np.bool_)
    thresholds = []
    for step in STEPS:
        allowed = int(
            spend * len(calm) * min(1.0, (step - EARLIEST_MS + STEP_MS) / (SPENT_BY_MS - EARLIEST_MS + STEP_MS))
        )
        left = np.array([-1.0 if stop else chance.get(step, -1.0) for chance, stop in zip(calm, stopped, strict=True)])
        ranked = np.sort(left)[::-1]
        may = max(0, allowed - int(stopped.sum()))
        threshold = float(
            np.clip((ranked[may] + ranked[max(0, may - 1)]) / 2 if may else ranked[0] + 1e-4, 0.05, 0.9999)
        )
        stopped |= left >= threshold
        thresholds.append(threshold)
    return np.array(thresholds, np.float32)


def stop_ms(onset: Onset, at: dict[int, float], thresholds: Floats) -> int | None:
    """Voice until she stops; None: she does not."""
    for step, threshold in zip(STEPS, thresholds, strict=True):
        if at.get(step, -1.0) >= threshold:
            return step
    return LATEST_MS if onset.voiced_ms >= LATEST_MS else None


def measure(found: list[Onset], at: list[dict[int, float]], thresholds: Floats) -> dict[str, float]:
    """The rule's figures on onsets; stops in milliseconds of voice."""
    stops = [stop_ms(onset, chance, thresholds) for onset, chance in zip(found, at, strict=True)]
    pairs = list(zip(found, stops, strict=True))
    calm = [(onset, stop) for onset, stop in pairs if onset.what == "backchannel"]
    brief = [(onset, stop) for onset, stop in calm if onset.voiced_ms <= 500]
    # words of less voice than the first decision cannot be waited for
    words = [stop for onset, stop in pairs if onset.what == "words" and onset.voiced_ms >= EARLIEST_MS]
    after = [stop for onset, stop in pairs if onset.what == "both" and onset.voiced_ms >= LATEST_MS]
    waits = np.array([stop if stop is not None else 10_000 for stop in words])
    return {
        "backchannels": len(calm),
        "false_stops": float(np.mean([stop is not None for _, stop in calm])),
        "false_stops_up_to_500_ms": float(np.mean([stop is not None for _, stop in brief])),
        "words": len(words),
        "words_missed": float(np.mean([stop is None for stop in words])),
        "stop_p50_ms": float(np.median(waits)),
        "stop_p95_ms": float(np.percentile(waits, 95)),
        "stopped_by_256_ms": float(np.mean(waits <= 256)),
        "stopped_by_320_ms": float(np.mean(waits <= 320)),
        "words_after_hum_stopped": float(np.mean([stop is not None for stop in after])) if after else 1.0,
    }


def by_duration(found: list[Onset]) -> list[dict[str, float]]:
    """The plain rule: stop after so much voice. What it costs and misses."""
    table = []
    for limit_ms in (256, 320, 384, 448, 512, 576, 640):
        calm = [onset.voiced_ms >= limit_ms for onset in found if onset.what == "backchannel"]
        words = [o.voiced_ms >= limit_ms for o in found if o.what == "words" and o.voiced_ms >= EARLIEST_MS]
        table.append(
            {"after_ms": limit_ms, "false_stops": float(np.mean(calm)), "words_missed": 1 - float(np.mean(words))}
        )
    return table


def main(
    out: Annotated[Path, typer.Option(help="Where the weights are written.")] = PATH_WEIGHTS,
    rounds: Annotated[int, typer.Option(min=1, max=100, help="How often each voice says its lines.")] = 1,
) -> None:
    """Play, fit, find thresholds, test, write."""
    console, store = Console(stderr=True), Store()
    speakers, vad = Speakers(store), SileroVad(store.open("silero-vad"))
    sounds = SoundsOfSpeech(store.open("whisper-base"))
    learnt = asked(onsets("train", rounds, speakers, vad), sounds)
    console.print(f"{len(learnt)} onsets to learn from")
    tests = asked(onsets("test", 1, speakers, vad), sounds)
    network, thresholds = learn(learnt)
    found, at = [one.onset for one in tests], chances(network, tests)
    for budget, row in zip(BUDGETS, thresholds, strict=True):
        console.print(f"test, {budget:.0%} of backchannels may stop her:", measure(found, at, row))
    console.print("test, by duration alone:", by_duration(found))
    save(out, network, thresholds)
    console.print(f"written to {out}")


def learn(learnt: list[Asked]) -> tuple[Network, list[Floats]]:
    """The network of all voices; thresholds for each budget from networks that had not heard the voice."""
    voices = sorted({one.onset.voice for one in learnt})
    held: list[Asked] = []
    held_at: list[dict[int, float]] = []
    for fold in range(FOLDS):
        outside = set(voices[fold::FOLDS])
        network = fit([one for one in learnt if one.onset.voice not in outside], fold)
        part = [one for one in learnt if one.onset.voice in outside]
        held, held_at = held + part, held_at + chances(network, part)
    found = [one.onset for one in held]
    return fit(learnt, FOLDS), [find_thresholds(found, held_at, budget) for budget in BUDGETS]


def save(path: Path, network: Network, thresholds: list[Floats]) -> None:
    """Weights as float16, thresholds by budget, without pickles."""
    stored: dict[str, Any] = {"thresholds": np.stack(thresholds), "budgets": np.array(BUDGETS, np.float32)}
    for i, (weight, bias) in enumerate(network):
        stored[f"weight{i}"], stored[f"bias{i}"] = weight.astype(np.float16), bias
    np.savez_compressed(path, **stored)


if __name__ == "__main__":
    typer.run(main)
