"""Accounts, the record and published packs from the command line, by whoever may write the database."""

from __future__ import annotations

import getpass
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from config.routing import load_routing
from hub.accounts import record
from hub.accounts.accounts import Accounts
from hub.accounts.rights import read_grant
from hub.knowledge import Knowledge
from hub.store import Store
from hub.together import signed
from hub.video.acts import enrol
from hub.video.pool import Pool


def account(database: str, act: str, name: str, granted: Sequence[str]) -> int:
    """add, password, grant, disable or list. Raises ValueError that says what is wrong."""
    store = Store(database)
    accounts, by = Accounts(store), f"command:{getpass.getuser()}"
    try:
        match act:
            case "add":
                accounts.add(name, _password(), [read_grant(one) for one in granted], by=by)
            case "password":
                accounts.set_password(name, _password(), by=by)
            case "grant":
                accounts.set_grants(name, [read_grant(one) for one in granted], by=by)
            case "disable":
                accounts.disable(name, by=by)
            case "list":
                for one, grants in accounts.names().items():
                    sys.stdout.write(f"{one}\t{' '.join(grants)}\n")
            case _:
                raise ValueError(f"{act!r} is none of add, password, grant, disable, list")
    finally:
        store.close()
    return 0


def teller(database: str, name: str, profile: Mapping[str, Any]) -> int:
    """What a teller can do, from now on; what is not given stays as it is."""
    store = Store(database)
    try:
        with store.write() as db:
            pool = Pool(db, load_routing(), datetime.now(UTC))
            enrol(pool, name, **profile)
            record.note(db, f"command:{getpass.getuser()}", "teller_skills", subject=name)
    finally:
        store.close()
    return 0


def check_record(database: str, act: str, kept: Path | None) -> int:
    """`heads` writes each chain's length and last hash as JSON; `verify` returns 1 where a chain does not hold."""
    store = Store(database)
    try:
        if act == "heads":
            sys.stdout.write(json.dumps(record.heads(store)) + "\n")
            return 0
        if act != "verify":
            raise ValueError(f"{act!r} is neither verify nor heads")
        earlier = (
            None if kept is None else {key: tuple(one) for key, one in json.loads(kept.read_text("utf-8")).items()}
        )
        broken = record.verify(store, earlier)
        for one in broken:
            sys.stdout.write(f"{one.branch or '(no branch)'}: row {one.n} is {one.why}\n")
        chains = record.heads(store)
        sys.stdout.write(f"{len(chains)} chains, {sum(n for n, _ in chains.values())} rows, {len(broken)} broken\n")
        return 1 if broken else 0
    finally:
        store.close()


def check_signed(database: str, act: str, case: str, since: datetime) -> int:
    """`list` writes who signed what when, a line of JSON each; `verify` returns 1 where a document does not hold."""
    store = Store(database)
    try:
        if act == "list":
            for row in signed.listed(store, since):
                sys.stdout.write(json.dumps(row, default=str) + "\n")
            return 0
        if act != "verify":
            raise ValueError(f"{act!r} is neither verify nor list")
        count, broken = signed.verify(store, case)
        for one in broken:
            sys.stdout.write(f"{one.branch}: {one.case}: {one.session}: the {one.why} does not hold\n")
        chains = record.verify(store)
        for chain in chains:
            sys.stdout.write(f"{chain.branch or '(no branch)'}: row {chain.n} of the record is {chain.why}\n")
        sys.stdout.write(f"{count} signed documents, {len(broken)} broken; {len(chains)} chains of the record broken\n")
        return 1 if broken or chains else 0
    finally:
        store.close()


def write_pack(database: str, branch: str, out: Path) -> int:
    """Raises ValueError where nothing is published."""
    store = Store(database)
    try:
        data = Knowledge(store).published(branch)
    finally:
        store.close()
    if data is None:
        raise ValueError(f"no pack of {branch} is published")
    out.write_bytes(data)
    return 0


def _password() -> str:
    if sys.stdin.isatty():
        return getpass.getpass("password: ")
    return sys.stdin.readline().rstrip("\n")
