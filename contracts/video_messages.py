"""The messages about remote tellers: what a terminal asks for, and where its visitor stands.

Nothing here says who the visitor is. What the teller reads beforehand is the hand-over (`Handover`), which went ahead
in the same log; a request names it by its number. The only words of a visitor are those of a message that the visitor
chose to leave: masked as in a hand-over, for tellers only, and forgotten.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

import msgspec

from contracts.handover import Level
from contracts.messages import Code, DayNumber, Language, Message, Name, Numbered, Sequence, Tally, Utc, VisitId
from contracts.video import CaseState, Choice, EndReason, Outcome

CaseId = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]{8,40}$")]
"""Random, made by the terminal: one for each time that a teller is asked for."""
CallBackCode = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{6}$")]
"""The terminal's digit and five random ones: what the visitor brings back."""
Alias = Annotated[str, msgspec.Meta(pattern=r"^([0-9a-f]{32})?$")]
"""What the core bank calls a checked customer towards the hub: says nothing but 'the same as before'. Empty: none."""
Risk = Literal["low", "medium", "high", "emergency"]
Media = Literal["none", "up", "lost"]
Minutes = Annotated[int, msgspec.Meta(ge=0, le=1_440)]
CASE_HEARD_EVERY_S: Final = 5.0  # the terminal says that its visitor is still there
LEFT_MESSAGE_CHARS: Final = 480
LEFT_MESSAGE_KEPT_S: Final = 3 * 86_400
MAX_CALL_BACK_TIMES: Final = 6


class Need(msgspec.Struct, frozen=True, kw_only=True):
    """What the teller must be able to do (service, language, sign language, licence), and what would be good."""

    service: Code
    language: Language
    dialect: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_-]{0,40}$")] = ""  # good to have
    sign: bool = False
    calm: bool = False  # good to have: with somebody angry or afraid
    licence: bool = False  # advice on investments needs it by law


class TellerAsked(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="teller_asked"):
    """A visitor wants a person on video. `packet`: the hand-over's number in this log.

    `waited_s`: how long this visitor has waited here already. `code`: of a call-back that is taken up now.
    """

    case: CaseId
    visit: VisitId
    packet: Sequence | None
    need: Need
    level: Level = "asked"
    risk: Risk = "low"
    waited_s: Annotated[float, msgspec.Meta(ge=0, le=86_400)] = 0.0
    ticket: DayNumber | None = None
    code: CallBackCode | None = None
    alias: Alias = ""


class CaseLeft(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="case_left"):
    """The visitor went, or chose another way."""

    case: CaseId
    why: EndReason


class CallBackAsked(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="call_back_asked"):
    """The visitor comes back at `at` (the hub's clock, as far as it is known) with `code`.

    Also from a terminal that could not reach the hub: it lies in the outbox until the hub has it.
    """

    case: CaseId | None  # None: there was no hub to ask
    visit: VisitId
    at: Utc
    code: CallBackCode
    need: Need
    packet: Sequence | None = None
    level: Level = "asked"
    alias: Alias = ""


class MessageLeft(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="message_left"):
    """The visitor said something for a teller to read; long figures are masked."""

    case: CaseId | None
    visit: VisitId
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=LEFT_MESSAGE_CHARS)]
    need: Need
    packet: Sequence | None = None


CaseOperation: TypeAlias = TellerAsked | CaseLeft | CallBackAsked | MessageLeft


class CaseOp(Numbered, frozen=True, kw_only=True):
    """One operation on a case, from the terminal's outbox."""

    body: CaseOperation


class CaseHere(Message, frozen=True, kw_only=True):
    """The visitor of this case is still there, every few seconds; the hub answers with `CaseStanding`.

    `media`: what the terminal sees of the call: none yet, up, or lost.
    """

    case: CaseId
    media: Media = "none"


class CaseStanding(Message, frozen=True, kw_only=True):
    """Where the case of this terminal stands. Retained; replaces the one before when `revision` is higher.

    `store` names the hub's database, as in `TicketsState`. `ahead`, `wait_min` (minutes: most people, hardly anybody
    longer) are null where nothing can be promised; `choices` are offered beside waiting, or instead of it.
    """

    branch: Name
    case: CaseId
    store: VisitId
    revision: Tally
    state: CaseState
    outcome: Outcome
    reason: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_-]{0,40}$")] = ""
    ahead: Tally | None = None
    wait_min: tuple[Minutes, Minutes] | None = None
    choices: Annotated[tuple[Choice, ...], msgspec.Meta(max_length=5)] = ()
    call_back_at: Annotated[tuple[Utc, ...], msgspec.Meta(max_length=MAX_CALL_BACK_TIMES)] = ()
