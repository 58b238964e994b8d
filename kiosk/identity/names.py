"""A name that was said or typed against the one on the document: by its sound, in either order. Pure; nothing is kept.

A recogniser writes a name in whatever characters sound like it, without tone, and often one syllable off. So a name
that sounds the same agrees, and one that does not is asked for again before it means anything. Typed is by the letters
on telephone keys, as a terminal's keypad has them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import islice, product
from typing import Final, Literal

from pypinyin import Style, pinyin
from pypinyin.constants import PINYIN_DICT

from models.intent_features import fuzzy_syllable, normalise

Found = Literal["agrees", "surname", "close", "differs", "unheard"]
Sound = frozenset[str]  # fuzzy toneless readings of one character, or one Latin syllable or word

NEAR: Final = 0.5  # cost of a syllable that shares its initial or its final
AGREES_MOST: Final = 0.17  # of the cost by syllable: one near syllable of three
CLOSE_MOST: Final = 0.5
LATIN_AGREES: Final = 0.2  # of the letters that differ
LATIN_CLOSE: Final = 0.45
TYPED_OFF: Final = 1  # digits that may be wrong
TYPED_LONG: Final = 8  # of so many
READINGS_MOST: Final = 24  # spellings of a name that are tried
LONGEST: Final = 40  # characters of a name, or of an answer with one
_HAN: Final = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_PART: Final = re.compile(r"(zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw]?)([a-zü]*)")
_TOLD: Final = re.compile(
    r"^.*?(?:名字(?:就?是|叫)|姓名(?:就?是|叫)?|(?:我|本人|人家)(?:就|的名字)?(?:叫做?|是)|名叫|叫做|我姓|免贵姓?)\s*"
    r"|^.*?\b(?:my (?:full )?name(?:'s| is)?|i am|i'm|this is|it's|it is|call me)\b"
)
_TITLES: Final = re.compile(r"先生|女士|小姐|同志|老师|\b(?:mr|mrs|ms|miss|madam|sir|please|thank you|thanks)\b")
_ENDS: Final = re.compile(r"[啊呀吧呢哦嗯的]+$")
_KEYS: Final = {letter: str(2 + number) for number, letters in enumerate(("abc", "def", "ghi", "jkl", "mno", "pqrs",
                "tuv", "wxyz")) for letter in letters} | {"ü": "8"}  # fmt: skip
# Surnames that are read otherwise than the character alone (Unihan's readings have both; these are the usual ones).
_AS_SURNAME: Final = {"单": "shan", "仇": "qiu", "解": "xie", "曾": "zeng", "查": "zha", "任": "ren", "区": "ou",
                      "朴": "piao", "盖": "ge", "冼": "xian", "尉": "wei", "乐": "yue", "缪": "miao", "翟": "zhai",
                      "覃": "qin", "员": "yun", "折": "she", "种": "chong", "繁": "po", "秘": "bi"}  # fmt: skip
COMPOUND: Final = frozenset(
    ("欧阳", "司马", "上官", "诸葛", "东方", "皇甫", "尉迟", "公孙", "令狐", "慕容", "司徒", "端木", "独孤", "南宫")
) | {"夏侯", "宇文", "长孙", "轩辕", "呼延", "百里", "东郭"}


def compare(said: str, name: str) -> Found:
    """What a recogniser wrote of a spoken name, held against the document's.

    `surname`: no more than that was said. `close`: so near that it may have been the name. `differs`: another one was
    written down, which may be the recogniser's doing. `unheard`: no name stands in it.
    """
    wanted = _plain(name)[:LONGEST]
    heard = _told(said)
    if not wanted or not heard:
        return "unheard"
    target, surname = sounds_of_name(wanted)
    spoken = _sounds(heard)
    if not target or not spoken:
        return _latin(heard, wanted)
    cost = min(_within(order, spoken) for order in _orders(target, surname)) / len(target)
    if cost <= AGREES_MOST:
        return "agrees"
    if len(spoken) <= surname and _within(target[:surname], spoken) == 0:
        return "surname"
    return "close" if cost <= CLOSE_MOST and len(spoken) > 1 else "differs"


def best(readings: Sequence[str], name: str) -> Found:
    """The kindest finding over a recogniser's readings of the same sound."""
    order: tuple[Found, ...] = ("agrees", "close", "surname", "differs", "unheard")
    return min((compare(reading, name) for reading in readings), key=order.index, default="unheard")


