"""What checking a visitor's identity came to: a value for flows, tellers and the hand-over, never an image.

Three things may agree: the face, the document, and a name or number said or typed. Each says what it found; the
verdict says what follows and why. It holds no name, no number, no template and no picture.

A name is printed on the document, so it is never one of the two things that have to agree; it can only take away:

    name_agrees                                              for
    name_surname, name_close, name_unheard, name_refused     neither
    name_differs_heard    neither; `unsure` after the second time, unless the face agrees: a recogniser mishears names
    name_differs_typed    against, from the second time on: `not_verified`
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

MAX_REASONS: Final = 16
Outcome = Literal["verified", "not_verified", "unsure"]
Part = Literal["face", "liveness", "document", "number", "name", "guardian", "consent", "person"]
Method = Literal["face_document", "face_template", "document_phone", "card_pin", "person", "none"]
ReasonCode = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at. `score` is the measure of its part, None where it has none."""

    part: Part
    code: ReasonCode
    score: float | None = None
    speaks: Literal["for", "against", "neither"] = "neither"


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """`verified`: may be served as the person the document names. `unsure`: another way has to decide."""

    outcome: Outcome
    method: Method
    reasons: Annotated[tuple[Reason, ...], msgspec.Meta(max_length=MAX_REASONS)] = ()
    valid_s: Annotated[int, msgspec.Meta(ge=0, le=3600)] = 0  # from now; 0: it holds for nothing
    v: int = 1

    def codes(self, *, against: bool = False) -> tuple[str, ...]:
        """The reasons' codes; with `against`, of those that speak against."""
        return tuple(reason.code for reason in self.reasons if not against or reason.speaks == "against")


class VerdictError(ValueError):
    """The bytes are no verdict; the message names the field."""


def encode_verdict(verdict: Verdict) -> bytes:
    return msgspec.json.encode(verdict)


def decode_verdict(payload: bytes) -> Verdict:
    """Raises `VerdictError`."""
    try:
        return msgspec.json.decode(payload, type=Verdict)
    except msgspec.DecodeError as err:
        raise VerdictError(f"not a verdict: {err}") from None
