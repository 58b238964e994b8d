"""Keys and signed metadata: who may say what a terminal runs.

Roles are TUF's. `root` is signed by several people's keys, kept off every server, a threshold of which must agree.
`targets` names releases, the delegated role `content` names the bank's content packs: neither can speak for the other.
`snapshot` and `timestamp` keys may lie where publishing runs; alone they can only make old things look new for as long
as their metadata lives.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from securesystemslib.signer import CryptoSigner, SSlibKey
from tuf.api.exceptions import UnsignedMetadataError
from tuf.api.metadata import (
    DelegatedRole,
    Delegations,
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)
from tuf.api.serialization.json import JSONSerializer

from contracts.release import sha_of
from contracts.repository import METADATA, TARGETS, target_path

ONLINE: Final = ("targets", "snapshot", "timestamp", "content")
DAYS: Final[Mapping[str, int]] = {"root": 3 * 365, "targets": 180, "content": 180, "snapshot": 60, "timestamp": 30}
"""How long each says what it says. A terminal that is shown nothing newer refuses it: somebody holds it back."""
TARGETS_KEPT: Final = 24  # releases, and packs, that may be run at one time


class SigningRefused(ValueError):
    """It was not signed; the text says why."""


@dataclass(frozen=True, slots=True)
class Keys:
    """Signers by role, as read from files."""

    root: tuple[CryptoSigner, ...]
    online: Mapping[str, CryptoSigner]


def new_key(path: Path) -> CryptoSigner:
    """Make an Ed25519 key at `path`, readable by nobody else, never over an existing one."""
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
    return CryptoSigner(key)


def read_key(path: Path) -> CryptoSigner:
    """Raises `SigningRefused`."""
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as err:
        raise SigningRefused(f"{path}: {err}") from err
    if not isinstance(key, Ed25519PrivateKey):
        raise SigningRefused(f"{path}: not an Ed25519 key")
    return CryptoSigner(key)


def first_root(keys: Keys, threshold: int, now: datetime) -> bytes:
    """Version 1 of the root: what terminals are installed with. Raises `SigningRefused`."""
    if not 1 <= threshold <= len(keys.root):
        raise SigningRefused(f"a threshold of {threshold} with {len(keys.root)} root keys")
    root = Root(version=1, expires=_ends("root", now), consistent_snapshot=True)
    for signer in keys.root:
        root.add_key(_public(signer), "root")
    root.roles["root"].threshold = threshold
    for role in ("targets", "snapshot", "timestamp"):
        root.add_key(_public(keys.online[role]), role)
    return _signed(Metadata(root), keys.root)


def next_root(
    before: bytes,
    signers: Sequence[CryptoSigner],
    now: datetime,
    *,
    replaced: Mapping[str, CryptoSigner] | None = None,
    root: Sequence[CryptoSigner] | None = None,
    threshold: int | None = None,
) -> bytes:
    """The root after `before`: with new keys for some roles, or for itself. `signers` must satisfy old and new.

    Raises `SigningRefused` where they are too few.
    """  # fmt: skip
    held = Metadata[Root].from_bytes(before)
    new = Metadata(Root.from_dict(held.signed.to_dict()))
    new.signed.version += 1
    new.signed.expires = _ends("root", now)
    for role, signer in (replaced or {}).items():
        for keyid in list(new.signed.roles[role].keyids):
            new.signed.revoke_key(keyid, role)
        new.signed.add_key(_public(signer), role)
    if root is not None:
        for keyid in list(new.signed.roles["root"].keyids):
            new.signed.revoke_key(keyid, "root")
        for signer in root:
            new.signed.add_key(_public(signer), "root")
        new.signed.roles["root"].threshold = threshold or held.signed.roles["root"].threshold
    raw = _signed(new, signers)
    for judge in (held.signed, new.signed):
        try:
            judge.verify_delegate("root", new.signed_bytes, new.signatures)
        except UnsignedMetadataError as err:
            raise SigningRefused(f"too few of the root's keys: {err}") from err
    return raw


def _ends(role: str, now: datetime) -> datetime:
    return (now + timedelta(days=DAYS[role])).replace(microsecond=0)


def _public(signer: CryptoSigner) -> SSlibKey:
    key = signer.public_key
    assert isinstance(key, SSlibKey)
    return key


def _signed(metadata: Metadata[Any], signers: Sequence[CryptoSigner]) -> bytes:
    metadata.signatures.clear()
    for signer in signers:
        metadata.sign(signer, append=True)
    return metadata.to_bytes(JSONSerializer(compact=False))


class Repository:
    """The folder of published releases, as far as it is signed. Writing is atomic: `timestamp.json` comes last."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def _metadata(self) -> Path:
        return self._folder / METADATA

    def begin(self, root: bytes) -> None:
        """A new repository under this root. Raises `SigningRefused` over an existing one."""
        self._metadata.mkdir(parents=True, exist_ok=True)
        if (self._metadata / "1.root.json").exists():
            raise SigningRefused(f"{self._folder} has a root already")
        self._write("1.root.json", root)

    def root(self) -> bytes:
        """The newest root. Raises `SigningRefused`."""
        versions = [int(path.name.split(".")[0]) for path in self._metadata.glob("*.root.json")]
        if not versions:
            raise SigningRefused(f"{self._folder} has no root: `python -m hub.release keys` first")
        return (self._metadata / f"{max(versions)}.root.json").read_bytes()

    def rotate(self, root: bytes) -> None:
        """Add the next root."""
        version = Metadata[Root].from_bytes(root).signed.version
        if version != Metadata[Root].from_bytes(self.root()).signed.version + 1:
            raise SigningRefused("it does not follow the newest root")
        self._write(f"{version}.root.json", root)

    def targets(self) -> dict[str, TargetFile]:
        """What is in force: releases by the role `targets`."""
        held = self._newest("targets")
        return dict(held.signed.targets) if held else {}

    def publish(
        self,
        keys: Mapping[str, CryptoSigner],
        now: datetime,
        *,
        releases: Mapping[str, bytes] | None = None,
        content: Mapping[str, bytes] | None = None,
        withdrawn: Sequence[str] = (),
    ) -> int:
        """Sign what is added or withdrawn, and everything anew; the new timestamp's version.

        `releases`, `content`: target's name → its bytes. Raises `SigningRefused`.
        """  # fmt: skip
        targets = self._signed_targets("targets", releases or {}, withdrawn, now)
        packs = self._signed_targets("content", content or {}, withdrawn, now)
        delegated = _public(keys["content"])
        role = DelegatedRole("content", [delegated.keyid], 1, True, paths=["content/*"])
        targets.signed.delegations = Delegations({delegated.keyid: delegated}, {"content": role})
        files = {
            "targets.json": _signed(targets, [keys["targets"]]),
            "content.json": _signed(packs, [keys["content"]]),
        }
        meta = {
            "targets.json": _meta(targets.signed.version, files["targets.json"]),
            "content.json": _meta(packs.signed.version, files["content.json"]),
        }
        before = self._newest("snapshot")
        version = before.signed.version + 1 if before else 1
        snapshot = _signed(
            Metadata(Snapshot(version=version, expires=_ends("snapshot", now), meta=meta)), [keys["snapshot"]]
        )
        last = self._timestamp()
        stamp = Timestamp(version=last + 1, expires=_ends("timestamp", now), snapshot_meta=_meta(version, snapshot))
        self._write(f"{targets.signed.version}.targets.json", files["targets.json"])
        self._write(f"{packs.signed.version}.content.json", files["content.json"])
        self._write(f"{version}.snapshot.json", snapshot)
        self._write("timestamp.json", _signed(Metadata(stamp), [keys["timestamp"]]))
        return last + 1

    def refresh(self, keys: Mapping[str, CryptoSigner], now: datetime) -> int:
        """A new timestamp over the same snapshot: daily, so that holding back is noticed. The new version."""
        held = Metadata[Timestamp].from_bytes((self._metadata / "timestamp.json").read_bytes()).signed
        held.version += 1
        held.expires = _ends("timestamp", now)
        self._write("timestamp.json", _signed(Metadata(held), [keys["timestamp"]]))
        return held.version

    def _signed_targets(
        self, role: str, added: Mapping[str, bytes], withdrawn: Sequence[str], now: datetime
    ) -> Metadata[Targets]:
        held = self._newest(role)
        targets = dict(held.signed.targets) if held else {}
        for name in withdrawn:
            targets.pop(name, None)
        for name, data in added.items():
            targets[name] = TargetFile.from_data(name, data, ["sha256"])
            path = self._folder / TARGETS / target_path(name, sha_of(data))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        if len(targets) > TARGETS_KEPT:
            raise SigningRefused(f"{len(targets)} targets of the role {role}; withdraw some: at most {TARGETS_KEPT}")
        version = held.signed.version + 1 if held else 1
        return Metadata(Targets(version=version, expires=_ends(role, now), targets=targets))

    def _newest(self, role: str) -> Metadata[Any] | None:
        versions = [int(path.name.split(".")[0]) for path in self._metadata.glob(f"*.{role}.json")]
        if not versions:
            return None
        return Metadata.from_bytes((self._metadata / f"{max(versions)}.{role}.json").read_bytes())

    def _timestamp(self) -> int:
        path = self._metadata / "timestamp.json"
        return Metadata[Timestamp].from_bytes(path.read_bytes()).signed.version if path.exists() else 0

    def _write(self, name: str, data: bytes) -> None:
        part = self._metadata / f"{name}.part"
        part.write_bytes(data)
        part.replace(self._metadata / name)


def _meta(version: int, data: bytes) -> MetaFile:
    return MetaFile(version=version, length=len(data), hashes={"sha256": sha_of(data)})


def now_utc() -> datetime:
    return datetime.now(UTC)
