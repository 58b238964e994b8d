"""Who the terminals are: what they say, what operators noted beside it, found by words; one terminal as a whole.

It shows and keeps; what is wanted of a terminal is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa

from hub.fleet.tables import (
    fleet_alarms,
    fleet_certificates,
    fleet_members,
    fleet_orders,
    fleet_reported,
    fleet_starts,
    fleet_terminals,
    fleet_wanted,
)
from hub.store import Store, devices, events, upsert

MOST_LISTED: Final = 500
MOST_EVENTS: Final = 40
STARTS_KEPT: Final = 200  # of one terminal


def listed(store: Store, branches: Sequence[str] | None, words: str = "", *, most: int = MOST_LISTED) -> list[Any]:
    """Terminals whose branch, name, region, hardware, release or tag contains every word; online last."""
    found = [_plain(row) for row in store.rows(_query(branches))]
    wanted = [word.lower() for word in words.split()[:8]]
    found = [one for one in found if all(word in one["text"] for word in wanted)]
    found.sort(key=lambda one: (-one["alarms"], one["online"], one["branch"], one["device"]))
    for one in found:
        del one["text"]
    return found[:most]


def every(db: sa.Connection) -> list[dict[str, Any]]:
    """Every terminal as a query of a roll-out looks at it."""
    return [_plain(dict(row)) for row in db.execute(_query(None)).mappings()]


def one(store: Store, branch: str, device: str) -> dict[str, Any] | None:
    """A terminal with its history, its last moments, its orders; None where it has never spoken."""
    rows = [_plain(row) for row in store.rows(_query([branch], device))]
    if not rows:
        return None
    here = rows[0]
    of_events = sa.and_(events.c.branch == branch, events.c.device == device)
    moments = sa.select(events.c.kind, events.c.at, events.c.body).where(of_events)
    here["events"] = [
        {"kind": row["kind"], "at": row["at"].isoformat(), "codes": _codes(row["body"])}
        for row in store.rows(moments.order_by(events.c.id.desc()).limit(MOST_EVENTS))
    ]
    for name, table, order, columns in (
        ("starts", fleet_starts, fleet_starts.c.since, ("since", "version")),
        ("orders", fleet_orders, fleet_orders.c.id,
         ("id", "number", "act", "reason", "state", "codes", "asked_by", "asked_at", "agreed_by", "expires")),
        ("rollouts", fleet_members, fleet_members.c.since, ("campaign", "state", "attempt", "reason", "since")),
        ("certificates", fleet_certificates, fleet_certificates.c.not_before,
         ("serial", "not_before", "not_after", "revoked_at", "reason")),
        ("alarms_now", fleet_alarms, fleet_alarms.c.since, ("kind", "detail", "since")),
    ):  # fmt: skip
        query = sa.select(*(table.c[column] for column in columns)).where(
            table.c.branch == branch, table.c.device == device
        )
        here[name] = [_json(row) for row in store.rows(query.order_by(order.desc()).limit(20))]
    del here["text"]
    return here


def note_terminal(db: sa.Connection, branch: str, device: str, now: datetime, **noted: Any) -> None:
    """Keep what an operator knows of a terminal (region, hardware, tags)."""
    row = {"branch": branch, "device": device, "region": "", "hardware": "", "tags": [], "joined": now} | noted
    upsert(db, fleet_terminals, [row], update=sorted(noted))


def note_start(db: sa.Connection, branch: str, device: str, since: datetime, version: str) -> None:
    """A terminal said that it is online since then: a start that was not known is one restart."""
    upsert(db, fleet_starts, [{"branch": branch, "device": device, "since": since, "version": version[:40]}])
    of = sa.and_(fleet_starts.c.branch == branch, fleet_starts.c.device == device)
    oldest = db.execute(
        sa.select(fleet_starts.c.since).where(of).order_by(fleet_starts.c.since.desc()).offset(STARTS_KEPT).limit(1)
    ).scalar()
    if oldest is not None:
        db.execute(sa.delete(fleet_starts).where(of, fleet_starts.c.since <= oldest))


def _query(branches: Sequence[str] | None, device: str | None = None) -> sa.Select[Any]:
    def beside(table: sa.Table) -> sa.ColumnElement[bool]:
        return sa.and_(table.c.branch == devices.c.branch, table.c.device == devices.c.device)

    alarms = sa.select(sa.func.count()).where(beside(fleet_alarms)).scalar_subquery()
    query = (
        sa.select(
            devices.c.branch, devices.c.device, devices.c.online, devices.c.since, devices.c.seen, devices.c.versions,
            devices.c.telemetry, fleet_terminals.c.region, fleet_terminals.c.hardware, fleet_terminals.c.tags,
            fleet_terminals.c.out_of_service, fleet_reported.c.version, fleet_reported.c.state,
            fleet_reported.c.reason, fleet_reported.c.share, fleet_reported.c.generation,
            fleet_wanted.c.version.label("wanted"), fleet_wanted.c.generation.label("wanted_generation"),
            fleet_wanted.c.heard, alarms.label("alarms"),
        )
        .select_from(devices)
        .outerjoin(fleet_terminals, beside(fleet_terminals))
        .outerjoin(fleet_reported, beside(fleet_reported))
        .outerjoin(fleet_wanted, beside(fleet_wanted))
    )  # fmt: skip
    if branches is not None:
        query = query.where(devices.c.branch.in_(list(branches)))
    return query if device is None else query.where(devices.c.device == device)


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    told = row["telemetry"] or {}
    # what it runs, as it said itself: the roll-out's report, or the software's version where none came
    version = row["version"] or str((row["versions"] or {}).get("kiosk", ""))[:40]
    found = {
        "branch": row["branch"], "device": row["device"], "online": bool(row["online"]),
        "since": _iso(row["since"]), "seen": _iso(row["seen"]), "region": row["region"] or "",
        "hardware": row["hardware"] or "", "tags": list(row["tags"] or ()), "version": version,
        "wanted": row["wanted"] or "", "rollout": row["state"] or "idle", "rollout_reason": row["reason"] or "",
        "rollout_share": row["share"] or 0.0, "heard": row["heard"], "out_of_service": bool(row["out_of_service"]),
        "temperature_c": told.get("temperature_c"), "free_disk_bytes": told.get("free_disk_bytes"),
        "missing": list(told.get("missing", ())), "troubles": list(told.get("troubles", ())),
        "pending": told.get("pending"), "waiting": told.get("waiting"), "uptime_s": told.get("uptime_s"),
        "cpu_share": told.get("cpu_share"), "rss_bytes": told.get("rss_bytes"), "alarms": int(row["alarms"] or 0),
        "versions": dict(row["versions"] or {}),
    }  # fmt: skip
    words = (found["branch"], found["device"], found["region"], found["hardware"], version, *found["tags"])
    return found | {"text": " ".join(words).lower()}


def _codes(body: Mapping[str, Any]) -> dict[str, Any]:
    """Of a moment only what is a code of ours, never what says anything of a visit."""
    kept = ("device", "reason", "failed", "decision", "outcome", "intent")
    return {name: body[name] for name in kept if name in body}


def _json(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _iso(value) if isinstance(value, datetime) else value for name, value in row.items()}


def _iso(value: datetime | None) -> str | None:
    return None if value is None else value.astimezone(UTC).isoformat()
