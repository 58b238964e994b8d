"""From bytes to rows, once: size, topic, type, order, then one transaction, then the acknowledgement.

A message that is refused is counted and logged without its content, and never stops what comes after it.
A numbered message whose body is not understood is skipped for good (else it would block its device for
ever); one of a newer schema version is left unacknowledged, because a newer hub will understand it.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from contracts import messages as m
from contracts import topics
from contracts.tickets import TicketEvent
from hub import queue
from hub.store import Store, devices, events, logs, opinions, refused

log = logging.getLogger(__name__)

MAX_HELD_PER_LOG: Final = 256  # arrived before their time; the kiosk sends at most 64 ahead
MAX_HELD: Final = 8_192

LogKey = tuple[str, str, str]  # branch, device, log


@dataclass(frozen=True, slots=True)
class Arrived:
    """One message as the broker delivered it."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message for the broker."""

    topic: str
    payload: bytes
    qos: int
    retain: bool


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


_Numbered = m.Event | m.TicketOp | _Unreadable


class Ingest:
    """Applies batches of arrived messages. Single-threaded: one worker calls `take`."""

    def __init__(
        self,
        store: Store,
        *,
        acknowledge: Callable[[Outgoing], None],
        queue_moved: Callable[[str], None],
        changed: Callable[[str], None],
    ) -> None:
        self._store = store
        self._acknowledge, self._queue_moved, self._changed = acknowledge, queue_moved, changed
        self._held: dict[LogKey, dict[int, _Numbered]] = defaultdict(dict)
        self.tallies = IngestTallies()

    def take(self, batch: Sequence[Arrived]) -> None:
        """Apply a batch in one transaction, then acknowledge. Raises SQLAlchemyError: nothing was applied then."""
        heads: dict[LogKey, int] = {}
        changed: set[str] = set()
        moved: set[str] = set()
        done = False
        self.tallies.arrived += len(batch)
        with self._store.write() as db:
            try:
                for arrived in batch:
                    self._take_one(db, arrived, heads, changed, moved)
                done = True
            finally:
                if not done:
                    self._held.clear()  # nothing of this batch counts; kiosks send again what was held
        for key, applied in heads.items():
            self._acknowledge(_ack(key, applied))
        for branch in sorted(moved):
            self._queue_moved(branch)
        for branch in sorted(changed | moved):
            self._changed(branch)

    # --- one message ----------------------------------------------------------------------------

    def _take_one(
        self, db: sa.Connection, arrived: Arrived, heads: dict[LogKey, int], changed: set[str], moved: set[str]
    ) -> None:
        try:
            row, address = topics.find(arrived.topic)
        except topics.WireError as err:
            self._refuse(err.code, "a topic outside the contract")
            return
        if row.sender != "kiosk":
            return
        message: m.Message | _Unreadable
        try:
            message = row.decode(arrived.payload)
        except topics.WireError as err:
            self._refuse(err.code, arrived.topic)
            unreadable = _head_of(row, err, arrived.payload)
            if unreadable is None:
                return
            message = unreadable
        match message:
            case m.Availability():
                self._take_availability(db, address, message)
            case m.Telemetry():
                _upsert_device(db, address, telemetry=msgspec.to_builtins(message))
            case m.Event() | m.TicketOp() | _Unreadable():
                self._take_numbered(db, address, message, heads, moved)
        changed.add(address.branch)

    def _take_availability(self, db: sa.Connection, address: topics.Address, said: m.Availability) -> None:
        known = db.execute(
            sa.select(devices.c.online, devices.c.since).where(
                devices.c.branch == address.branch, devices.c.device == address.device
            )
        ).first()
        # a last will that belongs to an earlier start must not take a device off that has come back since
        if not said.online and known is not None and known.since is not None and said.since < known.since:
            return
        _upsert_device(db, address, online=said.online, since=said.since, versions=said.versions)

    def _take_numbered(
        self,
        db: sa.Connection,
        address: topics.Address,
        message: _Numbered,
        heads: dict[LogKey, int],
        moved: set[str],
    ) -> None:
        key = (address.branch, address.device, message.log)
        applied = heads.get(key)
        if applied is None:
            applied = self._applied(db, key)
        heads[key] = applied
        if message.seq <= applied:
            self.tallies.repeated += 1
            return  # acknowledged again, since the acknowledgement may be what was lost
        held = self._held[key]
        if message.follows > applied:
            self._hold(held, message)
            return
        ready: _Numbered | None = message
        while ready is not None:
            self._apply(db, address, ready, moved)
            skipped = ready.seq - max(ready.follows, applied) - 1
            applied = ready.seq
            db.execute(
                sa.update(logs).where(_is(key)).values(applied=applied, skipped=logs.c.skipped + max(skipped, 0))
            )
            for late in [seq for seq in held if seq <= applied]:
                del held[late]
            ready = next((held[seq] for seq in sorted(held) if held[seq].follows <= applied), None)
        if not held:
            del self._held[key]
        heads[key] = applied

    def _hold(self, held: dict[int, _Numbered], message: _Numbered) -> None:
        full = len(held) >= MAX_HELD_PER_LOG or sum(map(len, self._held.values())) >= MAX_HELD
        if message.seq not in held and full:
            self.tallies.crowded_out += 1  # the kiosk sends it again
            return
        held[message.seq] = message
        self.tallies.held += 1

    def _applied(self, db: sa.Connection, key: LogKey) -> int:
        applied = db.execute(sa.select(logs.c.applied).where(_is(key)).with_for_update()).scalar()
        if applied is None:
            branch, device, name = key
            db.execute(sa.insert(logs).values(branch=branch, device=device, log=name, applied=0, skipped=0))
            return 0
        return int(applied)

    def _apply(self, db: sa.Connection, address: topics.Address, message: _Numbered, moved: set[str]) -> None:
        try:
            match message:
                case m.Event():
                    _keep_moment(db, address, message)
                case m.TicketOp(body=m.TicketIssued() as issued):
                    queue.admit(db, address.branch, address.device, message, issued)
                    moved.add(address.branch)
                case m.TicketOp(body=m.TicketGivenBack() as back):
                    queue.change(db, address.branch, back.day, back.number, TicketEvent.GIVEN_BACK)
                    moved.add(address.branch)
                case _Unreadable():
                    _keep_refusal(db, address, message, "type")
        except queue.NotPossible as err:
            self._refuse(err.reason, f"ticket operation {message.seq} of {address.device}")
            _keep_refusal(db, address, message, err.reason)
        self.tallies.applied += 1
        _upsert_device(db, address)

    def _refuse(self, code: str, where: str) -> None:
        self.tallies.refused[code] += 1
        log.warning("refused: %s (%s)", code, where[:120])


