"""One transaction over the pool of tellers: its row is held, changes are compare-and-set by the tables of states.

Nothing is remembered between two of them, so a worker may be killed at any instruction: either all of a change is in
the database or none of it, and what a dead worker owed (an offer's end, a lost terminal) is due by a deadline that any
other worker finds.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final, Literal, TypeAlias

import sqlalchemy as sa

from config.routing import Routing
from contracts.video import (
    ON_DUTY,
    OVER,
    TALKS,
    CaseEvent,
    CaseState,
    TellerEvent,
    TellerState,
    step,
    teller_step,
)
from contracts.video_messages import Need
from hub.store import upsert
from hub.together.tables import seconds, together
from hub.video.help_tables import call_heard
from hub.video.rule import Decision, Free, Waiting, match
from hub.video.tables import POOL, case_changes, cases, decisions, pools, tellers

Row: TypeAlias = dict[str, Any]
Why = Literal["unknown", "transition", "foreign", "cannot", "raced", "second", "oneself"]
RATED_MIDDLE: Final = 3.0
SERVED_UNRATED: Final = 0.3  # known to each other counts something, also without an opinion
LOAD_WINDOW: Final = timedelta(hours=1)

_CASE: Final = sa.select(cases).where(cases.c.video_case == sa.bindparam("k_case"))
_TELLER: Final = sa.select(tellers).where(tellers.c.person == sa.bindparam("k_person"))
_SET_CASE: Final = sa.update(cases).where(
    cases.c.video_case == sa.bindparam("k_case"), cases.c.version == sa.bindparam("k_version")
)
_SET_TELLER: Final = sa.update(tellers).where(
    tellers.c.person == sa.bindparam("k_person"), tellers.c.version == sa.bindparam("k_version")
)
_PASSED: Final = sa.update(cases).where(cases.c.video_case == sa.bindparam("k_case")).values(passed=cases.c.passed + 1)
_OPEN: Final = sa.select(cases).where(
    cases.c.branch == sa.bindparam("branch"), cases.c.device == sa.bindparam("device"), cases.c.state.not_in(OVER)
)
_APART: Final = sa.delete(together).where(together.c.video_case == sa.bindparam("k_case"))
_UNDECIDED: Final = (
    sa.update(seconds)
    .where(seconds.c.video_case == sa.bindparam("k_case"), seconds.c.outcome == "waiting")
    .values(outcome="refused", decided_at=sa.bindparam("at"))
)
_BUMP: Final = sa.update(pools).where(pools.c.pool == POOL).values(revision=pools.c.revision + 1)
_UNHEARD: Final = sa.delete(call_heard).where(call_heard.c.video_case == sa.bindparam("k_case"))
_CHANGED: Final = sa.insert(case_changes)
_DECIDED: Final = sa.insert(decisions)
_LOADS: Final = (
    sa.select(cases.c.teller, sa.func.sum(cases.c.talk_s).label("talked"))
    .where(cases.c.teller != "", cases.c.over_at > sa.bindparam("since"))
    .group_by(cases.c.teller)
)
_LINE: Final = sa.select(cases).where(cases.c.state == CaseState.WAITING, cases.c.seen > sa.bindparam("heard"))
_DUTY: Final = sa.select(tellers).where(tellers.c.state.in_(ON_DUTY), tellers.c.seen > sa.bindparam("heard"))


class NotNow(ValueError):
    """This cannot happen to the case or the teller now. `reason` is stable."""

    def __init__(self, reason: Why) -> None:
        super().__init__(reason)
        self.reason = reason


class Pool:
    """Holds the pool to the end of the transaction of `db`. `touched`: cases whose terminals want to be told."""

    def __init__(self, db: sa.Connection, rules: Routing, now: datetime) -> None:
        self.db, self.rules, self.now = db, rules, now
        self.touched: set[str] = set()
        self._bumped = False
        if db.dialect.name != "sqlite":  # SQLite holds the whole file already
            held = sa.select(pools.c.pool).where(pools.c.pool == POOL).with_for_update()
            if db.execute(held).first() is None:
                upsert(db, pools, [{"pool": POOL, "revision": 0}])
                db.execute(held)

    def after(self, seconds: float) -> datetime:
        """So long from now."""
        return self.now + timedelta(seconds=seconds)

    # --- rows -----------------------------------------------------------------------------------

    def case(self, case: str) -> Row:
        """Raises `NotNow`."""
        row = self.db.execute(_CASE, {"k_case": case}).mappings().first()
        if row is None:
            raise NotNow("unknown")
        return dict(row)

    def teller(self, person: str) -> Row:
        """Raises `NotNow`: nobody of this name was made a teller."""
        row = self.db.execute(_TELLER, {"k_person": person}).mappings().first()
        if row is None:
            raise NotNow("unknown")
        return dict(row)

    def open_cases(self, branch: str, device: str) -> list[Row]:
        """What is not over of one terminal."""
        return [dict(row) for row in self.db.execute(_OPEN, {"branch": branch, "device": device}).mappings()]

    # --- changes --------------------------------------------------------------------------------

    def move_case(self, row: Row, event: CaseEvent, *, person: str = "", reason: str = "", **values: Any) -> Row:
        """`event` happens to a case; its new row. Raises `NotNow`: not in this state, or somebody was quicker."""
        state = step(CaseState(row["state"]), event)
        if state is None:
            raise NotNow("transition")
        values = {"deadline": None, **values, "state": state, "reason": reason, "since": self.now}
        if state in OVER:
            values["over_at"] = self.now
            self.db.execute(_UNHEARD, {"k_case": row["video_case"]})
        if CaseState(row["state"]) in TALKS and state not in TALKS:  # what was typed in the talk goes with it
            self.db.execute(_APART, {"k_case": row["video_case"]})
            self.db.execute(_UNDECIDED, {"k_case": row["video_case"], "at": self.now})
        after = self.set_case(row, **values)
        self.db.execute(
            _CHANGED,
            {"video_case": row["video_case"], "event": event, "state": state, "person": person, "reason": reason,
             "at": self.now},
        )  # fmt: skip
        return after

    def set_case(self, row: Row, **values: Any) -> Row:
        """Other columns of a case, under its version."""
        key = {"k_case": row["video_case"], "k_version": row["version"]}
        values["version"] = row["version"] + 1
        if self.db.execute(_SET_CASE, {**values, **key}).rowcount != 1:
            raise NotNow("raced")
        self.touched.add(row["video_case"])
        self.bump()
        return {**row, **values}

    def move_teller(self, row: Row, event: TellerEvent, **values: Any) -> Row:
        """`event` happens to a teller; the new row. Raises `NotNow`."""
        state = teller_step(TellerState(row["state"]), event)
        if state is None:
            raise NotNow("transition")
        values = {"deadline": None, **values, "state": state, "since": self.now}
        if state in (TellerState.READY, TellerState.BREAK, TellerState.OFFLINE):
            values["video_case"] = ""
        return self.set_teller(row, **values)

    def set_teller(self, row: Row, **values: Any) -> Row:
        """Other columns of a teller, under its version."""
        key = {"k_person": row["person"], "k_version": row["version"]}
        values["version"] = row["version"] + 1
        if self.db.execute(_SET_TELLER, {**values, **key}).rowcount != 1:
            raise NotNow("raced")
        self.bump()
        return {**row, **values}

    def bump(self) -> None:
        """The pool's next revision: once a transaction."""
        if self._bumped:
            return
        self._bumped = True
        if self.db.execute(_BUMP).rowcount == 0:
            self.db.execute(sa.insert(pools).values(pool=POOL, revision=1))

    def undone(self) -> None:
        """What was done last was taken back: the next change counts anew."""
        self._bumped = False

    # --- the rule -------------------------------------------------------------------------------

    def match(self) -> list[Decision]:
        """Offer every visitor in line to whoever the rule says; the offers are made when this returns."""
        on_duty = duty(self.db, self.rules, self.now)
        free = [row for row in on_duty if row["state"] == TellerState.READY]
        if not free:
            return []
        line = in_line(self.db, self.rules, self.now)
        if not line:
            return []
        talked = loads(self.db, self.now)
        known = _known(self.db, {row["alias"] for row in line if row["alias"]})
        found = match(
            [waiting_of(row, self.rules, known.get(row["alias"], {})) for row in line],
            [free_of(row, talked.get(row["person"], 0.0)) for row in free],
            self.rules,
            self.now,
            [free_of(row) for row in on_duty],
        )
        by_case, by_teller = {row["video_case"]: row for row in line}, {row["person"]: row for row in free}
        for decision in found:
            for over in decision.over:
                self.db.execute(_PASSED, {"k_case": over})
            self.offer(by_case[decision.case], by_teller[decision.teller], decision)
        return found

    def offer(self, case: Row, teller: Row, decision: Decision, person: str = "") -> None:
        """One case is shown to one teller, who has `offer_s` to answer; why is kept."""
        until = self.after(self.rules.limits.offer_s)
        self.move_case(case, CaseEvent.OFFERED, person=person, reason=decision.how, teller=teller["person"],
                       deadline=until)  # fmt: skip
        self.move_teller(teller, TellerEvent.OFFERED, video_case=case["video_case"], deadline=until)
        row = {
            "video_case": case["video_case"], "branch": case["branch"], "teller": teller["person"],
            "how": decision.how, "terms": dict(decision.terms), "passed_over": len(decision.over),
            "waited_s": max(0.0, (self.now - case["came"]).total_seconds()), "at": self.now,
        }  # fmt: skip
        self.db.execute(_DECIDED, row)


