"""The terminal as one child process of the updater, where there is no systemd: tests, the bench, a developer's machine.

It is started again when it ends, as a supervisor would, and goes when the updater goes.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from kiosk.adapters.terminal_units import run_self_test
from kiosk.rollout.status import rss_of
from kiosk.rollout.trial import Look

STOP_S: Final = 3.0
PR_SET_PDEATHSIG: Final = 1
_LIBC: Final = ctypes.CDLL(None)


class ChildTerminal:
    """Runs `program` below the link with this Python. `alive`: the file that it touches once it works; removed before
    each start."""

    def __init__(self, link: Path, program: str, *, alive: Path, options: Sequence[str] = ()) -> None:
        self._link, self._program, self._alive = link, program, alive
        self._options = list(options)
        self._child: subprocess.Popen[bytes] | None = None
        self._starts = 0

    async def restart(self) -> None:
        await asyncio.to_thread(self.stop)
        self._starts = 0
        await self.start()

    async def start(self) -> None:
        """Raises OSError."""
        self._alive.unlink(missing_ok=True)
        self._child = subprocess.Popen(  # noqa: ASYNC220 - in this thread, whose end is to end the child
            self._argv("--alive", str(self._alive)), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, preexec_fn=_die_with_parent,
        )  # fmt: skip

    async def look(self) -> Look:
        child = self._child
        if child is not None and child.poll() is not None:
            self._starts += 1
            await self.start()
            child = self._child
        if child is None:
            return Look(alive=False)
        return Look(alive=self._alive.exists(), starts=self._starts, rss_bytes=rss_of(child.pid))

    async def self_test(self, within_s: float) -> tuple[str, ...]:
        return await run_self_test(self._argv("--self-test"), self._link, within_s, slot=self._link)

    def stop(self) -> None:
        """End it; killed when it does not."""
        child, self._child = self._child, None
        if child is None:
            return
        child.terminate()
        try:
            child.wait(STOP_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()

    def _argv(self, *more: str) -> list[str]:
        return [sys.executable, "-S", "-E", "-B", str(self._link / self._program), *self._options, *more]


def _die_with_parent() -> None:
    """Between fork and exec: only what is safe there. `_LIBC` was loaded before."""
    _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.setpgid(0, 0)
