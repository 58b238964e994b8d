"""Which approved entry answers a question: by words, by sound, by meaning and by the wish behind it.

Every entry is known by the questions that its writer expected, in both languages. A question is held against all of
them in seven ways; a small set of weights, learned from development questions, adds these up. Nothing here writes a
sentence, and whether the best entry is good enough is decided in `decision.py`.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from contracts.screen import Language
from kiosk.content.words import KINDS, TEXT_LIMIT, kinds, language_of, tokens

Floats = npt.NDArray[np.float32]
Terms = Callable[[str], Mapping[str, float]]
"""A sentence's features by name, those of sound beginning with `p`, letters with `l` (`models/intent_features.py`)."""

WAYS: Final = ("near", "across", "centre", "words", "sounds", "kind", "intent", "about")
_K1: Final = 1.2  # BM25's usual saturation and length share (Robertson & Zaragoza 2009)
_B: Final = 0.6
_ANSWER_COUNTS: Final = 0.5  # a word of the answer beside one of an expected question
_SHRINK: Final = 0.5  # of the spread inside entries, taken as equal in all directions
_SMOOTH: Final = 2.0
_SEEN_ONLY: Final = 0.3  # pairs and triples that no entry has are no surprise
_HOLE: Final = "{"


class Encoder(Protocol):
    """Sentences as directions that are near when the meaning is: (512,) float32 of length one."""

    def embed(self, text: str) -> Floats: ...


class Asked(Protocol):
    """What the index needs of an entry."""

    @property
    def intents(self) -> Sequence[str]: ...
    @property
    def about(self) -> Sequence[str]: ...
    def expected(self, language: Language) -> Sequence[str]: ...
    def answer(self, language: Language) -> str: ...


@dataclass(frozen=True, slots=True)
class Ranking:
    """Entries by how well they fit. `ways`: (entries, WAYS), as measured; `scores`: (entries,)."""

    text: str
    order: npt.NDArray[np.int64]
    scores: npt.NDArray[np.float64]
    ways: npt.NDArray[np.float64]
    odd: float  # share of the question's weight in words that no entry knows
    numbers: bool  # a number in the question that the best entry's questions do not have


class _Bag:
    """BM25 over entries: how much of a question's weight an entry's words carry, in [0, about 2]."""

    def __init__(self, documents: Sequence[Mapping[str, float]]) -> None:
        count = len(documents)
        lengths = np.array([sum(document.values()) for document in documents]) + 1e-9
        postings: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
        for number, document in enumerate(documents):
            norm = _K1 * (1 - _B + _B * lengths[number] / lengths.mean())
            for token, times in document.items():
                postings[token].append((number, times * (_K1 + 1) / (times + norm)))
        # one after the other in two arrays: a pair of arrays for each token took 60 MB more
        self._places = {token: place for place, token in enumerate(postings)}
        self._starts = np.concatenate([[0], np.cumsum([len(rows) for rows in postings.values()])]).astype(np.int64)
        size = int(self._starts[-1])
        self._where = np.fromiter((n for rows in postings.values() for n, _ in rows), np.int32, size)
        self._shares = np.fromiter((share for rows in postings.values() for _, share in rows), np.float64, size)
        self._unknown = math.log(1 + count)
        self._count = count

    def score(self, asked: Iterable[str]) -> tuple[npt.NDArray[np.float64], float]:
        """(entries,), and the share of the question's weight in words that no entry has."""
        found = np.zeros(self._count)
        total = unknown = 0.0
        for token in asked:
            single = token[0] in "1p"
            place = self._places.get(token)
            if place is None:
                weight, rows = self._unknown, slice(0)
            else:
                rows = slice(self._starts[place], self._starts[place + 1])
                held = int(rows.stop - rows.start)
                weight = math.log(1 + (self._count - held + 0.5) / (held + 0.5))
            total += weight if single else _SEEN_ONLY * weight
            if place is not None:
                found[self._where[rows]] += weight * self._shares[rows]
            elif single:
                unknown += weight
        return found / (total + 1e-9), unknown / (total + 1e-9)


@dataclass(frozen=True, slots=True)
class _Side:
    """One language's half of the index."""

    near: Floats  # (asks, 512)
    owner: npt.NDArray[np.int64]  # (asks,) entry of each, in order
    asked: npt.NDArray[np.int64]  # entries that have questions
    first: npt.NDArray[np.int64]  # the first question of each of these
    words: _Bag
    sounds: _Bag
    kinds: npt.NDArray[np.float64]  # (entries, KINDS) share of its questions that are of a kind
    usual: npt.NDArray[np.float64]  # (KINDS,)
    numbers: tuple[frozenset[str], ...]


def _sounds(text: str, terms: Terms, language: Language) -> list[str]:
    """Fuzzy syllables of Mandarin, letters of English: what survives a misheard word."""
    first = "p" if language == "zh" else "l"
    return [name for name in terms(text) if name[0] == first and name[1:3] != "s:"]


def _numbers(text: str, language: Language) -> frozenset[str]:
    """Figures named in a question, however they were written."""
    return frozenset(
        piece for piece in tokens(text, language) if piece.startswith("1:") and piece[2:].isdigit() and piece != "1:1"
    )


