"""Passes signalling between a terminal and the one page that holds its call; checks who, which, when and how often.

Nothing is kept but rows: any worker may get what a terminal says, and any web process may hold the page. Whoever
routes cases opens a call when a teller accepts (`open_call`) and hears what became of its media (`standing`).
"""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from contracts import call as c
from contracts import topics
from hub.bus import Outgoing
from hub.calls.tables import call_words, calls
from hub.calls.turn import Turn
from hub.store import Store

MOST_WORDS: Final = 400  # of a terminal, not yet fetched; it says a few a leg
LONGEST: Final = timedelta(hours=2)
KEPT: Final = timedelta(days=1)


class NotYours(ValueError):
    """This call is not there, is over, or is somebody else's: `code` says which."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Standing:
    """How a call's media stands, as its terminal said last."""

    device: str
    teller: str
    media: str
    ended: bool
    reason: str


def open_call(
    db: sa.Connection, branch: str, call: str, device: str, teller: str, *, now: datetime | None = None
) -> None:
    """`teller` accepted the case of `device`. Opened again for another teller (a transfer), the page before is out."""
    now = now or datetime.now(UTC)
    db.execute(sa.delete(call_words).where(call_words.c.branch == branch, call_words.c.call == call))
    db.execute(sa.delete(calls).where(calls.c.opened < now - KEPT))
    again = sa.update(calls).where(_is(branch, call))
    if db.execute(again.values(teller=teller, device=device, opened=now, ended=None, reason="", seat="")).rowcount:
        return
    db.execute(sa.insert(calls).values(branch=branch, call=call, device=device, teller=teller, opened=now))


def standing(db: sa.Connection, branch: str, call: str) -> Standing | None:
    """How the media of a call stands; None: there is no such call."""
    row = db.execute(sa.select(calls).where(_is(branch, call))).one_or_none()
    return None if row is None else Standing(row.device, row.teller, row.media, row.ended is not None, row.reason)


def take_up(db: sa.Connection, address: topics.Address, message: c.CallUp, now: datetime) -> str:
    """One message of a terminal. Returns why it was refused: 'case', 'device', 'over', 'repeated', 'crowded'; or ''."""
    row = db.execute(sa.select(calls).where(_is(address.branch, message.case)).with_for_update()).one_or_none()
    if row is None:
        return "case"
    if row.device != address.device:
        return "device"
    if row.ended is not None or row.opened < now - LONGEST:
        return "over"
    if (message.leg, message.said) <= (row.kiosk_leg, row.kiosk_said) or message.leg > max(row.leg, 1):
        return "repeated"
    said: dict[str, Any] = {"kiosk_leg": message.leg, "kiosk_said": message.said}
    match message.body:
        case c.HungUp(reason=reason):
            said |= {"ended": now, "reason": reason, "media": "over"}
        case c.MediaTold(standing=media):
            said["media"] = media
    db.execute(sa.update(calls).where(_is(address.branch, message.case)).values(**said))
    here = sa.and_(call_words.c.branch == address.branch, call_words.c.call == message.case)
    if db.execute(sa.select(sa.func.count()).select_from(call_words).where(here)).scalar_one() >= MOST_WORDS:
        return "crowded"
    body = msgspec.to_builtins(message.body)
    db.execute(sa.insert(call_words).values(branch=address.branch, call=message.case, leg=message.leg, body=body))
    return ""


