"""Basic Access Control and secure messaging: from the printed lines to files nobody on the air can read.

ICAO Doc 9303-11 (8th edition), 4.3 and 9.8: two-key triple DES and ISO/IEC 9797-1 MAC algorithm 3, which the chips
prescribe. What opens is only what the printed lines open; no secret key is here.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

from kiosk.identity.chip.tlv import BadData, length_at, made, pieces

APPLICATION: Final = bytes.fromhex("A0000002471001")
BLOCK: Final = 8
CHUNK_BYTES: Final = 0xDF  # with its wrapping in one short answer
HEAD_BYTES: Final = 5  # a tag and a length of four bytes at most
MOST_BYTES: Final = 0x7FFF  # of a file: what a short offset reaches
OK: Final = 0x9000


class ChipRefused(RuntimeError):
    """The chip does not open or answer as it should. `code`: 'wrong_lines', 'not_a_passport', 'broken', 'too_large'."""

    def __init__(self, code: str, status: int = 0) -> None:
        super().__init__(f"{code} {status:04X}" if status else code)
        self.code = code


class Transport(Protocol):
    """To the chip, by contact or field. Raises `DeviceLost` where it is gone."""

    def transmit(self, apdu: bytes) -> bytes:
        """The answer with its two status bytes."""


@dataclass(frozen=True, slots=True)
class Lines:
    """Of the printed machine readable lines what opens the chip. Dates are YYMMDD."""

    number: str = field(repr=False)
    born: str = field(repr=False)
    until: str = field(repr=False)

    @property
    def seed(self) -> bytes:
        """(16,) the key seed: SHA-1 over the three with their check digits."""
        parts = (self.number.ljust(9, "<"), self.born, self.until)
        told = "".join(f"{part}{check_digit(part)}" for part in parts)
        return hashlib.sha1(told.encode(), usedforsecurity=False).digest()[:16]


def check_digit(text: str) -> int:
    """ICAO Doc 9303-3, 4.9: weights 7, 3, 1."""
    values = (0 if c == "<" else int(c, 36) for c in text)
    return sum(value * (7, 3, 1)[number % 3] for number, value in enumerate(values)) % 10


def derived(seed: bytes, counter: int) -> bytes:
    """(16,) a key of two halves with odd parity (9303-11, 9.7.1)."""
    raw = hashlib.sha1(seed + counter.to_bytes(4, "big"), usedforsecurity=False).digest()[:16]
    return bytes(byte & 0xFE | (bin(byte >> 1).count("1") + 1) % 2 for byte in raw)


def padded(data: bytes) -> bytes:
    return data + b"\x80" + bytes(-(len(data) + 1) % BLOCK)


def unpadded(data: bytes) -> bytes:
    """Raises `ChipRefused`."""
    cut = data.rstrip(b"\0")
    if not cut.endswith(b"\x80"):
        raise ChipRefused("broken")
    return cut[:-1]


def ciphered(key: bytes, data: bytes) -> bytes:
    worker = Cipher(TripleDES(key + key[:8]), modes.CBC(bytes(BLOCK))).encryptor()
    return worker.update(data) + worker.finalize()


def deciphered(key: bytes, data: bytes) -> bytes:
    """Raises `ChipRefused` where it is no whole number of blocks."""
    if len(data) % BLOCK:
        raise ChipRefused("broken")
    worker = Cipher(TripleDES(key + key[:8]), modes.CBC(bytes(BLOCK))).decryptor()
    return worker.update(data) + worker.finalize()


def mac(key: bytes, data: bytes) -> bytes:
    """(8,) over padded data: single DES in a chain, the last block with both keys."""
    first = Cipher(TripleDES(key[:8] * 3), modes.CBC(bytes(BLOCK))).encryptor()
    last = (first.update(padded(data)) + first.finalize())[-BLOCK:]
    back = Cipher(TripleDES(key[8:] * 3), modes.CBC(bytes(BLOCK))).decryptor()
    out = Cipher(TripleDES(key[:8] * 3), modes.CBC(bytes(BLOCK))).encryptor()
    middle = back.update(last) + back.finalize()
    return out.update(middle) + out.finalize()


@dataclass(slots=True)
class Session:
    """Keys of one conversation with a chip, and its counter."""

    encrypts: bytes = field(repr=False)
    signs: bytes = field(repr=False)
    counter: int

    def wrapped(self, ins: int, p1: int, p2: int, given: bytes = b"", wants: int | None = None) -> bytes:
        """A protected command."""
        head = bytes([0x0C, ins, p1, p2])
        body = made(0x87, b"\x01" + ciphered(self.encrypts, padded(given))) if given else b""
        body += made(0x97, bytes([wants])) if wants is not None else b""
        self.counter += 1
        tag = mac(self.signs, self._counted() + padded(head) + body)
        body += made(0x8E, tag)
        return head + bytes([len(body)]) + body + b"\0"

    def opened(self, answer: bytes) -> tuple[bytes, int]:
        """What a protected answer says, and its status. Raises `ChipRefused` for one that is not the chip's own."""
        self.counter += 1
        if len(answer) < 2:
            raise ChipRefused("broken")
        try:
            found = {piece.tag: piece for piece in pieces(answer[:-2])}
        except BadData as err:
            raise ChipRefused("broken") from err
        status, tag = found.get(0x99), found.get(0x8E)
        if status is None or tag is None:
            raise ChipRefused("broken", int.from_bytes(answer[-2:], "big"))
        signed = b"".join(found[one].whole for one in (0x87, 0x99) if one in found)
        if not hmac.compare_digest(mac(self.signs, self._counted() + signed), tag.value):
            raise ChipRefused("broken")
        secret = found[0x87].value[1:] if 0x87 in found else b""
        plain = unpadded(deciphered(self.encrypts, secret)) if secret else b""
        return plain, int.from_bytes(status.value, "big")

    def _counted(self) -> bytes:
        return self.counter.to_bytes(BLOCK, "big")


