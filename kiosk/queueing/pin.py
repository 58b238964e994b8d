"""The PIN before the staff's page: kept as a hash, tried seldom, and every try counted over restarts.

Hashes are PHC strings (https://github.com/P-H-C/phc-string-format): argon2id (RFC 9106) or scrypt (RFC 7914).
Blocking, a quarter of a second by design: call it off the event loop.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import math
import os
import re
from collections.abc import Callable
from itertools import pairwise
from typing import Final

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from kiosk.sync.outbox import Outbox

LEAST_DIGITS: Final = 6
MOST_DIGITS: Final = 12
FREE_TRIES: Final = 3  # a finger slips; then the waiting begins
FIRST_WAIT_S: Final = 30
LONGEST_WAIT_S: Final = 900

# OWASP's password storage cheat sheet asks for 19 MiB and two passes at least; a terminal can afford more.
ARGON2_KIB: Final = 65_536
ARGON2_PASSES: Final = 3
MOST_KIB: Final = 262_144  # what a hash in the configuration may ask of the terminal's memory
MOST_PASSES: Final = 10
MOST_LANES: Final = 8

_ARGON2: Final = re.compile(
    r"\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,2}),p=(\d{1,2})\$[A-Za-z0-9+/]{11,86}\$[A-Za-z0-9+/]{22,86}"
)
_SCRYPT: Final = re.compile(
    r"\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})"
)

_SCHEMA: Final = (
    "CREATE TABLE IF NOT EXISTS staff_tries (one INTEGER PRIMARY KEY CHECK (one = 1), wrong INTEGER NOT NULL)"
)


def hash_pin(pin: str) -> str:
    """The hash for the site's configuration. Raises ValueError for a PIN that is too short, too long or too plain."""
    if not (pin.isascii() and pin.isdecimal() and LEAST_DIGITS <= len(pin) <= MOST_DIGITS):
        raise ValueError(f"a PIN has {LEAST_DIGITS} to {MOST_DIGITS} digits")
    steps = {(int(b) - int(a)) % 10 for a, b in pairwise(pin)}
    if len(steps) == 1:
        raise ValueError("a PIN of equal or running digits is the first that anybody tries")
    kdf = Argon2id(salt=os.urandom(16), length=32, iterations=ARGON2_PASSES, lanes=1, memory_cost=ARGON2_KIB)
    return kdf.derive_phc_encoded(pin.encode("ascii"))


def check_hash(pin_hash: str) -> None:
    """Raises ValueError naming what is wrong with a hash: its shape, or how much work it asks for."""
    if found := _ARGON2.fullmatch(pin_hash):
        kib, passes, lanes = (int(part) for part in found.groups())
        if not (8 * lanes <= kib <= MOST_KIB and 1 <= passes <= MOST_PASSES and 1 <= lanes <= MOST_LANES):
            raise ValueError(f"staff.pin_hash: m up to {MOST_KIB}, t up to {MOST_PASSES}, p up to {MOST_LANES}")
    elif found := _SCRYPT.fullmatch(pin_hash):
        power, block, lanes = (int(part) for part in found.groups()[:3])
        if not (10 <= power <= 20 and block >= 1 and 1 <= lanes <= MOST_LANES and (block << power) <= 8 * MOST_KIB):
            raise ValueError(
                f"staff.pin_hash: ln 10 to 20, r and 2^ln together up to {MOST_KIB} KiB, p up to {MOST_LANES}"
            )
    else:
        raise ValueError("staff.pin_hash is no PHC string of argon2id (v=19) or scrypt; `kiosk staff-pin` makes one")


def verify(pin: str, pin_hash: str) -> bool:
    """Whether `pin` is the one of `pin_hash`, which `check_hash` has passed."""
    if pin_hash.startswith("$argon2id$"):
        try:
            Argon2id.verify_phc_encoded(pin.encode(), pin_hash)
        except InvalidKey:
            return False
        return True
    found = _SCRYPT.fullmatch(pin_hash)
    if found is None:
        return False
    power, block, lanes = (int(part) for part in found.groups()[:3])
    salt, wanted = (_decoded(part) for part in found.groups()[3:])
    made = hashlib.scrypt(
        pin.encode(), salt=salt, n=1 << power, r=block, p=lanes, maxmem=2 * MOST_KIB * 1024, dklen=len(wanted)
    )
    return hmac.compare_digest(made, wanted)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        return b""


def wait_after(wrong: int) -> int:
    """Seconds to wait after so many wrong PINs in a row: none at first, then doubling up to the longest."""
    if wrong < FREE_TRIES:
        return 0
    return min(LONGEST_WAIT_S, FIRST_WAIT_S << min(wrong - FREE_TRIES, 10))


class StaffPin:
    """One terminal's PIN. Wrong tries in a row are on disk, so that pulling the plug wins nothing.

    Raises ValueError for a hash that `check_hash` refuses.
    """

    def __init__(self, outbox: Outbox, pin_hash: str, now_ns: Callable[[], int]) -> None:
        check_hash(pin_hash)
        self._outbox, self._hash, self._now_ns = outbox, pin_hash, now_ns
        with outbox.transaction() as db:
            db.execute(_SCHEMA)
            found = db.execute("SELECT wrong FROM staff_tries").fetchone()
        self._wrong = int(found[0]) if found else 0
        self._until_ns = now_ns() + wait_after(self._wrong) * 1_000_000_000  # a restart begins the wait anew
        self.tally_wrong = 0

    @property
    def wait_s(self) -> int:
        """Whole seconds until the next try is looked at."""
        return max(0, math.ceil((self._until_ns - self._now_ns()) / 1e9))

    def check(self, pin: str) -> bool:
        """Whether it is the PIN. Not looked at while there is a wait. Raises `OutboxFull`: nothing was tried then."""
        if self.wait_s > 0:
            return False
        self._keep(self._wrong + 1)  # before it is known: who is killed in between has tried
        right = verify(pin, self._hash)
        if right:
            self._keep(0)
        else:
            self.tally_wrong += 1
            self._until_ns = self._now_ns() + wait_after(self._wrong) * 1_000_000_000
        return right

    def _keep(self, wrong: int) -> None:
        with self._outbox.transaction() as db:
            db.execute("INSERT OR REPLACE INTO staff_tries VALUES (1, ?)", (min(wrong, 1000),))
        self._wrong = wrong


class PinGate:
    """The same off the event loop."""

    def __init__(self, pin: StaffPin) -> None:
        self._pin = pin

    @property
    def wait_s(self) -> int:
        return self._pin.wait_s

    async def check(self, pin: str) -> bool:
        return await asyncio.to_thread(self._pin.check, pin)
