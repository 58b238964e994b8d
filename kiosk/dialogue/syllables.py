"""How much was said, by the sound of it: syllables of both languages. Pure."""

from __future__ import annotations

import re
from typing import Final

from contracts.screen import Language

_ZH_SYLLABLE: Final = re.compile(r"[\u4e00-\u9fff0-9]|[a-z]+")
_EN_SYLLABLE: Final = re.compile(r"[aeiouy]+|[0-9]")


def syllables(text: str, language: Language) -> int:
    """How many syllables were said: characters in Mandarin, groups of vowels in English; figures count as one each."""
    return len((_ZH_SYLLABLE if language == "zh" else _EN_SYLLABLE).findall(text.lower()))
