"""What visitors of this branch ask for, by the time of day: counts that fade, for guessing before being asked.

Nothing of a visitor is in them: a wish of a closed list, two hours of the day, with a number or without. A wish counts
only once several visitors had it, so that nobody reads on the screen what the one before came for. What was merely
touched is not counted, else guesses would confirm themselves.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

log = logging.getLogger(__name__)

HALF_LIFE_DAYS: Final = 14.0
HOURS_A_BLOCK: Final = 2
SEEN_LEAST: Final = 3.0  # times in a block before a wish counts
COUNT_MOST: Final = 10_000.0
FILE_MOST_BYTES: Final = 64 * 1024
WRITE_EVERY: Final = 5  # wishes; a power cut costs no more than so many
FORGOTTEN: Final = 0.05  # a count below this is dropped

Counts = dict[str, dict[str, float]]


class Habits:
    """The counts, in memory and in one small file. Not thread-safe: one loop uses it.

    `tally_failed` counts writes that failed: the counts go on in memory.
    """

    def __init__(self, path: Path | None, wishes: Collection[str]) -> None:
        """A file that is missing, damaged, too large or of another kind begins anew, and is said in the log."""
        self._path = path
        self._wishes = frozenset(wishes)
        self._counts: Counts = {}
        self._day: date | None = None
        self._unwritten = 0
        self.tally_failed = 0
        if path is not None:
            self._read(path)

    def asked(self, wish: str, now: datetime, *, ticket: bool) -> None:
        """Somebody wanted this, in words."""
        if wish not in self._wishes:
            return
        self._fade(now.date())
        block = self._counts.setdefault(_block(now, ticket), {})
        block[wish] = min(COUNT_MOST, block.get(wish, 0.0) + 1.0)
        self._unwritten += 1
        if self._unwritten >= WRITE_EVERY:
            self.write()

    def counts(self, now: datetime, *, ticket: bool) -> Mapping[str, float]:
        """How often each was asked in these two hours, lately; what few asked for is not among them."""
        self._fade(now.date())
        block = self._counts.get(_block(now, ticket), {})
        return {wish: count for wish, count in block.items() if count >= SEEN_LEAST}

    def write(self) -> None:
        """To disk, whole or not at all. A few milliseconds."""
        self._unwritten = 0
        if self._path is None or self._day is None:
            return
        part = self._path.with_suffix(".part")
        rounded = {name: {wish: round(n, 3) for wish, n in block.items()} for name, block in self._counts.items()}
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            part.write_text(json.dumps({"v": 1, "day": self._day.isoformat(), "counts": rounded}), "utf-8")
            part.replace(self._path)
        except OSError as err:
            self.tally_failed += 1
            log.warning("what is asked here was not written: %s", err.strerror)

    def _fade(self, today: date) -> None:
        """Counts halve in two weeks. A clock that was put back changes nothing."""
        if self._day is None or today < self._day:
            self._day = self._day or today
            return
        days = (today - self._day).days
        if not days:
            return
        self._day = today
        kept = 0.5 ** (days / HALF_LIFE_DAYS)
        faded = {
            name: {wish: n * kept for wish, n in block.items() if n * kept >= FORGOTTEN}
            for name, block in self._counts.items()
        }
        self._counts = {name: block for name, block in faded.items() if block}

    def _read(self, path: Path) -> None:
        try:
            if path.stat().st_size > FILE_MOST_BYTES:
                raise ValueError("too large")
            kept: Any = json.loads(path.read_text("utf-8"))
            if kept["v"] != 1:
                raise ValueError("of another version")
            self._day = date.fromisoformat(kept["day"])
            self._counts = {
                str(name): {wish: _count(n) for wish, n in block.items() if wish in self._wishes}
                for name, block in kept["counts"].items()
                if name in BLOCKS
            }
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            self._counts, self._day = {}, None
            log.warning("what is asked here could not be read, and is learnt anew")


def _count(n: object) -> float:
    if not isinstance(n, int | float) or not 0 <= n <= COUNT_MOST:
        raise ValueError("no count")
    return float(n)


def _block(now: datetime, ticket: bool) -> str:
    return f"{now.hour // HOURS_A_BLOCK:02d}{'t' if ticket else '-'}"


BLOCKS: Final = frozenset(f"{block:02d}{kind}" for block in range(24 // HOURS_A_BLOCK) for kind in "t-")
