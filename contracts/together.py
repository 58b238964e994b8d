"""A teller and a visitor at one form: what the desk asks of the terminal, and how things stand there.

The terminal holds the form; the desk sees what the terminal says. What is typed into a masked field has no place in
any of these messages: there is only whether something was typed. Nothing here is retained by the broker, and what
stands in it is forgotten with the case; only what was signed is kept.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec

from contracts.messages import Code, Language, Message, Numbered, Tally, TargetId, Utc
from contracts.video_messages import CaseId

STANDS_BYTES: Final = 32 * 1024
ASKED_BYTES: Final = 4 * 1024
SIGNED_BYTES: Final = 128 * 1024
VALUE_CHARS: Final = 120
MAX_FIELDS: Final = 24
MAX_ERRANDS: Final = 16
MAX_TARGETS: Final = 24
WORDS_CHARS: Final = 160
DOCUMENT_CHARS: Final = 16 * 1024
STROKES_CHARS: Final = 48 * 1024
MAX_STROKES: Final = 40
MAX_POINTS: Final = 2_500  # of all strokes together: half a minute of writing
EXPIRES_S: Final = 60.0  # what a terminal hears later than this of a desk is of no use any more

SessionId = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]{8,40}$")]
"""One filling of one form: random, made by the desk."""
ErrandId = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]{8,40}$")]
Hash = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
MaybeHash = Annotated[str, msgspec.Meta(pattern=r"^([0-9a-f]{64})?$")]
MaybeCode = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_-]{0,40}$")]
Value = Annotated[str, msgspec.Meta(max_length=VALUE_CHARS)]
Words = Annotated[str, msgspec.Meta(max_length=WORDS_CHARS)]
Who = Literal["", "teller", "visitor"]
Trouble = Literal["", "empty", "number", "small", "large", "length", "digits", "check", "choice", "differs", "date"]
"""Why a field's value cannot stand: too small, too large, the check digit does not fit, differs from its twin."""
FormState = Literal["filling", "signing", "signed", "declined", "not_kept"]
"""`declined`: the visitor did not want to sign. `not_kept`: the signature could not be put on disk."""
ErrandKind = Literal["read", "document", "face", "print"]
ErrandOutcome = Literal[
    "asked", "working", "done", "read", "declined", "not_available", "unknown", "failed", "no_paper"
]
"""`read`, `done`: as asked. `declined`: the visitor did not want it. `not_available`: this terminal has nothing for it.
`unknown`: the terminal's approved texts do not hold it."""
Found = Literal["", "sound", "doubtful", "refused", "expired", "unreadable", "other_document",
                "same_person", "another_person", "unclear", "guardian", "no_document"]  # fmt: skip
"""What a fresh look found. Of a document: `sound` (its checks hold), `doubtful` (it may be a copy), `refused` (a check
does not hold), `expired`, `unreadable`, `other_document` (not an identity card). Of a face: `same_person` as on the
document and alive, `another_person`, `unclear`; or why none was compared: `guardian` (the holder is under 14),
`no_document` (none lies in the reader, or it has no photo)."""


# --- how things stand at the terminal -----------------------------------------------------------


class FieldStands(msgspec.Struct, frozen=True, kw_only=True):
    """One field. `value` is empty for a masked one, whatever was typed; `given` says whether anything was."""

    field: Code
    value: Value = ""
    given: bool = False
    by: Who = ""
    trouble: Trouble = ""


class FormStands(msgspec.Struct, frozen=True, kw_only=True):
    """The form as the terminal has it. `touched`: the field that the teller has in hand; `at`: the visitor's.

    `document`: SHA-256 of what was put before the visitor to sign, and of what was signed.
    """

    form: Code
    session: SessionId
    language: Language
    state: FormState
    step: Code
    fields: Annotated[tuple[FieldStands, ...], msgspec.Meta(max_length=MAX_FIELDS)]
    touched: MaybeCode = ""
    at: MaybeCode = ""
    document: MaybeHash = ""
    strokes: Annotated[int, msgspec.Meta(ge=0, le=MAX_STROKES)] = 0


class Offered(msgspec.Struct, frozen=True, kw_only=True):
    """Something that the visitor could touch now: our own words, no visitor's."""

    target: TargetId
    label: Words