def compare_typed(digits: str, name: str) -> Found:
    """Letters of the name typed on telephone keys: 926494266464 for Wang Xiaoming, surname first or last."""
    wanted = _plain(name)[:LONGEST]
    if not wanted or not digits.isdecimal():
        return "unheard"
    spellings = _typed_ways(wanted)
    if not spellings:
        return "unheard"
    off = min(_edits(digits, way) for way in spellings)
    if off == 0 or (off <= TYPED_OFF and len(digits) >= TYPED_LONG):
        return "agrees"
    if digits in _typed_surname(wanted):
        return "surname"
    return "close" if off <= TYPED_OFF else "differs"


def sounds_of_name(name: str) -> tuple[list[Sound], int]:
    """The sounds of a name, and how many of them are the surname. Empty where it is no name of Han syllables."""
    if _HAN.search(name):
        han = "".join(_HAN.findall(name))
        surname = 2 if han[:2] in COMPOUND and len(han) > 2 else 1
        found = _sounds(han)
        if (special := _AS_SURNAME.get(han[0])) and found:
            found[0] = found[0] | {fuzzy_syllable(special)}
        return found, min(surname, len(found))
    words = name.split()
    apart = [_syllables(word) for word in words]
    if not words or not all(apart):
        return [], 0
    return [frozenset({fuzzy_syllable(one)}) for word in apart for one in word], len(apart[0])


# ------------------------------------------------------------ what was said
def _plain(text: str) -> str:
    """Letters, characters and single blanks; a passport's fillers are blanks."""
    return " ".join(re.sub(r"[^a-zü\u3400-\u9fff]+", " ", normalise(text)).split())


def _told(said: str) -> str:
    """What follows 'I am called', without titles and small words."""
    text = _TITLES.sub(" ", _TOLD.sub("", normalise(said[: LONGEST * 4]), count=1))
    return _ENDS.sub("", _plain(text))[:LONGEST]


def _sounds(text: str) -> list[Sound]:
    """Of each character its readings, of each Latin word its syllables; [] where a word is no pinyin."""
    found: list[Sound] = []
    for piece in re.findall(r"[\u3400-\u4dbf\u4e00-\u9fff]|[a-zü]+", text):
        if _HAN.match(piece):
            found.append(_sound(piece))
            continue
        apart = _syllables(piece)
        if not apart:
            return []
        found += [frozenset({fuzzy_syllable(one)}) for one in apart]
    return found


@lru_cache(maxsize=4096)
def _sound(char: str) -> Sound:
    (readings,) = pinyin(char, style=Style.NORMAL, heteronym=True)
    return frozenset(fuzzy_syllable(one) for one in readings)


def _orders(target: list[Sound], surname: int) -> list[list[Sound]]:
    """As it stands, and with the surname last."""
    return [target, target[surname:] + target[:surname]]


def _within(wanted: list[Sound], spoken: list[Sound]) -> float:
    """The least cost of finding `wanted` in a stretch of `spoken`: what is missing, and what is put between."""
    row = [0.0] * (len(spoken) + 1)  # beginning anywhere costs nothing
    for number, one in enumerate(wanted, start=1):
        before, row = row, [float(number)]
        for place, other in enumerate(spoken, start=1):
            row.append(min(before[place - 1] + _apart(one, other), before[place] + 1, row[place - 1] + 1))
    return min(row)


def _apart(one: Sound, other: Sound) -> float:
    if one & other:
        return 0.0
    mine, theirs = {_halves(sound) for sound in one}, {_halves(sound) for sound in other}
    shared = any(a[0] == b[0] or a[1] == b[1] for a, b in product(mine, theirs))
    return NEAR if shared else 1.0


