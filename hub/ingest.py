"""From bytes to rows, once: size, topic, type, order, then one transaction, then the acknowledgement.

Any of several workers may get any message, and may be killed at any moment: nothing is remembered here. What
was applied stands in `logs`, what came before its time is parked in `early`, both in the transaction that applies
the rest. Two workers that have messages of one device wait for each other at its row of `logs`; rows are locked
in one order (logs, then branches), so they never block each other.

A message that is refused is counted and logged without its content, and never stops what comes after it.
A numbered message whose body is not understood is skipped for good (else it would block its device for
ever); one of a newer schema version is left unacknowledged, because a newer hub will understand it.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from contracts import call as c
from contracts import messages as m
from contracts import topics
from hub import queue
from hub.bus import Arrived, Outgoing
from hub.calls.relay import take_up
from hub.queue_merge import merge_operation, prioritise, take_live
from hub.store import Store, branches, devices, early, events, handovers, logs, opinions, refused, samples, upsert

log = logging.getLogger(__name__)

FUTURE_S: Final = 86_400  # a terminal's clock may be a day ahead; what is later still is no look at anything
AT_ONCE: Final = 4  # transactions of one worker on PostgreSQL
SPLIT_FROM: Final = 32  # messages; smaller batches are done before a thread has begun
MAX_EARLY_PER_LOG: Final = 256  # came before their time; the kiosk sends at most 64 ahead

LogKey = tuple[str, str, str]  # branch, device, log


@dataclass(slots=True)
class IngestTallies:
    """What came and what became of it."""

    arrived: int = 0
    applied: int = 0
    repeated: int = 0
    held: int = 0  # came before their time
    crowded_out: int = 0  # came before their time, and too many of them
    refused: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class _Unreadable:
    """Stands for a numbered message whose body is not what the contract says."""

    seq: int
    follows: int
    log: str


class _Head(msgspec.Struct):
    """What is left of a numbered message when its body is wrong."""

    log: m.VisitId
    seq: m.Sequence
    follows: m.Tally


_HEADS: Final = msgspec.json.Decoder(_Head)
_Numbered = m.Numbered | _Unreadable


@dataclass(frozen=True, slots=True)
class _Owed:
    """A numbered message with the bytes it came as: what must wait is parked as it is."""

    message: _Numbered
    topic: str  # the row of the contract
    payload: bytes


@dataclass(slots=True)
class _Batch:
    """A batch sorted by what it needs, and what comes of it."""

    numbered: dict[LogKey, list[_Owed]] = field(default_factory=lambda: defaultdict(list))
    others: list[tuple[topics.Address, m.Message]] = field(default_factory=list)
    heads: dict[LogKey, int] = field(default_factory=dict)
    moved: set[str] = field(default_factory=set)  # branches whose queue changed
    changed: set[str] = field(default_factory=set)
    progress: list[dict[str, Any]] = field(default_factory=list)  # how far each log was applied
    moments: list[dict[str, Any]] = field(default_factory=list)
    scores: list[dict[str, Any]] = field(default_factory=list)
    packets: list[dict[str, Any]] = field(default_factory=list)  # for whoever takes a visitor over
    refusals: list[dict[str, Any]] = field(default_factory=list)
    heard: dict[tuple[str, str], dict[str, Any]] = field(default_factory=lambda: defaultdict(dict))
    tallies: IngestTallies = field(default_factory=IngestTallies)  # counted only when the batch is on disk


_PROGRESS: Final = (
    sa.update(logs)
    .where(logs.c.branch == sa.bindparam("b"), logs.c.device == sa.bindparam("d"), logs.c.log == sa.bindparam("l"))
    .values(applied=sa.bindparam("applied"), skipped=logs.c.skipped + sa.bindparam("more"))
)


class Ingest:
    """Applies batches of arrived messages. Keeps nothing between two of them but tallies."""

    def __init__(
        self,
        store: Store,
        *,
        acknowledge: Callable[[Outgoing], None],
        queue_moved: Callable[[str], None],
        changed: Callable[[str], None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._now = now
        self._acknowledge, self._queue_moved, self._changed = acknowledge, queue_moved, changed
        self._pool: ThreadPoolExecutor | None = None
        self._telling = threading.Lock()
        self.tallies = IngestTallies()

    def take(self, batch: Sequence[Arrived]) -> None:
        """Apply a batch in one transaction (a large one on PostgreSQL in a few), then acknowledge.

        Raises SQLAlchemyError: what was not applied is not acknowledged, and what was is found so the next time.
        """
        parts = self._parts(self._sort(batch))
        if len(parts) == 1:
            self._take_part(parts[0])
            return
        if self._pool is None:
            self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="hub-apply")
        running = [self._pool.submit(self._take_part, part) for part in parts]
        failed = [err for done in running if (err := done.exception()) is not None]
        if failed:
            raise failed[0]

    def close(self) -> None:
        """End the threads, if any were needed."""
        if self._pool is not None:
            self._pool.shutdown()

    def _take_part(self, part: _Batch) -> None:
        kept = self._store.apply(lambda db: self._apply_batch(db, part))
        with self._telling:
            self._count(kept.tallies)
            for key, applied in kept.heads.items():
                self._acknowledge(_ack(key, applied, self._now()))
            for branch in sorted(kept.moved):
                self._queue_moved(branch)
            for branch in sorted(kept.changed | kept.moved):
                self._changed(branch)

    def _parts(self, whole: _Batch) -> list[_Batch]:
        """A large batch of several branches, split by branch: PostgreSQL applies some at once, and most of a
        transaction is waiting for its answers. SQLite has one writer."""
        size = len(whole.others) + sum(map(len, whole.numbered.values()))
        if self._store.dialect == "sqlite" or size < SPLIT_FROM or len(whole.changed) < 2:
            return [whole]
        parts: dict[int, _Batch] = defaultdict(_Batch)
        place = {branch: at % AT_ONCE for at, branch in enumerate(sorted(whole.changed))}
        for key, owed in whole.numbered.items():
            parts[place[key[0]]].numbered[key] = owed
        for address, message in whole.others:
            parts[place[address.branch]].others.append((address, message))
        for branch in whole.changed:
            parts[place[branch]].changed.add(branch)
        return list(parts.values())

    # --- before the transaction -----------------------------------------------------------------

    def _sort(self, batch: Sequence[Arrived]) -> _Batch:
        sorted_ = _Batch()
        self.tallies.arrived += len(batch)
        for arrived in batch:
            try:
                row, address = topics.find(arrived.topic)
            except topics.WireError as err:
                self._refuse(err.code, "a topic outside the contract")
                continue
            if row.sender != "kiosk":
                continue
            message = self._decode(row, arrived)
            if message is None:
                continue
            if isinstance(message, m.Numbered | _Unreadable):
                key = (address.branch, address.device, message.log)
                sorted_.numbered[key].append(_Owed(message, row.key, arrived.payload))
            else:
                sorted_.others.append((address, message))
            sorted_.changed.add(address.branch)
        return sorted_

    def _decode(self, row: topics.Topic[Any], arrived: Arrived) -> m.Message | _Unreadable | None:
        try:
            message: m.Message = row.decode(arrived.payload)
        except topics.WireError as err:
            self._refuse(err.code, arrived.topic)
            return _head_of(row, err, arrived.payload)
        return message

    # --- within it ------------------------------------------------------------------------------

    def _apply_batch(self, db: sa.Connection, sorted_: _Batch) -> _Batch:
        """May run twice, where the database ended the first attempt: it works on a fresh account of the batch."""
        kept = _Batch(numbered=sorted_.numbered, others=sorted_.others, changed=sorted_.changed)
        keys = sorted(kept.numbered)
        kept.heads = _lock_heads(db, keys)
        parked = _parked(db, keys)
        _lock_branches(db, kept, parked)
        for key in keys:
            self._apply_log(db, key, parked.get(key, {}), kept)
        for address, message in kept.others:
            self._apply_other(db, address, message, kept)
        if kept.progress:
            db.execute(_PROGRESS, kept.progress)
        if kept.moments:
            db.execute(sa.insert(events), kept.moments)
        if kept.scores:
            db.execute(sa.insert(opinions), kept.scores)
        if kept.packets:
            db.execute(sa.insert(handovers), kept.packets)
        if kept.refusals:
            db.execute(sa.insert(refused), kept.refusals)
        _note_devices(db, kept.heard)
        return kept

    def _apply_log(self, db: sa.Connection, key: LogKey, parked: dict[int, _Owed], kept: _Batch) -> None:
        """One device's messages, in their order, as far as there is no gap; the rest is parked."""
        branch, device, _ = key
        address = topics.Address(branch, device)
        before = applied = kept.heads[key]
        skipped = 0
        ready = dict(parked)
        for owed in kept.numbered[key]:
            if owed.message.seq <= before or owed.message.seq in ready:
                kept.tallies.repeated += 1  # acknowledged again, since the acknowledgement may be what was lost
            else:
                ready[owed.message.seq] = owed
        for seq in sorted(ready):
            message = ready[seq].message
            if message.follows > applied:
                break
            self._apply(db, address, message, kept)
            skipped += max(seq - max(message.follows, applied) - 1, 0)
            applied = seq
            kept.tallies.applied += 1
        if applied > before:
            kept.progress.append({"b": branch, "d": device, "l": key[2], "applied": applied, "more": skipped})
        kept.heads[key] = applied
        kept.heard[(branch, device)].setdefault("seen", datetime.now(UTC))
        self._park(db, key, [seq for seq in sorted(ready) if seq > applied], ready, parked, kept)

    def _park(
        self,
        db: sa.Connection,
        key: LogKey,
        waiting: Sequence[int],
        ready: dict[int, _Owed],
        parked: dict[int, _Owed],
        kept: _Batch,
    ) -> None:
        branch, device, name = key
        if any(seq <= kept.heads[key] for seq in parked):
            db.execute(sa.delete(early).where(_is(early, key), early.c.seq <= kept.heads[key]))
        fresh = [seq for seq in waiting if seq not in parked]
        room = max(MAX_EARLY_PER_LOG - (len(waiting) - len(fresh)), 0)
        kept.tallies.held += len(fresh[:room])
        kept.tallies.crowded_out += len(fresh[room:])  # the kiosk sends them again
        now = datetime.now(UTC)
        rows = [
            {"branch": branch, "device": device, "log": name, "seq": seq, "topic": ready[seq].topic,
             "payload": ready[seq].payload, "at": now}
            for seq in fresh[:room]
        ]  # fmt: skip
        upsert(db, early, rows)

    def _apply(self, db: sa.Connection, address: topics.Address, message: _Numbered, kept: _Batch) -> None:
        """One numbered message whose turn it is."""
        try:
            match message:
                case m.Event():
                    _keep_moment(address, message, kept)
                case m.Handover():
                    _keep_handover(address, message, kept, self._now())
                case m.TicketOp(body=m.TicketIssued() as issued):
                    queue.admit(db, address.branch, address.device, message, issued, now=self._now())
                    kept.moved.add(address.branch)
                case m.TicketOp(body=m.TicketGivenBack() | m.TicketHandled() as done):
                    merge_operation(db, address.branch, address.device, message, done, now=self._now())
                    kept.moved.add(address.branch)
                case m.TicketOp(body=m.DayClosed() as closed):
                    queue.close_day(db, address.branch, day=closed.day, now=self._now())
                    kept.moved.add(address.branch)
                case m.TicketOp(body=m.TicketPrioritised() as claimed):
                    prioritise(db, address.branch, address.device, message, claimed)
                    kept.moved.add(address.branch)
                case _Unreadable():
                    _keep_refusal(address, message, "type", kept)
        except queue.NotPossible as err:
            self._refuse(err.reason, f"ticket operation {message.seq} of {address.device}")
            _keep_refusal(address, message, err.reason, kept)

    def _apply_other(self, db: sa.Connection, address: topics.Address, message: m.Message, kept: _Batch) -> None:
        """State that replaces what was said before."""
        heard = kept.heard[(address.branch, address.device)]
        heard["seen"] = datetime.now(UTC)
        match message:
            case m.Availability():
                known = heard.get("since") or _since(db, address)
                # a last will that belongs to an earlier start must not take a device off that has come back since
                if message.online or known is None or message.since >= known:
                    heard |= {"online": message.online, "since": message.since, "versions": message.versions}
            case m.Telemetry():
                heard["telemetry"] = msgspec.to_builtins(message)
            case m.TelemetryBatch():
                _keep_samples(db, address, message)
            case c.CallUp():
                if refused_for := take_up(db, address, message, self._now()):
                    self._refuse(f"call_{refused_for}", f"a call's message of {address.device}")
            case m.KioskQueue():
                for refusal in take_live(db, address.branch, address.device, message, now=self._now()):
                    self._refuse(refusal.reason, f"live state of {address.device}")
                kept.moved.add(address.branch)

    # --- tallies --------------------------------------------------------------------------------

    def _count(self, batch: IngestTallies) -> None:
        self.tallies.applied += batch.applied
        self.tallies.repeated += batch.repeated
        self.tallies.held += batch.held
        self.tallies.crowded_out += batch.crowded_out

    def _refuse(self, code: str, where: str) -> None:
        self.tallies.refused[code] += 1
        log.warning("refused: %s (%s)", code, where[:120])


