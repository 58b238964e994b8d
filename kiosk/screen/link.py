"""The wire to the core: a local stream socket that the core listens on. The screen calls again until it answers."""

from __future__ import annotations

import select
import socket
from pathlib import Path
from typing import Final

from contracts.framing import Framing, FramingError
from contracts.screen import MAX_MESSAGE_BYTES, ToCore, ToScreen

FIRST_RETRY_S: Final = 0.1
LONGEST_RETRY_S: Final = 1.0
UNSENT_LIMIT_BYTES: Final = 256 * 1024
RECEIVE_BYTES: Final = 64 * 1024
READS_A_POLL: Final = 16  # a flood of messages must not stop the drawing


class CoreLink:
    """Never blocks. `lost` counts connections that ended, `dropped` messages that nobody was there to take."""

    def __init__(self, path: Path) -> None:
        self.lost = self.dropped = self.nonsense = 0
        self._path = path
        self._socket: socket.socket | None = None
        self._framing: Framing[ToScreen] = Framing(ToScreen, MAX_MESSAGE_BYTES)
        self._unsent = bytearray()
        self._retry_s = FIRST_RETRY_S
        self._try_at_s = 0.0

    @property
    def connected(self) -> bool:
        return self._socket is not None

    def connect(self, now_s: float) -> bool:
        """Call the core if it is time to; return whether a connection has just come about."""
        if self._socket is not None or now_s < self._try_at_s:
            return False
        candidate = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        candidate.setblocking(False)
        try:
            candidate.connect(str(self._path))
        except OSError:  # nobody listens yet; a full backlog counts as nobody
            candidate.close()
            self._try_at_s = now_s + self._retry_s
            self._retry_s = min(LONGEST_RETRY_S, self._retry_s * 2)
            return False
        self._socket = candidate
        self._framing = Framing(ToScreen, MAX_MESSAGE_BYTES)
        self._unsent.clear()
        self._retry_s = FIRST_RETRY_S
        return True

    @property
    def busy(self) -> bool:
        """Whether something still waits to be sent."""
        return bool(self._unsent)

    def wait(self, timeout_s: float) -> None:
        """Sleep until the core sends something, `timeout_s` at most."""
        readable = [self._socket] if self._socket is not None else []
        writable = readable if self._unsent else []
        select.select(readable, writable, [], max(0.0, timeout_s))

    def receive(self) -> list[ToScreen]:
        """Return the messages that have arrived. Nonsense ends the connection; the next one starts afresh."""
        messages: list[ToScreen] = []
        self._flush()
        for _ in range(READS_A_POLL):
            if self._socket is None:
                break
            try:
                received = self._socket.recv(RECEIVE_BYTES)
                if not received:
                    self._end()
                    break
                messages += self._framing.feed(received)
            except BlockingIOError:
                break
            except FramingError:
                self.nonsense += 1
                self._end()
            except OSError:
                self._end()
        return messages

    def send(self, message: ToCore) -> None:
        """Send now or soon; dropped and counted when nobody is there or the core reads too slowly."""
        if self._socket is None or len(self._unsent) > UNSENT_LIMIT_BYTES:
            self.dropped += 1
            return
        self._unsent += self._framing.encode(message)
        self._flush()

    def _flush(self) -> None:
        while self._unsent and self._socket is not None:
            try:
                sent = self._socket.send(self._unsent)
            except BlockingIOError:
                return
            except OSError:
                self._end()
                return
            del self._unsent[:sent]

    def _end(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
            self.lost += 1
            self._unsent.clear()

    def close(self) -> None:
        self._flush()
        if self._socket is not None:
            self._socket.close()
            self._socket = None
