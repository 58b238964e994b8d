"""How a roll-out goes on: pure rules over counts and single terminals. They touch no database and no clock.

One order holds everywhere: an outcome changes its terminal, then the limits are looked at, then the wave, then who is
asked next. What is asked after a limit was reached is therefore nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from typing import Final, Literal

from contracts.fleet import RolloutState
from hub.fleet.campaign_plan import Limits, Pace, Plan, Wave


class Status(StrEnum):
    """What a roll-out is doing."""

    RUNNING = "running"
    SOAKING = "soaking"  # the wave is over; its figures are judged later
    WAITING = "waiting"  # for a person: the next wave, or a figure that could not be judged
    PAUSED = "paused"
    RETURNING = "returning"
    FINISHED = "finished"
    STOPPED = "stopped"  # over; what was done stays
    RETURNED = "returned"  # over; what was done went back


OVER: Final = frozenset({Status.FINISHED, Status.STOPPED, Status.RETURNED})
ASKING: Final = frozenset({Status.RUNNING, Status.SOAKING, Status.WAITING, Status.PAUSED, Status.FINISHED})
"""In these an attempt that failed may be made again and outcomes count."""


class State(StrEnum):
    """Where one terminal of a roll-out stands."""

    QUEUED = "queued"
    ASKED = "asked"
    WORKING = "working"  # it knows, and has it in hand
    RETRYING = "retrying"  # failed, and is asked again after a pause
    ABSENT = "absent"  # did not answer; it holds nobody up, and counts when it comes back
    DONE = "done"
    FAILED = "failed"
    RETURNING = "returning"
    RETURNED = "returned"
    STUCK = "stuck"  # should have gone back, and did not say so
    LEFT_OUT = "left_out"  # never asked: it stopped before


OPEN: Final = frozenset({State.ASKED, State.WORKING, State.ABSENT})
IN_HAND: Final = frozenset({State.ASKED, State.WORKING})
PENDING: Final = frozenset({State.QUEUED, State.ASKED, State.WORKING, State.RETRYING})
Counts = Mapping[tuple[int, State], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One terminal in a roll-out. `generation`: of the wish that it was sent last; `before`: what it ran until then."""

    branch: str
    device: str
    place: int
    wave: int
    state: State = State.QUEUED
    attempt: int = 0
    generation: int = 0
    before: str = ""
    due: datetime | None = None
    reason: str = ""


def asked(member: Member, pace: Pace, generation: int, now: datetime) -> Member:
    """The member, sent its wish (again)."""
    return replace(
        member, state=State.ASKED, attempt=member.attempt + 1, generation=generation, reason="",
        due=now + timedelta(seconds=pace.answer_s),
    )  # fmt: skip


def sent_back(member: Member, pace: Pace, generation: int, now: datetime) -> Member:
    """The member, wished back to what it ran before."""
    due = now + timedelta(seconds=pace.return_s)
    return replace(member, state=State.RETURNING, generation=generation, due=due)


def after_report(member: Member, plan: Plan, version: str, state: RolloutState, reason: str, now: datetime) -> Member:
    """The member after it said what it runs, under the generation that it was sent last."""
    if member.state in (State.RETURNING, State.STUCK):
        if state == "done" and version == member.before:
            return replace(member, state=State.RETURNED, due=None)
        return replace(member, state=State.STUCK, due=None, reason=reason or "failed") if state == "failed" else member
    if member.state not in OPEN:
        return member
    if state == "done" and version == plan.version:
        return replace(member, state=State.DONE, due=None, reason="")
    if state == "failed":
        return failed(member, plan.pace, reason or "failed", now)
    if state == "working" and member.state is not State.WORKING:
        return replace(member, state=State.WORKING, due=now + timedelta(seconds=plan.pace.deadline_s))
    return member


def after_time(member: Member, plan: Plan, now: datetime) -> Member:
    """The member when its time is over, else the same."""
    if member.due is None or member.due > now:
        return member
    match member.state:
        case State.ASKED:
            return replace(member, state=State.ABSENT, due=None)
        case State.WORKING:
            return failed(member, plan.pace, "deadline", now)
        case State.RETURNING:
            return replace(member, state=State.STUCK, due=None, reason="silent")
    return member


def failed(member: Member, pace: Pace, reason: str, now: datetime) -> Member:
    """An attempt came to nothing: the next one after a pause, or it has failed."""
    if member.attempt < pace.attempts:
        due = now + timedelta(seconds=pace.retry_pause_s)
        return replace(member, state=State.RETRYING, due=due, reason=reason)
    return replace(member, state=State.FAILED, due=None, reason=reason)


# --- the whole --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a roll-out is. `soak_until`: when the wave that is over is judged."""

    status: Status
    wave: int
    counts: Counts
    soak_until: datetime | None = None

    def count(self, *states: State, wave: int | None = None) -> int:
        """Terminals in one of these states, in one wave or in all."""
        return sum(n for (at, state), n in self.counts.items() if state in states and wave in (None, at))


Kind = Literal["nothing", "ask", "soak", "judge", "wait", "next", "finish", "stop", "close"]


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be done now. `room`: how many may be asked."""

    kind: Kind
    reason: str = ""
    room: int = 0


NOTHING: Final = Step("nothing")


def over_limit(limits: Limits, done: int, failed: int) -> str:
    """Which limit is reached, or an empty text. Exact: shares are compared as fractions."""
    if limits.failed is not None and failed >= limits.failed:
        return "failed"
    finished = done + failed
    if (
        limits.failed_share is not None
        and finished >= limits.judged_from
        and failed > _share(limits.failed_share) * finished
    ):
        return "failed_share"
    return ""


def decide(plan: Plan, waves: Sequence[Wave], standing: Standing, now: datetime) -> Step:
    """The next step. Called again after each one until there is nothing to do."""
    if standing.status is Status.RETURNING:
        return NOTHING if standing.count(State.RETURNING) else Step("close")
    if standing.status in OVER:
        return _for_late(standing, plan) if standing.status is Status.FINISHED else NOTHING
    if reason := over_limit(plan.limits, standing.count(State.DONE), standing.count(State.FAILED)):
        return Step("stop", reason)
    if standing.status is Status.SOAKING:
        return Step("judge") if standing.soak_until is None or standing.soak_until <= now else NOTHING
    if standing.status is not Status.RUNNING:
        return NOTHING
    if standing.count(*PENDING, wave=standing.wave):
        return _ask(standing, plan)
    done, lost = (standing.count(state, wave=standing.wave) for state in (State.DONE, State.FAILED))
    if not done + lost:
        return Step("wait", "nobody")  # a wave that told nothing is no success
    if done < _share(plan.limits.done_share) * (done + lost):
        return Step("stop", "done_share")
    return Step("soak")


def after_wave(waves: Sequence[Wave], standing: Standing) -> Step:
    """The wave was judged and found good."""
    if standing.wave + 1 >= len(waves):
        return Step("finish")
    return Step("wait", "approve") if waves[standing.wave].approve else Step("next")


def _ask(standing: Standing, plan: Plan) -> Step:
    room = plan.pace.at_once - standing.count(*IN_HAND)
    waits = standing.count(State.QUEUED, wave=standing.wave) + standing.count(State.RETRYING)
    return Step("ask", room=min(room, waits)) if room > 0 and waits else NOTHING


def _for_late(standing: Standing, plan: Plan) -> Step:
    """A finished roll-out still serves who joined late or is tried again; nothing else begins."""
    return _ask(standing, plan)


def _share(stated: float) -> Fraction:
    """The share that was written down, not its nearest binary number."""
    return Fraction(str(stated))
