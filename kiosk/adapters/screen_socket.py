"""The screen process, reached over a local socket. One screen at a time; it may die and come back.

The newest snapshot is all that a returning screen needs, so nothing is queued for one that is away.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from contracts.screen import MAX_MESSAGE_BYTES, ScreenState, SpeechPlan, ToCore, ToScreen
from kiosk.adapters.peer_socket import PeerSocket

PLANS_KEPT: Final = 8
BACKLOG_BYTES: Final = 4 * 1024 * 1024


class SocketScreen(PeerSocket[ToCore]):
    """`tally_dropped_sends`: sent while nobody was there."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            path, ToCore, most_bytes=MAX_MESSAGE_BYTES, backlog_bytes=BACKLOG_BYTES, first=self._what_it_needs
        )
        self._state: ScreenState | None = None
        self._plans: list[SpeechPlan] = []
        self.tally_dropped_sends = 0

    def _what_it_needs(self) -> Iterator[msgspec.Struct]:
        if self._state is not None:
            yield self._state
        yield from self._plans

    def send(self, message: ToScreen) -> None:
        """Hand a message over, where a screen is there; a snapshot is kept for the next that comes."""
        if isinstance(message, ScreenState):
            self._state = message
        elif isinstance(message, SpeechPlan):
            if self._plans and self._plans[-1].utterance != message.utterance:
                self._plans.clear()
            self._plans = [*self._plans, message][-PLANS_KEPT:]
        if not self.connected:
            self.tally_dropped_sends += 1
            return
        self.write(message)

    def forget(self) -> None:
        """Keep no mouth shapes for a screen that comes back: they spell what was said to a visitor."""
        self._plans.clear()
