"""The shape of a scripted conversation: the visitor's turns, and what must have come of each.

As in `config/scenario.py`, a step does one thing (say, touch, …) and names what is expected; here a turn and its
expectation stand in one step, because by text nothing lies between them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints, model_validator

from config.load import ConfigError, load_yaml
from config.schema import Section

FOLDER: Final = Path(__file__).parent.parent / "data" / "dialogues"
Language = Literal["zh", "en"]


class Weather(Section):
    """How the simulated core bank behaves from here on."""

    latency_ms: int = Field(default=0, ge=0, le=20_000)
    fail_share: float = Field(default=0.0, ge=0, le=1)
    lose_share: float = Field(default=0.0, ge=0, le=1)


class Want(Section):
    """What must have come of a turn. What is not named is not looked at."""

    intent: str | tuple[str, ...] | None = Field(default=None, description="the first wish that was understood")
    at: str | tuple[str, ...] | None = Field(default=None, description="'flow:step' where it stands; '': nowhere")
    wish: str | None = None
    slots: dict[str, str] = Field(default_factory=dict)
    did: tuple[str, ...] = Field(default=(), description="'action' or 'action outcome', in this order, in this turn")
    says: tuple[str, ...] = Field(default=(), description="all of these are in what is said")
    says_any: tuple[str, ...] = Field(default=(), description="at least one of these is")
    never: tuple[str, ...] = Field(default=(), description="none of these is")
    page: str | None = None
    targets: tuple[str, ...] = ()
    later: tuple[str, ...] | None = Field(default=None, description="wishes that wait")
    language: Language | None = None
    mode: Literal["standard", "elder"] | None = None
    outcome: str | None = None
    ends: bool | None = None
    slower: bool | None = None
    louder: bool | None = None
    ticket: bool | None = None
    risk: Literal["low", "medium", "high"] | None = Field(default=None, description="as it is weighed by now")
    feels: str | None = Field(default=None, description="the strongest feeling by now")
    handover: Literal["asked", "trouble", "urgent"] | None = Field(
        default=None, description="how pressing the last packet for a person is"
    )
    reason: str | None = Field(default=None, description="of that packet")
    packet: tuple[str, ...] = Field(default=(), description="all of these are in that packet")
    not_in_packet: tuple[str, ...] = Field(default=(), description="none of these is in any packet")
    profile: Literal["standard", "elder", "brisk", "child"] | None = None
    spoken: str | None = Field(default=None, description="what is spoken, where the answer on the screen is longer")
    staff: bool | None = Field(default=None, description="whether staff were called by now")


class Turn(Section):
    """One thing the visitor does. Exactly one."""

    say: str | None = Field(default=None, max_length=20_000)
    touch: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,60}$")] | None = None
    type: Annotated[str, StringConstraints(pattern=r"^[0-9]{0,24}$")] | None = Field(
        default=None, description="keys of the keypad, then 'done'"
    )
    card: int | None = Field(default=None, ge=-1, le=40, description="of an invented customer; -1: nobody's")
    document: int | None = Field(default=None, ge=-1, le=40)
    take: bool | None = Field(default=None, description="take out what lies in the reader")
    bank: Weather | None = None
    hub: bool | None = Field(default=None, description="whether the hub can be reached")
    qr: str | None = Field(default=None, max_length=200, description="text of a QR code that is held up; '': none")
    queue: int | None = Field(default=None, ge=0, le=50, description="so many wait for the first service")
    silence: bool | None = None
    greet: bool | None = None
    in_language: Language | None = Field(default=None, description="of `say`; otherwise the conversation's")
    expect: Want = Want()

    @model_validator(mode="after")
    def _exactly_one(self) -> Turn:
        given = [name for name in DOES if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"a turn does exactly one thing of {', '.join(DOES)}; here: {', '.join(given) or 'none'}")
        return self


DOES: Final = (
    "say", "touch", "type", "card", "document", "take", "bank", "hub", "qr", "queue", "silence", "greet",
)  # fmt: skip


class Dialogue(Section):
    id: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,60}$")]
    title: str = Field(min_length=1, max_length=160)
    language: Language = "zh"
    sound: bool = Field(default=False, description="spoken and recognised too")
    judge: bool = Field(
        default=True, description="whether the learnt judgement of risk is asked beside the plain words"
    )
    bank: bool = Field(default=True, description="whether a core bank is connected")
    appointments: bool = Field(default=False, description="whether the terminal has a list of appointments")
    shows: tuple[str, ...] = Field(default=(), description="repair patterns and routes that it is there for")
    turns: tuple[Turn, ...] = Field(min_length=1, max_length=40)


class DialogueFile(Section):
    dialogues: tuple[Dialogue, ...] = Field(min_length=1)


def load_dialogues(folder: Path = FOLDER) -> list[Dialogue]:
    """All conversations of a folder. Raises `ConfigError`, also for an id that is there twice."""
    found: dict[str, Dialogue] = {}
    for path in sorted(folder.glob("*.yaml")):
        for dialogue in load_yaml(path, DialogueFile).dialogues:
            if dialogue.id in found:
                raise ConfigError(f"{path}: {dialogue.id} is there twice")
            found[dialogue.id] = dialogue
    if not found:
        raise ConfigError(f"{folder}: no conversations")
    return list(found.values())
