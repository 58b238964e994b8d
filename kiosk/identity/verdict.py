"""Three things that must agree: the face, the document, and a name or number said or typed. Pure: findings in, one
verdict out, each finding a reason in it. What was not looked at is said to be so and decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Final, Literal

from contracts.identity import Method, Outcome, Part, Reason, Verdict
from kiosk.identity.faces import Match
from kiosk.identity.liveness import Result
from kiosk.identity.names import Found

VALID_S: Final = 180  # as long as the core bank's own session
ADULT_ENOUGH: Final = 14  # years: younger, a guardian has to consent (Personal Information Protection Law, article 31)
Says = Literal["for", "against", "neither"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceFinding:
    """What the check of the face came to. `consent`: whether it was allowed at all."""

    consent: bool
    match: Match | None = None
    liveness: Result | None = None
    tries: int = 0
    by: Literal["document", "template", "both"] = "document"  # what it was compared with

    @property
    def decides(self) -> Says:
        if self.liveness is None or self.match is None or self.match.says == "unsure":
            return "neither"
        if self.liveness.outcome == "unclear":
            return "neither"
        return "for" if self.match.says == "same" and self.liveness.outcome == "live" else "against"


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentFinding:
    """What reading the document came to: its checks by code, each for or against."""

    says: Says
    checks: tuple[tuple[str, Says], ...] = ()
    by_chip: bool = False  # read by a card reader, not by the camera


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberFinding:
    """What was said or typed, against what the bank has. Never the number itself."""

    says: Says
    what: Literal["phone", "pin"] = "phone"


@dataclass(frozen=True, slots=True, kw_only=True)
class NameFinding:
    """What a name said or typed came to against the document's. Never the name itself. `refused`: it was not told."""

    found: Found | Literal["refused"]
    typed: bool = False
    tries: int = 1

    @property
    def says(self) -> Says:
        """A name that is heard as another accuses nobody; one that is typed letter by letter as another does."""
        if self.found == "agrees":
            return "for"
        return "against" if self.found == "differs" and self.typed and self.tries > 1 else "neither"

    @property
    def doubts(self) -> bool:
        """It was heard as another name, more than once: somebody else has to look."""
        return self.found == "differs" and self.tries > 1 and not self.typed


def agree(
    face: FaceFinding | None,
    document: DocumentFinding | None,
    number: NumberFinding | None,
    name: NameFinding | None = None,
) -> Verdict:
    """One verdict. Against anything that speaks against it, nothing is verified; two that agree are needed.

    A name stands on the document, so whoever found one can say it: it is never one of the two. It can only take away.
    """
    reasons = [*_face(face), *_document(document), *_number(number), *_name(name)]
    spoken = [
        face.decides if face and face.consent else "neither",
        document.says if document else "neither",
        number.says if number else "neither",
    ]
    outcome: Outcome
    if "against" in spoken or (name is not None and name.says == "against"):
        outcome = "not_verified"
    elif name is not None and name.doubts and spoken[0] != "for":
        outcome = "unsure"
    elif spoken.count("for") >= 2:
        outcome = "verified"
    else:
        outcome = "unsure"
    return Verdict(outcome=outcome, method=_method(face, document, number), reasons=tuple(reasons[:16]),
                   valid_s=VALID_S if outcome == "verified" else 0)  # fmt: skip


def _method(face: FaceFinding | None, document: DocumentFinding | None, number: NumberFinding | None) -> Method:
    if face is not None and face.decides != "neither":
        return "face_document" if document and face.by != "template" else "face_template"
    if number is not None and number.what == "pin":
        return "card_pin"
    return "document_phone" if document and number else "none"


