"""The journey as a funnel: arrive, greet, wish, wait, service, opinion; how many reach each, how long it takes, who is
lost on the way.

A visit's own moments are compared by its terminal's clock alone, waiting and service by the hub's alone, so a terminal
whose clock is off by hours changes no duration. Who needs no counter skips waiting and service and is not lost there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from contracts.tickets import ENDED, TicketState
from hub.opinions.figures import said
from hub.opinions.intervals import share
from hub.opinions.tables import visit_opinions
from hub.store import Store, events, ticket_changes, tickets

MAX_ROWS: Final = 300_000  # moments of one look: three months of a busy branch
KINDS: Final = ("visit_started", "greeted", "understood", "touched", "ticket_taken", "visit_ended")
SETTINGS: Final = frozenset({"language", "text_size", "microphone", "end", "human"})  # touches that are no wish
LATE: Final = 0.9
Visit = dict[str, Any]


def funnel(store: Store, branch: str, since: datetime, until: datetime) -> dict[str, Any]:
    """Steps in order. `lost`: reached the step before and neither this one nor an end that needs none of it."""
    visits = _visits(store, branch, since, until)
    served = _served(store, branch, since, until)
    asked = _asked(store, branch, since, until)
    for key, visit in visits.items():
        visit |= served.get(key, {}) | asked.get(key, {})
    began = [visit for visit in visits.values() if "visit_started" in visit]
    greeted = [visit for visit in began if "greeted" in visit or "wish" in visit]
    wished = [visit for visit in greeted if "wish" in visit]
    waited = [visit for visit in wished if "ticket" in visit]
    over = [visit for visit in waited if visit.get("state") in ENDED]
    done = [visit for visit in waited if visit.get("state") == TicketState.DONE]
    question = [visit for visit in began if visit.get("asked")]
    answered = [visit for visit in question if visit.get("score") is not None]
    return {
        "since": since.isoformat(),
        "until": until.isoformat(),
        "steps": [
            _step("arrive", began, began, ()),
            _step("greet", greeted, began, _between(greeted, "visit_started", "greeted")),
            _step("wish", wished, greeted, _between(wished, "greeted", "wish")),
            _step("wait", waited, waited, _between(waited, "came", "called")),
            _step("service", done, over, _between(done, "serving", "done")),
            _step("opinion", answered, question, ()),
        ],
        "needed_counter": len(waited),
        "still_waiting": len(waited) - len(over),
        "ends": _ends(began),
        "whole": _seconds([visit["duration_s"] for visit in began if "duration_s" in visit]),
        "cut": len(visits) >= MAX_ROWS,
    }


def _step(name: str, here: Sequence[Visit], of: Sequence[Visit], took_s: Sequence[float]) -> dict[str, Any]:
    return {
        "step": name, "reached": len(here), "of": len(of), "lost": len(of) - len(here),
        "share": said(share(len(here), len(of))), "seconds": _seconds(took_s),
    }  # fmt: skip


def _seconds(took: Sequence[float]) -> dict[str, float] | None:
    """Median and nine in ten; None where nothing was timed."""
    if not took:
        return None
    ordered = sorted(took)
    return {"p50": round(ordered[len(ordered) // 2], 1), "p90": round(ordered[int(len(ordered) * LATE)], 1),
            "n": len(ordered)}  # fmt: skip


def _between(visits: Sequence[Visit], first: str, then: str) -> list[float]:
    """Seconds between two moments where both are known; a clock that was set back in between gives none."""
    both = [(visit[first], visit[then]) for visit in visits if visit.get(first) and visit.get(then)]
    return [(end - begin).total_seconds() for begin, end in both if end >= begin]


def _ends(began: Sequence[Visit]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for visit in began:
        outcome = visit.get("outcome", "not_over")
        counts[outcome] = counts.get(outcome, 0) + 1
    return dict(sorted(counts.items(), key=lambda pair: -pair[1]))


def _visits(store: Store, branch: str, since: datetime, until: datetime) -> dict[tuple[str, str], Visit]:
    wanted = (
        sa.select(events.c.device, events.c.visit, events.c.kind, events.c.at, events.c.body)
        .where(events.c.branch == branch, events.c.at >= since, events.c.at < until, events.c.kind.in_(KINDS))
        .order_by(events.c.id)
        .limit(MAX_ROWS)
    )
    found: dict[tuple[str, str], Visit] = {}
    for row in store.rows(wanted):
        visit = found.setdefault((row["device"], row["visit"]), {})
        kind, body = row["kind"], row["body"]
        if kind in ("visit_started", "greeted"):
            visit.setdefault(kind, row["at"])
        elif kind == "visit_ended":
            visit |= {"outcome": body["outcome"], "duration_s": float(body["duration_s"])}
        elif kind == "ticket_taken":
            visit |= {"ticket": body["number"]}
            visit.setdefault("wish", row["at"])
        elif _is_wish(kind, body):
            visit.setdefault("wish", row["at"])
    return found


def _is_wish(kind: str, body: Mapping[str, Any]) -> bool:
    if kind == "understood":
        return bool(body.get("decision") == "act" and body.get("intent") not in ("greet", "goodbye", "other"))
    target = str(body.get("target", ""))
    return kind == "touched" and target not in SETTINGS and not target.startswith(("rate_", "score_", "skip"))


def _served(store: Store, branch: str, since: datetime, until: datetime) -> dict[tuple[str, str], Visit]:
    """Of tickets that came in that time: state, and when the hub saw them called, served and done."""
    mine = sa.and_(tickets.c.branch == branch, tickets.c.came >= since, tickets.c.came < until)
    columns = (tickets.c.device, tickets.c.visit, tickets.c.day, tickets.c.number, tickets.c.came, tickets.c.state)
    rows = store.rows(sa.select(*columns).where(mine).limit(MAX_ROWS))
    names = {(row["day"], row["number"]): (row["device"], row["visit"]) for row in rows}
    found: dict[tuple[str, str], Visit] = {
        (row["device"], row["visit"]): {"came": row["came"], "state": row["state"]} for row in rows
    }
    days = sorted({row["day"] for row in rows})
    changed = sa.and_(ticket_changes.c.branch == branch, ticket_changes.c.day.in_(days))
    steps = {TicketState.CALLED: "called", TicketState.SERVING: "serving", TicketState.DONE: "done"}
    for row in store.rows(sa.select(ticket_changes).where(changed).order_by(ticket_changes.c.id).limit(MAX_ROWS)):
        key, step = names.get((row["day"], row["number"])), steps.get(row["state"])
        if key is not None and step is not None:
            found[key].setdefault(step, row["at"])
    return found


def _asked(store: Store, branch: str, since: datetime, until: datetime) -> dict[tuple[str, str], Visit]:
    mine = sa.and_(visit_opinions.c.branch == branch, visit_opinions.c.at >= since, visit_opinions.c.at < until)
    columns = (visit_opinions.c.device, visit_opinions.c.visit, visit_opinions.c.score)
    rows = store.rows(sa.select(*columns).where(mine, visit_opinions.c.known).limit(MAX_ROWS))
    return {(row["device"], row["visit"]): {"asked": True, "score": row["score"]} for row in rows}
