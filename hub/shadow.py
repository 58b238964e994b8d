"""What terminals should be set to, and what they say they are: kept, sent, compared.

A version is a whole: the settings that the hub wants in place of the terminal's own file. Numbers only grow, also over
a database that was lost, because a terminal says which it knows. The newest is kept by the broker for the terminal; it
is sent again to one that reports an older one, and now and then while it says nothing.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from config.remote import RemoteRefused, digest, normal, overlay
from config.schema import DEFAULT_SITE, Site, load_site
from contracts import messages as m
from contracts import topics
from contracts.shadow import typed
from hub.accounts import record
from hub.accounts.rights import Person, Right, require
from hub.bus import Outgoing
from hub.store import Store, devices, shadow_desired, shadow_reported, upsert

KEPT_VERSIONS: Final = 50  # of one terminal
RESEND_S: Final = 60.0  # doubling, up to 64 times that, while a terminal that is online says nothing
AT_ONCE: Final = 200  # sent again in one look
MOST_LOOKED_AT: Final = 500  # terminals, for one page or answer
DeviceKey = tuple[str, str]


class ShadowProblem(ValueError):
    """Why a configuration cannot be set: `status` as HTTP has it; `str()` says it to the person."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Shadows:
    """The configurations of this hub's terminals. `site`: what a terminal's own file is taken to be like."""

    def __init__(self, store: Store, site: Site | None = None) -> None:
        self._store = store
        self._site = site or load_site(DEFAULT_SITE)

    def set(
        self, person: Person, branch: str, device: str, settings: Mapping[str, Any], *, based_on: int | None = None
    ) -> tuple[int, Outgoing]:
        """Want these settings of a terminal, in place of those wanted before; the new version, and what to send.

        `based_on`: the version that the person saw. Raises `ShadowProblem`, `Refused`.
        """
        require(person, Right.SET_CONFIGURATION, branch)
        checked = self._checked(branch, device, settings)

        def work(db: sa.Connection) -> tuple[int, Outgoing]:
            if (
                db.execute(sa.select(devices.c.device).where(_of(devices, branch, device)).with_for_update()).first()
                is None
            ):
                raise ShadowProblem(404, "no such terminal has spoken yet")
            before = _newest(db, branch, device)
            if based_on is not None and based_on != before:
                raise ShadowProblem(409, f"version {before} was set meanwhile: look at it first")
            known = db.execute(
                sa.select(shadow_reported.c.version).where(_of(shadow_reported, branch, device))
            ).scalar()
            version, now = max(before, known or 0) + 1, datetime.now(UTC)
            row = {"branch": branch, "device": device, "version": version, "settings": checked}
            db.execute(sa.insert(shadow_desired).values(**row, person=person.name[:80], at=now, sent_at=now, sends=1))
            old = shadow_desired.c.version <= version - KEPT_VERSIONS
            db.execute(sa.delete(shadow_desired).where(_of(shadow_desired, branch, device), old))
            record.note(db, person.name, "configuration_set", branch=branch, subject=f"{device} version {version}")
            return version, _message(branch, device, version, checked)

        return self._store.apply(work)

    def _checked(self, branch: str, device: str, settings: Mapping[str, Any]) -> dict[str, Any]:
        """The settings in their normal form, by the terminal's own schema. The terminal judges once more."""
        try:
            checked = normal(self._like(branch, device), settings)
            typed(checked)
            _message(branch, device, m.MAX_INTEGER, checked)
        except RemoteRefused as err:
            raise ShadowProblem(422, str(err)) from err
        except (msgspec.ValidationError, topics.WireError) as err:
            raise ShadowProblem(422, "does not fit the wire") from err
        return checked

    def _like(self, branch: str, device: str) -> Site:
        """A site with this terminal's own values, as far as it has told them."""
        found = self._store.rows(sa.select(shadow_reported.c.report).where(_of(shadow_reported, branch, device)))
        told = found[0]["report"]["settings"] if found else {}
        own = {name: one["value"] for name, one in told.items() if one["origin"] == "local"}
        try:
            return overlay(self._site, own)
        except RemoteRefused:  # of another software than this hub's
            return self._site

    def look(self, branches: Sequence[str], device: str | None = None) -> list[dict[str, Any]]:
        """The terminals of these branches, those that lag behind first (`MOST_LOOKED_AT` of them): what is wanted, what
        each says, and where the two differ."""
        desired = shadow_desired.c
        of = sa.true() if device is None else devices.c.device == device
        newest = (
            sa.select(desired.branch, desired.device, sa.func.max(desired.version).label("n"))
            .where(desired.branch.in_(list(branches)))
            .group_by(desired.branch, desired.device)
            .subquery()
        )
        same = [
            sa.and_(table.c.branch == devices.c.branch, table.c.device == devices.c.device)
            for table in (newest, shadow_desired, shadow_reported)
        ]
        behind = sa.func.coalesce(shadow_reported.c.version, 0) < desired.version
        odd = sa.and_(shadow_reported.c.state != "applied", shadow_reported.c.state != "local")
        astray = sa.case((sa.or_(behind, odd), 1), else_=0)
        wanted = (
            sa.select(
                devices.c.branch, devices.c.device, devices.c.online, desired.version, desired.settings, desired.person,
                desired.at, shadow_reported.c.report, shadow_reported.c.at.label("reported_at"),
            )
            .select_from(devices)
            .outerjoin(newest, same[0])
            .outerjoin(shadow_desired, sa.and_(same[1], desired.version == newest.c.n))
            .outerjoin(shadow_reported, same[2])
            .where(devices.c.branch.in_(list(branches)), of)
            .order_by(astray.desc(), devices.c.branch, devices.c.device)
            .limit(MOST_LOOKED_AT)
        )  # fmt: skip
        return [_compared(row) for row in self._store.rows(wanted)]

    def history(self, branch: str, device: str) -> list[dict[str, Any]]:
        """The last versions, newest first."""
        of = _of(shadow_desired, branch, device)
        rows = self._store.rows(sa.select(shadow_desired).where(of).order_by(shadow_desired.c.version.desc()))
        return [
            {"version": row["version"], "settings": row["settings"], "by": row["person"], "at": row["at"].isoformat()}
            for row in rows
        ]