class Index:
    """Entries made ready for questions. Building embeds every expected question once; then it only reads."""

    def __init__(self, entries: Sequence[Asked], encoder: Encoder, terms: Terms, weights: Mapping[str, float]) -> None:
        self._entries, self._encoder, self._terms = entries, encoder, terms
        self._weights = np.array([weights[way] for way in WAYS])
        self._sides: dict[Language, _Side] = {"zh": self._side("zh"), "en": self._side("en")}
        self._centres()

    def _side(self, language: Language) -> _Side:
        asks = [(ask, n) for n, entry in enumerate(self._entries) for ask in entry.expected(language)]
        words: list[dict[str, float]] = []
        sounds: list[dict[str, float]] = []
        shares = np.zeros((len(self._entries), KINDS))
        for number, entry in enumerate(self._entries):
            said, sounding = defaultdict[str, float](float), defaultdict[str, float](float)
            for ask in entry.expected(language):
                for token in set(tokens(ask, language)):
                    said[token] += 1
                for token in set(_sounds(ask, self._terms, language)):
                    sounding[token] += 1
                shares[number] += kinds(ask, language) / len(entry.expected(language))
            plain = " ".join(part.partition("}")[2] or part for part in entry.answer(language).split(_HOLE))
            for token in set(tokens(plain, language)):
                said[token] += _ANSWER_COUNTS
            words.append(said)
            sounds.append(sounding)
        owner = np.array([owner for _, owner in asks])
        asked, first = np.unique(owner, return_index=True)
        return _Side(
            near=np.stack([self._encoder.embed(ask) for ask, _ in asks]),
            owner=owner,
            asked=asked,
            first=first,
            words=_Bag(words),
            sounds=_Bag(sounds),
            kinds=shares,
            usual=shares.mean(axis=0),
            numbers=tuple(
                frozenset[str]().union(*(_numbers(ask, language) for ask in entry.expected(language)))
                for entry in self._entries
            ),
        )

    def _centres(self) -> None:
        """The middle of each entry, seen where questions of one entry lie close (within-class whitening)."""
        near = np.concatenate([side.near for side in self._sides.values()])
        owner = np.concatenate([side.owner for side in self._sides.values()])
        centres = np.zeros((len(self._entries), near.shape[1]))
        np.add.at(centres, owner, near)
        centres /= np.bincount(owner, minlength=len(self._entries))[:, None]
        spread = near - centres[owner]
        inside = spread.T @ spread / len(spread)
        width = len(inside)
        inside += (_SHRINK * np.trace(inside) / width + 1e-9) * np.eye(width)
        self._middle = centres.mean(axis=0)
        self._view = np.linalg.cholesky(np.linalg.inv(inside))
        self._centre = _unit((centres - self._middle) @ self._view)

    def rank(self, text: str, ranked_intents: Sequence[tuple[str, float]]) -> Ranking:
        """Hold a question, in the language of its script, against every entry. Any text is accepted."""
        text = text[:TEXT_LIMIT]
        language = language_of(text)
        side = self._sides[language]
        other = self._sides["en" if language == "zh" else "zh"]
        near = self._encoder.embed(text)
        meaning = near.astype(np.float64)
        words, odd = side.words.score(set(tokens(text, language)))
        sounds, _ = side.sounds.score(set(_sounds(text, self._terms, language)))
        wishes = dict(ranked_intents)
        ways = np.stack(
            [
                self._best(side, near),
                self._best(other, near),
                self._centre @ _unit((meaning - self._middle) @ self._view),
                words,
                sounds,
                _kind(side, kinds(text, language)),
                np.array([sum(wishes.get(intent, 0.0) for intent in entry.intents) for entry in self._entries]),
                np.array([sum(wishes.get(intent, 0.0) for intent in entry.about) for entry in self._entries]),
            ],
            axis=1,
        )
        scores = standing(ways) @ self._weights
        order = np.argsort(-scores, kind="stable")
        known = side.numbers[int(order[0])]
        return Ranking(text, order, scores, ways, odd, bool(_numbers(text, language) - known))

    def _best(self, side: _Side, meaning: Floats) -> npt.NDArray[np.float64]:
        """(entries,): how near the nearest of each entry's questions is. All in 32 bits: making thousands of questions
        wider for the product took more than half of a look-up (8.8 of 15 ms), while the visitor waited."""
        found = np.full(len(self._entries), -1.0)
        alike = side.near @ meaning
        found[side.asked] = np.maximum.reduceat(alike, side.first)
        return found


def standing(ways: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """How each entry stands out among all, in standard deviations, each way for itself."""
    return np.asarray((ways - ways.mean(axis=0)) / (ways.std(axis=0) + 1e-6))


def _kind(side: _Side, asked: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """How much likelier this kind of question is for an entry than for any: log likelihood ratio."""
    per = 6
    own = (side.kinds * per + side.usual * _SMOOTH) / (per + _SMOOTH)
    yes = np.log((own + 0.02) / (side.usual + 0.02))
    no = np.log((1.02 - own) / (1.02 - side.usual))
    return np.asarray((asked * yes + (1 - asked) * no).sum(axis=1))


def _unit(rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(rows / (np.linalg.norm(rows, axis=-1, keepdims=True) + 1e-9))
