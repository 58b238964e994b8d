"""What the receptionist answers, before it is spoken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from config.flows import Action, Both
from contracts.screen import Expression, Gesture, Language, Mode, Page, Target
from kiosk.dialogue.flows import Place

Pace = Literal["slower", "faster", "louder", "quieter"]


@dataclass(frozen=True, slots=True)
class Keypad:
    """What may be typed for the slot that is asked for."""

    slot: str
    most: int  # digits
    secret: bool = False
    money: bool = False
    private: bool = False  # what is said instead of typed is in no account of the visit
    letters: bool = False  # keys carry letters, as a telephone's


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
    asks_back: bool = False  # which of two wishes it is, or whether it is that one
    slots: Mapping[str, str] = field(default_factory=dict, repr=False)  # what was named when she had to ask back
    keep: bool = False  # approved text with nothing of the visitor in it: its sound may be cached
    ends: bool = False
    goal: str = ""  # the place of the branch that the way is shown to
    keypad: Keypad | None = None
    bare: str = field(default="", repr=False)  # the text without a remark before it, where there is one
    whole: bool = False  # all of it is spoken, however long
    pace: Pace | None = None  # how the visitor asked to be spoken to


@dataclass(frozen=True, slots=True)
class Do:
    """Something has to be done before there is an answer. `place` is the step that asks for it."""

    action: Action
    place: Place


@dataclass(frozen=True, slots=True)
class Done:
    """What became of it: 'done', 'failed', or a code that the action names, and what is known since."""

    outcome: str = "done"
    facts: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def succeeded(self) -> bool:
        return self.outcome == "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Concern:
    """What is watched over beside the wish: the visitor's safety and feelings, as they stand at this turn."""

    danger: str = ""  # a cry for help in this turn: which kind
    risk: Literal["low", "medium", "high"] = "low"
    rose: bool = False  # with this turn
    question: str = ""  # the next that breaks the spell; '': none, or all were asked
    asked: bool = False  # one was asked before
    warned: bool = False  # staff were called because of it
    opening: Both | None = None  # said before the answer: calm words, condolence
    upset: str = ""  # the feeling for which a person is offered at once

    def taken(self) -> Concern:
        """The same once what has to come first was chosen; the calm word is still to be said."""
        return replace(self, danger="", rose=False, upset="")

    def quiet(self) -> Concern:
        """The same without what belonged to one turn's words."""
        return replace(self, danger="", rose=False, opening=None, upset="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What the brain may know about the visit at this moment."""

    language: Language
    mode: Mode = "standard"
    place: Place | None = None
    last: Reply | None = None
    misunderstood: int = 0
    prompts: int = 0
    typed: str = field(default="", repr=False)  # on the keypad
    facts: Mapping[str, str] = field(default_factory=dict, repr=False)  # ticket, ahead, verified, in_reader, bank, …
    concern: Concern = Concern()
    now: datetime = field(default_factory=datetime.now)  # local
