"""Builds the packet for the person who takes a visitor over. Pure: plain inputs in, one bounded packet out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import msgspec

from contracts import handover as c
from contracts.screen import Language

URGENT: Final = frozenset({"fraud_report", "complaint", "inheritance", "abusive", "unknown_debit"})
ASKED: Final = frozenset({"call_remote_teller", "call_lobby_staff"})
TROUBLE_AFTER: Final = 2  # misunderstandings in a row
STRONG: Final = 0.6  # of anger or fear
SHORT_TEXT: Final = 60  # to which lines shrink before any is left out
_DIGITS: Final = re.compile(r"\d(?:[ -]?\d){6,}[xX]?")  # cards, accounts, phones, identity numbers; amounts are shorter
_SAID: Final = re.compile(r"[零〇一二三四五六七八九幺洞](?:[ ，,、-]?[零〇一二三四五六七八九幺洞]){6,}")
_NUMERAL: Final = re.compile(r"[ ，,、-]")
_DOCUMENT_FIELDS: Final = frozenset({"name", "sex", "born", "issued", "until", "card_until"})
_DOCUMENT_NUMBERS: Final = frozenset({"number", "passport", "card"})
_CODE_SLOTS: Final = frozenset({"code", "pin", "password", "otp"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """All that is known when a person is called. None: not known; `why` may say a better reason by part."""

    visit: str
    language: Language
    intent: str | None = None
    confidence: float = 0.0
    step: str = ""
    slots: Mapping[str, str] = field(default_factory=dict, repr=False)
    transcript: Sequence[tuple[Literal["visitor", "receptionist"], str]] = field(default=(), repr=False)
    feeling: c.Mood | None = None
    risk: c.RiskFound | None = field(default=None, repr=False)
    identity: c.IdentityState | None = None
    ticket: tuple[str, str] | None = None  # number, service
    document: c.DocumentSeen | None = field(default=None, repr=False)
    waiting_s: float | None = None
    tried: Sequence[str] = ()
    misunderstood: int = 0  # times in a row
    elder: bool = False
    why: Mapping[str, c.Why] = field(default_factory=dict)


def masked(text: str) -> str:
    """`text` with long figures reduced to their last four, also where they are words said one by one."""
    text = _SAID.sub(lambda found: "*" * 4 + _NUMERAL.sub("", found[0])[-4:], text)
    return _DIGITS.sub(lambda found: "*" * 4 + re.sub(r"\D", "", found[0])[-4:], text)


def level_of(known: Known) -> tuple[c.Level, str]:
    """How pressing it is, and the reason's code."""
    if known.risk is not None and known.risk.level in ("high", "emergency"):
        return "urgent", "danger" if known.risk.level == "emergency" else "fraud_risk"
    if known.intent in URGENT:
        return "urgent", str(known.intent)
    if known.feeling is not None and known.feeling.emotion in ("anger", "fear") and known.feeling.intensity >= STRONG:
        return "urgent", known.feeling.emotion
    if known.misunderstood >= TROUBLE_AFTER:
        return "trouble", "not_understood"
    if known.elder and known.misunderstood:
        return "trouble", "elder_stuck"
    return "asked", str(known.intent) if known.intent in ASKED else "needs_person"


def build(known: Known) -> c.HandoverPacket:
    """The packet, within `MAX_PACKET_BYTES`: what was said first is left out first. Raises nothing for long inputs."""
    level, reason = level_of(known)
    lines = [c.Line(who=who, text=masked(text)[: c.MAX_LINE_CHARS]) for who, text in known.transcript]
    packet = c.HandoverPacket(
        visit=known.visit,
        language=known.language,
        level=level,
        reason=reason,
        wish=None
        if known.intent is None
        else c.Wish(intent=known.intent, confidence=min(1.0, max(0.0, known.confidence)), step=known.step[:81]),
        slots=_slots(known.slots),
        transcript=tuple(lines[-c.MAX_LINES :]),
        feeling=known.feeling,
        risk=masked_risk(known.risk),
        identity=known.identity,
        ticket=None if known.ticket is None else c.TicketHeld(number=known.ticket[0], service=known.ticket[1]),
        waiting_s=known.waiting_s,
        tried=tuple(known.tried)[-c.MAX_TRIED :],
        absent=(),
        document=_document(known.document),
        shortened=min(10_000, max(0, len(lines) - c.MAX_LINES)),
    )
    parts = ("wish", "slots", "feeling", "risk", "identity", "ticket", "waiting_s")
    absent = tuple(
        c.Absent(part=part, why=known.why.get(part, "not_known")) for part in parts if getattr(packet, part) is None
    )
    return _fitting(msgspec.structs.replace(packet, absent=absent))


def _slots(slots: Mapping[str, str]) -> dict[str, str] | None:
    """Slots without secrets: a code or a PIN is never handed on."""
    kept = {name: masked(value)[: c.MAX_LINE_CHARS] for name, value in slots.items() if name not in _CODE_SLOTS}
    return dict(list(kept.items())[: c.MAX_SLOTS]) or None


def _document(seen: c.DocumentSeen | None) -> c.DocumentSeen | None:
    """What a colleague needs of it: numbers masked, no address."""
    if seen is None:
        return None
    fields = {name: value[: c.MAX_LINE_CHARS] for name, value in seen.fields.items() if name in _DOCUMENT_FIELDS}
    fields |= {name: f"****{value[-4:]}" for name, value in seen.fields.items() if name in _DOCUMENT_NUMBERS}
    return msgspec.structs.replace(seen, fields=fields)


def masked_risk(risk: c.RiskFound | None, most: int = c.MAX_REASONS) -> c.RiskFound | None:
    """The risk as somebody else may see it: long figures in its evidence masked, the first `most` reasons."""
    if risk is None:
        return None
    reasons = tuple(
        msgspec.structs.replace(row, evidence=masked(row.evidence)[: c.MAX_LINE_CHARS]) for row in risk.reasons
    )
    return c.RiskFound(level=risk.level, reasons=reasons[:most])


def _fitting(packet: c.HandoverPacket) -> c.HandoverPacket:
    """Lines are shortened, then the oldest dropped, until the packet fits."""
    if len(msgspec.json.encode(packet)) <= c.MAX_PACKET_BYTES:
        return packet
    lines = tuple(c.Line(who=line.who, text=line.text[:SHORT_TEXT]) for line in packet.transcript)
    packet = msgspec.structs.replace(packet, transcript=lines)
    while len(msgspec.json.encode(packet)) > c.MAX_PACKET_BYTES and packet.transcript:
        packet = msgspec.structs.replace(
            packet, transcript=packet.transcript[1:], shortened=min(10_000, packet.shortened + 1)
        )
    return packet
