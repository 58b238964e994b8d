"""Appointments on their way to the terminals: how a code or a document's end is compared without being sent.

Codes and ends travel, and lie on the terminal's disk, as scrypt hashes (RFC 7914) under a salt of each list. That
keeps them from being read in passing; it is no vault: whoever has the list and some hours can try a million codes.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Final, Literal

from contracts.queueing import EARLY, LATE

CODE_DIGITS: Final = 6
TAIL_DIGITS: Final = 4  # of the document's number; an X at its end counts as 0
MOST: Final = 300  # appointments in one list: what fits its row
Means = Literal["code", "tail"]
_HASH_BYTES: Final = 16
_COST: Final = 1 << 12  # 12 ms a try


def hashed(means: Means, digits: str, salt: str) -> str:
    """What stands in the list for `digits`: 32 hexadecimal digits. Blocking, about 12 ms."""
    found = hashlib.scrypt(f"{means}:{digits}".encode(), salt=bytes.fromhex(salt), n=_COST, r=8, p=1, dklen=_HASH_BYTES)
    return found.hex()


Kept = Literal["early", "kept", "late", "other_day"]


def arrives(came: datetime, due: datetime) -> Kept:
    """How somebody who came at `came` stands to the appointment of `due`; both aware, of one zone.

    The window is the queue's: whoever is in it has the head start, from `due` on.
    """
    if came.date() != due.date():
        return "other_day"
    if came < due - EARLY:
        return "early"
    return "kept" if came <= due + LATE else "late"
