"""What people do with roll-outs, and what any worker does for them: begin, approve, pause, abort, look; carry on.

Rules that are stated here and nowhere else. A terminal that is in another roll-out which is not over is left out of a
new one. One that runs the release already is left out. Who is in which wave follows from a hash of roll-out and
terminal, so that a canary is a sample of the whole fleet and every worker works out the same. Who approves a wave is
somebody else than who made the plan.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from contracts import fleet as f
from hub.accounts import record
from hub.accounts.rights import EVERYWHERE, OPERATOR, Person, Refused, Right, require
from hub.bus import Outgoing
from hub.fleet import figures, terminals, wanted
from hub.fleet.campaign_plan import MOST_TERMINALS, Plan, PlanProblem, read_plan, waves_of
from hub.fleet.campaign_rule import OVER, State, Status
from hub.fleet.campaign_run import GateReader, NotThis, Run, member_of
from hub.fleet.tables import fleet_campaigns, fleet_journal, fleet_members
from hub.store import Store

MOST_SHOWN: Final = 200
MOST_LOOKED_AT: Final = 20  # of the newest: older ones take nobody in any more
LATE_LOOK_S: Final = 30.0
LIVE: Final = tuple(status.value for status in Status if status not in OVER)


class CampaignProblem(ValueError):
    """Why something cannot be done with a roll-out: `status` as HTTP has it; `str()` says it to the person."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Campaigns:
    """The roll-outs of this hub."""

    def __init__(
        self,
        store: Store,
        gates: GateReader = figures.read,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.store, self._gates, self._now = store, gates, now

    def begin(self, person: Person, name: str, stated: Mapping[str, Any]) -> tuple[str, list[Outgoing]]:
        """Begin a roll-out; its id, and what to send. Raises `CampaignProblem`, `Refused`."""
        require(person, Right.ROLL_OUT, EVERYWHERE)
        now = self._now()
        try:
            plan = read_plan(stated)
        except PlanProblem as err:
            raise CampaignProblem(422, str(err)) from err
        campaign = f"r{now:%y%m%d}-{secrets.token_hex(4)}"

        def work(db: sa.Connection) -> list[Outgoing]:
            found = self._chosen(db, plan, campaign)
            sizes, waves = waves_of(plan, len(found))
            row = {"campaign": campaign, "name": name[:80], "plan": msgspec.to_builtins(plan),
                   "waves": msgspec.to_builtins(waves), "status": Status.RUNNING, "reason": "", "wave": 0,
                   "steps": 0, "made_by": person.name, "made_at": now, "changed_at": now}  # fmt: skip
            db.execute(sa.insert(fleet_campaigns).values(**row))
            of_place = [wave for wave, size in enumerate(sizes) for _ in range(size)]
            db.execute(
                sa.insert(fleet_members),
                [
                    {"campaign": campaign, "branch": one["branch"], "device": one["device"], "place": place,
                     "wave": of_place[place], "state": State.QUEUED, "attempt": 0, "generation": 0,
                     "before": one["version"], "due": None, "reason": "", "since": now}
                    for place, one in enumerate(found)
                ],
            )  # fmt: skip
            record.note(db, person.name, "rollout_begun", subject=f"{campaign} {plan.version}")
            run = Run(db, campaign, now, self._gates)
            run.note("begin", reason=person.name)
            run.note("wave", reason="1")
            run.go_on()
            return run.outgoing

        return campaign, self.store.apply(work)

    def order(self, person: Person, campaign: str, what: str) -> list[Outgoing]:
        """approve, pause, resume or abort; what to send. Raises `CampaignProblem`, `Refused`."""
        require(person, Right.ROLL_OUT, EVERYWHERE)

        def work(db: sa.Connection) -> list[Outgoing]:
            try:
                run = Run(db, campaign, self._now(), self._gates)
            except NotThis as err:
                raise CampaignProblem(404, "there is no such roll-out") from err
            if what == "approve" and person.name == run.made_by and person is not OPERATOR:
                raise Refused(Right.ROLL_OUT, "")  # two persons: whoever made the plan does not approve it
            if not run.order(what, person.name):
                raise CampaignProblem(409, f"{what} is not possible while it is {run.status}")
            record.note(db, person.name, f"rollout_{what}", subject=campaign)
            return run.outgoing

        return self.store.apply(work)

    def _chosen(self, db: sa.Connection, plan: Plan, campaign: str) -> list[dict[str, Any]]:
        """The terminals of a new roll-out, in the order in which they come."""
        busy = self._busy(db)
        found = [
            one
            for one in terminals.every(db)
            if plan.query.matches(one) and (one["branch"], one["device"]) not in busy
            and one["version"] and one["version"] != plan.version
        ]  # fmt: skip
        if not found:
            raise CampaignProblem(422, "no terminal matches that does not run the release already or is busy")
        if len(found) > MOST_TERMINALS:
            raise CampaignProblem(422, f"more than {MOST_TERMINALS} terminals: narrow the query")
        return sorted(found, key=lambda one: _draw(campaign, one["branch"], one["device"]))

    def _busy(self, db: sa.Connection) -> set[tuple[str, str]]:
        live = sa.select(fleet_campaigns.c.campaign).where(fleet_campaigns.c.status.in_(LIVE))
        query = sa.select(fleet_members.c.branch, fleet_members.c.device).where(fleet_members.c.campaign.in_(live))
        return {(branch, device) for branch, device in db.execute(query)}

    # --- carrying on --------------------------------------------------------------------------------

    def told(
        self, db: sa.Connection, campaign: str, news: list[tuple[tuple[str, str], f.RolloutReport]]
    ) -> list[Outgoing]:
        """Members of a roll-out said something under their newest generation: it goes on, in the order they said it."""
        try:
            run = Run(db, campaign, self._now(), self._gates)
        except NotThis:
            return []
        for key, report in news:
            for row in wanted.members_of(db, campaign, [key]):  # read anew: a limit before may have changed it
                if row["generation"] == report.generation:
                    run.report(member_of(row), report.version, report.state, report.reason)
        return run.outgoing

    def carry_on(self) -> list[Outgoing]:
        """Do what is due because time went on. Any worker may; looked at without a lock first."""
        now = self._now()
        due = sa.select(fleet_members.c.campaign).where(fleet_members.c.due <= now).distinct()
        soaked = sa.select(fleet_campaigns.c.campaign).where(
            fleet_campaigns.c.status == Status.SOAKING,
            sa.or_(fleet_campaigns.c.soak_until.is_(None), fleet_campaigns.c.soak_until <= now),
        )
        wanted_now = {row["campaign"] for query in (due, soaked) for row in self.store.rows(query)}
        outgoing: list[Outgoing] = []
        for campaign in sorted(wanted_now):

            def work(db: sa.Connection, campaign: str = campaign) -> list[Outgoing]:
                run = Run(db, campaign, now, self._gates)
                run.tick()
                return run.outgoing

            outgoing += self.store.apply(work)
        return outgoing

    def take_in_late(self) -> list[Outgoing]:
        """Terminals that match a roll-out's query since a moment ago go with it, where its plan says so."""
        now = self._now()
        states = (*LIVE, Status.FINISHED.value)
        rows = self.store.rows(
            sa.select(fleet_campaigns.c.campaign, fleet_campaigns.c.plan, fleet_campaigns.c.status)
            .where(fleet_campaigns.c.status.in_(states))
            .order_by(fleet_campaigns.c.made_at.desc())
            .limit(MOST_LOOKED_AT)
        )
        outgoing: list[Outgoing] = []
        newest: set[tuple[str, str]] = set()  # of several that are finished the newest is the one that counts
        for row in rows:
            plan = msgspec.convert(row["plan"], Plan)
            if plan.late != "join" or row["status"] == Status.RETURNING:
                continue
            outgoing += self.store.apply(partial(self._late, row=row, plan=plan, newest=newest, now=now))
        return outgoing

    def _late(
        self, db: sa.Connection, *, row: Mapping[str, Any], plan: Plan, newest: set[tuple[str, str]], now: datetime
    ) -> list[Outgoing]:
        mine = fleet_members.c.campaign == row["campaign"]
        query = sa.select(fleet_members.c.branch, fleet_members.c.device).where(mine)
        ever = {(branch, device) for branch, device in db.execute(query)}
        busy = self._busy(db)
        found = []
        for one in terminals.every(db):
            key = (one["branch"], one["device"])
            if not plan.query.matches(one) or key in newest:
                continue
            newest.add(key)
            if key not in ever and key not in busy and one["version"] and one["version"] != plan.version:
                found.append(one)
        if not found:
            return []
        run = Run(db, row["campaign"], now, self._gates)
        if run.status not in (Status.RUNNING, Status.SOAKING, Status.WAITING, Status.PAUSED, Status.FINISHED):
            return []
        run.enrol(found)
        return run.outgoing

    # --- looking ------------------------------------------------------------------------------------

    def look(self, campaign: str = "") -> list[dict[str, Any]]:
        """The roll-outs, newest first, each with its counts by wave."""
        query = sa.select(fleet_campaigns).order_by(fleet_campaigns.c.made_at.desc()).limit(MOST_SHOWN)
        if campaign:
            query = query.where(fleet_campaigns.c.campaign == campaign)
        rows = self.store.rows(query)
        grouped = (
            sa.select(fleet_members.c.campaign, fleet_members.c.wave, fleet_members.c.state, sa.func.count().label("n"))
            .where(fleet_members.c.campaign.in_([row["campaign"] for row in rows]))
            .group_by(fleet_members.c.campaign, fleet_members.c.wave, fleet_members.c.state)
        )
        counts: dict[str, dict[int, dict[str, int]]] = {}
        for one in self.store.rows(grouped):
            counts.setdefault(one["campaign"], {}).setdefault(one["wave"], {})[one["state"]] = one["n"]
        return [_shown(row, counts.get(row["campaign"], {})) for row in rows]

    def members(self, campaign: str) -> list[dict[str, Any]]:
        """Every terminal of a roll-out, in its order."""
        query = sa.select(fleet_members).where(fleet_members.c.campaign == campaign).order_by(fleet_members.c.place)
        names = ("branch", "device", "wave", "state", "attempt", "reason")
        return [{name: row[name] for name in names} for row in self.store.rows(query)]

    def journal(self, campaign: str, after: int = 0, most: int = 1_000) -> list[dict[str, Any]]:
        """What happened to it, in order."""
        query = sa.select(fleet_journal).where(fleet_journal.c.campaign == campaign, fleet_journal.c.n > after)
        return [
            {name: row[name] for name in ("n", "what", "branch", "device", "reason")} | {"at": row["at"].isoformat()}
            for row in self.store.rows(query.order_by(fleet_journal.c.n).limit(most))
        ]


def _shown(row: Mapping[str, Any], counts: Mapping[int, Mapping[str, int]]) -> dict[str, Any]:
    total: dict[str, int] = {}
    for of_wave in counts.values():
        for state, n in of_wave.items():
            total[state] = total.get(state, 0) + n
    waves: Sequence[Mapping[str, Any]] = row["waves"]
    return {
        "campaign": row["campaign"], "name": row["name"], "version": row["plan"]["version"], "status": row["status"],
        "reason": row["reason"], "wave": row["wave"] + 1, "plan": row["plan"], "by": row["made_by"],
        "at": row["made_at"].isoformat(), "changed": row["changed_at"].isoformat(), "counts": total,
        "waves": [dict(wave) | {"counts": dict(counts.get(at, {}))} for at, wave in enumerate(waves)],
        "terminals": sum(total.values()), "over": Status(row["status"]) in OVER, "steps": row["steps"],
    }  # fmt: skip


def _draw(campaign: str, branch: str, device: str) -> bytes:
    return hashlib.sha256(f"{campaign}/{branch}/{device}".encode()).digest()
