"""Which release each terminal should run: one row a terminal, sent until it is heard; what terminals say of it.

Generations only grow, also over a database that was lost: a terminal says which it knows.
"""

from __future__ import annotations

import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from contracts import fleet as f
from contracts import topics
from hub.bus import Outgoing
from hub.fleet.tables import fleet_members, fleet_reported, fleet_wanted
from hub.store import Store, devices, upsert

RESEND_S: Final = 60.0  # doubling, up to 64 times that
AT_ONCE: Final = 500
DeviceKey = tuple[str, str]
Told = Callable[[sa.Connection, str, list[tuple[DeviceKey, f.RolloutReport]]], list[Outgoing]]
"""Called with a roll-out and what its members said under their newest generation."""


def want(
    db: sa.Connection, branch: str, device: str, version: str, campaign: str, now: datetime
) -> tuple[int, Outgoing]:
    """Want a release of a terminal from now on; the new generation, and what to send."""
    before = db.execute(sa.select(fleet_wanted.c.generation).where(_of(fleet_wanted, branch, device))).scalar() or 0
    known = db.execute(sa.select(fleet_reported.c.generation).where(_of(fleet_reported, branch, device))).scalar() or 0
    generation = max(before, known) + 1
    row = {"branch": branch, "device": device, "generation": generation, "version": version, "campaign": campaign,
           "at": now, "sent_at": now, "sends": 1, "heard": False}  # fmt: skip
    upsert(db, fleet_wanted, [row], update=[name for name in row if name not in ("branch", "device")])
    return generation, _message(branch, device, generation, version, campaign, now)


def keep_reports(
    db: sa.Connection, reports: Mapping[DeviceKey, f.RolloutReport], now: datetime, told: Told
) -> list[Outgoing]:
    """Keep what terminals say of their releases, let their roll-outs go on; what must be sent."""
    again: list[Outgoing] = []
    news: dict[str, list[tuple[DeviceKey, f.RolloutReport]]] = defaultdict(list)
    for key, report in sorted(reports.items(), key=lambda one: one[0]):
        branch, device = key
        known = db.execute(
            sa.select(fleet_reported).where(_of(fleet_reported, branch, device)).with_for_update()
        ).first()
        if known is not None and known.since == report.since and known.mono_ns > report.mono_ns:
            continue  # overtaken on the way by a later one of the same start
        row = {"branch": branch, "device": device, "generation": report.generation, "version": report.version,
               "state": report.state, "reason": report.reason, "share": report.share, "since": report.since,
               "mono_ns": report.mono_ns, "at": now}  # fmt: skip
        upsert(db, fleet_reported, [row], update=[name for name in row if name not in ("branch", "device")])
        wish = db.execute(sa.select(fleet_wanted).where(_of(fleet_wanted, branch, device))).first()
        if wish is None:
            continue
        if report.generation >= wish.generation and not wish.heard:
            db.execute(sa.update(fleet_wanted).where(_of(fleet_wanted, branch, device)).values(heard=True))
        elif report.generation < wish.generation:
            again.append(_message(branch, device, wish.generation, wish.version, wish.campaign, now))
        if report.generation == wish.generation and wish.campaign:
            news[wish.campaign].append((key, report))
    for campaign in sorted(news):
        again += told(db, campaign, news[campaign])
    return again


def overdue(store: Store, now: datetime) -> list[Outgoing]:
    """Wishes of terminals that are online and have not said that they know, each now and then."""
    online = sa.and_(
        devices.c.branch == fleet_wanted.c.branch, devices.c.device == fleet_wanted.c.device, devices.c.online
    )
    late = fleet_wanted.c.sent_at < now - timedelta(seconds=RESEND_S)
    query = sa.select(fleet_wanted).join(devices, online).where(~fleet_wanted.c.heard, late)
    due = [
        row
        for row in store.rows(query.order_by(fleet_wanted.c.sent_at).limit(AT_ONCE))
        if row["sent_at"] < now - timedelta(seconds=RESEND_S * 2 ** min(row["sends"] - 1, 6))
    ]
    if not due:
        return []
    with store.write() as db:
        for row in due:
            here = sa.and_(_of(fleet_wanted, row["branch"], row["device"]), fleet_wanted.c.sent_at == row["sent_at"])
            db.execute(sa.update(fleet_wanted).where(here).values(sent_at=now, sends=fleet_wanted.c.sends + 1))
    return [
        _message(row["branch"], row["device"], row["generation"], row["version"], row["campaign"], now) for row in due
    ]


def members_of(db: sa.Connection, campaign: str, keys: list[DeviceKey]) -> list[dict[str, Any]]:
    """The rows of these terminals in a roll-out."""
    named = sa.tuple_(fleet_members.c.branch, fleet_members.c.device).in_(keys)
    query = sa.select(fleet_members).where(fleet_members.c.campaign == campaign, named)
    return [dict(row) for row in db.execute(query).mappings()]


def _of(table: sa.Table, branch: str, device: str) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.branch == branch, table.c.device == device)


def _message(branch: str, device: str, generation: int, version: str, campaign: str, now: datetime) -> Outgoing:
    row = topics.ROLLOUT_WANTED
    wish = f.RolloutWanted(
        id=uuid.uuid4().hex, at=now, mono_ns=time.monotonic_ns(), branch=branch, device=device,
        generation=generation, version=version, campaign=campaign,
    )  # fmt: skip
    return Outgoing(row.at(branch, device), row.encode(wish), row.qos, row.retain)
