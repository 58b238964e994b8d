"""Sentences that nobody wrote, for the teacher to judge: words exchanged, sentences spliced, words tried in frames.

They carry no label of their own. Most are odd; that is their use: they show the small network what
the teacher thinks of words that the corpus does not hold.
"""

from __future__ import annotations

import json
import logging
import random
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import jieba
import misaki
import numpy as np

from models.train.corpus import Example
from models.train.network import Floats
from models.train.teacher import SentenceMeanings

Encode = Callable[[Sequence[str]], Floats]

EXCHANGED_EACH: Final = 10  # variants of one sentence with words exchanged
SPLICED: Final = 25_000  # of each language, as are the next two
INSERTED: Final = 25_000
FRAMED_EACH: Final = 2  # frames a word is tried in
WORDS: Final = 14_000  # most frequent words of each language that are tried
NEAREST: Final = 12
LEAST_COSINE: Final = 0.45

_FRAMES: Final = {
    "zh": (
        "我想{}", "{}", "我的{}怎么了", "有{}吗", "{}在哪", "我要{}", "{}怎么办", "帮我{}", "{}多少", "请问{}",
        "{}不行", "我{}了", "给我{}", "想问问{}", "{}可以吗", "没有{}", "{}用不了", "关于{}", "那个{}", "要{}不",
        "把{}弄一下", "我{}",
    ),
    "en": (
        "I want {}", "{}", "my {}", "is there {}", "where is the {}", "I need to {}", "how to {}", "what about {}",
        "the {} is not working", "{} please", "can you {}", "I was {}", "tell me about {}", "how much {}", "no {}",
        "some {}", "I {}", "what is {}",
    ),
}  # fmt: skip


def _split(text: str, language: str) -> list[str]:
    return jieba.lcut(text) if language == "zh" else text.split()


def frequent_words(language: str, pieces: Sequence[str]) -> list[str]:
    """The `WORDS` most frequent words of jieba's dictionary; for English, the teacher's pieces that misaki knows."""
    if language == "zh":
        rows = (Path(jieba.__file__).parent / "dict.txt").read_text(encoding="utf-8").splitlines()
        counted = [(int(row.split()[1]), row.split()[0], row.split()[2]) for row in rows]
        # Names of people and places (tags nr, ns, nt) only teach names.
        useful = [(n, word) for n, word, tag in counted if 2 <= len(word) <= 4 and tag not in ("nr", "ns", "nt", "nz")]
        return [word for _, word in sorted(useful, key=lambda row: (-row[0], row[1]))[:WORDS]]
    known = set(json.loads((Path(misaki.__file__).parent / "data" / "us_gold.json").read_text(encoding="utf-8")))
    words = (piece[1:].lower() for piece in pieces if re.fullmatch("\u2581[A-Za-z]{3,}", piece))
    return [word for word in dict.fromkeys(words) if word in known][:WORDS]


def _neighbours(core: Sequence[str], words: Sequence[str], encode: Encode) -> dict[str, list[str]]:
    """For each word of `core`, the words nearest in meaning."""
    pool = list(dict.fromkeys([*words, *core]))
    near = encode(core) @ encode(pool).T
    found: dict[str, list[str]] = {}
    for row, word in enumerate(core):
        best = np.argpartition(-near[row], NEAREST)[: NEAREST + 1]
        found[word] = [pool[i] for i in sorted(best) if pool[i] != word and near[row, i] > LEAST_COSINE]
    return found


def _of_language(
    sentences: list[list[str]], language: str, words: Sequence[str], encode: Encode, rng: random.Random
) -> list[str]:
    joint = "" if language == "zh" else " "
    core = sorted({word for sentence in sentences for word in sentence if len(word) > 1})
    near = _neighbours(core, words, encode)
    made: list[str] = []
    for sentence in sentences:
        for _ in range(EXCHANGED_EACH):
            share = rng.choice((0.3, 0.6, 1.0))
            made.append(
                joint.join(rng.choice(near[w]) if near.get(w) and rng.random() < share else w for w in sentence)
            )
    for _ in range(SPLICED):
        first, second = rng.choice(sentences), rng.choice(sentences)
        made.append(joint.join(first[: rng.randint(1, len(first))] + second[rng.randint(0, len(second) - 1) :]))
    for _ in range(INSERTED):
        sentence = list(rng.choice(sentences))
        sentence[rng.randrange(len(sentence))] = rng.choice(words)
        made.append(joint.join(sentence))
    for word in words:
        made.extend(rng.choice(_FRAMES[language]).format(word) for _ in range(FRAMED_EACH))
    return made


def unlabelled(examples: Sequence[Example], encode: SentenceMeanings, seed: int) -> list[str]:
    """Sentences made from `examples` alone, each once, in an order that `seed` decides."""
    jieba.setLogLevel(logging.WARNING)
    rng = random.Random(seed)
    made: list[str] = []
    for language in ("zh", "en"):
        sentences = [_split(e.text, language) for e in examples if e.language == language]
        words = frequent_words(language, encode.pieces())
        made += _of_language([s for s in sentences if s], language, words, encode, rng)
    made = list(dict.fromkeys(made))
    rng.shuffle(made)
    return made