def is_whole(report: m.ShadowReported) -> bool:
    """Whether the report's hash is that of its settings."""
    return digest({name: msgspec.to_builtins(one.value) for name, one in report.settings.items()}) == report.hash


def keep_reports(db: sa.Connection, reports: Mapping[DeviceKey, m.ShadowReported], now: datetime) -> list[Outgoing]:
    """Keep what terminals report; what must be sent to them again. In one order, as all rows are."""
    again: list[Outgoing] = []
    for (branch, device), report in sorted(reports.items(), key=lambda one: one[0]):
        known = db.execute(
            sa.select(shadow_reported).where(_of(shadow_reported, branch, device)).with_for_update()
        ).first()
        if known is not None and known.since == report.since and known.mono_ns > report.mono_ns:
            continue  # overtaken on the way by a later one of the same start
        row = {
            "branch": branch, "device": device, "version": report.version, "state": report.state,
            "since": report.since, "mono_ns": report.mono_ns, "at": now, "report": msgspec.to_builtins(report),
        }  # fmt: skip
        upsert(db, shadow_reported, [row], update=[name for name in row if name not in ("branch", "device")])
        if known is None or (known.version, known.state) != (report.version, report.state):
            _note(db, branch, device, report)
        newest = _newest(db, branch, device)
        if newest > report.version:
            again.append(_send_again(db, branch, device, newest, now))
    return again


