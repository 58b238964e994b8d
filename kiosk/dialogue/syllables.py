"""How much was said, by the sound of it: syllables of both languages. Pure."""

from __future__ import annotations

import re
from typing import Final

from contracts.screen import Language

_ZH_SYLLABLE: Final = re.compile(r"[\u4e00-\u9fff0-9]|[a-z]+")
_EN_SYLLABLE: Final = re.compile(r"[aeiouy]+|[0-9]")
_REPEATED: Final = re.compile(r"(.{2,}?)(?: ?\1)+")  # a recogniser stutters after a short sound


def syllables(text: str, language: Language) -> int:
    """How many syllables were said: characters in Mandarin, groups of vowels in English; figures count as one each."""
    return len((_ZH_SYLLABLE if language == "zh" else _EN_SYLLABLE).findall(text.lower()))


def said_once(text: str) -> str:
    """Letters, characters and spaces of `text`, and of words that were written again and again the first."""
    said = "".join(c for c in text.lower() if c.isalnum() or c == " ").strip()
    return found[1] if (found := _REPEATED.fullmatch(said)) else said
