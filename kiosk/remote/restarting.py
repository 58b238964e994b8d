"""Asks whoever supervises the terminal's processes to end one and start it again: by a file of the part's name.

The core has no right over other processes. Under systemd a path unit watches the folder
(`systemd/yingbin-restart@.path`), elsewhere the small supervisor does; whoever may write there may restart these four,
nothing else. The file is taken away before the part is restarted: that is the answer.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from contracts import fleet as f
from kiosk.ports import Clock

TAKEN_WITHIN_S: Final = 5.0
LOOK_S: Final = 0.1


class RestartDesk:
    """`folder`: what is watched. `kept`: a file that outlives the core, with the order that it ends for."""

    def __init__(self, folder: Path, kept: Path, clock: Clock) -> None:
        self._folder, self._kept, self._clock = folder, kept, clock
        folder.mkdir(parents=True, exist_ok=True)
        self.own = False  # this core ends because it is to be started again

    async def ask(self, part: f.Part) -> bool:
        """Ask; whether somebody took it within 5 s. Raises OSError."""
        wish = self._folder / part
        beside = wish.with_name(f".{part}.part")
        beside.write_text("\n", "ascii")
        beside.replace(wish)
        waited_s = 0.0
        while waited_s < TAKEN_WITHIN_S:
            if not wish.exists():
                return True
            await self._clock.sleep(LOOK_S)
            waited_s += LOOK_S
        wish.unlink(missing_ok=True)
        return False

    async def ask_own(self, number: int) -> bool:
        """Ask for the core's own end; the next one finds the number of the order. Raises OSError."""
        with self._kept.open("w", encoding="ascii") as file:
            file.write(str(number))
            file.flush()
            os.fsync(file.fileno())
        self.own = True
        if await self.ask("core"):
            return True
        self.own = False
        self._kept.unlink(missing_ok=True)
        return False

    def came_back(self) -> int:
        """The order that the core before this one was ended for; 0: none. Asked once."""
        try:
            number = int(self._kept.read_text("ascii"))
        except (OSError, ValueError):
            number = 0
        self._kept.unlink(missing_ok=True)
        return number