def overdue(store: Store, now: datetime) -> list[Outgoing]:
    """Versions for terminals that are online and have not said that they decided on them, each now and then."""
    desired = shadow_desired.c
    later = shadow_desired.alias()
    newer = sa.exists().where(
        later.c.branch == desired.branch, later.c.device == desired.device, later.c.version > desired.version
    )
    same = sa.and_(devices.c.branch == desired.branch, devices.c.device == desired.device, devices.c.online)
    told = sa.and_(shadow_reported.c.branch == desired.branch, shadow_reported.c.device == desired.device)
    wanted = (
        sa.select(desired.branch, desired.device, desired.version, desired.sent_at, desired.sends)
        .join(devices, same)
        .outerjoin(shadow_reported, told)
        .where(sa.func.coalesce(shadow_reported.c.version, 0) < desired.version, ~newer)
        .where(desired.sent_at < now - timedelta(seconds=RESEND_S))
        .order_by(desired.sent_at)
        .limit(AT_ONCE)
    )
    due = [
        row
        for row in store.rows(wanted)
        if row["sent_at"] < now - timedelta(seconds=RESEND_S * 2 ** min(row["sends"] - 1, 6))
    ]
    if not due:
        return []
    with store.write() as db:
        return [_send_again(db, row["branch"], row["device"], row["version"], now) for row in due]


def _newest(db: sa.Connection, branch: str, device: str) -> int:
    of = _of(shadow_desired, branch, device)
    return int(db.execute(sa.select(sa.func.max(shadow_desired.c.version)).where(of)).scalar() or 0)


def _of(table: sa.Table, branch: str, device: str) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.branch == branch, table.c.device == device)


def _send_again(db: sa.Connection, branch: str, device: str, version: int, now: datetime) -> Outgoing:
    one = sa.and_(_of(shadow_desired, branch, device), shadow_desired.c.version == version)
    db.execute(sa.update(shadow_desired).where(one).values(sent_at=now, sends=shadow_desired.c.sends + 1))
    settings = db.execute(sa.select(shadow_desired.c.settings).where(one)).scalar_one()
    return _message(branch, device, version, settings)


def _message(branch: str, device: str, version: int, settings: Mapping[str, Any]) -> Outgoing:
    row = topics.SHADOW_DESIRED
    desired = m.ShadowDesired(
        id=uuid.uuid4().hex,
        at=datetime.now(UTC),
        mono_ns=time.monotonic_ns(),
        branch=branch,
        device=device,
        version=version,
        settings=typed(settings),
    )
    return Outgoing(row.at(branch, device), row.encode(desired), row.qos, row.retain)


def _note(db: sa.Connection, branch: str, device: str, report: m.ShadowReported) -> None:
    """What became of a version belongs into the record as well as who set it."""
    if report.state == "local":
        return
    why = report.reasons[0].why if report.reasons and report.state in ("refused", "rolled_back") else "done"
    what = f"{device} version {report.version}"
    record.note(db, "", f"configuration_{report.state}", branch=branch, subject=what, outcome=why)


def _compared(row: Mapping[str, Any]) -> dict[str, Any]:
    report: dict[str, Any] = row["report"] or {}
    wanted, told = row["settings"] or {}, report.get("settings", {})
    stale = [name for name, one in told.items() if one["origin"] == "remote" and name not in wanted]
    differs = [name for name, value in wanted.items() if name not in told or told[name]["value"] != value]
    version, state = report.get("version"), report.get("state")
    differing = [
        {"setting": name, "desired": wanted.get(name), "reported": told.get(name, {}).get("value")}
        for name in sorted({*differs, *(stale if row["version"] is not None else ())})
    ]
    in_step = row["version"] is None or (version == row["version"] and state == "applied" and not differing)
    return {
        "branch": row["branch"],
        "device": row["device"],
        "online": row["online"],
        "desired": None
        if row["version"] is None
        else {
            "version": row["version"], "settings": wanted, "by": row["person"], "at": row["at"].isoformat(),
        },
        "reported": None
        if not report
        else {
            name: report[name]
            for name in ("version", "in_force", "state", "on_trial", "waits", "reasons", "refused", "hash", "settings")
        }
        | {"at": row["reported_at"].isoformat()},
        "differing": differing,
        "in_step": bool(in_step),
    }  # fmt: skip
