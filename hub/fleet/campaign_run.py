"""A roll-out carried on in one transaction: the rule's steps as rows, each with a line in the journal.

Whoever carries it on holds its row of `fleet_campaigns`. All that a step does (members, wishes, journal) is in the same
transaction, and wishes are sent after it, again and again until they are heard: a worker may be killed at any
instruction and the next one goes on from what is written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from hub.bus import Outgoing
from hub.fleet import wanted
from hub.fleet.campaign_plan import Plan, Wave
from hub.fleet.campaign_rule import (
    ASKING,
    OPEN,
    OVER,
    Member,
    Standing,
    State,
    Status,
    Step,
    after_report,
    after_time,
    after_wave,
    asked,
    decide,
    sent_back,
)
from hub.fleet.gates import Judged
from hub.fleet.tables import fleet_campaigns, fleet_journal, fleet_members

AT_ONCE: Final = 2_000  # members that one step touches; the next takes the rest
MOST_STEPS: Final = 1_000  # of one transaction: a rule that goes round for ever must not hold the database
GateReader = Callable[[sa.Connection, "Run", datetime], Sequence[Judged]]
FIELDS: Final = ("branch", "device", "place", "wave", "state", "attempt", "generation", "before", "due", "reason")


class NotThis(LookupError):
    """There is no such roll-out."""


class Run:
    """One roll-out, held until the transaction of `db` ends. Raises `NotThis`."""

    def __init__(self, db: sa.Connection, campaign: str, now: datetime, gates: GateReader) -> None:
        row = db.execute(
            sa.select(fleet_campaigns).where(fleet_campaigns.c.campaign == campaign).with_for_update()
        ).first()
        if row is None:
            raise NotThis(campaign)
        self.db, self.campaign, self.now = db, campaign, now
        self.plan = msgspec.convert(row.plan, Plan)
        self.waves: list[Wave] = msgspec.convert(row.waves, list[Wave])
        self.status, self.reason, self.wave = Status(row.status), str(row.reason), int(row.wave)
        self.soak_until: datetime | None = row.soak_until
        self.made_by, self.made_at = str(row.made_by), row.made_at
        self.outgoing: list[Outgoing] = []
        self._steps, self._gates = int(row.steps), gates
        self._lines: list[dict[str, Any]] = []
        counted = (
            sa.select(fleet_members.c.wave, fleet_members.c.state, sa.func.count())
            .where(fleet_members.c.campaign == campaign)
            .group_by(fleet_members.c.wave, fleet_members.c.state)
        )
        self.counts: Counter[tuple[int, State]] = Counter(
            {(wave, State(state)): int(n) for wave, state, n in db.execute(counted)}
        )

    @property
    def standing(self) -> Standing:
        return Standing(status=self.status, wave=self.wave, counts=self.counts, soak_until=self.soak_until)

    # --- what comes from outside --------------------------------------------------------------------

    def report(self, member: Member, version: str, state: Any, reason: str) -> None:
        """A terminal said what came of its newest wish."""
        after = after_report(member, self.plan, version, state, reason, self.now)
        self._settle(member, after)

    def tick(self) -> None:
        """Time went on."""
        late = sa.and_(fleet_members.c.campaign == self.campaign, fleet_members.c.due <= self.now)
        for member in self._members(sa.and_(late, fleet_members.c.state != State.RETRYING)):
            self._settle(member, after_time(member, self.plan, self.now))
        self.go_on()

    def order(self, what: str, person: str) -> bool:
        """approve, pause, resume or abort; whether it could be done now."""
        match what:
            case "approve" if self.status is Status.WAITING:
                self.note("approve", reason=person)
                if self.wave + 1 < len(self.waves):
                    self._begin_next()
                else:
                    self._finish()
            case "pause" if self.status in (Status.RUNNING, Status.SOAKING):
                self.note("pause", reason=person)
                self._set(Status.PAUSED, reason="person")
            case "resume" if self.status is Status.PAUSED:
                self.note("resume", reason=person)
                self._set(Status.RUNNING)
            case "abort" if self.status not in OVER and self.status is not Status.RETURNING:
                self.note("abort", reason=person)
                self._stop("abort")
            case _:
                return False
        self.go_on()
        return True

    def enrol(self, terminals: Sequence[Mapping[str, Any]]) -> None:
        """Terminals that match the query since a moment ago: they go with the last wave."""
        place = int(
            self.db.execute(
                sa.select(sa.func.coalesce(sa.func.max(fleet_members.c.place), -1)).where(
                    fleet_members.c.campaign == self.campaign
                )
            ).scalar_one()
        )
        for number, one in enumerate(terminals, place + 1):
            wave = len(self.waves) - 1
            row = {"place": number, "wave": wave, "state": State.QUEUED, "attempt": 0, "generation": 0,
                   "before": one["version"], "due": None, "reason": "late", "since": self.now}  # fmt: skip
            here = {"campaign": self.campaign, "branch": one["branch"], "device": one["device"]}
            self.db.execute(sa.insert(fleet_members).values(**here, **row))
            self.counts[(wave, State.QUEUED)] += 1
            self.note("late", one["branch"], one["device"])
        self.go_on()

    # --- the rule's steps ---------------------------------------------------------------------------

    def go_on(self) -> None:
        """Do what the rule says until it says nothing more; then write the roll-out down."""
        for _ in range(MOST_STEPS):
            step = decide(self.plan, self.waves, self.standing, self.now)
            if step.kind == "nothing" or not self._do(step):
                break
        self._write()

    def _do(self, step: Step) -> bool:
        """Whether anything was done: nobody can be asked while those who are left pause before another attempt."""
        match step.kind:
            case "ask":
                return self._ask(step.room)
            case "soak":
                soak_s = self.waves[self.wave].soak_s
                self._set(Status.SOAKING, soak_until=self.now + timedelta(seconds=soak_s))
                self.note("soak")
            case "judge":
                self._judge()
            case "wait":
                self._set(Status.WAITING, reason=step.reason)
                self.note("wait", reason=step.reason)
            case "next":
                self._begin_next()
            case "finish":
                self._finish()
            case "stop":
                self._stop(step.reason)
            case "close":
                ended = Status.RETURNED if self.plan.on_stop == "return" else Status.STOPPED
                self._set(ended, reason=self.reason)
                self.note("close", reason=ended)
        return True

    def _ask(self, room: int) -> bool:
        """Those whose pause is over first, also of earlier waves, then the wave's others, by place."""
        again = sa.and_(fleet_members.c.state == State.RETRYING, fleet_members.c.due <= self.now)
        fresh = sa.and_(fleet_members.c.state == State.QUEUED, fleet_members.c.wave == self.wave)
        of = fleet_members.c.campaign == self.campaign
        chosen = self._members(sa.and_(of, sa.or_(again, fresh)), min(room, AT_ONCE))
        for member in chosen:
            generation, message = wanted.want(
                self.db, member.branch, member.device, self.plan.version, self.campaign, self.now
            )
            self.outgoing.append(message)
            self._settle(member, asked(member, self.plan.pace, generation, self.now), go_on=False)
        return bool(chosen)

    def _judge(self) -> None:
        for found in self._gates(self.db, self, self.now) if self.plan.gates else ():
            said = f"{found.figure} {found.updated.events}/{found.updated.exposure:.0f} against "
            said += f"{found.others.events}/{found.others.exposure:.0f}"
            self.note(f"gate_{found.verdict}", reason=said)
            if found.verdict == "worse":
                self._stop(f"gate_{found.figure}")
                return
            if found.verdict == "too_little":
                self._do(Step("wait", f"gate_{found.figure}"))
                return
        self._do(after_wave(self.waves, self.standing))

    def _begin_next(self) -> None:
        self.wave += 1
        self._set(Status.RUNNING)
        self.note("wave", reason=str(self.wave + 1))

    def _finish(self) -> None:
        self._set(Status.FINISHED)
        self.note("finish")

    def _stop(self, reason: str) -> None:
        """Nobody new; what was sent is taken back, and what was done where the plan says so."""
        self.note("stop", reason=reason)
        self._set(Status.RETURNING, reason=reason)
        back = {State.ASKED, State.ABSENT}
        if self.plan.on_stop == "return":
            back |= {State.WORKING, State.DONE, State.RETRYING, State.FAILED}
        of = fleet_members.c.campaign == self.campaign
        self._leave_out()
        for member in self._members(sa.and_(of, fleet_members.c.state.in_([*back, State.RETRYING])), None):
            if member.state in (State.RETRYING, State.FAILED):
                self._undo_wish(member)
                continue
            generation, message = wanted.want(
                self.db, member.branch, member.device, member.before, self.campaign, self.now
            )
            self.outgoing.append(message)
            self._settle(member, sent_back(member, self.plan.pace, generation, self.now), go_on=False)

    def _leave_out(self) -> None:
        """Whoever was never asked, never will be."""
        queued = sa.and_(fleet_members.c.campaign == self.campaign, fleet_members.c.state == State.QUEUED)
        values = {"state": State.LEFT_OUT, "since": self.now}
        gone = self.db.execute(sa.update(fleet_members).where(queued).values(**values)).rowcount
        for wave, state in list(self.counts):
            if state is State.QUEUED:
                self.counts[(wave, State.LEFT_OUT)] += self.counts.pop((wave, state))
        self.note("left_out", reason=str(gone))

    def _undo_wish(self, member: Member) -> None:
        """It runs what it ran before already; only what is wanted of it must say so, too."""
        generation, message = wanted.want(self.db, member.branch, member.device, member.before, self.campaign, self.now)
        self.outgoing.append(message)
        self._settle(member, replace(member, state=State.FAILED, generation=generation, due=None), go_on=False)

    # --- rows ---------------------------------------------------------------------------------------

    def note(self, what: str, branch: str = "", device: str = "", reason: str = "") -> None:
        """One line of the journal."""
        self._steps += 1
        self._lines.append(
            {"campaign": self.campaign, "n": self._steps, "at": self.now, "what": what[:20], "branch": branch,
             "device": device, "reason": reason[:80]}
        )  # fmt: skip

    def _settle(self, before: Member, after: Member, *, go_on: bool = True) -> None:
        """Write a member that changed; then the rule looks at once, so that a limit stops exactly where it is."""
        if after is before:
            return
        if after.state is State.RETRYING and self.status not in ASKING:
            after = replace(after, state=State.FAILED, due=None)
        of = sa.and_(
            fleet_members.c.campaign == self.campaign, fleet_members.c.branch == after.branch,
            fleet_members.c.device == after.device,
        )  # fmt: skip
        changed = {name: getattr(after, name) for name in ("state", "attempt", "generation", "due", "reason")}
        self.db.execute(sa.update(fleet_members).where(of).values(**changed, since=self.now))
        if after.state is not before.state:
            self.counts[(before.wave, before.state)] -= 1
            self.counts[(after.wave, after.state)] += 1
            self.note(after.state, after.branch, after.device, after.reason)
        if go_on:
            self.go_on()

    def _members(self, where: sa.ColumnElement[bool], most: int | None = AT_ONCE) -> list[Member]:
        columns = [fleet_members.c[name] for name in FIELDS]
        again_first = sa.case((fleet_members.c.state == State.RETRYING, 0), else_=1)
        query = sa.select(*columns).where(where).order_by(again_first, fleet_members.c.place).limit(most)
        return [member_of(dict(row)) for row in self.db.execute(query).mappings()]

    def _set(self, status: Status, *, reason: str = "", soak_until: datetime | None = None) -> None:
        self.status, self.reason, self.soak_until = status, reason, soak_until

    def _write(self) -> None:
        if not self._lines:
            return
        self.db.execute(sa.insert(fleet_journal), self._lines)
        self._lines = []
        self.db.execute(
            sa.update(fleet_campaigns)
            .where(fleet_campaigns.c.campaign == self.campaign)
            .values(status=self.status, reason=self.reason, wave=self.wave, soak_until=self.soak_until,
                    steps=self._steps, changed_at=self.now)
        )  # fmt: skip


def member_of(row: Mapping[str, Any]) -> Member:
    """A row of `fleet_members` as the rule has it."""
    return Member(**{name: row[name] for name in FIELDS} | {"state": State(row["state"])})


def is_open(state: State) -> bool:
    """Whether an outcome may still come."""
    return state in OPEN or state in (State.RETURNING, State.STUCK)
