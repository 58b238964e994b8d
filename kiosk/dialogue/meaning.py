"""What was heard and what it probably means: what recognition and understanding hand on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from contracts.screen import Language

Decision = Literal["act", "ask", "unsure"]


@dataclass(frozen=True, slots=True)
class Words:
    """What was heard, best guess first, with log probabilities."""

    text: str = field(repr=False)
    language: Language
    alternatives: tuple[tuple[str, float], ...] = field(default=(), repr=False)
    no_speech: float = 0.0
    certainty: float = 0.0  # mean log probability of its parts; 0 is certain
    clear: bool = True  # False: the recogniser wrote something down, but does not believe it itself
    foreign: bool = False  # it was neither of the two languages; never clear
    caption: str = field(default="", repr=False)  # the text with figures as they are read; '' where nobody writes it
    spared: bool = False  # it is unsure, and a second look at the sound was left out for haste
    hot: tuple[str, ...] = field(default=(), repr=False)  # words of this bank that were put for others of their sound


@dataclass(frozen=True, slots=True)
class Meaning:
    """What is probably wanted: intents with probabilities, best first."""

    ranked: Sequence[tuple[str, float]]
    decision: Decision
    slots: Mapping[str, str] = field(default_factory=dict, repr=False)
    text: str = field(default="", repr=False)  # the words, where they are believed
    then: tuple[str, ...] = ()  # further wishes of the same sentence, in their order
    others: tuple[Mapping[str, str], ...] = field(default=(), repr=False)  # slots of other readings of a short answer
    readings: tuple[str, ...] = field(default=(), repr=False)  # those other readings
    listening: float = 0.0  # probability that, said over her, it only shows that somebody listens


class RecognitionError(RuntimeError):
    """The recogniser failed; the message is a stable code."""
