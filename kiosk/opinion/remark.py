"""A comment as it may be kept: scrubbed words, what is felt in them, what they are about. Pure; no sound, no name."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final, cast, get_args

from contracts.handover import Emotion
from contracts.opinions import MAX_SENTENCE, Subject
from contracts.screen import Language
from kiosk.feeling.feeling import EMOTIONS, NEUTRAL, from_words
from kiosk.opinion.scrub import scrub

SUBJECTS: Final = Path(__file__).parent / "words" / "subjects.txt"
READ_MOST: Final = 400  # characters that feeling and subject are read from


@dataclass(frozen=True, slots=True)
class Remark:
    """What is kept of a comment."""

    text: str = field(repr=False)
    feeling: Emotion | None
    subject: Subject
    masked: int


def remark(text: str, language: Language) -> Remark | None:
    """None: nothing was said that may be kept."""
    clean = scrub(text)
    if clean.is_empty:
        return None
    return Remark(clean.text, felt(clean.text, language), about(clean.text), clean.masked.total())


def sentence(text: str) -> str:
    """A sentence for learning, scrubbed; '' where it is longer than a question is, or nothing of it may be kept."""
    if len(text) > MAX_SENTENCE:
        return ""
    clean = scrub(text, most=MAX_SENTENCE)
    return "" if clean.is_empty else clean.text


def felt(text: str, language: Language) -> Emotion | None:
    """The strongest feeling that the words show; None: none."""
    shown = from_words(text[:READ_MOST], language)
    strongest = max(EMOTIONS, key=lambda emotion: shown[emotion])
    return strongest if shown[strongest] >= NEUTRAL else None


def about(text: str) -> Subject:
    """The subject with the most words in it."""
    said = text[:READ_MOST].lower()
    hits = {name: len(pattern.findall(said)) for name, pattern in _subjects()}
    best = max(hits, key=lambda name: hits[name])
    return best if hits[best] else "other"


@cache
def _subjects() -> tuple[tuple[Subject, re.Pattern[str]], ...]:
    """Raises ValueError naming the line that cannot be used."""
    found: dict[Subject, list[str]] = {}
    now: Subject | None = None
    for number, line in enumerate(SUBJECTS.read_text("utf-8").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith("["):
            named = line.strip()[1:-1]
            if named not in get_args(Subject):
                raise ValueError(f"{SUBJECTS}:{number}: want one of {', '.join(get_args(Subject))}")
            now = cast(Subject, named)
        elif now is None:
            raise ValueError(f"{SUBJECTS}:{number}: a pattern before any subject")
        else:
            found.setdefault(now, []).append(line)
    return tuple((name, re.compile("|".join(lines))) for name, lines in found.items())
