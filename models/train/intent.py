"""Makes `models/weights/intent.onnx` and `intent.json` again: `python -m models.train.intent`.

Seeded; needs the `train` extra and the sentence encoder (`python -m models fetch sentences`). A first pass leaves one
writer out, in both languages, to learn how sure one may be of strangers' sentences (temperature, thresholds,
figures); the network over all writers is what ships.
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
from models.sentences import SentenceModel
from models.store import Store
from models.train.calibrate import find_temperature, thresholds
from models.train.corpus import LANGUAGES, Example, corpus_hash, intent_ids, load_corpus, load_heard
from models.train.export import save_graph
from models.train.network import Floats, Recipe, Rows, Weights, fit, logits_of, one_hot, softmax, to_rows
from models.train.noise import Noise

WEIGHTS: Final = Path(__file__).parents[1] / "weights"
JUDGED_WRITER: Final = "writer_b"
VARIANTS: Final = 2


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


def _meanings(texts: Sequence[str], encoder: SentenceModel) -> Floats:
    """`(n, 1792)`: direction and traits of each text, as the run time sees them."""
    return np.stack([np.concatenate(encoder.read(text)) for text in texts])


def rows_of(texts: Sequence[str], features: Sequence[Features], encoder: SentenceModel) -> Rows:
    """What the network takes of these texts."""
    return to_rows(features, _meanings(texts, encoder))


def train(examples: Sequence[Example], ids: Sequence[str], recipe: Recipe, encoder: SentenceModel) -> Weights:
    """Fit on the sentences and their noisy variants."""
    written = prepare(examples, ids, recipe.seed)
    rows = rows_of(written.texts, written.features, encoder)
    return fit(rows, one_hot(written.labels, len(ids)), written.emphasis, recipe)


def is_judged(example: Example) -> bool:
    """Whether this sentence is of the writer who is left out of the first pass."""
    return f"/{JUDGED_WRITER}.txt:" in example.group


def held_out_logits(
    examples: Sequence[Example], ids: Sequence[str], recipe: Recipe, encoder: SentenceModel
) -> tuple[list[Example], Floats]:
    """The sentences of one writer and their logits `(n, labels)`, by a network that never saw that writer."""
    judged = [e for e in examples if is_judged(e)]
    weights = train([e for e in examples if not is_judged(e)], ids, recipe, encoder)
    texts = [e.text for e in judged]
    return judged, logits_of(weights, rows_of(texts, [extract(text) for text in texts], encoder))


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
    encoder = SentenceModel(Store().open("sentences"), threads=2)
    console.print("first pass, one writer left out")
    judged, logits = held_out_logits(examples, ids, recipe, encoder)
    told = calibration(judged, ids, logits)
    console.print(told)
    console.print(f"second pass, all writers; {time.monotonic() - started:.0f} s so far")
    folder.mkdir(parents=True, exist_ok=True)
    save_graph(train(examples, ids, recipe, encoder), folder / "intent.onnx")
    card = {
        "labels": list(ids), **told, "corpus_sha256": corpus_hash(), "sentences": len(examples),
        "lines": len({e.group for e in examples}), "recipe": asdict(recipe), "variants": VARIANTS,
        "judged_writer": JUDGED_WRITER,
    }  # fmt: skip
    (folder / "intent.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    console.print(f"written to {folder} in {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    typer.run(main)
