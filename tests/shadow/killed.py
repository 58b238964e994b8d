"""A life of a shadow, ended by SIGKILL at one step of a write after the other; says in JSON lines what was left.

`python -m tests.shadow.killed FOLDER`: for each step a child is forked that lives from an empty disk and kills itself
there; then a terminal is opened on what it left, lives on, and is opened once more.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

from contracts.shadow import ShadowReason
from kiosk.shadow.health import Health
from kiosk.shadow.opening import open_shadow
from kiosk.shadow.records import Baseline
from kiosk.shadow.shadow import Shadow, ShadowPace, Surroundings
from tests.shadow.kit import HERE, PARTS, SITE, desired

VERSIONS: dict[int, dict[str, Any]] = {
    1: {"voice.gain_max_db": 1, "talking.prompt_after_s": 11},
    2: {"voice.gain_max_db": 2, "talking.prompt_after_s": 12, "voice.persona": "xiaohe"},
    3: {"voice.gain_max_db": 3, "talking.prompt_after_s": 13},
}
BAD = 3  # the terminal gets worse with it


class Steps:
    """Counts the steps of the writes, and ends the process at one of them."""

    def __init__(self, fatal: int) -> None:
        self.count, self.fatal, self.last = 0, fatal, ""

    def __call__(self, name: str) -> None:
        self.count += 1
        self.last = name
        if self.count == self.fatal:
            os.kill(os.getpid(), signal.SIGKILL)


class Judge(Health):
    """Says that the terminal is worse while the bad version is in force."""

    shadow: Shadow

    def worse(self, before: Baseline, missing: Any, now_s: float) -> tuple[ShadowReason, ...]:
        return (ShadowReason(why="turns_failed"),) if self.shadow._in_force == BAD else ()


def settled(shadow: Shadow) -> bool:
    """Whether there is nothing to wait for: proved, given up, or waiting for a start."""
    candidate = shadow._kept.candidate
    return shadow._in_force != BAD and (candidate is None or candidate.stage == "waits")


async def live(folder: Path, step: Steps) -> Shadow:
    """Take every version that is not known, one after the other, each until it has proved itself or is given up."""
    shadow = Shadow(open_shadow(folder, SITE, step), ShadowPace(trial_s=0.005, look_s=0.001))
    judge = Judge()
    judge.shadow = shadow

    async def say() -> None:
        pass

    around = Surroundings(lambda: True, lambda: (), judge, {part: lambda _: None for part in PARTS})
    running = asyncio.create_task(shadow.run(around, say))
    for version, settings in VERSIONS.items():
        shadow.hear(HERE, desired(version, settings))
        while shadow._kept.decided < version or not settled(shadow):
            await asyncio.sleep(0.001)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    return shadow


def look(folder: Path) -> dict[str, Any]:
    """What a start finds, without changing anything of it."""
    copy = folder.with_suffix(".copy")
    shutil.rmtree(copy, ignore_errors=True)
    if folder.exists():
        shutil.copytree(folder, copy)
    opened = open_shadow(copy, SITE)
    said = Shadow(opened).report()
    remote = {name: one.value for name, one in said.settings.items() if one.origin == "remote"}
    return {"in_force": said.in_force, "version": said.version, "state": said.state, "remote": remote,
            "decided": opened.kept.decided, "notes": [one.why for one in opened.notes]}  # fmt: skip


def main(root: Path) -> None:
    fatal = 0
    while True:
        fatal += 1
        folder = root / f"{fatal}"
        child = os.fork()
        if not child:
            asyncio.run(live(folder, Steps(fatal)))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            return
        left = look(folder)
        asyncio.run(live(folder, Steps(-1)))
        print(
            json.dumps({"fatal": fatal, "signal": os.WTERMSIG(status), "left": left, "after": look(folder)}), flush=True
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