def in_line(db: sa.Connection, rules: Routing, now: datetime) -> list[Row]:
    """Cases that may be offered: waiting, and their terminals were heard lately."""
    heard = now - timedelta(seconds=rules.limits.terminal_heard_s)
    return [dict(row) for row in db.execute(_LINE, {"heard": heard}).mappings()]


def duty(db: sa.Connection, rules: Routing, now: datetime) -> list[Row]:
    """Tellers who work now: on duty, and their desks were heard lately."""
    heard = now - timedelta(seconds=rules.limits.teller_heard_s)
    return [dict(row) for row in db.execute(_DUTY, {"heard": heard}).mappings()]


def need_of(row: Row) -> Need:
    """What a case needs."""
    return Need(
        service=row["service"], language=row["language"], dialect=row["dialect"], sign=row["sign"], calm=row["calm"],
        licence=row["licence"],
    )  # fmt: skip


def waiting_of(row: Row, rules: Routing, before: dict[str, float] | None = None) -> Waiting:
    """A case as the rule sees it."""
    return Waiting(
        case=row["video_case"], branch=row["branch"], need=need_of(row), came=row["came"], place=row["place_at"],
        least_level=rules.least_level(row["risk"]), passed=row["passed"], talk_min=rules.talk_min(row["service"])[0],
        refused={name: datetime.fromisoformat(until) for name, until in row["refused"].items()}, before=before or {},
    )  # fmt: skip


