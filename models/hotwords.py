"""Words of this bank where the recogniser wrote others that sound the same: 挂施 → 挂失, 障单 → 账单.

The words come from the approved content, the branch and the open question. They are used on Mandarin only, and only
in sentences that are about a bank's business anyway: elsewhere they would hear banks in songs. Two steps: of the
recogniser's readings the one with more of these words is taken if it was nearly as likely, and a stretch that sounds
like one of them is spelled as it. A prompt of words before decoding was measured too: ungated it costs other speech a
quarter more errors, gated it gains less than this and takes a second decoding.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final, Protocol

from pypinyin import lazy_pinyin

from models.ending_features import segmenter
from models.intent_features import fuzzy_syllable
from models.recognition import Alternative, Recognition

BUSINESS: Final = 0.5  # probability of a wish from which a sentence counts as this bank's business
COMMON: Final = 6000  # occurrences in jieba's dictionary from which a word says nothing about banks
RARER: Final = 0.05  # what stands there must be so much rarer in the dictionary than the word put for it
NEARLY: Final = 0.06  # mean log probability that a character of a hot word is worth
LONGEST: Final = 6
SHORTEST: Final = 2
READINGS: Final = 4
EXPECTED_CHARS: Final = 8  # an answer to an open question is short
OUT_OF_SCOPE: Final = "other"
SURELY: Final = 0.8  # probability from which a respelled sentence is believed
NO_BUSINESS: Final = frozenset(("other", "chitchat", "abusive", "greet"))
_HAN: Final = re.compile(r"[\u4e00-\u9fff]+")


class Ranked(Protocol):
    @property
    def intent(self) -> str: ...
    @property
    def probability(self) -> float: ...


class Understanding(Protocol):
    @property
    def ranked(self) -> Sequence[Ranked]: ...


class IntentClassifier(Protocol):
    def classify(
        self, text: str, alternatives: Sequence[tuple[str, float]] = (), language: str | None = None
    ) -> Understanding: ...


def words_of(texts: Iterable[str]) -> tuple[str, ...]:
    """The words of approved texts that speak of their matter: known to the dictionary, and not everyday ones."""
    found: dict[str, None] = {}
    for text in texts:
        for word in segmenter().cut(text, HMM=False):
            if SHORTEST <= len(word) <= LONGEST and _HAN.fullmatch(word) and 0 < _count(word) < COMMON:
                found[word] = None
    return tuple(found)


class HotWords:
    """The words in force, by their sound. One thread calls it at a time."""

    def __init__(self, words: Iterable[str], intent: IntentClassifier) -> None:
        self._intent = intent
        self._words = _by_sound(words)
        self._expected: dict[tuple[str, ...], str] = {}

    def expect(self, words: Iterable[str]) -> None:
        """Words that would answer the open question, in place of the last ones; none: no question is open."""
        self._expected = _by_sound(words)

    def improve(self, heard: Recognition) -> tuple[Recognition, tuple[str, ...]]:
        """`heard` with these words where they belong, and which were put there; unchanged where they do not."""
        if heard.language != "zh" or not heard.text:
            return heard, ()
        business = self._is_business(heard) or self._would_be(heard)
        is_answer = bool(self._expected) and len(heard.text) <= EXPECTED_CHARS
        if not business and not is_answer:
            return heard, ()
        by_sound = {**(self._words if business else {}), **(self._expected if is_answer else {})}
        best = self._likeliest(heard, by_sound) if business else heard.text
        text = spelled(best, by_sound)
        if text == heard.text:
            return heard, ()
        used = tuple(word for word in by_sound.values() if word in text and word not in heard.text)
        first = Alternative(text=text, log_probability=heard.mean_log_probability)
        others = tuple(other for other in heard.alternatives if other.text != text)
        return replace(heard, text=text, alternatives=(first, *others)), used

    def _is_business(self, heard: Recognition) -> bool:
        others = [(one.text, math.exp(min(0.0, one.log_probability))) for one in heard.alternatives[1 : 1 + READINGS]]
        ranked = self._intent.classify(heard.text, [(t, max(0.01, p)) for t, p in others], "zh").ranked
        return bool(ranked) and ranked[0].intent != OUT_OF_SCOPE and ranked[0].probability > BUSINESS

    def _would_be(self, heard: Recognition) -> bool:
        """Whether it is surely this bank's business once it is spelled with its words: 我想茶鱼饿 → 我想茶余额."""
        if len(heard.text) > EXPECTED_CHARS:
            return False
        text = spelled(heard.text, self._words)
        if text == heard.text:
            return False
        ranked = self._intent.classify(text, (), "zh").ranked
        return bool(ranked) and ranked[0].intent not in NO_BUSINESS and ranked[0].probability > SURELY

    @staticmethod
    def _likeliest(heard: Recognition, by_sound: dict[tuple[str, ...], str]) -> str:
        words = set(by_sound.values())

        def worth(one: Alternative) -> float:
            return one.log_probability + NEARLY * sum(len(word) for word in words if word in one.text)

        return max(heard.alternatives, key=worth).text


def spelled(text: str, by_sound: dict[tuple[str, ...], str]) -> str:
    """`text` with each stretch that sounds like a word of `by_sound`, and is no word itself, spelled as that word."""
    known = set(by_sound.values())
    for length in range(LONGEST, SHORTEST - 1, -1):
        start = 0
        while start + length <= len(text):
            span = text[start : start + length]
            word = by_sound.get(_sound(span)) if _HAN.fullmatch(span) and span not in known else None
            if word and word != span and _count(span) <= RARER * _count(word) and _stands_alone(text, start, length):
                text = text[:start] + word + text[start + length :]
                start += length
            else:
                start += 1
    return text


def _stands_alone(text: str, start: int, length: int) -> bool:
    """Whether the stretch cuts through no word of the dictionary: 全部|取出 holds no 不取."""
    place = 0
    for word in segmenter().cut(text, HMM=False):
        end = place + len(word)
        if place < start < end or place < start + length < end:
            return False
        place = end
    return True


def _by_sound(words: Iterable[str]) -> dict[tuple[str, ...], str]:
    """The first of the words with each sound."""
    found: dict[tuple[str, ...], str] = {}
    for word in words:
        if SHORTEST <= len(word) <= LONGEST and _HAN.fullmatch(word):
            found.setdefault(_sound(word), word)
    return found


def _sound(text: str) -> tuple[str, ...]:
    return tuple(fuzzy_syllable(syllable) for syllable in lazy_pinyin(text))


def _count(word: str) -> int:
    """Occurrences in jieba's dictionary; 0 for what is no word."""
    return int(segmenter().FREQ.get(word, 0))
