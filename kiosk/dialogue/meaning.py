"""What was heard and what it probably means: what recognition and understanding hand on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from contracts.screen import Language
from kiosk.dialogue.brain import Decision


@dataclass(frozen=True, slots=True)
class Words:
    """What was heard, best guess first, with log probabilities."""

    text: str = field(repr=False)
    language: Language
    alternatives: tuple[tuple[str, float], ...] = field(default=(), repr=False)
    no_speech: float = 0.0
    clear: bool = True  # False: the recogniser wrote something down, but does not believe it itself
    foreign: bool = False  # it was neither of the two languages; never clear
    caption: str = field(default="", repr=False)  # the text with figures as they are read; '' where nobody writes it
    hot: tuple[str, ...] = field(default=(), repr=False)  # words of this bank that were put for others of their sound


@dataclass(frozen=True, slots=True)
class Meaning:
    """What is probably wanted: intents with probabilities, best first."""

    ranked: Sequence[tuple[str, float]]
    decision: Decision
    slots: Mapping[str, str] = field(default_factory=dict, repr=False)


class RecognitionError(RuntimeError):
    """The recogniser failed; the message is a stable code."""
