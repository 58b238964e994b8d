"""What the terminal sees of a conversation after each turn, as rows of numbers for the regression to learn from.

Part of `python -m bench.risk_training`, which keeps them file by file: they take minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from bench.risk import Conversation, load_conversations
from kiosk.risk.watch import combined
from kiosk.risk.words import find, load_book
from models.intent_features import BUCKETS, normalise
from models.risk import TellingTurns, Words, dense_row, syllables, word_row, words_of
from models.sentences import SentenceModel

Floats = npt.NDArray[np.float32]


class Cached:
    """The sentence encoder, each sentence once."""

    def __init__(self, inner: SentenceModel) -> None:
        self._inner, self._known = inner, dict[str, Floats]()

    def embed(self, text: str) -> Floats:
        if text not in self._known:
            self._known[text] = self._inner.embed(text)
        return self._known[text]


@dataclass(frozen=True, slots=True)
class Row:
    """The features of one conversation up to one turn."""

    given: frozenset[str]
    words: dict[int, float]
    dense: Floats


def rows_of(talk: Conversation, turns: TellingTurns, encoder: Cached) -> list[Row]:
    """The features after each turn, as the terminal sees them."""
    rows, texts, told, spelt = [], list[str](), list[bool](), list[Words]()
    words, signs = set[str](), set[str]()
    for turn in talk.turns:
        text = normalise(turn)
        found = find(text, load_book(talk.language), syllables if talk.language == "zh" else None)
        texts.append(text)
        spelt.append(words_of(text))
        told.append(found.reported)
        words |= set(found.spans)
        signs |= found.signs | ({"reported"} if found.reported else set()) | ({"trusted"} if found.trusted else set())
        given = frozenset({*words, *signs, *combined(words, signs)})
        rows.append(Row(given, word_row(spelt), dense_row(texts, spelt, told, turns, encoder)))
    return rows


def rows_of_file(path: Path, turns: TellingTurns, encoder: Cached) -> list[Row]:
    """Those of all its conversations."""
    return [row for talk in load_conversations(path) for row in rows_of(talk, turns, encoder)]


def matrix(rows: Sequence[Row], names: Sequence[str]) -> sp.csr_matrix:
    """`(n, indicators + dense + BUCKETS)`."""
    given = sp.csr_matrix(np.array([[name in row.given for name in names] for row in rows], np.float32))
    dense = sp.csr_matrix(np.stack([row.dense for row in rows]))
    words = word_matrix(
        [(np.fromiter(row.words, np.int64), np.fromiter(row.words.values(), np.float32)) for row in rows]
    )
    return sp.hstack([given, dense, words]).tocsr()


def word_matrix(words: Sequence[Words]) -> sp.csr_matrix:
    """`(n, BUCKETS)`."""
    at = np.concatenate([np.full(len(buckets), n) for n, (buckets, _) in enumerate(words)])
    where, share = (np.concatenate(parts) for parts in zip(*words, strict=True))
    return sp.csr_matrix((share, (at, where)), shape=(len(words), BUCKETS))


def kept_rows(path: Path, make: Callable[[], list[Row]]) -> list[Row]:
    """The rows written at `path`, or made now and written there."""
    if not path.exists():
        rows = make()
        with path.with_suffix(".new").open("wb") as file:
            np.savez(
                file,
                allow_pickle=False,
                given=np.array([" ".join(sorted(row.given)) for row in rows]),
                dense=np.stack([row.dense for row in rows]),
                sizes=np.array([len(row.words) for row in rows]),
                where=np.array([where for row in rows for where in row.words], np.int64),
                share=np.array([share for row in rows for share in row.words.values()], np.float64),
            )
        path.with_suffix(".new").replace(path)
    with np.load(path) as held:
        given, dense, where, share = (held[name] for name in ("given", "dense", "where", "share"))
        ends = np.cumsum(held["sizes"])[:-1]
    words = zip(np.split(where, ends), np.split(share, ends), strict=True)
    return [
        Row(frozenset(str(names).split()), dict(zip(at.tolist(), much.tolist(), strict=True)), numbers)
        for names, numbers, (at, much) in zip(given, dense, words, strict=True)
    ]
