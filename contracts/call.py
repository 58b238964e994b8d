"""The signalling of a call between a visitor at a terminal and a teller's browser: what sets the media up, no media.

One call has one id, the case's. The teller's page makes every offer; each offer begins a new *leg*, a peer connection
of its own, numbered upwards. A call that was cut goes on with the next leg: new addresses, new keys, the same case.
Within a leg each side numbers what it says, so that a message that comes twice, late or out of an earlier leg is told
and refused. Sound, pictures and what is written between the two never pass here.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

import msgspec

from contracts.messages import Message, Utc

SDP_CHARS: Final = 8 * 1024  # Chromium's offer with two pictures, sound and a channel has about 6,000
MESSAGE_BYTES: Final = 16 * 1024  # a description, escaped as JSON, and what stands around it
EXPIRES_S: Final = 60.0  # a message for a terminal that was away so long is of no use any more
RESUME_S: Final = 45.0  # a call whose media is lost for longer is over; the line may be gone for 30 s of it
MAX_LEGS: Final = 200
MAX_SAID: Final = 500  # messages of one side in one leg

CallId = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]{8,40}$")]
"""The case's id: random, made by the terminal."""
Leg = Annotated[int, msgspec.Meta(ge=1, le=MAX_LEGS)]
SaidNumber = Annotated[int, msgspec.Meta(ge=1, le=MAX_SAID)]
Sdp = Annotated[str, msgspec.Meta(min_length=1, max_length=SDP_CHARS)]
Reason = Literal[
    "done",
    "left",
    "lost",
    "failed",
    "replaced",
    "no_devices",
    "abuse",
    "terminal_stopped",
    "page_closed",
    "transferred",
]
"""`done`: hung up. `left`: the visitor went away. `lost`: the line did not come back. `failed`: never connected."""
MediaStanding = Literal["none", "connecting", "up", "lost", "over"]
Source = Literal["none", "document", "screen"]
"""What the second picture of a terminal shows."""


class IceServer(msgspec.Struct, frozen=True, kw_only=True):
    """A STUN or TURN server with its short-lived credentials."""

    urls: Annotated[
        tuple[Annotated[str, msgspec.Meta(pattern=r"^(stun|turns?):[A-Za-z0-9.:\[\]?=_-]{1,200}$")], ...],
        msgspec.Meta(max_length=6),
    ]
    username: Annotated[str, msgspec.Meta(max_length=100)] = ""
    credential: Annotated[str, msgspec.Meta(max_length=100)] = ""


class Offered(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="offer"):
    """The page begins a leg. The hub adds the servers through which media may go."""

    sdp: Sdp
    ice: Annotated[tuple[IceServer, ...], msgspec.Meta(max_length=4)] = ()


class Answered(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="answer"):
    """The terminal takes the leg up; all its addresses are in the description."""

    sdp: Sdp


class CandidateFound(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="candidate"):
    """One more address of the page; an empty text says that there are no more."""

    candidate: Annotated[str, msgspec.Meta(max_length=400)]
    mid: Annotated[str, msgspec.Meta(max_length=16)] = ""
    line: Annotated[int, msgspec.Meta(ge=0, le=16)] = 0


class HungUp(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="hang_up"):
    """The call is over, for both sides."""

    reason: Reason


class MediaTold(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="media"):
    """How the terminal's side is: whether media flows, and which of its devices are there."""

    standing: MediaStanding
    camera: bool = True
    microphone: bool = True
    speaker: bool = True
    picture: bool = True  # False: the line is too weak for the picture, sound goes on
    shows: Source = "none"


class ResumeAsked(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="resume"):
    """The terminal lost the media, or found an offer too old: it asks the page for a new leg."""


class PageAway(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="away"):
    """The teller's page went away without hanging up; it may come back."""


FromTerminal: TypeAlias = Answered | HungUp | MediaTold | ResumeAsked
FromPage: TypeAlias = Offered | CandidateFound | HungUp
ToTerminal: TypeAlias = Offered | CandidateFound | HungUp | PageAway


class CallUp(Message, frozen=True, kw_only=True):
    """What a terminal says about a call. `said` counts its messages of that leg; leg 1 also before any offer."""

    case: CallId
    leg: Leg
    said: SaidNumber
    body: FromTerminal


class CallDown(Message, frozen=True, kw_only=True):
    """What the teller's side says to the terminal. Of no use after `expires`, on the hub's clock."""

    case: CallId
    leg: Leg
    said: SaidNumber
    expires: Utc
    body: ToTerminal


class PageSaid(msgspec.Struct, frozen=True, kw_only=True):
    """One message of the teller's page to the hub, over its websocket."""

    leg: Leg
    said: SaidNumber
    body: FromPage


class Welcomed(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="welcome"):
    """The first word to a page: begin with leg `leg`, through these servers."""

    case: CallId
    leg: Leg
    ice: tuple[IceServer, ...]


class PageRefused(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="refused"):
    """What the page said was not passed on."""

    code: str


class PageTold(msgspec.Struct, frozen=True, kw_only=True):
    """One message of the hub to the teller's page."""

    leg: Leg
    body: FromTerminal | Welcomed | PageRefused
