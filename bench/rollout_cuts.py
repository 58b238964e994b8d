"""The power cut at every recorded step of an update: killed processes, and disks without what was not synced.

After each cut: would the terminal start, and what (`bricked`, `wrong_version`); then the updater starts again and is
left alone: does it get there (`resumed_share`), and what did it fetch (`fetched_over_needed`).
"""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bench.rollout_replay import RecordedDisk
from bench.rollout_world import FETCHED, NEW, OLD, Life, Order, Shared, World, live, standing
from kiosk.rollout.disk import Disk, Op
from kiosk.rollout.records import Kept
from kiosk.rollout.slots import Place, seal_of
from kiosk.runtime.sealed import Damaged

PHASES: Final = ("download", "verify", "assemble", "switch", "trial", "commit")
FAULTS_SHOWN: Final = 10


@dataclass(slots=True)
class Cuts:
    """What the cuts came to."""

    killed: int = 0
    replayed: int = 0
    torn: int = 0
    bricked: int = 0
    wrong_version: int = 0
    resumed: int = 0
    too_late: int = 0  # it was done before that step; no cut
    fetched_bytes: int = 0
    needed_bytes: int = 0
    phases: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    @property
    def all(self) -> int:
        return self.killed + self.replayed + self.torn

    def fault(self, what: str, where: str) -> None:
        if len(self.faults) < FAULTS_SHOWN:
            self.faults.append(f"{where}: {what}")

    def as_dict(self) -> dict[str, Any]:
        return {
            "cuts": self.all,
            "killed": self.killed,
            "replayed": self.replayed,
            "torn": self.torn,
            "too_late": self.too_late,
            "phases": dict(self.phases),
            "bricked": self.bricked,
            "wrong_version": self.wrong_version,
            "resumed_share": round(self.resumed / max(1, self.all), 6),
            "fetched_over_needed": round(self.fetched_bytes / max(1, self.needed_bytes), 4),
            "faults": self.faults,
        }


def record(world: World, shared: Shared) -> tuple[tuple[Op, ...], Path]:
    """One update without a cut, every write of it. Raises OSError where it does not get there."""
    place = world.fresh("recorded")
    before = world.folder / "before"
    if before.exists():
        shutil.rmtree(before)
    shutil.copytree(place, before, symlinks=True)
    life = live(Order(place=place, repository=world.repository, root=world.root, record=True), shared)
    if life.kept is None or life.kept.release != NEW or standing(place) != NEW:
        raise OSError(f"the update does not even work without a cut: {life.error or life.kept}")
    return life.ops, before


def phases_of(ops: Sequence[Op]) -> tuple[str, ...]:
    """Which part of the update each step belongs to."""
    found: list[str] = []
    tested = False
    for op in ops:
        name = str(op.path)
        if "/terminal/" in name:
            tested |= name.endswith("self_test")
            found.append("trial")
        elif tested:
            found.append("commit" if "look" not in name else "trial")
        elif "/chunks" in name:
            found.append("download")
        elif "trust.json" in name:
            found.append("verify")
        elif "/slots" in name:
            found.append("assemble")
        else:
            found.append("switch" if "current" in name or "record.json" in name else "verify")
    return tuple(found)


def cut_all(world: World, *, every: int, torn: int, seed: int, shared: Shared) -> dict[str, Any]:
    """SIGKILL before each `every`-th step, a replay cut before each, `torn` more with some of the unsynced there."""
    ops, before = record(world, shared)
    phases, needed = phases_of(ops), world.needed_bytes(NEW)
    cuts = Cuts()
    for step in range(0, len(ops), every):
        place = world.fresh("killed")
        fetched = shared.get(FETCHED)
        life = live(Order(place=place, repository=world.repository, root=world.root, kill_at=step), shared)
        if life.kept is not None:
            cuts.too_late += 1  # a trial looks once more or less, as time goes: this one had no such step
            continue
        if not life.killed:
            cuts.fault(life.error or "died of something else", f"kill {step}")
        cuts.killed += 1
        cuts.phases[phases[step]] += 1
        _after(world, place, f"kill {step} ({phases[step]} {ops[step].kind} {ops[step].path.name})", cuts, shared)
        cuts.fetched_bytes += shared.get(FETCHED) - fetched
        cuts.needed_bytes += needed
    for step, place, is_torn in _replays(world, ops, before, every=every, torn=torn, seed=seed):
        cuts.torn += is_torn
        cuts.replayed += not is_torn
        cuts.phases[phases[step]] += 1
        _after(world, place, f"{'torn' if is_torn else 'replay'} {step} ({phases[step]})", cuts, shared)
    return {"steps": len(ops), **cuts.as_dict()}


def _replays(
    world: World, ops: Sequence[Op], before: Path, *, every: int, torn: int, seed: int
) -> Iterator[tuple[int, Path, bool]]:
    recorded = world.folder / "recorded"
    chance = random.Random(seed)
    also = Counter(chance.randrange(len(ops)) for _ in range(torn))
    disk = RecordedDisk(before, recorded)
    for step, op in enumerate(ops):
        plain = [None] if step % every == 0 else []
        for which in (*plain, *(random.Random(f"{seed}-{step}-{n}") for n in range(also[step]))):
            place = world.folder / "replayed"
            if place.exists():
                shutil.rmtree(place)
            disk.lay_out(place, which)
            yield step, place, which is not None
        disk.apply(op)


def _after(world: World, place: Path, where: str, cuts: Cuts, shared: Shared) -> None:
    """What stands there, and whether it gets on by itself."""
    version = standing(place)
    if not version:
        cuts.bricked += 1
        cuts.fault("nothing there that could be started", where)
    elif version not in _may_stand(place):
        cuts.wrong_version += 1
        cuts.fault(f"{version} stands where {_may_stand(place)} may", where)
    life = live(Order(place=place, repository=world.repository, root=world.root), shared)
    after = standing(place)
    if not after or life.error:
        cuts.bricked += 1
        cuts.fault(life.error or "nothing that could be started, after it went on", where)
    elif not _arrived(life) or after != NEW or _proved(place) != NEW:
        cuts.wrong_version += after != NEW
        cuts.fault(f"ended with {after}, {life.kept}", where)
    else:
        cuts.resumed += 1


def _may_stand(place: Path) -> set[str]:
    """A new release may be started only where the record says that it is tried or has proved itself."""
    try:
        kept = Disk.read(Place(place).record, Kept)
    except Damaged:
        return set()
    if kept is None:
        return set()
    candidate = kept.candidate
    if candidate is not None and candidate.stage == "trial":
        return {OLD, NEW}  # the record comes first, then the link
    return {kept.release, OLD if kept.verdict is None or kept.verdict.state == "failed" else NEW}


def _proved(place: Path) -> str:
    """What the updater itself would be started from."""
    index = seal_of(Place(place).proved)
    return index.version if index else ""


def _arrived(life: Life) -> bool:
    return life.kept is not None and life.kept.release == NEW and life.kept.candidate is None