def _halves(syllable: str) -> tuple[str, str]:
    found = _PART.match(syllable)
    return (found[1], found[2]) if found else ("", syllable)


@lru_cache(maxsize=1)
def _known_syllables() -> frozenset[str]:
    """Every toneless syllable of Mandarin, by pypinyin's table of characters."""
    from pypinyin.contrib.tone_convert import to_normal

    one = {reading for readings in PINYIN_DICT.values() for reading in readings.split(",")}
    return frozenset(
        syllable for reading in one if (syllable := to_normal(reading, v_to_u=True)).isalpha() and len(syllable) > 1
    ) | {"a", "e", "o"}


@lru_cache(maxsize=512)
def _syllables(word: str) -> tuple[str, ...]:
    """A Latin word as pinyin syllables, in as few as possible; () where it is none. `lv` is read as `lü`."""
    known, word = _known_syllables(), re.sub(r"(?<=[ln])v", "ü", word)
    best_of: list[tuple[str, ...] | None] = [()]
    for end in range(1, len(word) + 1):
        ways = [
            (*before, word[start:end])
            for start in range(max(0, end - 6), end)
            if (before := best_of[start]) is not None and word[start:end] in known
        ]
        best_of.append(min(ways, key=len, default=None))
    return best_of[-1] or ()


def _latin(heard: str, wanted: str) -> Found:
    """Names that are no Mandarin, by their letters."""
    if _HAN.search(heard) or _HAN.search(wanted):
        return "differs" if len(heard) > 1 else "unheard"
    words, name = heard.split(), wanted.split()
    target = {"".join(name), "".join((*name[1:], name[0]))}
    tried = {"".join(words[a:b]) for a in range(len(words)) for b in range(a + 1, len(words) + 1)}
    share = min(_edits(one, other) / max(len(one), len(other)) for one, other in product(tried, target))
    if share <= LATIN_AGREES:
        return "agrees"
    if len(words) == 1 and words[0] in (name[0], name[-1]):
        return "surname"
    return "close" if share <= LATIN_CLOSE else "differs"


# ------------------------------------------------------------ what was typed
def _typed_ways(name: str) -> list[str]:
    if _HAN.search(name):
        chars = _HAN.findall(name)
        cut = 2 if "".join(chars[:2]) in COMPOUND and len(chars) > 2 else 1
        ways = [_readings(char, first=number == 0) for number, char in enumerate(chars)]
        spelled = list(islice(product(*ways), READINGS_MOST))
        both = {"".join(one) for one in spelled} | {"".join((*one[cut:], *one[:cut])) for one in spelled}
        return [_on_keys(one) for one in both]
    words = name.split()
    return [_on_keys("".join(words)), _on_keys("".join((*words[1:], words[0])))]


def _typed_surname(name: str) -> list[str]:
    if not _HAN.search(name):
        return [_on_keys(word) for word in {name.split()[0], name.split()[-1]}]
    chars = _HAN.findall(name)
    cut = 2 if "".join(chars[:2]) in COMPOUND and len(chars) > 2 else 1
    ways = [_readings(char, first=number == 0) for number, char in enumerate(chars[:cut])]
    return [_on_keys("".join(one)) for one in product(*ways)]


def _readings(char: str, *, first: bool) -> list[str]:
    (readings,) = pinyin(char, style=Style.NORMAL, heteronym=True, v_to_u=True)
    special = [_AS_SURNAME[char]] if first and char in _AS_SURNAME else []
    return list(dict.fromkeys([*special, *readings]))[:3]


def _on_keys(letters: str) -> str:
    return "".join(_KEYS.get(letter, "") for letter in letters)


def _edits(one: str, other: str) -> int:
    row = list(range(len(other) + 1))
    for number, a in enumerate(one, start=1):
        before, row = row, [number]
        for place, b in enumerate(other, start=1):
            row.append(min(before[place - 1] + (a != b), before[place] + 1, row[place - 1] + 1))
    return row[-1]
