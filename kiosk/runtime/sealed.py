"""Records in files that carry their own hash: what is read is what was written, or is said to be damaged."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TypeVar

import msgspec

R = TypeVar("R", bound=msgspec.Struct)


class Damaged(ValueError):
    """A record that is not what was written."""


class _Sealed(msgspec.Struct):
    sha256: str
    body: msgspec.Raw


def sealed(record: msgspec.Struct) -> bytes:
    """A record, with its hash."""
    body = msgspec.json.encode(record)
    return msgspec.json.encode(_Sealed(sha256=hashlib.sha256(body).hexdigest(), body=msgspec.Raw(body)))


def read_sealed(path: Path, kind: type[R], most_bytes: int) -> R | None:
    """The record that `sealed` made of it; None: there is none. Raises `Damaged`, which names the file."""
    try:
        with path.open("rb") as file:
            found = file.read(most_bytes + 1)
    except FileNotFoundError:
        return None
    except OSError as err:
        raise Damaged(f"{path.name}: {err.strerror}") from err
    if len(found) > most_bytes:
        raise Damaged(f"{path.name} is larger than {most_bytes} bytes")
    try:
        whole = msgspec.json.decode(found, type=_Sealed)
        if hashlib.sha256(bytes(whole.body)).hexdigest() != whole.sha256:
            raise Damaged(f"{path.name} has another hash than it was written with")
        return msgspec.json.decode(whole.body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as err:
        raise Damaged(f"{path.name}: {err}") from err
