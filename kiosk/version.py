"""The version of this checkout, as told to the hub."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Final


def _read() -> str:
    with (Path(__file__).parent.parent / "pyproject.toml").open("rb") as file:
        return str(tomllib.load(file)["project"]["version"])


VERSION: Final = _read()
