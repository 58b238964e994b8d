"""Makes `models/weights/intent.onnx` and `intent.json` again: `python -m models.train.intent`.

Seeded, minutes on two cores, nothing downloaded. First networks that each leave one part of the
lines out say how sure one may be (temperature, thresholds, figures); then one network over all
lines is what ships.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import numpy.typing as npt
import typer
from rich.console import Console

from models.intent_features import extract
from models.train.calibrate import find_temperature, thresholds
from models.train.corpus import LANGUAGES, Example, corpus_hash, fold_of, intent_ids, load_corpus, load_heard
from models.train.export import save_graph
from models.train.network import Floats, Recipe, Weights, fit, logits_of, softmax, to_matrix
from models.train.noise import Noise

WEIGHTS: Final = Path(__file__).parents[1] / "weights"
FOLDS: Final = 5
VARIANTS: Final = 5


def _shares(examples: Sequence[Example]) -> Floats:
    """`(n,)`: each line counts once, however many sentences it was filled into."""
    sizes = Counter(example.group for example in examples)
    return np.array([1.0 / sizes[example.group] for example in examples], dtype=np.float32)


def _labels(examples: Sequence[Example], ids: Sequence[str]) -> npt.NDArray[np.int64]:
    place = {name: number for number, name in enumerate(ids)}
    return np.array([place[example.intent] for example in examples], dtype=np.int64)


def train(examples: Sequence[Example], ids: Sequence[str], recipe: Recipe) -> Weights:
    """Fit one network on the sentences and their noisy variants."""
    noise = Noise([e.text for e in examples if e.language == "zh"], recipe.seed)
    sizes = Counter(example.group for example in examples)
    rows, labels, emphasis = [], [], []
    for example, label in zip(examples, _labels(examples, ids), strict=True):
        noisy = noise.variants(example.text, language=example.language, intent=example.intent, count=VARIANTS)
        for number, text in enumerate([example.text, *noisy]):
            rows.append(extract(text))
            labels.append(label)
            emphasis.append((2.0 if number == 0 else 1.0) / np.sqrt(sizes[example.group]))
    label_row = np.array(labels, dtype=np.int64)
    weight_row = np.array(emphasis, dtype=np.float32)
    # Rare intents are lifted, but not all the way: what was written more often is asked more often.
    mass = np.bincount(label_row, weights=weight_row, minlength=len(ids))
    weight_row = weight_row * np.sqrt(mass.mean() / mass[label_row]).astype(np.float32)
    weight_row = (weight_row / weight_row.mean()).astype(np.float32)
    return fit(to_matrix(rows), label_row, weight_row, len(ids), recipe)


def out_of_fold_logits(examples: Sequence[Example], ids: Sequence[str], recipe: Recipe) -> Floats:
    """`(n, labels)`: each line judged by a network that never saw it."""
    logits = np.zeros((len(examples), len(ids)), dtype=np.float32)
    folds = np.array([fold_of(example.group, FOLDS) for example in examples])
    for fold in range(FOLDS):
        held = [int(i) for i in np.flatnonzero(folds == fold)]
        weights = train([e for e, f in zip(examples, folds, strict=True) if f != fold], ids, recipe)
        logits[held] = logits_of(weights, to_matrix([extract(examples[i].text) for i in held]))
    return logits


def calibration(examples: Sequence[Example], ids: Sequence[str], logits: Floats) -> dict[str, Any]:
    """Temperature over everything and thresholds for each language, from out-of-fold logits."""
    labels, share = _labels(examples, ids), _shares(examples)
    temperature = find_temperature(logits, labels, share)
    probabilities = softmax(logits / temperature)
    language = np.array([example.language for example in examples])
    return {
        "temperature": temperature,
        "thresholds": {
            name: thresholds(probabilities[language == name], labels[language == name], share[language == name])
            for name in LANGUAGES
        },
    }


def main(
    folder: Annotated[Path, typer.Option(help="Where the model is written.")] = WEIGHTS,
    seed: Annotated[int, typer.Option(help="Same seed, same model.")] = 20,
) -> None:
    """Train, calibrate, export. Prints what was reached on lines held out."""
    console = Console(stderr=True)
    started = time.monotonic()
    ids = intent_ids()
    recipe = Recipe(seed=seed)
    examples = [*load_corpus(), *load_heard()]
    console.print(f"{len(examples)} sentences of {len({e.group for e in examples})} lines, {len(ids)} intents")
    told = calibration(examples, ids, out_of_fold_logits(examples, ids, recipe))
    console.print(told)
    folder.mkdir(parents=True, exist_ok=True)
    save_graph(train(examples, ids, recipe), folder / "intent.onnx")
    card = {
        "labels": list(ids), **told, "corpus_sha256": corpus_hash(), "sentences": len(examples),
        "lines": len({e.group for e in examples}), "recipe": asdict(recipe), "variants": VARIANTS, "folds": FOLDS,
    }  # fmt: skip
    (folder / "intent.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    console.print(f"written to {folder} in {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    typer.run(main)