def unlock(chip: Transport, lines: Lines, chance: Callable[[int], bytes] = os.urandom) -> Session:
    """Select the passport's application and agree on keys. Raises `ChipRefused`, `DeviceLost`."""
    _plain(chip, bytes([0x00, 0xA4, 0x04, 0x0C, len(APPLICATION)]) + APPLICATION, "not_a_passport")
    theirs = _plain(chip, bytes([0x00, 0x84, 0x00, 0x00, BLOCK]), "not_a_passport")
    seed = lines.seed
    encrypts, signs = derived(seed, 1), derived(seed, 2)
    ours, half = chance(BLOCK), chance(16)
    sealed = ciphered(encrypts, ours + theirs + half)
    answer = _plain(
        chip, bytes([0x00, 0x82, 0x00, 0x00, 0x28]) + sealed + mac(signs, sealed) + b"\x28", "wrong_lines"
    )  # fmt: skip
    back, tag = answer[:-BLOCK], answer[-BLOCK:]
    if len(answer) != 0x28 or not hmac.compare_digest(mac(signs, back), tag):
        raise ChipRefused("broken")
    said = deciphered(encrypts, back)
    if said[:BLOCK] != theirs or said[BLOCK : 2 * BLOCK] != ours:
        raise ChipRefused("broken")
    common = bytes(a ^ b for a, b in zip(half, said[2 * BLOCK :], strict=True))
    counter = int.from_bytes(theirs[-4:] + ours[-4:], "big")
    return Session(derived(common, 1), derived(common, 2), counter)


def read_file(chip: Transport, session: Session, name: int) -> bytes:
    """A whole elementary file, at most `MOST_BYTES`. Raises `ChipRefused`, `DeviceLost`."""
    _, status = session.opened(chip.transmit(session.wrapped(0xA4, 0x02, 0x0C, name.to_bytes(2, "big"))))
    if status != OK:
        raise ChipRefused("not_a_passport", status)
    head = _part(chip, session, 0, HEAD_BYTES)
    try:
        length, begins = length_at(head, 1)
    except BadData as err:
        raise ChipRefused("broken") from err
    whole = begins + length
    if whole > MOST_BYTES:
        raise ChipRefused("too_large")
    data = head[:whole]
    while len(data) < whole:
        more = _part(chip, session, len(data), min(CHUNK_BYTES, whole - len(data)))
        if not more:
            raise ChipRefused("broken")
        data += more
    return data


def _part(chip: Transport, session: Session, offset: int, count: int) -> bytes:
    asked = session.wrapped(0xB0, offset >> 8, offset & 0xFF, wants=count)
    plain, status = session.opened(chip.transmit(asked))
    if status != OK or len(plain) > count:
        raise ChipRefused("broken", status)
    return plain


def _plain(chip: Transport, apdu: bytes, otherwise: str) -> bytes:
    answer = chip.transmit(apdu)
    status = int.from_bytes(answer[-2:], "big")
    if len(answer) < 2 or status != OK:
        raise ChipRefused(otherwise, status)
    return answer[:-2]
