"""What a person is told who takes a visitor over: one packet, complete, bounded, without anything they need not know.

Understanding fills it, tellers and staff read it. What is absent is null, and `absent` says why. Masked is what could
be misused: account, card, phone and identity numbers keep their last four digits. The packet travels to the desk that
serves the visitor and into no log.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

MAX_PACKET_BYTES: Final = 16 * 1024
MAX_LINES: Final = 24
MAX_LINE_CHARS: Final = 240
MAX_SLOTS: Final = 16
MAX_REASONS: Final = 12
MAX_TRIED: Final = 12

Code = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_-]{1,40}$")]
Text = Annotated[str, msgspec.Meta(max_length=MAX_LINE_CHARS)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=86_400)]

Level = Literal["asked", "trouble", "urgent"]
"""asked: the visitor wants a person. trouble: not understood twice, or an elder is stuck. urgent: anger, fear, fraud,
death, complaint, danger."""
Emotion = Literal["joy", "trust", "fear", "surprise", "sadness", "disgust", "anger", "anticipation"]
Why = Literal["not_known", "not_asked", "not_needed", "not_allowed", "failed", "too_long"]


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What the visitor wants, as far as it was understood."""

    intent: Code
    confidence: Share
    step: Annotated[str, msgspec.Meta(max_length=81)] = ""  # where the conversation stood


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One thing said. Figures that could be misused are masked."""

    who: Literal["visitor", "receptionist"]
    text: Text


class Mood(msgspec.Struct, frozen=True, kw_only=True):
    emotion: Emotion
    intensity: Share
    rising: bool = False


class RiskReason(msgspec.Struct, frozen=True, kw_only=True):
    """One indicator, explained; `evidence` are the masked words that fired it."""

    id: Code
    weight: Annotated[float, msgspec.Meta(ge=0, le=100)]
    zh: Text
    en: Text
    evidence: Text = ""


class RiskFound(msgspec.Struct, frozen=True, kw_only=True):
    level: Literal["low", "medium", "high", "emergency"]
    reasons: Annotated[tuple[RiskReason, ...], msgspec.Meta(max_length=MAX_REASONS)] = ()


class IdentityState(msgspec.Struct, frozen=True, kw_only=True):
    """How far the visitor's identity was checked; never an image, a name or a number."""

    outcome: Literal["verified", "not_verified", "unsure"]
    method: Code
    reasons: Annotated[tuple[Code, ...], msgspec.Meta(max_length=MAX_REASONS)] = ()  # what speaks for and against it


class DocumentSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A document that was held up: what was read surely, numbers masked, what speaks against it. Never a picture."""

    kind: Literal["id_front", "id_back", "passport", "bank_card"]
    outcome: Literal["accepted", "refused", "suspected", "unsure"]
    reasons: Annotated[tuple[Code, ...], msgspec.Meta(max_length=MAX_REASONS)] = ()
    fields: dict[Code, Text] = {}


class TicketHeld(msgspec.Struct, frozen=True, kw_only=True):
    number: Annotated[str, msgspec.Meta(pattern=r"^[A-Z][0-9](0[1-9]|[1-9][0-9]{1,3})$")]
    service: Code


class Absent(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the packet that is null, and why."""

    part: Code
    why: Why


class HandoverPacket(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the next person should not have to ask again."""

    visit: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]{1,40}$")]
    language: Literal["zh", "en"]
    level: Level
    reason: Code
    wish: Wish | None
    slots: dict[Code, Text] | None
    transcript: Annotated[tuple[Line, ...], msgspec.Meta(max_length=MAX_LINES)]
    feeling: Mood | None
    risk: RiskFound | None
    identity: IdentityState | None
    ticket: TicketHeld | None
    waiting_s: Seconds | None
    tried: Annotated[tuple[Code, ...], msgspec.Meta(max_length=MAX_TRIED)]
    absent: tuple[Absent, ...]
    document: DocumentSeen | None = None
    shortened: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 0  # earlier lines that were left out
    v: int = 1


class HandoverError(ValueError):
    """The bytes are no packet, or too large; the message names the field, never a visitor's words."""


def encode_handover(packet: HandoverPacket) -> bytes:
    """JSON of at most `MAX_PACKET_BYTES`. Raises `HandoverError` for a larger one."""
    payload = msgspec.json.encode(packet)
    if len(payload) > MAX_PACKET_BYTES:
        raise HandoverError(f"packet of {len(payload)} bytes is larger than {MAX_PACKET_BYTES}")
    return payload


def decode_handover(payload: bytes) -> HandoverPacket:
    """Raises `HandoverError`."""
    if len(payload) > MAX_PACKET_BYTES:
        raise HandoverError(f"packet of {len(payload)} bytes is larger than {MAX_PACKET_BYTES}")
    try:
        packet = msgspec.json.decode(payload, type=HandoverPacket)
    except msgspec.DecodeError as err:
        place = str(err).rsplit(" - at ", 1)
        raise HandoverError(f"not a packet{' at ' + place[1] if len(place) > 1 else ''}") from None
    if packet.slots is not None and len(packet.slots) > MAX_SLOTS:
        raise HandoverError(f"more than {MAX_SLOTS} slots")
    return packet
