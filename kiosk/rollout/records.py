"""What the updater keeps on disk of where it is, and what follows from it after a start. Pure.

The record is the truth; the link that says which slot runs is derived from it and mended at each start. A candidate is
fetched, whole in the spare slot (`ready`), then on trial; only a trial that it survived makes it what is in force.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from msgspec.structs import replace

from contracts.messages import MAX_INTEGER
from contracts.release import Version

INSTALLED: Final = "installed"  # what a terminal runs that never took a release
MOST_STARTS: Final = 3  # of the updater within one trial: power may fail twice for other reasons
Slot = Literal["a", "b"]
Stage = Literal["fetching", "ready", "trial"]
Generation = Annotated[int, msgspec.Meta(ge=0, le=MAX_INTEGER)]


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A release that was wanted and has not proved itself. `starts`: how often its trial began."""

    release: Version
    generation: Generation
    slot: Slot
    stage: Stage = "fetching"
    starts: int = 0


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What came of the newest generation that was decided on."""

    generation: Generation
    release: Version
    state: Literal["done", "failed"]
    reason: str = ""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """`slot`, `release`: what has proved itself and is in force whenever no candidate is on trial."""

    slot: Slot = "a"
    release: Version = INSTALLED
    candidate: Candidate | None = None
    verdict: Verdict | None = None

    @property
    def points_to(self) -> Slot:
        """The slot that must run."""
        on_trial = self.candidate is not None and self.candidate.stage == "trial"
        return self.candidate.slot if on_trial and self.candidate is not None else self.slot

    @property
    def spare(self) -> Slot:
        return "b" if self.slot == "a" else "a"

    @property
    def decided(self) -> int:
        """The newest generation that needs no more work."""
        return self.verdict.generation if self.verdict else 0


def wanted(kept: Kept, release: str, generation: int) -> Kept:
    """A wish of the hub. An older one, or one that is known, changes nothing; a trial is never broken off."""
    candidate = kept.candidate
    if generation <= kept.decided or (candidate is not None and candidate.stage == "trial"):
        return kept
    if candidate is not None and generation <= candidate.generation:
        return kept
    if release == kept.release:
        return replace(kept, candidate=None, verdict=Verdict(generation=generation, release=release, state="done"))
    if candidate is not None and candidate.release == release:
        return replace(kept, candidate=replace(candidate, generation=generation))
    return replace(kept, candidate=Candidate(release=release, generation=generation, slot=kept.spare))


def whole(kept: Kept) -> Kept:
    """The candidate lies whole and checked in the spare slot."""
    assert kept.candidate is not None
    return replace(kept, candidate=replace(kept.candidate, stage="ready"))


def torn(kept: Kept) -> Kept:
    """What lies in the spare slot is not whole after all."""
    assert kept.candidate is not None
    return replace(kept, candidate=replace(kept.candidate, stage="fetching"))


def on_trial(kept: Kept) -> Kept:
    """From now on the candidate is to run."""
    assert kept.candidate is not None
    return replace(kept, candidate=replace(kept.candidate, stage="trial", starts=0))


def trial_began(kept: Kept) -> Kept:
    """Before the candidate is started: once more. Too often is a failure by itself."""
    assert kept.candidate is not None
    if kept.candidate.starts >= MOST_STARTS:
        return failed(kept, "started_too_often")
    return replace(kept, candidate=replace(kept.candidate, starts=kept.candidate.starts + 1))


def proved(kept: Kept) -> Kept:
    """The candidate has done its work and stayed healthy: it is what is in force."""
    assert kept.candidate is not None
    held = kept.candidate
    verdict = Verdict(generation=held.generation, release=held.release, state="done")
    return Kept(slot=held.slot, release=held.release, verdict=verdict)


def failed(kept: Kept, reason: str) -> Kept:
    """The candidate is given up; what was in force is so again."""
    assert kept.candidate is not None
    held = kept.candidate
    verdict = Verdict(generation=held.generation, release=held.release, state="failed", reason=reason[:40])
    return replace(kept, candidate=None, verdict=verdict)
