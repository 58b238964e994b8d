"""The record of who did what: rows in chains, so that a changed or missing one is found.

Each row's hash covers its own words and the hash before it. Whoever can write the database can still forge a
whole chain or cut off its end; `heads` are therefore worth keeping elsewhere (`python -m hub record heads`), and
`verify` compares with them. No row carries a visitor's words; ticket numbers are as public as the board.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa

from hub.accounts.tables import audit
from hub.store import Store

START: Final = "0" * 64
PAGE: Final = 1_000
LOCK: Final = 0x59425543  # PostgreSQL's advisory lock class: one writer a chain


@dataclass(frozen=True, slots=True)
class Broken:
    """Where a chain does not hold."""

    branch: str
    n: int
    why: str


def note(
    db: sa.Connection, person: str, act: str, *, branch: str = "", subject: str = "", outcome: str = "done"
) -> None:
    """Add one row, in the transaction that does what it tells of."""
    if db.dialect.name == "postgresql":
        key = int.from_bytes(hashlib.sha256(branch.encode()).digest()[:4], signed=True)
        db.execute(sa.text("SELECT pg_advisory_xact_lock(:lock, :key)"), {"lock": LOCK, "key": key})
    last = db.execute(
        sa.select(audit.c.n, audit.c.hash).where(audit.c.branch == branch).order_by(audit.c.n.desc()).limit(1)
    ).first()
    row = {
        "branch": branch,
        "n": 1 if last is None else last.n + 1,
        "at": datetime.now(UTC).isoformat(),
        "person": person[:80],
        "act": act[:40],
        "subject": subject[:80],
        "outcome": outcome[:40],
    }
    db.execute(sa.insert(audit).values(**row, hash=_hash(START if last is None else last.hash, row)))


def verify(store: Store, heads: Mapping[str, tuple[int, str]] | None = None) -> list[Broken]:
    """Walk every chain; what does not hold, at most one finding a chain. `heads` are those kept elsewhere."""
    found: dict[str, Broken] = {}
    seen: dict[tuple[str, int], str] = {}
    previous: dict[str, tuple[int, str]] = {}
    for row in _rows(store):
        branch = row["branch"]
        if branch in found:
            continue
        n, before = previous.get(branch, (0, START))
        content = {key: row[key] for key in ("branch", "n", "at", "person", "act", "subject", "outcome")}
        if row["n"] != n + 1:
            found[branch] = Broken(branch, n + 1, "missing")
        elif _hash(before, content) != row["hash"]:
            found[branch] = Broken(branch, row["n"], "changed")
        previous[branch] = (row["n"], row["hash"])
        if heads and branch in heads and heads[branch][0] == row["n"]:
            seen[(branch, row["n"])] = row["hash"]
    for branch, (n, expected) in (heads or {}).items():
        if branch not in found and seen.get((branch, n)) != expected:
            found[branch] = Broken(branch, n, "not what was kept elsewhere")
    return [found[branch] for branch in sorted(found)]


def heads(store: Store) -> dict[str, tuple[int, str]]:
    """Each chain's length and last hash."""
    newest = sa.select(audit.c.branch, sa.func.max(audit.c.n).label("n")).group_by(audit.c.branch).subquery()
    wanted = sa.select(audit.c.branch, audit.c.n, audit.c.hash).join(
        newest, sa.and_(newest.c.branch == audit.c.branch, newest.c.n == audit.c.n)
    )
    return {row["branch"]: (row["n"], row["hash"]) for row in store.rows(wanted)}


def _rows(store: Store) -> Iterator[dict[str, Any]]:
    """Every row in order, a page at a time: the record may be long."""
    after: sa.ColumnElement[bool] = sa.true()
    while True:
        page = store.rows(sa.select(audit).where(after).order_by(audit.c.branch, audit.c.n).limit(PAGE))
        yield from page
        if len(page) < PAGE:
            return
        after = sa.tuple_(audit.c.branch, audit.c.n) > (page[-1]["branch"], page[-1]["n"])


def _hash(previous: str, row: Mapping[str, object]) -> str:
    return hashlib.sha256((previous + json.dumps(row, sort_keys=True, ensure_ascii=False)).encode()).hexdigest()
