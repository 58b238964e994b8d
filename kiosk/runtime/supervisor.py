"""A small parent: starts the terminal's processes, restarts one that died, ends them all in reverse order.

Under systemd the units do this; the demo, `make run` and the tests use this one. No child outlives its parent: the
kernel ends it when the parent dies.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import logging
import os
import signal
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections import deque
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")
STOP_S: Final = 1.8  # a child that has not ended by then is killed
STAGGER_S: Final = 0.1
BUDGET: Final = 5  # restarts …
BUDGET_S: Final = 60.0  # … within this time; then it stays down and the parent says so
PAUSE_S: Final = 0.5
READY_S: Final = 30.0
FOLLOW_S: Final = 0.1
PR_SET_PDEATHSIG: Final = 1
# glibc's allocator (mallopt(3)). Left alone it raises the size from which a block has pages of its own to whatever was
# freed last, up to 32 MB, so that pictures and sound come to lie between small objects that live for ever: with full
# caches the screen's heap still rose (45 MB of holes after 3,000 pictures; 2 MB so). A fixed size stops that, and two
# arenas instead of sixteen keep thirty threads from spreading. At 256 KiB Whisper took 14 % longer, whose steps make
# arrays of that size; at 512 KiB no longer than before. The screen's pieces of a face are 29 to 78 KB and come and go:
# with 24 KiB they have pages of their own, its heap stays at 30 MB instead of rising beyond 80, and a picture takes as
# long. No huge pages: what is given back between two pieces in use, the kernel's khugepaged takes again to make a whole
# one (the core rose by 9 MB in its first quarter of an hour that way); Kokoro, whose memory comes and goes with each
# sentence, takes up to 3 % longer without them (110,000 faults instead of 8,000 for fifteen sentences).
# systemd's units say the same.
ALLOCATOR: Final[Mapping[str, str]] = {
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_MMAP_THRESHOLD_": str(512 * 1024),
    "MALLOC_TRIM_THRESHOLD_": str(8 * 1024 * 1024),
}
# The core alone goes through jemalloc (Evans 2006; Debian's libjemalloc2, BSD): thirty threads that allocate at once
# left glibc's heaps a little higher each quarter of an hour, whatever was given back; jemalloc fills the lowest holes
# first and returns pages after a second. One arena packs them closest and cost no time. Where the library is missing
# the loader says so and glibc does it, by the sizes above. numpy asks for huge pages of its own accord.
CORE_ALLOCATOR: Final[Mapping[str, str]] = {
    **ALLOCATOR,
    "LD_PRELOAD": "libjemalloc.so.2",
    "MALLOC_CONF": "narenas:1,background_thread:true,dirty_decay_ms:1000,muzzy_decay_ms:0,tcache_max:4096,thp:never",
    "NUMPY_MADVISE_HUGEPAGE": "0",
}
SCREEN_ALLOCATOR: Final[Mapping[str, str]] = {
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_MMAP_THRESHOLD_": str(24 * 1024),
    "MALLOC_TRIM_THRESHOLD_": str(8 * 1024 * 1024),
}
ROOT: Final = Path(__file__).resolve().parents[2]


class ChildFailed(RuntimeError):
    """A process did not start or died too often; the message names it and where its log is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """One process of ours. `restart` False: its end is the end of the whole."""

    name: str
    argv: Sequence[str]
    log: Path
    restart: bool = True
    ready_line: bool = False  # it prints one JSON object on stdout when it serves
    env: Mapping[str, str] = field(default_factory=dict)
    allocator: Mapping[str, str] = field(
        default_factory=lambda: ALLOCATOR
    )  # what the operator sets himself goes before


class Stopped(Exception):
    """A signal came before the work was done."""


