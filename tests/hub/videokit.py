"""A pool of tellers on a real store in virtual time, with terminals that speak the wire."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from config.routing import Routing, load_routing
from contracts import topics
from contracts import video_messages as v
from hub.bus import Arrived
from hub.ingest import Ingest
from hub.store import Store
from hub.video import acts
from hub.video.pool import Pool
from hub.video.standing import standings
from hub.video.sweep import sweep
from hub.video.tables import case_changes, cases, decisions, tellers
from tests.hub.wirekit import BRANCH, DEVICE

BEGAN = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)  # a Monday, ten o'clock there
NEED = v.Need(service="personal", language="zh")


class Terminal:
    """One kiosk's numbered operations on cases."""

    def __init__(self, house: House, device: str = DEVICE, branch: str = BRANCH) -> None:
        self.house, self.device, self.branch, self.seq = house, device, branch, 0

    def op(self, body: v.CaseOperation) -> Arrived:
        self.seq += 1
        row = topics.CASE_OP
        message = v.CaseOp(
            id=f"{self.seq}", at=self.house.now, mono_ns=0, log=f"log-{self.device}", seq=self.seq,
            follows=self.seq - 1, body=body,
        )  # fmt: skip
        return Arrived(row.at(self.branch, self.device), row.encode(message))

    def ask(self, case: str, need: v.Need = NEED, **more: Any) -> str:
        self.house.take(self.op(v.TellerAsked(case=case, visit=f"visit-{case}", packet=None, need=need, **more)))
        return case

    def leave(self, case: str, why: Any = "left") -> None:
        self.house.take(self.op(v.CaseLeft(case=case, why=why)))

    def here(self, case: str, media: v.Media = "none") -> None:
        row = topics.CASE_HERE
        said = v.CaseHere(id="h", at=self.house.now, mono_ns=0, case=case, media=media)
        self.house.take(Arrived(row.at(self.branch, self.device), row.encode(said)))


class House:
    """The store, one worker's ingest and the clock."""

    def __init__(self, url: str, rules: Routing | None = None) -> None:
        self.store, self.rules, self.now = Store(url), rules or load_routing(), BEGAN
        self.told: set[str] = set()
        self.ingest = Ingest(
            self.store, acknowledge=_ignore, queue_moved=_ignore, changed=_ignore, now=lambda: self.now,
            cases_moved=self.told.update, rules=self.rules,
        )  # fmt: skip

    def take(self, *batch: Arrived) -> None:
        self.ingest.take(list(batch))

    def act(self, work: Callable[..., Any], *arguments: Any, **more: Any) -> Any:
        """One act on the pool, in a transaction of its own. Raises `NotNow`."""
        return self.store.apply(lambda db: work(Pool(db, self.rules, self.now), *arguments, **more))

    def teller(self, name: str, *, ready: bool = True, **profile: Any) -> str:
        self.act(acts.enrol, name, **{"services": ["personal"], **profile})
        if ready:
            self.act(acts.ready, name, [BRANCH])
        return name

    def pass_time(self, seconds: float) -> None:
        """Nobody is heard meanwhile; then a worker looks."""
        self.now += timedelta(seconds=seconds)
        sweep(self.store, self.rules, self.now)

    def case(self, case: str) -> dict[str, Any]:
        return self.store.rows(sa.select(cases).where(cases.c.video_case == case))[0]

    def state(self, case: str) -> str:
        return str(self.case(case)["state"])

    def doing(self, teller: str) -> str:
        return str(self.store.rows(sa.select(tellers.c.state).where(tellers.c.person == teller))[0]["state"])

    def standing(self, case: str) -> v.CaseStanding:
        ((_, _, told),) = standings(self.store, self.rules, [case], self.now)
        return topics.CASE_STANDING.decode(topics.CASE_STANDING.encode(told))

    def history(self, case: str) -> list[str]:
        mine = sa.select(case_changes.c.event).where(case_changes.c.video_case == case).order_by(case_changes.c.id)
        return [row["event"] for row in self.store.rows(mine)]

    def reasons(self, case: str) -> list[dict[str, Any]]:
        return self.store.rows(sa.select(decisions).where(decisions.c.video_case == case).order_by(decisions.c.id))

    def close(self) -> None:
        self.store.close()


def _ignore(_what: object) -> None:
    return None
