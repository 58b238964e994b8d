"""What a terminal keeps of its shadow on disk, and what follows from it. Pure.

Two records: what was decided on last, with a candidate that has not proved itself yet (`Kept`), and what has
(`Good`). A candidate is accepted, then on trial; where a part of it waits for the next start it is `waits` after its
trial, and goes on trial once more, whole, when the terminal has started.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec.structs import replace

from contracts.messages import MAX_INTEGER
from contracts.shadow import SETTINGS_LIMIT, SettingName, SettingValue, ShadowReason

MOST_CRASHES: Final = 2  # ends out of order within one trial; one may have another cause
MOST_AHEAD: Final = 1_000_000  # a version further on than this would lock out every later one: refused

Version = Annotated[int, msgspec.Meta(ge=0, le=MAX_INTEGER)]
Settings = Annotated[dict[SettingName, SettingValue], msgspec.Meta(max_length=SETTINGS_LIMIT)]
Stage = Literal["accepted", "trial", "waits"]


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """How the terminal was before a candidate: what it is judged against. Shares are of turns; None: too few."""

    missing: tuple[str, ...] = ()
    failed_share: float = 0.0
    answer_ms: float | None = None


class Good(msgspec.Struct, frozen=True, kw_only=True):
    """Settings that have proved themselves. Version 0, none: the local file alone."""

    version: Version = 0
    settings: Settings = {}


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """Settings that were taken and have not proved themselves. `running`: in force in a run that has not ended."""

    version: Version
    settings: Settings
    stage: Stage = "accepted"
    before: Baseline = Baseline()
    crashes: int = 0
    running: bool = False


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """A version that is not in force, and why."""

    version: Version
    state: Literal["refused", "rolled_back"]
    reasons: tuple[ShadowReason, ...] = ()


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """`decided`: the highest version that was decided on, whatever the decision."""

    decided: Version = 0
    candidate: Candidate | None = None
    verdict: Verdict | None = None


def refusal_of(kept: Kept, version: int) -> str | None:
    """Why a version cannot be taken by its number alone; None: it can."""
    if version <= kept.decided:
        return "repeated" if version == kept.decided else "older"
    return "too_far_ahead" if version > kept.decided + MOST_AHEAD else None


def accepted(kept: Kept, version: int, settings: dict[str, Any], before: Baseline) -> Kept:
    """A version whose settings are valid. One that has not proved itself yet gives way to it."""
    return Kept(decided=version, candidate=Candidate(version=version, settings=settings, before=before))


def refused(kept: Kept, version: int, reasons: tuple[ShadowReason, ...]) -> Kept:
    """A version that is not taken; what is in force or on trial stays so."""
    return replace(kept, decided=version, verdict=Verdict(version=version, state="refused", reasons=reasons))


def in_trial(kept: Kept) -> Kept:
    """The candidate is in force from now on."""
    assert kept.candidate is not None
    return replace(kept, candidate=replace(kept.candidate, stage="trial", running=True))


def waiting(kept: Kept) -> Kept:
    """What can be in force without a start has proved itself."""
    assert kept.candidate is not None
    return replace(kept, candidate=replace(kept.candidate, stage="waits", running=False))


def proved(kept: Kept) -> tuple[Kept, Good]:
    """The candidate has proved itself. Write the second before the first."""
    assert kept.candidate is not None
    return replace(kept, candidate=None), Good(version=kept.candidate.version, settings=kept.candidate.settings)


def rolled_back(kept: Kept, reasons: tuple[ShadowReason, ...], state: Literal["refused", "rolled_back"]) -> Kept:
    """The candidate is given up."""
    assert kept.candidate is not None
    verdict = Verdict(version=kept.candidate.version, state=state, reasons=reasons)
    return replace(kept, candidate=None, verdict=verdict)


def ended(kept: Kept) -> Kept:
    """The run ends in order: its end says nothing against the candidate."""
    if kept.candidate is None or not kept.candidate.running:
        return kept
    return replace(kept, candidate=replace(kept.candidate, running=False))


def started(kept: Kept, good: Good) -> Kept:
    """What a start makes of it: everything that was accepted is in force and on trial, unless it ends the terminal."""
    candidate = kept.candidate
    if candidate is None:
        return kept
    if candidate.version <= good.version:  # killed between the two writes of `proved`
        return replace(kept, candidate=None)
    crashes = candidate.crashes + candidate.running if candidate.stage == "trial" else 0
    if crashes >= MOST_CRASHES:
        return rolled_back(kept, (ShadowReason(why="restarts"),), "rolled_back")
    return replace(kept, candidate=replace(candidate, stage="trial", crashes=crashes, running=True))
