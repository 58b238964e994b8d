"""English text to Kokoro's phonemes: misaki's dictionaries, the inflections they lack, and spelling rules for the rest.

The dictionaries are data files of the misaki package (Apache-2.0), read without importing it, since
its own English needs spaCy. Words outside them are sounded out; that is a fallback, not a reading.
"""

from __future__ import annotations

import importlib.util
import json
import re
from functools import cache
from pathlib import Path
from typing import Final

from models.spelling_en import sound_out

_TOKEN = re.compile(r"[A-Za-z]+(?:['’][A-Za-z]+)*|[.,!?;:…—]|[-–/()\"“”]")
_VOWELS: Final = frozenset("AIOQWYaeiouæɑɐɒɔəɛɜɪʊʌᵊᵻ")
_VOICELESS: Final = frozenset("pktfθ")
_SIBILANTS: Final = frozenset("szʃʒʧʤ")
_STRESS: Final = "ˈˌ"
_PAUSES: Final = {"-": " ", "–": "—", "/": " ", "(": ", ", ")": ", ", '"': "", "“": "", "”": ""}
# Unstressed in running speech. The pronoun keeps a stress, or the voice swallows it.
_WEAK: Final = {"a": "ɐ", "an": "ən", "am": "ɐm", "and": "ænd", "i": "ˌI"}
_DIGITS: Final = frozenset(["zero", "oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])
_SENTENCE_ENDS: Final = frozenset(".!?;:…—")
_OWN: Final = {
    "atm": "ˌAtˌiˈɛm",
    "yuan": "jˌuˈɑn",
    "renminbi": "ɹˌɛnmɪnbˈi",
    "qinghe": "ʧˌɪŋhˈʌ",
    "wifi": "wˈIfˌI",
    "id": "ˌIdˈi",
}


def phonemes(text: str) -> str:
    """Kokoro's symbols for normalised English `text` (no digits); punctuation becomes pauses."""
    tokens = _TOKEN.findall(text)
    said: list[str] = []
    for i, token in enumerate(tokens):
        if not token[0].isalpha():
            said.append(_PAUSES.get(token, token))
            continue
        following = next((one for one in tokens[i + 1 :] if one[0].isalpha()), "")
        is_inside = i > 0 and tokens[i - 1] not in _SENTENCE_ENDS
        said.append(" " + _in_context(token, following, is_inside=is_inside))
    return re.sub(r"\s+", " ", "".join(said)).strip()


def spell(letters: str) -> str:
    """The names of letters, one after the other, the last stressed: A T M."""
    names = [str(_gold()[letter.upper()]) for letter in letters if letter.upper() in _gold()]
    weak = [name.replace("ˈ", "ˌ") for name in names[:-1]]
    return "".join([*weak, *names[-1:]])


def _in_context(word: str, following: str, *, is_inside: bool) -> str:
    lower = word.lower()
    if lower in ("the", "to") and following:
        next_is_vowel = word_phonemes(following).lstrip(_STRESS)[:1] in _VOWELS
        return {"the": ("ðə", "ði"), "to": ("tə", "tʊ")}[lower][next_is_vowel]
    if word == "A" and (is_inside or following in _DIGITS or (len(following) == 1 and following.isupper())):
        return word_phonemes(word)  # the letter: A 3, A M, 'number A'
    if lower in _WEAK and following:
        return _WEAK[lower]
    return word_phonemes(word)


@cache
def word_phonemes(word: str) -> str:
    """One word, as stressed when it stands alone."""
    word = word.replace("’", "'")
    lower = word.lower()
    if lower in _OWN:
        return _OWN[lower]
    if word.isupper() and len(word) > 1 and not _entry(word):
        return spell(word) if len(word) <= 4 or not _entry(lower) else _entry(lower)
    for form in (word, lower, lower.capitalize(), lower.upper() if len(word) == 1 else lower):
        if found := _entry(form):
            return found
    return _inflected(lower) or _compound(lower) or sound_out(lower)


def _inflected(word: str) -> str:
    """Plural, possessive, past and -ing of a word in the dictionaries; empty if there is none."""
    for stem in _stems(word, ("'s", "s", "es", "ies")):
        if found := _entry(stem):
            last = found[-1]
            return found + ("ᵻz" if last in _SIBILANTS else "s" if last in _VOICELESS else "z")
    for stem in _stems(word, ("ed", "d", "ied")):
        if found := _entry(stem):
            last = found[-1]
            return found + ("ᵻd" if last in "td" else "t" if last in _VOICELESS | set("sʃʧ") else "d")
    for stem in _stems(word, ("ing",)):
        if found := _entry(stem):
            return found + "ɪŋ"
    return ""


def _stems(word: str, endings: tuple[str, ...]) -> list[str]:
    stems = []
    for ending in endings:
        if not word.endswith(ending) or len(word) - len(ending) < 2:
            continue
        stem = word[: -len(ending)]
        if ending.startswith("i") and ending != "ing":
            stems.append(stem + "y")
            continue
        stems.append(stem)
        if ending in ("ing", "ed"):
            stems.append(stem + "e")
            if len(stem) > 2 and stem[-1] == stem[-2]:
                stems.append(stem[:-1])
    return stems


def _compound(word: str) -> str:
    """Two dictionary words written as one (cashpoint, e-banking without its hyphen)."""
    for cut in range(len(word) - 3, 2, -1):
        first, second = _entry(word[:cut]), _entry(word[cut:])
        if first and second:
            return first + second.replace("ˈ", "ˌ")
    return ""


def _entry(word: str) -> str:
    """The dictionaries' reading of exactly this spelling, or empty."""
    found = _gold().get(word) or _silver().get(word)
    if isinstance(found, dict):
        found = found.get("DEFAULT")
    return found if isinstance(found, str) else ""


@cache
def _gold() -> dict[str, str | dict[str, str | None] | None]:
    return _dictionary("us_gold.json")


@cache
def _silver() -> dict[str, str | dict[str, str | None] | None]:
    return _dictionary("us_silver.json")


def _dictionary(name: str) -> dict[str, str | dict[str, str | None] | None]:
    spec = importlib.util.find_spec("misaki")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("misaki is not installed: its dictionaries are needed for English speech")
    path = Path(spec.submodule_search_locations[0]) / "data" / name
    loaded: dict[str, str | dict[str, str | None] | None] = json.loads(path.read_text("utf-8"))
    return loaded
