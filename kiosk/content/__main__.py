"""Packs from the command line: `python -m kiosk.content check|build|keygen|activate|rollback|show|group|teach`.

`check` reads a source folder or a built file and shows what to look at; `build` makes the signed file of a source;
`group` heaps sentences that were not understood, `teach` makes a source with what an editor accepted (both speak JSON);
`keygen` makes a key; `activate`, `rollback` and `show` act on the packs of the site in force (`[content]`).
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from config.intents import load_intents
from config.load import ConfigError
from config.schema import load_site
from kiosk.content.check import Finding, check, check_meaning
from kiosk.content.chosen import store_for
from kiosk.content.decision import WeightsError
from kiosk.content.finder import FinderMaker
from kiosk.content.learn import Heard, Lesson, heaps, teach
from kiosk.content.pack import Pack
from kiosk.content.sealed import SUFFIX, PackRefused, Sealed, public_hex, seal, unseal
from kiosk.content.source import load_source
from kiosk.content.store import PackStore
from models.intent_features import feature_names
from models.sentences import SentenceModel
from models.store import Store, StoreError, cache_root

MAX_STDIN: Final = 4_000_000
FATAL: Final = ("expired", "contradictory", "missing_translation")
"""Findings with which nobody should build a pack."""


def main(argv: Sequence[str] | None = None) -> int:
    """0: done; 1: something to look at; 2: refused or called wrongly."""
    told = _parser().parse_args(argv)
    commands: dict[str, Callable[[argparse.Namespace], int]] = {
        "check": _check,
        "build": _build,
        "keygen": _keygen,
        "activate": _activate,
        "rollback": _rollback,
        "show": _show,
        "group": _group,
        "teach": _teach,
    }
    try:
        return commands[told.command](told)
    except (ConfigError, PackRefused, StoreError, WeightsError, OSError, ValueError) as err:
        sys.stderr.write(f"{err}\n")
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m kiosk.content", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("check", help="what to look at in a pack")
    one.add_argument("pack", type=Path, help=f"folder of a source, or a built *{SUFFIX}")
    one.add_argument("--key", action="append", default=[], help="public key that a built pack must be signed with")
    one.add_argument("--quick", action="store_true", help="without models: no questions are tried")
    one = commands.add_parser("build", help="make the signed file of a source")
    one.add_argument("source", type=Path)
    one.add_argument("--key", type=Path, help="private key; without it the pack is unsigned and no terminal takes it")
    one.add_argument("--out", type=Path, required=True)
    one.add_argument("--previous", type=Path, help="the built pack before this one")
    one = commands.add_parser("keygen", help="make a private key and show its public key")
    one.add_argument("--out", type=Path, required=True)
    one = commands.add_parser("activate", help="take a built pack on this terminal")
    one.add_argument("pack", type=Path)
    commands.add_parser("rollback", help="go back to the pack before")
    commands.add_parser("show", help="the pack in force")
    one = commands.add_parser("group", help="heap sentences (JSON on standard input) by what they want")
    one.add_argument("source", type=Path)
    one = commands.add_parser("teach", help="a new source with accepted lessons (JSON on standard input) in it")
    one.add_argument("source", type=Path)
    one.add_argument("--out", type=Path, required=True, help="a folder that is not there yet")
    one.add_argument("--version", type=int, required=True)
    return parser


def _check(told: argparse.Namespace) -> int:
    intents = load_intents()
    if told.pack.is_dir():
        pack = load_source(told.pack, intents)
    else:
        keys = told.key or load_site().content.public_keys
        pack = unseal(told.pack.read_bytes(), keys, intents).pack
    findings = list(check(pack, datetime.now().date()))
    findings += [] if told.quick else _with_models(pack)
    for found in findings:
        sys.stdout.write(f"{found.kind}: {found.where}: {found.what}\n")
    fatal = sum(found.kind in FATAL for found in findings)
    sys.stdout.write(
        f"{pack.bank}/{pack.branch} version {pack.version}: {len(pack.entries)} entries, {len(pack.figures)} figures, "
        f"{len(findings)} to look at, {fatal} of them not to be shipped\n"
    )
    return 1 if fatal else 0


def _with_models(pack: Pack) -> list[Finding]:
    encoder = SentenceModel(Store().open("sentences"))
    finder = FinderMaker(encoder, feature_names)(pack)
    return list(check_meaning(pack, encoder, finder.index))


def _build(told: argparse.Namespace) -> int:
    intents = load_intents()
    key = None
    if told.key:
        held = load_pem_private_key(told.key.read_bytes(), password=None)
        if not isinstance(held, Ed25519PrivateKey):
            raise ValueError(f"{told.key}: not an Ed25519 key")
        key = held
    before: Sealed | None = None
    if told.previous:
        if key is None:
            raise ValueError("--previous wants --key: a pack follows one that was signed")
        before = unseal(told.previous.read_bytes(), (public_hex(key.public_key()),), intents)
    pack = load_source(told.source, intents)
    if before and before.pack.version >= pack.version:
        raise ValueError(f"{told.source / 'pack.yaml'}: version {pack.version} does not follow {before.pack.version}")
    data = seal(pack, key, before)
    told.out.write_bytes(data)
    sys.stdout.write(f"{told.out}: version {pack.version}, {len(data)} bytes, {'signed' if key else 'UNSIGNED'}\n")
    return 0


def _keygen(told: argparse.Namespace) -> int:
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    # Never over an existing key, and never readable for others.
    with os.fdopen(os.open(told.out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
    sys.stdout.write(f"{public_hex(key.public_key())}\n")
    return 0


def _site_store() -> PackStore:
    store = store_for(load_site(), load_intents())
    if store is None:
        raise ConfigError("the site trusts no key: [content] public_keys is empty, so it uses the unsigned source")
    return store


def _activate(told: argparse.Namespace) -> int:
    return _shown(_site_store().activate(told.pack, datetime.now()))


def _rollback(_: argparse.Namespace) -> int:
    return _shown(_site_store().rollback())


def _show(_: argparse.Namespace) -> int:
    active = _site_store().active()
    if active is None:
        sys.stdout.write("no pack is in force\n")
        return 1
    return _shown(active)


def _group(told: argparse.Namespace) -> int:
    heard = msgspec.json.decode(sys.stdin.buffer.read(MAX_STDIN), type=list[Heard])
    pack = load_source(told.source, load_intents())
    store = Store()
    encoder = SentenceModel(store.open("sentences"))
    memory = cache_root() / "content" / "group.npz"
    finder = FinderMaker(encoder, feature_names, name=store.folder("sentences").name, memory=memory)(pack)
    sys.stdout.write(msgspec.json.encode(heaps(heard, pack, encoder, finder.index)).decode() + "\n")
    return 0


def _teach(told: argparse.Namespace) -> int:
    lessons = msgspec.json.decode(sys.stdin.buffer.read(MAX_STDIN), type=list[Lesson])
    intents, today = load_intents(), datetime.now().date()
    taught = teach(told.source, told.out, lessons, load_source(told.source, intents), today, told.version)
    fatal = [one for one in check(load_source(told.out, intents), today) if one.kind in FATAL]
    for found in fatal:
        sys.stderr.write(f"{found.kind}: {found.where}: {found.what}\n")
    sys.stdout.write(msgspec.json.encode(asdict(taught)).decode() + "\n")
    return 1 if fatal else 0


def _shown(active: Sealed) -> int:
    pack = active.pack
    sys.stdout.write(
        f"{pack.bank}/{pack.branch} version {pack.version}, issued {pack.issued.isoformat()}, valid until "
        f"{pack.valid_until.isoformat()}, approved by {pack.approved_by}, {len(pack.entries)} entries, "
        f"manifest {active.hash[:16]}, signed with {active.key[:16]}\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