class Relay:
    """The page's side. Blocking: called from a web server's threads. `tallies`: what was refused, by code."""

    def __init__(self, store: Store, send: Callable[[Outgoing], None], turn: Turn) -> None:
        self._store, self._send, self._turn = store, send, turn
        self.tallies: Counter[str] = Counter()

    def sit(self, branch: str, call: str, teller: str) -> tuple[str, c.PageTold, int]:
        """A page takes its seat: the seat's name, the welcome, and after which word to read. Raises NotYours.

        The page that sat there before (a page that was loaded anew) loses it.
        """
        seat = uuid.uuid4().hex
        with self._store.write() as db:
            row = self._mine(db, branch, call, teller)
            db.execute(sa.update(calls).where(_is(branch, call)).values(seat=seat))
            here = sa.and_(call_words.c.branch == branch, call_words.c.call == call)
            after = db.execute(sa.select(sa.func.max(call_words.c.n)).where(here)).scalar() or 0
        leg = min(row.leg + 1, c.MAX_LEGS)
        welcome = c.Welcomed(case=call, leg=leg, ice=self._turn.servers(f"page-{call}"))
        return seat, c.PageTold(leg=leg, body=welcome), after

    def say(self, branch: str, call: str, teller: str, seat: str, message: c.PageSaid) -> None:
        """The page says something to the terminal. Raises NotYours: it is refused and counted."""
        try:
            with self._store.write() as db:
                row = self._mine(db, branch, call, teller)
                if row.seat != seat:
                    raise NotYours("seat")
                leg, said = self._count_page(db, branch, row, message)
                self._pass_on(branch, row, leg, said, message.body)
        except NotYours as err:
            self.tallies[f"refused_{err.code}"] += 1
            raise

    def _count_page(self, db: sa.Connection, branch: str, row: Any, message: c.PageSaid) -> tuple[int, int]:
        """Leg and number for the terminal. Raises NotYours for a repetition or an older leg.

        An offer begins a newer leg. A hang-up is always taken: it ends the call, whatever was counted before.
        """
        if isinstance(message.body, c.HungUp):
            here = sa.and_(call_words.c.branch == branch, call_words.c.call == row.call)
            db.execute(sa.delete(call_words).where(here))
            leg, said = max(row.leg, 1), row.page_said + 1
            ended = {"ended": datetime.now(UTC), "reason": message.body.reason, "media": "over"}
            db.execute(sa.update(calls).where(_is(branch, row.call)).values(page_said=said, **ended))
            return leg, min(said, c.MAX_SAID)
        if isinstance(message.body, c.Offered) != (message.leg > row.leg):
            raise NotYours("leg")
        if message.leg < row.leg or (message.leg == row.leg and message.said <= row.page_said):
            raise NotYours("repeated")
        db.execute(sa.update(calls).where(_is(branch, row.call)).values(leg=message.leg, page_said=message.said))
        return message.leg, message.said

    def away(self, branch: str, call: str, seat: str) -> None:
        """The page went away without hanging up: the terminal is told, once."""
        with self._store.write() as db:
            row = db.execute(sa.select(calls).where(_is(branch, call))).one_or_none()
            if row is not None and row.ended is not None:  # both know: nothing of it is kept
                db.execute(sa.delete(call_words).where(call_words.c.branch == branch, call_words.c.call == call))
            if row is None or row.ended is not None or row.seat != seat:
                return
            said = row.page_said + 1
            db.execute(sa.update(calls).where(_is(branch, call)).values(seat="", page_said=said))
            self._pass_on(branch, row, max(row.leg, 1), min(said, c.MAX_SAID), c.PageAway())

    def words(self, branch: str, call: str, seat: str, after: int) -> tuple[list[tuple[int, c.PageTold]], bool]:
        """What the terminal said after word `after`, and whether this page still has its seat."""
        here = sa.and_(call_words.c.branch == branch, call_words.c.call == call, call_words.c.n > after)
        with self._store.read() as db:
            rows = db.execute(sa.select(call_words).where(here).order_by(call_words.c.n)).all()
            row = db.execute(sa.select(calls.c.seat, calls.c.ended).where(_is(branch, call))).one_or_none()
        told = [(each.n, c.PageTold(leg=each.leg, body=msgspec.convert(each.body, c.FromTerminal))) for each in rows]
        over = any(isinstance(one.body, c.HungUp) for _, one in told)
        return told, row is not None and (row.seat == seat or over)

    def _mine(self, db: sa.Connection, branch: str, call: str, teller: str) -> Any:
        row = db.execute(sa.select(calls).where(_is(branch, call)).with_for_update()).one_or_none()
        if row is None:
            raise NotYours("case")
        if row.teller != teller:
            raise NotYours("teller")
        if row.ended is not None or row.opened < datetime.now(UTC) - LONGEST:
            raise NotYours("over")
        return row

    def _pass_on(self, branch: str, row: Any, leg: int, said: int, body: c.ToTerminal) -> None:
        if isinstance(body, c.Offered):
            body = c.Offered(sdp=body.sdp, ice=self._turn.servers(f"kiosk-{row.call}"))
        now = datetime.now(UTC)
        message = c.CallDown(
            id=uuid.uuid4().hex, at=now, mono_ns=time.monotonic_ns(), case=row.call, leg=leg, said=said,
            expires=now + timedelta(seconds=c.EXPIRES_S), body=body,
        )  # fmt: skip
        kind = topics.CALL_DOWN
        try:
            payload = kind.encode(message)
        except topics.WireError as err:
            raise NotYours("size") from err
        self._send(Outgoing(kind.at(branch, row.device), payload, kind.qos, kind.retain))


def forget(db: sa.Connection, now: datetime) -> None:
    """Descriptions name addresses: nothing of a call that is over stays but that there was one, for a day."""
    over = sa.select(calls.c.call).where(sa.or_(calls.c.ended.is_not(None), calls.c.opened < now - LONGEST))
    db.execute(sa.delete(call_words).where(call_words.c.call.in_(over)))
    db.execute(sa.delete(calls).where(calls.c.opened < now - KEPT))


def _is(branch: str, call: str) -> sa.ColumnElement[bool]:
    return sa.and_(calls.c.branch == branch, calls.c.call == call)