class PageStands(msgspec.Struct, frozen=True, kw_only=True):
    """The terminal's page, told in words of ours: no picture, no mirror, no captions, nothing typed."""

    page: Code
    language: Language
    mode: Code
    title: Words = ""
    targets: Annotated[tuple[Offered, ...], msgspec.Meta(max_length=MAX_TARGETS)] = ()


class ErrandStands(msgspec.Struct, frozen=True, kw_only=True):
    """Something that the teller asked for beside the form, and what became of it.

    `found`: what a look came to, by code; no field of a document and no measure of a face is in it.
    """

    errand: ErrandId
    kind: ErrandKind
    outcome: ErrandOutcome
    about: MaybeCode = ""
    found: Found = ""


class TogetherStands(Message, frozen=True, kw_only=True):
    """Everything that teller and visitor have in common at this moment, whole; a higher `revision` replaces it.

    `heard`: the number of the last wish of the desk that is in it.
    """

    case: CaseId
    revision: Tally
    heard: Tally = 0
    page: PageStands
    form: FormStands | None = None
    errands: Annotated[tuple[ErrandStands, ...], msgspec.Meta(max_length=MAX_ERRANDS)] = ()


# --- what the desk asks -------------------------------------------------------------------------


class OpenForm(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="open"):
    """Put a form on the screen, empty; one that is open gives way."""

    form: Code
    session: SessionId


class CloseForm(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="close"):
    """Take it away; what was typed is forgotten."""

    session: SessionId


class TouchField(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="touch"):
    """The teller has this field in hand (empty: none): the visitor sees it marked."""

    session: SessionId
    field: MaybeCode


class FillField(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="fill"):
    """The teller writes into a field. Refused for a masked one and for one that is the visitor's alone."""

    session: SessionId
    field: Code
    value: Value


class OpenStep(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="step"):
    """Go on to a step. One that needs a second person names the digest of the form that this person saw."""

    session: SessionId
    step: Code
    second: MaybeHash = ""


class AskErrand(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="errand"):
    """`read`: show the approved text `about`. `document`, `face`: a new look, if the visitor agrees. `print`: paper."""

    errand: ErrandId
    errand_kind: ErrandKind
    about: MaybeCode = ""


FromDesk: TypeAlias = OpenForm | CloseForm | TouchField | FillField | OpenStep | AskErrand


class TogetherAsked(Message, frozen=True, kw_only=True):
    """What a teller's desk asks of a terminal. `said` counts upwards in a case; of no use after `expires`."""

    case: CaseId
    said: Tally
    expires: Utc
    body: FromDesk


# --- what is signed -----------------------------------------------------------------------------


class SignedPaper(msgspec.Struct, frozen=True, kw_only=True):
    """A document with the visitor's hand under it. `document` are the exact bytes that were shown, as text."""

    case: CaseId
    session: SessionId
    form: Code
    document: Annotated[str, msgspec.Meta(min_length=2, max_length=DOCUMENT_CHARS)]
    document_sha256: Hash
    strokes: Annotated[str, msgspec.Meta(min_length=2, max_length=STROKES_CHARS)]
    seal: Hash
    signed_at: Utc


class DocumentSigned(Numbered, frozen=True, kw_only=True):
    """One signature, from the terminal's outbox: numbered, applied once."""

    body: SignedPaper


Strokes: TypeAlias = tuple[tuple[tuple[int, int, int], ...], ...]
"""Lines of a pen: x and y in units of the pad, milliseconds since the first point."""


def canonical(content: Any) -> str:
    """One text for one content: keys in order, no spaces, composed characters (NFC). Its UTF-8 bytes are hashed."""
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return unicodedata.normalize("NFC", text)


def sha256(text: str) -> str:
    """Of the text's UTF-8 bytes, in hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def seal_of(document_sha256: str, strokes: str) -> str:
    """Binds a hand to a document: neither can be put under another."""
    return sha256(f"yingbin-signature-1\n{document_sha256}\n{strokes}")


def draft_digest(form: FormStands) -> str:
    """What a second person saw: every field that can be seen, by whom, and that masked ones were given."""
    rows = [[one.field, one.value, one.given, one.by] for one in form.fields]
    return sha256(canonical([form.form, form.session, rows]))
