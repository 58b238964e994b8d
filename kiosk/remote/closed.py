"""Whether the terminal is out of service: a file that is there or not, so that it survives a start."""

from __future__ import annotations

import os
from pathlib import Path


class OutOfServiceMark:
    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def on(self) -> bool:
        return self._path.exists()

    def set(self, on: bool) -> None:
        """On disk when this returns. Raises OSError."""
        if not on:
            self._path.unlink(missing_ok=True)
        else:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("w", encoding="ascii") as file:
                file.write("on\n")
                file.flush()
                os.fsync(file.fileno())
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
