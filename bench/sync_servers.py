"""A broker and a hub as processes that are killed and started again on the same port, folder and database."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
READY_S: Final = 240.0  # a busy machine starts a hub slowly
STOP_S: Final = 10.0


class Server:
    """`python -m …`, which says one line of JSON when it is ready."""

    def __init__(self, *arguments: str) -> None:
        self._arguments = arguments
        self.ready: dict[str, Any] = {}
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Begin, and wait for its line. Raises OSError when that does not come."""
        process = subprocess.Popen(
            [sys.executable, "-m", *self._arguments], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True,
        )  # fmt: skip
        assert process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            line = process.stdout.readline() if selector.select(READY_S) else ""
        self._process = process
        if not line:
            self.kill()
            raise OSError(f"{self._arguments[:2]} did not say that it is ready")
        self.ready = json.loads(line)

    def kill(self) -> None:
        """SIGKILL: of the process and of the program that it started for us, if any."""
        process, child = self._process, self.ready.get("pid")
        self._process = None
        if process is None:
            return
        for pid in [process.pid] if child is None else [process.pid, child]:
            with contextlib.suppress(ProcessLookupError):  # it went with the other
                os.kill(pid, signal.SIGKILL)
        process.wait()
        if process.stdout is not None:
            process.stdout.close()

    def stop(self) -> None:
        """Ask it to end; killed when it does not."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._process = None


def broker(folder: Path) -> Server:
    """Mosquitto with a private configuration, started: its port is in `ready` and stays the same."""
    first = Server("hub", "broker", "--dir", str(folder), "--port", "0", "--engine", "mosquitto")
    first.start()
    port = first.ready["port"]
    first.kill()
    server = Server("hub", "broker", "--dir", str(folder), "--port", str(port), "--engine", "mosquitto")
    server.start()
    return server


def hub(port: int, database: Path) -> Server:
    """The hub on SQLite at `database`, started."""
    server = Server(
        "hub", "serve", "--broker", f"127.0.0.1:{port}", "--database", f"sqlite:///{database}",
        "--http", "127.0.0.1:0",
    )  # fmt: skip
    server.start()
    return server
