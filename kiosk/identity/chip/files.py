"""What stands in a passport's files: the machine readable lines of DG1, the portrait of DG2. Pure.

ICAO Doc 9303-10, 4.7.1 and 4.7.2; the portrait's record as in ISO/IEC 19794-5:2005.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Final

from kiosk.identity.chip.access import check_digit
from kiosk.identity.chip.tlv import BadData, inside, pieces

DG1: Final = 0x0101
DG2: Final = 0x0102
SOD: Final = 0x011D
TD3_CHARS: Final = 88
FACE_HEADER: Final = 14
FACE_BLOCK: Final = 20
IMAGE_BLOCK: Final = 12
CENTURY: Final = 100


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose passport it is, by its chip. `name`: surname, then given names, in Latin letters."""

    number: str = field(repr=False)
    name: str = field(repr=False)
    born: str = field(repr=False)  # ISO
    until: str = field(repr=False)  # ISO


def holder_of(dg1: bytes, today: date) -> Holder:
    """Raises `BadData`, also where a check digit does not fit."""
    text = inside(dg1, 0x61, 0x5F1F)
    if len(text) != TD3_CHARS or not text.isascii():
        raise BadData("not the two lines of a passport")
    first, second = text[:44].decode(), text[44:].decode()
    number, born, until = second[:9], second[13:19], second[21:27]
    try:
        whole = [(number, second[9]), (born, second[19]), (until, second[27]),
                 (second[:10] + second[13:20] + second[21:43], second[43])]  # fmt: skip
        if any(str(check_digit(part)) != told for part, told in whole):
            raise BadData("a check digit that does not fit")
        year, ends = int(born[:2]), int(until[:2])
        century = today.year // CENTURY * CENTURY
        birth = date(century + year, int(born[2:4]), int(born[4:6]))
        if birth > today:
            birth = date(century - CENTURY + year, int(born[2:4]), int(born[4:6]))
        last = date(century + ends, int(until[2:4]), int(until[4:6]))
    except ValueError as err:
        raise err if isinstance(err, BadData) else BadData("no dates where dates should be") from None
    surname, _, given = first[5:].rstrip("<").partition("<<")
    name = f"{surname} {given}".replace("<", " ").strip()
    return Holder(number.rstrip("<"), name, birth.isoformat(), last.isoformat())


def portrait_of(dg2: bytes) -> bytes:
    """The first portrait, a JPEG or JPEG 2000 as it is stored. Raises `BadData`."""
    group = inside(dg2, 0x75, 0x7F61, 0x7F60)
    block = next((piece.value for piece in pieces(group) if piece.tag in (0x5F2E, 0x7F2E)), b"")
    if len(block) < FACE_HEADER + FACE_BLOCK or block[:4] != b"FAC\0":
        raise BadData("no portrait's record")
    length = int.from_bytes(block[FACE_HEADER : FACE_HEADER + 4], "big")
    points = int.from_bytes(block[FACE_HEADER + 4 : FACE_HEADER + 6], "big")
    begins = FACE_HEADER + FACE_BLOCK + 8 * points + IMAGE_BLOCK
    picture = block[begins : FACE_HEADER + length]
    if FACE_HEADER + length > len(block) or not picture:
        raise BadData("a portrait that is cut off")
    return picture
