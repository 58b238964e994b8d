"""Finds people's names in what somebody said: after words that introduce one, before titles, and standing alone. Pure.

No dictionary of people: family names, words around a name, and a list of words that begin like a family name.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent / "words"
Taken = Callable[[re.Match[str]], str]

_TITLE: Final = (
    "先生|女士|小姐|太太|经理|主任|行长|师傅|老师|阿姨|叔叔|大爷|大妈|大姐|大哥|大叔|奶奶|爷爷|同志|医生|律师|警官|"
    "柜员|总监|总(?![是共之算行计结额部要会在让体量])|工(?![作资商行夫程])"
)
_ENDS: Final = r"[，。！？；：、,.!?;:\s〔〕()（）]|$"
_START: Final = r"(?<![\u4e00-\u9fffA-Za-z])"
_NAME: Final = r"[A-Za-z][a-z'’-]+"
_EN_CUE: Final = re.compile(
    r"\b((?:my|his|her|the) (?:\w+ )?name(?:'s| is| was)|(?:i'm|i am|this is|called|named|ask for|speak to|thank"
    r"|thanks to|signed|holder is|from|it's|teller|manager|clerk|colleague|guard|told|by|with|for|and) ?)"
    rf"\s*((?:{_NAME} ?){{1,3}})",
    re.IGNORECASE,
)
_EN_TITLE: Final = re.compile(
    r"\b(?:mr|mrs|ms|miss|mister|missus|dr|doctor|madam|sir)\.? "
    r"(?!(?:for|in|at|is|was|the|a|and|who|there|i|after|said)\b)[A-Za-z][a-z'’-]+(?: [A-Z][a-z'’-]+)?",
    re.IGNORECASE,
)
_EN_NAME_IS: Final = re.compile(
    r"\b((?:my|his|her|the) (?:\w+ )?name(?:'s| is| was)|account holder is|i am called|they call me|name:) "
    rf"({_NAME}(?: (?!and\b|but\b|i\b|the\b|who\b|from\b|at\b|with\b){_NAME}){{0,2}})",
    re.IGNORECASE,
)
_EN_CAPITAL: Final = re.compile(r"(?<![.!?:] )(?<=[a-z0-9,] )[A-Z][a-z'’-]+\b(?: [A-Z][a-z'’-]+\b)*")
_EN_FIRST: Final = re.compile(r"\b(?!I\b|The\b|Your\b|My\b|Our\b|Teller\b)[A-Z][a-z'’-]+ 〔name〕")
_EN_WORD: Final = re.compile(rf"\b{_NAME}\b")


def mask_names(text: str, taken: Taken) -> str:
    """`text` with every name replaced by what `taken` gives for it."""
    not_names = _words("not_names")

    def put(found: re.Match[str]) -> str:
        name = found["name"]
        if name[:2] in not_names or (len(name) == 2 and name[-2:] in not_names):
            return found[0]
        return found["cue"] + taken(found)

    for pattern in _patterns():
        text = pattern.sub(put, text)
    return _mask_english(text, taken)


@cache
def _patterns() -> tuple[re.Pattern[str], ...]:
    around, family_names = _around(), _words("surnames")
    double = "|".join(sorted(name for name in family_names if len(name) == 2))
    single = f"[{''.join(sorted(name for name in family_names if len(name) == 1))}]"
    han = rf"[\u4e00-\u9fff](?<![{''.join(around['not_given'])}])"
    family = rf"(?:{double}|{single})"
    full = rf"(?:(?:{double}){han}(?:{han})?|{single}{han}(?:{han})?)"
    introduced, before = "|".join(around["introduced"]), "|".join(around["before"])
    after = rf"(?={_ENDS}|{'|'.join(around['after'])})"
    return tuple(
        re.compile(pattern)
        for pattern in (
            rf"(?P<cue>{introduced})(?P<name>[\u4e00-\u9fff·]{{2,6}}?)(?={_ENDS})",
            rf"(?P<cue>{introduced})(?P<name>(?:{full}|[\u4e00-\u9fff·]{{2,3}})){after}",
            rf"(?P<cue>{introduced})(?P<name>{full})",
            rf"(?P<cue>)(?P<name>(?<![由关对等属至终])(?:{family}(?:{han}){{0,2}}?)(?:{_TITLE}))",
            rf"(?P<cue>)(?P<name>(?:{double}){han}(?:{han})?)",
            rf"(?P<cue>)(?P<name>(?:小|(?<!养)老|阿){family}|阿(?![姨拉里婆公布司]){han}){after}",
            rf"(?P<cue>我姓|免贵姓|贵姓|(?<!老百)姓)(?P<name>{family})",
            rf"(?P<cue>{before})(?P<name>{full}){after}",
            rf"(?P<cue>{_START})(?P<name>{full}){after}",
        )
    )


# ------------------------------------------------------------ English
def _mask_english(text: str, taken: Taken) -> str:
    given = _words("names_en") - frozenset(_around()["as_words"])

    def capital(found: re.Match[str]) -> str:
        return found[0] if all(map(_is_kept, found[0].split())) else taken(found)

    def introduced(found: re.Match[str]) -> str:
        """After a word that may introduce a name: a given name, or a word written with a capital."""
        first, *rest = found[2].split()
        if first.lower() not in given and not (first[0].isupper() and not _is_kept(first)):
            return found[0]
        while rest and (rest[0][0].isupper() or rest[0].lower() in given):
            rest.pop(0)
        end = " " if found[0].endswith(" ") else ""
        return " ".join([found[1].rstrip(), taken(found), *rest]) + end

    text = _EN_NAME_IS.sub(lambda found: f"{found[1]} {taken(found)}", text)
    text = _EN_TITLE.sub(taken, text)
    text = _EN_CUE.sub(introduced, text)
    text = _EN_CAPITAL.sub(capital, text)
    text = _EN_WORD.sub(lambda found: taken(found) if found[0].lower() in given else found[0], text)
    return _EN_FIRST.sub(taken, text)  # a given name at the beginning, ahead of a family name that was found


def _is_kept(word: str) -> bool:
    """Whether a word that is written with a capital is known to be no name."""
    kept = _around()["kept"]
    plain = word.lower().replace("’", "'").removesuffix("'s").rstrip("'")
    return plain.partition("'")[0] == "i" or plain in kept or plain.removesuffix("s") in kept


# ------------------------------------------------------------ lists
@cache
def _words(name: str) -> frozenset[str]:
    """The words of a list."""
    lines = (FOLDER / f"{name}.txt").read_text("utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


@cache
def _around() -> dict[str, tuple[str, ...]]:
    """The lists of `around_names.txt`, by section."""
    found: dict[str, tuple[str, ...]] = {}
    now = ""
    for line in (FOLDER / "around_names.txt").read_text("utf-8").splitlines():
        if line.startswith("["):
            now = line.strip("[] ")
        elif now and not line.startswith("#"):
            found[now] = (*found.get(now, ()), *line.split())
    return found
