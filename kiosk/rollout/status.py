"""What the core tells the updater: that it lives, since when, how large it is, and whether somebody is there.

A small file that is replaced every two seconds, nothing about who is there. Without it a release on trial counts as not
alive, and one that is in force as idle.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from kiosk.ports import Clock

TOLD_EVERY_S: Final = 2.0
STALE_S: Final = 10.0
STATUS_MOST_BYTES: Final = 1_024
PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """`at_ns`, `since_ns`: the machine's monotonic clock, which its processes share."""

    at_ns: int
    since_ns: int
    pid: int
    rss_bytes: int
    visit: bool
    time_known: bool = False  # the hub has told the time, and this machine's clock agrees with it


def rss_of(pid: int) -> int:
    """Resident bytes of a process; 0: it is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * PAGE_BYTES
    except (OSError, ValueError, IndexError):
        return 0


async def tell_status(
    path: Path, visit: Callable[[], bool], clock: Clock, time_known: Callable[[], bool] = lambda: False
) -> None:
    """Runs until cancelled. A disk that takes nothing is no reason to stop."""
    since_ns = time.monotonic_ns()
    part = path.with_name(path.name + ".part")
    while True:
        said = Status(
            at_ns=time.monotonic_ns(), since_ns=since_ns, pid=os.getpid(), rss_bytes=rss_of(os.getpid()),
            visit=visit(), time_known=time_known(),
        )  # fmt: skip
        try:
            part.write_bytes(msgspec.json.encode(said))
            part.chmod(0o644)  # the updater is another user; nothing about anybody is in it
            part.replace(path)
        except OSError:
            pass  # the next one is two seconds away
        await clock.sleep(TOLD_EVERY_S)


def read_status(path: Path) -> Status | None:
    """The last word, when it is fresh; None: nobody says anything."""
    try:
        with path.open("rb") as file:
            said = msgspec.json.decode(file.read(STATUS_MOST_BYTES), type=Status)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None
    return said if time.monotonic_ns() - said.at_ns < STALE_S * 1e9 else None
