"""What the pages and the API show, read from the store: plain dictionaries, ready for JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from contracts.messages import HANDOVER_KEPT_S
from contracts.tickets import ENDED, TicketState
from hub import queue
from hub.store import Store, devices, events, handovers, opinions, refused, ticket_changes, tickets

LAST_EVENTS: Final = 40
LAST_ENDED: Final = 12
LAST_HANDOVERS: Final = 20
MAX_ROWS: Final = 5_000  # of one device, for one answer
KEPT: Final = timedelta(seconds=HANDOVER_KEPT_S)  # shown no longer, whenever the row is deleted
SILENT_AFTER: Final = timedelta(seconds=95)  # three telemetries missed


def branch_view(store: Store, branch: str) -> dict[str, Any]:
    """One branch, now: devices, waiting by service, open and lately ended tickets, moments, opinions of today."""
    state = queue.state_of(store, branch)
    ahead = {line.number: line.ahead for line in state.tickets}
    place = {line.number: at for at, line in enumerate(state.tickets)}
    today = sa.and_(tickets.c.branch == branch, tickets.c.line_day == state.day)
    open_rows = store.rows(sa.select(tickets).where(today, tickets.c.state.not_in(ENDED)).limit(queue.MAX_LINES))
    open_rows.sort(key=lambda row: place.get(row["number"], len(place)))
    ended_rows = store.rows(
        sa.select(tickets)
        .where(today, tickets.c.state.in_(ENDED))
        .order_by(tickets.c.changed_at.desc(), tickets.c.number)
        .limit(LAST_ENDED)
    )
    return {
        "branch": branch,
        "day": state.day,
        "revision": state.revision,
        "services": [
            {"service": line.service, "waiting": line.waiting, "last_called": line.last_called}
            for line in state.services
        ],
        "tickets": [_ticket(row) | {"ahead": ahead.get(row["number"], 0)} for row in open_rows],
        "ended": [_ticket(row) for row in ended_rows],
        "devices": [
            _device(row)
            for row in store.rows(sa.select(devices).where(devices.c.branch == branch).order_by(devices.c.device))
        ],
        "events": [
            _event(row)
            for row in store.rows(
                sa.select(events).where(events.c.branch == branch).order_by(events.c.id.desc()).limit(LAST_EVENTS)
            )
        ],
        "opinions": _opinions(store, branch),
    }


def region_view(store: Store, wanted: Sequence[str], now: datetime | None = None) -> list[dict[str, Any]]:
    """These branches, the one whose people wait longest first: waiting, longest wait, opinions, terminals away."""
    if not wanted:
        return []
    now = now or datetime.now(UTC)
    soon = (now.date() + timedelta(days=1)).isoformat()
    recent = sa.and_(tickets.c.branch.in_(wanted), tickets.c.line_day >= (now.date() - timedelta(days=1)).isoformat())
    waiting = store.rows(
        sa.select(
            tickets.c.branch,
            sa.func.count().label("waiting"),
            sa.func.min(tickets.c.came).label("since"),
        )
        .where(recent, tickets.c.line_day <= soon, tickets.c.in_line)
        .group_by(tickets.c.branch)
    )
    served = store.rows(
        sa.select(tickets.c.branch, sa.func.count().label("served"))
        .where(recent, tickets.c.state == TicketState.DONE, tickets.c.changed_at > now - timedelta(hours=12))
        .group_by(tickets.c.branch)
    )
    scores = store.rows(
        sa.select(opinions.c.branch, sa.func.avg(opinions.c.score).label("mean"), sa.func.count().label("opinions"))
        .where(opinions.c.branch.in_(wanted), opinions.c.at > now - timedelta(days=1))
        .group_by(opinions.c.branch)
    )
    silent = sa.or_(~devices.c.online, devices.c.seen < now - SILENT_AFTER)
    terminals = store.rows(
        sa.select(
            devices.c.branch,
            sa.func.count().label("terminals"),
            sa.func.sum(sa.case((silent, 1), else_=0)).label("away"),
        )
        .where(devices.c.branch.in_(wanted))
        .group_by(devices.c.branch)
    )
    found: dict[str, dict[str, Any]] = {
        branch: {"branch": branch, "waiting": 0, "longest_min": 0, "served": 0, "mean": None, "opinions": 0,
                 "terminals": 0, "away": 0}
        for branch in wanted
    }  # fmt: skip
    for row in waiting:
        since = row["since"] if row["since"].tzinfo else row["since"].replace(tzinfo=UTC)
        longest = max(int((now - since).total_seconds() // 60), 0)
        found[row["branch"]] |= {"waiting": row["waiting"], "longest_min": longest}
    for rows in (served, scores, terminals):
        for row in rows:
            found[row["branch"]] |= row
    for line in found.values():
        line["mean"] = None if line["mean"] is None else round(float(line["mean"]), 2)
        line["away"] = int(line["away"] or 0)
    return sorted(found.values(), key=lambda line: (-line["longest_min"], -line["waiting"], line["branch"]))


def ticket_view(store: Store, branch: str, number: str, day: str | None) -> dict[str, Any] | None:
    """One ticket with its history; of the current day unless another is asked for."""
    if day is None:
        with store.read() as db:
            day = queue.current_day(db, branch)
    rows = store.rows(
        sa.select(tickets).where(tickets.c.branch == branch, tickets.c.day == day, tickets.c.number == number)
    )
    if not rows:
        return None
    history = store.rows(
        sa.select(ticket_changes)
        .where(ticket_changes.c.branch == branch, ticket_changes.c.day == day, ticket_changes.c.number == number)
        .order_by(ticket_changes.c.id)
    )
    changes = [{name: row[name] for name in ("event", "state", "counter")} | {"at": _iso(row["at"])} for row in history]
    return _ticket(rows[0]) | {"history": changes}


def device_rows(store: Store, device: str, branch: str | None = None, after: int = 0) -> dict[str, Any]:
    """Everything a device has sent that became a row, oldest first (at most `MAX_ROWS` of each kind)."""

    def of(table: sa.Table) -> sa.ColumnElement[bool]:
        here = table.c.device == device
        return here if branch is None else sa.and_(here, table.c.branch == branch)

    moments = sa.select(events).where(of(events), events.c.id > after).order_by(events.c.id)
    refusals = sa.select(refused).where(of(refused)).order_by(refused.c.id)
    scores = sa.select(opinions).where(of(opinions)).order_by(opinions.c.id)
    own = sa.select(tickets).where(of(tickets)).order_by(tickets.c.issued_at, tickets.c.number)
    return {
        "device": device,
        "events": [_event(row) for row in store.rows(moments.limit(MAX_ROWS))],
        "tickets": [_ticket(row) for row in store.rows(own.limit(MAX_ROWS))],
        "opinions": [
            {"visit": row["visit"], "score": row["score"], "at": _iso(row["at"])}
            for row in store.rows(scores.limit(MAX_ROWS))
        ],
        "refused": [
            {"seq": row["seq"], "log": row["log"], "reason": row["reason"]}
            for row in store.rows(refusals.limit(MAX_ROWS))
        ],
    }


def handover_packets(store: Store, branch: str) -> list[dict[str, Any]]:
    """What visitors said who wait for a person, the newest first. For whoever serves them, behind a sign-in: no page
    that anybody may open shows it."""
    kept = sa.and_(handovers.c.branch == branch, handovers.c.at > datetime.now(UTC) - KEPT)
    newest = sa.select(handovers).where(kept).order_by(handovers.c.at.desc()).limit(LAST_HANDOVERS)
    return [{"device": row["device"], "at": _iso(row["at"]), "packet": row["packet"]} for row in store.rows(newest)]


def handover_of_ticket(db: sa.Connection, branch: str, day: str, number: str) -> dict[str, Any] | None:
    """The newest packet of the visit that took this ticket, if there is one; for whoever serves it. In the transaction
    that records who reads it."""
    found = db.execute(_packet_of(branch, day, number, handovers.c.at, handovers.c.packet)).first()
    return None if found is None else {"at": _iso(found.at), "packet": found.packet}


def handover_mark(store: Store, branch: str, day: str, number: str) -> str | None:
    """Which packet `handover_of_ticket` would show, without a word of it: whoever has read that one need not again."""
    found = store.rows(_packet_of(branch, day, number, handovers.c.device, handovers.c.log, handovers.c.seq))
    return "{device} {log} {seq}".format(**found[0]) if found else None


def _packet_of(branch: str, day: str, number: str, *columns: sa.Column[Any]) -> sa.Select[Any]:
    of = sa.and_(handovers.c.branch == tickets.c.branch, handovers.c.visit == tickets.c.visit)
    return (
        sa.select(*columns)
        .select_from(handovers)
        .join(tickets, of)
        .where(tickets.c.branch == branch, tickets.c.day == day, tickets.c.number == number)
        .where(handovers.c.at > datetime.now(UTC) - KEPT, tickets.c.visit != "")
        .order_by(handovers.c.at.desc(), handovers.c.seq.desc())
        .limit(1)
    )


def _opinions(store: Store, branch: str) -> dict[str, Any]:
    since = datetime.now(UTC) - timedelta(days=1)
    counted = store.rows(
        sa.select(opinions.c.score, sa.func.count().label("count"))
        .where(opinions.c.branch == branch, opinions.c.at >= since)
        .group_by(opinions.c.score)
    )
    by_score = {row["score"]: row["count"] for row in counted}
    total = sum(by_score.values())
    mean = sum(score * count for score, count in by_score.items()) / total if total else None
    return {"by_score": {score: by_score.get(score, 0) for score in range(1, 6)}, "count": total, "mean": mean}


def _ticket(row: dict[str, Any]) -> dict[str, Any]:
    names = ("number", "day", "service", "state", "device", "visit", "language", "counter", "seq", "priority", "lane")
    times = {name: _iso(row[name]) for name in ("issued_at", "changed_at", "came", "due")}
    return {name: row[name] for name in names} | times


def _event(row: dict[str, Any]) -> dict[str, Any]:
    names = ("id", "device", "seq", "kind", "visit", "body")
    return {name: row[name] for name in names} | {"at": _iso(row["at"])}


def _device(row: dict[str, Any]) -> dict[str, Any]:
    silent = datetime.now(UTC) - row["seen"] > SILENT_AFTER and row["telemetry"] is not None
    return {
        "device": row["device"],
        "online": row["online"],
        "silent": bool(row["online"] and silent),
        "since": _iso(row["since"]),
        "seen": _iso(row["seen"]),
        "versions": row["versions"],
        "telemetry": row["telemetry"],
    }


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
