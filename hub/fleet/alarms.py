"""What is wrong with terminals, by stated rules; told once, grouped by branch, silent where somebody said so.

An alarm stands as long as its rule holds. The web-hook gets codes and names of terminals, nothing of a visit.
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import sqlalchemy as sa

from hub.accounts import record
from hub.accounts.rights import EVERYWHERE, Person, Right, require
from hub.fleet import terminals
from hub.fleet.campaign_rule import State
from hub.fleet.tables import fleet_alarms, fleet_certificates, fleet_members, fleet_silences, fleet_starts
from hub.store import Store, tickets, upsert

log = logging.getLogger(__name__)

LONGEST_SILENCE: Final = timedelta(days=14)
GROUP_FROM: Final = 3  # terminals of one branch with the same alarm are one line
HOOK_S: Final = 3.0
AT_ONCE: Final = 500
KINDS: Final = (
    "offline", "hot", "disk", "microphone_dead", "camera_dead", "speaker_dead", "printer", "screen_dead", "restarts",
    "messages_stuck", "certificate", "not_returned", "camera_covered", "paper_low", "paper_out", "paper_jammed",
    "queue_stuck",
)  # fmt: skip
SAID: Final[dict[str, str]] = {  # what a terminal says of a device, where it is an alarm of its own
    "camera.covered": "camera_covered", "camera.upside_down": "camera_covered", "camera.frozen": "camera_covered",
    "printer.no_paper": "paper_out", "printer.jammed": "paper_jammed", "printer.paper_low": "paper_low",
}  # fmt: skip
Key = tuple[str, str, str]  # branch, device, kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """When something is an alarm."""

    offline_s: float = 300.0
    hot_c: float = 80.0
    disk_bytes: int = 1_000_000_000
    restarts: int = 3  # within the last hour
    pending: int = 500  # messages owed while it is online
    uncalled: timedelta = timedelta(minutes=30)  # somebody waits, and nobody was called for so long
    certificate_days: int = 20


def rules(one: Mapping[str, Any], starts: int, ends: datetime | None, now: datetime, bounds: Bounds) -> dict[str, str]:
    """The alarms of one terminal, each with its figure. `starts` within an hour, `ends`: its last certificate."""
    found: dict[str, str] = {}
    seen = datetime.fromisoformat(one["seen"]) if one["seen"] else now
    if not one["online"]:
        if (now - seen).total_seconds() > bounds.offline_s:
            found["offline"] = f"{int((now - seen).total_seconds() // 60)} min"
    else:
        if (one["temperature_c"] or 0) >= bounds.hot_c:
            found["hot"] = f"{one['temperature_c']:.0f} °C"
        if one["free_disk_bytes"] is not None and one["free_disk_bytes"] < bounds.disk_bytes:
            found["disk"] = f"{one['free_disk_bytes'] / 1e9:.1f} GB"
        found |= _devices(one["missing"], one["troubles"])
        if (one["pending"] or 0) > bounds.pending:
            found["messages_stuck"] = f"{one['pending']}"
    if starts > bounds.restarts:
        found["restarts"] = f"{starts}/h"
    if ends is not None and ends - now < timedelta(days=bounds.certificate_days):
        found["certificate"] = f"{max((ends - now).days, 0)} d"
    return {kind: detail for kind, detail in found.items() if kind in KINDS}


def _devices(missing: Sequence[str], troubles: Sequence[str]) -> dict[str, str]:
    """What is said of devices: a covered camera is no dead one, and paper is no fault."""
    why = dict(one.partition(".")[::2] for one in troubles)
    found = {SAID[one]: why[one.partition(".")[0]] for one in troubles if one in SAID}
    for device in missing:
        if f"{device}.{why.get(device, '')}" not in SAID:
            found["printer" if device == "printer" else f"{device}_dead"] = why.get(device, "")
    return found


def stuck_queues(store: Store, branches: Sequence[str], now: datetime, bounds: Bounds) -> dict[str, str]:
    """Branches where somebody has waited and nobody was called for `bounds.uncalled`, each with how long.

    `branches`: those where anybody waits at all. A ticket counts that is in line today, by the hub's or by a
    neighbouring date, since a branch's own day may be another.
    """
    since = now - bounds.uncalled
    days = [(now + timedelta(days=away)).date().isoformat() for away in (-1, 0, 1)]
    t = tickets.c
    waits = sa.func.min(sa.case((t.in_line, t.came))).label("waits")
    moved = sa.func.max(sa.case((~t.in_line, t.changed_at))).label("moved")
    here = sa.and_(t.branch.in_(list(branches)), t.line_day.in_(days), t.came > now - timedelta(hours=16))
    rows = store.rows(sa.select(t.branch, waits, moved).where(here).group_by(t.branch)) if branches else []
    found: dict[str, str] = {}
    for row in rows:
        first, last = _utc(row["waits"]), _utc(row["moved"])
        if first is not None and first < since and (last is None or last < since):
            found[row["branch"]] = f"{int((now - max(first, last or first)).total_seconds() // 60)} min"
    return found


def look(store: Store, now: datetime, bounds: Bounds | None = None) -> list[dict[str, Any]]:
    """Bring the alarms up to date; those that are new and not silent."""
    bounds = bounds or Bounds()
    hour = sa.and_(fleet_starts.c.since > now - timedelta(hours=1), fleet_starts.c.since <= now)
    starts = Counter((row["branch"], row["device"]) for row in store.rows(
        sa.select(fleet_starts.c.branch, fleet_starts.c.device).where(hour)))  # fmt: skip
    c = fleet_certificates.c
    lasting = sa.select(c.branch, c.device, sa.func.max(c.not_after).label("ends")).where(c.revoked_at.is_(None))
    ends = {(row["branch"], row["device"]): row["ends"] for row in store.rows(lasting.group_by(c.branch, c.device))}
    stuck = sa.select(fleet_members.c.branch, fleet_members.c.device).where(fleet_members.c.state == State.STUCK)
    holds: dict[Key, str] = {(row["branch"], row["device"], "not_returned"): "" for row in store.rows(stuck)}
    with store.read() as db:
        every = terminals.every(db)
    for one in every:
        key = (one["branch"], one["device"])
        for kind, detail in rules(one, starts[key], _utc(ends.get(key)), now, bounds).items():
            holds[(*key, kind)] = detail
    waiting = sorted({one["branch"] for one in every if one["online"] and one["waiting"]})
    holds |= {(branch, "", "queue_stuck"): detail
              for branch, detail in stuck_queues(store, waiting, now, bounds).items()}  # fmt: skip
    known = {(row["branch"], row["device"], row["kind"]) for row in store.rows(sa.select(fleet_alarms))}
    new, gone = sorted(set(holds) - known), sorted(known - set(holds))
    if not new and not gone:
        return []
    with store.write() as db:
        rows = [
            {"branch": branch, "device": device, "kind": kind, "since": now,
             "detail": holds[(branch, device, kind)][:80]}
            for branch, device, kind in new[:AT_ONCE]
        ]  # fmt: skip
        upsert(db, fleet_alarms, rows)  # another worker may have been first
        for branch, device, kind in gone:
            a = fleet_alarms.c
            db.execute(sa.delete(fleet_alarms).where(a.branch == branch, a.device == device, a.kind == kind))
    quiet = _silences(store, now)
    return [
        {"branch": branch, "device": device, "kind": kind, "detail": holds[(branch, device, kind)]}
        for branch, device, kind in new[:AT_ONCE]
        if not _silent(quiet, branch, device, kind)
    ]


def shown(store: Store, branches: Sequence[str], now: datetime) -> list[dict[str, Any]]:
    """The alarms of these branches, grouped: one line for several terminals of a branch with the same one."""
    query = sa.select(fleet_alarms).where(fleet_alarms.c.branch.in_(list(branches))).order_by(fleet_alarms.c.since)
    quiet = _silences(store, now)
    groups: dict[tuple[str, str, bool], list[dict[str, Any]]] = defaultdict(list)
    for row in store.rows(query):
        silent = _silent(quiet, row["branch"], row["device"], row["kind"])
        groups[(row["branch"], row["kind"], silent)].append(row)
    lines: list[dict[str, Any]] = []
    for (branch, kind, silent), rows in groups.items():
        parts = [rows] if len(rows) >= GROUP_FROM else [[row] for row in rows]
        lines += [
            {"branch": branch, "kind": kind, "silent": silent, "devices": [row["device"] for row in part],
             "detail": part[0]["detail"] if len(part) == 1 else "", "since": part[0]["since"].isoformat()}
            for part in parts
        ]  # fmt: skip
    return sorted(lines, key=lambda line: (line["silent"], -len(line["devices"]), line["since"]))


def silence(store: Store, person: Person, *, branch: str, device: str, kind: str, hours: float, reason: str) -> None:
    """Say nothing of these alarms for a while. Empty: of all. Raises ValueError, `Refused`."""
    require(person, Right.ORDER_DEVICE, branch or EVERYWHERE)
    if kind and kind not in KINDS:
        raise ValueError(f"{kind[:30]!r} is none of {', '.join(KINDS)}")
    lasts = timedelta(hours=hours)
    if not timedelta() < lasts <= LONGEST_SILENCE or len(reason.strip()) < 3:
        raise ValueError(f"say why, and for at most {LONGEST_SILENCE.days} days")
    with store.write() as db:
        row = {"branch": branch, "device": device, "kind": kind, "until": datetime.now(UTC) + lasts}
        db.execute(sa.insert(fleet_silences).values(**row, person=person.name[:80], reason=reason.strip()[:200]))
        record.note(db, person.name, "alarm_silenced", branch=branch, subject=f"{device} {kind}")


def checked_hook(url: str) -> str:
    """The web-hook's address. Raises ValueError: it is https, or on this machine."""
    where = urlsplit(url)
    if where.scheme not in ("https", "http") or not where.hostname:
        raise ValueError("a web-hook is an https address")
    if where.scheme != "https" and where.hostname not in ("127.0.0.1", "localhost", "::1"):
        raise ValueError("a web-hook is https")
    return url


def tell_hook(store: Store, url: str, now: datetime) -> int:
    """Give the alarms that were not told yet to the bank's own alarm system, at most `AT_ONCE`; how many it took.

    What it does not take is told again at the next look, as long as it stands; with several workers an alarm may be
    told by each.
    """
    import httpx  # only where a web-hook is set

    quiet, a = _silences(store, now), fleet_alarms.c
    owed = store.rows(sa.select(fleet_alarms).where(a.told_at.is_(None)).order_by(a.since).limit(AT_ONCE))
    news = [one for one in owed if not _silent(quiet, one["branch"], one["device"], one["kind"])]
    if not news:
        return 0
    said = [
        {"branch": one["branch"], "device": one["device"], "kind": one["kind"], "detail": one["detail"],
         "since": one["since"].isoformat()}
        for one in news
    ]  # fmt: skip
    try:
        answer = httpx.post(url, json={"alarms": said}, timeout=HOOK_S)
    except httpx.HTTPError as err:
        log.error("the web-hook does not answer: %s", type(err).__name__)
        return 0
    if not answer.is_success:
        log.error("the web-hook refused the alarms: %d", answer.status_code)
        return 0
    with store.write() as db:
        for one in news:
            here = sa.and_(a.branch == one["branch"], a.device == one["device"], a.kind == one["kind"])
            db.execute(sa.update(fleet_alarms).where(here).values(told_at=now))
    return len(news)


def _silences(store: Store, now: datetime) -> list[dict[str, Any]]:
    return store.rows(sa.select(fleet_silences).where(fleet_silences.c.until > now))


def _silent(quiet: Sequence[Mapping[str, Any]], branch: str, device: str, kind: str) -> bool:
    return any(
        one["branch"] in ("", branch) and one["device"] in ("", device) and one["kind"] in ("", kind) for one in quiet
    )


def _utc(value: Any) -> datetime | None:
    """The greatest of several times loses its type on SQLite."""
    if value is None or isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value
    return datetime.fromisoformat(str(value)).replace(tzinfo=UTC)
