"""From a question to the entry that answers it: the index and the decision together."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from contracts.screen import Language
from kiosk.content.decision import Weights, features
from kiosk.content.pack import Entry, Pack
from kiosk.content.retrieval import Encoder, Floats, Index, Ranking, Terms
from kiosk.content.words import language_of

MEMORY_MOST: Final = 40_000  # sentences kept on disk: 80 MB, several packs


@dataclass(frozen=True, slots=True)
class Match:
    """The entry that fits best, the probability that it answers, and whether that is enough to say it."""

    entry: Entry
    score: float
    sure: bool
    ranking: Ranking = field(repr=False, compare=False)


class PackFinder:
    """One pack made ready for questions."""

    def __init__(self, pack: Pack, encoder: Encoder, terms: Terms, weights: Weights) -> None:
        self._entries = pack.entries
        self._weights = weights
        self.index = Index(pack.entries, encoder, terms, weights.ways)

    def best(self, text: str, language: Language, ranked_intents: Sequence[tuple[str, float]]) -> Match | None:
        """The best entry; None for a text without words. The script of `text` decides where to look, not `language`."""
        if not any(sign.isalnum() for sign in text):
            return None
        ranking = self.index.rank(text, ranked_intents)
        side = language_of(text)
        score = self._weights.probability(features(ranking, ranked_intents), side)
        return Match(self._entries[int(ranking.order[0])], score, score >= self._weights.threshold[side], ranking)


class Remembering:
    """An encoder that keeps what it has read in a file, so that a pack is ready at once the second time."""

    def __init__(self, encoder: Encoder, name: str, path: Path | None) -> None:
        """`name` tells encoders apart: what another one read is not used. Without `path` nothing is kept on disk."""
        self._encoder, self._path = encoder, path
        self._name = name
        self._known: dict[str, Floats] = self._read()
        self._new = 0

    def embed(self, text: str) -> Floats:
        key = hashlib.sha256(text.encode()).hexdigest()
        if key not in self._known:
            self._known[key] = self._encoder.embed(text)
            self._new += 1
        return self._known[key]

    def keep(self) -> None:
        """Write what is new, newest last; a full disk only costs time at the next start."""
        if self._path is None or not self._new:
            return
        kept = list(self._known.items())[-MEMORY_MOST:]
        part = self._path.with_suffix(f".{os.getpid()}.npz")  # several processes may write at once
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            np.savez(
                part,
                name=np.array(self._name),
                keys=np.array([key for key, _ in kept]),
                rows=np.stack([row for _, row in kept]),
            )
            part.replace(self._path)
        except OSError:
            part.unlink(missing_ok=True)
        self._new = 0

    def _read(self) -> dict[str, Floats]:
        if self._path is None or not self._path.is_file():
            return {}
        try:
            with np.load(self._path, allow_pickle=False) as held:
                if str(held["name"]) == self._name:
                    return dict(zip(map(str, held["keys"]), held["rows"], strict=True))
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            pass  # damaged: read again, and written anew
        return {}


class FinderMaker:
    """Makes a finder of each pack: what `ApprovedKnowledge` is given."""

    def __init__(
        self,
        encoder: Encoder,
        terms: Terms,
        *,
        name: str = "",
        memory: Path | None = None,
        weights: Weights | None = None,
    ) -> None:
        """`memory`: a file for what was read (see `Remembering`); without `weights` the shipped ones decide.

        Raises `WeightsError`.
        """
        self._encoder = encoder
        self._terms = terms
        self._weights = weights or Weights.load()
        self._name, self._memory = name, memory

    def __call__(self, pack: Pack) -> PackFinder:
        remembering = Remembering(self._encoder, self._name, self._memory)
        index = _Both(remembering, self._encoder)
        finder = PackFinder(pack, index, self._terms, self._weights)
        index.serving = True
        remembering.keep()
        return finder


class _Both:
    """Remembers while the pack is made ready; visitors' questions are never kept."""

    def __init__(self, remembering: Remembering, encoder: Encoder) -> None:
        self._remembering, self._encoder = remembering, encoder
        self.serving = False

    def embed(self, text: str) -> Floats:
        return self._encoder.embed(text) if self.serving else self._remembering.embed(text)
