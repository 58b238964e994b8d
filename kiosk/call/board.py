"""Pictures that two processes of one terminal share: bounded memory, the newest wins, nobody waits.

The memory has no name in any file system and never touches a disk: the process that makes it keeps it open, the other
one opens it through `/proc`. When both let go it is gone. Three places are written in turn, so a reader has the time of
two pictures to copy one; a copy that was overtaken is noticed and taken anew.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

Planes = npt.NDArray[np.uint8]
PLACES: Final = 3
MOST_PIXELS: Final = 1280 * 960
HEAD: Final = struct.Struct("<Q")  # number of the newest picture, 0: none yet
PLACE: Final = struct.Struct("<QQqII")  # number before and after writing, when it was taken, width, height
HEAD_BYTES: Final = 64
PLACE_BYTES: Final = 64 + MOST_PIXELS * 3 // 2
BOARD_BYTES: Final = HEAD_BYTES + PLACES * PLACE_BYTES
TRIES: Final = 3


class BoardGone(OSError):
    """The memory cannot be opened: the process that made it has ended, or it is none of ours."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture of a board: (height * 3 / 2, width) uint8, planes Y, U, V; taken at `at_ns` (monotonic)."""

    number: int
    planes: Planes
    at_ns: int


class Board:
    """Make one with `make`, open another process's with `open`. One writer, any readers.

    `tally_torn`: copies that were overtaken each time they were tried.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._memory = mmap.mmap(descriptor, BOARD_BYTES)
        self._number = self.newest
        self.tally_torn = 0

    @classmethod
    def make(cls) -> Board:
        """New memory, read and written by this machine's same user only."""
        descriptor = os.memfd_create("yingbin-pictures", os.MFD_CLOEXEC)
        os.ftruncate(descriptor, BOARD_BYTES)
        return cls(descriptor)

    @classmethod
    def open(cls, address: str) -> Board:
        """The memory that another process calls `address`. Raises `BoardGone`."""
        try:
            descriptor = os.open(address, os.O_RDWR | os.O_CLOEXEC)
        except OSError as err:
            raise BoardGone(f"no pictures at {address}: {err.strerror}") from err
        if os.fstat(descriptor).st_size != BOARD_BYTES or not address.startswith("/proc/"):
            os.close(descriptor)
            raise BoardGone(f"{address} is no board")
        return cls(descriptor)

    @property
    def address(self) -> str:
        """What the other process opens, for as long as this one keeps it."""
        return f"/proc/{os.getpid()}/fd/{self._descriptor}"

    @property
    def newest(self) -> int:
        """The number of the newest picture; 0: there is none."""
        return int(HEAD.unpack_from(self._memory, 0)[0])

    def put(self, planes: Planes, at_ns: int) -> int:
        """Show (height * 3 / 2, width) uint8; returns its number. Raises ValueError for another shape or too large."""
        rows, width = planes.shape
        height = rows * 2 // 3
        if rows % 3 or width % 2 or height % 2 or width * height > MOST_PIXELS:
            raise ValueError(f"planes of {planes.shape} are no picture of at most {MOST_PIXELS} pixels")
        self._number += 1
        start = HEAD_BYTES + (self._number % PLACES) * PLACE_BYTES
        PLACE.pack_into(self._memory, start, self._number, 0, at_ns, width, height)
        np.frombuffer(self._memory, np.uint8, rows * width, start + 64)[:] = planes.reshape(-1)
        PLACE.pack_into(self._memory, start, self._number, self._number, at_ns, width, height)
        HEAD.pack_into(self._memory, 0, self._number)
        return self._number

    def after(self, number: int) -> Shown | None:
        """The newest picture when it is newer than `number`; a copy."""
        for _ in range(TRIES):
            newest = self.newest
            if newest == 0 or newest <= number:
                return None
            start = HEAD_BYTES + (newest % PLACES) * PLACE_BYTES
            before, after, at_ns, width, height = PLACE.unpack_from(self._memory, start)
            if before != newest or after != newest or not 0 < width * height <= MOST_PIXELS:
                continue
            planes = np.frombuffer(self._memory, np.uint8, width * height * 3 // 2, start + 64).copy()
            if bool(PLACE.unpack_from(self._memory, start)[0] == newest):
                return Shown(newest, planes.reshape(height * 3 // 2, width), at_ns)
        self.tally_torn += 1
        return None

    def wipe(self) -> None:
        """Leave nothing of anybody's face in memory."""
        np.frombuffer(self._memory, np.uint8)[:] = 0
        self._number = 0

    def close(self) -> None:
        self._memory.close()
        os.close(self._descriptor)


def boards_of(pid: int) -> list[Path]:
    """The boards that a process holds open; for tests that look for what was left behind."""
    found = []
    for path in list(Path(f"/proc/{pid}/fd").iterdir()):
        with contextlib.suppress(FileNotFoundError):  # the listing's own, closed since
            if "yingbin-pictures" in str(path.readlink()):
                found.append(path)
    return found
