"""The account of a recorded visit as a table for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from kiosk.scenario.report import LATENCY_PARTS

UNTOLD: Final = ("id", "device", "seq", "kind", "visit", "at", "body", "latency_ms", "issued_at", "changed_at")
TOLD: Final = {
    "approach": "somebody walks up",
    "visit_started": "visit begins",
    "greeted": "greeted",
    "visitor_said": "visitor speaks",
    "nothing_heard": "no words in it",
    "turn": "understood",
    "said": "she said",
    "cut": "interrupted",
    "pressed": "touch",
    "ticket": "ticket",
    "opinion": "opinion",
    "page": "page",
    "leave": "walks away",
    "visit_ended": "visit ends, all forgotten",
    "device": "device",
    "stage_failed": "a stage failed",
}


def show(account: Mapping[str, Any], console: Console) -> None:
    """Print moments, turns with their delays, the ticket, and what reached the hub."""
    console.print(_moments(account))
    console.print(_turns(account))
    console.print(_rows(account))
    ticket = account.get("ticket")
    if ticket:
        console.print(
            f"Ticket [bold]{ticket['number']}[/] ({ticket['service']}), at the hub: {account['ticket_at_hub']}"
        )
    for failure in account["failures"]:
        console.print(f"[red]not as expected:[/] {failure}")
    console.print("[green]Everything the scenario expects happened.[/]" if account["ok"] else "[red]Not ok.[/]")


def _moments(account: Mapping[str, Any]) -> Table:
    table = Table(title=f"{account['scenario']}: {account['title']}", title_justify="left")
    for name in ("s", "moment", "what"):
        table.add_column(name, justify="right" if name == "s" else "left")
    for moment in account["moments"]:
        if moment["kind"] in TOLD:
            table.add_row(f"{moment['at_s']:.1f}", TOLD[moment["kind"]], _what(moment))
    return table


def _what(moment: Mapping[str, Any]) -> str:
    match moment["kind"]:
        case "turn":
            return f"“{moment['heard']}” → {moment['intent']} ({moment['confidence']:.2f})"
        case "said" | "visitor_said":
            return str(moment["text"])
        case "ticket":
            return f"{moment['number']}, {'printed' if moment['printed'] else 'not printed'}"
    facts = {key: value for key, value in moment.items() if key not in ("at_s", "kind")}
    return ", ".join(f"{key} {value}" for key, value in facts.items())


def _turns(account: Mapping[str, Any]) -> Table:
    table = Table(title="Delay of each spoken turn, in ms from the end of speech", title_justify="left")
    table.add_column("said")
    table.add_column("heard")
    for part in LATENCY_PARTS:
        table.add_column(part, justify="right")
    for turn in account["turns"]:
        parts = turn["latency_ms"]
        table.add_row(turn["reference"], turn["heard"], *(f"{parts[part]:.0f}" for part in LATENCY_PARTS))
    return table


def _rows(account: Mapping[str, Any]) -> Table:
    table = Table(title="What reached the hub", title_justify="left")
    for name in ("number", "kind", "what"):
        table.add_column(name)
    for row in account["hub_rows"]:
        told = {**row, **row.get("body", {})}
        rest = ", ".join(f"{key} {value}" for key, value in told.items() if key not in UNTOLD and value)
        table.add_row(str(row.get("seq", "")), str(row.get("kind", "")), rest)
    return table
