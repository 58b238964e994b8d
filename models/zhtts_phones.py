"""Mandarin text to the phones of the small voice, and those phones to the symbols of the mouth.

Its alphabet is that of the CSMSC recordings: an initial ('^' where there is none) and a final with its tone for each
syllable, '#0' between syllables. Letters are spelled with Mandarin syllables; English words it cannot say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pypinyin import Style, lazy_pinyin

from models import g2p_zh

SILENCE: Final = "sil"
BETWEEN: Final = "#0"
NO_INITIAL: Final = "^"
END: Final = "eos"
LONGEST_SPELLED: Final = 5  # more capitals in a row are a word, which this voice cannot say
_PIECE: Final = re.compile(r"([\u4e00-\u9fff]+)|([A-Z](?: ?[A-Z])*)(?![a-z])|([A-Za-z]+)|([^\u4e00-\u9fffA-Za-z]+)")
_PAUSE: Final = re.compile(r"[、，,。.！!：:；;？?（）()…—]")
# The names of letters as Mandarin speakers say them.
_LETTERS: Final = {
    "A": "ei1", "B": "bi4", "C": "xi1", "D": "di4", "E": "yi4", "F": "ai2 fu5", "G": "ji4", "H": "ei2 chi5",
    "I": "ai4", "J": "zhei4", "K": "kei4", "L": "ai2 lou5", "M": "ai2 mu5", "N": "en1", "O": "ou1", "P": "pi4",
    "Q": "kou1", "R": "a4 er5", "S": "ai2 si5", "T": "ti4", "U": "you1", "V": "wei4", "W": "da2 bu5 liu5",
    "X": "ai2 ke5 si5", "Y": "wai4", "Z": "zei4",
}  # fmt: skip
_ODD: Final = {"n": "en", "ng": "en", "m": "mu", "hm": "heng", "r": "er"}  # 嗯, 呣, 哼, the 儿 of 一会儿
_INITIALS: Final = {
    "b": "p", "p": "pʰ", "m": "m", "f": "f", "d": "t", "t": "tʰ", "n": "n", "l": "l", "g": "k", "k": "kʰ", "h": "x",
    "j": "ʨ", "q": "ʨʰ", "x": "ɕ", "z": "ʦ", "c": "ʦʰ", "s": "s", "zh": "ꭧ", "ch": "ꭧʰ", "sh": "ʂ", "r": "ɻ",
}  # fmt: skip
_FINALS: Final = {
    "a": "a", "ai": "ai", "an": "an", "ang": "aŋ", "ao": "au", "e": "ɤ", "ei": "ei", "en": "ən", "eng": "əŋ",
    "er": "ɚ", "i": "i", "ia": "ja", "ian": "jɛn", "iang": "jaŋ", "iao": "jau", "ie": "je", "ii": "ɨ", "iii": "ɨ",
    "in": "in", "ing": "iŋ", "iong": "jʊŋ", "iou": "jou", "o": "wo", "ong": "ʊŋ", "ou": "ou", "u": "u", "ua": "wa",
    "uai": "wai", "uan": "wan", "uang": "waŋ", "uei": "wei", "uen": "wən", "ueng": "wəŋ", "uo": "wo", "v": "y",
    "van": "ɥɛn", "ve": "ɥe", "vn": "yn",
}  # fmt: skip
_GLIDES: Final = frozenset("jwɥ")


@dataclass(frozen=True, slots=True)
class Run:
    """What is spoken in one breath: the network's phones, and which of its '#0' stand between words."""

    phones: tuple[str, ...]
    word_ends: frozenset[int]


def runs(text: str, syllables: Mapping[str, Sequence[str]]) -> list[Run] | None:
    """Normalised Mandarin `text` (no digits), cut at its pauses; None if something in it cannot be said.

    `syllables` gives initial and final of each toneless pinyin syllable.
    """
    found: list[Run] = []
    words: list[list[str]] = []
    for hanzi, capitals, latin, other in _PIECE.findall(text):
        letters = capitals.replace(" ", "")
        if latin or len(letters) > LONGEST_SPELLED:
            return None
        if hanzi:
            words += [_pinyin(word) for word in g2p_zh.words(hanzi)]
        words += [_LETTERS[letter].split() for letter in letters]
        if _PAUSE.search(other) and words:
            found.append(_run(words, syllables))
            words = []
    if words:
        found.append(_run(words, syllables))
    return found


def _pinyin(word: str) -> list[str]:
    return [str(one) for one in lazy_pinyin(word, style=Style.TONE3, neutral_tone_with_five=True, tone_sandhi=True)]


def _run(words: Sequence[Sequence[str]], syllables: Mapping[str, Sequence[str]]) -> Run:
    phones, ends = [SILENCE], []
    for word in words:
        for pinyin in word:
            toneless = pinyin.rstrip("12345")
            initial, final = syllables.get(_ODD.get(toneless, toneless), (NO_INITIAL, "e"))
            phones += [initial, final + (pinyin[-1] if pinyin[-1] in "12345" else "5"), BETWEEN]
        ends.append(len(phones) - 1)
    return Run(phones=(*phones[:-1], SILENCE, END), word_ends=frozenset(ends[:-1]))


def symbols(phone: str) -> list[tuple[str, float]]:
    """The mouth's symbols of one phone, each with its share of the phone's time."""
    if phone in _INITIALS:
        sounds, weights = _INITIALS[phone], [1.0] * len(_INITIALS[phone])
    else:
        sounds = _FINALS.get(phone.rstrip("12345"), "")
        weights = [0.5 if sound in _GLIDES else 1.0 for sound in sounds]
        if len(sounds) > 1:
            nucleus = 1 if sounds[0] in _GLIDES else 0
            weights[nucleus] = 1.5
    total = sum(weights)
    return [(sound, weight / total) for sound, weight in zip(sounds, weights, strict=True)]
