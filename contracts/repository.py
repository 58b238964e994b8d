"""Where things lie in a folder of published releases: metadata, signed targets, chunks by their hash.

The hub writes it, serves it over MQTT, a web server may serve it over https, and a stick may carry it. Only names and
which of them an offer consists of; reading is the caller's, with bounds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from contracts.release import INDEX_MOST_BYTES
from contracts.trust import METADATA_MOST_BYTES, ROOTS_MOST

METADATA: Final = "metadata"
TARGETS: Final = "targets"
CHUNKS: Final = "chunks"
_ROLE_FILES: Final = frozenset({"targets.json", "content.json"})
Read = Callable[[Path, int], bytes]


def chunk_path(sha: str) -> str:
    return f"{CHUNKS}/{sha[:2]}/{sha}"


def target_path(name: str, sha: str) -> str:
    """Where a target lies below `TARGETS`: its name with its hash before the last level (TUF, consistent snapshots)."""
    folder, _, last = name.rpartition("/")
    return f"{folder}/{sha}.{last}" if folder else f"{sha}.{last}"


def metadata_for(folder: Path, target: str, root: int, read: Read) -> Mapping[str, bytes]:
    """All that proves `target` to somebody whose root is version `root`. Raises OSError where something is not there.

    `read` raises FileNotFoundError for a file that is not there.

    Nothing is verified here. A target that is not signed is left out.
    """
    try:
        return _collect(folder, target, root, read)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as err:
        raise OSError(f"metadata that cannot be read: {type(err).__name__}") from err


def _collect(folder: Path, target: str, root: int, read: Read) -> Mapping[str, bytes]:
    found: dict[str, bytes] = {}
    place = folder / METADATA
    for version in range(root + 1, root + 1 + ROOTS_MOST):
        try:
            found[f"{version}.root.json"] = read(place / f"{version}.root.json", METADATA_MOST_BYTES)
        except FileNotFoundError:
            break
    found["timestamp.json"] = read(place / "timestamp.json", METADATA_MOST_BYTES)
    version = _signed(found["timestamp.json"])["meta"]["snapshot.json"]["version"]
    name = f"{int(version)}.snapshot.json"
    found[name] = read(place / name, METADATA_MOST_BYTES)
    for file, told in _signed(found[name])["meta"].items():
        if file not in _ROLE_FILES:
            continue  # a name is not followed where somebody else chose it
        name = f"{int(told['version'])}.{file}"
        found[name] = read(place / name, METADATA_MOST_BYTES)
        known = _signed(found[name]).get("targets", {}).get(target)
        if known is not None:
            at = target_path(target, str(known["hashes"]["sha256"]))
            found[at] = read(folder / TARGETS / at, INDEX_MOST_BYTES)
    return found


def _signed(raw: bytes) -> Mapping[str, Any]:
    signed: Mapping[str, Any] = json.loads(raw)["signed"]
    return signed
