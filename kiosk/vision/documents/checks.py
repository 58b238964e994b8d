"""Is it what it seems to be? What contradicts itself or looks copied, as reasons with codes, and what follows. Pure.

Words for the codes stand in `contracts.papers`. A verdict is a value with reasons, never an exception. `accepted`: read
surely, nothing against it, and it changed as it was tilted. `refused`: it contradicts itself. `suspected`: it looks
like a copy or was altered. `unsure`: not everything needed was read surely, or nothing on it changed. None of these
accuses anybody: the visitor hears what to do next, a colleague looks at the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from kiosk.vision.documents import numbers as n
from kiosk.vision.documents.layout import Kind, zone_fits, zone_says

Outcome = Literal["accepted", "refused", "suspected", "unsure"]
NEEDED: Final[dict[Kind, tuple[str, ...]]] = {
    "id_front": ("name", "sex", "born", "number"),
    "id_back": ("issuer", "issued", "until"),
    "passport": ("mrz_1", "mrz_2", "passport", "name", "born", "until"),
    "bank_card": ("card", "card_until"),
}
"""What must be read surely before a document counts."""
SUSPICIONS: Final = frozenset({"black_and_white", "screen", "print", "corners", "portrait"})
SPANS: Final = (5, 10, 20)  # years for which resident ID cards are issued


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing against a document. `score`: how strong, 1 where it is a matter of yes or no."""

    code: str
    score: float = 1.0


@dataclass(frozen=True, slots=True)
class Finding:
    """What follows for a document."""

    outcome: Outcome
    reasons: tuple[Reason, ...] = ()
    missing: tuple[str, ...] = ()  # needed fields that were not read surely


def check(
    kind: Kind, values: Mapping[str, str], sure: frozenset[str], copied: Sequence[Reason], today: date
) -> Finding:
    """Judge a document by its values, those of them that are `sure`, and what its picture looks like."""
    against = tuple(Reason(code) for code in contradictions(kind, values, sure, today))
    missing = tuple(name for name in NEEDED[kind] if name not in sure)
    reasons = (*against, *copied)
    if against:
        return Finding("refused", reasons, missing)
    if copied:
        return Finding("suspected", reasons, missing)
    return Finding("unsure" if missing else "accepted", (), missing)


def unproven(code: str) -> Finding:
    """Everything was read, nothing speaks against it, and no mark was seen: `untilted`, `no_mark`, `no_mark_side`."""
    return Finding("unsure", (Reason(code),))


def contradictions(kind: Kind, values: Mapping[str, str], sure: frozenset[str], today: date) -> list[str]:
    """Codes of what cannot be true together, as far as the fields are sure: a misread figure accuses nobody."""
    known = {name: value for name, value in values.items() if name in sure}
    match kind:
        case "id_front":
            return _id_front(known, today)
        case "id_back":
            return _id_back(known, today)
        case "passport":
            return _passport(known, today)
    return _bank_card(known, today)


def _id_front(known: Mapping[str, str], today: date) -> list[str]:
    number = known.get("number", "")
    if not number:
        return []
    found = [] if n.id_is_whole(number) else ["number_check_digit"]
    born = n.born_by_number(number, today)
    if "born" in known and (born is None or born.isoformat() != known["born"]):
        found.append("number_born")
    if "sex" in known and n.sex_by_number(number) != known["sex"]:
        found.append("number_sex")
    if not n.province_by_number(number):
        found.append("number_region")
    return found


def _id_back(known: Mapping[str, str], today: date) -> list[str]:
    issued, until = known.get("issued", ""), known.get("until", "")
    if not issued or not until:
        return []
    found = []
    if until != "long":
        if until < today.isoformat():
            found.append("expired")
        first, last = date.fromisoformat(issued), date.fromisoformat(until)
        years = round((last - first).days / 365.25)
        if years not in SPANS or abs((last - first).days - years * 365.25) > 5:
            found.append("span")
    if issued > today.isoformat():
        found.append("not_yet")
    return found


def _passport(known: Mapping[str, str], today: date) -> list[str]:
    lower = known.get("mrz_2", "")
    found = []
    if lower and not zone_fits(lower):
        found.append("mrz_check_digit")
    said = zone_says(lower, today) if lower else {}
    named = f"{known['surname']} {known['given']}" if "surname" in known and "given" in known else ""
    differs = bool(named and "latin" in known and known["latin"] != named)
    if differs or any(name in known and known[name] != value for name, value in said.items()):
        found.append("mrz_differs")
    until = said.get("until") or known.get("until", "")
    if until and until < today.isoformat():
        found.append("expired")
    return found


def _bank_card(known: Mapping[str, str], today: date) -> list[str]:
    found = []
    if "card" in known and not n.card_is_whole(known["card"]):
        found.append("card_check_digit")
    if "card_until" in known:
        month, year = known["card_until"].split("/")
        if (2000 + int(year), int(month)) < (today.year, today.month):
            found.append("expired")
    return found
