"""What of a visit the person is given who takes it over. Pure: the visit in, one packet out."""

from __future__ import annotations

from typing import Final

from contracts.handover import MAX_REASONS, DocumentSeen, HandoverPacket, IdentityState, Why
from kiosk.risk.handover import URGENT, Known, build
from kiosk.risk.watch import MONEY
from kiosk.session.visit import TALK, Visit

DAY_S: Final = 86_400


def packet_of(visit: Visit, reason: str, now_ns: int) -> HandoverPacket:
    """The packet at this moment. `reason`: the wish, or the concern, for which a person is called."""
    story, place = visit.story, visit.place
    wish, sure = story.wish or (reason, 0.0)
    if reason in URGENT or wish in TALK:
        wish, sure = reason, max(sure, 0.5) if reason == wish else 0.5
    told = (place.slots if place else {}).items()
    slots = {name: value for name, value in told if name not in INNER and not name.startswith(INNER_PARTS)}
    return build(
        Known(
            visit=visit.id,
            language=visit.language,
            intent=wish,
            confidence=sure,
            step=place.way if place else "",
            slots=slots,
            transcript=tuple(story.lines),
            feeling=story.mood,
            risk=story.risk,
            identity=_identity(visit),
            ticket=(visit.ticket.number, visit.ticket.service) if visit.ticket else None,
            document=_document(visit),
            waiting_s=min(DAY_S, max(0.0, (now_ns - visit.started_ns) / 1e9)),
            tried=tuple(story.tried),
            misunderstood=story.stuck,
            elder=visit.mode == "elder",
            why=_why(visit, wish),
        )
    )


INNER: Final = frozenset(  # slots of the conversation itself, and a message: it goes on its own
    {"question", "asked", "answer", "danger", "trouble", "instead", "code", "message", "name_told"}
)
INNER_PARTS: Final = ("teller_", "call_back_")


def _document(visit: Visit) -> DocumentSeen | None:
    read = visit.document
    if read is None:
        return None
    reasons = tuple(reason.code for reason in read.finding.reasons)
    return DocumentSeen(kind=read.kind, outcome=read.finding.outcome, reasons=reasons, fields=read.values)


def _identity(visit: Visit) -> IdentityState | None:
    if visit.identity:
        told = visit.identity
        return IdentityState(outcome=told.outcome, method=told.method, reasons=told.codes()[:MAX_REASONS])
    if visit.bank:
        return IdentityState(outcome="verified", method=visit.bank.level)
    tried = [one for one in visit.story.tried if one.startswith("verify_")]
    return IdentityState(outcome="not_verified", method=tried[-1]) if tried else None


def _why(visit: Visit, wish: str) -> dict[str, Why]:
    return {
        "identity": "not_asked",
        "ticket": "not_asked",
        "slots": "not_asked",
        "risk": "not_known" if wish in MONEY else "not_needed",
    }
