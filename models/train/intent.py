"""Makes `models/weights/intent.onnx` and `intent.json` again: `python -m models.train.intent`.

Seeded, about a quarter of an hour on two cores, nothing downloaded beyond the `train` extra. A first
pass leaves a quarter of the lines out to learn how sure one may be (temperature, thresholds,
figures); the network over all lines is what ships.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import numpy.typing as npt
import typer
from rich.console import Console

from models.intent_features import Features, extract
from models.train.calibrate import find_temperature, thresholds
from models.train.corpus import LANGUAGES, Example, corpus_hash, fold_of, intent_ids, load_corpus, load_heard
from models.train.export import save_graph
from models.train.network import Floats, Recipe, Weights, fit, logits_of, one_hot, softmax, to_matrix
from models.train.noise import Noise
from models.train.paraphrase import unlabelled
from models.train.teacher import SentenceMeanings, Teacher

WEIGHTS: Final = Path(__file__).parents[1] / "weights"
FOLDS: Final = 4
JUDGED_FOLDS: Final = (0,)  # a quarter of the lines sets temperature and thresholds; each fold costs minutes
VARIANTS: Final = 5
OWN_LABEL_SHARE: Final = 0.6  # of a written sentence's target; the rest is the teacher's opinion of it
UNLABELLED_WEIGHT: Final = 0.7  # of a made-up sentence against a written one


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Written sentences with their noisy variants; labels `(n,)` and weights `(n,)` with mean 1."""

    texts: list[str]
    features: list[Features]
    labels: npt.NDArray[np.int64]
    emphasis: Floats


def _shares(examples: Sequence[Example]) -> Floats:
    """`(n,)`: each line counts once, however many sentences it was filled into."""
    sizes = Counter(example.group for example in examples)
    return np.array([1.0 / sizes[example.group] for example in examples], dtype=np.float32)


def _labels(examples: Sequence[Example], ids: Sequence[str]) -> npt.NDArray[np.int64]:
    place = {name: number for number, name in enumerate(ids)}
    return np.array([place[example.intent] for example in examples], dtype=np.int64)


def prepare(examples: Sequence[Example], ids: Sequence[str], seed: int) -> Prepared:
    """Each sentence with its variants, weighted so that neither a template nor a rich intent drowns the others."""
    noise = Noise([e.text for e in examples if e.language == "zh"], seed)
    sizes = Counter(example.group for example in examples)
    texts, labels, emphasis = [], [], []
    for example, label in zip(examples, _labels(examples, ids), strict=True):
        noisy = noise.variants(example.text, language=example.language, intent=example.intent, count=VARIANTS)
        for number, text in enumerate([example.text, *noisy]):
            texts.append(text)
            labels.append(label)
            emphasis.append((2.0 if number == 0 else 1.0) / np.sqrt(sizes[example.group]))
    label_row = np.array(labels, dtype=np.int64)
    weights = np.array(emphasis, dtype=np.float32)
    # Rare intents are lifted, but not all the way: what was written more often is asked more often.
    mass = np.bincount(label_row, weights=weights, minlength=len(ids))
    weights = weights * np.sqrt(mass.mean() / mass[label_row]).astype(np.float32)
    return Prepared(
        texts=texts,
        features=[extract(text) for text in texts],
        labels=label_row,
        emphasis=(weights / weights.mean()).astype(np.float32),
    )


def train(examples: Sequence[Example], ids: Sequence[str], recipe: Recipe, meanings: SentenceMeanings) -> Weights:
    """Fit a first network and a linear reading of meaning, let both judge made-up sentences, and learn from them."""
    written = prepare(examples, ids, recipe.seed)
    own = one_hot(written.labels, len(ids))
    characters = fit(to_matrix(written.features), own, written.emphasis, recipe)
    written_meanings = meanings(written.texts)
    teacher = Teacher(written_meanings, written.labels, written.emphasis, characters)
    made = unlabelled(examples, meanings, recipe.seed)
    made_features = [extract(text) for text in made]
    opinion = teacher.probabilities(written_meanings, written.features)
    targets = np.vstack(
        [
            OWN_LABEL_SHARE * own + (1.0 - OWN_LABEL_SHARE) * opinion,
            teacher.probabilities(meanings(made), made_features),
        ]
    ).astype(np.float32)
    weights = np.concatenate([written.emphasis, np.full(len(made), UNLABELLED_WEIGHT, np.float32)])
    return fit(to_matrix([*written.features, *made_features]), targets, weights, recipe)


def held_out_logits(
    examples: Sequence[Example], ids: Sequence[str], recipe: Recipe, meanings: SentenceMeanings
) -> tuple[list[Example], Floats]:
    """Lines of the judged folds and their logits `(n, labels)`, by networks that never saw them."""
    judged: list[Example] = []
    logits = []
    for fold in JUDGED_FOLDS:
        held = [e for e in examples if fold_of(e.group, FOLDS) == fold]
        weights = train([e for e in examples if fold_of(e.group, FOLDS) != fold], ids, recipe, meanings)
        judged += held
        logits.append(logits_of(weights, to_matrix([extract(e.text) for e in held])))
    return judged, np.vstack(logits)


def calibration(examples: Sequence[Example], ids: Sequence[str], logits: Floats) -> dict[str, Any]:
    """Temperature over everything and thresholds for each language, from logits of lines never seen."""
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
    meanings = SentenceMeanings()
    console.print("first pass, a part of the lines left out")
    judged, logits = held_out_logits(examples, ids, recipe, meanings)
    told = calibration(judged, ids, logits)
    console.print(told)
    console.print(f"second pass, all lines; {time.monotonic() - started:.0f} s so far")
    folder.mkdir(parents=True, exist_ok=True)
    save_graph(train(examples, ids, recipe, meanings), folder / "intent.onnx")
    card = {
        "labels": list(ids), **told, "corpus_sha256": corpus_hash(), "sentences": len(examples),
        "lines": len({e.group for e in examples}), "recipe": asdict(recipe), "variants": VARIANTS, "folds": FOLDS,
        "judged_folds": list(JUDGED_FOLDS),
    }  # fmt: skip
    (folder / "intent.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    console.print(f"written to {folder} in {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    typer.run(main)