def _face(face: FaceFinding | None) -> list[Reason]:
    if face is None:
        return [Reason(part="face", code="not_looked_at")]
    if not face.consent:
        return [Reason(part="consent", code="refused")]  # speaks against nobody
    found = [Reason(part="consent", code="granted")]
    if face.match is not None:
        says: Says = {"same": "for", "other": "against", "unsure": "neither"}[face.match.says]  # type: ignore[assignment]
        score = None if face.match.score is None else round(face.match.score, 3)
        found.append(Reason(part="face", code=f"face_{face.match.says}", score=score, speaks=says))
        found += [Reason(part="face", code=advice) for advice in face.match.advice[:2]]
        if face.by != "document":
            found.append(Reason(part="face", code=f"by_{face.by}"))
    if face.liveness is not None:
        found += face.liveness.reasons[:5]
    return found


def _document(document: DocumentFinding | None) -> list[Reason]:
    if document is None:
        return [Reason(part="document", code="not_looked_at")]
    part: Part = "document"
    read = Reason(part=part, code="by_chip" if document.by_chip else "by_camera", speaks=document.says)
    return [read, *(Reason(part=part, code=code, speaks=says) for code, says in document.checks[:4])]


def _number(number: NumberFinding | None) -> list[Reason]:
    if number is None:
        return [Reason(part="number", code="not_asked")]
    code = f"{number.what}_{'agrees' if number.says == 'for' else 'differs'}"
    return [Reason(part="number", code=code, speaks=number.says)]


def _name(name: NameFinding | None) -> list[Reason]:
    if name is None:
        return []  # most sites do not ask
    code = f"name_{name.found}" if name.found != "differs" else f"name_differs_{'typed' if name.typed else 'heard'}"
    return [Reason(part="name", code=code, speaks=name.says)]


def together(photo: Match | None, kept: Match | None) -> Match | None:
    """What a document's photo and a template that was kept say in one. The template was made of the face that the photo
    and the number agreed about, so a face that differs from it differs; one that is like it is not told off for a
    photo that is not, and does not win by it either.
    """
    if photo is None or kept is None:
        return kept if photo is None else photo
    if kept.says == "other":
        return kept
    if photo.says == "other":
        return replace(photo, says="unsure") if kept.says == "same" else photo
    return kept if kept.says == "same" or photo.says == "unsure" else photo


def concluded(
    before: Verdict | None,
    face: FaceFinding | None,
    action: str,
    outcome: str,
    *,
    by_chip: bool,
    name: NameFinding | None = None,
) -> Verdict | None:
    """The verdict after the bank was asked with what was typed, or a name was told; unchanged where that says nothing.

    `by_chip`: a reader held the card or document; otherwise it was shown to a camera and found good.
    """
    number: NumberFinding
    match action, outcome:
        case "verify_document", "done":
            number = NumberFinding(says="for")
        case "verify_document", "wrong_phone":
            number = NumberFinding(says="against")
        case "verify_card", "done":
            number = NumberFinding(says="for", what="pin")
        case "verify_card", "wrong_pin" | "pin_locked":
            number = NumberFinding(says="against", what="pin")
        case "check_name", "doubt" | "differs":
            return agree(face, DocumentFinding(says="for", by_chip=by_chip), None, name)
        case _:
            return before
    return agree(face, DocumentFinding(says="for", by_chip=by_chip), number,
                 name if action == "verify_document" else None)  # fmt: skip


def age_of(document_no: str, today: date) -> int | None:
    """Full years by the birth date in a resident identity number (GB 11643); None: there is none in it."""
    try:
        born = date(int(document_no[6:10]), int(document_no[10:12]), int(document_no[12:14]))
    except ValueError:
        return None
    years = years_since(born, today)
    return years if 0 <= years <= 130 else None


def years_since(born: date, today: date) -> int:
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def needs_guardian(document_no: str, today: date, born: str = "") -> bool:
    """Whether the face of this document's holder may only be looked at with a guardian's consent. `born`: the birth
    date (ISO) where the document tells it beside its number, as a passport does."""
    age: int | None
    try:
        age = years_since(date.fromisoformat(born), today)
    except ValueError:
        age = age_of(document_no, today)
    return age is not None and age < ADULT_ENOUGH
