"""Templates of those who asked to be known again: encrypted at rest, with a last day, exported and erased by one call.

AES-256-GCM (NIST SP 800-38D) under a key of the machine's keystore, a new nonce each time, name and last day bound to
the text as associated data. It holds no picture and no name: a template lies under a pseudonym of this terminal.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kiosk.identity.faces import Template
from kiosk.identity.ports import Keystore

KEY: Final = "face-templates"
SUBJECT_KEY: Final = "face-subjects"
KEPT_DAYS: Final = 365  # from the consent; using it does not lengthen them
MOST: Final = 20_000  # on one terminal
NONCE_BYTES: Final = 12
LENGTH: Final = 128


class TemplateDamaged(ValueError):
    """The file was changed, or the key is another; it is never used. The message names it."""


class TooManyTemplates(OSError):
    """The terminal keeps no more; somebody has to be forgotten first."""


class _File(msgspec.Struct, frozen=True):
    subject: str
    until: str  # ISO day, the last one
    nonce: bytes
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Enrolled:
    """Somebody's template and its last day."""

    subject: str
    until: date
    template: Template = field(repr=False, compare=False)


class TemplateStore:
    def __init__(self, folder: Path, keystore: Keystore) -> None:
        self._folder = folder
        self._keystore = keystore
        folder.mkdir(parents=True, exist_ok=True)

    def unlock(self) -> None:
        """Ask for both keys. Raises `KeystoreLocked`."""
        self._keystore.key(SUBJECT_KEY)
        self._keystore.key(KEY)

    def subject(self, document_no: str) -> str:
        """The pseudonym of a document's holder on this terminal, 32 hexadecimal digits."""
        return hmac.digest(self._keystore.key(SUBJECT_KEY), document_no.encode(), "sha256").hex()[:32]

    def enrol(self, subject: str, template: Template, today: date) -> Enrolled:
        """Keep it, or replace what was kept. The caller has the consent in the ledger. Raises `TooManyTemplates`."""
        path = self._path(subject)
        if not path.exists() and len(self.subjects()) >= MOST:
            raise TooManyTemplates(f"{self._folder} holds {MOST} templates")
        until = today + timedelta(days=KEPT_DAYS)
        nonce = secrets.token_bytes(NONCE_BYTES)
        plain = np.asarray(template, "<f4").tobytes()
        sealed = AESGCM(self._keystore.key(KEY)).encrypt(nonce, plain, _bound(subject, until.isoformat()))
        whole = msgspec.msgpack.encode(_File(subject, until.isoformat(), nonce, sealed))
        part = path.with_suffix(".part")
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.write(handle, whole)
            os.fsync(handle)
        finally:
            os.close(handle)
        part.replace(path)
        return Enrolled(subject, until, template)

    def has(self, subject: str, today: date) -> bool:
        """Whether something is kept that is not past its last day. Nothing is decrypted; `find` may yet refuse it."""
        try:
            read = msgspec.msgpack.decode(self._path(subject).read_bytes(), type=_File)
            return date.fromisoformat(read.until) >= today
        except (OSError, msgspec.DecodeError, ValueError):
            return False

    def find(self, subject: str, today: date) -> Enrolled | None:
        """None: nothing is kept, or no longer. Raises `TemplateDamaged`, `KeystoreLocked`."""
        path = self._path(subject)
        if not path.exists():
            return None
        try:
            read = msgspec.msgpack.decode(path.read_bytes(), type=_File)
            plain = AESGCM(self._keystore.key(KEY)).decrypt(read.nonce, read.sealed, _bound(subject, read.until))
            until = date.fromisoformat(read.until)
        except (msgspec.DecodeError, InvalidTag, ValueError) as err:
            raise TemplateDamaged(f"{path}: changed, or of another key") from err
        if until < today:
            self.erase(subject)
            return None
        return Enrolled(subject, until, np.frombuffer(plain, "<f4", LENGTH).astype(np.float32))

    def export(self, subject: str, today: date) -> dict[str, Any] | None:
        """Everything that is kept of somebody, readable. None: nothing is."""
        found = self.find(subject, today)
        if found is None:
            return None
        return {
            "subject": found.subject,
            "kept_until": found.until.isoformat(),
            "what": "128 numbers made from the face by SFace; no picture",
            "template_float32_base64": base64.b64encode(found.template.astype("<f4").tobytes()).decode(),
        }

    def erase(self, subject: str) -> bool:
        """Overwritten, then removed. False: there was nothing."""
        path = self._path(subject)
        if not path.exists():
            return False
        with path.open("r+b") as file:
            file.write(secrets.token_bytes(path.stat().st_size))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()
        return True

    def erase_all(self) -> int:
        """Everybody, and the key: whatever copy of a file there may be is unreadable from now on."""
        count = sum(self.erase(subject) for subject in self.subjects())
        self._keystore.destroy(KEY)
        return count

    def sweep(self, today: date) -> tuple[str, ...]:
        """Erase what is past its last day; whose it was. A damaged file is nobody's, and goes too."""
        gone = []
        for subject in self.subjects():
            try:
                read = msgspec.msgpack.decode(self._path(subject).read_bytes(), type=_File)
                past = date.fromisoformat(read.until) < today
            except (msgspec.DecodeError, ValueError):
                past = True
            if past and self.erase(subject):
                gone.append(subject)
        return tuple(gone)

    def subjects(self) -> tuple[str, ...]:
        return tuple(sorted(path.stem for path in self._folder.glob("*.face")))

    def _path(self, subject: str) -> Path:
        if not subject or not all(letter in "0123456789abcdef" for letter in subject):
            raise ValueError("a subject is hexadecimal")
        return self._folder / f"{subject}.face"


def _bound(subject: str, until: str) -> bytes:
    return hashlib.sha256(f"{subject} {until}".encode()).digest()
