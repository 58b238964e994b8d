"""The terminal as units of systemd. The updater has no right over them: it replaces a file, and a path unit that
watches it restarts them (`systemd/yingbin-switch.path`). How they are is read from what the core says.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from kiosk.rollout.status import read_status
from kiosk.rollout.trial import Look

TEST_OUTPUT_BYTES: Final = 64 * 1024
CODES_MOST: Final = 20


class UnitTerminal:
    """`asked`: the watched file. `status`: the core's. `python`: of the release that the link points to."""

    def __init__(self, link: Path, asked: Path, status: Path, *, python: str, options: Sequence[str] = ()) -> None:
        self._link, self._asked, self._status = link, asked, status
        self._python, self._options = python, list(options)
        self._restarted_ns = 0
        self._pids: set[int] = set()

    async def restart(self) -> None:
        self._restarted_ns = time.monotonic_ns()
        self._pids.clear()
        part = self._asked.with_name(self._asked.name + ".part")
        part.write_text(uuid.uuid4().hex + "\n", "ascii")
        part.replace(self._asked)

    async def look(self) -> Look:
        said = read_status(self._status)
        if said is None or said.since_ns < self._restarted_ns:
            return Look(alive=False, starts=max(0, len(self._pids) - 1))
        self._pids.add(said.pid)
        return Look(alive=True, starts=len(self._pids) - 1, rss_bytes=said.rss_bytes, visit=said.visit)

    async def self_test(self, within_s: float) -> tuple[str, ...]:
        software = self._link / "software"
        argv = [str(software / self._python), "-m", "kiosk.rollout.self_test", *self._options]
        return await run_self_test(argv, software, within_s, slot=self._link)


async def run_self_test(argv: Sequence[str], folder: Path, within_s: float, *, slot: Path) -> tuple[str, ...]:
    """Run a program that prints `{"failed": [...]}`; its codes. Raises OSError where it cannot be started.

    With the models of `slot`, if any. It is ended when its time is over, or ours.
    """
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "YINGBIN_MODELS": str(slot)}
    process = await asyncio.create_subprocess_exec(
        *argv, cwd=folder, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL, limit=TEST_OUTPUT_BYTES, env=environment,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        async with asyncio.timeout(within_s):
            line = await process.stdout.readline()
            await process.wait()
    except (TimeoutError, ValueError):
        return ("took_too_long",)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return _codes(line)


def _codes(line: bytes) -> tuple[str, ...]:
    try:
        said: Any = json.loads(line)
        failed = [str(code) for code in said["failed"]][:CODES_MOST]
    except (ValueError, KeyError, TypeError):
        return ("said_nothing",)
    return tuple("".join(sign for sign in code if sign.isalnum() or sign == "_")[:30] for code in failed)
