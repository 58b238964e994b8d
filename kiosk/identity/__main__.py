"""`python -m kiosk.identity list | export | erase | expire | ledger | check`: what is kept of faces, for whoever
answers for it. Subjects are this terminal's pseudonyms; or a document's number with `--document`, read from
standard input so that it stands in no shell's history.
"""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from config.schema import load_site
from kiosk.adapters.keystore import open_keystore
from kiosk.identity.census import in_files
from kiosk.identity.consent import Act, ConsentLedger, Entry, LedgerBroken, stamp
from kiosk.identity.templates import TemplateDamaged, TemplateStore
from kiosk.live import state_root

app = typer.Typer(add_completion=False, no_args_is_help=True, help="What is kept of faces on this terminal.")
State = Annotated[Path | None, typer.Option(help="the terminal's state; by default where `kiosk run` keeps it")]
Subject = Annotated[str, typer.Option(help="a pseudonym, as `list` shows it")]
Document = Annotated[bool, typer.Option("--document", help="the document's number is read from standard input")]


def _open(state: Path | None) -> tuple[TemplateStore, ConsentLedger, Path]:
    root = state or state_root()
    folder = root / "identity"
    keys = open_keystore(load_site().identity, folder)
    return TemplateStore(folder / "templates", keys), ConsentLedger(folder / "consents"), root


def _who(store: TemplateStore, subject: str, document: bool) -> str:
    if document:
        return store.subject(sys.stdin.readline().strip().upper())
    if not subject:
        raise typer.BadParameter("one of --subject and --document is needed")
    return subject


def _note(ledger: ConsentLedger, act: Act, subject: str) -> None:
    ledger.note(
        Entry(at=stamp(datetime.now().astimezone()), act=act, purpose="keep_template", text="", subject=subject)
    )


def _say(told: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(told, ensure_ascii=False) + "\n")


@app.command("list")
def list_command(state: State = None) -> None:
    """Pseudonyms of whoever asked to be known again."""
    store, _, _ = _open(state)
    _say({"subjects": list(store.subjects())})


@app.command("export")
def export_command(subject: Subject = "", document: Document = False, state: State = None) -> None:
    """Everything that is kept of somebody: the template, its last day, what was agreed to and when."""
    store, ledger, _ = _open(state)
    who = _who(store, subject, document)
    try:
        kept = store.export(who, datetime.now().astimezone().date())
    except TemplateDamaged as err:
        kept = {"damaged": str(err)}
    acts = [
        {"at": e.at, "act": e.act, "purpose": e.purpose, "text": e.text} for e in ledger.entries() if e.subject == who
    ]
    _note(ledger, "exported", who)
    _say({"template": kept, "acts": acts})


@app.command("erase")
def erase_command(
    subject: Subject = "",
    document: Document = False,
    everybody: Annotated[bool, typer.Option("--everybody", help="all templates, and their key")] = False,
    state: State = None,
) -> None:
    """Forget somebody, or everybody."""
    store, ledger, _ = _open(state)
    if everybody:
        count = store.erase_all()
        _note(ledger, "erased", "")
        _say({"erased": count})
        return
    who = _who(store, subject, document)
    gone = store.erase(who)
    if gone:
        _note(ledger, "erased", who)
    _say({"erased": int(gone)})


@app.command("expire")
def expire_command(state: State = None) -> None:
    """What is past its last day goes; the terminal does so itself every day."""
    store, ledger, _ = _open(state)
    now = datetime.now().astimezone()
    gone = store.sweep(now.date())
    for who in gone:
        _note(ledger, "expired", who)
    _say({"expired": len(gone), "months_of_the_ledger": ledger.sweep(now)})


@app.command("ledger")
def ledger_command(state: State = None) -> None:
    """Check the chain of the ledger and count its acts."""
    _, ledger, _ = _open(state)
    try:
        acts = [entry.act for entry in ledger.entries()]
    except LedgerBroken as err:
        _say({"whole": False, "because": str(err)})
        raise typer.Exit(1) from None
    _say({"whole": True, "acts": {act: acts.count(act) for act in sorted(set(acts))}})


@app.command("check")
def check_command(state: State = None) -> None:
    """Look for pictures and arrays among the terminal's files: there must be none."""
    _, _, root = _open(state)
    found = in_files(root)
    _say({"suspect": [str(path.relative_to(root)) for path in found]})
    if found:
        raise typer.Exit(1)


if __name__ == "__main__":
    app()
