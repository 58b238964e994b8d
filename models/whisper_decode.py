"""Whisper's words, token by token: language first, then a beam of readings.

The cache of keys and values is handed from step to step; what the encoder heard stays one batch row
and serves all beams.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

Floats = npt.NDArray[np.float32]
Cache = dict[str, Floats]

LANGUAGES: Final = ("zh", "en")
_NEVER: Final = np.float32(-1e9)
_BLOCK: Final = 512


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One finished reading."""

    tokens: tuple[int, ...]  # without the end
    mean_log_probability: float  # over its tokens and the end, natural logarithm


@dataclass(frozen=True, slots=True)
class Decoded:
    """The readings of one window, the best first; never empty."""

    hypotheses: tuple[Hypothesis, ...]
    language: str
    language_probability: float
    no_speech_probability: float
    foreign_probability: float  # that it is neither of LANGUAGES, against all that Whisper knows
    is_cut: bool  # the bound came before any reading had ended


class Decoder:
    """The decoder network and its special tokens."""

    def __init__(self, session: Any, tokenizer: Tokenizer, facts: Mapping[str, Any]) -> None:
        self._session = session
        layers, heads = int(facts["decoder_layers"]), int(facts["decoder_heads"])
        self._cache_names = [f"{part}_{i}" for i in range(layers) for part in "kv"]
        self._empty = np.zeros((1, heads, 0, int(facts["width"]) // heads), np.float32)

        def special(name: str) -> int:
            token = tokenizer.token_to_id(f"<|{name}|>")
            if token is None:
                raise ValueError(f"the tokenizer has no <|{name}|>: it is not Whisper's")
            return int(token)

        self._start, self._end = special("startoftranscript"), special("endoftext")
        self._previous, self._no_speech = special("startofprev"), special("nocaptions")
        self._task = [special("transcribe"), special("notimestamps")]
        self._language_ids = np.array([special(language) for language in LANGUAGES])
        # Whisper's languages lie in one row between the start and the two tasks (its tokenizer.py).
        self._all_languages = slice(self._start + 1, special("translate"))
        self._penalty = np.zeros(self._session.get_outputs()[0].shape[1], np.float32)
        self._penalty[np.array(facts["suppressed"])] = _NEVER
        self._penalty[special("notimestamps") + 1 :] = _NEVER
        self._penalty[_foreign_tokens(tokenizer)] = _NEVER
        self._penalty_first = self._penalty.copy()
        self._penalty_first[np.array(facts["suppressed_first"])] = _NEVER
        self._scratch: Floats = np.empty((0, len(self._penalty)), np.float32)

    def decode(
        self,
        cross: Cache,
        language: str | None,
        beams: int,
        prompt: Sequence[int],
        most_tokens: int,
        mind: Callable[[], None] = lambda: None,
    ) -> Decoded:
        """Read what the encoder heard (`cross`), in at most `most_tokens` tokens. `mind`, called before each of them,
        ends it by raising."""
        mind()
        opening = [self._previous, *prompt, self._start] if prompt else [self._start]
        logits, cache = self._step([opening], {f"past_{name}": self._empty for name in self._cache_names}, cross)
        chances = _softmax(logits[0])
        both = float(chances[self._language_ids].sum())
        pair = chances[self._language_ids] / both
        chosen = int(pair.argmax()) if language is None else LANGUAGES.index(language)
        logits, cache = self._step([[int(self._language_ids[chosen]), *self._task]], cache, cross)
        hypotheses, is_cut = self._search(logits[0], cache, cross, beams, most_tokens, mind)
        return Decoded(
            hypotheses=tuple(sorted(hypotheses, key=lambda one: -one.mean_log_probability)),
            language=LANGUAGES[chosen],
            language_probability=float(pair[chosen]) if language is None else 1.0,
            no_speech_probability=float(chances[self._no_speech]),
            foreign_probability=1.0 - both / float(chances[self._all_languages].sum()),
            is_cut=is_cut,
        )

    def _search(
        self, logits: Floats, cache: Cache, cross: Cache, beams: int, most_tokens: int, mind: Callable[[], None]
    ) -> tuple[list[Hypothesis], bool]:
        """Beam search; ends when as many readings as beams are finished, or at the bound: then True if none was."""
        first = _log_softmax(logits + self._penalty_first)
        order = np.argsort(-first)[:beams]
        done = [Hypothesis((), float(first[self._end]))] if self._end in order else []
        alive = [int(token) for token in order if token != self._end]
        running: list[tuple[int, ...]] = [(token,) for token in alive]
        scores = first[alive]
        cache = {name: np.repeat(value, len(running), axis=0) for name, value in cache.items()}
        for _ in range(most_tokens - 1):
            if not running or len(done) >= beams:
                break
            mind()
            logits, cache = self._step([[one[-1]] for one in running], cache, cross)
            totals = self._totals(logits, scores)
            sources, tokens = _best(totals, 2 * beams)
            keep: list[int] = []
            for i, (source, token) in enumerate(zip(sources, tokens, strict=True)):
                if token == self._end:
                    tokens_here = running[source]
                    done.append(Hypothesis(tokens_here, float(totals[source, token]) / (len(tokens_here) + 1)))
                elif len(keep) < beams:
                    keep.append(i)
            scores = np.array([totals[sources[i], tokens[i]] for i in keep], np.float32)
            running = [(*running[sources[i]], int(tokens[i])) for i in keep]
            rows = [sources[i] for i in keep]
            if rows != list(range(len(cache["past_k_0"]))):
                cache = {name: value[rows] for name, value in cache.items()}
        is_cut = not done
        if is_cut:  # the bound came first: what runs is all there is
            done = [Hypothesis(one, float(score) / (len(one) + 1)) for one, score in zip(running, scores, strict=True)]
        return done, is_cut

    def _totals(self, logits: Floats, scores: Floats) -> Floats:
        """What each reading and each token after it come to, (beams, V), in the place of `logits`.

        In place: five readings are a megabyte, and asking the system for one after the other costs a busy machine
        5 ms at each step, five times as much as computing with it.
        """
        if len(self._scratch) < len(logits):
            self._scratch = np.empty_like(logits)
        logits += self._penalty
        largest = logits.max(axis=-1, keepdims=True)
        raised = np.subtract(logits, largest, out=self._scratch[: len(logits)])
        np.exp(raised, out=raised)
        logits += scores[:, None] - largest - np.log(raised.sum(axis=-1, keepdims=True))
        return logits

    def _step(self, tokens: list[list[int]], cache: Cache, cross: Cache) -> tuple[Floats, Cache]:
        outputs = self._session.run(None, {"tokens": np.array(tokens, np.int64), **cache, **cross})
        names = (f"past_{name}" for name in self._cache_names)
        return outputs[0], dict(zip(names, outputs[1:], strict=True))


def _foreign_tokens(tokenizer: Tokenizer) -> list[int]:
    """Tokens that hold a letter of another script than Latin and Han: in a short word they are a wrong guess."""
    numbers = sorted(tokenizer.get_vocab(with_added_tokens=False).values())
    texts = tokenizer.decode_batch([[number] for number in numbers], skip_special_tokens=False)
    return [number for number, text in zip(numbers, texts, strict=True) if any(map(_is_foreign, text))]


def _is_foreign(character: str) -> bool:
    return character.isalpha() and not unicodedata.name(character, "CJK").startswith(
        ("LATIN", "CJK", "FULLWIDTH LATIN")
    )


def _best(totals: Floats, count: int) -> tuple[list[int], list[int]]:
    """Rows and columns of the `count` largest of `totals`, the largest first."""
    flat = totals.ravel()
    # The count-th largest of the blocks' maxima is a bound below which nothing sought can lie: one
    # pass instead of partitioning a quarter of a million numbers at every step.
    maxima = np.maximum.reduceat(flat, np.arange(0, len(flat), _BLOCK))
    picked = np.flatnonzero(flat >= np.partition(maxima, -count)[-count])
    picked = picked[np.argsort(-flat[picked], kind="stable")][:count]
    rows, columns = np.divmod(picked, totals.shape[1])
    return rows.tolist(), columns.tolist()


def _softmax(logits: Floats) -> Floats:
    raised = np.exp(logits - logits.max())
    return np.asarray(raised / raised.sum(), np.float32)


def _log_softmax(logits: Floats) -> Floats:
    """Along the last axis."""
    low = logits - logits.max(axis=-1, keepdims=True)
    return np.asarray(low - np.log(np.exp(low).sum(axis=-1, keepdims=True)), np.float32)
