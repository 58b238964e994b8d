"""A release from a folder: a USB stick that somebody brought, or the hub's own folder. The same trust as over the line.

Sizes are bounded before anything is read; links and devices on the stick are not followed.
"""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

from contracts.release import Chunk, ReleaseRefused, open_chunk, target_of
from contracts.repository import chunk_path, metadata_for
from kiosk.rollout.ports import SourceLost


def read_bounded(path: Path, most: int) -> bytes:
    """A regular file of at most `most` bytes. Raises OSError."""
    opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(opened, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(f"{path.name} is not a file")
        data = file.read(most + 1)
    if len(data) > most:
        raise OSError(f"{path.name} is larger than {most} bytes")
    return data


class FolderSource:
    """A published repository at `folder`, as `python -m hub.release publish` writes it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.tally_bytes = 0
        self.tally_refused = 0

    async def metadata(self, release: str, root: int) -> Mapping[str, bytes]:
        try:
            return await asyncio.to_thread(metadata_for, self._folder, target_of(release), root, read_bounded)
        except OSError as err:
            raise SourceLost(f"{self._folder}: {err}") from err

    async def chunks(self, wanted: Sequence[Chunk]) -> AsyncIterator[tuple[Chunk, bytes]]:
        for chunk in wanted:
            path = self._folder / chunk_path(chunk.sha)
            try:
                stored = await asyncio.to_thread(read_bounded, path, chunk.stored)
                await asyncio.to_thread(open_chunk, stored, chunk)
            except ReleaseRefused as err:
                self.tally_refused += 1
                raise SourceLost(str(err)) from err
            except OSError as err:
                raise SourceLost(f"{path.name[:12]}: {err.strerror or err}") from err
            self.tally_bytes += len(stored)
            yield chunk, stored
