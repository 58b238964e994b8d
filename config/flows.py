"""The shape of a conversation file: steps, what is said, what may be answered, what is done. No code in them."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints, model_validator

from config.load import ConfigError, load_yaml
from config.schema import CONFIG_DIR, Section

FLOWS_DIR: Final = CONFIG_DIR / "flows"
Id = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Way = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}(:[a-z][a-z0-9_]{0,39})?$")]
"""The step that follows: a step of this flow, or `flow:step` of another."""
Action = Literal[
    "issue_ticket", "give_ticket_back", "prioritise_ticket", "call_staff", "weigh_answer", "record_opinion",
    "record_recommendation", "keep_comment", "keep_unheard",
    "look_at_queue", "scan_code", "find_appointment",
    "read_card", "read_document", "look_at_document", "verify_card", "verify_document",
    "agree_face", "refuse_face", "verify_face", "check_name", "refuse_name",
    "keep_face", "decline_face", "forget_face",
    "balance", "statement", "card_bill", "repay_card", "transfer", "transfer_status", "report_loss", "unlock_pin",
    "change_pin", "activate_card", "switch_alerts", "redeem", "change_phone", "renew_document", "open_mobile",
    "book_cash", "book_visit", "check_in",
    "ask_teller", "look_at_teller", "leave_teller", "propose_call_back", "book_call_back", "leave_message",
    "adapt_page",
]  # fmt: skip
"""What a step can have done; the words of `kiosk/session/actions.py` and `banking.py`."""
SlotKind = Literal[
    "amount",
    "date",
    "time",
    "phone",
    "digits",
    "code",
    "pin",
    "ticket",
    "currency",
    "period",
    "payee",
    "service",
    "switch",
    "priority",
    "words",
    "name",
    "scale",
]
"""How a slot is read from words, and what its keypad looks like."""
PIN_KIND: Final = "pin"
NAME_KIND: Final = "name"
LATER_MOST: Final = 3  # wishes that wait for the present one
WAITING: Final = ("next", "rest")
"""Ways that are no steps: take up the wish that waits, or leave it."""


class Both(Section):
    """One sentence in both languages; `{slot}` is filled in."""

    zh: str = Field(min_length=1, max_length=240)
    en: str = Field(min_length=1, max_length=400)


class Condition(Section):
    """Something that must hold of a slot or a fact. All that is given must hold."""

    name: Id
    known: bool | None = Field(default=None, description="whether it has a value that is not empty")
    equals: tuple[str, ...] = Field(default=(), max_length=12, description="any of these values")
    at_least: float | None = Field(default=None, description="for amounts")
    below: float | None = None

    @model_validator(mode="after")
    def _asks_something(self) -> Condition:
        if self.known is None and not self.equals and self.at_least is None and self.below is None:
            raise ValueError("a condition needs `known`, `equals`, `at_least` or `below`")
        return self


class Line(Section):
    """Something said. The first line whose `needs` are all known and whose `when` all hold is used."""

    zh: str = Field(min_length=1, max_length=240)
    en: str = Field(min_length=1, max_length=400)
    needs: tuple[str, ...] = ()
    when: tuple[Condition, ...] = Field(default=(), max_length=4)


class Branch(Section):
    """A way that is taken without a word when its conditions hold."""

    when: tuple[Condition, ...] = Field(default=(), max_length=4, description="none: always")
    to: Way


class Slot(Section):
    """Something a flow needs to know: by voice, by touch, and corrected in words."""

    kind: SlotKind
    keypad: bool = Field(default=False, description="may be typed on the screen")
    digits: tuple[int, ...] = Field(default=(), max_length=4, description="how many digits it may have; none: any")
    least: int = Field(default=0, ge=0, description="the smallest amount")
    most: int = Field(default=10**9, ge=0, description="the largest amount")

    @property
    def secret(self) -> bool:
        """Never spoken, never shown, never kept."""
        return self.kind == PIN_KIND

    @property
    def private(self) -> bool:
        """May be spoken; not shown, in no account of the visit, forgotten as soon as it was used."""
        return self.kind == NAME_KIND


class Choice(Section):
    """A way on: what it says on the screen, and which wishes mean it."""

    id: Id
    label: Both
    detail: Both | None = None
    icon: str = Field(default="", max_length=20)
    kind: Literal["chip", "primary", "quiet", "human", "smiley", "card"] = "chip"
    means: tuple[str, ...] = Field(default=(), description="intents that choose it by voice")
    words: tuple[str, ...] = Field(default=(), max_length=24, description="words that choose it, in either language")
    to: Way
    sets: dict[str, str] = Field(default_factory=dict, description="slots that choosing it fills")
    when: tuple[Condition, ...] = Field(default=(), max_length=2, description="shown only where all of these hold")


class Step(Section):
    """One of: something said (with choices, or with a slot to be asked), something done, a branch, a call, a return."""

    say: tuple[Line, ...] = ()
    tells: bool = Field(default=False, description="the approved answer to the wish, if there is one, is said first")
    page: Literal["conversation", "confirm", "ticket", "waiting", "ways", "opinion", "goodbye"] = "conversation"
    expression: Literal["neutral", "warm", "listening", "thinking", "concerned", "firm", "glad"] = "warm"
    gesture: Literal["rest", "wave", "present", "point", "stop", "count", "thumbs", "heart"] = "rest"
    mode: Literal["standard", "elder"] | None = Field(default=None, description="how large the page is from here on")
    choices: tuple[Choice, ...] = Field(default=(), max_length=6)
    choices_from: Literal["services", "scores"] | None = Field(
        default=None, description="the branch's services, or 0 to 10"
    )
    ask: Id | None = Field(default=None, description="the slot that is asked for; passed over when it is known")
    again: tuple[Line, ...] = Field(default=(), description="said instead when the answer was not one")
    to: Way | None = Field(default=None, description="the step after a slot, a choice of `choices_from`, or a branch")
    branches: tuple[Branch, ...] = Field(default=(), max_length=8)
    do: Action | None = None
    call: Way | None = Field(default=None, description="another flow that comes back here: `done` or `failed`")
    returns: Literal["done", "failed"] | None = Field(default=None, description="back to the flow that called")
    done: Way | None = None
    failed: Way | None = None
    outcomes: dict[Id, Way] = Field(default_factory=dict, max_length=8, description="ways for named outcomes of `do`")
    forget: tuple[Id, ...] = Field(default=(), max_length=4, description="slots that are asked for anew from here")
    settled: bool = Field(default=False, description="the wish is dealt with; what is next is asked by itself")
    ends: bool = Field(default=False, description="the visit is over once this was said")
    alone: bool = Field(default=False, description="what waits is given up here")
    as_wish: str = Field(default="", max_length=40, description="what the conversation is about from here on")

    @model_validator(mode="after")
    def _does_one_thing(self) -> Step:
        kinds = {"say": self.say, "do": self.do, "call": self.call, "returns": self.returns, "branches": self.branches}
        given = [name for name, value in kinds.items() if value]
        if len(given) != 1:
            raise ValueError(f"a step does exactly one of {', '.join(kinds)}; here: {', '.join(given) or 'none'}")
        for name, value in (("do", self.do), ("call", self.call)):
            if value and (not self.done or not self.failed):
                raise ValueError(f"a step with `{name}` needs `done` and `failed`")
        for name, wanted in (("choices_from", self.choices_from), ("ask", self.ask)):
            if wanted and not self.to:
                raise ValueError(f"`{name}` needs `to`")
        if self.branches and self.branches[-1].when:
            raise ValueError("the last branch has no `when`, so that there is always a way")
        if self.ask and not self.say:
            raise ValueError("`ask` needs `say`")
        return self


class Begin(Section):
    """Which wishes begin the flow, and at which step."""

    alone: bool = Field(default=False, description="what was open is given up and not offered again")

    intents: tuple[str, ...] = Field(min_length=1)
    at: Id


class Flow(Section):
    id: Id
    begins: tuple[Begin, ...] = Field(default=(), description="none: other flows lead here")
    slots: dict[Id, Slot] = Field(default_factory=dict, max_length=12, description="what may be said at any step")
    resumable: bool = Field(default=True, description="whether it is offered again after another wish came between")
    steps: dict[Id, Step] = Field(min_length=1, max_length=40)

    @model_validator(mode="after")
    def _steps_exist(self) -> Flow:
        missing = sorted(way for way in self.ways() if ":" not in way and way not in self.steps and way not in WAITING)
        if missing:
            raise ValueError(f"steps that do not exist: {', '.join(missing)}")
        unknown = sorted({step.ask for step in self.steps.values() if step.ask} - self.slots.keys())
        if unknown:
            raise ValueError(f"slots that are asked for but not described: {', '.join(unknown)}")
        return self

    def ways(self) -> set[str]:
        """Every step that something leads to."""
        found: set[str] = {begin.at for begin in self.begins}
        for step in self.steps.values():
            found |= {choice.to for choice in step.choices}
            found |= {branch.to for branch in step.branches} | set(step.outcomes.values())
            found |= {way for way in (step.to, step.done, step.failed, step.call) if way}
        return found


class Row(Section):
    """How a slot is called where what was understood is looked over."""

    label: Both
    private: bool = Field(default=False, description="masked until the visitor asks to see it")
    money: bool = Field(default=False, description="written in groups of three, with its unit")


class StaffPhrases(Section):
    """What stands on the staff's page."""

    pin: Both
    wrong: Both
    wait: Both
    call: Both
    recall: Both
    serve: Both
    finish: Both
    miss: Both
    counter: Both
    close: Both


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
    still_there_last: Both
    leaving: Both
    anything_else: Both
    and_then: Both
    instead: Both
    corrected: Both
    dropped: Both
    from_the_start: Both
    no_way_back: Both
    slower: Both
    faster: Both
    louder: Both
    quieter: Both
    not_aloud: Both
    told: Both
    take_card: Both
    take_document: Both
    key_ok: Both
    key_back: Both
    values: dict[Id, Both] = Field(description="how values of slots and facts are said")
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
    looking: Both
    speaking: Both
    muted: Both
    cannot_hear: Both
    out_of_service: Both
    out_of_service_note: Both
    dock_language: Both
    dock_text: Both
    dock_text_back: Both
    dock_end: Both
    dock_human: Both
    called_last: Both
    called_last_anywhere: Both
    staff: StaffPhrases
    rows: dict[Id, Row] = Field(description="slots that are shown on a page to confirm, in this order")
    look_over: Both
    reveal: Both
    more: Both
    stay: Both
    on_my_way: Both
    understood: Both
    veiled: Both
    spoken_on: Both
    may_choose: Both
    fillers: tuple[Both, ...] = Field(default=(), max_length=8, description="said where the answer takes a moment")


