"""Passive authentication: is what the chip gave what a state signed? ICAO Doc 9303-11, 5.1.

The signer's certificate comes with the chip; the state's (CSCA) must lie in the site's folder. It says nothing about a
chip that was copied whole; the face and the person's number are there for that.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from kiosk.identity.chip.tlv import BadData, Piece, inside, made, piece_at, pieces

Authentic = Literal["authentic", "unknown_issuer", "changed", "bad_signature", "expired_signer", "broken"]
HASHES: Final[dict[str, hashes.HashAlgorithm]] = {  # SHA-1 is not among them: two texts of one hash can be made
    "608648016503040204": hashes.SHA224(), "608648016503040201": hashes.SHA256(),
    "608648016503040202": hashes.SHA384(), "608648016503040203": hashes.SHA512(),
}  # fmt: skip
MESSAGE_DIGEST: Final = bytes.fromhex("2a864886f70d010904")
PSS: Final = bytes.fromhex("2a864886f70d01010a")
MOST_CERTIFICATES: Final = 2000  # a master list of all states has some hundreds
MOST_BYTES: Final = 64 * 1024
SEQUENCE, SET, OCTETS, OID, INTEGER = 0x30, 0x31, 0x04, 0x06, 0x02


def states_of(folder: Path) -> tuple[x509.Certificate, ...]:
    """Every certificate of a folder, DER or PEM; a file that holds none is passed over."""
    found = []
    for path in sorted(folder.glob("*"))[:MOST_CERTIFICATES]:
        if not path.is_file() or path.stat().st_size > MOST_BYTES:
            continue
        raw = path.read_bytes()
        try:
            read = x509.load_pem_x509_certificate if raw.startswith(b"-----") else x509.load_der_x509_certificate
            found.append(read(raw))
        except ValueError:
            continue
    return tuple(found)


def authentic(
    sod: bytes, groups: Mapping[int, bytes], states: Sequence[x509.Certificate], now: datetime
) -> Authentic:  # fmt: skip
    """`groups`: data groups by number, as they were read. Never raises for what a chip gives."""
    try:
        return _checked(sod, groups, states, now)
    except (BadData, ValueError, LookupError, StopIteration, TypeError):
        return "broken"


def _checked(
    sod: bytes, groups: Mapping[int, bytes], states: Sequence[x509.Certificate], now: datetime
) -> Authentic:  # fmt: skip
    signed = inside(sod, 0x77, SEQUENCE, 0xA0, SEQUENCE)
    parts = list(pieces(signed))
    content = next(inside(part.value, 0xA0, OCTETS) for part in parts if part.tag == SEQUENCE)
    if not _agrees(content, groups):
        return "changed"
    bag = next(part.value for part in parts if part.tag == 0xA0)
    signer = x509.load_der_x509_certificate(piece_at(bag)[0].whole)
    info = list(pieces(inside(parts[-1].value, SEQUENCE)))
    if not _signed(info, content, signer):
        return "bad_signature"
    state = next((one for one in states if _issued(signer, one)), None)
    if state is None:
        return "unknown_issuer"
    inside_dates = all(one.not_valid_before_utc <= now <= one.not_valid_after_utc for one in (signer, state))
    return "authentic" if inside_dates else "expired_signer"


def _agrees(content: bytes, groups: Mapping[int, bytes]) -> bool:
    """Whether the hashes that were signed are those of the groups. Each group must be among them."""
    parts = list(pieces(inside(content, SEQUENCE)))
    algorithm = HASHES[inside(parts[1].value, OID).hex()].name
    told = {}
    for row in pieces(parts[2].value):
        number, value = pieces(row.value)
        told[int.from_bytes(number.value, "big")] = value.value
    return bool(groups) and all(
        hmac.compare_digest(told.get(number, b""), hashlib.new(algorithm, data).digest())
        for number, data in groups.items()
    )


def _signed(info: Sequence[Piece], content: bytes, signer: x509.Certificate) -> bool:
    algorithm = HASHES[inside(info[2].value, OID).hex()]
    attributes = next((piece for piece in info if piece.tag == 0xA0), None)
    message = content
    if attributes is not None:
        digest = next(
            inside(row.value, SET, OCTETS) for row in pieces(attributes.value)
            if inside(row.value, OID) == MESSAGE_DIGEST
        )  # fmt: skip
        if not hmac.compare_digest(digest, hashlib.new(algorithm.name, content).digest()):
            return False
        message = made(SET, attributes.value)
    position = info.index(attributes) if attributes is not None else 2
    scheme, signature = inside(info[position + 1].value, OID), info[position + 2].value
    return _verifies(signer, scheme, signature, message, algorithm)


def _verifies(
    signer: x509.Certificate, scheme: bytes, signature: bytes, message: bytes, algorithm: hashes.HashAlgorithm
) -> bool:
    key = signer.public_key()
    try:
        if isinstance(key, rsa.RSAPublicKey):
            pads = padding.PSS(padding.MGF1(algorithm), padding.PSS.AUTO) if scheme == PSS else padding.PKCS1v15()
            key.verify(signature, message, pads, algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, message, ec.ECDSA(algorithm))
        else:
            return False
    except InvalidSignature:
        return False
    return True


def _issued(signer: x509.Certificate, state: x509.Certificate) -> bool:
    try:
        signer.verify_directly_issued_by(state)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def now_utc() -> datetime:
    return datetime.now(UTC)
