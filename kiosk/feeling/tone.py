"""How she speaks then: what a feeling asks for, what a profile asks for, and the persona's own words. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from config.persona import Persona, Profile
from contracts.screen import Language
from kiosk.feeling.feeling import Feeling

STRONG: Final = 0.6
FELT: Final = 0.4
_SENTENCE: Final = re.compile(r"[。！？]+|[.!?]+(?=\s|$)")
BEREAVED: Final = frozenset({"inheritance"})


@dataclass(frozen=True, slots=True)
class Tone:
    """`opening`: said before the answer, '' for nothing. `speed` times the usual pace. `person`: offer one at once."""

    opening: str
    speed: float
    sentences: int
    person: bool
    expression: str
    kind: str = ""  # which of the persona's openings it is


def tone_for(
    feeling: Feeling, persona: Persona, language: Language, *, profile: Profile = "standard", intent: str = ""
) -> Tone:
    """Calm words and a person for the angry or frightened, condolence for the bereaved; pace and length by profile."""
    style = persona.styles[profile]
    bereaved = intent in BEREAVED
    kind = ""
    if bereaved:
        kind = "condolence"
    elif feeling.strongest in ("anger", "disgust") and feeling.intensity >= FELT:
        kind = "calm_anger"
    elif feeling.strongest == "fear" and feeling.intensity >= FELT:
        kind = "calm_fear"
    elif feeling.strongest == "sadness" and feeling.intensity >= STRONG:
        kind = "comfort"
    line = persona.openings[kind] if kind else None
    opening = "" if line is None else line.zh if language == "zh" else line.en
    person = kind in ("calm_anger", "calm_fear") and (feeling.intensity >= STRONG or feeling.rising)
    expression = "concerned" if kind else "glad" if feeling.strongest == "joy" else "warm"
    slower = 0.95 if kind else 1.0
    return Tone(apply(opening, persona, language), style.speed * slower, style.sentences, person, expression, kind)


def apply(sentence: str, persona: Persona, language: Language) -> str:
    """`sentence` in the persona's words: replacements made, forbidden words taken out with the gap they leave."""
    rows = persona.replace.zh if language == "zh" else persona.replace.en
    forbidden = persona.forbidden.zh if language == "zh" else persona.forbidden.en
    for old, new in rows.items():
        sentence = _word(old, language).sub(lambda _, new=new: new, sentence)  # type: ignore[misc]
    for word in forbidden:
        sentence = _word(word, language).sub("", sentence)
    sentence = re.sub(r"\s{2,}", " ", sentence)
    return re.sub(r"\s+([,.!?])", r"\1", sentence).strip()


def spoken_part(text: str, sentences: int) -> str:
    """So much of an answer as is spoken at a go; the rest is on the screen. What ends with a question is spoken whole:
    who only listens has to hear what is asked."""
    ends = [found.end() for found in _SENTENCE.finditer(text)]
    if len(ends) <= sentences or text.rstrip().endswith(("？", "?")):
        return text
    return text[: ends[sentences - 1]].rstrip()


def _word(word: str, language: Language) -> re.Pattern[str]:
    bounds = r"\b" if language == "en" else ""
    return re.compile(bounds + re.escape(word) + bounds, re.IGNORECASE)
