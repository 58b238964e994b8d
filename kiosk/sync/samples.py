"""How the terminal was while nobody could be told: kept on disk, thinned with age, told latest first.

The last hour is kept whole, the day before it once in ten minutes, the month before that once an hour. It may be
lost: what the hub does not get is missing in a curve, nowhere else.
"""

from __future__ import annotations

from typing import Final

import msgspec

from contracts import messages as m
from kiosk.sync.outbox import Outbox

WHOLE_S: Final = 3_600
STEPS: Final = ((86_400, 600), (30 * 86_400, 3_600))  # up to this age, one in so many seconds
MAX_SAMPLES: Final = 2_000
BATCH: Final = 100
THIN_EVERY: Final = 20  # samples

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS samples (at_s INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS samples_thinned (thinned INTEGER NOT NULL)
"""


class Samples:
    """Over the outbox's file. Blocking; call it off the event loop."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._since_thinned = 0
        with outbox.transaction() as db:
            for statement in _SCHEMA.split(";"):
                db.execute(statement)
            if db.execute("SELECT count(*) FROM samples_thinned").fetchone()[0] == 0:
                db.execute("INSERT INTO samples_thinned VALUES (0)")

    def keep(self, sample: m.Sample) -> None:
        """One more; now and then old ones are thinned. Raises `OutboxFull` when the disk is full."""
        with self._outbox.transaction() as db:
            db.execute("INSERT OR REPLACE INTO samples VALUES (?, ?)", (sample.at_s, msgspec.json.encode(sample)))
            self._since_thinned += 1
        if self._since_thinned >= THIN_EVERY:
            self.thin(sample.at_s)

    def thin(self, now_s: int) -> int:
        """Let go what the policy does not keep at `now_s`; how many."""
        self._since_thinned = 0
        with self._outbox.transaction() as db:
            times = [row[0] for row in db.execute("SELECT at_s FROM samples ORDER BY at_s DESC")]
            kept = _kept(times, now_s)
            gone = [at_s for at_s in times if at_s not in kept]
            db.executemany("DELETE FROM samples WHERE at_s = ?", ((at_s,) for at_s in gone))
            db.execute("UPDATE samples_thinned SET thinned = thinned + ?", (len(gone),))
        return len(gone)

    def latest(self, limit: int = BATCH) -> tuple[m.Sample, ...]:
        """Up to `limit` that were not told, the latest first."""
        with self._outbox.transaction() as db:
            rows = db.execute("SELECT body FROM samples ORDER BY at_s DESC LIMIT ?", (limit,)).fetchall()
        return tuple(msgspec.json.decode(row[0], type=m.Sample) for row in rows)

    def told(self, samples: tuple[m.Sample, ...]) -> None:
        """These need not be kept any more."""
        with self._outbox.transaction() as db:
            db.executemany("DELETE FROM samples WHERE at_s = ?", ((sample.at_s,) for sample in samples))

    def thinned(self) -> int:
        """How many were let go, ever."""
        with self._outbox.transaction() as db:
            return int(db.execute("SELECT thinned FROM samples_thinned").fetchone()[0])


def _kept(times: list[int], now_s: int) -> set[int]:
    """Of times in seconds, latest first, those that the policy keeps; the latest of each step."""
    kept: set[int] = set()
    steps: set[tuple[int, int]] = set()
    for at_s in times:
        age_s = now_s - at_s
        if age_s <= WHOLE_S:
            kept.add(at_s)
            continue
        step_s = next((step_s for up_to_s, step_s in STEPS if age_s <= up_to_s), None)
        if step_s is None or (step_s, at_s // step_s) in steps:
            continue
        steps.add((step_s, at_s // step_s))
        kept.add(at_s)
    return set(sorted(kept, reverse=True)[:MAX_SAMPLES])
