"""The two sessions of a terminal, as they are installed: Xorg with our rules, and one compositor for one program.

The display is one in memory (Xorg's dummy driver, wlroots' headless backend); commands, rules and the screen are real.
Of the compositor it is seen that it starts, gives the screen its whole output and takes its pictures.
"""

from __future__ import annotations

import os
import re
import select
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageGrab
from screen_stand_in import ROOT, StandInCore

from bench.page_samples import conversation
from contracts.screen import Drawn, Ready

pytestmark = pytest.mark.contract

UNITS = ROOT / "systemd"
DUMMY = """Section "Device"
    Identifier "memory"
    Driver "dummy"
    VideoRam 64000
EndSection
Section "Screen"
    Identifier "memory"
    Device "memory"
    DefaultDepth 24
    SubSection "Display"
        Modes "1024x768"
    EndSubSection
EndSection
"""


def command_of(unit: str) -> list[str]:
    """The last ExecStart of a unit."""
    return shlex.split(re.findall(r"^ExecStart=(.+)$", (UNITS / unit).read_text("utf-8"), re.MULTILINE)[-1])


def screen_of(command: list[str], socket: Path) -> list[str]:
    """The unit's own words for the screen, with this checkout's Python and the test's socket."""
    said = command[command.index("-m") :]
    said[said.index("--socket") + 1] = str(socket)
    return [sys.executable, *said]


def ended(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture
def core(tmp_path: Path) -> Iterator[StandInCore]:
    made = StandInCore(tmp_path / "screen.sock")
    yield made
    made.close()


def drawn(core: StandInCore) -> None:
    """A page is asked for, and is on the glass."""
    core.accept(40.0)
    core.until(Ready)
    core.send(conversation("zh"))
    core.until(Drawn, timeout_s=20.0)
    time.sleep(1.0)  # some more pictures


def is_hers(picture: Image.Image) -> bool:
    """Whether a page of hers fills the glass: many colours, right into the corners' neighbourhood."""
    pixels = np.asarray(picture.convert("RGB"), np.int16)
    black_edge = max(int((pixels[:, x].max(axis=-1) < 8).mean() > 0.9) for x in (2, -3))
    return len(np.unique(pixels[::8, ::8].reshape(-1, 3), axis=0)) > 200 and not black_edge


def test_xorg_takes_our_rules_and_shows_the_screen_alone(core: StandInCore, tmp_path: Path) -> None:
    server = command_of("yingbin-display.service")
    assert shutil.which(server[0]), "Xorg is needed: apt-get install xserver-xorg-core xserver-xorg-video-dummy"
    rules = tmp_path / "rules"
    rules.mkdir()
    shutil.copy(UNITS / "kiosk" / "10-yingbin-xorg.conf", rules)
    (rules / "90-memory.conf").write_text(DUMMY)
    reading, writing = os.pipe()
    server = ["-displayfd" if word == ":0" else word for word in server]
    server.insert(server.index("-displayfd") + 1, str(writing))
    log = tmp_path / "Xorg.log"
    server[server.index("-logfile") + 1] = str(log)
    display = subprocess.Popen([*server, "-configdir", str(rules)], pass_fds=(writing,), stderr=subprocess.DEVNULL)
    os.close(writing)
    screen: subprocess.Popen[bytes] | None = None
    try:
        assert select.select([reading], [], [], 20)[0], log.read_text("utf-8")[-2_000:]
        name = f":{os.read(reading, 16).decode().strip()}"
        command = screen_of(command_of("yingbin-screen.service"), core.path)
        screen = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "DISPLAY": name})
        drawn(core)
        deadline_s = time.monotonic() + 20
        while not is_hers(ImageGrab.grab(xdisplay=name)) and time.monotonic() < deadline_s:
            time.sleep(0.2)  # a busy machine
        assert is_hers(ImageGrab.grab(xdisplay=name))
    finally:
        os.close(reading)
        if screen is not None:
            ended(screen)
        ended(display)
    said = log.read_text("utf-8")
    for option in ("DontVTSwitch", "DontZap"):
        assert f'(**) Option "{option}" "true"' in said
    assert '(**) Option "BlankTime" "0"' in said and "(EE) Failed" not in said


def test_the_compositor_shows_the_screen_alone(core: StandInCore, tmp_path: Path) -> None:
    command = command_of("kiosk/screen-cage.conf")
    assert command[0] == "/usr/bin/cage" and shutil.which("cage"), "cage is needed: apt-get install cage xwayland"
    assert shutil.which("Xwayland"), "cage does not start without it: apt-get install xwayland"
    run = tmp_path / "run"
    run.mkdir(mode=0o700)
    nobody: list[str] = []
    if os.geteuid() == 0:  # it refuses to be root; what it may read stays as it is for this test
        capability = "+dac_override"
        nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", f"--inh-caps={capability}",
                  f"--ambient-caps={capability}"]  # fmt: skip
        os.chown(run, 65534, 65534)
    environment = {
        **os.environ, "DISPLAY": "", "SDL_VIDEODRIVER": "x11", "XDG_RUNTIME_DIR": str(run), "HOME": str(tmp_path),
        "WLR_BACKENDS": "headless", "WLR_LIBINPUT_NO_DEVICES": "1", "WLR_RENDERER": "pixman",
    }  # fmt: skip
    screen = screen_of(command, core.path)
    session = subprocess.Popen([*nobody, *command[: command.index("--") + 1], *screen], cwd=ROOT, env=environment,
                               stderr=(tmp_path / "cage.log").open("wb"))  # fmt: skip
    try:
        drawn(core)  # what reaches the glass is not looked at: the backend without a graphics card composes nothing
        ready = core.until(Ready)
        assert (ready.width, ready.height) == (1280, 720)  # the whole output, as wlroots makes it
        assert session.poll() is None
    finally:
        ended(session)
