"""Orders for terminals: allow-listed, with a reason, agreed by a second person where they are dangerous, signed, once.

An order is signed when nobody must agree any more, runs out a few minutes later, and carries a number that only grows
for its terminal, also over a lost database: it begins with the time. A terminal carries each number out at most once.
"""

from __future__ import annotations

import base64
import hashlib
import time
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from contracts import fleet as f
from contracts import topics
from hub.accounts import record
from hub.accounts.rights import OPERATOR, Person, Refused, Right, require
from hub.bus import Outgoing
from hub.fleet.authority import Authority
from hub.fleet.tables import fleet_chunks, fleet_orders, fleet_terminals
from hub.fleet.terminals import note_terminal
from hub.store import Store, devices, upsert

GOOD_FOR: Final = timedelta(minutes=5)  # from its signature
AGREE_WITHIN: Final = timedelta(hours=1)
RESEND: Final = timedelta(seconds=10)
SHORTEST_REASON: Final = 5
LONGEST_REASON: Final = 200
MOST_OPEN: Final = 20  # of one terminal
KEPT: Final = timedelta(days=7)  # what a terminal sent
DANGEROUS: Final = frozenset({"restart_part", "out_of_service", "screenshot"})
GIVES: Final = {"diagnostics": "bundle", "screenshot": "screenshot", "live_tail": "tail"}
TAIL: Final = "tail"
OPEN: Final = ("sent", "taken")


