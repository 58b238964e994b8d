"""A core for tests: listens on a socket, starts the real screen, sends it messages and keeps what comes back."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from contracts.framing import Framing
from contracts.screen import MAX_MESSAGE_BYTES, ToCore

M = TypeVar("M")
ROOT = Path(__file__).resolve().parents[2]


class StandInCore:
    """Accepts one screen at a time. `received` holds every message in order."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.received: list[object] = []
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen(1)
        self._peer: socket.socket | None = None
        self._framing: Framing[ToCore] = Framing(ToCore, MAX_MESSAGE_BYTES)

    def accept(self, timeout_s: float = 20.0) -> None:
        self._listener.settimeout(timeout_s)
        self._peer, _ = self._listener.accept()
        self._peer.settimeout(5.0)
        self._framing = Framing(ToCore, MAX_MESSAGE_BYTES)

    def send(self, message: object) -> None:
        self.send_bytes(self._framing.encode(message))

    def send_bytes(self, raw: bytes) -> None:
        assert self._peer is not None
        self._peer.sendall(raw)

    def pump(self, timeout_s: float) -> bool:
        """Read what has come; return False when the screen has hung up."""
        assert self._peer is not None
        if select.select([self._peer], [], [], timeout_s)[0]:
            received = self._peer.recv(65536)
            if not received:
                return False
            self.received += self._framing.feed(received)
        return True

    def until(self, kind: type[M], where: Callable[[M], bool] = lambda _: True, timeout_s: float = 10.0) -> M:
        """Return the first message of `kind` that satisfies `where`, waiting for it; fail after `timeout_s`."""
        deadline = time.monotonic() + timeout_s
        seen = 0
        while time.monotonic() < deadline:
            for message in self.received[seen:]:
                if isinstance(message, kind) and where(message):
                    return message
            seen = len(self.received)
            if not self.pump(0.05):
                break
        raise AssertionError(f"no {kind.__name__} came; got {[type(m).__name__ for m in self.received][-20:]}")

    def hang_up(self) -> None:
        if self._peer is not None:
            self._peer.close()
            self._peer = None

    def close(self) -> None:
        self.hang_up()
        self._listener.close()
        self.path.unlink(missing_ok=True)


def start_screen(path: Path, *arguments: str, display: str | None = None) -> subprocess.Popen[bytes]:
    """Start the real screen process: in a window on `display`, else in memory."""
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER")}
    if display is not None:
        environment["DISPLAY"] = display
    else:
        arguments = (*arguments, "--headless")
    command = [sys.executable, "-m", "kiosk.screen", "--socket", str(path), *arguments]
    return subprocess.Popen(command, cwd=ROOT, env=environment)


def stop_screen(process: subprocess.Popen[bytes], timeout_s: float = 5.0) -> int:
    """Ask the screen to go as an operator would; return its exit status."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        return process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise
