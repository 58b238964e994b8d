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

import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from config.routing import Routing, load_routing
from contracts import call as c
from contracts import call_help as h
from contracts import fleet as f
from contracts import messages as m
from contracts import opinions as o
from contracts import together as t
from contracts import topics
from contracts import video_messages as v
from hub import queue, shadow
from hub.bus import Arrived, Outgoing
from hub.calls.relay import take_up
from hub.fleet.ingest import FleetIngest
from hub.ingest_batch import Batch, IngestTallies, LogKey, Numbered, Owed, Unreadable, head_of
from hub.ingest_rows import (
    PROGRESS,
    ack,
    asks_for_tellers,
    keep_handover,
    keep_moment,
    keep_opinion_moment,
    keep_refusal,
    keep_samples,
    lock_branches,
    lock_heads,
    note_devices,
    of_log,
    parked_of,
    since_of,
)
from hub.opinions.keep import NoVisit, keep_score, keep_word
from hub.queue_merge import merge_operation, prioritise, take_live
from hub.store import Store, early, events, handovers, opinions, refused, upsert
from hub.together import stands
from hub.together.signed import Unsound, keep
from hub.video import asking, helping
from hub.video.pool import NotNow, Pool

log = logging.getLogger(__name__)

AT_ONCE: Final = 2  # transactions of one worker on PostgreSQL
SPLIT_FROM: Final = 32  # messages; smaller batches are done before a thread has begun
MAX_EARLY_PER_LOG: Final = 256  # came before their time; the kiosk sends at most 64 ahead


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
        cases_moved: Callable[[set[str]], None] = lambda cases: None,
        rules: Routing | None = None,
        fleet: FleetIngest | None = None,
    ) -> None:
        self._store = store
        self._fleet = fleet or FleetIngest(store)
        self._now = now
        self._rules = rules or load_routing()
        self._cases_moved = cases_moved
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

    def _take_part(self, part: Batch) -> None:
        kept = self._store.apply(lambda db: self._apply_batch(db, part))
        with self._telling:
            self._count(kept.tallies)
            for key, applied in kept.heads.items():
                self._acknowledge(ack(key, applied, self._now()))
            for message in kept.again:
                self._acknowledge(message)
            for branch in sorted(kept.moved):
                self._queue_moved(branch)
            for branch in sorted(kept.changed | kept.moved):
                self._changed(branch)
            if kept.cases:
                self._cases_moved(kept.cases)

    def _parts(self, whole: Batch) -> list[Batch]:
        """A large batch of several branches, split by branch: PostgreSQL applies some at once, and most of a
        transaction is waiting for its answers. SQLite has one writer."""
        size = len(whole.others) + sum(map(len, whole.numbered.values()))
        if self._store.dialect == "sqlite" or size < SPLIT_FROM or len(whole.changed) < 2:
            return [whole]
        parts: dict[int, Batch] = defaultdict(Batch)
        place = {branch: at % AT_ONCE for at, branch in enumerate(sorted(whole.changed))}
        for key, owed in whole.numbered.items():
            parts[place[key[0]]].numbered[key] = owed
        for address, message in whole.others:
            parts[place.get(address.branch, 0)].others.append((address, message))
        for branch in whole.changed:
            parts[place[branch]].changed.add(branch)
        return list(parts.values())

    # --- before the transaction -----------------------------------------------------------------

    def _sort(self, batch: Sequence[Arrived]) -> Batch:
        sorted_ = Batch()
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
            if isinstance(message, m.Numbered | Unreadable):
                key = (address.branch, address.device, message.log)
                sorted_.numbered[key].append(Owed(message, row.key, arrived.payload))
            else:
                sorted_.others.append((address, message))
            if address.branch:
                sorted_.changed.add(address.branch)
        return sorted_

    def _decode(self, row: topics.Topic[Any], arrived: Arrived) -> m.Message | Unreadable | None:
        try:
            message: m.Message = row.decode(arrived.payload)
        except topics.WireError as err:
            self._refuse(err.code, arrived.topic)
            return head_of(row, err, arrived.payload)
        return message

    # --- within it ------------------------------------------------------------------------------

    def _apply_batch(self, db: sa.Connection, sorted_: Batch) -> Batch:
        """May run twice, where the database ended the first attempt: it works on a fresh account of the batch."""
        kept = Batch(numbered=sorted_.numbered, others=sorted_.others, changed=sorted_.changed)
        keys = sorted(kept.numbered)
        kept.heads = lock_heads(db, keys)
        parked = parked_of(db, keys)
        lock_branches(db, kept, parked)
        if asks_for_tellers(kept, parked):
            kept.pool = Pool(db, self._rules, self._now())
        for key in keys:
            self._apply_log(db, key, parked.get(key, {}), kept)
        kept.joined.write(db)
        for address, message in kept.others:
            self._apply_other(db, address, message, kept)
        if kept.progress:
            db.execute(PROGRESS, kept.progress)
        if kept.moments:
            db.execute(sa.insert(events), kept.moments)
        if kept.scores:
            db.execute(sa.insert(opinions), kept.scores)
        if kept.packets:
            db.execute(sa.insert(handovers), kept.packets)
        if kept.refusals:
            db.execute(sa.insert(refused), kept.refusals)
        note_devices(db, kept.heard)
        if kept.reports:
            kept.again += shadow.keep_reports(db, kept.reports, self._now())
        if kept.pool is not None:
            kept.cases, kept.pool = kept.pool.touched, None
        if kept.releases:
            kept.again += self._fleet.keep_reports(db, kept.releases, self._now())
        return kept

    def _apply_log(self, db: sa.Connection, key: LogKey, parked: dict[int, Owed], kept: Batch) -> None:
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
        ready: dict[int, Owed],
        parked: dict[int, Owed],
        kept: Batch,
    ) -> None:
        branch, device, name = key
        if any(seq <= kept.heads[key] for seq in parked):
            db.execute(sa.delete(early).where(of_log(early, key), early.c.seq <= kept.heads[key]))
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

    def _apply(self, db: sa.Connection, address: topics.Address, message: Numbered, kept: Batch) -> None:
        """One numbered message whose turn it is."""
        try:
            match message:
                case m.Event():
                    first = not isinstance(message.body, m.OpinionGiven) or keep_score(
                        db, address, message, kept.moments, self._now()
                    )
                    keep_moment(address, message, kept, first=first)
                    if isinstance(message.body, m.OpinionGiven) and first:
                        asking.rate(db, address.branch, message.body.visit, message.body.score)
                case v.CaseOp() if kept.pool is not None:
                    kept.joined.write(db)
                    with db.begin_nested():  # a refused one leaves nothing behind
                        asking.apply_op(kept.pool, address.branch, address.device, message)
                case o.OpinionTold():
                    keep_word(db, address, message, self._now())
                    keep_opinion_moment(address, message, kept)
                case t.DocumentSigned():
                    keep(db, address, message, self._now())
                case m.Handover():
                    keep_handover(address, message, kept, self._now())
                case m.TicketOp(body=m.TicketIssued() as issued):
                    queue.admit(
                        db, address.branch, address.device, message, issued, now=self._now(), joined=kept.joined
                    )
                    kept.moved.add(address.branch)
                case m.TicketOp(body=m.TicketGivenBack() | m.TicketHandled() as done):
                    kept.joined.write(db)
                    merge_operation(db, address.branch, address.device, message, done, now=self._now())
                    kept.moved.add(address.branch)
                case m.TicketOp(body=m.DayClosed() as closed):
                    kept.joined.write(db)
                    queue.close_day(db, address.branch, day=closed.day, now=self._now())
                    kept.moved.add(address.branch)
                case m.TicketOp(body=m.TicketPrioritised() as claimed):
                    kept.joined.write(db)
                    prioritise(db, address.branch, address.device, message, claimed)
                    kept.moved.add(address.branch)
                case Unreadable():
                    keep_refusal(address, message, "type", kept)
        except (queue.NotPossible, NotNow, Unsound, NoVisit) as err:
            if kept.pool is not None:
                kept.pool.undone()
            self._refuse(err.reason, f"operation {message.seq} of {address.device}")
            keep_refusal(address, message, err.reason, kept)

    def _apply_other(self, db: sa.Connection, address: topics.Address, message: m.Message, kept: Batch) -> None:
        """State that replaces what was said before."""
        if isinstance(message, f.JoinRequest):  # from somebody without a name: no device is heard
            refused_for, answers = self._fleet.ask(db, address.device, message, self._now())
            kept.again += answers
            if refused_for:
                self._refuse(f"join_{refused_for}", "a terminal without a certificate")
            return
        heard = kept.heard[(address.branch, address.device)]
        heard["seen"] = datetime.now(UTC)
        match message:
            case m.Availability():
                known = heard.get("since") or since_of(db, address)
                # a last will that belongs to an earlier start must not take a device off that has come back since
                if message.online or known is None or message.since >= known:
                    heard |= {"online": message.online, "since": message.since, "versions": message.versions}
                    if message.online:
                        self._fleet.started(db, address, message)
            case m.Telemetry():
                heard["telemetry"] = msgspec.to_builtins(message)
            case m.ShadowReported() if shadow.is_whole(message):
                kept.reports[(address.branch, address.device)] = message
            case m.ShadowReported():
                self._refuse("hash", f"configuration of {address.device}")
            case f.RolloutReport():
                before = kept.releases.get((address.branch, address.device))
                if before is None or before.since != message.since or before.mono_ns <= message.mono_ns:
                    kept.releases[(address.branch, address.device)] = message
            case f.RenewRequest() | f.CommandReply() | f.DiagChunk():
                refused_for, answers = self._fleet.take(db, address, message, self._now())
                kept.again += answers
                if refused_for:
                    self._refuse(refused_for, f"the fleet's message of {address.device}")
            case m.TelemetryBatch():
                keep_samples(db, address, message)
            case v.CaseHere() if kept.pool is not None:
                asking.here(kept.pool, address.branch, address.device, message)
            case c.CallUp():
                if refused_for := take_up(db, address, message, self._now()):
                    self._refuse(f"call_{refused_for}", f"a call's message of {address.device}")
            case t.TogetherStands():
                if refused_for := stands.take_up(db, address, message, self._now()):
                    self._refuse(f"together_{refused_for}", f"a talk's message of {address.device}")
            case h.CaseHeard():
                try:
                    helping.keep_heard(db, address.branch, address.device, message, self._now())
                except NotNow as err:
                    self._refuse(f"heard_{err.reason}", f"a caption of {address.device}")
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
