"""What the pages of tellers and their supervisor read. Packets are given only for a case that the reader holds."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from config.routing import Routing
from contracts.messages import HANDOVER_KEPT_S
from contracts.video import OVER, CaseState, TellerState
from hub.store import Store, handovers
from hub.video.pool import Row, duty, free_of, in_line, loads, waiting_of
from hub.video.rule import lacks
from hub.video.standing import estimate
from hub.video.tables import case_changes, cases, decisions, left_messages, tellers

LAST_DECISIONS: Final = 12
LAST_MESSAGES: Final = 20
MAX_SHOWN: Final = 60
DAY: Final = timedelta(hours=24)


def teller_of(store: Store, person: str) -> Row | None:
    """The teller's own row; None: not a teller yet."""
    found = store.rows(sa.select(tellers).where(tellers.c.person == person))
    return found[0] if found else None


def case_of(store: Store, case: str) -> Row | None:
    """One case."""
    found = store.rows(sa.select(cases).where(cases.c.video_case == case))
    return found[0] if found else None


def packet_of(store: Store, case: Row, now: datetime) -> dict[str, Any] | None:
    """The hand-over of a case: the one that its asking named, else the visit's newest; None when it is too old."""
    kept = sa.and_(handovers.c.branch == case["branch"], handovers.c.at > now - timedelta(seconds=HANDOVER_KEPT_S))
    named = sa.and_(
        handovers.c.device == case["device"], handovers.c.log == case["log"], handovers.c.seq == case["packet"]
    )
    which = named if case["packet"] is not None else handovers.c.visit == case["visit"]
    wanted = sa.select(handovers.c.at, handovers.c.packet).where(kept, which)
    found = store.rows(wanted.order_by(handovers.c.at.desc(), handovers.c.seq.desc()).limit(1))
    return {"at": found[0]["at"].isoformat(), "packet": found[0]["packet"]} if found else None


def decision_of(store: Store, case: str) -> Row | None:
    """Why the case went where it is."""
    mine = sa.select(decisions).where(decisions.c.video_case == case).order_by(decisions.c.id.desc()).limit(1)
    found = store.rows(mine)
    return found[0] if found else None


def figures_of(store: Store, person: str, now: datetime) -> dict[str, Any]:
    """A teller's own last 24 hours."""
    mine = sa.and_(cases.c.teller == person, cases.c.over_at > now - DAY, cases.c.talk_at.is_not(None))
    row = store.rows(
        sa.select(
            sa.func.count().label("talks"), sa.func.sum(cases.c.talk_s).label("talk_s"),
            sa.func.avg(cases.c.score).label("score"), sa.func.count(cases.c.score).label("opinions"),
        ).where(mine)
    )[0]  # fmt: skip
    acts = store.rows(
        sa.select(case_changes.c.event, sa.func.count().label("count"))
        .where(case_changes.c.person == person, case_changes.c.at > now - DAY)
        .group_by(case_changes.c.event)
    )
    count = {one["event"]: one["count"] for one in acts}
    with store.read() as db:
        load = loads(db, now).get(person, 0.0)
    return {
        "talks": row["talks"],
        "mean_min": round(float(row["talk_s"] or 0) / 60 / row["talks"], 1) if row["talks"] else None,
        "score": None if row["score"] is None else round(float(row["score"]), 2),
        "opinions": row["opinions"],
        "load": round(min(1.0, load), 3),
        "refused": count.get("refused", 0),
        "transferred": count.get("transferred", 0),
    }


def waiting(store: Store) -> int:
    """How many wait for a teller."""
    return int(store.rows(sa.select(sa.func.count().label("n")).where(cases.c.state == CaseState.WAITING))[0]["n"])


def line_of(store: Store, rules: Routing, now: datetime) -> list[dict[str, Any]]:
    """Who waits, in the order of their places, with an estimate each."""
    with store.read() as db:
        line = sorted(in_line(db, rules, now), key=lambda row: (row["place_at"], row["video_case"]))
        on_duty = [free_of(row) for row in duty(db, rules, now)]
    looked = [waiting_of(row, rules) for row in line]
    found = []
    for row, case in list(zip(line, looked, strict=True))[:MAX_SHOWN]:
        told = estimate(case, looked, on_duty, rules, now)
        found.append({**row, "wait_min": told[1] if told else None, "waited_s": (now - row["came"]).total_seconds()})
    return found


def board(store: Store, rules: Routing, now: datetime) -> dict[str, Any]:
    """Everything on the supervisor's board: the line, the tellers with what they hold, the last decisions."""
    held = store.rows(
        sa.select(cases).where(cases.c.state.not_in(OVER | {CaseState.WAITING})).order_by(cases.c.came).limit(MAX_SHOWN)
    )
    people = store.rows(sa.select(tellers).order_by(tellers.c.person).limit(4 * MAX_SHOWN))
    last = store.rows(sa.select(decisions).order_by(decisions.c.id.desc()).limit(LAST_DECISIONS))
    return {
        "line": line_of(store, rules, now),
        "held": {row["video_case"]: row for row in held},
        "tellers": [row for row in people if row["state"] != TellerState.OFFLINE],
        "offline": sum(row["state"] == TellerState.OFFLINE for row in people),
        "decisions": last,
    }


def able(store: Store, rules: Routing, case: str, now: datetime) -> list[tuple[str, str]]:
    """Free tellers with what keeps each from this case ('' nothing), for a supervisor; a refusal does not count."""
    row = case_of(store, case)
    if row is None:
        return []
    wanted = waiting_of({**row, "refused": {}}, rules)
    with store.read() as db:
        free = [one for one in duty(db, rules, now) if one["state"] == TellerState.READY]
    return [(one["person"], lacks(free_of(one), wanted, now)) for one in free]


def messages(store: Store, branches: frozenset[str]) -> list[Row]:
    """Messages that nobody has read, the oldest first; of these branches ('*': of all)."""
    mine = sa.true() if "*" in branches else left_messages.c.branch.in_(sorted(branches))
    wanted = sa.select(left_messages).where(mine, left_messages.c.read_by == "").order_by(left_messages.c.at)
    return store.rows(wanted.limit(LAST_MESSAGES))