# --- rows --------------------------------------------------------------------------------------


def _lock_heads(db: sa.Connection, keys: Sequence[LogKey]) -> dict[LogKey, int]:
    """How far each log was applied; until the transaction ends no other worker applies anything of them."""
    if not keys:
        return {}
    name = sa.tuple_(logs.c.branch, logs.c.device, logs.c.log)
    wanted = (
        sa.select(logs.c.branch, logs.c.device, logs.c.log, logs.c.applied)
        .where(name.in_(keys))
        .order_by(logs.c.branch, logs.c.device, logs.c.log)
        .with_for_update()
    )
    found = {(row.branch, row.device, row.log): int(row.applied) for row in db.execute(wanted)}
    missing = [key for key in keys if key not in found]
    if missing:
        rows = [{"branch": b, "device": d, "log": name, "applied": 0, "skipped": 0} for b, d, name in missing]
        upsert(db, logs, rows)  # another worker may have been first
        found = {(row.branch, row.device, row.log): int(row.applied) for row in db.execute(wanted)}
    return found


def _parked(db: sa.Connection, keys: Sequence[LogKey]) -> dict[LogKey, dict[int, _Owed]]:
    """What of these logs came too early before."""
    found: dict[LogKey, dict[int, _Owed]] = defaultdict(dict)
    if not keys:
        return found
    name = sa.tuple_(early.c.branch, early.c.device, early.c.log)
    for row in db.execute(sa.select(early).where(name.in_(keys))):
        contract = topics.BY_KEY[row.topic]
        message: _Numbered | None
        try:
            message = contract.decode(row.payload)
        except topics.WireError as err:
            message = _head_of(contract, err, row.payload)
        if message is not None:
            found[(row.branch, row.device, row.log)][row.seq] = _Owed(message, row.topic, row.payload)
    return found


