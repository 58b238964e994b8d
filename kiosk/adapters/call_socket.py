"""The call process, reached over a local socket. One at a time; it may die and come back, the call then begins anew."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from contracts import media
from kiosk.adapters.peer_socket import PeerSocket

LATE_BYTES: Final = 32 * 1024  # 0.7 s of sound not yet read: more of it would only be late
BACKLOG_BYTES: Final = 1024 * 1024


class SocketCall(PeerSocket[media.FromCall]):
    """`tally_late`: sound and pictures not handed over because the process was busy."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, media.FromCall, most_bytes=media.MAX_MESSAGE_BYTES, backlog_bytes=BACKLOG_BYTES)
        self.tally_late = 0

    def send(self, message: media.ToCall) -> bool:
        """Hand a message over without waiting. False: nobody is there, or it would be too late."""
        if isinstance(message, media.Heard | media.Seen) and self.waiting_bytes > LATE_BYTES:
            self.tally_late += 1
            return False
        return self.write(message)
