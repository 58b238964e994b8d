"""The bank's own certificate authority for its terminals, brokers and workers: keys on disk, certificates, revocations.

Elliptic keys (P-256) alone. Of a request only the key is taken, after its signature was checked: who somebody is is
said by the hub, never by the request. A terminal's private key is never here.
"""

from __future__ import annotations

import hashlib
import ipaddress
import os
import ssl
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from contracts.topics import HUB_USER, identity

AUTHORITY_DAYS: Final = 20 * 365
TERMINAL_DAYS: Final = 90
SERVICE_DAYS: Final = 365
RENEW_FROM: Final = 2 / 3  # of its life: then a terminal asks for the next
BACK_DATED: Final = timedelta(hours=1)  # clocks of ours differ
CRL_DAYS: Final = 30
LONGEST_NAME: Final = 64  # of a common name (RFC 5280, ub-common-name)


class Unfit(ValueError):
    """A request that is not answered; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate as it is kept."""

    serial: str
    pem: str
    fingerprint: str
    not_before: datetime
    not_after: datetime


class Authority:
    """The authority whose keys lie in `folder`; made there on first use, readable by its owner only."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not (folder / "ca.pem").exists():
            _found(folder)
        self._key = _private(folder / "ca.key")
        self._certificate = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
        self.pem = (folder / "ca.pem").read_text("ascii")
        signing = load_pem_private_key((folder / "orders.key").read_bytes(), None)
        if not isinstance(signing, Ed25519PrivateKey):
            raise ValueError(f"{folder / 'orders.key'} is not an Ed25519 key")
        self._signing = signing

    @property
    def orders_key(self) -> str:
        """The public key of orders, hexadecimal."""
        return self._signing.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()

    def sign(self, order: bytes) -> bytes:
        """A signature over an order's bytes."""
        return self._signing.sign(order)

    def issue(self, csr: str, branch: str, device: str, now: datetime) -> Issued:
        """A terminal's certificate for the key of a request. Raises `Unfit`."""
        name = identity(branch, device)
        if len(name) > LONGEST_NAME:
            raise Unfit("long_name")
        key = key_of(csr)
        return self._issue(key, name, now, timedelta(days=TERMINAL_DAYS), ExtendedKeyUsageOID.CLIENT_AUTH, ())

    def service(self, name: str, hosts: Sequence[str], now: datetime | None = None) -> None:
        """Key and certificate of a broker (with the hosts that it is called by) or a worker, as files beside ours."""
        key = ec.generate_private_key(ec.SECP256R1())
        usage = ExtendedKeyUsageOID.SERVER_AUTH if hosts else ExtendedKeyUsageOID.CLIENT_AUTH
        life = timedelta(days=SERVICE_DAYS)
        common = name if hosts else HUB_USER
        issued = self._issue(key.public_key(), common, now or datetime.now(UTC), life, usage, hosts)
        _write(self.folder / f"{name}.key", _pem_of(key))
        _write(self.folder / f"{name}.pem", issued.pem.encode())

    def revocations(self, revoked: Iterable[tuple[str, datetime]], now: datetime, number: int) -> bytes:
        """The list of revoked serials, PEM."""
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self._certificate.subject)
            .last_update(now)
            .next_update(now + timedelta(days=CRL_DAYS))
            .add_extension(x509.CRLNumber(number), critical=False)
        )
        for serial, at in revoked:
            one = x509.RevokedCertificateBuilder().serial_number(int(serial, 16)).revocation_date(at).build()
            builder = builder.add_revoked_certificate(one)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM)

    def _issue(
        self, key: ec.EllipticCurvePublicKey, name: str, now: datetime, life: timedelta, usage: x509.ObjectIdentifier,
        hosts: Sequence[str],
    ) -> Issued:  # fmt: skip
        serial = x509.random_serial_number()
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(self._certificate.subject)
            .public_key(key)
            .serial_number(serial)
            .not_valid_before(now - BACK_DATED)
            .not_valid_after(now + life)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        )
        if hosts:
            builder = builder.add_extension(x509.SubjectAlternativeName([_host(one) for one in hosts]), critical=False)
        made = builder.sign(self._key, hashes.SHA256())
        return Issued(
            f"{serial:x}", made.public_bytes(Encoding.PEM).decode(), fingerprint_of(key), now - BACK_DATED, now + life
        )


def key_of(csr: str) -> ec.EllipticCurvePublicKey:
    """The key of a request that is signed by it. Raises `Unfit`."""
    try:
        request = x509.load_pem_x509_csr(csr.encode("ascii"))
        key = request.public_key()
        signed = request.is_signature_valid
    except (ValueError, TypeError, UnicodeEncodeError, UnsupportedAlgorithm, InvalidSignature) as err:
        raise Unfit("csr") from err
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise Unfit("key")
    if not signed:
        raise Unfit("signature")
    return key


def fingerprint_of(key: ec.EllipticCurvePublicKey) -> str:
    """What a key is called on the wire before its owner has a name."""
    encoded = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(encoded).hexdigest()[:40]


def client_context(folder: Path, name: str) -> ssl.SSLContext:
    """How a worker of ours (`NAME.pem`, `NAME.key`) speaks to a broker of this authority."""
    context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    return context


def _found(folder: Path) -> None:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Yingbin fleet authority")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACK_DATED)
        .not_valid_after(now + timedelta(days=AUTHORITY_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
                key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
            ),
            critical=True,
        )
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    signing = Ed25519PrivateKey.generate()
    _write(folder / "ca.key", _pem_of(key))
    _write(folder / "orders.key", signing.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    _write(folder / "ca.pem", made.public_bytes(Encoding.PEM))  # last: with it the authority is there


def _private(path: Path) -> ec.EllipticCurvePrivateKey:
    key = load_pem_private_key(path.read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError(f"{path} is not an elliptic key")
    return key


def _pem_of(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _write(path: Path, body: bytes) -> None:
    """Whole or not at all, for the owner's eyes."""
    beside = path.with_suffix(path.suffix + ".new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def _host(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