def _lock_branches(db: sa.Connection, kept: _Batch, parked: dict[LogKey, dict[int, _Owed]]) -> None:
    """The branches whose queue may change, in one order, before anything of them is touched."""
    if db.dialect.name == "sqlite":
        return  # its writers are one after the other anyway
    every = [*kept.numbered.items(), *((key, list(owed.values())) for key, owed in parked.items())]
    named = {key[0] for key, owed in every for one in owed if isinstance(one.message, m.TicketOp)}
    named |= {address.branch for address, message in kept.others if isinstance(message, m.KioskQueue)}
    if not named:
        return
    upsert(db, branches, [{"branch": branch, "revision": 0} for branch in sorted(named)])
    wanted = sa.select(branches.c.branch).where(branches.c.branch.in_(named)).order_by(branches.c.branch)
    db.execute(wanted.with_for_update())


def _since(db: sa.Connection, address: topics.Address) -> datetime | None:
    here = sa.and_(devices.c.branch == address.branch, devices.c.device == address.device)
    return db.execute(sa.select(devices.c.since).where(here)).scalar()


def _note_devices(db: sa.Connection, heard: dict[tuple[str, str], dict[str, Any]]) -> None:
    """Note that devices were heard, and what they said of themselves; in one order, as all rows are."""
    rows = [
        (tuple(sorted(values)), {"branch": branch, "device": device, "online": False, "versions": {}, **values})
        for (branch, device), values in sorted(heard.items())
    ]
    for fields, group in itertools.groupby(rows, key=lambda row: row[0]):
        upsert(db, devices, [row for _, row in group], update=fields)


