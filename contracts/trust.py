"""Whether what somebody offers is what the bank published: The Update Framework, from a root that the terminal holds.

The workflow is python-tuf's (https://theupdateframework.github.io/specification/latest/): root rotation by threshold,
timestamp, snapshot, targets and the delegated role `content`, refusing what is older than was seen before (rollback),
what is past its day (freeze) and what does not belong together (mix and match). What was offered comes as a handful
of named bytes; nothing is fetched here, and the caller keeps what was found good.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from tuf.api import exceptions
from tuf.api.exceptions import DownloadHTTPError
from tuf.api.metadata import Metadata, Timestamp
from tuf.ngclient import FetcherInterface, Updater, UpdaterConfig

from contracts.release import INDEX_MOST_BYTES, Index, ReleaseRefused, read_index, target_of

METADATA_MOST_BYTES: Final = 32 * 1024  # of one file
FILES_MOST: Final = 24  # of one offer
ROOTS_MOST: Final = 12  # rotations that one offer may bring
ROLES: Final = ("root", "timestamp", "snapshot", "targets", "content")
TrustReason = Literal[
    "signature", "rollback", "expired", "mixed", "endless", "missing", "unknown_release", "format", "index",
]  # fmt: skip
_HERE: Final = "offer:///"


class Untrusted(ValueError):
    """What was offered is not what the bank published. `reason` is for programs, the text for people."""

    def __init__(self, reason: TrustReason, detail: str) -> None:
        super().__init__(f"{reason}: {detail[:200]}")
        self.reason: TrustReason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Trusted:
    """A release that was found good. `kept`: the metadata to hold on to, by file name; it goes in again next time."""

    index: Index
    raw: bytes = field(repr=False)  # the index as signed
    content_sha: str  # SHA-256 of the content pack as the role `content` signed it; empty: the release names none
    kept: Mapping[str, bytes] = field(repr=False)


class _Offered(FetcherInterface):
    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files

    def _fetch(self, url: str) -> Iterator[bytes]:
        name = url.removeprefix(_HERE)
        if name not in self._files:
            raise DownloadHTTPError(f"{name} was not offered", 404)
        return iter((self._files[name],))


def root_version(root: bytes) -> int:
    """The version of a root. Raises `Untrusted`."""
    try:
        return int(Metadata.from_bytes(root).signed.version)
    except exceptions.RepositoryError as err:
        raise Untrusted("format", "root") from err


def check(
    release: str, *, root: bytes, kept: Mapping[str, bytes], offered: Mapping[str, bytes], floor: datetime | None = None
) -> Trusted:
    """The index of `release`, when `offered` proves it. Raises `Untrusted` and changes nothing.

    `root`: the one that the terminal was installed with. `kept`: what the last successful check returned. `offered`:
    metadata by file name (`timestamp.json`, `7.snapshot.json`, …) and targets by path. `floor`: a moment that has
    certainly passed; where the machine's clock stands before it, what ended before it is refused all the same.
    """
    if len(offered) > FILES_MOST or any(len(data) > METADATA_MOST_BYTES * 2 for data in offered.values()):
        raise Untrusted("endless", f"{len(offered)} files, {sum(map(len, offered.values()))} bytes")
    with tempfile.TemporaryDirectory(prefix="yingbin-trust-") as folder:
        place = Path(folder)
        for name, data in kept.items():
            target = place / name
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(data)
        try:
            return _check(release, root, place, offered, floor)
        except exceptions.RepositoryError as err:
            raise Untrusted(_why(err), str(err)) from err
        except exceptions.DownloadError as err:
            raise Untrusted(_why_not_read(err), str(err)) from err
        except ReleaseRefused as err:
            raise Untrusted("index", str(err)) from err
        except (ValueError, KeyError, RecursionError) as err:
            if isinstance(err, Untrusted):
                raise
            raise Untrusted("format", type(err).__name__) from err


def _check(release: str, root: bytes, place: Path, offered: Mapping[str, bytes], floor: datetime | None) -> Trusted:
    config = UpdaterConfig(
        max_root_rotations=ROOTS_MOST, max_delegations=4, root_max_length=METADATA_MOST_BYTES,
        timestamp_max_length=4_096, snapshot_max_length=METADATA_MOST_BYTES, targets_max_length=METADATA_MOST_BYTES,
    )  # fmt: skip
    updater = Updater(
        str(place), _HERE, target_dir=str(place), target_base_url=_HERE, fetcher=_Offered(offered), config=config,
        bootstrap=root,
    )  # fmt: skip
    updater.refresh()
    if floor is not None:
        ends = Metadata[Timestamp].from_bytes((place / "timestamp.json").read_bytes()).signed.expires
        if ends <= floor:
            raise Untrusted(
                "expired", f"timestamp ended {ends.isoformat()}, and that has passed whatever the clock says"
            )
    raw = _target(updater, target_of(release), place / "index")
    index = read_index(raw)
    if index.version != release:
        raise Untrusted("index", f"signed as {release}, says {index.version}")
    content_sha = ""
    if index.content:
        found = updater.get_targetinfo(index.content)
        if found is None or "sha256" not in found.hashes:
            raise Untrusted("unknown_release", f"the role content signed no {index.content}")
        content_sha = str(found.hashes["sha256"])
    names = [f"{role}.json" for role in ROLES if role != "root"]
    keep = {name: (place / name).read_bytes() for name in names if (place / name).exists()}
    # Roots between the installed one and the newest: needed again to walk there.
    history = {f"root_history/{path.name}": path.read_bytes() for path in (place / "root_history").iterdir()}
    return Trusted(index=index, raw=raw, content_sha=content_sha, kept={**keep, **history})


def _target(updater: Updater, name: str, out: Path) -> bytes:
    found = updater.get_targetinfo(name)
    if found is None:
        raise Untrusted("unknown_release", f"{name} is not among what is signed")
    if found.length > INDEX_MOST_BYTES:
        raise Untrusted("endless", f"{name} of {found.length} bytes")
    updater.download_target(found, str(out))
    return out.read_bytes()


def _why(err: exceptions.RepositoryError) -> TrustReason:
    match err:
        case exceptions.UnsignedMetadataError():
            return "signature"
        case exceptions.ExpiredMetadataError():
            return "expired"
        case exceptions.BadVersionNumberError() | exceptions.EqualVersionNumberError():
            return "rollback"
        case exceptions.LengthOrHashMismatchError():
            return "mixed"
    return "format"


def _why_not_read(err: exceptions.DownloadError) -> TrustReason:
    if isinstance(err, exceptions.DownloadLengthMismatchError):
        return "endless"
    return "missing"


def newest_root(kept: Mapping[str, bytes], root: bytes) -> int:
    """The version of the newest root that is held: what comes after it is asked for."""
    versions = [root_version(root)]
    for name in kept:
        with suppress(ValueError):
            versions.append(int(name.removeprefix("root_history/").removesuffix(".root.json")))
    return max(versions)


def time_of(kept: Mapping[str, bytes]) -> datetime | None:
    """When the newest timestamp that is held ends; None: there is none."""
    data = kept.get("timestamp.json")
    if data is None:
        return None
    return Metadata[Timestamp].from_bytes(data).signed.expires.astimezone(UTC)
