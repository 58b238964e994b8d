"""Where a score becomes a yes or a no: each number with the data it was chosen on, the day, the method, the counts.

A threshold without its origin is refused when it is read. Nothing is decided here.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).parent
ORIGIN: Final = ("data", "date", "method", "counts")


class ThresholdError(ValueError):
    """The file is not there, or a number in it has no origin; the message names both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """One number and where it is from."""

    name: str
    value: float
    unit: str
    data: str
    date: str
    method: str
    counts: dict[str, int]


@cache
def load(family: str, folder: Path = FOLDER) -> dict[str, Threshold]:
    """The thresholds of `family`.toml by name. Raises `ThresholdError`."""
    path = folder / f"{family}.toml"
    try:
        read = tomllib.loads(path.read_text("utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as err:
        raise ThresholdError(f"{path}: {err}") from err
    origins = read.pop("origin", {})
    return {name: _one(path, name, row, origins) for name, row in read.items()}


def _one(path: Path, name: str, row: dict[str, Any], origins: dict[str, Any]) -> Threshold:
    if not isinstance(row, dict) or not isinstance(row.get("value"), int | float):
        raise ThresholdError(f"{path}: {name} has no value")
    origin = {**origins.get(row.get("origin", ""), {}), **row}
    missing = [part for part in ORIGIN if not origin.get(part)]
    if missing:
        raise ThresholdError(f"{path}: {name} does not say its {', '.join(missing)}")
    return Threshold(
        name=name,
        value=float(row["value"]),
        unit=str(row.get("unit", "")),
        data=str(origin["data"]),
        date=str(origin["date"]),
        method=str(origin["method"]),
        counts=dict(origin["counts"]),
    )
