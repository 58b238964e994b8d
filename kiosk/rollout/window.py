"""Which chunks to ask for now: a few on their way at a time, more where the line carries it, again when none came.

Pure: it is told what arrived and when. Bytes are asked for twice only where nothing at all arrived for long, or the
connection was lost with them on their way.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable
from typing import Final

WIDEST: Final = 12
FIRST: Final = 2
SILENT_S: Final = 20.0  # nothing arrives for so long: what was asked for is lost
LONGEST_S: Final = 600.0
REFUSED_MOST: Final = 8  # bad or absent answers in a row, then a pause as for silence


class Window:
    """Chunks by name, in the order in which they are needed. Times are monotonic seconds."""

    def __init__(self, wanted: Iterable[str], *, widest: int = WIDEST, silent_s: float = SILENT_S) -> None:
        self._todo: deque[str] = deque(OrderedDict.fromkeys(wanted))
        self._asked: dict[str, None] = {}
        self._widest, self._width = widest, float(min(FIRST, widest))
        self._silent_s, self._pause_s = silent_s, silent_s
        self._heard_s: float | None = None
        self._refused = 0
        self._not_before_s = 0.0
        self.tally_asked = 0
        self.tally_again = 0

    @property
    def done(self) -> bool:
        return not self._todo and not self._asked

    @property
    def on_their_way(self) -> int:
        return len(self._asked)

    def narrow(self, widest: int) -> None:
        """From now on at most so many at a time; may also be more than before."""
        self._widest = max(1, widest)
        self._width = min(self._width, float(self._widest))

    def ask(self, now_s: float) -> tuple[str, ...]:
        """What to ask for now; nothing where enough is on its way."""
        if self._asked and self._heard_s is not None and now_s - self._heard_s > self._pause_s:
            self._again()
            self._width = max(1.0, self._width / 2)
            self._pause_s = min(self._pause_s * 2, LONGEST_S)
        if now_s < self._not_before_s:
            return ()
        names: list[str] = []
        while self._todo and len(self._asked) < int(self._width):
            name = self._todo.popleft()
            self._asked[name] = None
            names.append(name)
        if names and (self._heard_s is None or len(self._asked) == len(names)):
            self._heard_s = now_s  # silence is counted from the first question
        self.tally_asked += len(names)
        return tuple(names)

    def arrived(self, name: str, now_s: float) -> bool:
        """Whether it was asked for and is not here yet. Call it once it is kept."""
        self._heard_s = now_s
        if name not in self._asked:
            return False
        del self._asked[name]
        self._refused = 0
        self._pause_s = self._silent_s
        self._width = min(self._width + 0.5, float(self._widest))
        return True

    def refused(self, name: str, now_s: float) -> None:
        """What came under this name is not it, or nobody has it: at the end of the line once more."""
        self._heard_s = now_s
        if name in self._asked:
            del self._asked[name]
            self._todo.append(name)
            self.tally_again += 1
            self._refused += 1
            if self._refused >= REFUSED_MOST:
                self._refused = 0
                self._pause_s = min(self._pause_s * 2, LONGEST_S)
                self._not_before_s = now_s + self._pause_s

    def lost(self) -> None:
        """The connection is gone, and what was on its way with it."""
        self._again()
        self._width = float(min(FIRST, self._widest))

    def _again(self) -> None:
        self.tally_again += len(self._asked)
        self._todo.extendleft(reversed(self._asked))
        self._asked.clear()
        self._heard_s = None
