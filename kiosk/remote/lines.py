"""The last lines of this process's own log, in memory: for a bundle, and told as they come for a while."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Final

from kiosk.remote.bundle import LONGEST_LINE, scrub

KEPT_LINES: Final = 2_000
TAIL_LINES: Final = 400  # that wait to be told; the oldest go


class LogLines(logging.Handler):
    """Keeps scrubbed lines. Attach it to the root logger; it takes lines of any thread."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        self._kept: deque[str] = deque(maxlen=KEPT_LINES)
        self._listener: Callable[[str], None] | None = None

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = scrub(self.format(record).replace("\n", " | ")[:LONGEST_LINE])
        except (ValueError, TypeError):  # a line that cannot be formatted is no reason to stop
            line = f"{record.levelname} {record.name}: cannot be formatted"
        self._kept.append(line)
        if self._listener is not None:
            self._listener(line)

    @property
    def lines(self) -> tuple[str, ...]:
        return tuple(self._kept)

    def follow(self, loop: asyncio.AbstractEventLoop) -> Tail:
        """Take the lines that come from now on, until `close`. One at a time: a second takes the place of the first."""
        tail = Tail(self)

        def heard(line: str) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(tail.waiting.append, line)

        self._listener = heard
        return tail

    def unfollow(self) -> None:
        self._listener = None


class Tail:
    """Lines that were written since it was last asked."""

    def __init__(self, lines: LogLines) -> None:
        self._lines = lines
        self.waiting: deque[str] = deque(maxlen=TAIL_LINES)

    def take(self) -> tuple[str, ...]:
        found = tuple(self.waiting)
        self.waiting.clear()
        return found

    def close(self) -> None:
        self._lines.unfollow()
