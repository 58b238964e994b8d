"""The shape of a conversation file: steps, what is said, what may be answered, what is done. No code in them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints, model_validator

from config.load import ConfigError, load_yaml
from config.schema import CONFIG_DIR, Section

FLOWS_DIR: Final = CONFIG_DIR / "flows"
Id = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Way = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}(:[a-z][a-z0-9_]{0,39})?$")]
"""The step that follows: a step of this flow, or `flow:step` of another."""
Action = Literal["issue_ticket", "give_ticket_back", "call_staff", "record_opinion"]


class Both(Section):
    """One sentence in both languages; `{slot}` is filled in."""

    zh: str = Field(min_length=1, max_length=240)
    en: str = Field(min_length=1, max_length=400)


class Line(Section):
    """Something said. The first line of a step whose `needs` are all known is used."""

    zh: str = Field(min_length=1, max_length=240)
    en: str = Field(min_length=1, max_length=400)
    needs: tuple[str, ...] = ()


class Choice(Section):
    """A way on: what it says on the screen, and which wishes mean it."""

    id: Id
    label: Both
    detail: Both | None = None
    icon: str = Field(default="", max_length=20)
    kind: Literal["chip", "primary", "quiet", "human", "smiley", "card"] = "chip"
    means: tuple[str, ...] = Field(default=(), description="intents that choose it by voice")
    to: Way
    sets: dict[str, str] = Field(default_factory=dict, description="slots that choosing it fills")


class Step(Section):
    """Either something said with choices, or something done with ways on."""

    say: tuple[Line, ...] = ()
    page: Literal["conversation", "ticket", "opinion", "goodbye"] = "conversation"
    expression: Literal["neutral", "warm", "listening", "thinking", "concerned", "firm", "glad"] = "warm"
    gesture: Literal["rest", "wave", "present", "stop", "heart"] = "rest"
    choices: tuple[Choice, ...] = Field(default=(), max_length=6)
    choices_from: Literal["services"] | None = None
    to: Way | None = Field(default=None, description="the step after a choice of `choices_from`")
    do: Action | None = None
    done: Way | None = None
    failed: Way | None = None
    ends: bool = Field(default=False, description="the visit is over once this was said")

    @model_validator(mode="after")
    def _says_or_does(self) -> Step:
        if self.do and (not self.done or not self.failed):
            raise ValueError("a step with `do` needs `done` and `failed`")
        if not self.do and not self.say:
            raise ValueError("a step says something or does something")
        if self.choices_from and not self.to:
            raise ValueError("`choices_from` needs `to`")
        return self


class Begin(Section):
    """Which wishes begin the flow, and at which step."""

    intents: tuple[str, ...] = Field(min_length=1)
    at: Id


class Flow(Section):
    id: Id
    begins: tuple[Begin, ...] = Field(min_length=1)
    steps: dict[Id, Step] = Field(min_length=1, max_length=40)

    @model_validator(mode="after")
    def _steps_exist(self) -> Flow:
        missing = sorted(way for way in self.ways() if ":" not in way and way not in self.steps)
        if missing:
            raise ValueError(f"steps that do not exist: {', '.join(missing)}")
        return self

    def ways(self) -> set[str]:
        """Every step that something leads to."""
        found: set[str] = {begin.at for begin in self.begins}
        for step in self.steps.values():
            found |= {choice.to for choice in step.choices}
            found |= {way for way in (step.to, step.done, step.failed) if way}
        return found


class Phrases(Section):
    """What is said outside the flows."""

    greeting: Both
    greeting_morning: Both
    greeting_afternoon: Both
    did_not_catch: Both
    clarify: Both
    confirm: Both
    ticket_note: Both
    ticket_note_ahead: Both
    still_there: Both
    companion: Both
    companion_detail: Both
    companion_welcome: Both
    sorry: Both
    language_switched: Both
    attract: Both
    attract_blind: Both
    missing: dict[str, Both]
    listening: Both
    thinking: Both
    speaking: Both
    muted: Both
    cannot_hear: Both
    dock_language: Both
    dock_text: Both
    dock_text_back: Both
    dock_end: Both
    dock_human: Both
    invite_ticket: Both
    invite_ticket_detail: Both
    invite_card: Both
    invite_card_detail: Both
    invite_way: Both
    invite_way_detail: Both
    fillers: tuple[Both, ...] = Field(default=(), max_length=8, description="said where the answer takes a moment")


def load_flows(folder: Path = FLOWS_DIR) -> tuple[Flow, ...]:
    """Read every flow. Raises `ConfigError`; two flows may not begin with the same wish."""
    flows = tuple(load_yaml(path, Flow) for path in sorted(folder.glob("*.yaml")) if path.name != "phrases.yaml")
    owner: dict[str, str] = {}
    for flow in flows:
        for begin in flow.begins:
            for intent in begin.intents:
                if intent in owner:
                    raise ConfigError(f"{folder}: both {owner[intent]} and {flow.id} begin with {intent}")
                owner[intent] = flow.id
    known = {f"{flow.id}:{step}" for flow in flows for step in flow.steps}
    lost = sorted(f"{flow.id} → {way}" for flow in flows for way in flow.ways() if ":" in way and way not in known)
    if lost:
        raise ConfigError(f"{folder}: steps that do not exist: {', '.join(lost)}")
    return flows


def load_phrases(path: Path = FLOWS_DIR / "phrases.yaml") -> Phrases:
    return load_yaml(path, Phrases)
