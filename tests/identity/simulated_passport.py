"""A simulated passport chip, byte by byte: Basic Access Control, secure messaging, its files, signed by an invented
state. It answers commands as a chip does; nobody's passport, and no chip maker's code.

`serve` puts it behind vpcd, the virtual reader of a real pcscd (its protocol: two bytes of length, then a command or
one byte of control; https://frankmorgner.github.io/vsmartcard/virtualsmartcard/api.html).
"""

from __future__ import annotations

import hashlib
import os
import socket
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from kiosk.identity.chip.access import (
    APPLICATION,
    Lines,
    check_digit,
    ciphered,
    deciphered,
    derived,
    mac,
    padded,
    unpadded,
)
from kiosk.identity.chip.files import DG1, DG2, SOD
from kiosk.identity.chip.tlv import made, pieces

NOW = datetime(2026, 11, 30, tzinfo=UTC)
SHA256 = bytes.fromhex("608648016503040201")
ATR = bytes.fromhex("3B80800101")  # PC/SC's for a contactless card without history
Key = Any


def certificate(name: str, key: Key, issuer: str, signed_by: Key, *, years: int = 10) -> x509.Certificate:
    def named(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    begun = NOW - timedelta(days=365)
    return (
        x509.CertificateBuilder().subject_name(named(name)).issuer_name(named(issuer)).public_key(key.public_key())
        .serial_number(7).not_valid_before(begun).not_valid_after(begun + timedelta(days=365 * years))
        .sign(signed_by, hashes.SHA256())
    )  # fmt: skip


@dataclass(slots=True)
class State:
    """An invented state: its root and its signer of passports."""

    kind: str = "ec"
    signer_years: int = 10
    root_key: Key = field(init=False)
    signer_key: Key = field(init=False)
    root: x509.Certificate = field(init=False)
    signer: x509.Certificate = field(init=False)

    def __post_init__(self) -> None:
        self.root_key = ec.generate_private_key(ec.SECP256R1())
        if self.kind == "ec":
            self.signer_key = ec.generate_private_key(ec.SECP256R1())
        else:
            self.signer_key = rsa.generate_private_key(65537, 2048)
        self.root = certificate("Invented State CSCA", self.root_key, "Invented State CSCA", self.root_key)
        self.signer = certificate(
            "Invented State DS", self.signer_key, "Invented State CSCA", self.root_key, years=self.signer_years
        )

    def sign(self, groups: dict[int, bytes]) -> bytes:
        """An EF.SOD (ICAO Doc 9303-10, 4.6.2; RFC 5652)."""
        algorithm = made(0x30, made(0x06, SHA256))
        rows = b"".join(
            made(0x30, made(0x02, bytes([number])) + made(0x04, hashlib.sha256(data).digest()))
            for number, data in groups.items()
        )
        content = made(0x30, made(0x02, b"\0") + algorithm + made(0x30, rows))
        digest = made(0x31, made(0x04, hashlib.sha256(content).digest()))
        attributes = made(0x30, made(0x06, bytes.fromhex("2a864886f70d010904")) + digest)
        message = made(0x31, attributes)
        if self.kind == "ec":
            scheme, signature = "2a8648ce3d040302", self.signer_key.sign(message, ec.ECDSA(hashes.SHA256()))
        elif self.kind == "pss":
            pads = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
            scheme, signature = "2a864886f70d01010a", self.signer_key.sign(message, pads, hashes.SHA256())
        else:
            scheme = "2a864886f70d01010b"
            signature = self.signer_key.sign(message, padding.PKCS1v15(), hashes.SHA256())
        who = made(0x30, made(0x30, b"") + made(0x02, b"\x07"))
        info = made(0x30, made(0x02, b"\x01") + who + algorithm + made(0xA0, attributes)
                    + made(0x30, made(0x06, bytes.fromhex(scheme))) + made(0x04, signature))  # fmt: skip
        inner = made(0x30, made(0x06, bytes.fromhex("678108010101")) + made(0xA0, made(0x04, content)))
        signed = made(0x30, made(0x02, b"\x03") + made(0x31, algorithm) + inner
                      + made(0xA0, self.signer.public_bytes(Encoding.DER)) + made(0x31, info))  # fmt: skip
        return made(0x77, made(0x30, made(0x06, bytes.fromhex("2a864886f70d010702")) + made(0xA0, signed)))


def lines_text(number: str, name: str, born: str, until: str) -> str:
    """The two printed lines of a passport (TD3)."""
    first = f"P<UTO{name}".ljust(44, "<")[:44]
    start = f"{number.ljust(9, '<')}{check_digit(number.ljust(9, '<'))}UTO{born}{check_digit(born)}F{until}"
    second = f"{start}{check_digit(until)}".ljust(42, "<") + str(check_digit("<" * 14))
    whole = check_digit(second[:10] + second[13:20] + second[21:43])
    return first + second + str(whole)


def portrait_group(picture: bytes) -> bytes:
    """A DG2 with one portrait and two feature points (ISO/IEC 19794-5)."""
    length = 20 + 16 + 12 + len(picture)
    block = b"FAC\x00010\x00" + (14 + length).to_bytes(4, "big") + b"\0\x01"
    block += length.to_bytes(4, "big") + b"\0\x02" + bytes(14) + bytes(16) + bytes(12) + picture
    group = made(0x7F60, made(0xA1, b"") + made(0x5F2E, block))
    return made(0x75, made(0x7F61, made(0x02, b"\x01") + group))


class SimulatedPassport:
    """One chip. `files` by their name; `transmit` is what a reader calls."""

    def __init__(
        self, state: State, picture: bytes, *, number: str = "X12345678", name: str = "WANG<<XIAOMING",
        born: str = "900307", until: str = "310101",
    ) -> None:  # fmt: skip
        self.lines = Lines(number, born, until)
        dg1 = made(0x61, made(0x5F1F, lines_text(number, name, born, until).encode()))
        dg2 = portrait_group(picture)
        self.files = {DG1: dg1, DG2: dg2, SOD: state.sign({1: dg1, 2: dg2})}
        self.commands = 0
        self.reset()

    def reset(self) -> None:
        self._challenge = b""
        self._keys: tuple[bytes, bytes] | None = None
        self._counter = 0
        self._file = b""

    def transmit(self, apdu: bytes) -> bytes:
        self.commands += 1
        if apdu[0] == 0x0C and self._keys:
            return self._protected(apdu)
        match apdu[1]:
            case 0xA4:
                return b"\x90\x00" if apdu[5 : 5 + apdu[4]] == APPLICATION else b"\x6a\x82"
            case 0x84:
                self._challenge = os.urandom(8)
                return self._challenge + b"\x90\x00"
            case 0x82:
                return self._authenticate(apdu[5:45])
        return b"\x69\x82"  # security status not satisfied

    def _authenticate(self, given: bytes) -> bytes:
        encrypts, signs = derived(self.lines.seed, 1), derived(self.lines.seed, 2)
        if mac(signs, given[:32]) != given[32:]:
            return b"\x63\x00"
        said = deciphered(encrypts, given[:32])
        theirs, mine, half = said[:8], said[8:16], said[16:]
        if mine != self._challenge:
            return b"\x63\x00"
        own = os.urandom(16)
        back = ciphered(encrypts, mine + theirs + own)
        common = bytes(a ^ b for a, b in zip(half, own, strict=True))
        self._keys = derived(common, 1), derived(common, 2)
        self._counter = int.from_bytes(mine[4:] + theirs[4:], "big")
        return back + mac(signs, back) + b"\x90\x00"

    def _protected(self, apdu: bytes) -> bytes:
        assert self._keys is not None
        encrypts, signs = self._keys
        parts = {piece.tag: piece for piece in pieces(apdu[5 : 5 + apdu[4]])}
        self._counter += 1
        body = b"".join(parts[tag].whole for tag in (0x87, 0x97) if tag in parts)
        if mac(signs, self._counter.to_bytes(8, "big") + padded(apdu[:4]) + body) != parts[0x8E].value:
            self._keys = None
            return b"\x69\x88"
        status, plain = b"\x90\x00", b""
        if apdu[1] == 0xA4:
            name = int.from_bytes(unpadded(deciphered(encrypts, parts[0x87].value[1:])), "big")
            self._file = self.files.get(name, b"")
            status = b"\x90\x00" if self._file else b"\x6a\x82"
        else:
            at = apdu[2] << 8 | apdu[3]
            plain = self._file[at : at + parts[0x97].value[0]]
        self._counter += 1
        answer = made(0x87, b"\x01" + ciphered(encrypts, padded(plain))) if plain else b""
        answer += made(0x99, status)
        return answer + made(0x8E, mac(signs, self._counter.to_bytes(8, "big") + answer)) + b"\x90\x00"


class InMemorySlot:
    """A slot without a reader: what is laid in it is there at once. `chip` None: empty."""

    def __init__(self) -> None:
        self.chip: SimulatedPassport | None = None

    def connect(self) -> bool:
        if self.chip is not None:
            self.chip.reset()
        return self.chip is not None

    def transmit(self, apdu: bytes) -> bytes:
        from kiosk.ports import DeviceLost

        if self.chip is None:
            raise DeviceLost("taken away")
        return self.chip.transmit(apdu)

    def present(self) -> bool:
        return self.chip is not None

    def disconnect(self) -> None:
        pass


def serve(chip: SimulatedPassport, port: int) -> tuple[socket.socket, threading.Thread]:
    """Lay the chip into the virtual reader; closing the socket takes it out."""
    line = socket.create_connection(("127.0.0.1", port), timeout=10)
    line.settimeout(None)
    worker = threading.Thread(target=_answer, args=(chip, line), name="virtual-card", daemon=True)
    worker.start()
    return line, worker


def _answer(chip: SimulatedPassport, line: socket.socket) -> None:
    try:
        while (head := _exactly(line, 2)) is not None:
            asked = _exactly(line, int.from_bytes(head, "big"))
            if asked is None:
                return
            if asked == b"\x04":
                reply = ATR
            elif len(asked) == 1:
                chip.reset()
                continue
            else:
                reply = chip.transmit(asked)
            line.sendall(len(reply).to_bytes(2, "big") + reply)
    except OSError:
        return


def _exactly(line: socket.socket, count: int) -> bytes | None:
    got = b""
    while len(got) < count:
        more = line.recv(count - len(got))
        if not more:
            return None
        got += more
    return got
