"""The rows that ingesting reads, holds and writes; all within the caller's transaction, locked in one order."""

from __future__ import annotations

import itertools
import time
import uuid
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from contracts import messages as m
from contracts import opinions as o
from contracts import topics
from contracts import video_messages as v
from hub.bus import Outgoing
from hub.ingest_batch import Batch, LogKey, Numbered, Owed, head_of
from hub.store import branches, devices, early, logs, samples, upsert

FUTURE_S: Final = 86_400  # a terminal's clock may be a day ahead; what is later still is no look at anything

PROGRESS: Final = (
    sa.update(logs)
    .where(logs.c.branch == sa.bindparam("b"), logs.c.device == sa.bindparam("d"), logs.c.log == sa.bindparam("l"))
    .values(applied=sa.bindparam("applied"), skipped=logs.c.skipped + sa.bindparam("more"))
)


def lock_heads(db: sa.Connection, keys: Sequence[LogKey]) -> dict[LogKey, int]:
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


def parked_of(db: sa.Connection, keys: Sequence[LogKey]) -> dict[LogKey, dict[int, Owed]]:
    """What of these logs came too early before."""
    found: dict[LogKey, dict[int, Owed]] = defaultdict(dict)
    if not keys:
        return found
    name = sa.tuple_(early.c.branch, early.c.device, early.c.log)
    for row in db.execute(sa.select(early).where(name.in_(keys))):
        contract = topics.BY_KEY[row.topic]
        message: Numbered | None
        try:
            message = contract.decode(row.payload)
        except topics.WireError as err:
            message = head_of(contract, err, row.payload)
        if message is not None:
            found[(row.branch, row.device, row.log)][row.seq] = Owed(message, row.topic, row.payload)
    return found


def lock_branches(db: sa.Connection, kept: Batch, parked: dict[LogKey, dict[int, Owed]]) -> None:
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


def asks_for_tellers(kept: Batch, parked: dict[LogKey, dict[int, Owed]]) -> bool:
    """Whether anything of this batch concerns the pool of tellers, which is held after logs and branches."""
    every = [*kept.numbered.values(), *(owed.values() for owed in parked.values())]
    asked = any(isinstance(one.message, v.CaseOp) for owed in every for one in owed)
    return asked or any(isinstance(message, v.CaseHere) for _, message in kept.others)


def since_of(db: sa.Connection, address: topics.Address) -> datetime | None:
    here = sa.and_(devices.c.branch == address.branch, devices.c.device == address.device)
    return db.execute(sa.select(devices.c.since).where(here)).scalar()


def note_devices(db: sa.Connection, heard: dict[tuple[str, str], dict[str, Any]]) -> None:
    """Note that devices were heard, and what they said of themselves; in one order, as all rows are."""
    rows = [
        (tuple(sorted(values)), {"branch": branch, "device": device, "online": False, "versions": {}, **values})
        for (branch, device), values in sorted(heard.items())
    ]
    for fields, group in itertools.groupby(rows, key=lambda row: row[0]):
        upsert(db, devices, [row for _, row in group], update=fields)


def keep_samples(db: sa.Connection, address: topics.Address, batch: m.TelemetryBatch) -> None:
    here = {"branch": address.branch, "device": address.device}
    newest = int(time.time()) + FUTURE_S
    rows = {one.at_s: {**here, "at_s": one.at_s, "body": msgspec.to_builtins(one)} for one in batch.samples}
    upsert(db, samples, [row for at_s, row in sorted(rows.items()) if at_s <= newest])


def ack(key: LogKey, applied: int, now: datetime) -> Outgoing:
    branch, device, name = key
    ack = m.Ack(id=uuid.uuid4().hex, at=now, mono_ns=time.monotonic_ns(), log=name, applied=applied)
    return Outgoing(topics.ACK.at(branch, device), topics.ACK.encode(ack), topics.ACK.qos, topics.ACK.retain)


def of_log(table: sa.Table, key: LogKey) -> sa.ColumnElement[bool]:
    branch, device, name = key
    return sa.and_(table.c.branch == branch, table.c.device == device, table.c.log == name)


def keep_moment(address: topics.Address, event: m.Event, kept: Batch, *, first: bool = True) -> None:
    """`first`: a visit's first score; another one is a moment and no second opinion."""
    body = msgspec.to_builtins(event.body)
    visit = body.get("visit", "")
    here = {"branch": address.branch, "device": address.device, "visit": visit, "at": event.at}
    kept.moments.append({**here, "log": event.log, "seq": event.seq, "kind": body["kind"], "body": body})
    if isinstance(event.body, m.OpinionGiven) and first:
        kept.scores.append({**here, "score": event.body.score})


def keep_opinion_moment(address: topics.Address, told: o.OpinionTold, kept: Batch) -> None:
    """That it was asked or answered is a moment of the visit; its words and names are not. A sentence for learning is
    no moment of anybody's."""
    if isinstance(told.body, o.NotUnderstood):
        return
    body = msgspec.to_builtins(told.body)
    shown = {name: value for name, value in body.items() if name not in ("alias", "text", "feeling", "masked")}
    here = {"branch": address.branch, "device": address.device, "visit": told.body.visit, "at": told.at}
    kept.moments.append({**here, "log": told.log, "seq": told.seq, "kind": body["kind"], "body": shown})


def keep_handover(address: topics.Address, message: m.Handover, kept: Batch, now: datetime) -> None:
    """Its age is the hub's to count: a terminal sends no packet older than `HANDOVER_UNSENT_S`, and a clock that is
    wrong neither keeps what a visitor said for longer nor loses it at once."""
    packet = message.body
    at = min(max(message.at, now - timedelta(seconds=m.HANDOVER_UNSENT_S)), now)
    kept.packets.append(
        {"branch": address.branch, "device": address.device, "log": message.log, "seq": message.seq,
         "visit": packet.visit, "level": packet.level, "reason": packet.reason, "at": at,
         "packet": msgspec.to_builtins(packet)}
    )  # fmt: skip


def keep_refusal(address: topics.Address, message: Numbered, reason: str, kept: Batch) -> None:
    kept.refusals.append(
        {"branch": address.branch, "device": address.device, "log": message.log, "seq": message.seq,
         "reason": reason, "at": datetime.now(UTC)}
    )  # fmt: skip
