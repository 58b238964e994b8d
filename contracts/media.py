"""What the core tells the call process and what that tells the core, over a local socket; pictures beside it.

The core owns the devices: it says what the microphone heard (after echo cancellation) and where the newest picture
lies, and plays what the teller says. Sound is small and goes through the socket; pictures lie in memory that both
share (`kiosk/call/board.py`), named by `board`. Times are `CLOCK_MONOTONIC` nanoseconds of this machine.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

from contracts.call import IceServer, MediaStanding, Reason, Source

MAX_MESSAGE_BYTES: Final = 64 * 1024
NOTE_CHARS: Final = 200
HEARD_RATE_HZ: Final = 16_000
SPOKEN_RATE_HZ: Final = 24_000
Camera = Literal["face", "second"]


class Prepare(msgspec.Struct, frozen=True, tag="prepare"):
    """A call may come soon: load what takes a second to load."""


class Begin(msgspec.Struct, frozen=True, tag="begin"):
    """A call with this id, and where pictures lie: ours (`face`, `second`), the teller's (`teller`)."""

    case: str
    face: str
    second: str
    teller: str


class Offer(msgspec.Struct, frozen=True, tag="offer"):
    """The teller's page begins a leg; the earlier leg goes on until this one carries media."""

    case: str
    leg: int
    sdp: str
    ice: tuple[IceServer, ...] = ()


class Candidate(msgspec.Struct, frozen=True, tag="candidate"):
    """One more address of the teller's page."""

    case: str
    leg: int
    candidate: str
    mid: str
    line: int


class Heard(msgspec.Struct, frozen=True, tag="heard"):
    """20 ms of the microphone without her own voice: 320 samples of int16 at 16 kHz, little-endian."""

    pcm: bytes
    at_ns: int


class Seen(msgspec.Struct, frozen=True, tag="seen"):
    """A new picture lies on a board."""

    camera: Camera
    at_ns: int


class Having(msgspec.Struct, frozen=True, tag="having"):
    """Which devices work: the teller is told."""

    camera: bool
    microphone: bool
    speaker: bool
    shows: Source = "none"


class End(msgspec.Struct, frozen=True, tag="end"):
    """Hang up and forget, within two seconds."""

    case: str
    reason: Reason


class Up(msgspec.Struct, frozen=True, tag="up"):
    """The process is there. `able` False: the library for calls is not installed."""

    pid: int
    able: bool


class Answer(msgspec.Struct, frozen=True, tag="answer"):
    """The description for an offer."""

    case: str
    leg: int
    sdp: str


class Standing(msgspec.Struct, frozen=True, tag="standing"):
    """How the media is. `picture` False: the line or the processor is too weak for it, sound goes on."""

    case: str
    leg: int
    media: MediaStanding
    picture: bool = True
    fps: int = 0
    loss: float = 0.0  # share of our packets that did not arrive lately


class Spoken(msgspec.Struct, frozen=True, tag="spoken"):
    """20 ms of the teller: 480 samples of int16 at 24 kHz, little-endian."""

    pcm: bytes


class Wanted(msgspec.Struct, frozen=True, tag="wanted"):
    """The teller asks for the second picture."""

    case: str
    source: Source


class Wrote(msgspec.Struct, frozen=True, tag="wrote"):
    """The teller wrote a line for the visitor. Never in a log."""

    case: str
    text: Annotated[str, msgspec.Meta(max_length=NOTE_CHARS)]


class Ended(msgspec.Struct, frozen=True, tag="ended"):
    """The other side hung up over the connection itself, or nothing came back in time."""

    case: str
    reason: Reason


class Counted(msgspec.Struct, frozen=True, tag="counted"):
    """What went wrong or was dropped since the process began, and what it uses."""

    tallies: dict[str, int]
    cpu_s: float


ToCall = Prepare | Begin | Offer | Candidate | Heard | Seen | Having | End
FromCall = Up | Answer | Standing | Spoken | Wanted | Wrote | Ended | Counted
