"""Scenes that were heard already, kept in a file: a long measurement may be cut and taken up again.

The file begins with a line that says what is measured; then comes a line for each scene. What stands in it is as
little as the figures need, no words of the test split. One state of the program, one file: nothing tells here that the
program has changed meanwhile.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

Found = dict[str, Any]
MOST_BYTES: Final = 4_000_000  # the whole bench writes a hundred thousand


class Kept:
    """What was found in each scene. Without a file everything is measured and nothing kept."""

    def __init__(self, path: Path | None = None, about: Mapping[str, Any] | None = None) -> None:
        """`about`: what a file must have been begun with. Raises `ValueError` naming the file and what is wrong."""
        self._path = path
        self._found: dict[tuple[str, int], Found] = {}
        self.tally_again = 0  # scenes that were not heard anew
        if path is None:
            return
        first = json.dumps(dict(about or {}), sort_keys=True)
        if path.exists():
            self._load(path, first)
        else:
            path.write_text(first + "\n", "utf-8")

    def _load(self, path: Path, first: str) -> None:
        if path.stat().st_size > MOST_BYTES:
            raise ValueError(f"{path}: larger than {MOST_BYTES} bytes, so it is not kept scenes")
        text = path.read_text("utf-8", errors="replace")
        lines = text.splitlines()
        if text and not text.endswith("\n"):  # it was ended in the middle of a line: that scene is heard again
            lines.pop()
            path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
        if not lines or lines[0] != first:
            raise ValueError(f"{path}: begun for something else: its first line is not {first}")
        for number, line in enumerate(lines[1:], start=2):
            try:
                row = json.loads(line)
                self._found[row["part"], row["scene"]] = dict(row["found"])
            except (ValueError, KeyError, TypeError) as err:
                raise ValueError(f"{path}:{number}: no scene") from err

    def scene(self, part: str, number: int, hear: Callable[[], Found]) -> Found:
        """What was found in a scene of a part, from the file where it stands there."""
        known = self._found.get((part, number))
        if known is not None:
            self.tally_again += 1
            return known
        found = hear()
        if self._path is not None:
            line = json.dumps({"part": part, "scene": number, "found": found}, ensure_ascii=False)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
        return found