def load_flows(folder: Path = FLOWS_DIR) -> tuple[Flow, ...]:
    """Read every flow. Raises `ConfigError`; two flows may not begin with the same wish."""
    paths = [path for path in sorted(folder.glob("*.yaml")) if path.name != "phrases.yaml"]
    return _read_flows(folder, tuple((path, path.stat().st_mtime_ns) for path in paths))


@lru_cache(maxsize=4)
def _read_flows(folder: Path, files: tuple[tuple[Path, int], ...]) -> tuple[Flow, ...]:
    """Files that did not change are read once: a terminal's parts each ask for them."""
    flows = tuple(load_yaml(path, Flow) for path, _ in files)
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


def load_phrases(path: Path = FLOWS_DIR / "phrases.yaml", name: Both | None = None) -> Phrases:
    """What is said outside the flows, by somebody of this name; without one, by the persona of `config/persona`.

    Raises `ConfigError`.
    """
    from config.persona import load_persona  # it is made of sentences of this file

    phrases = _read_phrases(path, path.stat().st_mtime_ns if path.exists() else 0)
    called = name or load_persona().name
    named = {
        field: Both(zh=both.zh.replace("{name}", called.zh), en=both.en.replace("{name}", called.en))
        for field in ("greeting", "greeting_morning", "greeting_afternoon")
        for both in (getattr(phrases, field),)
    }
    return phrases.model_copy(update=named)


@lru_cache(maxsize=4)
def _read_phrases(path: Path, changed_ns: int) -> Phrases:
    """A file that did not change is read once."""
    return load_yaml(path, Phrases)
