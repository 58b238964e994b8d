"""What the receptionist answers, before it is spoken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from config.flows import Action
from contracts.screen import Expression, Gesture, Language, Mode, Page, Target
from kiosk.dialogue.flows import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer: what is said, what is shown with it, and where the conversation then stands."""

    text: str = field(repr=False)
    translation: str = field(default="", repr=False)
    language: Language
    page: Page = "conversation"
    expression: Expression = "warm"
    gesture: Gesture = "rest"
    targets: tuple[Target, ...] = ()
    place: Place | None = None
    mode: Mode | None = None  # a new one, if the visitor asked for it
    misunderstood: bool = False
    keep: bool = False  # approved text with nothing of the visitor in it: its sound may be cached
    ends: bool = False


@dataclass(frozen=True, slots=True)
class Do:
    """Something has to be done before there is an answer. `place` is the step that asks for it."""

    action: Action
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What the brain may know about the visit at this moment."""

    language: Language
    mode: Mode = "standard"
    place: Place | None = None
    last: Reply | None = None
    misunderstood: int = 0
    facts: Mapping[str, str] = field(default_factory=dict, repr=False)  # ticket, ahead, wait_low, wait_high
