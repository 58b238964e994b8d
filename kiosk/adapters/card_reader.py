"""A simulated card reader: what lies in it stands in a small file. There is no real one yet."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from kiosk.banking.ports import Held

MOST_BYTES: Final = 1000


class SimulatedCardReader:
    """Reads `{"kind": "document", "number": "…", "name": "…"}` from a file, the name at will; no file, or anything else
    in it: nothing lies there."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def holding(self) -> Held | None:
        try:
            if self._path.stat().st_size > MOST_BYTES:
                return None
            return msgspec.json.decode(self._path.read_bytes(), type=Held)
        except (OSError, msgspec.DecodeError):
            return None

    def insert(self, held: Held) -> None:
        """Put a simulated card or document in."""
        self._path.write_bytes(msgspec.json.encode(held))

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)
