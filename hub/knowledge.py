"""Packs of approved answers on their way to the terminals: offered, checked, approved by a second person, published.

The file itself is made, signed and checked by `python -m kiosk.content`; the hub asks that program, as a process,
because it does not run the terminal's code. What it keeps and shows is the file, what the check said, and who
decided. Whoever offered a pack cannot approve it.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from hub.accounts import record
from hub.accounts.rights import Person, Right, require
from hub.store import Store, packs

CHECK_S: Final = 60.0
SUFFIX: Final = ".ybpack"
MAX_REPORT: Final = 20_000
MAX_KEPT: Final = 50  # files a branch; older ones that are not published go
ROOT: Final = Path(__file__).parents[1]
_SUMMARY: Final = re.compile(r"^(?P<bank>[a-z0-9-]+)/(?P<branch>[a-z0-9*-]+) version (?P<version>\d+): ", re.MULTILINE)
NEXT: Final = {
    ("offered", "approve"): ("approved", Right.APPROVE_KNOWLEDGE),
    ("offered", "refuse"): ("refused", Right.APPROVE_KNOWLEDGE),
    ("approved", "refuse"): ("refused", Right.APPROVE_KNOWLEDGE),
    ("approved", "publish"): ("published", Right.PUBLISH_KNOWLEDGE),
}


class PackProblem(ValueError):
    """Why a pack cannot be taken or decided on; `str()` says it to the person."""


@dataclass(frozen=True, slots=True)
class Pack:
    """One offered file and what became of it."""

    id: int
    sha256: str
    bank: str
    branch: str
    version: int
    state: str
    report: str
    uploaded_by: str
    uploaded_at: datetime
    decided_by: str
    decided_at: datetime | None
    published_at: datetime | None

    def summary(self) -> dict[str, Any]:
        """Ready for JSON."""
        times = {name: getattr(self, name) for name in ("uploaded_at", "decided_at", "published_at")}
        names = ("id", "sha256", "bank", "branch", "version", "state", "report", "uploaded_by", "decided_by")
        return {name: getattr(self, name) for name in names} | {
            name: at.isoformat() if at else None for name, at in times.items()
        }

    def may(self, act: str) -> bool:
        """Whether the pack's state allows it; the person's right is another question."""
        return (self.state, act) in NEXT


class Knowledge:
    """The packs of this hub. `keys`: the public keys (hex) with which a pack may be signed."""

    def __init__(self, store: Store, keys: Sequence[str] = ()) -> None:
        self._store, self._keys = store, tuple(keys)

    def packs(self, branches: Sequence[str]) -> list[Pack]:
        """Those of these branches, newest first."""
        columns = [column for column in packs.c if column.name != "data"]
        wanted = sa.select(*columns).where(packs.c.branch.in_(list(branches))).order_by(packs.c.id.desc())
        return [Pack(**row) for row in self._store.rows(wanted.limit(200))]

    def offer(self, person: Person, branch: str, data: bytes) -> Pack:
        """Check a built pack and keep it. Raises `PackProblem`, `Refused`."""
        require(person, Right.OFFER_KNOWLEDGE, branch)
        if not data:
            raise PackProblem("the file is empty")
        digest = hashlib.sha256(data).hexdigest()
        if not self._keys:
            raise PackProblem("this hub trusts no key yet: start it with --pack-key")
        found, report = _checked(data, self._keys)
        if found["branch"] != branch:
            raise PackProblem(f"this pack is for {found['branch']}, not for {branch}")
        now = datetime.now(UTC)
        values = {
            "sha256": digest,
            "bank": found["bank"],
            "branch": branch,
            "version": int(found["version"]),
            "state": "offered",
            "report": report[:MAX_REPORT],
            "uploaded_by": person.name,
            "uploaded_at": now,
            "decided_by": "",
            "data": data,
        }
        with self._store.write() as db:
            if db.execute(sa.select(packs.c.id).where(packs.c.sha256 == digest)).first() is not None:
                raise PackProblem("this file was offered before")
            made = db.execute(sa.insert(packs).values(**values).returning(packs.c.id)).scalar_one()
            self._forget(db, branch)
            record.note(db, person.name, "pack_offered", branch=branch, subject=digest[:16])
        return self._one(made, branch)

    def decide(self, person: Person, branch: str, pack_id: int, act: str) -> Pack:
        """approve, refuse or publish. Raises `PackProblem`, `Refused`."""
        with self._store.write() as db:
            row = db.execute(
                sa.select(packs.c.state, packs.c.uploaded_by, packs.c.sha256)
                .where(packs.c.id == pack_id, packs.c.branch == branch)
                .with_for_update()
            ).first()
            if row is None:
                raise PackProblem("there is no such pack")
            found = NEXT.get((row.state, act))
            if found is None:
                raise PackProblem(f"a pack that is {row.state} cannot be {act}d")
            state, right = found
            require(person, right, branch)
            if act == "approve" and row.uploaded_by == person.name and person.session:
                raise PackProblem("whoever offered a pack cannot approve it: ask somebody else")
            now = datetime.now(UTC)
            values: dict[str, Any] = {"state": state}
            values |= {"published_at": now} if act == "publish" else {"decided_by": person.name, "decided_at": now}
            db.execute(sa.update(packs).where(packs.c.id == pack_id).values(values))
            record.note(db, person.name, f"pack_{state}", branch=branch, subject=row.sha256[:16])
        return self._one(pack_id, branch)

    def published(self, branch: str) -> bytes | None:
        """The newest published file of a branch: what its terminals are given to activate."""
        wanted = sa.select(packs.c.data).where(packs.c.branch == branch, packs.c.state == "published")
        rows = self._store.rows(wanted.order_by(packs.c.version.desc()).limit(1))
        return bytes(rows[0]["data"]) if rows else None

    def _one(self, pack_id: int, branch: str) -> Pack:
        return next(pack for pack in self.packs([branch]) if pack.id == pack_id)

    def _forget(self, db: sa.Connection, branch: str) -> None:
        kept = sa.select(packs.c.id).where(packs.c.branch == branch).order_by(packs.c.id.desc()).limit(MAX_KEPT)
        here = sa.and_(packs.c.branch == branch, packs.c.state != "published")
        db.execute(sa.delete(packs).where(here, packs.c.id.not_in(kept)))


def _checked(data: bytes, keys: Sequence[str]) -> tuple[dict[str, str], str]:
    """What the terminal's own program says about the file. Raises `PackProblem`."""
    with tempfile.TemporaryDirectory(prefix="yingbin-pack-") as folder:
        file = Path(folder) / f"offered{SUFFIX}"
        file.write_bytes(data)
        command = [sys.executable, "-m", "kiosk.content", "check", str(file), "--quick"]
        command += [part for key in keys for part in ("--key", key)]
        try:
            ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=CHECK_S)
        except subprocess.TimeoutExpired as err:
            raise PackProblem("the check took too long") from err
    if ended.returncode not in (0, 1):
        raise PackProblem(f"not a pack that terminals would take: {_last_line(ended.stderr)}")
    found = _SUMMARY.search(ended.stdout)
    if found is None:
        raise PackProblem("the check did not say what the pack is")
    if ended.returncode == 1:
        raise PackProblem(f"the check found what must not be shipped: {_last_line(ended.stdout)}")
    return found.groupdict(), ended.stdout


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1][:300] if lines else "no reason given"