class OrderProblem(ValueError):
    """Why there is no such order: `status` as HTTP has it; `str()` says it to the person."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Orders:
    """The orders of this hub. Without an authority none can be signed."""

    def __init__(self, store: Store, authority: Authority | None) -> None:
        self._store, self._authority = store, authority

    def ask(
        self, person: Person, branch: str, device: str, stated: Mapping[str, Any], reason: str
    ) -> tuple[int, list[Outgoing]]:
        """Order something of a terminal; its id, and what to send (nothing where somebody must agree first).

        Raises `OrderProblem`, `Refused`.
        """
        require(person, Right.ORDER_DEVICE, branch)
        reason = reason.strip()
        if not SHORTEST_REASON <= len(reason) <= LONGEST_REASON:
            raise OrderProblem(422, f"say why, in {SHORTEST_REASON} to {LONGEST_REASON} characters")
        try:
            act = msgspec.convert(stated, f.Act)  # a union
        except msgspec.ValidationError as err:
            raise OrderProblem(422, f"not on the list of orders: {err}") from err
        plain, now = msgspec.to_builtins(act), datetime.now(UTC)

        def work(db: sa.Connection) -> tuple[int, list[Outgoing]]:
            here = sa.and_(devices.c.branch == branch, devices.c.device == device)
            if db.execute(sa.select(devices.c.device).where(here)).first() is None:
                raise OrderProblem(404, "no such terminal has spoken yet")
            waiting = sa.and_(_of(branch, device), fleet_orders.c.state.in_((*OPEN, "waiting")))
            if (
                db.execute(sa.select(sa.func.count()).select_from(fleet_orders).where(waiting)).scalar_one()
                >= MOST_OPEN
            ):
                raise OrderProblem(409, "too many orders of this terminal are open")
            row = {"branch": branch, "device": device, "act": plain, "reason": reason, "state": "waiting",
                   "codes": [], "asked_by": person.name[:80], "asked_at": now, "agreed_by": "",
                   "expires": now + AGREE_WITHIN}  # fmt: skip
            key = db.execute(sa.insert(fleet_orders).values(**row)).inserted_primary_key
            assert key is not None
            record.note(db, person.name, f"order_{plain['kind']}", branch=branch, subject=f"{device} order {key[0]}")
            if plain["kind"] in DANGEROUS:
                return int(key[0]), []
            return int(key[0]), [self._sign(db, int(key[0]), now)]

        return self._store.apply(work)

    def agree(self, person: Person, branch: str, order: int) -> list[Outgoing]:
        """The second person agrees; what to send. Raises `OrderProblem`, `Refused`."""
        require(person, Right.ORDER_DEVICE, branch)
        now = datetime.now(UTC)

        def work(db: sa.Connection) -> list[Outgoing]:
            here = sa.and_(fleet_orders.c.id == order, fleet_orders.c.branch == branch)
            row = db.execute(sa.select(fleet_orders).where(here).with_for_update()).first()
            if row is None:
                raise OrderProblem(404, "there is no such order")
            if row.state != "waiting" or row.expires <= now:
                raise OrderProblem(409, "nobody waits for an agreement to it any more")
            if row.asked_by == person.name and person is not OPERATOR:
                raise Refused(Right.ORDER_DEVICE, branch)  # two persons
            db.execute(sa.update(fleet_orders).where(here).values(agreed_by=person.name[:80]))
            record.note(db, person.name, "order_agreed", branch=branch, subject=f"{row.device} order {order}")
            return [self._sign(db, order, now)]

        return self._store.apply(work)

    def result(self, person: Person, branch: str, device: str, number: int) -> tuple[str, bytes]:
        """What a terminal sent for an order, whole: its kind and its bytes. Raises `OrderProblem`, `Refused`."""
        require(person, Right.ORDER_DEVICE, branch)
        c = fleet_chunks.c
        of = sa.and_(c.branch == branch, c.device == device, c.number == number)
        rows = self._store.rows(sa.select(fleet_chunks).where(of).order_by(c.part))
        parts = max((row["parts"] for row in rows), default=0)
        if not rows or [row["part"] for row in rows] != list(range(parts)):
            raise OrderProblem(404, f"{len(rows)} of {parts or '?'} parts are here")
        whole = b"".join(row["body"] for row in rows)
        if rows[0]["what"] != TAIL and hashlib.sha256(whole).hexdigest() != rows[0]["sha256"]:
            raise OrderProblem(409, "what came is not what was sent")
        with self._store.write() as db:
            record.note(db, person.name, "order_result_read", branch=branch, subject=f"{device} {number}")
        return str(rows[0]["what"]), whole

    def _sign(self, db: sa.Connection, order: int, now: datetime) -> Outgoing:
        if self._authority is None:
            raise OrderProblem(409, "this hub has no authority that signs: start it with --authority")
        here = fleet_orders.c.id == order
        row = db.execute(sa.select(fleet_orders).where(here)).one()
        of = sa.and_(fleet_terminals.c.branch == row.branch, fleet_terminals.c.device == row.device)
        note_terminal(db, row.branch, row.device, now)
        last = db.execute(sa.select(fleet_terminals.c.order_number).where(of).with_for_update()).scalar_one()
        number = max(int(last) + 1, int(now.timestamp() * 1_000))
        db.execute(sa.update(fleet_terminals).where(of).values(order_number=number))
        expires = now + GOOD_FOR
        stated = f.Order(branch=row.branch, device=row.device, number=number, issued=now, expires=expires,
                         act=msgspec.convert(row.act, f.Act))  # fmt: skip
        body = msgspec.json.encode(stated)
        message = topics.COMMAND.encode(
            f.Command(
                id=uuid.uuid4().hex, at=now, mono_ns=time.monotonic_ns(), order=base64.b64encode(body).decode(),
                signature=base64.b64encode(self._authority.sign(body)).decode(),
            )
        )  # fmt: skip
        values = {"state": "sent", "number": number, "expires": expires, "message": message, "sent_at": now}
        db.execute(sa.update(fleet_orders).where(here).values(**values))
        return _out(row.branch, row.device, message)


def carry_on(store: Store, now: datetime) -> list[Outgoing]:
    """Send again what was not answered; end what ran out."""
    c = fleet_orders.c
    over = sa.and_(c.state.in_((*OPEN, "waiting")), c.expires <= now)
    late = sa.and_(c.state == "sent", c.expires > now, c.sent_at < now - RESEND)
    due = store.rows(sa.select(c.id, c.branch, c.device, c.message).where(late).limit(200))
    ended = store.rows(sa.select(c.id).where(over).limit(1))
    if not due and not ended:
        return []
    with store.write() as db:
        waits = sa.and_(over, c.state == "waiting")
        db.execute(sa.update(fleet_orders).where(waits).values(state="not_agreed"))
        # what was taken may still be under way: its answer counts for as long as it is kept
        db.execute(sa.update(fleet_orders).where(over, c.state == "sent").values(state="expired"))
        db.execute(sa.update(fleet_orders).where(c.id.in_([row["id"] for row in due])).values(sent_at=now))
        db.execute(sa.delete(fleet_chunks).where(fleet_chunks.c.at < now - KEPT))
    return [_out(row["branch"], row["device"], row["message"]) for row in due]


def answered(db: sa.Connection, branch: str, device: str, reply: f.CommandReply, now: datetime) -> str:
    """Note what a terminal says of an order; why it is refused, or an empty text."""
    mine = sa.and_(_of(branch, device), fleet_orders.c.number == reply.number)
    row = db.execute(sa.select(fleet_orders.c.id, fleet_orders.c.state).where(mine)).first()
    if row is None or row.state not in (*OPEN, "expired"):
        return "reply_unknown"
    if row.state == reply.state:
        return ""
    values = {"state": reply.state, "codes": list(reply.codes), "answered_at": now}
    db.execute(sa.update(fleet_orders).where(mine).values(**values))
    record.note(db, "", f"order_{reply.state}", branch=branch, subject=f"{device} order {row.id}",
                outcome=",".join(reply.codes)[:40] or "done")  # fmt: skip
    return ""


def keep_chunk(db: sa.Connection, branch: str, device: str, chunk: f.DiagChunk, now: datetime) -> str:
    """Keep a part of what an order asked for; why it is refused, or an empty text."""
    mine = sa.and_(_of(branch, device), fleet_orders.c.number == chunk.number)
    row = db.execute(sa.select(fleet_orders.c.act, fleet_orders.c.state).where(mine)).first()
    if row is None or GIVES.get(row.act["kind"]) != chunk.what or row.state not in (*OPEN, "done"):
        return "chunk_unasked"
    if chunk.part >= chunk.parts:
        return "chunk_number"
    c = fleet_chunks.c
    of = sa.and_(c.branch == branch, c.device == device, c.number == chunk.number)
    try:
        body = base64.b64decode(chunk.body, validate=True)
    except ValueError:
        return "chunk_body"
    if chunk.what == TAIL:  # told as it is written: how many there will be is not known, each is whole in itself
        if chunk.parts != chunk.part + 1 or hashlib.sha256(body).hexdigest() != chunk.sha256:
            return "chunk_other"
    else:
        first = db.execute(sa.select(c.parts, c.sha256).where(of).limit(1)).first()
        if first is not None and (first.parts, first.sha256) != (chunk.parts, chunk.sha256):
            return "chunk_other"
    upsert(db, fleet_chunks, [{"branch": branch, "device": device, "number": chunk.number, "part": chunk.part,
                               "parts": chunk.parts, "what": chunk.what, "sha256": chunk.sha256, "body": body,
                               "at": now}])  # fmt: skip
    return ""


def waiting(store: Store, branches: Sequence[str]) -> list[dict[str, Any]]:
    """Orders that somebody must agree to."""
    c = fleet_orders.c
    query = sa.select(c.id, c.branch, c.device, c.act, c.reason, c.asked_by, c.expires).where(
        c.state == "waiting", c.branch.in_(list(branches))
    )
    return [row | {"expires": row["expires"].isoformat()} for row in store.rows(query.order_by(c.id).limit(100))]


def _of(branch: str, device: str) -> sa.ColumnElement[bool]:
    return sa.and_(fleet_orders.c.branch == branch, fleet_orders.c.device == device)


def _out(branch: str, device: str, message: bytes) -> Outgoing:
    row = topics.COMMAND
    return Outgoing(row.at(branch, device), message, row.qos, row.retain)
