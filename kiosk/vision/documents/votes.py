"""Several frames vote on each field: which value, and whether it is sure. Pure.

A field is sure when a check digit or another field confirms it, or when its least certain character was very certain,
or when two frames agree on it with fair certainty. A value that another frame contradicts well is not sure. A number
whose own check digit does not fit is more often misread than forged, so it needs both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from kiosk.vision.documents import numbers as n
from kiosk.vision.documents.layout import Fields, Kind, Seen, zone_fits, zone_says

ALONE: Final = 0.985  # certainty of the least certain character that needs no second frame
TOGETHER: Final = 0.7  # that two agreeing frames need each
CONFIRMED: Final = 0.5  # that a value needs which something else confirms
CHECKED: Final = frozenset({"number", "card", "mrz_2"})  # fields with a check digit of their own
AGAINST: Final = 0.8  # from which on a different reading counts against a value


@dataclass(frozen=True, slots=True)
class Settled:
    """One field after all frames."""

    seen: Seen
    sure: bool
    frames: int  # that agreed


def settle(kind: Kind, looks: Sequence[Fields], today: date) -> dict[str, Settled]:
    """Every field that any frame gave."""
    best = {name: _best([look[name] for look in looks if name in look]) for name in _names(looks)}
    confirmed = confirmed_by(kind, {name: seen.value for name, (seen, _, _) in best.items()}, today)
    found = {}
    for name, (seen, frames, other) in best.items():
        if name in confirmed:
            sure = seen.least >= CONFIRMED
        elif name in CHECKED:
            sure = other < AGAINST and seen.least >= ALONE and frames >= 2
        else:
            sure = other < AGAINST and (seen.least >= ALONE or (frames >= 2 and seen.least >= TOGETHER))
        found[name] = Settled(seen, sure, frames)
    return found


def _names(looks: Sequence[Fields]) -> list[str]:
    return list(dict.fromkeys(name for look in looks for name in look))


def _best(seen: Sequence[Seen]) -> tuple[Seen, int, float]:
    """The value with most certainty behind it, how many frames gave it, and the best certainty of any other."""
    behind: dict[str, list[float]] = {}
    for one in seen:
        behind.setdefault(one.value, []).append(one.least)
    value = max(behind, key=lambda text: (sum(behind[text]), len(behind[text])))
    others = [max(how) for text, how in behind.items() if text != value]
    ranked = sorted(behind[value], reverse=True)
    # two frames that agree are as good as the second of them; one is as good as itself
    least = ranked[0] if len(ranked) == 1 or ranked[0] >= ALONE else ranked[1]
    return Seen(value, least), len(ranked), max(others, default=0.0)


def confirmed_by(kind: Kind, values: Mapping[str, str], today: date) -> frozenset[str]:
    """Fields that check digits or other fields bear out."""
    found: set[str] = set()
    if kind == "id_front" and n.id_is_whole(number := values.get("number", "")):
        born = n.born_by_number(number, today)
        if born and n.province_by_number(number):
            found.add("number")
            if values.get("born") == born.isoformat():
                found.add("born")
            if values.get("sex") == n.sex_by_number(number):
                found.add("sex")
    if kind == "bank_card" and n.card_is_whole(values.get("card", "")):
        found.add("card")
    if kind == "passport" and zone_fits(values.get("mrz_2", "")):
        found.add("mrz_2")
        said = zone_says(values["mrz_2"], today)
        found |= {name for name, value in said.items() if values.get(name) == value}
    if "latin" in values and values["latin"] == f"{values.get('surname')} {values.get('given')}":
        found |= {"mrz_1", "latin", "surname", "given"}
    return frozenset(found)
