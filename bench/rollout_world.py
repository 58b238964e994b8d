"""A published repository and a terminal that takes releases from it: for cutting its power at any step.

The updater is the real one, in a process of its own that is forked from this one (so that hundreds of starts cost no
hundreds of imports) and killed by SIGKILL. The terminal it switches is simulated (`bench/rollout_payload.py`).
"""

from __future__ import annotations

import asyncio
import mmap
import os
import pickle
import shutil
import signal
import struct
import time
import traceback
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import time as day_time
from pathlib import Path
from typing import Final

from bench.rollout_payload import PROGRAM, Behaviour, write_payload
from contracts.release import Chunk, join_manifest, needed, read_index, target_of
from contracts.repository import chunk_path
from hub.release.build import BUILT, build
from hub.release.signing import ONLINE, Keys, Repository, first_root, new_key, now_utc
from kiosk.adapters.terminal_child import ChildTerminal
from kiosk.rollout.disk import Disk, Op
from kiosk.rollout.first import put_first
from kiosk.rollout.over_folder import FolderSource
from kiosk.rollout.records import Kept, Verdict
from kiosk.rollout.slots import OldChunks, Place, check_slot, seal_of
from kiosk.rollout.trial import Look, TrialLimits
from kiosk.rollout.updater import Rules, Update
from kiosk.runtime.clock import SystemClock

OLD: Final = "1.0.0"
NEW: Final = "1.1.0"
LIFE_S: Final = 120.0  # no life of an updater lasts longer, on a machine that does other things too
QUICK: Final = TrialLimits(
    start_s=90, settle_s=0, stay_s=0.08, look_s=0.02, silent_s=60, grown_bytes=24 * 1024**2, test_s=90
)
STEADY: Final = TrialLimits(
    start_s=90, settle_s=0.1, stay_s=6, look_s=0.05, silent_s=60, grown_bytes=24 * 1024**2, test_s=90
)


@dataclass(frozen=True, slots=True)
class World:
    """`repository`: published. `root`: what terminals are installed with. `installed`: one that runs `OLD`."""

    folder: Path
    repository: Path
    root: bytes
    keys: Keys
    installed: Path

    def fresh(self, name: str) -> Path:
        """A new terminal, as installed."""
        place = self.folder / name
        if place.exists():
            shutil.rmtree(place)
        shutil.copytree(self.installed, place, symlinks=True)
        return place

    def needed_bytes(self, release: str) -> int:
        """What a terminal that runs `OLD` must fetch of `release`, manifest included."""
        index = read_index((self.repository / BUILT / release).read_bytes())
        stored = {chunk.sha: (self.repository / chunk_path(chunk.sha)).read_bytes() for chunk in index.manifest}
        manifest = join_manifest(index, stored)
        old = OldChunks(self.installed / "slots" / "a").names
        return sum(chunk.stored for chunk in (*index.manifest, *needed(manifest, old)))


def make_world(folder: Path, releases: Mapping[str, Behaviour], *, seed: int, ballast_bytes: int) -> World:
    """Keys, releases and one installed terminal, all by the real tools."""
    repository = folder / "repository"
    keys = Keys(
        tuple(new_key(folder / "keys" / f"root-{number}.pem") for number in range(3)),
        {role: new_key(folder / "keys" / f"{role}.pem") for role in ONLINE},
    )
    root = first_root(keys, 2, now_utc())
    place = Repository(repository)
    place.begin(root)
    built: dict[str, bytes] = {}
    for version, behaviour in {OLD: "good", **releases}.items():
        source = folder / "sources" / version
        write_payload(
            source, version, behaviour,
            seed=seed, ballast_bytes=ballast_bytes, shared=ballast_bytes // 3,
        )  # fmt: skip
        build({"software": source / "software", "models": source / "models"}, version, repository)
        built[target_of(version)] = (repository / BUILT / version).read_bytes()
    place.publish(keys.online, now_utc(), releases=built)
    installed = folder / "installed"
    install(installed, repository, OLD)
    return World(folder, repository, root, keys, installed)


def install(folder: Path, repository: Path, release: str) -> None:
    """What an installer does: the release in slot a, both links to it, its record."""
    raw = (repository / BUILT / release).read_bytes()
    put_first(folder, raw, release, lambda chunk: (repository / chunk_path(chunk.sha)).read_bytes())


