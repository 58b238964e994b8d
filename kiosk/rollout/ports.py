"""What the updater needs of the world: where releases come from, and the terminal that it switches.

Real ones: MQTT (`over_mqtt.py`), a folder or stick (`over_folder.py`), https (`kiosk/adapters/release_https.py`);
units of systemd, or a child process (`kiosk/adapters/terminal_units.py`, `terminal_child.py`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol

from contracts.release import Chunk
from kiosk.rollout.trial import Look


class SourceLost(OSError):
    """There is nothing to be had from here now. Ask again later; what was kept stays."""


class Source(Protocol):
    """Where a release comes from. Whatever it gives is hostile until it was checked."""

    async def metadata(self, release: str, root: int) -> Mapping[str, bytes]:
        """Signed metadata newer than root version `root`, and the index of `release`. Raises `SourceLost`."""

    def chunks(self, wanted: Sequence[Chunk]) -> AsyncIterator[tuple[Chunk, bytes]]:
        """Each wanted chunk once, as stored, found to be what its name says; in any order.

        Iterating raises `SourceLost` where it cannot go on.
        """


class Terminal(Protocol):
    """The processes that a release is, as far as the updater is concerned."""

    async def restart(self) -> None:
        """Run what the link points to from now on. Raises OSError where that cannot even be tried."""

    async def look(self) -> Look:
        """How it is, now."""

    async def self_test(self, within_s: float) -> tuple[str, ...]:
        """Have what the link points to do its work on recorded visitors; what failed, by codes."""
