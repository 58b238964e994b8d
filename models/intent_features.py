"""A sentence as hashed features, the same for training and for the lobby.

Understanding has to live with recognition errors, so each Mandarin sentence is seen twice: as
characters, and as toneless syllables in which the pairs that speakers and recognisers confuse
(zh/z, n/l, ing/in) are one. English is seen as words and as letters inside words. Nothing here
knows any intent; this module refuses to learn.
"""

from __future__ import annotations

import math
import re
import unicodedata
import zlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import opencc
from pypinyin import lazy_pinyin

BUCKETS: Final = 1 << 16
MAX_CHARS: Final = 240  # a spoken turn is under 15 s, about 80 characters; the rest is not a wish
MAX_FEATURES: Final = 2048

_HAN: Final = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_TOKEN: Final = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]|[a-z]+(?:'[a-z]+)?|[0-9]+")
# Sounds a person says while thinking; they carry no wish and recognisers spell them at random.
_FILLER: Final = re.compile(r"[嗯呃唔哦噢喔]+|\b(?:uh|um|uhm|erm|er|hmm|mm)\b")
_SYLLABLE: Final = re.compile(r"(zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw]?)([a-zü]+)")
_INITIALS: Final = {"zh": "z", "ch": "c", "sh": "s", "n": "l", "r": "l", "h": "f"}
_FINALS: Final = {"ang": "an", "eng": "en", "ing": "in", "iang": "ian", "uang": "uan", "ong": "un"}

Features = tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]


@lru_cache(maxsize=1)
def _simplified() -> dict[int, str]:
    """Traditional to simplified, one character to one (OpenCC's TSCharacters.txt, Apache-2.0)."""
    path = Path(opencc.__file__).parent / "dictionary" / "TSCharacters.txt"
    table: dict[int, str] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        traditional, _, simplified = line.partition("\t")
        if len(traditional) == 1 and simplified:
            table[ord(traditional)] = simplified.split()[0]
    return table


def simplified(text: str) -> str:
    """Traditional characters as simplified ones."""
    return text.translate(_simplified())


def normalise(text: str) -> str:
    """One spelling of a sentence: width, case, script and blanks unified, at most `MAX_CHARS`."""
    # NFKC can make one character eighteen, so the cut is made before and after it.
    folded = unicodedata.normalize("NFKC", text[: MAX_CHARS * 4]).lower().translate(_simplified())
    folded = folded.replace("’", "'")
    kept = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in folded)
    said = _FILLER.sub(" ", kept)
    # A lone 'mm' is an answer; between words it is not.
    return " ".join((said if _TOKEN.search(said) else kept).split())[:MAX_CHARS]


def spoken_language(text: str) -> str:
    """`zh` when a Han character stands in the text, otherwise `en`."""
    return "zh" if _HAN.search(text) else "en"


@lru_cache(maxsize=4096)
def fuzzy_syllable(syllable: str) -> str:
    """A toneless pinyin syllable with its confusable initials and finals made one."""
    match = _SYLLABLE.fullmatch(syllable)
    if match is None:
        return syllable
    initial, final = match.groups()
    # Only hu- is heard as f- (southern speakers); other h- stay.
    if initial == "h" and not final.startswith("u"):
        return "h" + _FINALS.get(final, final)
    if initial == "h":
        final = final[1:] or "u"
    return _INITIALS.get(initial, initial) + _FINALS.get(final, final)


def _tokens(text: str) -> list[str]:
    return ["#" if token[0].isdigit() else token for token in _TOKEN.findall(normalise(text))]


def _syllables(tokens: list[str]) -> list[str]:
    """Fuzzy syllables of the Han tokens, other tokens as they are. Phrases decide readings (银行, 不行)."""
    joined = "".join(token if _HAN.match(token) else " " for token in tokens)
    found = iter([s for s in lazy_pinyin(joined) if s.strip()])
    return [fuzzy_syllable(next(found, token)) if _HAN.match(token) else token for token in tokens]


def _ngrams(kind: str, tokens: list[str], longest: int) -> Iterator[str]:
    padded = ["<", *tokens, ">"]
    for size in range(1, longest + 1):
        for start in range(len(padded) - size + 1):
            gram = padded[start : start + size]
            if size > 1 or gram[0] not in "<>":
                yield f"{kind}{size}:" + " ".join(gram)


def _skips(kind: str, tokens: list[str], reach: int) -> Iterator[str]:
    """Ordered pairs up to `reach` apart: what stays when something is dropped between them."""
    for start, first in enumerate(tokens):
        for second in tokens[start + 2 : start + 1 + reach]:
            yield f"{kind}s:{first} {second}"


def feature_names(text: str) -> dict[str, float]:
    """Every feature of a sentence and its share before scaling; empty for a text without words."""
    tokens = _tokens(text)
    names: dict[str, float] = {}
    if not tokens:
        return names
    han = any(_HAN.match(token) for token in tokens)
    for name in _ngrams("c", tokens, 3):
        names[name] = 1.0
    for name in _skips("c", tokens, 3):
        names[name] = 0.6
    if han:
        syllables = _syllables(tokens)
        for name in _ngrams("p", syllables, 3):
            names[name] = 0.8
        for name in _skips("p", syllables, 3):
            names[name] = 0.4
    for token in tokens:
        if len(token) > 2 and token.isascii():
            framed = f"<{token}>"
            for size in (3, 4, 5):
                for start in range(len(framed) - size + 1):
                    names[f"l{size}:" + framed[start : start + size]] = 0.4
    names[f"n:{min(len(tokens), 24).bit_length()}"] = 0.6  # how long: 'yes' differs from a question with yes in it
    return names


def bucket(name: str) -> int:
    """Where a feature lives, in `[0, BUCKETS)`; CRC-32 because it is quick and the same everywhere."""
    return zlib.crc32(name.encode("utf-8")) % BUCKETS


def extract(text: str) -> Features:
    """Buckets `(n,)` int64, sorted and unique, and shares `(n,)` float32 of unit length; n may be 0."""
    shares: dict[int, float] = {}
    for name, share in list(feature_names(text).items())[:MAX_FEATURES]:
        where = bucket(name)
        shares[where] = max(share, shares.get(where, 0.0))
    length = math.sqrt(sum(share * share for share in shares.values())) or 1.0
    order = sorted(shares)
    return (
        np.array(order, dtype=np.int64),
        np.array([shares[where] / length for where in order], dtype=np.float32),
    )
