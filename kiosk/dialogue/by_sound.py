"""Answers by their sound: numbers that a recogniser spelled as other words, choices spelled as homophones. Pure.

Used only where a question is open whose answer would be such a number or such a word: elsewhere it would hear numbers
in every sentence.
"""

from __future__ import annotations

import re
from typing import Final

from pypinyin import lazy_pinyin

from models.intent_features import fuzzy_syllable

LONGEST: Final = 16  # characters of an answer that is a number or a choice
SHORTEST_WORD: Final = 2  # characters: one syllable sounds like too many others
_HAN: Final = re.compile(r"[\u4e00-\u9fff]")
_NUMERALS: Final = "零一二两三四五六七八九十百千万块元号"
_SPOKEN: Final = {"yao": "一", "liang": "两", "dong": "零"}  # as digits are called out
_ENGLISH: Final = {
    "to": "two", "too": "two", "tu": "two", "for": "four", "fore": "four", "won": "one", "ate": "eight",
    "sex": "six", "sicks": "six", "tree": "three", "free": "three", "nein": "nine", "fife": "five", "o": "zero",
    "oh": "zero",
}  # fmt: skip
_WORD: Final = re.compile(r"[a-z]+")


def syllables_of(text: str) -> tuple[str, ...]:
    """Toneless syllables with confusable sounds made one. Nothing is kept of what a visitor said."""
    return tuple(fuzzy_syllable(one) for one in lazy_pinyin(text))


_BY_SOUND: Final = {**{syllables_of(char)[0]: char for char in reversed(_NUMERALS)}, **_SPOKEN}


def as_numbers(text: str) -> str:
    """A short answer with every word that sounds like a numeral written as that numeral; longer text as it is."""
    if len(text) > LONGEST * 2:
        return text
    if not _HAN.search(text):
        return _WORD.sub(lambda found: _ENGLISH.get(found[0], found[0]), text.lower())
    if len(text) > LONGEST:
        return text
    return "".join(_BY_SOUND.get(syllables_of(char)[0], char) if _HAN.match(char) else char for char in text)


def sounds_in(word: str, text: str) -> str | None:
    """`text` without the stretch that sounds like `word`; None where there is none, or either is not Mandarin."""
    size = len(word)
    if not SHORTEST_WORD <= size <= len(text) <= LONGEST or not all(map(_HAN.match, word)):
        return None
    wanted = syllables_of(word)
    for start in range(len(text) - size + 1):
        stretch = text[start : start + size]
        if all(map(_HAN.match, stretch)) and syllables_of(stretch) == wanted:
            return text[:start] + text[start + size :]
    return None


def mended(text: str) -> str:
    """A short sentence with words that repair or name, where others of their sound were written: 部队 → 不对, and
    before a number 委号 → 尾号."""
    if len(text) > LONGEST or not _HAN.search(text):
        return text
    start = text.lstrip()
    for word in _AT_THE_START:
        head, size = start[: len(word)], len(word)
        if (
            len(head) == size
            and head != word
            and all(map(_HAN.match, head))
            and syllables_of(head) == syllables_of(word)
        ):
            text = word + "，" + start[size:].lstrip("，, ")
            break
    return _TAIL_SAID.sub(lambda found: "尾号" if syllables_of(found[1]) in _TAIL_SOUNDS else found[1], text)


_AT_THE_START: Final = ("不对", "说错了", "错了")
_TAIL_SAID: Final = re.compile(r"([\u4e00-\u9fff]{2})(?=是?[0-9零〇一二三四五六七八九幺]{3})")
_TAIL_SOUNDS: Final = frozenset({syllables_of("尾号"), syllables_of("为后")})
