"""What a roll-out's gates look at: how often visits went wrong on terminals with the release and on those without.

Both groups are looked at over the same hours, from the moment the wave's first terminal was done; an updated terminal
counts from the moment it was done itself. Only kinds and codes of moments are read.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from hub.fleet.campaign_rule import State
from hub.fleet.gates import Judged, Seen, judge
from hub.fleet.tables import fleet_members, fleet_starts
from hub.store import devices, events

if TYPE_CHECKING:
    from hub.fleet.campaign_run import Run

POOR: Final = 2  # an opinion of this or less
TRIALS: Final = {  # figure → (moments that are tried, whether one counts)
    "unsure": "understood",
    "ask_backs": "understood",
    "poor_opinions": "opinion_given",
    "staff_called": "visit_started",
    "liveness_rejects": "face_checked",
}


def read(db: sa.Connection, run: Run, now: datetime) -> Sequence[Judged]:
    """Each gate of the plan, judged now."""
    of = sa.and_(fleet_members.c.campaign == run.campaign, fleet_members.c.state == State.DONE)
    done = {
        (row.branch, row.device): row.since
        for row in db.execute(
            sa.select(fleet_members.c.branch, fleet_members.c.device, fleet_members.c.since).where(of)
        )
    }
    if not done:
        return [judge(gate, Seen(events=0, exposure=0), Seen(events=0, exposure=0), trials=True) for gate in
                run.plan.gates]  # fmt: skip
    began = min(done.values())
    asked = sa.and_(fleet_members.c.campaign == run.campaign, fleet_members.c.attempt > 0)
    touched = _keys(db, sa.select(fleet_members.c.branch, fleet_members.c.device).where(asked))
    others = _keys(db, sa.select(devices.c.branch, devices.c.device).where(devices.c.online)) - touched
    return [
        judge(gate, *_seen(db, gate.figure, done, others, began, now), trials=gate.figure in TRIALS)
        for gate in run.plan.gates
    ]


def _keys(db: sa.Connection, query: sa.Select[Any]) -> set[tuple[str, str]]:
    return {(branch, device) for branch, device in db.execute(query)}


def _seen(
    db: sa.Connection, figure: str, done: dict[tuple[str, str], datetime], others: set[tuple[str, str]],
    began: datetime, now: datetime,
) -> tuple[Seen, Seen]:  # fmt: skip
    counted = {"updated": [0, 0.0], "others": [0, 0.0]}
    if figure not in TRIALS:  # events over time
        hours = [(now - since).total_seconds() / 3_600 for since in done.values()]
        counted["updated"][1] = sum(hours)
        counted["others"][1] = len(others) * (now - began).total_seconds() / 3_600
    for branch, device, at, tried, bad in _rows(db, figure, began):
        key = (branch, device)
        group = "updated" if key in done and at > done[key] else "others" if key in others else ""
        if group:
            counted[group][0] += bad
            counted[group][1] += tried
    return (
        Seen(events=int(counted["updated"][0]), exposure=counted["updated"][1]),
        Seen(events=int(counted["others"][0]), exposure=counted["others"][1]),
    )


def _rows(db: sa.Connection, figure: str, began: datetime) -> list[tuple[str, str, datetime, int, int]]:
    """(branch, device, when, tried, bad) of everything that counts for a figure."""
    if figure == "restarts":
        starts = sa.select(fleet_starts).where(fleet_starts.c.since > began)
        return [(row.branch, row.device, row.since, 0, 1) for row in db.execute(starts)]
    kinds = {"devices_lost": ("device_missing",), "staff_called": ("visit_started", "staff_called")}.get(
        figure, (TRIALS.get(figure, ""),)
    )
    query = sa.select(events.c.branch, events.c.device, events.c.at, events.c.kind, events.c.body)
    return [
        (row.branch, row.device, row.at, *_counts(figure, row.kind, row.body))
        for row in db.execute(query.where(events.c.kind.in_(kinds), events.c.at > began))
    ]


def _counts(figure: str, kind: str, body: dict[str, Any]) -> tuple[int, int]:
    """Whether a moment is a trial, and whether it is a bad one."""
    match figure:
        case "unsure":
            return 1, int(body.get("decision") == "unsure")
        case "ask_backs":
            return 1, int(body.get("decision") == "ask")
        case "poor_opinions":
            return 1, int(body.get("score", 5) <= POOR)
        case "liveness_rejects":  # taken for no living face, or not seen well enough to tell
            return 1, int(body.get("liveness") in ("spoof", "unclear"))
        case "staff_called":
            return int(kind == "visit_started"), int(kind == "staff_called")
    return 0, 1
