"""Makes `models/weights/listening.npz` again: `python -m models.train.listening`; seeded, a minute on two cores.

Learns from `data/listening.tsv`: what only shows that somebody listens, and what wants something though it is short.
Sentences of the intent corpus are further examples of the latter. `data/listening_heard.tsv`, when present, holds what
the recogniser made of some of them (`--hear N` makes it).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import numpy as np
import numpy.typing as npt
import typer
from rich.console import Console
from sklearn.linear_model import LogisticRegression

from models.kokoro import Kokoro
from models.listening import WEIGHTS
from models.sentences import SentenceModel
from models.store import Store
from models.train.corpus import DATA, CorpusError, Example, fold_of, load_corpus
from models.train.hear import heard
from models.whisper import Whisper

LINES: Final = DATA / "listening.tsv"
HEARD: Final = DATA / "listening_heard.tsv"
KINDS: Final = ("listens", "wants")
NEUTRAL: Final = frozenset(("greet", "thanks", "affirm", "praise", "chitchat", "goodbye"))  # may be either
CORPUS_LINES: Final = 6000
CORPUS_SHARE: Final = 0.25  # of such a sentence against one that was written to be told apart
STRENGTH: Final = 0.05  # inverse regularisation; chosen on folds
FOLDS: Final = 5
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Lesson:
    """A text, whether it only listens, its weight, and the line it comes from."""

    text: str
    listens: bool
    weight: float
    group: str


def load_lessons(path: Path) -> list[Example]:
    """Lines of `listens|wants<TAB>zh|en<TAB>text`. Raises `CorpusError` naming file and line."""
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        cells = line.split("\t")
        if len(cells) not in (3, 4) or cells[0] not in KINDS or cells[1] not in ("zh", "en") or not cells[2]:
            raise CorpusError(f"{path}:{number}: want listens|wants<TAB>zh|en<TAB>text")
        group = cells[3] if len(cells) == 4 else f"{path.name}:{number}"
        found.append(Example(intent=cells[0], language=cells[1], group=group, text=cells[2]))
    return found


def lessons(seed: int) -> list[Lesson]:
    """Everything to learn from."""
    own = [*load_lessons(LINES), *(load_lessons(HEARD) if HEARD.exists() else [])]
    wishes = [e for e in load_corpus() if e.intent not in NEUTRAL]
    drawn = random.Random(seed).sample(wishes, CORPUS_LINES)
    return [
        *(Lesson(e.text, e.intent == "listens", 1.0, e.group) for e in own),
        *(Lesson(e.text, False, CORPUS_SHARE, e.group) for e in drawn),
    ]


def fitted(rows: Sequence[Lesson], meanings: Floats) -> tuple[Floats, float]:
    """Weights `(m,)` over the encoder's numbers as they are, and a bias."""
    middle, reach = meanings.mean(axis=0), meanings.std(axis=0) + 1e-6
    model = LogisticRegression(C=STRENGTH, max_iter=500)
    model.fit((meanings - middle) / reach, [row.listens for row in rows], [row.weight for row in rows])
    weights = model.coef_[0] / reach
    return weights.astype(np.float32), float(model.intercept_[0] - middle @ weights)


def hear(count: int, seed: int) -> None:
    """Speak lines, recognise them, and keep what was heard beside the data."""
    store = Store()
    lines = [e for e in load_lessons(LINES) if len(e.text) > 1]
    chosen = random.Random(seed).sample(lines, min(count, len(lines)))
    rows = list(heard(chosen, Kokoro(store.open("kokoro")), Whisper(store.open("whisper-base")), seed))
    told = (f"{row.intent}\t{row.language}\t{row.text}\t{row.group}" for row in rows)
    HEARD.write_text("# what the recogniser made of lines of listening.tsv\n" + "\n".join(told) + "\n", "utf-8")


def main(
    out: Annotated[Path, typer.Option(help="Where the weights are written.")] = WEIGHTS,
    seed: Annotated[int, typer.Option(help="Same seed, same weights.")] = 20,
    hear_lines: Annotated[int, typer.Option("--hear", min=0, help="First let so many lines be heard.")] = 0,
) -> None:
    """Fit on folds, say what they show, fit on all, write."""
    console = Console(stderr=True)
    if hear_lines:
        hear(hear_lines, seed)
    rows = lessons(seed)
    encoder = SentenceModel(Store().open("sentences"))
    meanings = np.stack([np.concatenate(encoder.read(row.text)) for row in rows])
    fold = np.array([fold_of(row.group, FOLDS) for row in rows])
    listens = np.array([row.listens for row in rows])
    score = np.zeros(len(rows), np.float32)
    for held in range(FOLDS):
        chosen = np.flatnonzero(fold != held)
        weights, bias = fitted([rows[at] for at in chosen], meanings[chosen])
        score[fold == held] = meanings[fold == held] @ weights + bias
    probability = 1 / (1 + np.exp(-score))
    wants = np.array([not row.listens and row.weight == 1.0 for row in rows])
    for least in (0.3, 0.5, 0.7, 0.9):
        told = f"{(probability[listens] >= least).mean():.3f} of {listens.sum()} that listen"
        console.print(f"at {least}: {told}, {(probability[wants] >= least).mean():.3f} of {wants.sum()} that want")
    weights, bias = fitted(rows, meanings)
    np.savez(out, weights=weights, bias=np.float32(bias))
    console.print(f"written to {out}")


if __name__ == "__main__":
    typer.run(main)
