"""What the terminal owes the hub, on disk: numbered, kept until the hub says it has it.

One SQLite file, every commit forced to the disk (`synchronous=FULL`), so that a power cut after
`append` returns loses nothing. The numbers of one file ("log") have no gaps of their own accord; when
policy drops old moments, the next message says which number it follows, and the hub goes on.

Blocking (a commit is a disk flush): call it off the event loop, from any thread.
"""

from __future__ import annotations

import sqlite3
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from contracts import messages as m
from contracts import topics
from contracts import video_messages as v
from contracts.handover import HandoverPacket
from contracts.opinions import NotUnderstood, OpinionWord
from contracts.together import SignedPaper
from kiosk.sync.hub_clock import HubClock, Timekeeper

# Beyond these the oldest droppable message goes. A branch makes about 3,000 moments a day: two weeks alone.
MAX_DROPPABLE_ROWS: Final = 50_000
MAX_DROPPABLE_AGE_S: Final = 14 * 86_400
# Tickets and opinions are never dropped; at this many (years of one kiosk) something else is broken.
MAX_ROWS: Final = 500_000
PRUNE_EVERY: Final = 256  # appends
BUSY_TIMEOUT_S: Final = 5.0

_NO_ROOM: Final = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY})

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS outbox_identity (
    log TEXT NOT NULL, acknowledged INTEGER NOT NULL, dropped INTEGER NOT NULL,
    base INTEGER NOT NULL -- numbers up to this one belong to an earlier log
);
CREATE TABLE IF NOT EXISTS outbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    topic TEXT NOT NULL,
    id TEXT NOT NULL,
    at TEXT NOT NULL,
    mono_ns INTEGER NOT NULL,
    droppable INTEGER NOT NULL,
    appended_s INTEGER NOT NULL,
    body BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS outbox_droppable ON outbox (droppable, seq);