def _keep_samples(db: sa.Connection, address: topics.Address, batch: m.TelemetryBatch) -> None:
    here = {"branch": address.branch, "device": address.device}
    newest = int(time.time()) + FUTURE_S
    rows = {one.at_s: {**here, "at_s": one.at_s, "body": msgspec.to_builtins(one)} for one in batch.samples}
    upsert(db, samples, [row for at_s, row in sorted(rows.items()) if at_s <= newest])


def _ack(key: LogKey, applied: int, now: datetime) -> Outgoing:
    branch, device, name = key
    ack = m.Ack(id=uuid.uuid4().hex, at=now, mono_ns=time.monotonic_ns(), log=name, applied=applied)
    return Outgoing(topics.ACK.at(branch, device), topics.ACK.encode(ack), topics.ACK.qos, topics.ACK.retain)


def _head_of(row: topics.Topic[Any], err: topics.WireError, payload: bytes) -> _Unreadable | None:
    """The number of a message that is of our version, is numbered, and has a wrong body; else None."""
    if err.code != "type" or not issubclass(row.message, m.Numbered):
        return None
    try:
        head = _HEADS.decode(payload)
    except msgspec.DecodeError:
        return None
    return _Unreadable(seq=head.seq, follows=head.follows, log=head.log)


def _is(table: sa.Table, key: LogKey) -> sa.ColumnElement[bool]:
    branch, device, name = key
    return sa.and_(table.c.branch == branch, table.c.device == device, table.c.log == name)


