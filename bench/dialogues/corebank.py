"""The simulated core bank as a process of its own, for a bench or a test."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

ROOT: Final = Path(__file__).parent.parent.parent
STOP_S: Final = 5.0
ASK_S: Final = 5.0


class CoreBankProcess:
    """Starts `python -m hub.corebank` on a free port of loopback and ends it again."""

    def __init__(self, today: date, seed: int = 1) -> None:
        argv = [sys.executable, "-m", "hub.corebank", "--seed", str(seed), "--today", today.isoformat(),
                "--latency-ms", "0", "--jitter-ms", "0"]  # fmt: skip
        self._process = subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.wait(STOP_S)
            raise RuntimeError("the simulated core bank did not start")
        self.url = str(json.loads(line)["http"])

    def behave(self, **weather: Any) -> None:
        """Delays and failures from now on."""
        self._send("PUT", "/simulation", weather)

    def begin_anew(self) -> None:
        """The customers as they were at the start, and no failures."""
        self._send("POST", "/simulation/reset", {})

    def tally(self) -> dict[str, int]:
        with urllib.request.urlopen(f"{self.url}/simulation", timeout=ASK_S) as answer:  # noqa: S310  # our own, loopback
            return dict(json.load(answer)["tally"])

    def _send(self, method: str, path: str, body: dict[str, Any]) -> None:
        request = urllib.request.Request(  # noqa: S310  # our own, loopback
            self.url + path, json.dumps(body).encode(), {"Content-Type": "application/json"}, method=method
        )
        with urllib.request.urlopen(request, timeout=ASK_S) as answer:  # noqa: S310
            answer.read()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, err: BaseException | None, at: TracebackType | None) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()