def _ack(key: LogKey, applied: int) -> Outgoing:
    branch, device, name = key
    ack = m.Ack(id=uuid.uuid4().hex, at=datetime.now(UTC), mono_ns=time.monotonic_ns(), log=name, applied=applied)
    return Outgoing(topics.ACK.at(branch, device), topics.ACK.encode(ack), topics.ACK.qos, topics.ACK.retain)


def _head_of(row: topics.Topic[Any], err: topics.WireError, payload: bytes) -> _Unreadable | None:
    """The number of a message that is of our version, is numbered, and has a wrong body; else None."""
    if err.code != "type" or not issubclass(row.message, m.Numbered):
        return None
    try:
        head = msgspec.json.decode(payload, type=_Head)
    except msgspec.DecodeError:
        return None
    return _Unreadable(seq=head.seq, follows=head.follows, log=head.log)


def _is(key: LogKey) -> sa.ColumnElement[bool]:
    branch, device, name = key
    return sa.and_(logs.c.branch == branch, logs.c.device == device, logs.c.log == name)


def _keep_moment(db: sa.Connection, address: topics.Address, event: m.Event) -> None:
    body = msgspec.to_builtins(event.body)
    visit = body.get("visit", "")
    db.execute(
        sa.insert(events).values(
            branch=address.branch,
            device=address.device,
            log=event.log,
            seq=event.seq,
            kind=body["kind"],
            visit=visit,
            at=event.at,
            body=body,
        )
    )
    if isinstance(event.body, m.OpinionGiven):
        db.execute(
            sa.insert(opinions).values(
                branch=address.branch, device=address.device, visit=visit, score=event.body.score, at=event.at
            )
        )


def _keep_refusal(db: sa.Connection, address: topics.Address, message: _Numbered, reason: str) -> None:
    db.execute(
        sa.insert(refused).values(
            branch=address.branch,
            device=address.device,
            log=message.log,
            seq=message.seq,
            reason=reason,
            at=datetime.now(UTC),
        )
    )


def _upsert_device(db: sa.Connection, address: topics.Address, **values: object) -> None:
    """Note that a device was heard, and what it said of itself. `ON CONFLICT` differs between databases: two steps."""
    here = sa.and_(devices.c.branch == address.branch, devices.c.device == address.device)
    seen = {"seen": datetime.now(UTC), **values}
    if db.execute(sa.update(devices).where(here).values(seen)).rowcount == 0:
        fresh = {"online": False, "versions": {}, **seen}
        db.execute(sa.insert(devices).values(branch=address.branch, device=address.device, **fresh))
