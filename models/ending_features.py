"""What a sentence's last words say about whether more is coming, as hashed features.

The same for training and for the lobby. The end is seen as written and as toneless syllables, because
a recogniser spells at random what it did not understand; the beginning is seen because it says what
kind of sentence this is ('how much is' wants a noun, 'I lost' has had it soon).
"""

from __future__ import annotations

import logging
import math
import re
import unicodedata
import zlib
from collections.abc import Iterator
from functools import cache
from typing import Final, Literal

import jieba
import numpy as np
import numpy.typing as npt
from pypinyin import lazy_pinyin

from models.intent_features import fuzzy_syllable

Language = Literal["zh", "en"]
Features = tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]

BUCKETS: Final = 1 << 16
TAIL_CHARS: Final = 120  # of what was said, its end counts; a turn of 25 s is about as long
LONGEST_GRAM: Final = 4
NEAR_END: Final = 6  # words this near to the end are seen wherever they stand
PROSE_WORDS: Final = 32

_HAN: Final = re.compile(r"[\u4e00-\u9fff]")
_TOKEN: Final = re.compile(r"[\u4e00-\u9fff]|[a-z]+(?:'[a-z]+)?|[0-9]+")


@cache
def segmenter() -> jieba.Tokenizer:
    """jieba's dictionary, read once."""
    jieba.setLogLevel(logging.WARNING)
    segmenter = jieba.Tokenizer()
    segmenter.initialize()
    return segmenter


def plain(text: str) -> str:
    """One spelling, small letters, no punctuation: a recogniser ends broken sentences with a full stop."""
    folded = unicodedata.normalize("NFKC", text).lower().replace("’", "'")
    kept = "".join(c if c.isalnum() or c == "'" else " " for c in folded)
    return " ".join(kept.split())[-TAIL_CHARS:]


def words_of(text: str, language: Language) -> list[str]:
    """The words of a plain text; figures stay one word, Mandarin words come from jieba's dictionary."""
    if language == "en":
        return _TOKEN.findall(text)
    return [word for word in segmenter().cut(text, HMM=False) if word.strip()]


def _figure(word: str) -> str:
    return f"#{min(len(word), 4)}" if word[0].isdigit() else word


def _at_end(kind: str, tokens: list[str]) -> Iterator[str]:
    padded = ["<", *tokens]
    for size in range(1, min(LONGEST_GRAM, len(padded)) + 1):
        yield f"{kind}${size}:" + " ".join(padded[-size:])


def _at_start(kind: str, tokens: list[str]) -> Iterator[str]:
    for size in (1, 2):
        if len(tokens) >= size:
            yield f"{kind}^{size}:" + " ".join(tokens[:size])


def _names(text: str, language: Language) -> Iterator[tuple[str, float]]:
    """Features with their shares. `text` is plain."""
    words = [_figure(word) for word in words_of(text, language)][-PROSE_WORDS:]
    if not words:
        return
    for name in _at_end("w", words):
        yield name, 1.0
    for name in _at_start("w", words):
        yield name, 0.5
    last = words[-1]
    for word in set(words[:-1]):
        yield f"s:{word} .. {last}", 0.5
        yield f"b:{word}", 0.4
    for first, second in zip(words[-NEAR_END:], words[-NEAR_END + 1 :], strict=False):
        yield f"w2:{first} {second}", 0.4
    if language == "zh":
        yield from _sounds(text)
    else:
        yield f"l:{last[-3:]}", 0.5
    count = min(len(words), 15)
    yield f"n:{count}", 0.5
    yield f"n>:{count.bit_length()} {last}", 0.5
    yield f"n^:{count.bit_length()} {words[0]}", 0.5


def _sounds(text: str) -> Iterator[tuple[str, float]]:
    """The characters at the end, and how they sound to a careless ear."""
    tokens = _TOKEN.findall(text)
    for name in _at_end("c", [_figure(token) for token in tokens]):
        yield name, 0.8
    end = tokens[-LONGEST_GRAM * 2 :]
    joined = "".join(token if _HAN.match(token) else " " for token in end)
    found = iter([sound for sound in lazy_pinyin(joined) if sound.strip()])
    syllables = [fuzzy_syllable(next(found, token)) if _HAN.match(token) else _figure(token) for token in end]
    for name in _at_end("p", syllables):
        yield name, 0.8
    yield f"cn:{min(len(tokens), 24)}", 0.5


def extract(text: str, language: Language) -> Features:
    """Buckets `(n,)` int64, sorted and unique, and shares `(n,)` float32 of unit length; n may be 0."""
    shares: dict[int, float] = {}
    for name, share in _names(plain(text), language):
        where = zlib.crc32(f"{language}/{name}".encode()) % BUCKETS
        shares[where] = max(share, shares.get(where, 0.0))
    length = math.sqrt(sum(share * share for share in shares.values())) or 1.0
    order = sorted(shares)
    return (
        np.array(order, dtype=np.int64),
        np.array([shares[where] / length for where in order], dtype=np.float32),
    )