def free_of(row: Row, load: float = 0.0) -> Free:
    """A teller as the rule sees one."""
    return Free(
        teller=row["person"], branches=frozenset(row["branches"]), services=frozenset(row["services"]),
        languages=frozenset(row["languages"]), dialects=frozenset(row["dialects"]), sign=row["sign"], calm=row["calm"],
        licence=row["licence"], level=row["level"], idle_since=row["since"], load=load,
    )  # fmt: skip


def loads(db: sa.Connection, now: datetime) -> dict[str, float]:
    """By teller, the share of the last hour spent talking."""
    return {
        row.teller: float(row.talked or 0) / LOAD_WINDOW.total_seconds()
        for row in db.execute(_LOADS, {"since": now - LOAD_WINDOW})
    }


def _known(db: sa.Connection, aliases: set[str]) -> dict[str, dict[str, float]]:
    """By customer's alias, who served that customer before and how it was rated: -1 poor … 1 very good."""
    if not aliases:
        return {}
    served = (
        sa.select(cases.c.alias, cases.c.teller, sa.func.avg(cases.c.score).label("score"))
        .where(cases.c.alias.in_(sorted(aliases)), cases.c.state == CaseState.WRAPPED_UP, cases.c.talk_at.is_not(None))
        .group_by(cases.c.alias, cases.c.teller)
    )
    found: dict[str, dict[str, float]] = {}
    for row in db.execute(served):
        rated = SERVED_UNRATED if row.score is None else (float(row.score) - RATED_MIDDLE) / 2
        found.setdefault(row.alias, {})[row.teller] = rated
    return found
