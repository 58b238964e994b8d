"""The terminal's key, the code that it shows, and its certificate: kept so that a power cut leaves a whole identity.

The private key is made here and leaves never. A certificate is taken only for our own key and only from the authority
that came with the machine. A renewal is a new key beside the old one; both change places in one rename, so that there
is always one pair that fits. Wrong clocks are the business of `trust.py`.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from contracts import fleet as f
from contracts.topics import identity

LETTERS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # none that look alike
CODE_LETTERS: Final = 8
IDENTITY_FILE: Final = "identity.pem"
REVOKED_FILE: Final = "revoked"
RENEW_FROM: Final = 2 / 3  # of a certificate's life


class NotOurs(ValueError):
    """A certificate that is not taken; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class AuthorityMissing(ValueError):
    """The certificate of the authority that should have come with the machine cannot be read; `str()` names it."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A key and its certificate, in one file (PEM), as TLS reads them."""

    path: Path
    name: str  # branch/device
    not_before: datetime
    not_after: datetime

    def due(self, now: datetime) -> bool:
        """Whether it is time to ask for the next one. `now` is a time that is known, never the machine's own guess."""
        return now >= self.not_before + (self.not_after - self.not_before) * RENEW_FROM


class Identity:
    """In `folder`; `authority` is the certificate (PEM) that came with the machine. Blocking."""

    def __init__(self, folder: Path, authority: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.authority = authority
        try:
            self._authority = x509.load_pem_x509_certificate(authority.read_bytes())
        except (OSError, ValueError) as err:
            raise AuthorityMissing(f"{authority}: {err}") from err
        self.code = "".join(secrets.choice(LETTERS) for _ in range(CODE_LETTERS))  # new with each start

    @property
    def pair(self) -> Pair | None:
        """What the terminal shows to the broker; None until it has joined."""
        path = self._folder / IDENTITY_FILE
        if not path.exists():
            return None
        made = x509.load_pem_x509_certificate(path.read_bytes())
        name = str(made.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)
        return Pair(path, name, made.not_valid_before_utc, made.not_valid_after_utc)

    @property
    def fingerprint(self) -> str:
        """What the key that waits for a certificate is called on the wire."""
        encoded = self._waiting().public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return hashlib.sha256(encoded).hexdigest()[:40]

    def request(self, hardware: str = "") -> f.JoinRequest:
        """What a terminal without a name asks."""
        return f.JoinRequest(**_envelope(), code=self.code, csr=self._csr(), hardware=hardware)

    def renewal(self) -> f.RenewRequest:
        """What a terminal asks whose certificate comes to its end."""
        return f.RenewRequest(**_envelope(), csr=self._csr())

    def joined(self, answer: f.JoinAnswer) -> Pair:
        """Take the first certificate. Raises `NotOurs`."""
        made = self._take(answer.certificate, identity(answer.branch, answer.device))
        _write(self._folder / "orders.pub", answer.command_key.encode("ascii"))
        if answer.kiosk_digit >= 0:
            _write(self._folder / "digit", str(answer.kiosk_digit).encode("ascii"))
        return made

    def renewed(self, answer: f.RenewAnswer) -> Pair:
        """Take the next certificate: of the same name. Raises `NotOurs`."""
        pair = self.pair
        if pair is None:
            raise NotOurs("not_joined")
        return self._take(answer.certificate, pair.name)

    @property
    def revoked(self) -> bool:
        """Whether the broker said that this terminal's certificate was revoked. `forget` lets it join anew."""
        return (self._folder / REVOKED_FILE).exists()

    def note_revoked(self) -> None:
        """Keep that it was revoked: also the next start serves nobody."""
        _write(self._folder / REVOKED_FILE, b"revoked\n")

    @property
    def digit(self) -> int | None:
        """The digit of the ticket numbers that a predecessor gave; None: there was none, or it is not known."""
        path = self._folder / "digit"
        return int(path.read_text("ascii")) if path.exists() else None

    @property
    def orders_key(self) -> bytes | None:
        """The public key that orders are signed with; None until it has joined."""
        path = self._folder / "orders.pub"
        return bytes.fromhex(path.read_text("ascii")) if path.exists() else None

    def _take(self, pem: str, name: str) -> Pair:
        key = self._waiting()
        try:
            made = x509.load_pem_x509_certificate(pem.encode("ascii"))
            made.verify_directly_issued_by(self._authority)
        except (ValueError, TypeError, UnicodeEncodeError, InvalidSignature) as err:
            raise NotOurs("authority") from err
        if made.public_key() != key.public_key():
            raise NotOurs("key")
        named = [one.value for one in made.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
        if named != [name]:
            raise NotOurs("name")
        _write(self._folder / IDENTITY_FILE, _pem_of(key) + made.public_bytes(Encoding.PEM))
        (self._folder / "next.key").unlink(missing_ok=True)
        pair = self.pair
        assert pair is not None
        return pair

    def _csr(self) -> str:
        nobody = x509.Name([])  # who we are is said by the hub
        request = x509.CertificateSigningRequestBuilder().subject_name(nobody).sign(self._waiting(), hashes.SHA256())
        return request.public_bytes(Encoding.PEM).decode()

    def _waiting(self) -> ec.EllipticCurvePrivateKey:
        """The key that waits for its certificate; made when it is first needed, and the same until then."""
        path = self._folder / "next.key"
        if path.exists():
            key = load_pem_private_key(path.read_bytes(), None)
            if isinstance(key, ec.EllipticCurvePrivateKey):
                return key
        key = ec.generate_private_key(ec.SECP256R1())
        _write(path, _pem_of(key))
        return key


def name_of(pair: Path) -> str:
    """The name in a certificate, 'branch/device'. Raises OSError, ValueError."""
    made = x509.load_pem_x509_certificate(pair.read_bytes())
    return str(made.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


def forget(folder: Path) -> bool:
    """Let the terminal join anew: its key and certificate go. Whether there were any."""
    found = [path for name in (IDENTITY_FILE, "next.key", "orders.pub", "digit", REVOKED_FILE)
             if (path := folder / name).exists()]  # fmt: skip
    for path in found:
        path.unlink()
    return bool(found)


def _envelope() -> dict[str, Any]:
    return {"id": uuid.uuid4().hex, "at": datetime.now(UTC), "mono_ns": time.monotonic_ns()}


def _pem_of(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _write(path: Path, body: bytes) -> None:
    """Whole or not at all: written beside, synced, renamed, and the folder synced.

    The folder's group, where it may read there, may read this: that is how the updater comes by the certificate.
    """
    beside = path.with_name(path.name + ".part")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    if path.parent.stat().st_mode & 0o040:
        os.fchmod(descriptor, 0o640)
    with os.fdopen(descriptor, "wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
