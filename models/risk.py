"""How much words sound like a swindle: a small regression over meaning, word features and given indicators, and where
the terminal has it the reader of whole conversations (`models/reader.py`), both logits weighed together.

Trained by `python -m bench.risk_training`. It refuses to decide: `kiosk/risk/` turns the score into a level.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt
from pypinyin import lazy_pinyin

from models.intent_features import BUCKETS, extract, fuzzy_syllable, normalise

WEIGHTS: Final = Path(__file__).parent / "weights"
TURNS: Final = 12  # the last turns of a visit that are read together
SHORT_VISIT: Final = 3  # turns; most written conversations have no more
NGRAM_SCALE: Final = 1.5
JOINT_SCALE: Final = 3.0
CLASS_SCALE: Final = 2.0
TELLING_SCALE: Final = 0.5
TELLING_MOST: Final = 12.0
LEAST: Final = -6.0  # the logit of nobody having said anything

Floats = npt.NDArray[np.float32]
Words = tuple[npt.NDArray[np.int64], Floats]


class RiskModelError(ValueError):
    """The weights are missing or do not belong together; the text names the file and the command that makes it."""


class Embedder(Protocol):
    def embed(self, text: str) -> Floats: ...


class Reading(Protocol):
    def logit(self, turns: Sequence[str]) -> float: ...


def syllables(text: str) -> tuple[str, ...]:
    """Toneless syllables of a text with confusable sounds made one; what is not Mandarin stays as it is."""
    return tuple(fuzzy_syllable(syllable) for syllable in lazy_pinyin(text) if syllable.strip())


class TellingTurns:
    """A reading of single turns: which giving-away kind they resemble, by meaning, and whether any, also by words."""

    def __init__(
        self, kinds: Floats, kinds_bias: Floats, telling: Floats, telling_bias: float, words: Floats, words_bias: float
    ) -> None:
        """`kinds` `(k + 1, 512)`, the first harmless; `telling` `(512,)`; `words` `(512 + BUCKETS,)`."""
        self.kinds, self.kinds_bias = kinds, kinds_bias
        self.telling, self.telling_bias = telling, telling_bias
        self.words, self.words_bias = words, words_bias

    def read(self, meaning: Floats, words: Words) -> tuple[Floats, Floats]:
        """Probabilities `(k,)` of the kinds, and two logits `(2,)` of being any: by meaning, by meaning and words."""
        logits = self.kinds @ meaning + self.kinds_bias
        shares = np.exp(logits - logits.max())
        shares /= shares.sum()
        spelt = float(self.words[512:][words[0]] @ words[1]) if len(words[0]) else 0.0
        telling = (
            float(self.telling @ meaning + self.telling_bias),
            float(self.words[:512] @ meaning) * JOINT_SCALE + spelt + self.words_bias,
        )
        return np.asarray(shares[1:], np.float32), np.array(telling, np.float32)


def words_of(text: str) -> Words:
    """Hashed word features of one turn: buckets `(n,)` and their shares `(n,)`."""
    buckets, shares = extract(text)
    return np.asarray(buckets, np.int64), np.asarray(shares, np.float32) * NGRAM_SCALE


def dense_row(
    turns: Sequence[str], words: Sequence[Words], told: Sequence[bool], turn_reader: TellingTurns, encoder: Embedder
) -> Floats:
    """What meaning says of the turns so far: kinds `(k,)`, telling `(8,)`, all together and their middle `(1024,)`.

    `words[n]`: `words_of` turn n. `told[n]`: turn n is about somebody else's swindle and is not read by itself.
    """
    kinds = np.zeros(len(turn_reader.kinds) - 1, np.float32)
    meanings = [encoder.embed(text) for text in turns]
    logits = [np.full(2, LEAST, np.float32)]
    for its, meaning, skip in zip(words, meanings, told, strict=True):
        if not skip:
            shares, telling = turn_reader.read(meaning, its)
            kinds = np.maximum(kinds, shares)
            logits.append(telling)
    order = np.sort(np.stack(logits), axis=0)
    second = order[-2] if len(order) > 2 else order[0]
    total = np.minimum(np.log1p(np.exp(order[1:])).sum(axis=0), TELLING_MOST)
    middle = order[1:].mean(axis=0) if len(order) > 1 else order[0]
    return np.concatenate(
        [
            kinds * CLASS_SCALE,
            np.concatenate([order[-1], second, middle, total]) * TELLING_SCALE,
            encoder.embed(" ".join(turns)) * JOINT_SCALE,
            np.mean(meanings, axis=0) * JOINT_SCALE,
        ]
    ).astype(np.float32)


def word_row(words: Sequence[Words]) -> dict[int, float]:
    """Hashed word features of the turns: bucket to its largest share."""
    found: dict[int, float] = {}
    for its in words:
        for where, share in zip(*its, strict=True):
            found[int(where)] = max(found.get(int(where), 0.0), float(share))
    return found


def beyond(turns: int) -> int:
    """Turns after those of a short visit. Each is another chance to sound like a swindle: it takes more to be one."""
    return max(0, turns - SHORT_VISIT)


class RiskModel:
    """A `kiosk.risk.watch.Judge`. One thread calls it at a time; 7 ms a turn, with a reader 40."""

    def __init__(self, encoder: Embedder, folder: Path = WEIGHTS, reader: Reading | None = None) -> None:
        """Raises `RiskModelError`."""
        try:
            card: dict[str, Any] = json.loads((folder / "risk.json").read_text(encoding="utf-8"))
            with np.load(folder / "risk.npz") as held:
                arrays = {name: np.asarray(held[name], np.float32) for name in held.files}
            self._words, self._dense = arrays["words"], arrays["dense"]
            self._turns = TellingTurns(
                arrays["kinds"], arrays["kinds_bias"], arrays["telling"], float(arrays["telling_bias"]),
                arrays["turn_words"], float(arrays["turn_words_bias"]),
            )  # fmt: skip
            self.indicators: dict[str, float] = {str(k): float(v) for k, v in card["indicators"].items()}
            self._bias = float(card["bias"])
            thresholds = card["thresholds"] if reader is None else card["with_reader"]["thresholds"]
            shares = card["with_reader"]["shares"] if reader else {"regression": 1.0, "reader": 0.0, "bias": 0.0}
            self._shares = float(shares["regression"]), float(shares["reader"]), float(shares["bias"])
            self._each_turn = float(thresholds["each_turn"])
            self.medium, self.high = float(thresholds["medium"]), float(thresholds["high"])
            self.plain = float(thresholds["plain"])
        except (OSError, KeyError, ValueError, TypeError) as err:
            raise RiskModelError(f"{folder}/risk.json, risk.npz: {err}: run `python -m bench.risk_training`") from err
        if self._words.shape != (BUCKETS,) or self._dense.shape != (len(arrays["kinds"]) - 1 + 8 + 1024,):
            raise RiskModelError(f"{folder}/risk.npz: of another shape: run `python -m bench.risk_training`")
        self._encoder, self._reader = encoder, reader

    def tidy(self, text: str) -> str:
        return normalise(text)

    def syllables(self, text: str) -> tuple[str, ...]:
        return syllables(text)

    def score(self, turns: Sequence[str], told: Sequence[bool], indicators: Collection[str]) -> float:
        """Logit that the turns so far, tidied, belong to a swindle, less what a long visit is allowed.

        `indicators`: what was found in them.
        """
        spelt = [words_of(text) for text in turns[-TURNS:]]
        dense = dense_row(turns[-TURNS:], spelt, told[-TURNS:], self._turns, self._encoder)
        words = sum(float(self._words[where]) * share for where, share in word_row(spelt).items())
        given = sum(self.indicators.get(name, 0.0) for name in indicators)
        logit = self._bias + float(self._dense @ dense) + words + given
        if self._reader is not None:
            regression, reader, bias = self._shares
            logit = regression * logit + reader * self._reader.logit(turns[-TURNS:]) + bias
        return logit - self._each_turn * beyond(len(turns))
