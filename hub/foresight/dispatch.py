"""Watches every branch's floor: advises, or acts where that is allowed; each act is kept with its reasons and effect.

What to do is `dispatch_rule`'s; this reads the floor, writes what was decided, and puts it to work: a counter's extra
services stand in `counter_posts`, what is offered to visitors goes with the branch's queue over the wire. Without a
word from a branch's manager it advises and does nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from config.routing import Routing
from contracts import messages as m
from contracts.queueing import Lane
from contracts.tickets import TicketEvent
from contracts.video import TellerState
from hub.foresight.dispatch_rule import OFFERS, Choice, Kind, Means, Rules, Running, decide
from hub.foresight.forecasting import Forecaster
from hub.foresight.live import Foresight, Known
from hub.foresight.posts import add_services
from hub.foresight.records import midnight
from hub.foresight.roster import roster_of
from hub.foresight.tables import dispatch_acts, dispatch_rules
from hub.queue_changes import hold
from hub.store import Store, ticket_changes, tickets, upsert
from hub.video.pool import duty

SETTINGS: Final = timedelta(seconds=5)  # how old what a branch allows may be
MOST_ACTS: Final = 60  # running in one branch
WAITS: Final = range(1, 121)  # minutes that a threshold may be
QUIET_MIN: Final = (60, 90, 120, 180, 240)  # from now: times that are looked at for a quiet one
QUIET_SHARE: Final = 0.6  # of who comes now
KEPT: Final = timedelta(days=180)
_OFFER: Final[Mapping[Kind, m.Offer]] = {
    Kind.SELF_SERVICE: "self_service", Kind.VIDEO: "video", Kind.LATER: "later",
}  # fmt: skip


@dataclass(slots=True)
class Watched:
    """What is known of one branch between two looks."""

    rules: Rules = field(default_factory=Rules)
    running: dict[int, tuple[Running, bool]] = field(default_factory=dict)  # by number: the act, and whether done
    can: dict[str, tuple[str, ...]] = field(default_factory=dict)
    video: frozenset[str] = frozenset()
    later_at: datetime | None = None
    read_at: datetime | None = None  # None: read again


class Dispatcher:
    """One a process. `step` may be called for a branch every second."""

    def __init__(self, store: Store, foresight: Foresight, forecaster: Forecaster, routing: Routing) -> None:
        self._store, self._foresight, self._forecaster, self._routing = store, foresight, forecaster, routing
        self._watched: dict[str, Watched] = {}
        self.machines: frozenset[str] = frozenset()  # services of which a machine in the lobby does some
        self.tally: Counter[str] = Counter()

    def step(self, branch: str, now: datetime) -> bool:
        """Look at a branch; whether anything began or ended. Raises `SQLAlchemyError`."""
        known = self._foresight.at_hand(branch)
        if known is None or known.floor is None:
            return False
        watched = self._watched.setdefault(branch, Watched())
        if watched.read_at is None or not timedelta(0) <= now - watched.read_at < SETTINGS:
            self._read(branch, watched, known, now)
        if not known.floor.waiting and not watched.running:
            return False
        choices = self._choices(known, watched)
        if not choices:
            return False
        return self._store.apply(lambda db: self._write(db, branch, watched, known, choices, now))

    def offers(self, branch: str) -> dict[str, tuple[m.Offer, ...]]:
        """What is offered to visitors just now, by service."""
        watched = self._watched.get(branch)
        found: dict[str, list[m.Offer]] = defaultdict(list)
        for act, done in watched.running.values() if watched is not None else ():
            if done and act.kind in OFFERS:
                found[act.service].append(_OFFER[act.kind])
        return {service: tuple(kinds) for service, kinds in found.items()}

    def told(self, state: m.TicketsState) -> m.TicketsState:
        """The queue with what is offered, for the wire."""
        offers = self.offers(state.branch)
        if not offers:
            return state
        later = self._watched[state.branch].later_at
        services = tuple(
            msgspec.structs.replace(
                queue, offers=offers.get(queue.service, ()),
                later_at=later if "later" in offers.get(queue.service, ()) else None,
            )
            for queue in state.services
        )  # fmt: skip
        return msgspec.structs.replace(state, services=services)

    # --- what a branch allows -------------------------------------------------------------------

    def rules_of(self, branch: str) -> Rules:
        """What the branch allows."""
        rows = self._store.rows(sa.select(dispatch_rules).where(dispatch_rules.c.branch == branch))
        if not rows:
            return Rules()
        acts = frozenset(Kind(one) for one in rows[0]["acts"] if one in set(Kind))
        return Rules(rows[0]["watches"], acts, rows[0]["most_wait_min"])

    def allow(self, branch: str, rules: Rules, person: str, now: datetime) -> None:
        """From now on. Raises ValueError for a threshold that cannot be meant."""
        if rules.most_wait_min not in WAITS:
            raise ValueError(f"the longest wait is {WAITS.start} to {WAITS.stop - 1} minutes")
        row = {
            "branch": branch, "watches": rules.watches, "acts": sorted(rules.acts),
            "most_wait_min": rules.most_wait_min, "person": person, "at": now,
        }  # fmt: skip
        with self._store.write() as db:
            upsert(db, dispatch_rules, [row], update=["watches", "acts", "most_wait_min", "person", "at"])
        if branch in self._watched:
            self._watched[branch].read_at = None

    def acts_of(self, branch: str, since: datetime, most: int = 40) -> list[dict[str, Any]]:
        """The acts since a time, newest first."""
        here = sa.and_(dispatch_acts.c.branch == branch, dispatch_acts.c.at >= since)
        return self._store.rows(sa.select(dispatch_acts).where(here).order_by(dispatch_acts.c.id.desc()).limit(most))

    # --- parts ----------------------------------------------------------------------------------

    def _read(self, branch: str, watched: Watched, known: Known, now: datetime) -> None:
        watched.rules = self.rules_of(branch)
        roster = roster_of(self._store, branch)
        watched.can = {seat.counter: seat.can for seat in roster.seats} if roster is not None else {}
        begins = midnight(known.day, self._foresight.zone_min)
        rows = self._store.rows(
            sa.select(dispatch_acts).where(dispatch_acts.c.branch == branch, dispatch_acts.c.ended_at.is_(None))
        )
        watched.running = {row["id"]: (_running(row, begins), row["done"]) for row in rows}
        with self._store.read() as db:
            ready = [one for one in duty(db, self._routing, now) if one["state"] == TellerState.READY]
        here = [one for one in ready if "*" in one["branches"] or branch in one["branches"]]
        served = {service for one in here for service in one["services"]}
        watched.video = frozenset(known.floor.services if known.floor and "*" in served else served)
        watched.later_at = self._quiet(branch, now)
        watched.read_at = now

    def _quiet(self, branch: str, now: datetime) -> datetime | None:
        """A later time of today at which much fewer are expected than now; None: none, or it cannot be said."""
        ahead = self._forecaster.day(branch, self._forecaster.today(now), now)
        if not ahead:
            return None
        local = now.astimezone(UTC) + timedelta(minutes=self._foresight.zone_min)
        quarter = local.hour * 4 + local.minute // 15

        def coming(at: int) -> float:
            return float(sum(one.used[at : at + 2].sum() for one in ahead))

        open_until = max((at for at in range(96) if coming(at) > 0.0), default=0) - 3
        best, found = QUIET_SHARE * coming(quarter), None
        for minutes in QUIET_MIN:
            at = quarter + minutes // 15
            if at <= open_until and coming(at) < best:
                best = coming(at)
                found = now.replace(minute=now.minute - now.minute % 15, second=0, microsecond=0)
                found += timedelta(minutes=minutes)
        return found

    def _choices(self, known: Known, watched: Watched) -> list[Choice]:
        assert known.floor is not None
        everything = frozenset(known.floor.services)
        means = Means(
            watched.can, self.machines, watched.video, everything if watched.later_at is not None else frozenset()
        )
        running = [act for act, _ in watched.running.values()]
        found = decide(known.floor, known.shown, means, watched.rules, running)
        room = MOST_ACTS - len(running)
        return [choice for choice in found if not choice.begin or (room := room - 1) >= 0]

    def _write(
        self, db: sa.Connection, branch: str, watched: Watched, known: Known, choices: list[Choice], now: datetime
    ) -> bool:
        hold(db, branch)  # another process may look at the same floor
        open_now = {
            (row.kind, row.service, row.counter): row
            for row in db.execute(
                sa.select(dispatch_acts).where(dispatch_acts.c.branch == branch, dispatch_acts.c.ended_at.is_(None))
            )
        }
        changed = False
        for choice in choices:
            row = open_now.get((choice.kind, choice.service, choice.counter))
            if choice.begin and row is None:
                done = choice.kind in watched.rules.acts
                db.execute(
                    sa.insert(dispatch_acts).values(
                        branch=branch, at=now, kind=choice.kind, service=choice.service, counter=choice.counter,
                        done=done, why=dict(choice.why),
                    )
                )  # fmt: skip
                self.tally[f"{choice.kind} {'done' if done else 'advised'}"] += 1
                changed = True
            elif not choice.begin and row is not None:
                effect = {**choice.why, "took": _took(db, row), "lasted_min": (now - row.at).total_seconds() / 60}
                db.execute(
                    sa.update(dispatch_acts).where(dispatch_acts.c.id == row.id).values(ended_at=now, effect=effect)
                )
                changed = True
        if changed:
            self._mixes(db, branch, known)
            watched.read_at = None
        return changed

    def _mixes(self, db: sa.Connection, branch: str, known: Known) -> None:
        """What counters call besides is what running acts say."""
        extra: dict[str, list[str]] = defaultdict(list)
        wanted = sa.select(dispatch_acts.c.counter, dispatch_acts.c.service).where(
            dispatch_acts.c.branch == branch, dispatch_acts.c.ended_at.is_(None), dispatch_acts.c.done,
            dispatch_acts.c.kind == Kind.MIX,
        )  # fmt: skip
        for row in db.execute(wanted):
            extra[row.counter].append(row.service)
        for post in known.floor.posts if known.floor is not None else ():
            add_services(db, branch, post.counter, extra.get(post.counter, []))


def _running(row: Mapping[str, Any], begins: datetime) -> Running:
    since_s = (row["at"] - begins).total_seconds()
    began = 60.0 * float(row["why"].get("p90_min", 0.0))
    return Running(Kind(row["kind"]), row["service"], row["counter"], since_s, began)


def _took(db: sa.Connection, row: sa.Row[Any]) -> int:
    """How many visitors an act reached: called at the counter that helped, moved to video, numbers given back."""
    same = sa.and_(
        tickets.c.branch == ticket_changes.c.branch, tickets.c.day == ticket_changes.c.day,
        tickets.c.number == ticket_changes.c.number,
    )  # fmt: skip
    of = {
        Kind.MIX: sa.and_(ticket_changes.c.event == TicketEvent.CALLED, ticket_changes.c.counter == row.counter),
        Kind.VIDEO: sa.and_(ticket_changes.c.event == TicketEvent.TRANSFERRED, tickets.c.lane == Lane.VIDEO),
    }.get(Kind(row.kind), ticket_changes.c.event == TicketEvent.GIVEN_BACK)
    wanted = (
        sa.select(sa.func.count())
        .select_from(ticket_changes.join(tickets, same))
        .where(ticket_changes.c.branch == row.branch, ticket_changes.c.at >= row.at)
        .where(tickets.c.service == row.service, of)
    )
    return int(db.execute(wanted).scalar() or 0)


def forget(db: sa.Connection, now: datetime) -> int:
    """Delete acts that nobody asks about any more; how many rows."""
    return db.execute(sa.delete(dispatch_acts).where(dispatch_acts.c.at < now - KEPT)).rowcount