async def unless(stop: asyncio.Event, work: Coroutine[Any, Any, T]) -> T:
    """What `work` returns; it is given up at once when `stop` is set, also while a process is still starting.

    Raises `Stopped` then.
    """
    doing, stopped = asyncio.create_task(work), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({doing, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if not doing.done():
            raise Stopped
        return doing.result()
    finally:
        stopped.cancel()
        doing.cancel()
        await asyncio.gather(doing, stopped, return_exceptions=True)


def module(name: str, *args: str) -> list[str]:
    """The command line of one of our modules, under this interpreter."""
    return [sys.executable, "-m", name, *args]


class Supervisor:
    def __init__(self) -> None:
        self._running: list[tuple[Child, Process]] = []
        self._watchers: list[asyncio.Task[None]] = []
        self._stopping = False
        self._pinned: dict[str, Sequence[str]] = {}
        self._again: set[str] = set()  # ended because somebody asked for it
        self.ended: asyncio.Queue[tuple[str, int]] = asyncio.Queue(maxsize=64)
        self.tally_restarts = self.tally_asked = 0

    async def start(self, child: Child) -> dict[str, object]:
        """Start it and keep it running. Returns its ready line, if it has one. Raises `ChildFailed`."""
        process = await self._spawn(child)
        ready = await self._ready(child, process) if child.ready_line else {}
        self._watchers.append(asyncio.create_task(self._watch(child, process), name=f"watch-{child.name}"))
        return ready

    def pin(self, name: str, argv: Sequence[str]) -> None:
        """Restart it with this command line from now on: the port it chose stays its port."""
        self._pinned[name] = argv

    def pid(self, name: str) -> int:
        """Process id of a running child."""
        return next(process.pid for child, process in self._running if child.name == name)

    async def follow(self, folder: Path) -> None:
        """Restart whichever child a file of its name in `folder` asks for; what path units do under systemd. Runs until
        cancelled."""
        while True:
            await asyncio.sleep(FOLLOW_S)
            for child, process in list(self._running):
                if not (folder / child.name).exists():
                    continue
                (folder / child.name).unlink(missing_ok=True)
                self._again.add(child.name)
                with suppress(ProcessLookupError):
                    process.terminate()
                await _ended(process)

    async def _spawn(self, child: Child) -> Process:
        child.log.parent.mkdir(parents=True, exist_ok=True)
        with child.log.open("ab") as journal:
            process = await asyncio.create_subprocess_exec(
                *self._pinned.get(child.name, child.argv),
                stdin=DEVNULL,
                stdout=PIPE if child.ready_line else journal,
                stderr=journal,
                cwd=ROOT,
                env={**child.allocator, **os.environ, "ORT_DISABLE_TELEMETRY": "1", **child.env},
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )
        self._running.append((child, process))
        return process

    async def _ready(self, child: Child, process: Process) -> dict[str, object]:
        assert process.stdout is not None
        try:
            async with asyncio.timeout(READY_S):
                found = json.loads(await process.stdout.readline())
        except (TimeoutError, ValueError) as err:
            raise ChildFailed(f"{child.name} did not come up; its log: {child.log}") from err
        return dict(found)

    async def _watch(self, child: Child, process: Process) -> None:
        deaths: deque[float] = deque(maxlen=BUDGET)
        while True:
            status = await process.wait()
            self._running = [(c, p) for c, p in self._running if p is not process]
            if self._stopping:
                return
            if child.name in self._again:
                self._again.discard(child.name)
                self.tally_asked += 1
                process = await self._spawn(child)
                continue
            log.warning("%s ended with status %s", child.name, status)
            deaths.append(time.monotonic())
            worn_out = len(deaths) == BUDGET and deaths[-1] - deaths[0] < BUDGET_S
            if not child.restart or status == 0 or worn_out:
                self.ended.put_nowait((child.name, status))
                return
            self.tally_restarts += 1
            await asyncio.sleep(PAUSE_S)
            process = await self._spawn(child)
            if child.ready_line:
                with suppress(ChildFailed):
                    await self._ready(child, process)

    async def stop(self) -> None:
        """Tell all to end, last started first, and end those that do not within `STOP_S`."""
        self._stopping = True
        processes = [process for _, process in reversed(self._running)]
        for process in processes:
            with suppress(ProcessLookupError):
                process.terminate()
            await asyncio.sleep(STAGGER_S)  # the terminal says goodbye while the broker still listens
        await asyncio.gather(*(_ended(process) for process in processes))
        for watcher in self._watchers:
            watcher.cancel()


async def _ended(process: Process) -> None:
    try:
        async with asyncio.timeout(STOP_S):
            await process.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def _die_with_parent() -> None:
    """In the child, before it runs: be ended by the kernel when the parent dies."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6", use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
