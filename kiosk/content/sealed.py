"""A pack as one file: signed, its parts hash-chained, and refused with a reason when anything about it is wrong.

The file is a header (mark, length, key, Ed25519 signature of everything else) and canonical JSON, compressed. Each part
of the pack carries the hash of itself and the part before it, so that whoever is refused a changed pack is told which
part was changed. Nothing of a pack is used before its signature was found good.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import ValidationError

from config.intents import IntentRow
from kiosk.content.pack import FORMAT, Head, Pack, problems

MARK: Final = b"YBPACK1\n"
SUFFIX: Final = ".ybpack"
FILE_MOST_BYTES: Final = 16 * 1024 * 1024
UNPACKED_MOST_BYTES: Final = 64 * 1024 * 1024
PARTS: Final = ("figures", "answers", "documents", "products", "entries")
_LENGTH: Final = slice(len(MARK), len(MARK) + 8)
_KEY: Final = slice(_LENGTH.stop, _LENGTH.stop + 32)
_SIGNATURE: Final = slice(_KEY.stop, _KEY.stop + 64)
_HEADER: Final = _SIGNATURE.stop
_NOBODY: Final = bytes(32)

Reason = Literal[
    "missing", "too_large", "not_a_pack", "truncated", "unsigned", "wrong_key", "tampered", "invalid",
    "other_bank", "other_branch", "expired", "older", "equal", "history", "no_previous",
]  # fmt: skip


class PackRefused(ValueError):
    """A pack was not taken, or could not be given back; `reason` is for programs, the text for people."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Sealed:
    """A pack whose signature and chain were found good."""

    pack: Pack = field(repr=False)
    hash: str  # of its manifest: what the next pack names as its predecessor
    previous: tuple[int, str] | None  # version and hash of the pack it was built after
    key: str  # public key of the signer, hexadecimal


def public_hex(key: Ed25519PublicKey) -> str:
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw).hex()


