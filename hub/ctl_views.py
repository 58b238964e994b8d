"""What yingbinctl shows: tables and bars of Rich, made of the API's answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.console import Group
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

STATE_STYLES: Final = {
    "finished": "green", "running": "cyan", "soaking": "cyan", "waiting": "yellow", "paused": "yellow",
    "returning": "magenta", "returned": "red", "stopped": "red",
}  # fmt: skip
ENDED: Final = ("done", "failed", "returned", "stuck", "left_out")


def terminals_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """One line a terminal."""
    table = Table("terminal", "", "release", "wanted", "region", "tags", "°C", "alarms", box=None)
    for one in rows:
        here = Text("online", "green") if one["online"] else Text("offline", "red")
        wanted = "" if one["wanted"] in ("", one["version"]) else f"{one['wanted']} {one['rollout']}"
        warm = "" if one["temperature_c"] is None else f"{one['temperature_c']:.0f}"
        alarms = Text(str(one["alarms"]), "red") if one["alarms"] else Text("")
        name = f"{one['branch']}/{one['device']}"
        table.add_row(name, here, one["version"], wanted, one["region"], " ".join(one["tags"]), warm, alarms)
    return table


def terminal_table(one: Mapping[str, Any]) -> Table:
    """Everything of one terminal, by lines."""
    table = Table(show_header=False, box=None, title=f"{one['branch']}/{one['device']}")
    plain = ("online", "since", "seen", "region", "hardware", "version", "wanted", "rollout", "temperature_c",
             "free_disk_bytes", "pending", "uptime_s", "out_of_service")  # fmt: skip
    for name in plain:
        if one[name] not in (None, ""):
            table.add_row(name, str(one[name]))
    table.add_row("tags", " ".join(one["tags"]))
    table.add_row("missing", ", ".join(one["missing"]) or "nothing")
    for row in one["alarms_now"]:
        table.add_row("alarm", Text(f"{row['kind']} {row['detail']} since {row['since']}", "red"))
    for row in one["certificates"][:3]:
        table.add_row("certificate", f"{row['serial'][:12]} until {row['not_after']} {row['reason']}")
    for row in one["orders"][:5]:
        table.add_row(
            "order", f"{row['id']} {row['act']['kind']} {row['state']} {' '.join(row['codes'])} {row['reason']}"
        )
    for row in one["rollouts"][:5]:
        table.add_row("roll-out", f"{row['campaign']} {row['state']} {row['reason']}")
    for row in one["events"][:8]:
        table.add_row("event", f"{row['at']} {row['kind']}")
    return table


def alarms_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """One line an alarm, or a group of them."""
    table = Table("alarm", "where", "detail", "since", "", box=None)
    for one in rows:
        devices = one["devices"]
        alone = f"{one['branch']}/{devices[0]}".rstrip("/")  # no terminal: the whole branch
        where = alone if len(devices) == 1 else f"{one['branch']}: {len(devices)} terminals"
        table.add_row(one["kind"], where, one["detail"], one["since"][:16], "silent" if one["silent"] else "")
    return table


def rollouts_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """One line a roll-out."""
    table = Table("roll-out", "name", "release", "status", "wave", "done", "failed", "of", box=None)
    for one in rows:
        counts = one["counts"]
        status = Text(f"{one['status']} {one['reason']}".strip(), STATE_STYLES.get(one["status"], ""))
        wave = f"{one['wave']}/{len(one['waves'])}"
        done, failed = str(counts.get("done", 0)), str(counts.get("failed", 0))
        table.add_row(one["campaign"], one["name"], one["version"], status, wave, done, failed, str(one["terminals"]))
    return table


def rollout_table(one: Mapping[str, Any]) -> Table:
    """One roll-out: a bar a wave, and what happened last."""
    head = f"{one['campaign']} · {one['name']} → {one['version']} · {one['status']} {one['reason']}".rstrip()
    table = Table("wave", "", "done", "failed", "in hand", "absent", "of", box=None, title=head)
    for number, wave in enumerate(one["waves"], 1):
        counts = wave["counts"]
        total = sum(counts.values())
        ended = sum(counts.get(state, 0) for state in ENDED)
        bar = ProgressBar(total=max(total, 1), completed=ended, width=40)
        in_hand = sum(counts.get(state, 0) for state in ("asked", "working", "retrying", "returning"))
        row = (counts.get("done", 0), counts.get("failed", 0), in_hand, counts.get("absent", 0), total)
        table.add_row(f"{'▸' if number == one['wave'] else ' '} {number}", bar, *(str(value) for value in row))
    lines = [Text(f"{row['n']} {row['what']} {row['branch']} {row['device']} {row['reason']}") for row in
             one.get("journal", [])[-6:]]  # fmt: skip
    if lines:
        table.add_row("", Group(*lines))
    return table
