"""The glass as a lamp: a colour over the whole page, and the moment at which the screen process had it shown."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from kiosk.identity.ports import Flash

Paint = Callable[[str], int | None]
"""Colours the page ('#rrggbb'; '': its usual look); the snapshot's revision, None: no face is looked at."""


class ScreenLight(Flash):
    """`paint` is given by whoever has the page; `drawn` is told of every snapshot that is on the glass."""

    def __init__(self) -> None:
        self.paint: Paint = lambda colour: None
        self.late = 0  # colours that nobody said to have shown in time
        self._wanted = 0
        self._waiting: asyncio.Future[int] | None = None

    def drawn(self, revision: int, at_ns: int) -> None:
        """Snapshot `revision`, or a newer one, is on the glass since `at_ns`."""
        if self._waiting is not None and not self._waiting.done() and revision >= self._wanted:
            self._waiting.set_result(at_ns)

    async def show(self, rgb: tuple[int, int, int] | None, within_s: float) -> int | None:
        self._waiting = asyncio.get_running_loop().create_future()
        try:
            revision = self.paint("" if rgb is None else "#{:02x}{:02x}{:02x}".format(*rgb))
            if revision is None or rgb is None:
                return None
            self._wanted = revision
            return await asyncio.wait_for(self._waiting, within_s)
        except TimeoutError:
            self.late += 1
            return None
        finally:
            self._waiting = None
