"""What the reader (`models/reader.py`) is taught, and how its logit is weighed against the regression's.

Part of `python -m bench.risk_training`. Some of the regression's folds are left out of one reader each, so that every
writer of theirs is judged by one that never saw them: thresholds of four writers did not hold for the next. What ships
is all these readers as one (`models.train.reader.mean_of`), which is a little better than each on a writer whom none of
them saw, at the same thresholds (docs/risk.md). Teaching takes long, and is done once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import jax
import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from bench.risk import Conversation
from models.intent_features import normalise
from models.reader import Cutter
from models.risk import TURNS
from models.train.reader import Lessons, Parameters, States, load, lower_layers, mean_of, scores, teach

LEFT_OUT: Final = 2  # of the folds: with its writers are judged those whom nothing learns from
READ: Final = (LEFT_OUT,)  # folds of which a reader is taught that never saw them; 45 quiet minutes each, without VNNI
UNREAD: Final = -1
LEAST: Final = -20.0

Floats = npt.NDArray[np.float32]
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Texts:
    """Every whole conversation and every beginning of a harmless one, each text once.

    `rows[n]`: the text of row `n` of the conversations; `UNREAD` for the beginning of a swindle, of which nobody can
    say from which turn on it is one.
    """

    pieces: list[npt.NDArray[np.int64]]
    rows: npt.NDArray[np.int64]


def texts_of(talks: Sequence[Conversation], cutter: Cutter) -> Texts:
    """Cut as the terminal cuts them."""
    numbers: dict[tuple[str, ...], int] = {}
    rows = []
    for talk in talks:
        turns = tuple(normalise(turn) for turn in talk.turns)
        for end in range(1, len(turns) + 1):
            unread = talk.scam and end < len(turns)
            rows.append(UNREAD if unread else numbers.setdefault(turns[:end][-TURNS:], len(numbers)))
    return Texts([cutter.pieces(turns) for turns in numbers], np.array(rows))


def lessons_of(
    texts: Texts,
    of: npt.NDArray[np.int64],
    last: npt.NDArray[np.bool_],
    scam: npt.NDArray[np.bool_],
    taught: npt.NDArray[np.bool_],
) -> Lessons:
    """Whole conversations each round, and one beginning of every two harmless ones.

    `of`, `last`: by row, which conversation it belongs to and whether it is the whole of it; `scam`, `taught`: by
    conversation, what it is and whether it is learnt from.
    """
    whole = np.flatnonzero(last & taught[of])
    beginnings = np.flatnonzero(~last & taught[of] & ~scam[of])
    rows = np.concatenate([whole, beginnings])
    return Lessons(
        texts.rows[rows],
        scam[of[rows]].astype(np.float32),
        np.ones(len(rows), np.float32),
        np.concatenate([np.full(len(whole), -1), of[beginnings] // 4]),  # mostly two harmless ones among four
    )


@dataclass(frozen=True, slots=True)
class Reading:
    """All readers as one, and by row the logit by a reader that never saw the writer.

    NaN for writers of no fold that was read, LEAST for what is not read.
    """

    taught: Parameters
    logits: Floats


def read(
    folder: Path,
    work: Path,
    kept: Path,
    texts: Texts,
    lessons: Callable[[npt.NDArray[np.bool_]], Lessons],
    folds: Sequence[tuple[int, npt.NDArray[np.bool_]]],
    of: npt.NDArray[np.int64],
    say: Say,
) -> Reading:
    """Teach one reader for each of `folds` (number, who by conversation is kept away). `folder`: the fetched network.

    `work` keeps what is half done, so that an interrupted training goes on; `kept` what the lower layers make of texts.
    """
    jax.config.update("jax_compilation_cache_dir", str(kept / "compiled"))  # type: ignore[no-untyped-call]
    weights = load(folder)
    states = States(texts.pieces, kept)
    states.make(lower_layers(folder, kept), say)
    logits = np.full(len(of), np.nan, np.float32)
    readers = []
    for number, left_out in folds:
        readers.append(teach(weights, states, lessons(~left_out), work / f"taught_{number}.npz", say))
        rows, path = left_out[of], work / f"read_{number}.npy"
        if not path.exists():
            found = scores(weights, readers[-1], states, texts.rows[rows & (texts.rows != UNREAD)].tolist())
            found[UNREAD] = LEAST
            np.save(path, np.array([found[text] for text in texts.rows[rows].tolist()], np.float32))
        logits[rows] = np.load(path)
    return Reading(mean_of(readers), logits)


def blend(
    regression: Floats, reader: Floats, labels: npt.NDArray[np.bool_], counts: npt.NDArray[np.float64]
) -> tuple[float, float, float]:
    """How much each logit `(n,)` counts, and what is added, so that together they are a logit again."""
    both = np.stack([regression, reader], axis=1)
    fitted = LogisticRegression(C=100.0).fit(both, labels, sample_weight=counts)
    return float(fitted.coef_[0, 0]), float(fitted.coef_[0, 1]), float(fitted.intercept_[0])