def canonical(value: object) -> bytes:
    """One spelling of a JSON value."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8")


def seal(pack: Pack, key: Ed25519PrivateKey | None, previous: Sealed | None = None) -> bytes:
    """The pack as a file. Without a key it is unsigned, and no terminal takes it."""
    whole = pack.model_dump(mode="json", exclude_none=True)
    chain = hashlib.sha256(MARK).hexdigest()
    parts = []
    for part, name, value in _parts(whole):
        chain = _link(chain, part, name, value)
        parts.append({"part": part, "name": name, "value": value, "hash": chain})
    manifest = {
        "format": FORMAT,
        **{name: whole[name] for name in Head.model_fields},
        "previous": [previous.pack.version, previous.hash] if previous else None,
        "parts": len(parts),
        "chain": chain,
    }
    payload = gzip.compress(canonical({"manifest": manifest, "parts": parts}), mtime=0)
    who = bytes.fromhex(public_hex(key.public_key())) if key else _NOBODY
    head = MARK + len(payload).to_bytes(8, "big") + who
    return head + (key.sign(head + payload) if key else bytes(64)) + payload


def _parts(whole: Mapping[str, Any]) -> list[tuple[str, str, Any]]:
    named: list[tuple[str, str, Any]] = []
    for part in PARTS:
        rows = whole[part]
        named += [(part, row["id"], row) for row in rows] if part == "entries" else [(part, n, rows[n]) for n in rows]
    return named


def _link(before: str, part: str, name: str, value: object) -> str:
    return hashlib.sha256(before.encode() + canonical([part, name, value])).hexdigest()


def unseal(data: bytes, public_keys: Sequence[str], intents: Mapping[str, IntentRow]) -> Sealed:
    """Check a file and read the pack in it. Raises `PackRefused`.

    Whose it is, its days and its version are the store's to judge.
    """
    if len(data) > FILE_MOST_BYTES:
        raise PackRefused("too_large", f"more than {FILE_MOST_BYTES} bytes")
    if not data.startswith(MARK):
        raise PackRefused("not_a_pack", "it does not begin as a built pack does")
    if len(data) < _HEADER or len(data) - _HEADER < int.from_bytes(data[_LENGTH], "big"):
        raise PackRefused("truncated", f"it ends after {len(data)} bytes")
    who, payload = data[_KEY], data[_HEADER:]
    if who == _NOBODY:
        raise PackRefused("unsigned", "nobody signed it")
    if who.hex() not in {key.lower() for key in public_keys}:
        raise PackRefused("wrong_key", f"signed with {who.hex()[:16]}…, which this terminal does not trust")
    try:
        Ed25519PublicKey.from_public_bytes(who).verify(data[_SIGNATURE], data[: _KEY.stop] + payload)
    except (InvalidSignature, ValueError):
        raise PackRefused("tampered", _what_changed(payload)) from None
    return _read(payload, who.hex(), intents)


def _unpacked(payload: bytes) -> dict[str, Any]:
    """Raises `ValueError` for what is not compressed JSON of a bearable size."""
    packer = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        text = packer.decompress(payload, UNPACKED_MOST_BYTES)
    except zlib.error as err:
        raise ValueError("it cannot be unpacked") from err
    if not packer.eof or packer.unused_data:
        raise ValueError("it is too large unpacked, or something follows it")
    try:
        whole = json.loads(text)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as err:
        raise ValueError("what is inside is not JSON") from err
    if not isinstance(whole, dict) or not isinstance(whole.get("parts"), list):
        raise ValueError("what is inside is not a pack")
    return whole


def _broken_link(whole: Mapping[str, Any]) -> str | None:
    """The first part that is not what was chained, or None if the chain is whole."""
    chain = hashlib.sha256(MARK).hexdigest()
    for number, row in enumerate(whole["parts"]):
        try:
            chain = _link(chain, row["part"], row["name"], row["value"])
            if chain != row["hash"]:
                return f"the chain breaks at {row['part']} '{row['name']}' (part {number + 1})"
        except (KeyError, TypeError):
            return f"the chain breaks at part {number + 1}"
    manifest = whole.get("manifest")
    if not isinstance(manifest, dict) or (manifest.get("chain"), manifest.get("parts")) != (chain, len(whole["parts"])):
        return "the chain does not end where the manifest says"
    return None


def _what_changed(payload: bytes) -> str:
    """For people: where a file with a bad signature was changed, as far as that can be told."""
    try:
        return _broken_link(_unpacked(payload)) or "the signature does not fit; the chain is whole"
    except ValueError as err:
        return f"the signature does not fit; {err}"


def _read(payload: bytes, key: str, intents: Mapping[str, IntentRow]) -> Sealed:
    try:
        whole = _unpacked(payload)
    except ValueError as err:
        raise PackRefused("invalid", str(err)) from err
    if broken := _broken_link(whole):
        raise PackRefused("tampered", broken)
    manifest = whole["manifest"]
    if manifest.get("format") != FORMAT:
        raise PackRefused("invalid", f"format {manifest.get('format')!r}; this terminal reads {FORMAT}")
    raw: dict[str, Any] = {name: manifest.get(name) for name in Head.model_fields}
    raw |= {part: [] if part == "entries" else {} for part in PARTS}
    for row in whole["parts"]:
        if row["part"] not in PARTS:
            raise PackRefused("invalid", f"unknown part {row['part']!r}")
        if row["part"] == "entries":
            raw["entries"].append(row["value"])
        else:
            raw[row["part"]][row["name"]] = row["value"]
    try:
        pack = Pack.model_validate(raw)
    except ValidationError as err:
        first = err.errors()[0]
        raise PackRefused("invalid", f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from err
    for where, problem in problems(pack, intents):
        raise PackRefused("invalid", f"{'.'.join(map(str, where))}: {problem}")
    before = manifest.get("previous")
    known = isinstance(before, list) and len(before) == 2
    previous = (int(before[0]), str(before[1])) if known else None
    return Sealed(pack, hashlib.sha256(canonical(manifest)).hexdigest(), previous, key)


def last_moment(pack: Pack, today: date) -> None:
    """Raises `PackRefused` when the pack's last day is past."""
    if today > pack.valid_until:
        raise PackRefused("expired", f"its last day was {pack.valid_until.isoformat()}")
