"""Ctrl-C and SIGTERM at any moment: a clean end within three seconds, nothing left running, no half-written file."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parents[2]


def mine(mark: str) -> list[int]:
    """Processes whose command line or environment carries `mark`."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            if mark.encode() in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def running(mark: str, part: bytes) -> list[int]:
    """Those of them whose command line has `part`; one that ended meanwhile is none."""
    found = []
    for pid in mine(mark):
        with contextlib.suppress(OSError):
            if part in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
    return found


def until(what: Callable[[], bool], within_s: float, why: str) -> None:
    deadline = time.monotonic() + within_s
    while not what():
        assert time.monotonic() < deadline, why
        time.sleep(0.2)


@pytest.mark.parametrize(
    ("number", "after_s"), [(signal.SIGINT, 1.0), (signal.SIGTERM, 6.0), (signal.SIGINT, 14.0)],
    ids=["Ctrl-C while starting", "SIGTERM while the visitor walks up", "Ctrl-C in mid-conversation"],
)  # fmt: skip
def test_the_demo_ends_within_three_seconds_and_leaves_nothing(tmp_path: Path, number: int, after_s: float) -> None:
    mark = f"YINGBIN_TEST_MARK={tmp_path.name}-{after_s}"
    name, value = mark.split("=")
    # as from a person's terminal: a shell that runs the tests in the background ignores Ctrl-C for all that it starts
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    demo = subprocess.Popen(
        [sys.executable, "-m", "kiosk", "demo", "--headless", "--out", str(tmp_path / "out")],
        cwd=ROOT,
        env={**os.environ, name: value},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    signal.signal(signal.SIGINT, before)
    time.sleep(after_s)
    assert demo.poll() is None, "it ended before it was told to"
    began = time.monotonic()
    demo.send_signal(number)
    demo.wait(10)
    took_s = time.monotonic() - began
    assert took_s <= 3.0
    time.sleep(0.2)
    assert mine(mark) == []
    halves = [path for path in (tmp_path / "out").rglob("*") if ".part" in path.name]
    assert halves == []


def test_the_terminal_brings_back_what_was_killed_and_ends_within_three_seconds_when_told(tmp_path: Path) -> None:
    mark = f"YINGBIN_TEST_MARK={tmp_path.name}-live"
    name, value = mark.split("=")
    site = (ROOT / "config/sites/qinghe-binjiang.toml").read_text("utf-8") + "\n[hub]\nport = 18931\n"
    (tmp_path / "site.toml").write_text(site, "utf-8")
    live = subprocess.Popen(
        [sys.executable, "-m", "kiosk", "run", "--headless", "--state", str(tmp_path / "state"), "--site",
         str(tmp_path / "site.toml")],
        cwd=ROOT,
        env={**os.environ, name: value},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip
    parts = (b"kiosk\0core", b"kiosk.screen")
    until(lambda: all(running(mark, part) for part in parts), 60, "the terminal did not start")
    assert live.poll() is None
    assert len(mine(mark)) >= 5  # parent, broker and its child, hub, core, screen
    killed = [running(mark, part)[0] for part in parts]
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    until(lambda: all(set(running(mark, part)) - set(killed) for part in parts), 7, "what was killed did not come back")
    began = time.monotonic()
    live.send_signal(signal.SIGTERM)
    _, said = live.communicate(timeout=10)
    assert time.monotonic() - began <= 3.0, said
    assert live.returncode == 0, said
    time.sleep(0.2)
    assert mine(mark) == []
