"""What a lobby and a recogniser do to a sentence: fillers, repairs, homophones, lost characters.

Training sees each sentence in several such variants, drawn from a seeded generator, so that the
model learns the wish and not the spelling.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Final

from pypinyin import lazy_pinyin

from models.intent_features import fuzzy_syllable

_ZH_OPENERS: Final = (
    "那个", "嗯", "啊", "就是", "请问", "你好", "您好", "我想", "我想问一下", "麻烦", "麻烦您", "哎",
    "不好意思", "那什么", "我说", "小姑娘", "师傅", "你看", "是这样的", "我是来", "帮我", "能不能", "我就想", "喂",
)  # fmt: skip
_ZH_CLOSERS: Final = (
    "啊", "呀", "吧", "呢", "谢谢", "行吗", "可以吗", "好吗", "了", "嘛", "麻烦了", "哈", "那个", "怎么弄", "一下",
)  # fmt: skip
_EN_OPENERS: Final = (
    "um", "uh", "well", "so", "please", "hi", "hello", "excuse me", "sorry", "hey", "okay", "look", "yeah so",
    "can you", "could you", "I'd like to know", "I was wondering", "I want to", "I need to", "you know",
)  # fmt: skip
_EN_CLOSERS: Final = ("please", "thanks", "thank you", "then", "today", "now", "if you can", "miss", "right", "okay")
# These acts ARE openers and closers: a courtesy added to them would change or hide the act.
BARE: Final = frozenset({"greet", "thanks", "goodbye", "affirm", "deny", "cancel", "repeat", "abusive", "other"})


def homophones(texts: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """For each character of the texts, the others of them that sound alike to a careless ear."""
    by_sound: defaultdict[str, set[str]] = defaultdict(set)
    for char in {char for text in texts for char in text if "\u4e00" <= char <= "\u9fff"}:
        by_sound[fuzzy_syllable(lazy_pinyin(char)[0])].add(char)
    return {char: tuple(sorted(alike - {char})) for alike in by_sound.values() for char in alike if len(alike) > 1}


class Noise:
    """Draws variants of sentences; `texts` give the characters that homophones are chosen from."""

    def __init__(self, texts: Sequence[str], seed: int) -> None:
        self._rng = random.Random(seed)
        self._alike = homophones(texts)

    def variants(self, text: str, *, language: str, intent: str, count: int) -> list[str]:
        """`count` noisy versions of `text`; the clean one is not among them by intention."""
        return [self._one(text, language, intent) for _ in range(count)]

    def _one(self, text: str, language: str, intent: str) -> str:
        rng = self._rng
        if language == "zh":
            text = self._misheard(text)
            text = self._dropped(text, len_floor=4)
        else:
            text = self._mistyped(text)
        if intent not in BARE:
            text = self._courtesy(text, language)
        elif rng.random() < 0.2:
            text = rng.choice(("嗯", "啊", "哎") if language == "zh" else ("um", "oh", "well")) + " " + text
        if rng.random() < 0.08:
            text = self._repaired(text, language)
        return text

    def _misheard(self, text: str) -> str:
        """Each character is, one time in twelve, another that sounds alike."""
        rng = self._rng
        rate = rng.choice((0.0, 0.08, 0.2))
        return "".join(rng.choice(self._alike[c]) if c in self._alike and rng.random() < rate else c for c in text)

    def _dropped(self, text: str, len_floor: int) -> str:
        rng = self._rng
        if len(text) < len_floor or rng.random() > 0.25:
            return text
        where = rng.randrange(len(text))
        return text[:where] + (text[where] * 2 if rng.random() < 0.4 else "") + text[where + 1 :]

    def _mistyped(self, text: str) -> str:
        """A word lost or said twice, or one of its letters wrong."""
        rng = self._rng
        words = text.split()
        if len(words) > 2 and rng.random() < 0.25:
            where = rng.randrange(len(words))
            words[where : where + 1] = rng.choice(([], [words[where]] * 2))
        if rng.random() < 0.15:
            where = rng.randrange(len(words))
            word = words[where]
            if len(word) > 4:
                cut = rng.randrange(1, len(word) - 1)
                words[where] = word[:cut] + rng.choice("aeiotnrsl") + word[cut + 1 :]
        return " ".join(words)

    def _courtesy(self, text: str, language: str) -> str:
        rng = self._rng
        openers, closers, blank = (
            (_ZH_OPENERS, _ZH_CLOSERS, "") if language == "zh" else (_EN_OPENERS, _EN_CLOSERS, " ")
        )
        if rng.random() < 0.4:
            text = rng.choice(openers) + blank + text
        if rng.random() < 0.25:
            text = text + blank + rng.choice(closers)
        return text

    def _repaired(self, text: str, language: str) -> str:
        """Starts, breaks off, starts again."""
        cut = max(1, len(text) // 2)
        joint = (
            self._rng.choice(("，不是，", "，那个，", "，")) if language == "zh" else self._rng.choice((" no ", " uh "))
        )
        return text[:cut] + joint + text


VariantSource = Callable[[str], Sequence[str]]