"""


class OutboxFull(OSError):
    """Nothing more can be promised: the disk or the bound on kept messages is reached. Repair the terminal."""


@dataclass(frozen=True, slots=True)
class Owed:
    """One message as it goes on the wire: encoded by its row of the contract."""

    seq: int
    topic: topics.Topic[Any]
    payload: bytes


@dataclass(frozen=True, slots=True)
class OutboxTallies:
    """How much is owed, and how much policy has ever dropped."""

    pending: int
    dropped: int
    acknowledged: int


Body = m.Moment | m.TicketOperation | HandoverPacket | v.CaseOperation | SignedPaper | OpinionWord


def droppable(body: Body) -> bool:
    """Tickets, opinions, promised call-backs and signatures are kept for ever; moments, devices' comings
    and goings, and what is only meant for now may go when very old."""
    if isinstance(body, OpinionWord):
        return isinstance(body, NotUnderstood)
    return not isinstance(body, m.TicketOperation | m.OpinionGiven | m.TicketTaken | v.CallBackAsked | SignedPaper)


class Outbox:
    """The file, its identity and its numbers. Raises `sqlite3.DatabaseError` when the file is damaged."""

    def __init__(
        self,
        path: Path,
        *,
        max_droppable_rows: int = MAX_DROPPABLE_ROWS,
        max_droppable_age_s: float = MAX_DROPPABLE_AGE_S,
        max_rows: int = MAX_ROWS,
        keeper: Timekeeper | None = None,
    ) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._max_droppable_rows = max_droppable_rows
        self._max_droppable_age_s = max_droppable_age_s
        self._max_rows = max_rows
        self._keeper = keeper or Timekeeper()
        self._since_prune = 0
        self._unannounced = False
        self._listeners: list[Callable[[], None]] = []
        self._db = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        with self.transaction():
            for statement in _SCHEMA.split(";"):
                self._db.execute(statement)
            if self._db.execute("SELECT count(*) FROM outbox_identity").fetchone()[0] == 0:
                self._db.execute("INSERT INTO outbox_identity VALUES (?, 0, 0, 0)", (uuid.uuid4().hex,))
            self.hub_clock = HubClock(self._db, self._keeper)
        self.acknowledged_at: datetime | None = None  # on the hub's clock: what it tells later knows of it
        self.log: str = self._db.execute("SELECT log FROM outbox_identity").fetchone()[0]

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One transaction over this file, for what must be true together (a number taken and owed).

        `append` inside it joins it. Raises `OutboxFull` when the disk is full; nothing has happened then.
        """
        with self._lock:
            if self._db.in_transaction:
                yield self._db
                return
            self._unannounced = False
            try:
                self._db.execute("BEGIN IMMEDIATE")
                yield self._db
                self._db.execute("COMMIT")
            except sqlite3.OperationalError as err:
                if err.sqlite_errorcode & 0xFF in _NO_ROOM:  # the low byte is the kind, the rest the detail
                    raise OutboxFull(str(err)) from err
                raise
            finally:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
            announce = self._unannounced
        if announce:
            for appended in self._listeners:
                appended()

    def listen(self, appended: Callable[[], None]) -> None:
        """Call `appended` (from any thread; it must be quick) after something new is on disk."""
        self._listeners.append(appended)

    def append(self, topic: topics.Topic[Any], body: Body) -> int:
        """Put `body` on disk for `topic` and return its number. Raises `OutboxFull`, or WireError over the size."""
        head = (uuid.uuid4().hex, self._keeper.wall(), self._keeper.mono_ns())
        payload = msgspec.json.encode(body)
        # encode once as it will be sent, so that a body that cannot travel is refused here and not later
        topic.decode(self._on_wire(topic, (2**53, *head, payload), follows=2**53))
        with self.transaction() as db:
            if self._count() >= self._max_rows:
                raise OutboxFull(f"{self._max_rows} messages are owed to the hub")
            seq = db.execute(
                "INSERT INTO outbox (topic, id, at, mono_ns, droppable, appended_s, body) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (topic.key, head[0], head[1].isoformat(), head[2], droppable(body), int(head[1].timestamp()), payload),
            ).lastrowid
            assert seq is not None
            self._since_prune += 1
            if self._since_prune >= PRUNE_EVERY:
                self._prune(db)
            self._unannounced = True
        return seq

    def pending(self, after: int = 0, limit: int = 64) -> list[Owed]:
        """Up to `limit` messages with a number above `after` that the hub has not acknowledged, in order."""
        with self._lock:
            mark = self._acknowledged()
            rows = self._db.execute(
                "SELECT seq, topic, id, at, mono_ns, body FROM outbox WHERE seq > ? ORDER BY seq LIMIT ?",
                (max(after, mark), limit),
            ).fetchall()
            if not rows:
                return []
            before = self._db.execute("SELECT max(seq) FROM outbox WHERE seq < ?", (rows[0][0],)).fetchone()[0]
            base = self._db.execute("SELECT base FROM outbox_identity").fetchone()[0]
            follows = max(mark, before or 0)
            follows = follows if follows > base else 0
        owed: list[Owed] = []
        for seq, key, identity, at, mono_ns, body in rows:
            topic = topics.BY_KEY[key]
            head = (seq, identity, datetime.fromisoformat(at), mono_ns, body)
            owed.append(Owed(seq, topic, self._on_wire(topic, head, follows)))
            follows = seq
        return owed

    def acknowledged(self, seq: int, *, sent_ns: int | None = None, hub_at: datetime | None = None) -> int:
        """The hub has everything up to `seq`: forget it. Returns the highest number acknowledged now.

        `sent_ns` (monotonic) and `hub_at`, where known, tell how the two clocks differ.

        A number that was never given means that this disk was put back to an older state, and the hub
        would take new messages for repetitions: a new log is begun, and what is owed belongs to it.
        """
        with self.transaction() as db:
            if sent_ns is not None and hub_at is not None:
                self.hub_clock.observe(db, sent_ns=sent_ns, hub_at=hub_at)
            found = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'").fetchone()
            highest, mark = (found[0] if found else 0), self._acknowledged()
            if seq > highest:
                before = db.execute("SELECT min(seq) - 1 FROM outbox").fetchone()[0]
                self.log = uuid.uuid4().hex
                db.execute(
                    "UPDATE outbox_identity SET log = ?, base = ?", (self.log, highest if before is None else before)
                )
            elif seq > mark:
                db.execute("UPDATE outbox_identity SET acknowledged = ?", (seq,))
                self.acknowledged_at = hub_at
                db.execute("DELETE FROM outbox WHERE seq <= ?", (seq,))
                return seq
            return mark

    def anchor_clock(self) -> None:
        """Note what the wall clock says (every half minute), for after a restart of the machine."""
        with self.transaction() as db:
            self.hub_clock.anchor(db)

    def highest(self) -> int:
        """The highest number ever given in this file; 0: none."""
        with self._lock:
            found = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'").fetchone()
            return int(found[0]) if found else 0

    def tallies(self) -> OutboxTallies:
        """The counters for telemetry."""
        with self._lock:
            dropped = self._db.execute("SELECT dropped FROM outbox_identity").fetchone()[0]
            return OutboxTallies(pending=self._count(), dropped=dropped, acknowledged=self._acknowledged())

    def prune(self) -> int:
        """Drop what the policy no longer keeps; returns how many. Runs by itself every few hundred appends."""
        with self.transaction() as db:
            return self._prune(db)

    def close(self) -> None:
        """Close the file; everything appended is already on disk."""
        with self._lock:
            self._db.close()

    def _prune(self, db: sqlite3.Connection) -> int:
        self._since_prune = 0
        oldest_s = int(self._keeper.wall().timestamp() - self._max_droppable_age_s)
        dropped = db.execute("DELETE FROM outbox WHERE droppable = 1 AND appended_s < ?", (oldest_s,)).rowcount
        dropped += self._drop_stale_packets(db)
        kept = db.execute("SELECT count(*) FROM outbox WHERE droppable = 1").fetchone()[0]
        if kept > self._max_droppable_rows:
            dropped += db.execute(
                "DELETE FROM outbox WHERE seq IN (SELECT seq FROM outbox WHERE droppable = 1 ORDER BY seq LIMIT ?)",
                (kept - self._max_droppable_rows,),
            ).rowcount
        if dropped:
            db.execute("UPDATE outbox_identity SET dropped = dropped + ?", (dropped,))
        return dropped

    def _drop_stale_packets(self, db: sqlite3.Connection) -> int:
        """A packet that nobody got in time goes: it holds what a visitor said."""
        stale_s = int(self._keeper.wall().timestamp()) - m.HANDOVER_UNSENT_S
        gone = db.execute("DELETE FROM outbox WHERE topic = ? AND appended_s < ?", (topics.HANDOVER.key, stale_s))
        return gone.rowcount

    def _count(self) -> int:
        return int(self._db.execute("SELECT count(*) FROM outbox").fetchone()[0])

    def _acknowledged(self) -> int:
        return int(self._db.execute("SELECT acknowledged FROM outbox_identity").fetchone()[0])

    def _on_wire(self, topic: topics.Topic[Any], head: tuple[int, str, datetime, int, bytes], follows: int) -> bytes:
        seq, identity, at, mono_ns, body = head
        return msgspec.json.encode(
            {
                "v": m.SCHEMA,
                "id": identity,
                "at": at,
                "mono_ns": mono_ns,
                "log": self.log,
                "seq": seq,
                "follows": follows,
                "body": msgspec.Raw(body),
            }
        )