def _keep_moment(address: topics.Address, event: m.Event, kept: _Batch) -> None:
    body = msgspec.to_builtins(event.body)
    visit = body.get("visit", "")
    here = {"branch": address.branch, "device": address.device, "visit": visit, "at": event.at}
    kept.moments.append({**here, "log": event.log, "seq": event.seq, "kind": body["kind"], "body": body})
    if isinstance(event.body, m.OpinionGiven):
        kept.scores.append({**here, "score": event.body.score})


def _keep_handover(address: topics.Address, message: m.Handover, kept: _Batch, now: datetime) -> None:
    """Its age is the hub's to count: a terminal sends no packet older than `HANDOVER_UNSENT_S`, and a clock that is
    wrong neither keeps what a visitor said for longer nor loses it at once."""
    packet = message.body
    at = min(max(message.at, now - timedelta(seconds=m.HANDOVER_UNSENT_S)), now)
    kept.packets.append(
        {"branch": address.branch, "device": address.device, "log": message.log, "seq": message.seq,
         "visit": packet.visit, "level": packet.level, "reason": packet.reason, "at": at,
         "packet": msgspec.to_builtins(packet)}
    )  # fmt: skip


def _keep_refusal(address: topics.Address, message: _Numbered, reason: str, kept: _Batch) -> None:
    kept.refusals.append(
        {"branch": address.branch, "device": address.device, "log": message.log, "seq": message.seq,
         "reason": reason, "at": datetime.now(UTC)}
    )  # fmt: skip