class Shared:
    """A few numbers that outlive a killed process."""

    def __init__(self) -> None:
        self._map = mmap.mmap(-1, 64)

    def add(self, at: int, more: int) -> None:
        struct.pack_into("q", self._map, at * 8, self.get(at) + more)

    def get(self, at: int) -> int:
        return int(struct.unpack_from("q", self._map, at * 8)[0])


FETCHED: Final = 0


class _Counted:
    """The folder's source; what it hands out is counted where a kill cannot reach."""

    def __init__(self, inner: FolderSource, shared: Shared) -> None:
        self._inner, self._shared = inner, shared

    async def metadata(self, release: str, root: int) -> Mapping[str, bytes]:
        return await self._inner.metadata(release, root)

    async def chunks(self, wanted: Sequence[Chunk]) -> AsyncIterator[tuple[Chunk, bytes]]:
        async for chunk, stored in self._inner.chunks(wanted):
            self._shared.add(FETCHED, len(stored))
            yield chunk, stored


class _Watched:
    """The child terminal; what the updater does with it is a step of its own."""

    def __init__(self, inner: ChildTerminal, told: Callable[[Op], None]) -> None:
        self._inner, self._told = inner, told

    async def restart(self) -> None:
        self._told(Op("write", Path("/terminal/restart")))
        await self._inner.restart()

    async def look(self) -> Look:
        look = await self._inner.look()
        if look.alive:
            self._told(Op("write", Path("/terminal/look")))
        return look

    async def self_test(self, within_s: float) -> tuple[str, ...]:
        self._told(Op("write", Path("/terminal/self_test")))
        return await self._inner.self_test(within_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """How one life of the updater ended. `kept`: its record then; `killed`: as planned."""

    killed: bool
    kept: Kept | None
    ops: tuple[Op, ...] = field(default=(), repr=False)
    error: str = ""

    @property
    def verdict(self) -> Verdict | None:
        return self.kept.verdict if self.kept else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What one life of an updater is to do."""

    place: Path
    repository: Path
    root: bytes
    release: str = NEW
    limits: TrialLimits = QUICK
    kill_at: int | None = None  # the step before which it dies
    record: bool = False


def live(order: Order, shared: Shared) -> Life:
    """Fork an updater, let it work until it has decided or was killed."""
    out = order.place.with_name(order.place.name + ".life")
    out.unlink(missing_ok=True)
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            out.write_bytes(pickle.dumps(asyncio.run(_work(order, shared))))
            status = 0
        except BaseException:  # a process's outermost frame: what it died of is the parent's to tell
            out.write_bytes(pickle.dumps(traceback.format_exc()))
        finally:
            os._exit(status)
    status = _reap(pid)
    if os.WIFSIGNALED(status):
        return Life(killed=os.WTERMSIG(status) == signal.SIGKILL and order.kill_at is not None, kept=None)
    found = pickle.loads(out.read_bytes())  # noqa: S301 - written by our own child a moment ago
    if isinstance(found, str):
        return Life(killed=False, kept=None, error=found)
    kept, ops = found
    return Life(killed=False, kept=kept, ops=ops)


def _reap(pid: int) -> int:
    deadline_s = time.monotonic() + LIFE_S
    while time.monotonic() < deadline_s:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return status
        time.sleep(0.002)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    raise OSError(f"an updater did not decide within {LIFE_S:g} s")


async def _work(order: Order, shared: Shared) -> tuple[Kept, tuple[Op, ...]]:
    ops: list[Op] = []
    steps = 0

    def told(op: Op) -> None:
        nonlocal steps
        if order.kill_at is not None and steps == order.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        steps += 1
        if order.record:
            ops.append(op)

    place = Place(order.place)
    child = ChildTerminal(place.link, PROGRAM, alive=order.place.with_name(order.place.name + ".alive"))
    update = Update(
        place, Disk(told), _Counted(FolderSource(order.repository), shared), _Watched(child, told), root=order.root,
        clock=SystemClock(), rules=Rules(begins=day_time(0), ends=day_time.max, quiet_s=0, trial=order.limits),
    )  # fmt: skip
    try:
        update.recover()
        await child.start()
        if update.kept.decided < 1:
            update.wish(order.release, 1)
        while update.kept.decided < 1:
            await update.turn()
        return update.kept, tuple(ops)
    finally:
        child.stop()


def standing(place: Path) -> str:
    """The version that would be started now, its slot read back whole; empty: nothing that could be started."""
    link = Place(place).link
    try:
        check_slot(link)
    except (OSError, ValueError):
        return ""
    index = seal_of(link)
    return index.version if index else ""
