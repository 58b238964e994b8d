"""What a terminal and the hub say about software, joining and commands: the fleet's messages.

A version is wanted of one terminal under a generation that only grows; the terminal works on each generation at most
once and says what came of it. A new terminal asks for its certificate before it has a name: under the fingerprint of
the key that it made, with the code that it shows. A command is signed, for one terminal, until a moment, once.
No text of a visitor fits into any of these.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

from contracts.messages import MAX_INTEGER, Code, Message, Name, Sequence, Tally, Utc

VERSION_PATTERN: Final = r"^[a-z0-9][a-z0-9.+-]{0,39}$"
PEM_BYTES: Final = 4_096
REPLY_CHARACTERS: Final = 2_000
CHUNK_BASE64: Final = 24 * 1024
MOST_CHUNKS: Final = 400

Version = Annotated[str, msgspec.Meta(pattern=VERSION_PATTERN)]
"""A release: software, models, content and persona as one set."""
Fingerprint = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{40}$")]
"""The first 160 bits of SHA-256 over a public key (DER, SubjectPublicKeyInfo)."""
JoinCode = Annotated[str, msgspec.Meta(pattern=r"^[ABCDEFGHJKLMNPQRSTUVWXYZ23456789]{8}$")]
"""What a new terminal shows: 40 random bits without letters that look alike."""
RolloutState = Literal["idle", "working", "done", "failed"]


class RolloutWanted(Message, frozen=True, kw_only=True):
    """The release that one terminal should run. Retained; the newest generation replaces the ones before.

    The terminal works on a generation once: when it has decided `done` or `failed`, it says so until it hears a higher.
    """

    branch: Name
    device: Name
    generation: Sequence
    version: Version
    campaign: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_-]{0,40}$")] = ""


class RolloutReport(Message, frozen=True, kw_only=True):
    """What a terminal runs, and what came of the newest generation it knows. Retained; said after every change.

    `version`: the release that runs now. `done`: it runs the wanted one and has committed to it. `failed`: it tried,
    and runs what it ran before; `reason` says why. `since`, `mono_ns` order the reports of one start.
    """

    since: Utc
    generation: Tally
    version: Version
    state: RolloutState
    reason: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_]{0,40}$")] = ""
    share: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0  # of the wanted release that is here


# --- joining --------------------------------------------------------------------------------------


class JoinRequest(Message, frozen=True, kw_only=True):
    """A terminal without a name asks for a certificate. Sent again until it is answered; `csr` is PEM, PKCS #10."""

    code: JoinCode
    csr: Annotated[str, msgspec.Meta(max_length=PEM_BYTES)]
    hardware: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]{0,40}$")] = ""


class JoinAnswer(Message, frozen=True, kw_only=True):
    """The certificate for the key that asked, once an operator has claimed the code; public, worthless without the key.

    `predecessor`: the terminal continues one that stood there before. Its settings are wanted of the new one under the
    same name; its running numbers follow from the branch's queue by the digit (`TicketsState.issued`).
    """

    branch: Name
    device: Name
    certificate: Annotated[str, msgspec.Meta(max_length=PEM_BYTES)]
    authority: Annotated[str, msgspec.Meta(max_length=PEM_BYTES)]
    command_key: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]  # Ed25519, what commands are signed with
    kiosk_digit: Annotated[int, msgspec.Meta(ge=-1, le=9)] = -1  # of a predecessor; -1: none
    predecessor: bool = False


class RenewRequest(Message, frozen=True, kw_only=True):
    """A terminal that has a certificate asks for the next, for a new key. Only its own name is ever renewed."""

    csr: Annotated[str, msgspec.Meta(max_length=PEM_BYTES)]


class RenewAnswer(Message, frozen=True, kw_only=True):
    """The next certificate."""

    certificate: Annotated[str, msgspec.Meta(max_length=PEM_BYTES)]
    authority: Annotated[str, msgspec.Meta(max_length=PEM_BYTES)]


# --- commands -------------------------------------------------------------------------------------

Part = Literal["core", "screen", "call", "updater"]
DiagKind = Literal["bundle", "screenshot", "tail"]


class RestartPart(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="restart_part"):
    """End one process between two visits; the supervisor starts it again."""

    part: Part


class SelfTest(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="self_test"):
    """Try every device; what fails is answered by codes."""


class OutOfService(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="out_of_service"):
    """Take no new visitor (`on`), or take them again."""

    on: bool


class Screenshot(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="screenshot"):
    """What the screen shows, without mirror, captions and fields."""


class Diagnostics(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="diagnostics"):
    """Logs, versions and settings of the last hours, scrubbed, in chunks."""

    hours: Annotated[int, msgspec.Meta(ge=1, le=48)] = 4


class LiveTail(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="live_tail"):
    """The scrubbed log as it is written, for a while."""

    seconds: Annotated[int, msgspec.Meta(ge=5, le=300)] = 60


Act = RestartPart | SelfTest | OutOfService | Screenshot | Diagnostics | LiveTail


class Order(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is signed: which act, for whom, from when until when, under which number, which only grows."""

    branch: Name
    device: Name
    number: Sequence
    issued: Utc
    expires: Utc
    act: Act


class Command(Message, frozen=True, kw_only=True):
    """An order as the exact bytes that were signed (base64) and an Ed25519 signature over them."""

    order: Annotated[str, msgspec.Meta(max_length=4_096)]
    signature: Annotated[str, msgspec.Meta(max_length=100)]


CommandState = Literal["taken", "done", "failed", "refused"]


class CommandReply(Message, frozen=True, kw_only=True):
    """What became of an order. `codes`: what it found or why not; never free text."""

    number: Annotated[int, msgspec.Meta(ge=0, le=MAX_INTEGER)]
    state: CommandState
    codes: Annotated[tuple[Code, ...], msgspec.Meta(max_length=20)] = ()


class DiagChunk(Message, frozen=True, kw_only=True):
    """A part of what an order asked for: chunk `part` of `parts`, base64; `sha256` is that of the whole.

    A log that is told as it is written has no whole yet: `parts` counts those so far, `sha256` is this part's.
    """

    number: Sequence
    what: DiagKind
    part: Tally
    parts: Annotated[int, msgspec.Meta(ge=1, le=MOST_CHUNKS)]
    sha256: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
    body: Annotated[str, msgspec.Meta(max_length=CHUNK_BASE64)]
