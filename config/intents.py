"""The list of wishes: one row an intent, with its names in both languages and where it leads."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, cast, get_args

from config.load import ConfigError
from config.schema import CONFIG_DIR

INTENTS_FILE: Final = CONFIG_DIR / "intents.tsv"
Route = Literal["ticket", "self", "staff", "video", "verify", "act"]


@dataclass(frozen=True, slots=True)
class IntentRow:
    """One wish. `route`: who serves it. `zh`, `en`: its name as a visitor would read it."""

    id: str
    group: str
    zh: str
    en: str
    slots: tuple[str, ...]
    route: Route


def load_intents(path: Path = INTENTS_FILE) -> dict[str, IntentRow]:
    """Read the table. Raises `ConfigError` naming the line."""
    rows: dict[str, IntentRow] = {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for line, row in enumerate(csv.DictReader(file, delimiter="\t"), start=2):
                if row["route"] not in get_args(Route):
                    raise ConfigError(f"{path}:{line}: route: '{row['route']}'; allowed: {', '.join(get_args(Route))}")
                slots = tuple(slot.strip() for slot in row["slots"].split(",") if slot.strip() not in ("", "-"))
                rows[row["id"]] = IntentRow(
                    row["id"], row["group"], row["zh"], row["en"], slots, cast(Route, row["route"])
                )
    except (OSError, KeyError, csv.Error) as err:
        raise ConfigError(f"{path}: {err}") from err
    if not rows:
        raise ConfigError(f"{path}: the file is empty")
    return rows
